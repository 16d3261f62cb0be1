// What an account does: what a person or a script asks for becomes an event of the machine, and the answer is read from the
// store once the machine has settled.
import { AuthError } from "../machines/errors.ts";
import type { CredentialEvent, Result } from "../machines/life.ts";
import type { Provider } from "../providers/provider.ts";
import type { Account, LoginRequest } from "./account.ts";
import { isSigningIn, loginOf, resultOf, type Running } from "./actor.ts";
import { type Precedence, sourceOf } from "./credentials.ts";
import type { Desk } from "./login/desk.ts";
import { Secret } from "./secret.ts";
import { pendingRow, type Status, statusOf } from "./status.ts";
import { type AccountName, stemOf } from "./store/names.ts";
import type { Attempt } from "./store/pending.ts";
import { type Findings, look } from "./survey.ts";
import { pastedState } from "./wire/pasted.ts";

/** What an account is made of. */
export interface AccountParts {
  readonly desk: Desk;
  readonly provider: Provider;
  readonly name: AccountName;
  readonly running: () => Running;
  readonly why: (findings: Findings) => Precedence;
  readonly token: Account["token"];
  /** Renews the token if it is about to end, or anyhow. @returns how that ended; null: nothing was to be done */
  readonly renew: (force: boolean) => Promise<Pick<Result, "kind" | "code"> | null>;
  readonly rejected: Account["rejected"];
}

