// Every way through the machines, by enumeration: each reachable state with each event. No state is a trap: from everywhere
// a person gets signed in, every waiting can be cancelled and ends at its deadline, and no event breaks a machine.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { getAdjacencyMap } from "xstate/graph";
import { credentialMachine } from "../../machines/credential.ts";
import { deviceLogin } from "../../machines/login/device.ts";
import { loopbackLogin } from "../../machines/login/loopback.ts";
import { pasteLogin } from "../../machines/login/paste.ts";
import { input, minute, now, surveys } from "./examples.ts";
import { asked, ready } from "./login/walk.ts";
import { breaks, ends, type Event, type Machine, path, step } from "./step.ts";

interface Reached {
  readonly value: unknown;
  readonly status: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- one shape for the contexts of all machines
  readonly context: any;
  readonly output: unknown;
  readonly children: Readonly<Record<string, unknown>>;
  readonly tags: ReadonlySet<string>;
}

interface Vertex {
  readonly state: Reached;
  readonly transitions: Readonly<Record<string, { readonly event: Event; readonly state: Reached }>>;
}

interface Way {
  readonly from: string;
  readonly event: Event;
  readonly to: string;
}

/** What each effect can end with; which of them can end depends on what is under way. */
type Outcomes = Readonly<Record<string, readonly unknown[]>>;

function explore(
  machine: Machine,
  given: unknown,
  events: readonly Event[],
  outcomes: Outcomes,
  key: (at: Reached) => string,
) {
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
    Object.values(transitions).map(({ event, state }) => ({ from, event, to: key(state) })),
  );
  return { states, ways };
}

/** The state's own name, which begins its key. */
function at(key: string): string {
  return key.slice(0, key.indexOf("|"));
}

/** All states from which one of the goals can be reached. */
function leadingTo(ways: readonly Way[], goals: Iterable<string>): Set<string> {
  const sources = new Map<string, string[]>();
  for (const { from, to } of ways) sources.set(to, [...(sources.get(to) ?? []), from]);
  const found = new Set(goals);
  // A set that grows while it is walked: what is added is visited too.
  for (const to of found) for (const from of sources.get(to) ?? []) found.add(from);
  return found;
}

