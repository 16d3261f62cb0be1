// A credential to use: the winner of the order of precedence, with what a request needs besides it.
import type { Source } from "../machines/describe.ts";
import type { Secret } from "./secret.ts";
import type { StoredCredential } from "./store/codec.ts";

export interface Credential {
  readonly kind: "oauth" | "key";
  /** `reveal()` it only where it is sent or was asked for. */
  readonly secret: Secret<"access_token"> | Secret<"api_key">;
  readonly source: Source;
  /** Where it comes from, for people. */
  readonly origin: string;
  /** Epoch milliseconds; null: a key, which has no end that we know. */
  readonly expiresAt: number | null;
  /** Of the login that it belongs to; null for a key. */
  readonly generation: number | null;
  readonly accountId: string | null;
  /** Where the provider wants API requests to go, if it said so. */
  readonly resourceUrl: string | null;
  /** It lives for less than was asked, and nothing better is to be had now. */
  readonly shortLived: boolean;
}

export function oauthCredential(stored: StoredCredential, origin: string, shortLived: boolean): Credential {
  return {
    kind: "oauth",
    secret: stored.accessToken,
    source: { kind: "oauth" },
    origin,
    expiresAt: stored.expiresAt,
    generation: stored.generation,
    accountId: stored.accountId,
    resourceUrl: stored.resourceUrl,
    shortLived,
  };
}

export function keyCredential(secret: Secret<"api_key">, source: Source, origin: string): Credential {
  return {
    kind: "key",
    secret,
    source,
    origin,
    expiresAt: null,
    generation: null,
    accountId: null,
    resourceUrl: null,
    shortLived: false,
  };
}
