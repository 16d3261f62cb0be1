// From the sealed reply to the token file: written only where the generation that was spent still stands.
//
// That the disk does not take it is no harm: whoever reads follows the seal. That the file is gone is a decision of
// somebody's, and nothing is brought back against it.
import { AuthError } from "../../machines/errors.ts";
import type { RefreshEvent } from "../../machines/refresh.ts";
import type { Provider } from "../../providers/provider.ts";
import type { StoredCredential } from "../store/codec.ts";
import type { Sealed } from "../store/evidence.ts";
import type { AccountName } from "../store/names.ts";
import type { Wiring } from "../wiring.ts";
import { isSame } from "./answers.ts";
import { successorOf } from "./successor.ts";

/** @param asked what was spent */
export function checkpoint(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  asked: StoredCredential,
  sealed: Sealed,
): RefreshEvent {
  const { store, faults, journal } = wiring;
  const { lineage } = asked;
  const judged = successorOf(provider, asked, sealed);
  if (judged.kind === "refused") return { type: "reply.refused", verdict: { kind: "rejected", code: judged.code } };
  if (judged.kind === "noise") return { type: "reply.lost", verdict: { kind: "unavailable", code: judged.code } };
  if (judged.kind === "unusable")
    return { type: "reply.unusable", verdict: { kind: "rejected", code: "reply_unusable" } };
  try {
    const ours: { credential: StoredCredential | null } = { credential: null };
    const now = store.write(name, (current) => {
      // Told anew from what stands there now: a snapshot or a name may have been noted meanwhile.
      const next = isSame(current, asked) ? successorOf(provider, current, sealed) : null;
      ours.credential = next?.kind === "successor" ? next.credential : null;
      return ours.credential ?? current;
    });
    if (now === null) return { type: "file.gone", verdict: { kind: "signedOut", code: null } };
    if (now !== ours.credential) {
      const verdict = { kind: "adopted", code: null } as const;
      return { type: now.lineage === lineage ? "file.written" : "file.gone", verdict };
    }
    const { expiresAt } = now;
    const step = { step: "checkpointed", generation: now.generation, attempt: sealed.attempt } as const;
    journal.note({ ...step, ...name, lineage, expiresAt });
    return { type: "file.written", verdict: { kind: "refreshed", code: null } };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    faults.note(name, error);
    const { generation } = asked;
    journal.noteNews({ step: "postponed", ...name, lineage, generation, attempt: sealed.attempt, code: error.code });
    return { type: "file.postponed", verdict: { kind: "unavailable", code: error.code } };
  }
}
