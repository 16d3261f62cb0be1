// Reply → outcome: the front of what judges replies, and the three judgements that are short.
//
// Every judgement is a pure function of the provider's data and one reply. A reply is hostile until proven otherwise;
// expected failures are values, and no value holds text of a reply but its error code.
import type { Provider } from "../../providers/provider.ts";
import { identityAt } from "./issued.ts";
import { contentOf, succeeded, type Unavailable, unavailable, type WireReply } from "./reply.ts";

export { type DeviceOutcome, deviceReply, pollReply } from "./device.ts";
export { longestWaitMs, retryAfterMs } from "./durations.ts";
export type { Issued } from "./issued.ts";
export { metadataReply } from "./metadata.ts";
export { replyOf, type WireReply } from "./reply.ts";
export { type TokenOutcome, tokenReply } from "./token.ts";

export type RevokeOutcome = { readonly kind: "revoked" } | Unavailable;

/**
 * Judge a reply to a revocation (RFC 7009 2.2): any success counts, also for a token that the server does not know, and
 * the body is not read. A server that says `invalid_token` instead has no such token either.
 */
export function revokeReply(reply: WireReply): RevokeOutcome {
  if (reply.status >= 200 && reply.status < 300) return { kind: "revoked" };
  const content = contentOf(reply);
  const unknown = reply.status < 500 && content.errors.includes("invalid_token");
  return unknown ? { kind: "revoked" } : unavailable(reply, content);
}

/** Who signed in, as the userinfo endpoint says (OIDC Core 5.3.2): one harmless line, or null. Best effort. */
export function userinfoReply(provider: Provider, reply: WireReply): string | null {
  const content = contentOf(reply);
  return succeeded(reply, content) ? identityAt(content.members, provider.identity.userinfo) : null;
}

/** Whether the body is a JSON object, as every reply of a token endpoint is (RFC 6749 5.1). */
export function isObject(reply: WireReply): boolean {
  return contentOf(reply).members !== null;
}
