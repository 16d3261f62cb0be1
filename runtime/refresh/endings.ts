// How a refresh ends, state by state: what is noted in the token file, what stays on the disk for the next one, and what is
// taken away. Nothing here sends a refresh token, and nothing deletes a login.
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import type { RefreshSteps } from "../../machines/refresh.ts";
import type { Provider } from "../../providers/provider.ts";
import { discard } from "../discard.ts";
import { settleSignIns } from "../login/settle.ts";
import { putOff, refusedToRenew, waitingUntil } from "../store/credential.ts";
import type { StoredCredential } from "../store/codec.ts";
import type { AccountName } from "../store/names.ts";
import { spentBy } from "../store/spend.ts";
import type { Wiring } from "../wiring.ts";
import { isSame } from "./answers.ts";
import { isForgiven, leftInDoubt } from "./doubt.ts";
import type { Presented } from "./presentation.ts";
import { successorOf } from "./successor.ts";
import { type Noting, spending, type Way } from "./way.ts";

type Endings = Pick<
  RefreshSteps,
  "checkpointed" | "refused" | "interrupted" | "blocked" | "unprocessed" | "unanswered" | "discarding"
>;

export function endings(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  way: Way,
  { note, noted, paused }: Noting,
): Endings {
  const { host, store, spend } = wiring;
  const current = () => spending(way);
  const failed = (): Extract<Presented, { kind: "unprocessed" | "lost" }> => {
    if (way.presented?.kind === "unprocessed" || way.presented?.kind === "lost") return way.presented;
    return { kind: "lost", code: "reply_malformed", retryAfterMs: null };
  };

  /** Removes what is about another token than that of the token file, when a power failure cannot bring that one back. */
  const sweep = (isWanted: (stored: StoredCredential | null) => boolean): void => {
    try {
      store.sync(name);
      const found = store.read(name);
      const stored = found.kind === "stored" ? found.credential : null;
      if (found.kind !== "unreadable" && isWanted(stored)) spend.clean(name, stored === null ? null : spentBy(stored));
    } catch (error) {
      // What is left fits nothing that is read, and goes with the next refresh.
      if (!(error instanceof AuthError)) throw error;
    }
  };

  return {
    checkpointed: () => {
      sweep((stored) => stored !== null);
      return { type: "step.done" };
    },
    refused: () => {
      const { spent, credential } = current();
      // A sign-in that waits for this lock makes it the last word about a login that is no more.
      settleSignIns(wiring, name);
      const code = lastWord(way, way.presented?.kind === "refused" ? way.presented.code : "refresh_refused");
      const now = noted((before) => refusedToRenew(before, code));
      // Answered and noted, nothing is in doubt any more. Without the note, the permit is all that tells of it.
      if (isSame(now, credential) && now.refused?.generation === now.generation)
        spend.withdraw(name, spent, way.attempt);
      if (now === null) return { type: "step.done", verdict: { kind: "signedOut", code: null } };
      // Whether or not the disk took the note: the server has said it.
      if (!isSame(now, credential)) return { type: "step.done", verdict: { kind: "adopted", code: null } };
      const isInterrupted = code === "refresh_interrupted";
      if (isInterrupted) wiring.faults.note(name, new AuthError(code, { ...name, detail: interruption(way) }));
      const word = way.presented?.kind === "refused" ? way.presented.oauthError : null;
      note(isInterrupted ? "interrupted" : "refused", { code, word, permit: way.doubted });
      return { type: "step.done", verdict: { kind: "rejected", code } };
    },
    interrupted: () => {
      wiring.faults.note(name, new AuthError("refresh_interrupted", { ...name, detail: interruption(way) }));
      noted((before) => refusedToRenew(before, "refresh_interrupted"));
      note("interrupted", { code: "refresh_interrupted", permit: way.doubted });
      return { type: "step.done" };
    },
    blocked: () => {
      noted((before) => refusedToRenew(before, "reply_unusable"));
      note("blocked", { code: "reply_unusable" });
      return { type: "step.done" };
    },
    unprocessed: () => {
      const { code, retryAfterMs } = failed();
      spend.withdraw(name, current().spent, way.attempt);
      note("withdrawn", { code });
      return { type: "step.done", verdict: paused(code, (before) => putOff(before, code, host.now(), retryAfterMs)) };
    },
    unanswered: () => {
      const { credential, spent } = current();
      const { code, retryAfterMs } = failed();
      leftInDoubt(wiring, provider, name, spent, way);
      note("unanswered", { code });
      // Whoever asks next presents it again while that is forgiven: a pause would outlast it.
      if (retryAfterMs === null && isForgiven(wiring, provider, name, spent)) {
        return { type: "step.done", verdict: { kind: "unavailable", code } };
      }
      // A repeat could cost an access token that is still good. One that the API refuses is not, and then this pause is
      // what keeps every further 401 from presenting the refresh token again.
      const isSpared = provider.rotation !== "never" && !way.forced;
      const notBefore = isSpared ? credential.expiresAt : 0;
      const verdict = paused(code, (before) => {
        const next = putOff(before, code, host.now(), retryAfterMs);
        return waitingUntil(next, code, Math.max(next.retry?.at ?? 0, notBefore));
      });
      return { type: "step.done", verdict };
    },
    discarding: async () => {
      const { credential } = current();
      // Another login may stand there by now, with evidence of its own.
      const stored = store.read(name);
      sweep(() => true);
      const lost = way.sealed === null ? null : successorOf(provider, credential, way.sealed);
      // A program that knows no lineage may have renewed the same grant: taking ours back would end that, too.
      const isForeign = stored.kind === "stored" && stored.credential.lineage === null;
      if (lost?.kind === "successor" && !isForeign) await discard(wiring, provider, name, lost.credential);
      return { type: "step.done" };
    },
  };
}

/** A repeat that is refused says that the first one was processed, and its reply lost. */
export function lastWord({ doubted }: Way, code: ErrorCode): ErrorCode {
  return doubted !== null && code === "refresh_refused" ? "refresh_interrupted" : code;
}

/** By whom, and when, for people. */
function interruption({ doubted }: Way): string {
  if (doubted?.holder == null) return "by a process that left no name";
  return `process ${doubted.holder.pid}, ${new Date(doubted.holder.at).toISOString()}`;
}
