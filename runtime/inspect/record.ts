// What a line of the journal may hold: an allow-list, member by member, and nothing else gets in.
//
// People attach a journal to a bug report, so it must be safe whatever a caller passes. A text gets in as a word of a list
// of ours, as a time, as a random handle of exactly its length, or as a name; each is looked at once, and what does not
// fit is left out. Nothing here throws.
import { createHash } from "node:crypto";
import { catalogue, type ErrorCode } from "../../machines/catalogue.ts";
import type { Revocation } from "../../machines/life.ts";
import type { Grant } from "../../providers/provider.ts";
import { checkAccountName, checkProviderName } from "../store/names.ts";

/** Everything that is worth a line: each changes something. */
export const steps = {
  permitted: "The permit is on the disk; the refresh token goes out now.",
  sealed: "The server's reply is on the disk.",
  checkpointed: "The token file holds what the reply brought.",
  salvaged: "The sealed reply of a process that died was put into the token file by this one.",
  repeated: "A refresh token whose fate is unknown is sent once more.",
  interrupted: "Given up: the server refused what an interrupted process may have spent.",
  refused: "The server's last word: the refresh token is not taken any more.",
  putOff: "Renewing failed for now; the next try has its time.",
  withdrawn: "The permit was taken back: the refresh token was never sent, or never looked at.",
  discarded: "Tokens that nobody wants any more were given back or thrown away.",
  blocked: "The server's reply is on the disk and cannot be read.",
  signInBegun: "A sign-in was begun; its address may be shown.",
  signInJoined: "A sign-in that another process serves is waited for by this one as well.",
  signInAdopted: "A sign-in whose process is gone is served by this one from now on.",
  pastedBare: "A code was pasted without its state: only the proof key ties it to this sign-in.",
  signedIn: "The tokens of a sign-in are in the token file.",
  signInFailed: "A sign-in ended without tokens.",
  signInCancelled: "A sign-in was given up by a person.",
  loggedOut: "The tokens were removed from this machine.",
  revocation: "The provider was asked to take a grant back.",
  enabled: "OAuth was turned on.",
  disabled: "OAuth was turned off; tokens are kept.",
  reset: "The account was put back to its beginning; an unreadable file is kept aside.",
  resumed: "The machine woke up; everything was looked at afresh.",
} as const;

export type Step = keyof typeof steps;

/** One line of the journal. Times are epoch milliseconds. */
export interface Entry {
  readonly step: Step;
  readonly provider: string;
  /** As `shownAccount` has it. */
  readonly account: string;
  readonly lineage?: string | null | undefined;
  /** What the step is about: for a refresh the one whose refresh token is spent, else the one that is stored. */
  readonly generation?: number | null | undefined;
  /** Number of the presentation of one refresh token; 0 is the first. */
  readonly attempt?: number | undefined;
  /** Handle of a sign-in. */
  readonly signIn?: string | undefined;
  readonly grant?: Grant | undefined;
  readonly code?: ErrorCode | null | undefined;
  readonly expiresAt?: number | null | undefined;
  readonly retryAt?: number | null | undefined;
  readonly deadlineAt?: number | null | undefined;
  /** The process that was interrupted, and when it had begun. */
  readonly holder?: { readonly pid: number; readonly at: number } | undefined;
  readonly revocation?: Revocation | undefined;
}

/** An entry as it was written: when (ISO 8601), and by which process. */
export interface JournalRecord extends Entry {
  readonly v: 1;
  readonly at: string;
  readonly pid: number;
}

const grants = { loopback: true, paste: true, device: true } as const satisfies Record<Grant, true>;
const revocations = {
  revoked: true,
  failed: true,
  unsupported: true,
  skipped: true,
  nothing: true,
} as const satisfies Record<Revocation, true>;

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

/** What of a value may be written; undefined: nothing. */
type Take = (value: unknown) => unknown;

const wordOf =
  (words: object): Take =>
  (value) =>
    typeof value === "string" && Object.hasOwn(words, value) ? value : undefined;

/** @param bytes so many random ones, as base64url */
const handleOf = (bytes: number): Take => {
  const pattern = new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`);
  return (value) => (typeof value === "string" && pattern.test(value) ? value : undefined);
};

const wholeUpTo =
  (largest: number): Take =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest ? value : undefined;

const orNull =
  (take: Take): Take =>
  (value) =>
    value === null ? null : take(value);

// ECMA-262 21.4.1.1: the last moment that a Date knows.
const moment: Take = (value) =>
  typeof value === "number" ? wholeUpTo(8_640_000_000_000_000)(Math.trunc(value)) : undefined;
const processId = wholeUpTo(2 ** 32);

/** A name that its own rule takes as it is. */
const nameBy =
  (check: (name: string) => string): Take =>
  (value) => {
    try {
      return typeof value === "string" && value.length <= 64 && check(value) === value ? value : undefined;
    } catch {
      return undefined;
    }
  };

const account: Take = (value) => {
  if (typeof value === "string" && marked.test(value)) return value;
  const name = nameBy(checkAccountName)(value);
  return typeof name === "string" ? shownAccount(name) : undefined;
};

const members = {
  step: wordOf(steps),
  provider: nameBy(checkProviderName),
  account,
  lineage: orNull(handleOf(16)),
  generation: orNull(wholeUpTo(Number.MAX_SAFE_INTEGER)),
  attempt: wholeUpTo(1_000),
  signIn: handleOf(20),
  grant: wordOf(grants),
  code: orNull(wordOf(catalogue)),
  expiresAt: orNull(moment),
  retryAt: orNull(moment),
  deadlineAt: orNull(moment),
  holder: (value) => whole(taken(value, { pid: processId, at: moment }), ["pid", "at"]),
  revocation: wordOf(revocations),
} as const satisfies Record<keyof Entry, Take>;

const ownMembers = {
  v: (value: unknown) => (value === 1 ? value : undefined),
  at: (value: unknown) => (typeof value === "string" && isIso(value) ? value : undefined),
  pid: processId,
};

function isIso(text: string): boolean {
  return /^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text));
}

type Taken = Record<string, unknown>;

function taken(from: unknown, by: Readonly<Record<string, Take>>): Taken {
  const found: Taken = {};
  for (const [member, take] of Object.entries(by)) {
    // Asked once: a getter may answer otherwise the second time.
    const value = take(memberOf(from, member));
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

function whole(found: Taken, needed: readonly string[]): Taken | undefined {
  return needed.every((member) => member in found) ? found : undefined;
}

const needed = ["step", "provider", "account"];

/** The line for an entry, without its end; null when it does not even say what happened to whom. @param at epoch milliseconds */
export function lineOf(entry: unknown, at: number, pid: number): string | null {
  const found = whole(taken(entry, members), needed);
  return found === undefined ? null : JSON.stringify({ v: 1, at: new Date(at).toISOString(), pid, ...found });
}

/** What a line says; null for one of another program, of a newer version, or a torn one. */
export function recordOf(line: string): JournalRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  // By the same list: somebody may have written into the file, and this is shown on terminals.
  const found = whole(taken(value, { ...ownMembers, ...members }), [...Object.keys(ownMembers), ...needed]);
  return (found ?? null) as JournalRecord | null;
}
