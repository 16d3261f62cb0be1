// The sign-in that this process takes part in: sent on its way through the machine, shown to whoever asked, and followed to
// its end. What became of it is read from the store, whichever process ended it.
import type { Account, LoginRequest } from "./account.ts";
import { type CredentialSnapshot, isSigningIn, loginOf, resultOf, type Running } from "./actor.ts";
import type { Desk } from "./login/desk.ts";
import { pendingRow, type Status } from "./status.ts";
import { type AccountName, stemOf } from "./store/names.ts";
import type { Attempt } from "./store/pending.ts";
import type { Findings } from "./survey.ts";

/** What signing in needs of the account that it is for. */
export interface SignInParts {
  readonly desk: Desk;
  readonly name: AccountName;
  readonly running: () => Running;
  readonly findings: () => Findings;
  readonly status: Account["status"];
  /** @throws AuthError when that is how something ended */
  readonly throwFailure: (result: CredentialSnapshot["context"]["result"]) => void;
}

export interface Begun {
  /** Lineage that was stored when it was asked for. */
  readonly before: string | null;
  /** Null: it ended before it could be shown. */
  readonly attempt: string | null;
  /** Keeps the process alive until it has ended. */
  readonly ended: Promise<CredentialSnapshot>;
}

export function createUnderWay({ desk, name, running, findings, status, throwFailure }: SignInParts) {
  const lineageNow = (): string | null => findings().survey.facts?.lineage ?? null;
  /** As the machine knows it: what it learns later is news. */
  const lineageBefore = (): string | null => running().actor.getSnapshot().context.survey.facts?.lineage ?? null;

  let waiting = 0;
  /** Waits for it in somebody's name: nothing else takes its place meanwhile. */
  const awaited = async <Value>(work: Promise<Value>): Promise<Value> => {
    waiting += 1;
    try {
      return await work;
    } finally {
      waiting -= 1;
    }
  };

  /** Sends a sign-in on its way, and waits until it can be shown, or has ended. */
  const begin = async (
    request: LoginRequest,
    resumed: Attempt | null,
    enough?: (snapshot: CredentialSnapshot) => boolean,
  ): Promise<Begun> => {
    const { actor, settled } = running();
    const before = lineageBefore();
    let shown: (() => void) | undefined;
    let attempt: string | null = null;
    const announced = new Promise<void>((resolve) => (shown = resolve));
    desk.announcements.set(stemOf(name), (begun, part) => {
      attempt = begun.attempt;
      request.onPending?.(pendingRow(begun), part);
      shown?.();
    });
    try {
      actor.send({
        type: "login.requested",
        grant: resumed?.kind ?? request.grant ?? null,
        port: request.port ?? null,
        timeoutMs: request.timeoutMs ?? null,
        attempt: resumed?.attempt ?? null,
      });
      const ended = settled(request.signal, enough);
      await Promise.race([announced, ended]);
      return { before, attempt, ended };
    } finally {
      desk.announcements.delete(stemOf(name));
    }
  };

  /** The sign-in that this process takes part in, once it is past its beginning. Null: none. */
  const own = async (signal?: AbortSignal): Promise<Attempt | null> => {
    const now = await running().settled(signal, (snapshot) => loginOf(snapshot)?.hasTag("pendingAuth") === false);
    const attempt = isSigningIn(now) ? desk.waiting.get(stemOf(name)) : undefined;
    return attempt === undefined ? null : desk.pending.get(name, attempt);
  };

  /** Until nothing is under way here any more. What nobody in this process waits for is left to the others. */
  const makeWay = async (signal?: AbortSignal): Promise<void> => {
    const { actor, settled } = running();
    if (isSigningIn(await settled(signal, isSigningIn)) && waiting === 0) actor.send({ type: "login.left" });
    await settled(signal);
  };

  /** It has ended: well, if a new lineage is stored. @throws AuthError how it ended otherwise */
  const signedIn = (before: string | null): Status => {
    const lineage = lineageNow();
    if (lineage !== null && lineage !== before) return status();
    throwFailure(resultOf(running().actor.getSnapshot()));
    throw desk.faults.recall(name, "sign_in_cancelled");
  };

  const finish = async ({ detach = false }: LoginRequest, { before, attempt, ended }: Begun): Promise<Status> => {
    if (detach) ended.catch(() => undefined);
    else await awaited(ended);
    // Another sign-in may be under way as well: only its own record tells that this one still is.
    return detach && attempt !== null && desk.pending.has(name, attempt) ? status() : signedIn(before);
  };

  /** Waits for the end of what this process takes part in already. */
  const follow = async (record: Attempt | null, request: LoginRequest): Promise<Status> => {
    const before = lineageBefore();
    if (record !== null) request.onPending?.(pendingRow(record), { joined: true });
    return finish(request, { before, attempt: record?.attempt ?? null, ended: running().settled(request.signal) });
  };

  return { lineageNow, isAwaited: () => waiting > 0, awaited, begin, own, makeWay, signedIn, finish, follow };
}
