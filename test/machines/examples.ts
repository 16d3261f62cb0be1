// Facts and surveys to begin from. All times are epoch milliseconds around one moment, `now`.
import type { Facts, Survey } from "../../machines/facts.ts";
import type { CredentialInput } from "../../machines/life.ts";

export const now = 1_800_000_000_000;
export const minute = 60_000;
export const hour = 60 * minute;

export const input: CredentialInput = { provider: "acme", account: "default", ahead: true, jitter: 0.5 };

/** A credential that was renewed a moment ago. */
export function facts(changes: Partial<Facts> = {}): Facts {
  return {
    lineage: "first",
    generation: 5,
    expiresAt: now + hour,
    obtainedAt: now,
    refreshable: true,
    identity: "me@example.com",
    verifiedAt: null,
    refused: null,
    retry: null,
    ...changes,
  };
}

/** An enabled account with these facts; null: nothing is stored. */
export function survey(changes: Partial<Facts> | null = {}, others: Partial<Survey> = {}): Survey {
  return {
    now,
    enabled: true,
    facts: changes === null ? null : facts(changes),
    fault: null,
    renewing: false,
    pending: null,
    ...others,
  };
}

/** One survey for every state that facts can lead to. */
export const surveys = {
  disabled: survey({}, { enabled: false }),
  blocked: survey(null, { fault: "store_corrupt" }),
  idle: survey(null),
  expired: survey({ expiresAt: now - 1, refused: "refresh_refused" }),
  backingOff: survey({ retry: { at: now + minute, code: "network_timeout" } }),
  authenticated: survey(),
} as const satisfies Record<string, Survey>;
