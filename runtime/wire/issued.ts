// A successful token reply → what was issued (RFC 6749 5.1).
//
// The single place where a server's words become a credential: what must be there is required, what may be there is
// checked, members are copied by name. A reply that fails here has still spent the refresh token, so only what makes a
// token unusable or dangerous fails it; a doubtful extra is dropped instead.
import type { Provider } from "../../providers/provider.ts";
import { Secret } from "../secret.ts";
import { claimsOf, expiryOf, memberAt } from "./claims.ts";
import { secondsIn } from "./durations.ts";
import { isConfidential, isLoopbackHost, isOneOf, parsedAddress } from "./endpoint.ts";
import { own } from "./reply.ts";
import { isVschars, printable } from "./text.ts";

export interface Issued {
  readonly accessToken: Secret<"access_token">;
  /** Null: none came. The store then keeps the one that it has (RFC 6749 6). */
  readonly refreshToken: Secret<"refresh_token"> | null;
  /** Only where the provider's data keeps it. Null: none came. */
  readonly idToken: Secret<"id_token"> | null;
  readonly tokenType: string;
  /** Epoch ms: the true expiry, no margin taken off. */
  readonly expiresAt: number;
  readonly expiryFrom: "server" | "jwt" | "assumed" | "garbage";
  readonly scope: string | null;
  readonly accountId: string | null;
  /** For people to read; fit for a terminal. */
  readonly identity: string | null;
  /** The provider's `keep`, but for the members above. */
  readonly extra: Readonly<Record<string, string>>;
}

export interface IssueOptions {
  /** What was sent with the authorization request; null where none was. */
  readonly nonce?: Secret<"nonce"> | null;
  /** Client for which an id token must have been made. */
  readonly clientId: string;
}

const standardMembers = new Set(["access_token", "refresh_token", "id_token", "token_type", "expires_in", "scope"]);
const assumedLifetimeMs = 3_600_000;
const tenYearsMs = 10 * 365 * 24 * assumedLifetimeMs;
const dayMs = 24 * assumedLifetimeMs;

/** Null: not a credential. `"other_sign_in"`: the id token was made for another authorization request (OIDC Core 3.1.3.7, 11). */
export function issuedBy(
  provider: Provider,
  members: object,
  receivedAt: number,
  options: IssueOptions,
): Issued | "other_sign_in" | null {
  const access = own(members, "access_token");
  const refresh = own(members, "refresh_token") ?? "";
  const type = own(members, "token_type");
  // RFC 6749 7.1: a type that we do not understand must not be used.
  if (!isVschars(access) || typeof type !== "string" || type.toLowerCase() !== "bearer") return null;
  if (refresh !== "" && !isVschars(refresh)) return null;

  const accessToken = new Secret("access_token", access);
  const idToken = tokenIn(members);
  const claims = idToken === null ? null : claimsOf(idToken);
  const nonce = own(claims ?? {}, "nonce");
  // Vendors that know no nonce leave it out; one that is there and differs is proof of a swap.
  if (nonce !== undefined && options.nonce && !(typeof nonce === "string" && options.nonce.matches(nonce))) {
    return "other_sign_in";
  }
  // Point 11 to the letter for a provider with metadata, where nobody has to guess what it knows.
  const isOurs = nonce !== undefined || !options.nonce || provider.issuer === null;
  const trusted = claims !== null && isOurs && isForUs(provider, claims, receivedAt, options.clientId) ? claims : {};
  const scope = own(members, "scope");
  return {
    accessToken,
    refreshToken: refresh === "" ? null : new Secret("refresh_token", refresh),
    idToken: provider.keep.includes("id_token") ? idToken : null,
    tokenType: type,
    ...expiry(members, accessToken, receivedAt),
    scope: isVschars(scope) ? scope : null,
    accountId: accountIn(provider, trusted),
    identity: identityAt(members, provider.identity.reply) ?? identityAt(trusted, provider.identity.claims),
    extra: extraIn(provider, members),
  };
}

/** The first of `paths` that holds something to show. */
export function identityAt(value: unknown, paths: readonly (readonly string[])[]): string | null {
  for (const path of paths) {
    const name = printable(memberAt(value, path) ?? "", 100);
    if (name !== "") return name;
  }
  return null;
}

/**
 * When the access token ends. A valid `expires_in` is taken to the letter; a missing one is read from the token if that is
 * a JWT, else an hour is assumed; garbage gets an hour and is marked, so that the caller does not ask again at once.
 */
function expiry(
  members: object,
  accessToken: Secret<"access_token">,
  receivedAt: number,
): Pick<Issued, "expiresAt" | "expiryFrom"> {
  const claimed = own(members, "expires_in") ?? null;
  const seconds = secondsIn(claimed);
  // RFC 6749 A.14 knows whole seconds only: no token lives for less than one, and believing it would ask without end.
  if (seconds !== null && seconds >= 1)
    return { expiresAt: receivedAt + Math.ceil(seconds * 1000), expiryFrom: "server" };
  const exp = claimed === null ? expiryOf(accessToken) : null;
  if (claimed === null && exp === null) return { expiresAt: receivedAt + assumedLifetimeMs, expiryFrom: "assumed" };
  // A new token that has expired already (a wrong clock, ours or theirs) would be renewed without end.
  if (exp !== null && exp > receivedAt && exp - receivedAt <= tenYearsMs) return { expiresAt: exp, expiryFrom: "jwt" };
  return { expiresAt: receivedAt + assumedLifetimeMs, expiryFrom: "garbage" };
}

function tokenIn(members: object): Secret<"id_token"> | null {
  const token = own(members, "id_token");
  return isVschars(token) ? new Secret("id_token", token) : null;
}

/**
 * Whether an id token's claims are about this sign-in (OIDC Core 3.1.3.7: 2, 3, 9). No signature is checked, and the
 * expiry with a day's leeway, since a wrong clock must not hide an account: the claims only name it.
 */
function isForUs(provider: Provider, claims: object, now: number, clientId: string): boolean {
  const audience = own(claims, "aud");
  const forUs = Array.isArray(audience) ? audience.includes(clientId) : audience === clientId;
  const exp = own(claims, "exp");
  const current = exp === undefined || (typeof exp === "number" && exp * 1000 > now - dayMs);
  return forUs && current && (provider.issuer === null || own(claims, "iss") === provider.issuer);
}

// It travels in a header.
function accountIn(provider: Provider, claims: object): string | null {
  const account = provider.accountClaim === null ? null : memberAt(claims, provider.accountClaim);
  return account !== null && /^[\x21-\x7e]{1,200}$/.test(account) ? account : null;
}

function extraIn(provider: Provider, members: object): Readonly<Record<string, string>> {
  const kept: [string, string][] = [];
  for (const name of provider.keep) {
    const value = own(members, name);
    if (standardMembers.has(name) || !isVschars(value)) continue;
    if (name !== "resource_url" || mayServe(value, provider.resourceHosts)) kept.push([name, value]);
  }
  // Unlike an assignment, this makes `__proto__` a member like any other.
  return Object.fromEntries(kept);
}

/** T32: whether API requests, and the token with them, may go where the reply says. Written with or without a scheme. */
function mayServe(resourceUrl: string, hosts: readonly string[]): boolean {
  const url = parsedAddress(/^[a-z][a-z0-9+.-]*:\/\//i.test(resourceUrl) ? resourceUrl : `https://${resourceUrl}`);
  if (url === null || !isConfidential(url) || !isOneOf(url.hostname, hosts)) return false;
  return (url.port === "" || isLoopbackHost(url.hostname)) && !/[?#]/.test(resourceUrl);
}
