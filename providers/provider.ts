// The shape of a provider: one vendor's facts, as plain data.
//
// Everything a vendor does oddly is a field named after the behaviour, never the vendor, so that the code which obeys it
// can be read (and tested) without knowing who asked for it. Every field can be overridden in settings.json.
// Unless said otherwise, endpoints are absolute URLs: https, or http on loopback.
import type { AccountChoice } from "./fields/account-choice.ts";
import type { ImportSource } from "./fields/import-source.ts";

/** How a person signs in. `loopback`: RFC 6749 4.1 + RFC 7636 + RFC 8252. `paste`: the same with a code shown by the vendor. `device`: RFC 8628. */
export type Grant = "loopback" | "paste" | "device";

/** Body encoding of a token request: RFC 6749 4.1.3 says `form`; some vendors want JSON. */
export type Encoding = "form" | "json";

export interface Provider {
  /** Lower case: a letter, then letters, digits or `_`, at most 32. The token file's name, so no `-`. */
  readonly name: string;
  /** What people call the service. */
  readonly title: string;
  readonly status: Status;
  /** Said once when a person enables OAuth for this provider: what the vendor's terms mean for them. */
  readonly notice: string | null;
  /** Where a person reviews and revokes what was granted. */
  readonly grantsPage: string | null;

  /** Offered ways to sign in, the preferred one first. */
  readonly grants: readonly Grant[];
  /** RFC 8414 issuer. When set, endpoints that are null come from its metadata. */
  readonly issuer: string | null;
  /** RFC 6749 2.2. Public: it is no secret. A credential is bound to the client that it was issued to. */
  readonly clientId: string | null;
  /** For vendors whose installed-app clients carry a secret: where the person's own client comes from. It replaces `clientId`. */
  readonly clientSource: ClientSource | null;
  /** Path of the vendor console's client JSON (`installed.client_id`, `installed.client_secret`); `~` is the user's home. */
  readonly clientFile: string | null;
  /** RFC 6749 3.3. */
  readonly scopes: readonly string[];

  /** RFC 6749 3.1. */
  readonly authorizationEndpoint: string | null;
  /** RFC 6749 3.2. A credential is bound to this URL's host. */
  readonly tokenEndpoint: string | null;
  /** RFC 8628 3.1. */
  readonly deviceAuthorizationEndpoint: string | null;
  /** RFC 7009. Null: the vendor has none, so logout is local and names `grantsPage`. */
  readonly revocationEndpoint: string | null;
  /** OIDC Core 5.3; asked with the access token for a display name, best effort. */
  readonly userinfoEndpoint: string | null;

  /** Extra parameters of the authorization request. */
  readonly authorizeParameters: Readonly<Record<string, string>>;
  readonly accountChoice: AccountChoice;
  /** Redirect to a listener on this machine (RFC 8252 7.3). Null: not registered for this client. */
  readonly loopback: Loopback | null;
  /** Redirect to a page of the vendor's that shows the code. */
  readonly paste: Paste | null;
  /** Device authorization (RFC 8628, or a dialect of it). */
  readonly device: Device | null;

  readonly tokenEncoding: Encoding;
  readonly refreshEncoding: Encoding;
  /** `state` is also a member of the token request's body. Not in any RFC; some vendors require it. */
  readonly stateInTokenRequest: boolean;
  /** The refresh request repeats exactly the granted scope (RFC 6749 6), or sends none. */
  readonly refreshScope: "none" | "granted";
  /** Whether a refresh token is single use (RFC 9700 4.14.2). */
  readonly rotation: "never" | "sometimes" | "always";
  /** How long (ms) after a rotation the server still takes the old refresh token. 0: not known to. */
  readonly reuseGraceMs: number;
  /** Besides `invalid_grant`: error codes of the token endpoint that end the login for good. A trailing `*` matches any rest. */
  readonly refusalCodes: readonly string[];
  /** Statuses of the token endpoint that end the login whatever the body says. */
  readonly refusalStatuses: readonly number[];
  readonly revocation: Revocation;

  /** Members of a token reply that are stored besides the standard ones. */
  readonly keep: readonly string[];
  /** Where the account id stands in the id token's payload: literal member names, outermost first. */
  readonly accountClaim: readonly string[] | null;
  /** Where a display name may stand, tried in order. */
  readonly identity: Identity;
  /** Hosts (exact, or `.suffix`) to which the reply's `resource_url` may steer API requests. */
  readonly resourceHosts: readonly string[];

  /** API access with an OAuth token. Null: `ask` is not offered with OAuth. */
  readonly api: Api | null;
  /** API access with an API key. */
  readonly keyApi: Api | null;
  /** Headers of the API that hold a list: ours are added to the caller's. All others of his stay as they are. */
  readonly listHeaders: readonly string[];
  /** What the API's errors say where their status does not tell, or tells wrongly. */
  readonly apiErrors: ApiErrors;
  /** What `assisted-generate-content` asks for besides. */
  readonly assistance: Assistance | null;
  /** Environment variables that hold an API key, the first set one wins. */
  readonly keyVariables: readonly KeyVariable[];
  /** How other programs take a credential from their environment. Null: in the first of `keyVariables`, or in `NAME_API_KEY`. */
  readonly handover: Handover | null;
  /** Where other tools keep a login of this provider. Those files are read and never written. */
  readonly imports: readonly ImportSource[];
}

export interface Status {
  /** `active`; `restricted`: the terms forbid or limit third-party use; `withdrawn`: the vendor ended it for most people. */
  readonly kind: "active" | "restricted" | "withdrawn";
  /** ISO date of the newest fact below. */
  readonly since: string;
  readonly reason: string;
  /** What to do instead. */
  readonly instead: string | null;
}

