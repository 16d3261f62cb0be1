// Values → request: what goes to a provider's endpoints, as pure functions.
//
// Vendors disagree on encoding, extra members and who makes the PKCE pair; all of that is read from the provider's data.
// Secrets become text here and only here on their way out, so a request shows neither its body nor its headers when it is
// printed. Never puts a client secret or a verifier into an address (RFC 6749 2.3.1, RFC 7636 7.1).
import { createHash } from "node:crypto";

import { AuthError } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Secret } from "../secret.ts";
import { checkedEndpoint, requiredEndpoint } from "./endpoint.ts";
import { type Fields, get, post, type WireRequest } from "./message.ts";

export { userAgent, type WireRequest } from "./message.ts";
export { newNonce, newState, newVerifier } from "./random.ts";

/** The registered client (RFC 6749 2.2). `secret`: only installed-app clients have one, and it is no proof of identity. */
export interface Client {
  readonly id: string;
  readonly secret: Secret<"client_secret"> | null;
}

/** A provider's endpoints, settled from its data, its metadata and the settings. Null: it has none. */
export interface Endpoints {
  readonly authorization: string | null;
  readonly token: string | null;
  readonly device: string | null;
  readonly revocation: string | null;
  readonly userinfo: string | null;
  /** RFC 9207: what `iss` in an authorization response must be. Null: not known, so `iss` is not judged. */
  readonly issuer: string | null;
  /** `authorization_response_iss_parameter_supported` (RFC 9207 3): a response without `iss` is then refused. */
  readonly issSent: boolean;
}

/** RFC 7636 4.2, S256: the unpadded base64url form of the verifier's SHA-256. */
export function challengeOf(verifier: Secret<"code_verifier">): string {
  return createHash("sha256").update(verifier.reveal()).digest("base64url");
}

/**
 * The page at which a person signs in (RFC 6749 4.1.1, RFC 7636 4.3).
 *
 * A query of the endpoint's own is kept and no name appears twice (RFC 6749 3.1); what the protocol needs wins over the
 * endpoint's query, the provider's parameters and `extra`. The nonce goes along only when `openid` is asked for.
 *
 * @throws AuthError `endpoint_missing`, `endpoint_insecure`
 */
export function authorizeUrl(
  provider: Provider,
  values: {
    readonly endpoints: Endpoints;
    readonly client: Client;
    readonly redirectUri: string;
    readonly state: Secret<"state">;
    readonly verifier: Secret<"code_verifier">;
    readonly nonce: Secret<"nonce"> | null;
    readonly extra?: Readonly<Record<string, string>>;
  },
): string {
  const url = requiredEndpoint(values.endpoints.authorization, "authorization endpoint", provider.name);
  const fields: Fields = {
    ...provider.authorizeParameters,
    ...values.extra,
    response_type: "code",
    client_id: values.client.id,
    redirect_uri: values.redirectUri,
    scope: scopeOf(provider),
    state: values.state.reveal(),
    code_challenge: challengeOf(values.verifier),
    code_challenge_method: "S256",
    nonce: provider.scopes.includes("openid") && values.nonce !== null ? values.nonce.reveal() : null,
  };
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}

/**
 * Code → tokens (RFC 6749 4.1.3, RFC 7636 4.5). `redirectUri` is the one of the address that was opened, to the letter.
 * `state` goes along only where the vendor wants it; a code of the device dialect has none. Never send it twice.
 */
export function codeRequest(
  provider: Provider,
  values: {
    readonly endpoints: Endpoints;
    readonly client: Client;
    readonly code: Secret<"authorization_code">;
    readonly redirectUri: string;
    readonly verifier: Secret<"code_verifier">;
    readonly state: Secret<"state"> | null;
  },
): WireRequest {
  return post(tokenUrl(provider, values.endpoints), provider.tokenEncoding, {
    grant_type: "authorization_code",
    code: values.code.reveal(),
    redirect_uri: values.redirectUri,
    ...clientFields(values.client),
    code_verifier: values.verifier.reveal(),
    state: provider.stateInTokenRequest ? (values.state?.reveal() ?? null) : null,
  });
}

/** Refresh token → tokens (RFC 6749 6). `scope`: what was granted; sent, unchanged, only where the vendor wants it. */
export function refreshRequest(
  provider: Provider,
  values: {
    readonly endpoints: Endpoints;
    readonly client: Client;
    readonly refreshToken: Secret<"refresh_token">;
    readonly scope: string | null;
  },
): WireRequest {
  return post(tokenUrl(provider, values.endpoints), provider.refreshEncoding, {
    grant_type: "refresh_token",
    refresh_token: values.refreshToken.reveal(),
    ...clientFields(values.client),
    scope: provider.refreshScope === "granted" ? values.scope : null,
  });
}