describe("an account's life", () => {
  const login = { type: "login.requested", port: null, timeoutMs: null, attempt: null };
  const found = Object.values(surveys);
  const { states, ways } = explore(
    credentialMachine("acme", ["loopback", "paste", "device"]),
    input,
    [
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
    {
      survey: found,
      ensureFresh: found.map((survey) => ({ kind: "refreshed", code: null, survey })),
      logOut: found.map((survey) => ({ revocation: "revoked", survey })),
      login: [
        { kind: "granted", attempt: "a1" },
        { kind: "cancelled", code: "sign_in_cancelled", attempt: "a1" },
        { kind: "failed", code: "consent_denied", attempt: null },
      ],
    },
    ({ value, status, context: { survey, choice, seen, grant } }) =>
      [path(value), status, found.indexOf(survey), choice, JSON.stringify(seen), grant].join("|"),
  );

  it("reaches every state of the chart", () => {
    assert.deepEqual(
      [...new Set([...states.keys()].map(at))].sort(),
      [
        ...Object.keys(surveys),
        "deciding",
        "loggingOut",
        "pendingAuth.device",
        "pendingAuth.loopback",
        "pendingAuth.paste",
        "refreshing",
      ].sort(),
    );
    assert.ok(ways.length > 2_000, String(ways.length));
  });

  it("is broken by no event in no state", () => {
    for (const [name, { status }] of states) assert.equal(status, "active", name);
  });

  it("leads from everywhere to authenticated, and from everywhere to idle and disabled", () => {
    for (const goal of ["authenticated", "idle", "disabled"]) {
      const good = leadingTo(
        ways,
        [...states.keys()].filter((name) => at(name) === goal),
      );
      for (const name of states.keys()) assert.ok(good.has(name), `no way from ${name} to ${goal}`);
    }
  });

  it("gets a person signed in without a change from outside", () => {
    const own = ways.filter(({ event: { type } }) => !/^(store\.|system\.|renewal\.|retry\.)/.test(type));
    const good = leadingTo(
      own,
      [...states.keys()].filter((name) => at(name) === "authenticated"),
    );
    for (const name of states.keys()) assert.ok(good.has(name), name);
  });

  it("asks for a new token only when somebody wants one", () => {
    const wants = /^(token\.demanded|token\.rejected|refresh\.requested|renewal\.due|retry\.due)$/;
    for (const { from, event, to } of ways)
      if (at(to) === "refreshing" && at(from) !== "refreshing") assert.match(event.type, wants, `${from} → ${to}`);
  });

  it("opens a sign-in only when somebody asks for it", () => {
    for (const { from, event, to } of ways)
      if (at(to).startsWith("pendingAuth") && !at(from).startsWith("pendingAuth"))
        assert.equal(event.type, "login.requested");
  });

  it("decides by facts: a settled state is entered from a reading only", () => {
    for (const { from, event, to } of ways)
      if (at(to) in surveys && at(to) !== at(from))
        assert.match(
          event.type,
          /^xstate\.(done\.actor\.(survey|ensureFresh|logOut)|error\.actor\.(survey|renewalAlarm|retryAlarm))$/,
        );
  });
});

const waits = { deadline: /^(awaitingCode|awaitingPoll\.)/, beforeTheServer: /exchanging|preparing/ };

for (const [grant, machine] of Object.entries({ loopback: loopbackLogin, paste: pasteLogin, device: deviceLogin }))
  describe(`signing in by ${grant}`, () => {
    const { states, ways } = explore(
      machine,
      asked,
      [
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
      {
        begin: [
          ready,
          { ...ready, deadlineAt: null },
          { ...ready, serves: false },
          { kind: "failed", code: "port_busy" },
        ],
        exchange: [
          { kind: "granted" },
          { kind: "again", code: "pasted_unreadable" },
          { kind: "failed", code: "internal" },
        ],
        poll: [
          { kind: "pending", endedAt: now },
          { kind: "slowDown", endedAt: now },
          { kind: "unavailable", endedAt: now, code: "network_name" },
          { kind: "code", handle: "h" },
          { kind: "granted" },
          { kind: "failed", code: "consent_denied" },
        ],
      },
      ({ value, status, context: { deadlineAt, serves, handle, outcome } }) =>
        [path(value), status, deadlineAt, serves, handle, outcome.kind, outcome.code].join("|"),
    );

    it("is broken by no event, and ends with an outcome", () => {
      for (const [name, { status, output }] of states) {
        assert.match(status, /^(active|done)$/, name);
        if (status === "done") assert.match((output as { kind: string }).kind, /^(granted|cancelled|failed)$/);
      }
    });

    it("can be granted from everywhere", () => {
      const granted = [...states].filter(
        ([, { output }]) => (output as { kind?: string } | undefined)?.kind === "granted",
      );
      assert.ok(granted.length > 0);
      const good = leadingTo(
        ways,
        granted.map(([name]) => name),
      );
      for (const [name, { status }] of states) if (status === "active") assert.ok(good.has(name), name);
    });

    it("can be cancelled from everywhere", () => {
      for (const [name, snapshot] of states) {
        if (snapshot.status !== "active") continue;
        const { output } = step(machine, { snapshot } as never, { type: "login.cancelled" });
        assert.equal((output as { kind: string }).kind, "cancelled", name);
      }
    });

    it("waits for a person only under a deadline that ends it", () => {
      const waiting = [...states].filter(([name, { status }]) => status === "active" && waits.deadline.test(name));
      assert.ok(waiting.length > 0);
      for (const [name, snapshot] of waiting) {
        const deadline = snapshot.children["deadline"] as { options: { input: { at: unknown; sends: unknown } } };
        assert.deepEqual(deadline.options.input, { at: snapshot.context.deadlineAt, sends: "deadline.passed" }, name);
        const { status, output } = step(machine, { snapshot } as never, { type: "deadline.passed" });
        assert.deepEqual([status, (output as { kind: string }).kind], ["done", "failed"], name);
      }
    });

    it("has an effect under way wherever it waits for no person", () => {
      for (const [name, { status, children }] of states)
        if (status === "active" && waits.beforeTheServer.test(at(name)))
          assert.ok("begin" in children || "exchange" in children, name);
    });
  });
