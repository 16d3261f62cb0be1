// The beginning of a sign-in: a record with everything that its end will need, and a listener that is already bound.
//
// Verifier, state and nonce are separate draws (a verifier used as state would be in the browser's history, RFC 7636 7.1),
// fresh for every attempt. Only what is stored and bound is announced.
import { AuthError } from "../../machines/errors.ts";
import type { Begun, BeginInput } from "../../machines/login/login.ts";
import type { Provider } from "../../providers/provider.ts";
import { registrationOf } from "../registration.ts";
import { type AccountName, stemOf } from "../store/names.ts";
import type { Attempt } from "../store/pending.ts";
import { authorizeUrl, deviceRequest, newNonce, newState, newVerifier } from "../wire/request.ts";
import { deviceReply } from "../wire/response.ts";
import { announce, type Desk } from "./desk.ts";
import { choiceParameters } from "./identity.ts";
import { timesOf } from "./times.ts";
import { listenerAgain, listenerFor, noteAdopted } from "./serving.ts";

/**
 * Begins an attempt, or takes up one that another process began. Rejects only for defects.
 * @param signal aborted when nobody wants it any more: then it leaves nothing behind.
 */
export async function begin(desk: Desk, input: BeginInput, signal: AbortSignal): Promise<Begun> {
  const provider = desk.provider(input.provider);
  desk.waiting.delete(stemOf(input));
  try {
    const attempt = await (input.attempt === null ? start(desk, provider, input) : takeUp(desk, input, input.attempt));
    if (signal.aborted) {
      if (input.attempt === null) desk.pending.remove(input, attempt.attempt);
      await leave(desk, input, attempt.attempt);
      return { kind: "failed", code: "sign_in_cancelled" };
    }
    desk.waiting.set(stemOf(input), attempt.attempt);
    const serves = desk.turns.has(attempt.attempt);
    noteReady(desk, input, attempt, serves);
    announce(desk, attempt, attempt, { joined: !serves });
    return { kind: "ready", attempt: attempt.attempt, serves, ...timesOf(desk, attempt) };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    desk.faults.note(input, error);
    return { kind: "failed", code: error.code };
  }
}

function noteReady(desk: Desk, { provider, account, attempt: takenUp }: BeginInput, record: Attempt, serves: boolean) {
  if (takenUp !== null && serves) return noteAdopted(desk, record);
  const step = takenUp === null ? "signInBegun" : "signInJoined";
  const { attempt: signIn, kind: grant, expiresAt: deadlineAt } = record;
  desk.journal.note({ step, provider, account, signIn, grant, deadlineAt });
}

/** Leaves an attempt as it is, to whoever else takes part in it. */
async function leave({ listeners, turns }: Desk, name: AccountName, attempt: string): Promise<void> {
  const listener = listeners.get(attempt);
  listeners.delete(attempt);
  await listener?.close();
  turns.give(name, attempt);
}

async function start(desk: Desk, provider: Provider, input: BeginInput): Promise<Attempt> {
  if (!provider.grants.includes(input.grant)) {
    throw new AuthError("grant_unsupported", { provider: provider.name, detail: input.grant });
  }
  desk.pending.sweep(desk.host.now());
  desk.turns.sweep(input);
  // Nobody is sent to a browser for a login that could not be kept.
  desk.store.checkRoom(input);
  const attempt =
    input.grant === "device" ? await startDevice(desk, provider, input) : await startCode(desk, provider, input);
  try {
    // Before anybody else can find the record.
    desk.turns.take(input, attempt.attempt);
    desk.pending.put(attempt);
  } catch (error) {
    await leave(desk, input, attempt.attempt);
    throw error;
  }
  return attempt;
}

