// The parameters of an authorization response, wherever they were read: at the loopback listener or in pasted text.
//
// One rule for both ways: no name twice, no tokens in an address, `iss` compared before anything is believed, and the
// state judged by the caller before this file is asked.
import type { ErrorCode } from "../../machines/errors.ts";
import { Secret } from "../secret.ts";
import { isVschars, oauthErrorCode } from "./text.ts";

export interface Expected {
  readonly redirectUri: string;
  readonly state: Secret<"state">;
  /** RFC 9207: the issuer, when it is known. Null: an `iss` in the response cannot be judged and is ignored (M04). */
  readonly issuer: string | null;
  /** The server says that it always sends `iss`: a response without it is refused (RFC 9207 2.4). */
  readonly issSent: boolean;
}

export type Code = { readonly kind: "code"; readonly code: Secret<"authorization_code"> };
export type Denied = { readonly kind: "denied"; readonly code: ErrorCode; readonly oauthError: string };

/** A query's parameters. Null when a name appears twice (RFC 6749 3.1), however it was encoded. */
export function parametersIn(query: string): ReadonlyMap<string, string> | null {
  const all = [...new URLSearchParams(query)];
  const unique = new Map(all);
  return unique.size === all.length ? unique : null;
}

/**
 * What a response with the right state says.
 *
 * A string: why it is not believed. Parameters that we do not know are ignored (RFC 6749 4.1.2).
 */
export function judgeParameters(parameters: ReadonlyMap<string, string>, expected: Expected): Code | Denied | string {
  const issuer = parameters.get("iss");
  // RFC 9207 2.4: simple string comparison. An error's origin is not assumed either.
  if (issuer === undefined ? expected.issSent : expected.issuer !== null && issuer !== expected.issuer) {
    return "the issuer is not the one that was asked";
  }
  // RFC 9700 2.1.2: only `response_type=code` was asked for.
  if (parameters.has("access_token") || parameters.has("id_token")) return "it holds a token";
  const error = parameters.get("error");
  if (error !== undefined) return denial(error);
  const code = parameters.get("code");
  return isVschars(code) ? { kind: "code", code: new Secret("authorization_code", code) } : "it holds no code";
}

const meanings: ReadonlyMap<string, ErrorCode> = new Map([
  ["access_denied", "consent_denied"],
  ["unauthorized_client", "client_refused"],
  ["unsupported_response_type", "client_refused"],
  ["server_error", "server_error"],
  ["temporarily_unavailable", "server_error"],
]);

/** RFC 6749 4.1.2.1. A code that it does not list is kept, and counts as a refusal. */
function denial(error: string): Denied {
  const oauthError = oauthErrorCode(error) ?? "unreadable";
  return { kind: "denied", code: meanings.get(oauthError) ?? "sign_in_refused", oauthError };
}
