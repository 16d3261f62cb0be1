// When a token is fresh, and when to renew it. The one decision that the fast path, the machine and the refresh share:
// three answers to "is it still good?" would be two too many. Times are epoch milliseconds.

/** A token with less left than this is renewed before it is handed out (contract, section 5). */
export const defaultMinTtlMs = 30_000;

/** Whether a token that dies at `expiresAt` lives for at least `minTtlMs` more. */
export function isFresh(expiresAt: number, now: number, minTtlMs: number): boolean {
  return expiresAt - now >= Math.max(minTtlMs, 1);
}

/** Asked for by who wants a new token, however long it lives. */
export const anyLifetimeMs = Number.MAX_SAFE_INTEGER;

/** Least pause between two renewals that nobody asked for (contract, section 5). */
export const leastPauseMs = 30_000;

const leastLeadMs = 300_000;
const jitterMs = 30_000;
// Two pauses of 30 s, and a second because files count in whole ones.
const shortestLifetimeMs = 61_000;

/**
 * When a long-lived process begins to renew: 10 % of the lifetime early, at least 5 minutes, up to 30 s earlier still so
 * that processes do not start together. A token too short-lived for that waits for its last 30 s, and one that lives for
 * hardly a minute is renewed on demand only (null): anything else would be a storm of requests.
 * @param jitter between 0 and 1, drawn once per process.
 */
export function renewAheadAt(expiresAt: number, obtainedAt: number, jitter: number): number | null {
  const lifetime = expiresAt - obtainedAt;
  if (lifetime < shortestLifetimeMs) return null;
  const lead = Math.max(leastLeadMs, lifetime / 10) + jitter * jitterMs;
  return Math.floor(lead < lifetime / 2 ? expiresAt - lead : expiresAt - defaultMinTtlMs);
}
