// Presenting a refresh token: the one request, and what its end says about the token's fate.
//
// Nothing here decides what to do about it. A failure that proves that nobody has seen or processed the request is one
// kind, a definitive no another, and everything else is the third: it may have been processed.
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Registration } from "../registration.ts";
import type { StoredCredential } from "../store/codec.ts";
import type { Sealed } from "../store/evidence.ts";
import type { AccountName } from "../store/names.ts";
import type { Spent } from "../store/spend.ts";
import { refreshRequest } from "../wire/request.ts";
import { retryAfterMs, tokenReply, type WireReply } from "../wire/response.ts";
import type { SendFailure } from "../wire/send.ts";
import type { Wiring } from "../wiring.ts";

export type Presented =
  | { readonly kind: "arrived"; readonly sealed: Sealed }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly oauthError: string | null }
  | { readonly kind: "unprocessed" | "lost"; readonly code: ErrorCode; readonly retryAfterMs: number | null };

/** Sends it, once. Rejects only for defects. */
export async function present(
  { sender, faults }: Wiring,
  provider: Provider,
  name: AccountName,
  credential: StoredCredential,
  { client, endpoints, by }: Registration,
  { spent, attempt }: { readonly spent: Spent; readonly attempt: number },
): Promise<Presented> {
  const { refreshToken, scope } = credential;
  if (refreshToken === null) throw new TypeError("there is a refresh token, or nothing would have been permitted");
  let reply: WireReply | SendFailure;
  try {
    reply = await sender.exchange(refreshRequest(provider, { endpoints, client, refreshToken, scope }));
  } catch (error) {
    // Refused before anything was sent.
    if (!(error instanceof AuthError)) throw error;
    faults.note(name, error);
    return { kind: "unprocessed", code: error.code, retryAfterMs: null };
  }
  if ("kind" in reply) {
    faults.note(name, new AuthError(reply.code, { ...name, detail: reply.detail }));
    const isKnown = reply.sent === "no" || reply.code === "unexpected_redirect";
    return { kind: isKnown ? "unprocessed" : "lost", code: reply.code, retryAfterMs: null };
  }
  if (reply.status >= 200 && reply.status < 300) {
    const { status, receivedAt, body } = reply;
    const contentType = reply.headers["content-type"] ?? null;
    return { kind: "arrived", sealed: { attempt, of: spent.of, status, contentType, receivedAt, ...by, body } };
  }
  const outcome = tokenReply(provider, reply, { purpose: "refresh", clientId: client.id });
  if (outcome.kind === "issued") throw new TypeError("only a success issues anything");
  const { code, status, oauthError } = outcome;
  faults.note(name, new AuthError(code, { ...name, status, oauthError, detail: oauthError ?? `HTTP ${status}` }));
  if (outcome.kind === "refused") return { kind: "refused", code, oauthError };
  const kind = isUnprocessed(reply) ? "unprocessed" : "lost";
  return { kind, code, retryAfterMs: "retryAfterMs" in outcome ? outcome.retryAfterMs : null };
}

/**
 * Answered without being processed: the request itself was at fault (RFC 9110 15.5), was one too many (RFC 6585 4), or the
 * server says when it will be there again (RFC 9110 10.2.3). Behind any other server error it may have been done.
 */
function isUnprocessed(reply: WireReply): boolean {
  const { status, headers, receivedAt } = reply;
  return status < 500 || (status === 503 && retryAfterMs(headers, receivedAt) !== null);
}
