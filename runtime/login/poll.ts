// One poll of a device sign-in (RFC 8628 3.4, 3.5). When the next one is due is the machine's business; what the server
// said about that is also noted in the record, for whoever takes the sign-in up.
import { AuthError } from "../../machines/errors.ts";
import { slowDownMs } from "../../machines/login/device.ts";
import type { Polled, PollInput, Interim } from "../../machines/login/login.ts";
import type { Provider } from "../../providers/provider.ts";
import { type Registration, registrationOf } from "../registration.ts";
import { isGranted } from "../store/granted.ts";
import type { Attempt } from "../store/pending.ts";
import { pollRequest } from "../wire/request.ts";
import type { Misconfigured, Refused } from "../wire/reply.ts";
import { pollReply, retryAfterMs } from "../wire/response.ts";
import { keep } from "./commit.ts";
import type { Desk } from "./desk.ts";

/** Polls once, and stores what was issued. Rejects only for defects. */
export async function poll(desk: Desk, input: PollInput, signal: AbortSignal): Promise<Polled> {
  try {
    return await ask(desk, input, signal);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    desk.faults.note(input, error);
    return { kind: "failed", code: error.code };
  }
}

async function ask(desk: Desk, input: PollInput, signal: AbortSignal): Promise<Polled> {
  const { sender, pending, steady, store } = desk;
  const provider = desk.provider(input.provider);
  const attempt = pending.get(input, input.attempt);
  if (attempt?.deviceCode == null) return { kind: "failed", code: "no_pending_sign_in" };
  if (isGranted(store.paths, input, attempt.attempt))
    return { kind: "unavailable", endedAt: steady(), retryAfterMs: null, code: "lock_busy" };
  const registration = await registered(desk, provider);
  // The server's address could not be found out just now: nobody was asked, and the code lives on.
  if ("code" in registration) return { kind: "unavailable", endedAt: steady(), retryAfterMs: null, ...registration };
  const { client, endpoints } = registration;
  const { deviceCode, userCode, verifier } = attempt;
  const reply = await sender.exchange(
    pollRequest(provider, { endpoints, client, deviceCode, userCode: userCode ?? "", verifier }),
  );
  const endedAt = steady();
  if ("kind" in reply) return { kind: "unavailable", endedAt, retryAfterMs: null, code: reply.code };
  const interim = { endedAt, retryAfterMs: retryAfterMs(reply.headers, reply.receivedAt) };
  const outcome = pollReply(provider, reply, { clientId: client.id });
  switch (outcome.kind) {
    case "pending":
      noteWish(desk, attempt, 0, interim);
      return { kind: "pending", ...interim };
    case "slow_down":
      noteWish(desk, attempt, slowDownMs, interim);
      return { kind: "slowDown", ...interim };
    case "unavailable":
      noteWish(desk, attempt, 0, interim);
      return { kind: "unavailable", ...interim, code: outcome.code };
    case "code":
      return { kind: "code", handle: desk.vault.put(outcome) };
    case "issued":
      await keep(desk, provider, attempt, outcome.issued, signal);
      return { kind: "granted" };
    case "refused":
    case "misconfigured":
      noteWord(desk, attempt, outcome);
      return { kind: "failed", code: outcome.code };
    default:
      return { kind: "failed", code: outcome.code };
  }
}

async function registered({ host, sender }: Desk, provider: Provider): Promise<Registration | Pick<AuthError, "code">> {
  try {
    return await registrationOf(provider, host, sender);
  } catch (error) {
    if (error instanceof AuthError && error.retryable) return { code: error.code };
    throw error;
  }
}

/** The server's own word for the end is told with it. */
function noteWord(
  desk: Desk,
  { provider, account }: Attempt,
  { code, oauthError, status }: Refused | Misconfigured,
): void {
  const detail = oauthError ?? `HTTP ${status}`;
  desk.faults.note({ provider, account }, new AuthError(code, { provider, account, oauthError, status, detail }));
}

/** What the server wants of the next poll outlives this process. */
function noteWish({ host, pending }: Desk, attempt: Attempt, slowerMs: number, { retryAfterMs: rest }: Interim): void {
  if (slowerMs === 0 && rest === null) return;
  const restsUntil = rest === null ? attempt.restsUntil : host.now() + rest;
  try {
    pending.revise({ ...attempt, intervalMs: attempt.intervalMs + slowerMs, restsUntil });
  } catch (error) {
    // A disk that takes nothing is no reason to end a sign-in.
    if (!(error instanceof AuthError)) throw error;
  }
}
