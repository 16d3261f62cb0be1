// A code for tokens (RFC 6749 4.1.3): judged first, sent once, stored before anybody is told.
//
// A code that may have reached the server is never sent again, and one that comes by two ways, brought back here and pasted
// there, is sent by one process: a second presentation could cost the tokens of the first (4.1.2). What was pasted wrongly
// spends nothing: the attempt waits.
import { setTimeout } from "node:timers/promises";
import { AuthError } from "../../machines/errors.ts";
import type { Exchanged, ExchangeInput } from "../../machines/login/login.ts";
import type { Provider } from "../../providers/provider.ts";
import { pauses } from "../refresh/locks.ts";
import { registrationOf } from "../registration.ts";
import { isGranted } from "../store/granted.ts";
import type { Attempt } from "../store/pending.ts";
import { judgePasted, pastedState } from "../wire/pasted.ts";
import { codeRequest } from "../wire/request.ts";
import { tokenReply } from "../wire/response.ts";
import { keep } from "./commit.ts";
import { type Desk, noteDenial } from "./desk.ts";
import { failedPage, receivedPage, signedInPage } from "./pages.ts";
import type { Held } from "./vault.ts";

type Code = Extract<Held, { kind: "code" }>;

/** Exchanges what waits under the handle. Rejects only for defects. */
export async function exchange(desk: Desk, input: ExchangeInput, signal: AbortSignal): Promise<Exchanged> {
  const result = await attempted(desk, input, signal);
  if (result.kind === "granted") return result;
  // Another process has ended it, and perhaps well: only the terminal knows.
  const page = result.code === "no_pending_sign_in" ? receivedPage : failedPage(result.code);
  desk.listeners.get(input.attempt)?.show(page, result.kind !== "again");
  return result;
}

async function attempted(desk: Desk, input: ExchangeInput, signal: AbortSignal): Promise<Exchanged> {
  const held = desk.vault.take(input.handle);
  const own = desk.pending.get(input, input.attempt);
  // Nothing under the handle: another process had it when it ended, and may have sent it.
  if (held === null || own === null)
    return { kind: "failed", code: held === null ? "sign_in_interrupted" : "no_pending_sign_in" };
  try {
    const provider = desk.provider(input.provider);
    if (held.kind === "code")
      return await alone(desk, own, signal, () => redeem(desk, provider, input, own, held, signal));
    const attempt = attemptOf(desk, own, held);
    const pasted = judge(provider, attempt, held);
    if (pasted.kind === "code") {
      if (pasted.bare) noteBare(desk, attempt);
      const code = { ...pasted, verifier: null };
      return await alone(desk, attempt, signal, () => redeem(desk, provider, input, attempt, code, signal));
    }
    if (pasted.kind === "unreadable") return { kind: "again", code: pasted.code };
    noteDenial(desk, input, pasted);
    return { kind: "failed", code: pasted.code };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    desk.faults.note(input, error);
    return { kind: "failed", code: error.code };
  }
}

/** Longer than an exchange takes, and the storing of what it brings. */
const patienceMs = 60_000;

/** Does it while no other process does. Whoever was faster has ended the sign-in, and then there is nothing to do. */
async function alone(
  { locks, pending, store }: Desk,
  attempt: Attempt,
  signal: AbortSignal,
  work: () => Promise<Exchanged>,
): Promise<Exchanged> {
  for (const pause of pauses(patienceMs)) {
    if (signal.aborted) return { kind: "failed", code: "sign_in_cancelled" };
    const lock = locks.tryTake(attempt, "exchange");
    try {
      if (!pending.has(attempt, attempt.attempt)) return { kind: "failed", code: "no_pending_sign_in" };
      // Somebody died, or gave up, who had done it: his tokens wait for the account's lock.
      if (lock !== null && !isGranted(store.paths, attempt, attempt.attempt)) return await work();
    } finally {
      lock?.release();
    }
    await setTimeout(pause);
  }
  return { kind: "again", code: "lock_busy" };
}

/** What was pasted may belong to another address of this account that is still open: every one has its own record. */
function attemptOf({ pending, host }: Desk, own: Attempt, { text }: Extract<Held, { kind: "pasted" }>): Attempt {
  const state = pastedState(text);
  const others = pending.list(own, host.now());
  return (state === null ? undefined : others.find((other) => other.state?.matches(state))) ?? own;
}

function judge(provider: Provider, attempt: Attempt, { text }: Extract<Held, { kind: "pasted" }>) {
  const { redirectUri, state, iss, issSent } = attempt;
  if (redirectUri === null || state === null) return { kind: "unreadable", code: "pasted_unreadable" } as const;
  const bareCode = attempt.kind === "paste" && provider.paste?.bareCode === true;
  return judgePasted(text, { redirectUri, state, bareCode, issuer: iss, issSent });
}

/** Nothing but PKCE ties such a code to this sign-in (RFC 9700 4.7): whoever looks into it later should know. */
function noteBare({ journal }: Desk, { provider, account, attempt, kind }: Attempt): void {
  journal.note({ step: "pastedBare", provider, account, signIn: attempt, grant: kind });
}

async function redeem(
  desk: Desk,
  provider: Provider,
  input: ExchangeInput,
  attempt: Attempt,
  { code, verifier: theirs }: Pick<Code, "code" | "verifier">,
  signal: AbortSignal,
): Promise<Exchanged> {
  const { host, sender } = desk;
  const { client, endpoints, by } = await registrationOf(provider, host, sender);
  const verifier = theirs ?? attempt.verifier;
  const { redirectUri, state, nonce } = attempt;
  // RFC 9700 4.4.2: the code goes to the server that the attempt was begun with, and to no other.
  if (redirectUri === null || verifier === null || by.issuer !== attempt.issuer || by.clientId !== attempt.clientId) {
    return { kind: "failed", code: "sign_in_interrupted" };
  }
  const reply = await sender.exchange(codeRequest(provider, { endpoints, client, code, redirectUri, verifier, state }));
  if ("kind" in reply) {
    desk.faults.note(attempt, new AuthError(reply.code, { ...attempt, detail: reply.detail }));
    return { kind: reply.sent === "no" ? "again" : "failed", code: reply.code };
  }
  const outcome = tokenReply(provider, reply, { purpose: "code", clientId: client.id, nonce });
  if (outcome.kind !== "issued") {
    const { code: failure, oauthError, status } = outcome;
    const detail = oauthError ?? `HTTP ${status}`;
    desk.faults.note(attempt, new AuthError(failure, { ...attempt, oauthError, status, detail }));
    return { kind: "failed", code: failure };
  }
  await keep(desk, provider, attempt, outcome.issued, signal, () => {
    // It is true now; the name of who signed in may take its time.
    desk.listeners.get(input.attempt)?.show(signedInPage, true);
  });
  return { kind: "granted" };
}
