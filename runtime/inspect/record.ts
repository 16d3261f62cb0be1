// What a line of the journal may hold: an allow-list, member by member, and nothing else gets in.
//
// People attach a journal to a bug report, so it must be safe whatever a caller passes. A text gets in as a word of a list
// of ours, as a time, as a random handle of exactly its length, or as a name; each is looked at once, and what does not
// fit is left out. Nothing here throws.
import { catalogue, type ErrorCode } from "../../machines/catalogue.ts";
import type { Revocation } from "../../machines/life.ts";
import type { Grant } from "../../providers/provider.ts";
import { checkProviderName } from "../store/names.ts";
import { grants, type Move, move } from "./move.ts";
import {
  account,
  handleOf,
  isoTime,
  moment,
  nameBy,
  orNull,
  processId,
  shapeOf,
  type Take,
  type Taken,
  taken,
  whole,
  wholeUpTo,
  wordOf,
} from "./takes.ts";

/** RFC 6749 5.2, RFC 8628 3.5, and what vendors say instead. Any other word of a server's is not told. */
const words = {
  invalid_request: true,
  invalid_client: true,
  invalid_grant: true,
  unauthorized_client: true,
  invalid_scope: true,
  access_denied: true,
  expired_token: true,
  refresh_token_expired: true,
  refresh_token_invalidated: true,
  refresh_token_reused: true,
} as const;

export type Word = keyof typeof words;

/** Everything that is worth a line: each changes something. */
export const steps = {
  permitted: "The permit is on the disk; the refresh token goes out now.",
  sealed: "The server's reply is on the disk.",
  checkpointed: "The token file holds what the reply brought.",
  salvaged: "The sealed reply of a process that died was put into the token file by this one.",
  repeated: "A refresh token whose fate is unknown is sent once more.",
  interrupted: "Given up: the server refused what an interrupted process may have spent.",
  unanswered: "No reply came: nobody knows whether the refresh token is spent.",
  refused: "The server's last word: the refresh token is not taken any more.",
  putOff: "Renewing failed for now; the next try has its time.",
  hindered: "Renewing was not begun: something on this machine is to be put right first. Nothing was spent.",
  postponed: "The disk did not take the token file; the sealed reply stands for it.",
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
  imported: "The login of another program is read from now on, and left to that program to renew.",
  takenOver: "The login of another program was copied into the token file, to be renewed here from now on.",
  loggedOut: "The tokens were removed from this machine.",
  revocation: "The provider was asked to take a grant back.",
  enabled: "OAuth was turned on.",
  disabled: "OAuth was turned off; tokens are kept.",
  unreadable: "The token file is there and cannot be used; it is left as it is.",
  reset: "The account was put back to its beginning; an unreadable file is kept aside.",
  resumed: "The machine woke up; everything was looked at afresh.",
  moved: "A statechart took a transition, in a process that changed something.",
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
  /** The server's own word for its refusal, if it is one of those that are known. */
  readonly word?: Word | null | undefined;
  readonly expiresAt?: number | null | undefined;
  readonly retryAt?: number | null | undefined;
  readonly deadlineAt?: number | null | undefined;
  /** The process that was interrupted, and when it had begun. */
  readonly holder?: { readonly pid: number; readonly at: number } | undefined;
  readonly revocation?: Revocation | undefined;
  readonly move?: Move | undefined;
}

/** An entry as it was written: when (ISO 8601), and by which process. */
export interface JournalRecord extends Entry {
  readonly v: 1;
  readonly at: string;
  readonly pid: number;
}

const revocations = {
  revoked: true,
  failed: true,
  unsupported: true,
  skipped: true,
  nothing: true,
} as const satisfies Record<Revocation, true>;

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
  word: orNull(wordOf(words)),
  expiresAt: orNull(moment),
  retryAt: orNull(moment),
  deadlineAt: orNull(moment),
  holder: shapeOf({ pid: processId, at: moment }, ["pid", "at"]),
  revocation: wordOf(revocations),
  move,
} as const satisfies Record<keyof Entry, Take>;

const ownMembers = {
  v: (value: unknown) => (value === 1 ? value : undefined),
  at: isoTime,
  pid: processId,
};

const allMembers = { ...ownMembers, ...members };

const needed = ["step", "provider", "account"];

/** What happened to whom is there, and the transition if it is one. */
function complete(found: Taken, more: readonly string[] = []): Taken | undefined {
  return whole(found, [...more, ...needed, ...(found["step"] === "moved" ? ["move"] : [])]);
}

/** The line for an entry, without its end; null when it does not even say what happened to whom. @param at epoch milliseconds */
export function lineOf(entry: unknown, at: number, pid: number): string | null {
  const found = complete(taken(entry, members));
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
  const found = complete(taken(value, allMembers), Object.keys(ownMembers));
  return (found ?? null) as JournalRecord | null;
}
