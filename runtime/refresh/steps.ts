// What is done in each state of the refresh protocol (`machines/refresh.ts`), for one account and one demand.
//
// The order of the writes is the protocol: room, permit, request, seal, token file, each on the disk before the next. What
// goes wrong before the request costs nothing; after it, nothing may fail before the seal is written.
import { setTimeout } from "node:timers/promises";
import type { Weighed } from "../../machines/doubt.ts";
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import type { RefreshEvent, RefreshSteps, RefreshVerdict } from "../../machines/refresh.ts";
import type { Provider } from "../../providers/provider.ts";
import { settleSignIns } from "../login/settle.ts";
import { checkBinding, registrationOf } from "../registration.ts";
import { credible, putOff, waitingUntil } from "../store/credential.ts";
import type { StoredCredential } from "../store/codec.ts";
import type { Permit } from "../store/evidence.ts";
import type { AccountName } from "../store/names.ts";
import { spentBy } from "../store/spend.ts";
import type { Stored } from "../store/store.ts";
import type { Wiring } from "../wiring.ts";
import { type FreshDemand, isSame, withoutRequest } from "./answers.ts";
import { checkpoint } from "./checkpoint.ts";
import { ourselves } from "./holder.ts";
import { pauses } from "./locks.ts";
import { interruptedBy, judged } from "./doubt.ts";
import { endings, lastWord } from "./endings.ts";
import { beginning, noting, spending } from "./way.ts";
import { present } from "./presentation.ts";
import { holdSignals } from "./signals.ts";

/** Nobody was asked: once it is put right, the next try need not wait. */
const ownMistakes: ReadonlySet<ErrorCode> = new Set([
  "credential_elsewhere",
  "client_missing",
  "settings_invalid",
  "endpoint_insecure",
  "store_failed",
  "store_unsafe",
  "store_corrupt",
]);

const budgetMs = 45_000;
const rescueMs = 60_000;

