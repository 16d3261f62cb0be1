// What an account does about signing in: begins a sign-in or joins one, finishes it, waits for it, ends it.
//
// A sign-in belongs to no process. Whoever asks for one takes part in what is under way, in this process or in another,
// unless something else was asked for; and only a person's `cancel` or its own end takes it away from the others.
import { AuthError } from "../machines/errors.ts";
import type { Provider } from "../providers/provider.ts";
import type { Account, LoginRequest } from "./account.ts";
import { type CredentialSnapshot, isSigningIn, loginOf } from "./actor.ts";
import { waitUntil } from "./alarm.ts";
import { enter, fits, isSignedIn, openFor, portOf } from "./login/entrance.ts";
import { signInElsewhere } from "./login/elsewhere.ts";
import { newestEnd } from "./login/ended.ts";
import { Secret } from "./secret.ts";
import type { Status } from "./status.ts";
import type { Attempt } from "./store/pending.ts";
import { createUnderWay, type SignInParts } from "./under-way.ts";
import { pastedState } from "./wire/pasted.ts";

export function createSignIns(
  provider: Provider,
  parts: SignInParts,
): Pick<Account, "complete" | "wait" | "cancel"> & { readonly login: (request: LoginRequest) => Promise<Status> } {
  const { desk, name, running, findings, status } = parts;
  const { pending, host, steady } = desk;
  const { lineageNow, isAwaited, awaited, begin, own, makeWay, signedIn, finish, follow } = createUnderWay(parts);

  /**
   * Takes part in what is under way already, whose deadline is not ours: whoever gives it less time stops waiting then, and
   * ends nothing.
   */
  const join = async <Answer>(
    { timeoutMs = null, signal, ...request }: LoginRequest,
    work: (limited: LoginRequest) => Promise<Answer>,
  ): Promise<Answer> => {
    const over = new AbortController();
    const ring = (): void => {
      over.abort(new AuthError("sign_in_timeout", name));
    };
    const stop = waitUntil(timeoutMs === null ? null : steady() + timeoutMs, steady, ring, false);
    try {
      const limit = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
      return await work({ ...request, signal: limit });
    } finally {
      stop();
    }
  };

  /** One try to join what is under way, or to begin a sign-in. Null: it is to be looked again. */
  const tryLogin = async (
    request: LoginRequest,
    isDone: () => boolean,
    passed: Set<string>,
  ): Promise<Status | null> => {
    const { signal } = request;
    await running().settled(signal, isSigningIn);
    const entrance = await enter(desk, name, signal);
    try {
      if (isDone()) return status();
      const mine = await own(signal);
      if (mine !== null && fits(mine, provider, request, host.now())) {
        entrance?.release();
        return await join(request, (limited) => follow(mine, limited));
      }
      if (isAwaited()) {
        entrance?.release();
        await running().settled(signal);
        return null;
      }
      await makeWay(signal);
      const record = await openFor(desk, provider, name, request, passed);
      if (record === null) {
        const begun = await begin(request, null);
        entrance?.release();
        return await finish(request, begun);
      }
      return await join({ ...request, port: portOf(record) }, async (limited) => {
        const begun = await begin(limited, record);
        if (begun.attempt === null && couldNotJoin(await begun.ended)) {
          passed.add(record.attempt);
          return null;
        }
        entrance?.release();
        return finish(limited, begun);
      });
    } finally {
      entrance?.release();
    }
  };

  const login = async (request: LoginRequest): Promise<Status> => {
    if (request.detach === true && (await signInElsewhere(desk, provider, name, request))) return status();
    const before = lineageNow();
    const passed = new Set<string>();
    // Somebody else was faster, or has just finished what this process was about to join.
    const isDone = (): boolean =>
      (request.ifNeeded === true && isSignedIn(findings())) || (passed.size > 0 && lineageNow() !== before);
    for (;;) {
      const found = await tryLogin(request, isDone, passed);
      if (found !== null) return found;
    }
  };

  /** The sign-in under way that the text belongs to, or else the newest. @throws AuthError `no_pending_sign_in` */
  const attemptFor = (text: string): Attempt => {
    const attempts = pending.list(name, host.now());
    const state = pastedState(text);
    const meant = state === null ? undefined : attempts.find((attempt) => attempt.state?.matches(state));
    const attempt = meant ?? attempts.find(({ kind }) => kind !== "device") ?? attempts[0];
    if (attempt === undefined) throw new AuthError("no_pending_sign_in", name);
    return attempt;
  };

  const complete: Account["complete"] = async (text, signal) => {
    const { actor, settled } = running();
    let before = actor.getSnapshot().context.survey.facts?.lineage ?? null;
    if (!isWaiting(actor.getSnapshot())) {
      const attempt = attemptFor(text);
      if (attempt.kind === "device") {
        throw new AuthError("usage", {
          ...name,
          detail: "a device sign-in has nothing to paste; it is finished with wait",
        });
      }
      await makeWay(signal);
      const begun = await begin({ signal }, attempt, isWaiting);
      ({ before } = begun);
      await begun.ended;
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

  /** Nothing is under way any more: who asks for the end is told it all the same. @throws AuthError how it ended otherwise */
  const ended = (): Status => {
    const end = newestEnd(desk.store.paths, name);
    if (end?.step === "signedIn" && end.lineage === lineageNow()) return status();
    if (end?.step === "signInFailed" && end.code != null) throw desk.faults.recall(name, end.code);
    throw new AuthError(end?.step === "signInCancelled" ? "sign_in_cancelled" : "no_pending_sign_in", name);
  };

  const wait: Account["wait"] = async (request = {}) => {
    if (isSigningIn(running().actor.getSnapshot())) return follow(await own(request.signal), request);
    const [attempt] = pending.list(name, host.now());
    if (attempt === undefined) return ended();
    await makeWay(request.signal);
    return finish({}, await begin(request, attempt));
  };

  const cancel: Account["cancel"] = async () => {
    const { actor, settled } = running();
    const wasSigningIn = isSigningIn(actor.getSnapshot());
    for (const { attempt, kind } of pending.list(name, host.now()))
      desk.journal.note({ step: "signInCancelled", ...name, signIn: attempt, grant: kind });
    const removed = pending.removeAll(name);
    actor.send({ type: "login.cancelled" });
    await settled();
    if (removed === 0 && !wasSigningIn) throw new AuthError("no_pending_sign_in", name);
  };

  return { login, complete, wait, cancel };
}

/** Whether a paste would be taken. */
function isWaiting(snapshot: CredentialSnapshot): boolean {
  return loginOf(snapshot)?.hasTag("awaitingCode") === true;
}

/** It has ended meanwhile, or its port is another program's now. */
function couldNotJoin({ context: { result } }: CredentialSnapshot): boolean {
  return result?.code === "port_busy" || result?.code === "no_pending_sign_in";
}