/**
 * Start of a device sign-in (RFC 8628 3.1, or the JSON dialect, which takes the client id only).
 * `requestId`: a fresh id under which the vendor's support finds the request.
 */
export function deviceRequest(
  provider: Provider,
  values: {
    readonly endpoints: Endpoints;
    readonly client: Client;
    readonly verifier: Secret<"code_verifier"> | null;
    readonly requestId: string;
  },
): WireRequest {
  const url = requiredEndpoint(values.endpoints.device, "device endpoint", provider.name);
  const headers = { "x-request-id": values.requestId };
  if (provider.device?.dialect === "user-code") return post(url, "json", clientFields(values.client), headers);
  const verifier = deviceVerifier(provider, values.verifier);
  return post(
    url,
    "form",
    {
      ...clientFields(values.client),
      scope: scopeOf(provider),
      code_challenge: verifier === null ? null : challengeOf(verifier),
      code_challenge_method: verifier === null ? null : "S256",
    },
    headers,
  );
}

/** One poll of a device sign-in (RFC 8628 3.4), with the verifier where the vendor binds the device code to it. */
export function pollRequest(
  provider: Provider,
  values: {
    readonly endpoints: Endpoints;
    readonly client: Client;
    readonly deviceCode: Secret<"device_code">;
    readonly userCode: string;
    readonly verifier: Secret<"code_verifier"> | null;
  },
): WireRequest {
  const pollEndpoint = provider.device?.pollEndpoint ?? null;
  if (provider.device?.dialect === "user-code") {
    return post(requiredEndpoint(pollEndpoint, "poll endpoint", provider.name), "json", {
      device_auth_id: values.deviceCode.reveal(),
      user_code: values.userCode,
    });
  }
  return post(requiredEndpoint(pollEndpoint ?? values.endpoints.token, "token endpoint", provider.name), "form", {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: values.deviceCode.reveal(),
    ...clientFields(values.client),
    code_verifier: deviceVerifier(provider, values.verifier)?.reveal() ?? null,
  });
}

/** Revocation (RFC 7009 2.1). Revoke the refresh token first: the server may end its access tokens along with it. */
export function revokeRequest(
  provider: Provider,
  values: {
    readonly endpoints: Endpoints;
    readonly client: Client;
    readonly token: Secret<"refresh_token" | "access_token">;
  },
): WireRequest {
  return post(
    requiredEndpoint(values.endpoints.revocation, "revocation endpoint", provider.name),
    provider.revocation.encoding,
    {
      token: values.token.reveal(),
      token_type_hint: values.token.kind,
      ...(provider.revocation.clientId ? clientFields(values.client) : {}),
    },
  );
}

/** Who signed in (OIDC Core 5.3.1). The token travels in a header, never in the query (RFC 6750 2.1, 2.3). */
export function userinfoRequest(
  provider: Provider,
  values: { readonly endpoints: Endpoints; readonly accessToken: Secret<"access_token"> },
): WireRequest {
  const url = requiredEndpoint(values.endpoints.userinfo, "userinfo endpoint", provider.name);
  return get(url.href, { authorization: `Bearer ${values.accessToken.reveal()}` });
}

/**
 * Where an issuer's metadata may be, in the order in which to ask: RFC 8414 3.1 (well-known part before the path), then
 * OIDC Discovery 4 (after it).
 *
 * @throws AuthError `endpoint_insecure`; `settings_invalid` for a query, which an issuer must not have (RFC 8414 2)
 */
export function metadataRequests(issuer: string): WireRequest[] {
  const url = checkedEndpoint(issuer, "issuer");
  if (issuer.includes("?")) throw new AuthError("settings_invalid", { detail: "an issuer has no query" });
  const path = url.pathname.replace(/\/$/, "");
  return [`/.well-known/oauth-authorization-server${path}`, `${path}/.well-known/openid-configuration`].map((place) =>
    get(url.origin + place),
  );
}

function tokenUrl(provider: Provider, endpoints: Endpoints): URL {
  return requiredEndpoint(endpoints.token, "token endpoint", provider.name);
}

/** RFC 6749 2.3.1: a secret goes into the body, never into the address. */
function clientFields(client: Client): Fields {
  return { client_id: client.id, client_secret: client.secret?.reveal() ?? null };
}

function scopeOf(provider: Provider): string | null {
  return provider.scopes.length === 0 ? null : provider.scopes.join(" ");
}

/** The verifier where the vendor takes PKCE on the device flow (not in RFC 8628), else null. */
function deviceVerifier(provider: Provider, verifier: Secret<"code_verifier"> | null): Secret<"code_verifier"> | null {
  if (provider.device?.pkce !== true) return null;
  if (verifier === null) throw new TypeError("this provider's device sign-in needs a verifier");
  return verifier;
}
