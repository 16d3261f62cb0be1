// What machines know about an account: facts without secrets, read afresh whenever a machine decides.
// The token file is the truth; a fact is a copy of it with the moment at which it was read.
import type { Grant } from "../providers/provider.ts";
import type { ErrorCode } from "./errors.ts";

/** A stored credential, without its tokens. Times are epoch milliseconds. */
export interface Facts {
  /** Random, one per sign-in; null for a file of an older program. */
  readonly lineage: string | null;
  /** Grows by one with every change within a lineage. */
  readonly generation: number;
  readonly expiresAt: number;
  readonly obtainedAt: number;
  /** A refresh token is stored. */
  readonly refreshable: boolean;
  readonly identity: string | null;
  /** When the provider's API last accepted the token; null: not yet seen. */
  readonly verifiedAt: number | null;
  /** The provider refused to renew this generation, for good. */
  readonly refused: ErrorCode | null;
  /** The last try to renew failed for now: not before this, and why. */
  readonly retry: { readonly at: number; readonly code: ErrorCode } | null;
}

/** A sign-in under way. Its address and codes stay in its record. */
export interface AttemptFacts {
  readonly attempt: string;
  readonly kind: Grant;
  /** Null: waits without limit. */
  readonly expiresAt: number | null;
}

/** Everything that decides about an account, read at one moment. */
export interface Survey {
  readonly now: number;
  readonly enabled: boolean;
  readonly facts: Facts | null;
  /** Why the token file cannot be used, if it is there and cannot. */
  readonly fault: ErrorCode | null;
  /** Some process is presenting the refresh token at this moment. */
  readonly renewing: boolean;
  /** The newest sign-in under way, whichever process began it. */
  readonly pending: AttemptFacts | null;
}

/** Whether asking for a new token makes sense. */
export function isRenewable({ refreshable, refused }: Facts): boolean {
  return refreshable && refused === null;
}

/** Neither alive nor renewable: only a person can help. */
export function isOver(facts: Facts, now: number): boolean {
  return facts.expiresAt <= now && !isRenewable(facts);
}
