// One poll of a device sign-in (RFC 8628 3.4, 3.5). When the next one is due is the machine's business.
import { AuthError } from "../../machines/errors.ts";
import type { Polled, PollInput } from "../../machines/login/login.ts";
import { registrationOf } from "../registration.ts";
import { pollRequest } from "../wire/request.ts";
import { pollReply } from "../wire/response.ts";
import { commit, noteIdentity } from "./commit.ts";
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
  const { host, sender, pending } = desk;
  const provider = desk.provider(input.provider);
  const attempt = pending.get(input, input.attempt);
  if (attempt?.deviceCode == null) return { kind: "failed", code: "no_pending_sign_in" };
  const { client, endpoints } = await registrationOf(provider, host, sender);
  const { deviceCode, userCode, verifier } = attempt;
  const reply = await sender.exchange(
    pollRequest(provider, { endpoints, client, deviceCode, userCode: userCode ?? "", verifier }),
  );
  const endedAt = host.now();
  if ("kind" in reply) return { kind: "unavailable", endedAt, code: reply.code };
  const outcome = pollReply(provider, reply, { clientId: client.id });
  switch (outcome.kind) {
    case "pending":
      return { kind: "pending", endedAt };
    case "slow_down":
      return { kind: "slowDown", endedAt };
    case "unavailable":
      return { kind: "unavailable", endedAt, code: outcome.code };
    case "code":
      return { kind: "code", handle: desk.vault.put(outcome) };
    case "issued":
      await noteIdentity(
        desk,
        provider,
        attempt,
        outcome.issued,
        await commit(desk, provider, attempt, outcome.issued, signal),
      );
      return { kind: "granted" };
    default:
      return { kind: "failed", code: outcome.code };
  }
}
