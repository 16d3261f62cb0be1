// How a stored credential changes: signed in, renewed, refused, put off, verified. Pure.
//
// A reply is merged, never put in the place of what is there: what it leaves out stays (RFC 6749 6: no new refresh token
// means the old one goes on). Every change within a lineage raises the generation by one.
import type { ErrorCode } from "../../machines/errors.ts";
import type { Issued } from "../wire/response.ts";
import type { StoredCredential } from "./codec.ts";

/** Who issued a credential: a refresh token never goes anywhere else (RFC 6749 10.4). */
export interface IssuedBy {
  /** Host (and port) of the token endpoint. */
  readonly issuer: string;
  readonly clientId: string;
}

/** A new sign-in: a lineage of its own. Keys of the file that are not ours are kept. */
export function signedIn(
  before: StoredCredential | null,
  issued: Issued,
  by: IssuedBy,
  lineage: string,
  now: number,
): StoredCredential {
  return {
    accessToken: issued.accessToken,
    refreshToken: issued.refreshToken,
    idToken: issued.idToken,
    expiresAt: issued.expiresAt,
    tokenType: issued.tokenType,
    scope: issued.scope,
    accountId: issued.accountId,
    resourceUrl: issued.extra["resource_url"] ?? null,
    identity: issued.identity,
    lineage,
    generation: 1,
    ...by,
    obtainedAt: now,
    verifiedAt: null,
    refused: null,
    retry: null,
    takenOver: null,
    snapshot: before?.snapshot ?? null,
    newer: false,
    ownRest: before?.ownRest ?? {},
    rest: before?.rest ?? {},
  };
}

/** The reply to a refresh, merged over what is stored. */
export function renewed(before: StoredCredential, issued: Issued, by: IssuedBy, now: number): StoredCredential {
  return {
    ...before,
    accessToken: issued.accessToken,
    refreshToken: issued.refreshToken ?? before.refreshToken,
    idToken: issued.idToken ?? before.idToken,
    expiresAt: issued.expiresAt,
    tokenType: issued.tokenType,
    scope: issued.scope ?? before.scope,
    accountId: issued.accountId ?? before.accountId,
    resourceUrl: issued.extra["resource_url"] ?? before.resourceUrl,
    identity: issued.identity ?? before.identity,
    ...by,
    generation: before.generation + 1,
    obtainedAt: now,
    refused: null,
    retry: null,
  };
}

/** The provider will not renew this generation. The tokens stay: the access token may live on. */
export function refusedToRenew(before: StoredCredential, code: ErrorCode): StoredCredential {
  return { ...before, refused: { generation: before.generation, code }, retry: null };
}

const firstPauseMs = 30_000;
const longestPauseMs = 30 * 60_000;

/** Renewing failed for now: 30 s, doubling to 30 min, or what the server asked for (Retry-After) if that is longer. */
export function putOff(
  before: StoredCredential,
  code: ErrorCode,
  now: number,
  retryAfterMs: number | null,
): StoredCredential {
  const failures = (before.retry?.failures ?? 0) + 1;
  const pause = Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs);
  return { ...before, retry: { at: now + Math.max(pause, retryAfterMs ?? 0), code, failures, since: now } };
}

/** Nothing is to be asked before that moment. */
export function waitingUntil(before: StoredCredential, code: ErrorCode, at: number): StoredCredential {
  const { failures = 0, since = null } = before.retry ?? {};
  return { ...before, retry: { at, code, failures, since } };
}

// No server may ask for more than an hour (`wire/durations.ts`), and we take half an hour at most.
const longestRetryMs = 2 * 3_600_000;
/** Two machines that share a home need not agree on the time to the second. */
const clocksDifferMs = 60_000;

/**
 * A pause that began later than now, or ends far in the future, was noted under another clock, or by hand: there is none.
 * Until the token's own end it is no pause that anybody feels; what is in doubt waits for that.
 */
export function credible(credential: StoredCredential, now: number): StoredCredential {
  const { retry, expiresAt } = credential;
  // The file counts in seconds: a pause is rounded up there, an expiry down.
  const isCredible =
    retry === null ||
    ((retry.since ?? now) - now <= clocksDifferMs &&
      (retry.at - now <= longestRetryMs || retry.at <= expiresAt + 1_000));
  return isCredible ? credential : { ...credential, retry: null };
}

/** The provider's API accepted the token. */
export function verified(before: StoredCredential, now: number): StoredCredential {
  return { ...before, verifiedAt: now };
}