export function createAccount(parts: AccountParts): Account {
  const { desk, provider, name, running } = parts;
  const findings = (): Findings => look(desk, provider, name.account);

  const status = (): Status => {
    const found = findings();
    return statusOf(name, found, sourceOf(parts.why(found)));
  };

  /** @throws the fault of the token file */
  const sound = (): Findings => {
    const found = findings();
    if (found.fault !== null) throw found.fault;
    return found;
  };

  const checkEnabled = ({ survey }: Findings): void => {
    if (!survey.enabled) throw new AuthError("oauth_disabled", name);
  };

  /** Sends an event and waits for what comes of it, but for no person. @throws AuthError when it failed */
  const settle = async (event: CredentialEvent): Promise<Result | null> => {
    const { actor, settled } = running();
    const before = resultOf(actor.getSnapshot());
    actor.send(event);
    const after = resultOf(await settled(undefined, isSigningIn));
    if (after === before) return null;
    throwFailure(after);
    return after;
  };

  const throwFailure = (result: Pick<Result, "kind" | "code"> | null): void => {
    const failed = result !== null && ["failed", "cancelled", "rejected", "unavailable"].includes(result.kind);
    if (failed) throw desk.faults.recall(name, result.code ?? "internal");
  };

  /** Sends the sign-in on its way and waits for its end, or for `until`. */
  const signIn = async (request: LoginRequest, resumed: Attempt | null, until?: Parameters<Running["settled"]>[1]) => {
    const { actor, settled } = running();
    const before = await settled(request.signal, isSigningIn);
    if (isSigningIn(before)) await (waiting === 0 ? abandon() : settled(request.signal));
    let shown: (() => void) | undefined;
    let attempt: string | null = null;
    const announced = new Promise<void>((resolve) => (shown = resolve));
    desk.announcements.set(stemOf(name), (begun) => {
      attempt = begun.attempt;
      request.onPending?.(pendingRow(begun));
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
      const ended = settled(request.signal, until);
      await (request.detach === true ? Promise.race([announced, ended]) : awaited(ended));
      // Another sign-in may be under way as well: only its own record tells that this one still is.
      const isUnderWay = attempt !== null && desk.pending.has(name, attempt);
      return { before: before.context.survey.facts?.lineage ?? null, isUnderWay };
    } finally {
      desk.announcements.delete(stemOf(name));
    }
  };

  let waiting = 0;
  const awaited = async <Value>(work: Promise<Value>): Promise<Value> => {
    waiting += 1;
    try {
      return await work;
    } finally {
      waiting -= 1;
    }
  };

  /** Ends a sign-in that nobody in this process waits for any more. */
  const abandon = async (): Promise<void> => {
    const { actor, settled } = running();
    actor.send({ type: "login.cancelled" });
    await settled();
  };

  /** The sign-in has ended: well, if a new lineage is stored. */
  const signedIn = (before: string | null): Status => {
    const { survey } = findings();
    if (survey.facts !== null && survey.facts.lineage !== before) return status();
    throwFailure(resultOf(running().actor.getSnapshot()));
    throw desk.faults.recall(name, "sign_in_cancelled");
  };

  const pendingAttempt = (text: string | null): Attempt => {
    const attempts = desk.pending.list(name, desk.host.now());
    const state = text === null ? null : pastedState(text);
    const own = state === null ? undefined : attempts.find((attempt) => attempt.state?.matches(state));
    const isPastable = ({ kind }: Attempt) => text !== null && kind !== "device";
    const attempt = own ?? attempts.find(isPastable) ?? attempts[0];
    if (attempt === undefined) throw new AuthError("no_pending_sign_in", name);
    return attempt;
  };

  const login: Account["login"] = async (request = {}) => {
    if (!sound().survey.enabled) await settle({ type: "account.enabled" });
    const { before, isUnderWay } = await signIn(request, null);
    return request.detach === true && isUnderWay ? status() : signedIn(before);
  };

  const complete: Account["complete"] = async (text, signal) => {
    checkEnabled(sound());
    const { actor, settled } = running();
    const isWaiting = (snapshot: ReturnType<typeof actor.getSnapshot>) =>
      loginOf(snapshot)?.hasTag("awaitingCode") === true;
    let before = actor.getSnapshot().context.survey.facts?.lineage ?? null;
    if (!isWaiting(actor.getSnapshot())) {
      const attempt = pendingAttempt(text);
      if (attempt.kind === "device") {
        throw new AuthError("usage", {
          ...name,
          detail: "a device sign-in has nothing to paste; it is finished with wait",
        });
      }
      ({ before } = await signIn({ signal }, attempt, isWaiting));
    }
    actor.send({
      type: "login.pasted",
      handle: desk.vault.put({ kind: "pasted", text: new Secret("pasted_text", text) }),
    });
    const after = await awaited(settled(signal, (snapshot) => loginOf(snapshot)?.context.lastError != null));
    const code = loginOf(after)?.context.lastError ?? null;
    if (code !== null) throw desk.faults.recall(name, code);
    return signedIn(before);
  };

  const wait: Account["wait"] = async (request = {}) => {
    checkEnabled(sound());
    const { actor, settled } = running();
    const now = actor.getSnapshot();
    if (isSigningIn(now)) {
      const attempt = desk.waiting.get(stemOf(name));
      const record = attempt === undefined ? null : desk.pending.get(name, attempt);
      if (record !== null) request.onPending?.(pendingRow(record));
      await awaited(settled(request.signal));
      return signedIn(now.context.survey.facts?.lineage ?? null);
    }
    const { before } = await signIn(request, pendingAttempt(null));
    return signedIn(before);
  };

  const cancel: Account["cancel"] = async () => {
    const { actor, settled } = running();
    const wasSigningIn = isSigningIn(actor.getSnapshot());
    const open = desk.pending.list(name, desk.host.now());
    const removed = desk.pending.removeAll(name);
    for (const { attempt, kind } of open)
      desk.journal.note({ step: "signInCancelled", ...name, signIn: attempt, grant: kind });
    actor.send({ type: "login.cancelled" });
    await settled();
    if (removed === 0 && !wasSigningIn) throw new AuthError("no_pending_sign_in", name);
  };

  const logout: Account["logout"] = async ({ revoke = true } = {}) => {
    sound();
    const result = await settle({ type: "logout.requested", revoke });
    return { revocation: result?.revocation ?? "nothing", remaining: parts.why(findings()) };
  };

  const refresh: Account["refresh"] = async ({ force = false } = {}) => {
    const found = sound();
    checkEnabled(found);
    if (found.credential === null) throw new AuthError("sign_in_needed", name);
    throwFailure(await parts.renew(force));
    return status();
  };

  return {
    ...name,
    get actor() {
      return running().actor;
    },
    enable: async () => {
      await settle({ type: "account.enabled" });
      return parts.why(findings());
    },
    disable: async () => {
      await settle({ type: "account.disabled" });
    },
    login,
    complete,
    wait,
    cancel,
    logout,
    refresh,
    status,
    token: parts.token,
    rejected: parts.rejected,
    why: () => parts.why(findings()),
    reset: async () => {
      await settle({ type: "account.reset" });
      return status();
    },
  };
}
