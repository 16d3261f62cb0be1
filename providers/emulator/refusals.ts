// Everything that the vendors refuse, by name, with what each of them says: status, code, message. `refusals` can be
// switched off one at a time (`lenient`), which is how a test proves that it would notice; `deadEnds` cannot, because
// there is nothing to let through. The shape around code and message is the dialect's; here are only the words.
import type { ProviderName } from "../index.ts";

/** Status, code, message. */
export type Words = readonly [status: number, code: string, message: string];
type Says = Readonly<Partial<Record<ProviderName | "any", Words>>>;

export const refusals = {
  // The authorization request: a page, never a redirect, since the redirect URI may be the lie (RFC 6749 4.1.2.1).
  "repeated-parameter": { any: [400, "invalid_request", "A parameter is given more than once."] },
  "wrong-response-type": { any: [400, "unsupported_response_type", "Only response_type=code is supported."] },
  "unknown-client": {
    any: [400, "invalid_client", "No client is registered under this client_id."],
    gemini: [401, "invalid_client", "The OAuth client was not found."],
    codex: [401, "invalid_client", "The client_id is not known."],
    qwen: [400, "invalid_request", "Invalid client_id"],
  },
  "wrong-redirect-uri": {
    any: [400, "invalid_request", "Redirect URI is not supported by client."],
    gemini: [400, "redirect_uri_mismatch", "The redirect URI is not one that this client may use."],
  },
  "unregistered-port": { any: [400, "invalid_request", "The redirect URI's port is not registered."] },
  "missing-state": { any: [400, "invalid_request", "Missing state parameter."] },
  "short-state": { any: [400, "invalid_request", "The state parameter is too short."] },
  "missing-challenge": { any: [400, "invalid_request", "A code_challenge is required."] },
  "plain-challenge": { any: [400, "invalid_request", "code_challenge_method has to be S256."] },

  // The token endpoint.
  "wrong-encoding": {
    any: [400, "invalid_request", "The body has to be application/x-www-form-urlencoded."],
    anthropic: [400, "invalid_request_error", "Invalid request format"],
  },
  "wrong-secret": { any: [401, "invalid_client", "Unauthorized"] },
  "browser-user-agent": { any: [429, "rate_limit_error", "Rate limited. Please try again later."] },
  "code-of-another-client": { any: [400, "invalid_grant", "Bad Request"] },
  "expired-code": {
    any: [400, "invalid_grant", "The authorization code has expired."],
    gemini: [400, "invalid_grant", "Malformed auth code."],
    anthropic: [400, "invalid_grant", "Invalid 'code' in request."],
  },
  "replayed-code": {
    any: [400, "invalid_grant", "The authorization code has been used."],
    gemini: [400, "invalid_grant", "Bad Request"],
    anthropic: [400, "invalid_grant", "Invalid 'code' in request."],
  },
  "redirect-mismatch": {
    any: [400, "invalid_grant", "redirect_uri differs from the one of the authorization request."],
    gemini: [400, "redirect_uri_mismatch", "Bad Request"],
    anthropic: [400, "invalid_grant", "Invalid 'redirect_uri' in request."],
  },
  "wrong-verifier": {
    any: [400, "invalid_grant", "Invalid code verifier."],
    anthropic: [400, "invalid_grant", "Invalid 'code_verifier' in request."],
  },
  "missing-token-state": { any: [400, "invalid_request_error", "Invalid request format"] },
  "wrong-token-state": { any: [400, "invalid_grant", "Invalid 'state' in request."] },
  "token-of-another-client": { any: [400, "invalid_grant", "Bad Request"] },
  "reused-refresh-token": {
    any: [400, "invalid_grant", "Refresh token not found or invalid"],
    codex: [
      401,
      "refresh_token_reused",
      "Your refresh token has already been used to generate a new access token. Please try signing in again.",
    ],
    qwen: [400, "invalid_request", "Invalid refresh token or client_id"],
  },
  "wider-scope": {
    any: [400, "invalid_scope", "The requested scope exceeds the scope of the grant."],
  },

  // The device flows.
  "polled-too-fast": { any: [429, "slow_down", "Polling too frequently."] },
  "expired-device-code": {
    any: [400, "expired_token", "The device code has expired."],
  },
  "used-device-code": {
    any: [400, "invalid_grant", "The device code has been used."],
    qwen: [401, "invalid_grant", "Device code expired or invalid"],
  },
  "wrong-user-code": { any: [400, "invalid_user_code", "The user code does not belong to this request."] },

  // The APIs.
  "expired-access-token": {
    any: [
      401,
      "authentication_error",
      "OAuth token has expired. Please obtain a new token or refresh your existing token.",
    ],
    gemini: [
      401,
      "UNAUTHENTICATED",
      "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
    ],
    codex: [401, "token_expired", "Provided authentication token is expired. Please try signing in again."],
    qwen: [401, "invalid_api_key", "invalid access token or token expired"],
  },
  "revoked-access-token": {
    any: [403, "permission_error", "OAuth token has been revoked. Please obtain a new token."],
    gemini: [401, "UNAUTHENTICATED", "Request had invalid authentication credentials."],
    codex: [401, "", "Unauthorized"],
    qwen: [401, "invalid_api_key", "invalid access token or token expired"],
  },
  "wrong-api-key": {
    any: [401, "invalid_api_key", "Incorrect API key provided."],
    gemini: [400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."],
    anthropic: [401, "authentication_error", "invalid x-api-key"],
  },
  "oauth-token-at-key-api": {
    any: [401, "invalid_api_key", "invalid access token or token expired"],
    gemini: [401, "UNAUTHENTICATED", "Request had invalid authentication credentials."],
    anthropic: [401, "authentication_error", "invalid x-api-key"],
    codex: [
      401,
      "missing_scope",
      "You have insufficient permissions for this operation. Missing scopes: api.responses.write.",
    ],
  },
  "missing-beta-header": {
    any: [401, "authentication_error", "OAuth authentication is currently not supported."],
  },
  "missing-version-header": { any: [400, "invalid_request_error", "anthropic-version: header is required"] },
  "missing-max-tokens": { any: [400, "invalid_request_error", "max_tokens: Field required"] },
  "missing-instructions": { any: [400, "", "Instructions are required"] },
  "store-not-false": { any: [400, "", "Store must be set to false"] },
  "stream-not-true": { any: [400, "", "Stream must be set to true"] },
  "project-with-free-tier": {
    any: [400, "FAILED_PRECONDITION", "Precondition check failed."],
  },
} as const satisfies Record<string, Says>;

/** Something that a vendor refuses and that `lenient` can switch off. */
export type Refusal = keyof typeof refusals;

/** Refusals with nothing to let through: no knob switches them off. */
const deadEnds = {
  "unknown-ticket": { any: [400, "invalid_request", "This page has expired. Start again from your terminal."] },
  "unusable-redirect-uri": {
    any: [400, "invalid_request", "Redirect URI is not supported by client."],
    gemini: [400, "redirect_uri_mismatch", "The redirect URI is not one that this client may use."],
  },
  "unsupported-grant-type": { any: [400, "unsupported_grant_type", "The grant type is not supported."] },
  "missing-parameter": {
    any: [400, "invalid_request", "A required parameter is missing."],
    anthropic: [400, "invalid_request_error", "Invalid request format"],
  },
  "unknown-code": {
    any: [400, "invalid_grant", "The authorization code is not valid."],
    gemini: [400, "invalid_grant", "Malformed auth code."],
    anthropic: [400, "invalid_grant", "Invalid 'code' in request."],
  },
  "unknown-refresh-token": {
    any: [400, "invalid_grant", "Refresh token not found or invalid"],
    gemini: [400, "invalid_grant", "Bad Request"],
    codex: [401, "refresh_token_invalidated", "Your session has ended. Please log in again."],
    qwen: [400, "invalid_request", "Invalid refresh token or client_id"],
  },
  "ended-login": {
    any: [400, "invalid_grant", "Refresh token not found or invalid"],
    gemini: [400, "invalid_grant", "Token has been expired or revoked."],
    codex: [401, "refresh_token_invalidated", "Your session has ended. Please log in again."],
    qwen: [400, "invalid_request", "Invalid refresh token or client_id"],
  },
  "unknown-token": {
    any: [401, "authentication_error", "Invalid bearer token"],
    gemini: [401, "UNAUTHENTICATED", "Request had invalid authentication credentials."],
    codex: [401, "", "Could not parse your authentication token. Please try signing in again."],
    qwen: [401, "invalid_api_key", "invalid access token or token expired"],
  },
  "token-to-revoke-unknown": { any: [400, "invalid_token", "Token expired or revoked"] },
  "unknown-device-code": {
    any: [401, "invalid_grant", "Device code expired or invalid"],
    codex: [400, "invalid_device_auth_id", "The device authorization is not known."],
  },
  "device-pending": {
    any: [400, "authorization_pending", "The authorization request is still pending"],
    codex: [403, "deviceauth_authorization_unknown", "Device authorization is unknown. Please try again."],
  },
  "device-denied": { any: [400, "access_denied", "The person denied the request."] },
  "unknown-project": { any: [403, "PERMISSION_DENIED", "The caller does not have permission"] },
  "unknown-operation": { any: [404, "NOT_FOUND", "Requested entity was not found."] },
} as const satisfies Record<string, Says>;

export type DeadEnd = keyof typeof deadEnds;

/** Thrown by whoever finds the fault; the server lets the dialect put it into the vendor's shape. */
export class Refused extends Error {
  readonly reason: Refusal | DeadEnd;

  constructor(reason: Refusal | DeadEnd) {
    super(reason);
    this.name = "Refused";
    this.reason = reason;
  }

  words(provider: ProviderName): Words {
    const says: Says = this.reason in refusals ? refusals[this.reason as Refusal] : deadEnds[this.reason as DeadEnd];
    return says[provider] ?? says.any ?? [400, "invalid_request", this.reason];
  }
}