async function startCode(desk: Desk, provider: Provider, input: BeginInput): Promise<Attempt> {
  const { host, sender, listeners } = desk;
  const { client, endpoints, by } = await registrationOf(provider, host, sender);
  const attempt = newAttempt(desk);
  const redirectUri = await redirectFor(desk, provider, input, attempt);
  try {
    const state = newState(host.randomBytes);
    const verifier = newVerifier(host.randomBytes);
    const nonce = provider.scopes.includes("openid") ? newNonce(host.randomBytes) : null;
    const stored = desk.store.read(input);
    const extra = choiceParameters(provider, input, stored.kind === "stored" ? stored.credential : null);
    const record: Attempt = {
      ...common(desk, input, attempt),
      ...by,
      url: authorizeUrl(provider, { endpoints, client, redirectUri, state, verifier, nonce, extra }),
      urlComplete: null,
      userCode: null,
      redirectUri,
      intervalMs: 0,
      restsUntil: null,
      iss: endpoints.issuer,
      issSent: endpoints.issSent,
      state,
      verifier,
      nonce,
      deviceCode: null,
    };
    listeners.get(attempt)?.expect({ state, issuer: endpoints.issuer, issSent: endpoints.issSent });
    return record;
  } catch (error) {
    await listeners.get(attempt)?.close();
    listeners.delete(attempt);
    throw error;
  }
}

async function redirectFor(desk: Desk, provider: Provider, input: BeginInput, attempt: string): Promise<string> {
  if (input.grant === "paste") {
    if (provider.paste === null) throw new AuthError("grant_unsupported", { ...input, detail: "paste" });
    return provider.paste.redirectUri;
  }
  if (provider.loopback === null) throw new AuthError("grant_unsupported", { ...input, detail: "loopback" });
  const listener = await listenerFor(provider.name, provider.loopback, input.port);
  desk.listeners.set(attempt, listener);
  return listener.redirectUri;
}

async function startDevice(desk: Desk, provider: Provider, input: BeginInput): Promise<Attempt> {
  const { host, sender } = desk;
  const { client, endpoints, by } = await registrationOf(provider, host, sender);
  const verifier = provider.device?.pkce === true ? newVerifier(host.randomBytes) : null;
  const requestId = Buffer.from(host.randomBytes(16)).toString("hex");
  const reply = await sender.exchange(deviceRequest(provider, { endpoints, client, verifier, requestId }));
  if ("kind" in reply) throw new AuthError(reply.code, { ...input, detail: reply.detail });
  const outcome = deviceReply(provider, reply);
  if (outcome.kind !== "started") {
    const { code, oauthError, status } = outcome;
    throw new AuthError(code, { ...input, oauthError, status, detail: oauthError ?? `HTTP ${status}` });
  }
  const own = common(desk, input, newAttempt(desk));
  return {
    ...own,
    ...by,
    expiresAt: Math.min(outcome.expiresAt, own.expiresAt ?? Infinity),
    url: outcome.verificationUri,
    urlComplete: outcome.verificationUriComplete,
    userCode: outcome.userCode,
    redirectUri: provider.device?.redirectUri ?? null,
    intervalMs: outcome.intervalMs,
    restsUntil: null,
    iss: null,
    issSent: false,
    state: null,
    verifier,
    nonce: null,
    deviceCode: outcome.deviceCode,
  };
}

/**
 * Takes up a recorded attempt: serves it, or joins who does. A port that is taken now leaves pasting as the way.
 * @throws AuthError `no_pending_sign_in`; `port_busy` if that very port is asked for
 */
async function takeUp(desk: Desk, input: BeginInput, attempt: string): Promise<Attempt> {
  const isServed = desk.pending.has(input, attempt) && !desk.turns.take(input, attempt);
  // Whoever ended it removed the record before the lock: what is here now is still to be served.
  const record = desk.pending.get(input, attempt);
  if (record === null || isServed) {
    desk.turns.give(input, attempt);
    if (record === null) throw new AuthError("no_pending_sign_in", input);
    return record;
  }
  try {
    const listener = await listenerAgain(desk, record);
    if (listener !== null) desk.listeners.set(attempt, listener);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    if (input.port !== null) {
      desk.turns.give(input, attempt);
      throw error;
    }
  }
  return record;
}

function common({ host }: Desk, { provider, account, grant, timeoutMs }: BeginInput, attempt: string) {
  const createdAt = host.now();
  const expiresAt = timeoutMs === null ? null : createdAt + timeoutMs;
  return { attempt, provider, account, kind: grant, createdAt, expiresAt };
}

function newAttempt({ host }: Desk): string {
  return Buffer.from(host.randomBytes(20)).toString("base64url");
}
