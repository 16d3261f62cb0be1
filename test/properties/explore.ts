// The machines by enumeration: each reachable state with each event, and with each end that the effects under way may have.
// No actor runs and no effect is done, so that what is found is all that there is.
import { getAdjacencyMap } from "xstate/graph";
import { input, minute, now, surveys } from "../machines/examples.ts";
import { asked, ready } from "../machines/login/walk.ts";
import { breaks, ends, type Event, type Machine, path } from "../machines/step.ts";
import { charts } from "./charts.ts";

export interface Reached {
  readonly value: unknown;
  readonly status: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- one shape for the contexts of all machines
  readonly context: any;
  readonly output: unknown;
  readonly children: Readonly<Record<string, unknown>>;
  readonly tags: ReadonlySet<string>;
}

export interface Way {
  readonly from: string;
  readonly event: Event;
  readonly to: string;
  readonly reached: Reached;
}

export interface Explored {
  readonly chart: string;
  readonly machine: Machine;
  readonly states: ReadonlyMap<string, Reached>;
  readonly ways: readonly Way[];
}

interface Vertex {
  readonly state: Reached;
  readonly transitions: Readonly<Record<string, { readonly event: Event; readonly state: Reached }>>;
}

/** How a chart is explored. Who adds a chart adds what can happen to it. */
interface Expedition {
  readonly input: unknown;
  readonly events: readonly Event[];
  /** What each effect can end with; which of them can end depends on what is under way. */
  readonly outcomes: Readonly<Record<string, readonly unknown[]>>;
  /** What is told apart, besides the state's own name. */
  readonly marks: (context: Reached["context"]) => readonly unknown[];
}

const read = Object.values(surveys);
const login = { type: "login.requested", port: null, timeoutMs: null, attempt: null };

const signIn: Expedition = {
  input: asked,
  events: [
    { type: "login.pasted", handle: "h" },
    { type: "login.cancelled" },
    { type: "callback.arrived", handle: "h" },
    { type: "callback.denied", code: "consent_denied" },
    { type: "login.left" },
    { type: "login.ended", code: "consent_denied" },
    { type: "serving.begun", at: now, deadlineAt: null, intervalMs: 5_000, restsUntil: null },
    { type: "deadline.passed" },
    { type: "poll.due" },
  ],
  outcomes: {
    begin: [ready, { ...ready, deadlineAt: null }, { ...ready, serves: false }, { kind: "failed", code: "port_busy" }],
    exchange: [{ kind: "granted" }, { kind: "again", code: "pasted_unreadable" }, { kind: "failed", code: "internal" }],
    poll: [
      { kind: "pending", endedAt: now, retryAfterMs: null },
      { kind: "slowDown", endedAt: now, retryAfterMs: null },
      { kind: "unavailable", endedAt: now, retryAfterMs: 90_000, code: "network_name" },
      { kind: "code", handle: "h" },
      { kind: "granted" },
      { kind: "failed", code: "consent_denied" },
    ],
  },
  marks: ({ deadlineAt, serves, handle, outcome }) => [deadlineAt, serves, handle, outcome.kind, outcome.code],
};

const verdicts = ["refreshed", "adopted", "rejected", "unavailable", "signedOut"].map((kind) => ({ kind, code: null }));

const expeditions: Readonly<Record<string, Expedition>> = {
  credential: {
    input,
    events: [
      { type: "account.enabled" },
      { type: "account.disabled" },
      { type: "account.reset" },
      { ...login, grant: "loopback" },
      { ...login, grant: "paste" },
      { ...login, grant: "device" },
      { type: "login.pasted", handle: "h" },
      { type: "login.cancelled" },
      { type: "login.left" },
      { type: "login.ended", code: "consent_denied" },
      { type: "callback.arrived", handle: "h" },
      { type: "callback.denied", code: "consent_denied" },
      { type: "logout.requested", revoke: true },
      { type: "token.demanded", minTtlMs: 10 * 60 * minute, now },
      { type: "token.rejected", generation: 5 },
      { type: "refresh.requested", force: true, now },
      { type: "renewal.due" },
      { type: "retry.due" },
      { type: "store.changed", lineage: "second", generation: 1 },
      { type: "store.changed", lineage: null, generation: null },
      { type: "system.resumed" },
    ],
    outcomes: {
      survey: read,
      ensureFresh: read.map((survey) => ({ kind: "refreshed", code: null, survey })),
      logOut: read.map((survey) => ({ revocation: "revoked", survey })),
      login: [
        { kind: "granted", attempt: "a1" },
        { kind: "cancelled", code: "sign_in_cancelled", attempt: "a1" },
        { kind: "failed", code: "consent_denied", attempt: null },
      ],
    },
    marks: ({ survey, choice, seen, grant }) => [read.indexOf(survey), choice, JSON.stringify(seen), grant],
  },
  loopback: signIn,
  paste: signIn,
  device: signIn,
  refresh: {
    input: undefined,
    // Every step's every answer: those that the chart itself names, with each verdict there is.
    events: [...new Set(eventsOf("refresh"))].flatMap((type) => verdicts.map((verdict) => ({ type, verdict }))),
    outcomes: {},
    marks: ({ verdict }) => [verdict.kind],
  },
};

/** Every event that a chart names. */
export function eventsOf(chart: string): string[] {
  const names: string[] = [];
  const walk = (node: (typeof charts)[string]["root"]): void => {
    names.push(...node.transitions.keys());
    for (const child of Object.values(node.states)) walk(child);
  };
  const there = charts[chart];
  if (there !== undefined) walk(there.root);
  return names;
}

function explored(chart: string): Explored {
  const { input: given, events, outcomes, marks } = expeditions[chart] as Expedition;
  const machine = charts[chart] as unknown as Machine;
  const key = ({ value, status, context }: Reached): string => [path(value), status, ...marks(context)].join("|");
  const possible = ({ children, status }: Reached): readonly Event[] => {
    if (status !== "active") return [];
    const under = Object.keys(children);
    const good = under.flatMap((id) => outcomes[id]?.map((outcome) => ends(id, outcome)) ?? []);
    return [...events, ...good, ...under.map(breaks)];
  };
  const map = getAdjacencyMap(machine as never, {
    input: given,
    events: possible as never,
    serializeState: key as never,
    limit: 100_000,
  }) as unknown as Readonly<Record<string, Vertex>>;
  const states = new Map(Object.entries(map).map(([name, { state }]) => [name, state]));
  const ways: Way[] = Object.entries(map).flatMap(([from, { transitions }]) =>
    Object.values(transitions).map(({ event, state }) => ({ from, event, to: key(state), reached: state })),
  );
  return { chart, machine, states, ways };
}

const done = new Map<string, Explored>();

/** A chart, explored; once. */
export function explorationOf(chart: string): Explored {
  const found = done.get(chart) ?? explored(chart);
  done.set(chart, found);
  return found;
}

/** The state's own name, which begins its key. */
export function at(key: string): string {
  return key.slice(0, key.indexOf("|"));
}

/** All states from which one of the goals can be reached. */
export function leadingTo(ways: readonly Pick<Way, "from" | "to">[], goals: Iterable<string>): Set<string> {
  const sources = new Map<string, string[]>();
  for (const { from, to } of ways) {
    const known = sources.get(to);
    if (known === undefined) sources.set(to, [from]);
    else known.push(from);
  }
  const good = new Set(goals);
  // A set that grows while it is walked: what is added is visited too.
  for (const to of good) for (const from of sources.get(to) ?? []) good.add(from);
  return good;
}
