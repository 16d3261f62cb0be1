// What may be told of a statechart's transition: everything that a replay needs, word by word from lists of ours.
//
// Events and outputs hold no secret by design; this does not rely on it. A state, an event or an effect that is not on the
// list, because it was renamed or is new, is not told: a test compares the lists with the machines.
import { catalogue } from "../../machines/catalogue.ts";
import type { Grant } from "../../providers/provider.ts";
import {
  handleOf,
  listOf,
  moment,
  orNull,
  shapeOf,
  type Take,
  taken,
  truth,
  whole,
  wholeUpTo,
  wordOf,
} from "./takes.ts";

/** A transition that a statechart took, or its beginning (`xstate.init`). Times are epoch milliseconds. */
export interface Move {
  /** `account`: the life of the account; else the login machine of that grant. */
  readonly machine: "account" | Grant;
  /** Number of the running chart within its process. */
  readonly actor: number;
  readonly event: { readonly type: string } & Readonly<Record<string, unknown>>;
  /** Where it stands afterwards: `pendingAuth.device`. */
  readonly value: string;
  readonly status: "active" | "done" | "error";
  /** Transitions in their order, by states: `idle>pendingAuth`; without a target: `idle>`. */
  readonly taken: readonly string[];
  /** What rings when. */
  readonly timers: readonly { readonly id: string; readonly at: number }[];
}

export const grants = { loopback: true, paste: true, device: true } as const satisfies Record<Grant, true>;
const code = orNull(wordOf(catalogue));
const whole53 = wholeUpTo(Number.MAX_SAFE_INTEGER);
const milliseconds: Take = (value) => (typeof value === "number" ? whole53(Math.trunc(value)) : undefined);
const words = (...all: readonly string[]): Take => wordOf(Object.fromEntries(all.map((word) => [word, true])));
const lineage = orNull(handleOf(16));
const generation = orNull(whole53);
const attempt = orNull(handleOf(20));

const facts = shapeOf({
  lineage,
  generation,
  expiresAt: moment,
  obtainedAt: moment,
  refreshable: truth,
  verifiedAt: orNull(moment),
  refused: code,
  retry: orNull(shapeOf({ at: moment, code })),
});

const survey = shapeOf({
  now: moment,
  enabled: truth,
  facts: orNull(facts),
  fault: code,
  renewing: truth,
  pending: orNull(shapeOf({ attempt, kind: wordOf(grants), expiresAt: orNull(moment) })),
});

const times = { at: moment, deadlineAt: orNull(moment), intervalMs: milliseconds, restsUntil: orNull(moment) };
const asked = { port: orNull(wholeUpTo(65_535)), timeoutMs: orNull(milliseconds), attempt };
const output = (members: Readonly<Record<string, Take>>) => ({ output: shapeOf(members) });

/** Every event that is told, with its members. */
export const events: Readonly<Record<string, Readonly<Record<string, Take>>>> = {
  "xstate.init": {
    ahead: truth,
    jitter: (value) => (typeof value === "number" && value >= 0 && value <= 1 ? value : undefined),
    ...asked,
  },
  "account.enabled": {},
  "account.disabled": {},
  "account.reset": {},
  "login.requested": { grant: orNull(wordOf(grants)), ...asked },
  "login.pasted": {},
  "login.cancelled": {},
  "login.left": {},
  "login.ended": { code },
  "callback.arrived": {},
  "callback.denied": { code },
  "logout.requested": { revoke: truth },
  "token.demanded": { minTtlMs: milliseconds, now: moment },
  "token.rejected": { generation },
  "refresh.requested": { force: truth, now: moment },
  "renewal.due": {},
  "retry.due": {},
  "store.changed": { lineage, generation },
  "system.resumed": {},
  "serving.begun": times,
  "deadline.passed": {},
  "poll.due": {},
  "xstate.done.actor.survey": { output: survey },
  "xstate.done.actor.ensureFresh": output({
    kind: words("refreshed", "adopted", "rejected", "unavailable", "signedOut"),
    code,
    survey,
  }),
  "xstate.done.actor.logOut": output({
    revocation: words("revoked", "failed", "unsupported", "skipped", "nothing"),
    survey,
  }),
  "xstate.done.actor.login": output({ kind: words("granted", "cancelled", "failed"), code, attempt }),
  "xstate.done.actor.begin": output({ kind: words("ready", "failed"), code, attempt, serves: truth, ...times }),
  "xstate.done.actor.exchange": output({ kind: words("granted", "again", "failed"), code }),
  "xstate.done.actor.poll": output({
    kind: words("pending", "slowDown", "unavailable", "code", "granted", "failed"),
    code,
    endedAt: moment,
    retryAfterMs: orNull(milliseconds),
  }),
  "xstate.error.actor.survey": {},
  "xstate.error.actor.ensureFresh": {},
  "xstate.error.actor.logOut": {},
  "xstate.error.actor.login": {},
  "xstate.error.actor.storeWatch": {},
  "xstate.error.actor.renewalAlarm": {},
  "xstate.error.actor.retryAlarm": {},
  "xstate.error.actor.begin": {},
  "xstate.error.actor.exchange": {},
  "xstate.error.actor.poll": {},
  "xstate.error.actor.deadline": {},
  "xstate.error.actor.pollAlarm": {},
  "xstate.error.actor.serving": {},
};

/** Every state of every chart, by its own name. */
export const states: readonly string[] = (
  "deciding disabled idle pendingAuth choosing loopback paste device authenticated refreshing backingOff expired " +
  "loggingOut blocked preparing awaitingCode awaitingPoll joined serving resting polling exchanging done"
).split(" ");

/** Every alarm that a chart sets. */
export const alarms: readonly string[] = ["renewalAlarm", "retryAlarm", "deadline", "pollAlarm"];

const isState = words(...states);

/** States from the outermost to the innermost, with dots between them. */
const path: Take = (value) =>
  typeof value === "string" && value.split(".").every((name) => isState(name) !== undefined) ? value : undefined;

/** Two paths; the chart itself, and no target at all, are empty. */
const step: Take = (value) => {
  if (typeof value !== "string") return undefined;
  const ends = value.split(">");
  return ends.length === 2 && ends.every((end) => end === "" || path(end) !== undefined) ? value : undefined;
};

const event: Take = (value) => {
  const type = wordOf(events)((value as { readonly type?: unknown } | null)?.type);
  return type === undefined ? undefined : { type, ...taken(value, events[type as string] ?? {}) };
};

const members = {
  machine: words("account", ...Object.keys(grants)),
  actor: wholeUpTo(1_000_000),
  event,
  value: path,
  status: words("active", "done", "error"),
  taken: listOf(step, 20),
  timers: listOf(shapeOf({ id: words(...alarms), at: moment }, ["id", "at"]), 10),
} as const satisfies Record<keyof Move, Take>;

/** A move with nothing in it that is not on the list; undefined when it is none. */
export const move: Take = (value) =>
  typeof value === "object" && value !== null ? whole(taken(value, members), Object.keys(members)) : undefined;
