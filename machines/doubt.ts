// A refresh token was let go and no reply is there: may it be presented again? Pure.
//
// Presented twice, a rotated token costs the whole family (RFC 9700 4.14.2), and with it an access token that is still good.
// Never presented again, a login is lost to a mere network failure. So: not while the first one can still be under way, at
// once where the server is known to forgive it, otherwise when the access token has become unusable, for then there is
// nothing left to lose. What a process left behind that died in the middle is repeated once; after a failure that a living
// process saw, there is a pause and another try, since only the server's word ends a login. The lock's word never decides.
import type { Provider } from "../providers/provider.ts";

/** What is known of a permit without a seal. */
export interface Doubt {
  /** How many presentations of this refresh token died with their process. */
  readonly interrupted: number;
  /** How many there were, less one. */
  readonly attempt: number;
  /** Time since it was written (ms), by a clock that nobody sets. */
  readonly ageMs: number;
  /** The same for the first permit for this token: by that presentation it was spent, if it was. At least `ageMs`. */
  readonly sinceFirstMs: number;
  /** Its process has noted that it will not hear of it any more, or is seen to be gone. */
  readonly isOver: boolean;
  /** Written before this machine was started, or on another one. */
  readonly isOtherBoot: boolean;
  /** The folder may be shared with other machines. */
  readonly isShared: boolean;
  /** The access token is dead, or the API refused it. */
  readonly isUnusable: boolean;
}

export type Weighed =
  | { readonly kind: "repeat" }
  /** Not before `inMs`; null: when the access token has become unusable. */
  | { readonly kind: "later"; readonly inMs: number | null }
  /** Repeated as often as makes sense. */
  | { readonly kind: "over" };

/** An exchange is bounded by 35 s; after this nobody is waiting for its reply any more. */
export const exchangeOverMs = 60_000;
/** Another machine's clock and a server's cache are allowed for. */
const exchangeOverElsewhereMs = 600_000;
const mostRepeatsInGrace = 3;
const mostInterrupted = 2;

export function weigh(doubt: Doubt, { rotation, reuseGraceMs }: Pick<Provider, "rotation" | "reuseGraceMs">): Weighed {
  // A refresh token that does not change is not spent by being presented.
  if (rotation === "never") return { kind: "repeat" };
  const { ageMs, sinceFirstMs, attempt } = doubt;
  const overAfterMs = doubt.isOtherBoot && doubt.isShared ? exchangeOverElsewhereMs : exchangeOverMs;
  const isOver = doubt.isOver || (doubt.isOtherBoot && !doubt.isShared) || ageMs >= overAfterMs;
  if (!isOver) return { kind: "later", inMs: overAfterMs - ageMs };
  // Forgiving begins when the server first saw the token. Our clock began before, so that what looks forgiven here is
  // forgiven there; a repeat begins nothing anew.
  if (sinceFirstMs < reuseGraceMs && attempt < mostRepeatsInGrace) return { kind: "repeat" };
  if (doubt.interrupted >= mostInterrupted) return { kind: "over" };
  return doubt.isUnusable ? { kind: "repeat" } : { kind: "later", inMs: null };
}