/** @param spared what a waiter sees without the lock that makes it needless; null: go on waiting */
export function refreshSteps(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  demand: FreshDemand,
  spared: () => RefreshVerdict | null,
): RefreshSteps {
  const { host, store, spend, locks } = wiring;
  const way = beginning(demand);
  const written = noting(way, wiring, name);
  const { note, noteNews, paused } = written;
  const current = () => spending(way);
  const rescue = pauses(rescueMs);

  const weighed = (permit: Permit): Promise<Weighed> =>
    judged(wiring, provider, name, { ...current(), permit, demand });

  const isSpendable = (found: Stored, credential: StoredCredential): boolean => {
    if (found.kind !== "stored" || !isSame(found.credential, credential)) return false;
    return demand.force || found.credential.refused?.generation !== credential.generation;
  };

  const toCheckpoint = (): RefreshEvent => {
    if (way.sealed === null) throw new TypeError("nothing is sealed");
    const event = checkpoint(wiring, provider, name, current().credential, way.sealed);
    const code = ("verdict" in event ? event.verdict?.code : null) ?? "reply_malformed";
    if (event.type === "reply.lost") way.presented = { kind: "lost", code, retryAfterMs: null };
    if (event.type === "reply.refused") way.presented = { kind: "refused", code, oauthError: null };
    return event;
  };

  return {
    ...endings(wiring, provider, name, way, written),
    locking: async () => {
      for (const pause of pauses(budgetMs)) {
        const verdict = spared();
        if (verdict !== null) return { type: "lock.spared", verdict };
        way.lock = locks.tryTake(name);
        if (way.lock !== null) return { type: "lock.taken" };
        await setTimeout(pause);
      }
      wiring.faults.note(name, locks.busy(name));
      return { type: "lock.spared", verdict: { kind: "unavailable", code: "lock_busy" } };
    },
    rereading: () => {
      settleSignIns(wiring, name);
      const found = store.read(name);
      if (found.kind === "unreadable") {
        wiring.faults.note(name, found.error);
        return { type: "file.answers", verdict: { kind: "unavailable", code: found.error.code } };
      }
      if (found.kind === "absent") return { type: "file.answers", verdict: { kind: "signedOut", code: null } };
      way.credential = credible(found.credential, host.now());
      const spent = spentBy(way.credential);
      way.sealed = spent === null ? null : spend.sealed(name, spent);
      if (way.sealed !== null) {
        way.attempt = way.sealed.attempt;
        return { type: "seal.found" };
      }
      const verdict = withoutRequest(way.credential, demand, host.now());
      if (verdict !== null) return { type: "file.answers", verdict };
      if (spent === null) throw new TypeError("without a refresh token there is an answer");
      way.doubted = spend.permits(name, spent)[0] ?? null;
      way.attempt = spend.nextAttempt(name, spent);
      return { type: way.doubted !== null ? "permit.found" : "file.spendable" };
    },
    weighing: async () => {
      const { credential } = current();
      if (way.doubted === null) throw new TypeError("there is no doubt without a permit");
      const may = await weighed(way.doubted);
      if (may.kind === "repeat") return { type: "repeat.allowed" };
      if (may.kind === "over")
        return { type: "repeat.over", verdict: { kind: "rejected", code: "refresh_interrupted" } };
      const now = host.now();
      const at = may.inMs === null ? Math.max(credential.expiresAt, now) : now + may.inMs;
      const verdict = paused("refresh_uncertain", (before) => waitingUntil(before, "refresh_uncertain", at));
      return { type: "repeat.postponed", verdict };
    },
    preparing: async () => {
      const { credential, spent } = current();
      try {
        way.registration = await registrationOf(provider, host, wiring.sender);
        checkBinding(provider, credential, way.registration.by);
        // What is loaded from the disk now cannot be missing when the token is on its way.
        await wiring.sender.ready();
        store.checkRoom(name);
        // A power failure must not bring back what was before this token: its seal would fit nothing.
        store.sync(name);
        spend.makeRoom(name, spent, way.attempt);
        return { type: "room.made" };
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        wiring.faults.note(name, error);
        const { code } = error;
        if (ownMistakes.has(code)) {
          noteNews("hindered", { code });
          return { type: "room.refused", verdict: { kind: "unavailable", code } };
        }
        return { type: "room.refused", verdict: paused(code, (before) => putOff(before, code, host.now(), null)) };
      }
    },
    prepared: async () => {
      const { credential, spent } = current();
      const { doubted, attempt } = way;
      const interrupted = doubted === null ? 0 : interruptedBy(doubted);
      const permit = { attempt, holder: ourselves(host.now()), of: spent.of, ended: false, interrupted };
      try {
        if (!spend.allow(name, spent, permit)) return { type: "permit.taken" };
        // Where a lock lies, somebody may have spent this token since it was read, and have swept all traces of that. And
        // making room may have taken longer than the server forgives.
        const isLate = doubted !== null && (await weighed(doubted)).kind !== "repeat";
        if (isLate || !isSpendable(store.read(name), credential)) {
          spend.withdraw(name, spent, attempt);
          return { type: "permit.taken" };
        }
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        wiring.faults.note(name, error);
        noteNews("hindered", { code: error.code });
        return { type: "permit.refused", verdict: { kind: "unavailable", code: error.code } };
      }
      if (doubted !== null) note("repeated", { permit: doubted });
      note("permitted");
      return { type: "permit.written" };
    },
    permitted: async () => {
      const { credential, spent } = current();
      if (way.registration === null) throw new TypeError("nothing is sent before it is known where to");
      way.letGo = holdSignals();
      way.presented = await present(wiring, provider, name, credential, way.registration, {
        spent,
        attempt: way.attempt,
      });
      if (way.presented.kind === "arrived") {
        way.sealed = way.presented.sealed;
        return { type: "reply.arrived" };
      }
      const { kind, code } = way.presented;
      if (kind === "refused")
        return { type: "reply.refused", verdict: { kind: "rejected", code: lastWord(way, code) } };
      return { type: `reply.${kind}`, verdict: { kind: "unavailable", code } };
    },
    replied: () => {
      const { spent } = current();
      if (way.sealed === null) throw new TypeError("nothing arrived");
      try {
        spend.seal(name, spent, way.attempt, way.sealed);
        note("sealed");
        return { type: "seal.written" };
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        wiring.faults.note(name, error);
        return { type: "seal.failed" };
      }
    },
    unsealed: async () => {
      const event = toCheckpoint();
      if (event.type !== "file.postponed") return event;
      const next = rescue.next();
      if (next.done === true) return { type: "step.done", verdict: { kind: "unavailable", code: "store_failed" } };
      await setTimeout(next.value);
      return event;
    },
    sealed: () => {
      const event = toCheckpoint();
      // Whoever reads follows the seal.
      return event.type === "file.postponed" ? { ...event, verdict: { kind: "refreshed", code: null } } : event;
    },
    salvaging: () => {
      const event = toCheckpoint();
      if (event.type === "file.written") note("salvaged");
      return event;
    },
    releasing: () => {
      spend.leave(name);
      way.lock?.release();
      way.letGo?.();
      return { type: "step.done" };
    },
  };
}
