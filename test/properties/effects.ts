// The other effects in this world, by the contract of `machines/life.ts`: reading the facts, logging out, and hearing of
// what other processes do. And the table of all of them, which is what a machine is given.
import type { AuthError, ErrorCode } from "../../machines/errors.ts";
import type { AccountReference, Choice, LoggedOut, Revocation } from "../../machines/life.ts";
import type { Survey } from "../../machines/facts.ts";
import { revokeRequest } from "../../runtime/wire/request.ts";
import { revokeReply } from "../../runtime/wire/response.ts";
import type { Disk, Part } from "./disk.ts";
import { ensureFresh } from "./renewing.ts";
import { begin, exchange, poll } from "./signing-in.ts";
import type { Work } from "./task.ts";
import type { Site } from "./world.ts";

function* survey({ disk }: Site, { choice }: { readonly choice: Choice | null }): Work<Survey> {
  yield { at: "the facts are read" };
  carryOut(disk, choice);
  const found = disk.look();
  yield { at: "the facts are told" };
  return found;
}

function carryOut(disk: Disk, choice: Choice | null): void {
  if (choice === null) return;
  if (choice === "reset") {
    const before = disk.isEnabled();
    disk.pending.removeAll();
    const wasThere = disk.text() !== null;
    disk.remove();
    if (wasThere && before === undefined) disk.enable(true);
    return;
  }
  disk.enable(choice === "enable");
  if (choice === "disable") disk.pending.removeAll();
}

/** Deletes here first, then revokes there. */
function* logOut(site: Site, { revoke }: AccountReference & { readonly revoke: boolean }): Work<LoggedOut> {
  const { world, disk, task } = site;
  const { provider, endpoints, client, vendor } = world;
  yield { at: "the tokens are deleted" };
  const found = disk.read();
  disk.pending.removeAll();
  if (found.kind === "unreadable") throw found.error;
  const credential = found.kind === "absent" ? null : disk.latest(found.credential);
  disk.remove();
  yield { at: "what a refresh has left is swept" };
  if (disk.lock.take("account", task)) {
    disk.remove();
    disk.clean(null);
    disk.granted.clear();
    disk.lock.give("account", task);
  }
  let revocation: Revocation = "nothing";
  if (credential !== null) {
    const token = credential.refreshToken ?? credential.accessToken;
    revocation = "skipped";
    const login = vendor.loginOfToken(token.reveal());
    if (login !== null) login.excused = true;
    if (revoke && endpoints.revocation !== null) {
      yield { at: "the revocation arrives" };
      const answer = vendor.receives(revokeRequest(provider, { endpoints, client, token }), disk.name.account);
      yield { at: "its reply arrives" };
      const isDone = answer.kind === "reply" && revokeReply(answer.reply).kind === "revoked";
      revocation = isDone ? "revoked" : "failed";
    }
  }
  const after = disk.look();
  const isGone = credential === null || after.facts?.lineage !== credential.lineage;
  world.ledger.note({ kind: "loggedOut", account: disk.name.account, isGone });
  yield { at: "the end is told" };
  return { revocation, survey: after };
}

const longestHoldMs = 300;

/** What a process does when it hears of a change (`runtime/following.ts`). */
export function* notice({ world, process, disk }: Site, what: Part | "wake"): Work<void> {
  const tell = (event: { readonly type: string }): void => {
    for (const watcher of process.watchers) watcher.tells(event);
  };
  const lookAtTokens = (): void => {
    if (process.storing > 0) return;
    const { facts } = disk.look();
    const seen = { lineage: facts?.lineage ?? null, generation: facts?.generation ?? null };
    tell({ type: "store.changed", ...seen });
  };
  if (what === "wake" || what === "settings") {
    tell({ type: "system.resumed" });
    return;
  }
  if (what === "tokens") {
    // The sign-in that is being stored tells of itself; what another one does meanwhile is looked at afterwards.
    if (process.storing > 0) yield { at: "put off", isReady: () => process.storing === 0 };
    const { waiting } = process;
    if (waiting !== null && disk.pending.has(waiting)) {
      // Another process stores the tokens of a sign-in a moment before its record goes: who waits hears of both.
      const since = world.clock.steady();
      const isGone = () => process.waiting !== waiting || !disk.pending.has(waiting);
      yield { at: "held", isReady: () => isGone() || world.clock.steady() - since >= longestHoldMs };
    }
    lookAtTokens();
    return;
  }
  if (process.storing > 0) yield { at: "put off", isReady: () => process.storing === 0 };
  const { waiting } = process;
  const missing = waiting === null || disk.pending.has(waiting) ? null : waiting;
  if (missing !== null && missing !== process.missed) {
    lookAtTokens();
    const code = world.reasons.get(missing) as ErrorCode | undefined;
    tell(code === undefined ? { type: "login.cancelled" } : ({ type: "login.ended", code } as never));
  }
  process.missed = missing;
}

/** Removes the record of a sign-in that brought no tokens, and leaves the reason to whoever finds it gone. */
export function dropAttempt(
  world: { readonly reasons: Map<string, string>; readonly disk: (account: string) => Disk },
  account: string,
  outcome: { readonly kind: string; readonly attempt: string | null; readonly code?: AuthError["code"] },
): void {
  if (outcome.kind === "granted" || outcome.attempt === null) return;
  const { pending } = world.disk(account);
  if (outcome.kind === "failed" && outcome.code !== undefined && pending.has(outcome.attempt))
    world.reasons.set(outcome.attempt, outcome.code);
  pending.remove(outcome.attempt);
}

export const effects = { survey, logOut, ensureFresh, begin, exchange, poll };
