// How a value gets into the journal, or into what an inspector shows: by a list of what is let through, never by a list of
// what is kept back.
//
// A text passes as a word of a list of ours, as a time, as a random handle of exactly its length, or as a name; each member is
// looked at once, and what does not fit is left out. Nothing here throws.
import { createHash } from "node:crypto";
import { checkAccountName } from "../store/names.ts";

const longestPlainName = 32;
const marked = /^sha256:[0-9a-f]{16}$/;

/**
 * An account's name as the journal shows it. Keys and tokens are longer than names are: so that none can pass for one, a
 * name of more than 32 characters is shown by its digest.
 */
export function shownAccount(account: string): string {
  if (account.length <= longestPlainName) return account;
  return `sha256:${createHash("sha256").update(account).digest("hex").slice(0, 16)}`;
}

/** What of a value may be told; undefined: nothing. */
export type Take = (value: unknown) => unknown;

/** @param words their keys are the words */
export const wordOf =
  (words: object): Take =>
  (value) =>
    typeof value === "string" && Object.hasOwn(words, value) ? value : undefined;

/** @param bytes so many random ones, as base64url */
export const handleOf = (bytes: number): Take => {
  const pattern = new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`);
  return (value) => (typeof value === "string" && pattern.test(value) ? value : undefined);
};

export const wholeUpTo =
  (largest: number): Take =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest ? value : undefined;

export const orNull =
  (take: Take): Take =>
  (value) =>
    value === null ? null : take(value);

// ECMA-262 21.4.1.1: the last moment that a Date knows.
export const moment: Take = (value) =>
  typeof value === "number" ? wholeUpTo(8_640_000_000_000_000)(Math.trunc(value)) : undefined;
export const processId = wholeUpTo(2 ** 32);

/** A name that its own rule takes as it is. */
export const nameBy =
  (check: (name: string) => string): Take =>
  (value) => {
    try {
      return typeof value === "string" && value.length <= 64 && check(value) === value ? value : undefined;
    } catch {
      return undefined;
    }
  };

/** An account, as `shownAccount` has it. */
export const account: Take = (value) => {
  if (typeof value === "string" && marked.test(value)) return value;
  const name = nameBy(checkAccountName)(value);
  return typeof name === "string" ? shownAccount(name) : undefined;
};

/** ISO 8601 in UTC, to the millisecond. */
export const isoTime: Take = (value) =>
  typeof value === "string" && isIso(value) && !Number.isNaN(Date.parse(value)) ? value : undefined;

const isIso = (text: string): boolean => /^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text);

export const truth: Take = (value) => (typeof value === "boolean" ? value : undefined);

/** A list, of which every element has to pass. @param most as many at most */
export const listOf =
  (take: Take, most: number): Take =>
  (value) => {
    if (!Array.isArray(value) || value.length > most) return undefined;
    const found = value.map(take);
    return found.includes(undefined) ? undefined : found;
  };

/** An object with these members and no others. @param needed without which it is nothing */
export const shapeOf =
  (by: Readonly<Record<string, Take>>, needed: readonly string[] = []): Take =>
  (value) =>
    typeof value === "object" && value !== null ? whole(taken(value, by), needed) : undefined;

export type Taken = Record<string, unknown>;

/** The members that pass. */
export function taken(from: unknown, by: Readonly<Record<string, Take>>): Taken {
  const found: Taken = {};
  for (const member of Object.keys(by)) {
    // Asked once: a getter may answer otherwise the second time.
    const value = by[member]?.(memberOf(from, member));
    if (value !== undefined) found[member] = value;
  }
  return found;
}

function memberOf(from: unknown, member: string): unknown {
  try {
    return (from as Taken)[member];
  } catch {
    return undefined;
  }
}

/** The same; undefined when one that is needed is missing. */
export function whole(found: Taken, needed: readonly string[]): Taken | undefined {
  return needed.every((member) => member in found) ? found : undefined;
}
