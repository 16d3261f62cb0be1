// Where an account stood after a line of the journal: from what its charts did, and from what steps alone tell. Pure.
//
// A refresh is done by processes that run no chart of the account, and a journal may begin in the middle: what no line tells
// is told as not known, and nothing is made up from the facts of today.
import type { Step } from "../../record.ts";
import type { Numbered } from "./seen.ts";

export interface Standing {
  /** A state's path; null: no line tells. */
  readonly value: string | null;
  /** Arrows by their ends, `a>b`, that the last line took. */
  readonly taken: readonly string[];
  /** The line that took them. */
  readonly by: Numbered | null;
  /** When the token ends, by the last line that tells it. */
  readonly expiresAt: number | null;
  /** The last state in which an account can stay. */
  readonly rest: string | null;
  /** Processes that run a chart of the account: what their steps mean is told by its own lines. */
  readonly charted: ReadonlySet<number>;
}

export const unknown: Standing = { value: null, taken: [], by: null, expiresAt: null, rest: null, charted: new Set() };

type Implies = (before: Standing, record: Numbered) => string | null;

const to =
  (state: string): Implies =>
  () =>
    state;
const signIn: Implies = (_, { grant }) => (grant === undefined ? "pendingAuth" : `pendingAuth.${grant}`);
/** A refusal is no end while the token lives. */
const over: Implies = ({ expiresAt }, { at }) =>
  expiresAt !== null && expiresAt > Date.parse(at) ? "authenticated" : "expired";
const back: Implies = ({ rest }) => rest ?? "idle";

/** Steps after which an account stands somewhere, whoever did them. */
const implied: Partial<Readonly<Record<Step, Implies>>> = {
  permitted: to("refreshing"),
  repeated: to("refreshing"),
  sealed: to("refreshing"),
  checkpointed: to("authenticated"),
  salvaged: to("authenticated"),
  postponed: to("authenticated"),
  withdrawn: back,
  putOff: to("backingOff"),
  unanswered: to("backingOff"),
  refused: over,
  interrupted: over,
  signInBegun: signIn,
  signInJoined: signIn,
  signInAdopted: signIn,
  signedIn: to("authenticated"),
  signInFailed: back,
  signInCancelled: back,
  loggedOut: to("idle"),
  revocation: to("idle"),
  reset: to("idle"),
  disabled: to("disabled"),
  enabled: ({ value }) => (value === "disabled" ? "deciding" : value),
  unreadable: to("blocked"),
  blocked: to("blocked"),
};

const rests: ReadonlySet<string> = new Set(["idle", "disabled", "authenticated", "backingOff", "expired", "blocked"]);

/** @param records of one account, the oldest first */
export function standingAfter(records: Iterable<Numbered>): Standing {
  let found = unknown;
  for (const record of records) found = after(found, record);
  return found;
}

/** One line further. A sign-in's own chart says nothing of where the account stands. */
export function after(before: Standing, record: Numbered): Standing {
  const { step, move, pid } = record;
  if (move !== undefined) {
    if (move.machine !== "account") return before;
    const charted = before.charted.has(pid) ? before.charted : new Set(before.charted).add(pid);
    return { ...moved(before, record, move.value, move.taken), charted };
  }
  if (before.charted.has(pid)) return withExpiry(before, record);
  const value = implied[step]?.(before, record) ?? before.value;
  if (value === before.value) return withExpiry(before, record);
  return withExpiry(moved(before, record, value, before.value === null ? [] : [`${before.value}>${value}`]), record);
}

function moved(before: Standing, by: Numbered, value: string | null, taken: readonly string[]): Standing {
  const rest = value !== null && rests.has(value) ? value : before.rest;
  return { ...before, value, taken, by, rest };
}

function withExpiry(standing: Standing, { step, expiresAt }: Numbered): Standing {
  if (["loggedOut", "revocation", "reset"].includes(step)) return { ...standing, expiresAt: null };
  return expiresAt == null ? standing : { ...standing, expiresAt };
}
