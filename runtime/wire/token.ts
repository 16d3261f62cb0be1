// The token endpoint's reply → what became of the code or the refresh token.
//
// The expensive mistakes are two: taking a passing trouble for a refusal (a login lost), and asking again after a refusal
// (a family of tokens revoked). So the list of what ends a login is closed: `invalid_grant` and what the provider's data says.
import type { ErrorCode } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import { type Issued, issuedBy, type IssueOptions } from "./issued.ts";
import {
  type Content,
  contentOf,
  type Failing,
  isListed,
  isPage,
  malformed,
  misconfigured,
  refused,
  succeeded,
  unavailable,
  type WireReply,
} from "./reply.ts";

export type TokenOutcome = { readonly kind: "issued"; readonly issued: Issued } | Failing;

export interface TokenOptions extends IssueOptions {
  /** What was presented. The code for a refusal depends on it. */
  readonly purpose: "code" | "refresh" | "poll";
}

/**
 * Judge a reply of the token endpoint (RFC 6749 5). Never throws.
 *
 * - `issued`: take it.
 * - `refused`: `invalid_grant`, or the provider's `refusalCodes` and `refusalStatuses`; for a code, any JSON object in a
 *   400, 401 or 403, since a code is presented once only.
 * - `misconfigured`: the client or the address is wrong; the login is untouched.
 * - `unavailable`: 429, 5xx, a page instead of JSON, a garbled reply, every other 4xx.
 */
export function tokenReply(provider: Provider, reply: WireReply, options: TokenOptions): TokenOutcome {
  const content = contentOf(reply);
  if (succeeded(reply, content)) {
    const issued = issuedBy(provider, content.members, reply.receivedAt, options);
    if (issued === "other_sign_in") return refused("code_refused", reply);
    return issued === null ? malformed(reply) : { kind: "issued", issued };
  }
  return (
    refusal(provider, reply, content, options.purpose) ??
    misconfigured(reply, content) ??
    lesser(reply, content, options)
  );
}

/** The definitive ones, most specific word first. */
function refusal(
  provider: Provider,
  reply: WireReply,
  content: Content,
  purpose: TokenOptions["purpose"],
): Failing | null {
  // A rate limit is about requests, not about the login, whatever else the body says.
  if (reply.status === 429) return null;
  // RFC 6749 5.2 says 400: the same word in a server error is the error's, not the last word about a login.
  const isSaid = (error: string): boolean => error === "invalid_grant" && reply.status < 500;
  const listed = content.errors.find((error) => isSaid(error) || isListed(error, provider.refusalCodes));
  if (listed !== undefined) return refused(refusalCode(purpose, listed), reply, listed);
  if (!provider.refusalStatuses.includes(reply.status) || isPage(reply)) return null;
  // K15: a status is less precise than a body that blames the client.
  return misconfigured(reply, content) ?? refused(refusalCode(purpose, null), reply, content.errors[0] ?? null);
}

function lesser(reply: WireReply, content: Content, { purpose }: TokenOptions): Failing {
  // Not every server words its refusal as RFC 6749 5.2 wants; a code that one has judged is worth nothing all the same.
  const final = purpose === "code" && content.members !== null && [400, 401, 403].includes(reply.status);
  return final ? refused("sign_in_refused", reply, content.errors[0] ?? null) : unavailable(reply, content);
}

function refusalCode(purpose: TokenOptions["purpose"], error: string | null): ErrorCode {
  if (purpose === "refresh") return "refresh_refused";
  return error === "invalid_grant" ? "code_refused" : "sign_in_refused";
}
