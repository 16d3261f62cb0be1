// An authorization server's metadata (RFC 8414, OIDC Discovery) → endpoints.
//
// Metadata steers where codes and tokens go, so it is believed only when it is the issuer's own, and never downgrades what
// the issuer's address promises.
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import { checkedEndpoint } from "./endpoint.ts";
import { contentOf, own, succeeded, unavailable, type WireReply } from "./reply.ts";
import type { Endpoints } from "./request.ts";

/**
 * The endpoints that an issuer advertises; those that it does not are null.
 *
 * @throws AuthError `issuer_mismatch`: names another issuer (RFC 8414 3.3). `pkce_unsupported`: lists challenge methods
 *   without S256. `endpoint_insecure`: names one that may not be used. `endpoint_missing`: there is no metadata here.
 *   `reply_malformed`, `rate_limited`, `server_error`: try later.
 */
export function metadataReply(issuer: string, reply: WireReply): Endpoints {
  const content = contentOf(reply);
  if (!succeeded(reply, content)) throw failure(reply, unavailable(reply, content).code);
  const { members } = content;
  // Simple string comparison: a slash more is another issuer.
  if (own(members, "issuer") !== issuer) throw new AuthError("issuer_mismatch");
  const methods = own(members, "code_challenge_methods_supported");
  if (methods !== undefined && !(Array.isArray(methods) && methods.includes("S256"))) {
    throw new AuthError("pkce_unsupported");
  }
  const secure = issuer.startsWith("https:");
  const endpoint = (name: string): string | null => {
    const value = own(members, name) ?? null;
    if (value === null) return null;
    const label = name.replaceAll("_", " ");
    const url = checkedEndpoint(typeof value === "string" ? value : "", label);
    // A server on the internet has no business naming a port of this machine.
    if (secure && url.protocol !== "https:") throw new AuthError("endpoint_insecure", { detail: `the ${label}` });
    return url.href;
  };
  return {
    authorization: endpoint("authorization_endpoint"),
    token: endpoint("token_endpoint"),
    device: endpoint("device_authorization_endpoint"),
    revocation: endpoint("revocation_endpoint"),
    userinfo: endpoint("userinfo_endpoint"),
    issuer,
    issSent: own(members, "authorization_response_iss_parameter_supported") === true,
  };
}

function failure(reply: WireReply, code: ErrorCode): AuthError {
  const { status } = reply;
  if (status === 404 || status === 410) return new AuthError("endpoint_missing", { detail: "metadata", status });
  if (status >= 300 && status < 400) return new AuthError("unexpected_redirect", { status });
  return new AuthError(code, { detail: `HTTP ${status}`, status });
}