export interface ClientSource {
  readonly idVariable: string;
  readonly secretVariable: string;
  /** Page where a person makes a client of their own. */
  readonly console: string;
}

export interface Loopback {
  /** Host in the redirect URI. `localhost` only where the registration forces it (RFC 8252 8.3); then both families are bound. */
  readonly host: "127.0.0.1" | "localhost";
  /** Path in the redirect URI, unique per authorization server (RFC 8252 8.10). */
  readonly path: string;
  /** Registered ports in order of preference; empty: any free port. */
  readonly ports: readonly number[];
}

export interface Paste {
  /** The vendor's page that shows the code. */
  readonly redirectUri: string;
  /** A code without `#state` is taken too: then only PKCE ties it to the sign-in. */
  readonly bareCode: boolean;
}

export interface Device {
  /** `standard`: RFC 8628. `user-code`: JSON, polled with the user code; yields an authorization code with a verifier made by the server. */
  readonly dialect: "standard" | "user-code";
  /** PKCE on the device flow (not in RFC 8628): challenge at the start, verifier with each poll. */
  readonly pkce: boolean;
  /** Poll endpoint when it is not the token endpoint. */
  readonly pollEndpoint: string | null;
  /** Page to open when the start reply names none. */
  readonly verificationUri: string | null;
  /** Hosts (exact, or `.suffix`) the verification page may have. Empty: any, shown but opened only when https. */
  readonly verificationHosts: readonly string[];
  /** Redirect URI repeated in the exchange of the `user-code` dialect. */
  readonly redirectUri: string | null;
  /** Poll statuses that mean "pending" whatever the body says. */
  readonly pendingStatuses: readonly number[];
  /** Seconds between polls when the server names none (RFC 8628 3.2: 5). */
  readonly intervalS: number;
  /** Seconds a device code lives when the server names none. */
  readonly lifetimeS: number;
}

export interface Revocation {
  readonly encoding: Encoding;
  /** Send `client_id` along (RFC 7009 2.1 asks public clients to). */
  readonly clientId: boolean;
}

export interface Identity {
  /** Paths in the token reply (literal member names, outermost first). */
  readonly reply: readonly (readonly string[])[];
  /** Paths in the id token's payload. */
  readonly claims: readonly (readonly string[])[];
  /** Paths in the userinfo reply. */
  readonly userinfo: readonly (readonly string[])[];
}

/** How one message goes to the API and how its answer reads. */
export type ApiProtocol =
  | "chat-completions" // POST {base}/chat/completions: {model, messages} → choices[0].message.content
  | "messages" // POST {base}/v1/messages: {model, max_tokens, messages} → content[].text
  | "responses" // POST {base}/responses, server-sent events → response.output_text.delta
  | "generate-content" // POST {base}/models/{model}:generateContent → candidates[0].content.parts[].text
  | "assisted-generate-content"; // POST {base}:loadCodeAssist, :onboardUser, :generateContent → response.candidates…

export interface Api {
  readonly base: string;
  readonly protocol: ApiProtocol;
  readonly model: string;
  /** Header that carries the credential. `authorization` means `Bearer`. */
  readonly credentialHeader: "authorization" | "x-api-key" | "x-goog-api-key";
  readonly headers: Readonly<Record<string, string>>;
  /** Header that carries the account id, where the API wants one. */
  readonly accountHeader: string | null;
  /** One cheap authenticated GET for `status --verify`; null: there is none. */
  readonly verifyUrl: string | null;
  /** `resource_url` of the token reply replaces `base`: scheme added if missing, then this path if missing. */
  readonly resourcePath: string | null;
}

/**
 * Looked for in this order, before the status is. An entry without a space is a code, type or reason of the error; one with
 * spaces is a part of its message.
 */
export interface ApiErrors {
  /** The terms, the plan or the account exclude the request: neither a new token nor a new sign-in helps. */
  readonly excluded: readonly string[];
  /** A limit is reached: it passes by itself. */
  readonly limited: readonly string[];
  /** The token or key is not accepted, as by a 401. */
  readonly unauthorized: readonly string[];
}

export interface Assistance {
  /** Method that tells whether and how an account is served. */
  readonly lookUp: string;
  /** Method that takes a new account in: a long-running operation. */
  readonly takeIn: string;
  /** What the API wants to be told about the client. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Environment variables that name the project (its id, not its number) in which the API is used; the first set one wins. */
  readonly projectVariables: readonly string[];
}

export interface KeyVariable {
  readonly name: string;
  /** Counts only while this variable names a URL on one of these hosts (exact, or `.suffix`); the key is used there only. */
  readonly when: { readonly variable: string; readonly hosts: readonly string[] } | null;
}

export interface Handover {
  /** For a login's access token. */
  readonly login: Variables;
  readonly key: Variables;
  /** Others that the same programs obey, some before ours: a program that is handed a credential does not get them. */
  readonly withheld: readonly string[];
}

export interface Variables {
  /** They hold the credential. */
  readonly credential: readonly string[];
  /** They say what kind it is. */
  readonly fixed: Readonly<Record<string, string>>;
  readonly address: AddressVariable | null;
}

export interface AddressVariable {
  readonly name: string;
  /** What programs expect in it: the API's base, or the base without the last part of its path. */
  readonly holds: "base" | "parent";
  /** Set whatever the address is; otherwise only when settings have moved the API away from where programs look by themselves. */
  readonly always: boolean;
}
