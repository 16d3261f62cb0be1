// What was granted, held against what is asked for (RFC 6749 3.3): a server may give less than it was asked for, or more, and
// whoever uses the token should know before a request fails. It is told and never a reason to refuse a login.
import { printable } from "./wire/text.ts";

/** Fit for a terminal. */
export interface ScopeDifference {
  /** Asked for and not granted. */
  readonly missing: readonly string[];
  /** Granted and not asked for. */
  readonly more: readonly string[];
}

/** @param granted the server's own words; null: as asked (RFC 6749 5.1). @returns null where there is no difference */
export function scopeDifference(asked: readonly string[], granted: string | null): ScopeDifference | null {
  if (granted === null) return null;
  const given = granted.split(" ").filter((scope) => scope !== "");
  const difference = { missing: without(asked, given), more: without(given, asked) };
  return difference.missing.length + difference.more.length === 0 ? null : difference;
}

function without(scopes: readonly string[], others: readonly string[]): readonly string[] {
  return scopes.filter((scope) => !others.includes(scope)).map((scope) => printable(scope));
}
