// The pictures of an account's life that people read: every row of docs/architecture.md and every arrow in README.md is
// sent through the machine that they are about.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { transition } from "xstate";
import { providerMachine } from "../../machines/provider.ts";
import { providers } from "../../providers/index.ts";
import { hour, input, now, survey, surveys } from "../machines/examples.ts";
import { begin, ends, type Event, type Step, step } from "../machines/step.ts";
import { commands } from "./commands.ts";
import { blocks, prose, quoted, read, rowsUnder, tables } from "./pages.ts";

const machine = providerMachine(providers.codex);
const page = read("docs/architecture.md");
const login = { grant: null, port: null, timeoutMs: null, attempt: null };

/** One example of every event that the page may name. */
const events: Readonly<Record<string, Event>> = {
  "account.enabled": { type: "account.enabled" },
  "account.disabled": { type: "account.disabled" },
  "account.reset": { type: "account.reset" },
  "login.requested": { type: "login.requested", ...login },
  "login.pasted": { type: "login.pasted", handle: "handle" },
  "login.cancelled": { type: "login.cancelled" },
  "login.left": { type: "login.left" },
  "login.ended": { type: "login.ended", code: "consent_denied" },
  "logout.requested": { type: "logout.requested", revoke: true },
  "token.demanded": { type: "token.demanded", minTtlMs: 2 * hour, now },
  "token.rejected": { type: "token.rejected", generation: survey().facts?.generation },
  "refresh.requested": { type: "refresh.requested", force: true, now },
  "renewal.due": { type: "renewal.due" },
  "retry.due": { type: "retry.due" },
  "store.changed": { type: "store.changed", lineage: "second", generation: 1 },
  "system.resumed": { type: "system.resumed" },
};

const deciding = begin(machine, input);
const decided = (found: unknown) => step(machine, deciding, ends("survey", found));
const after = (name: string, from = decided(surveys.authenticated)) => step(machine, from, events[name] as Event);

const states: Readonly<Record<string, Step>> = {
  disabled: decided(surveys.disabled),
  idle: decided(surveys.idle),
  pendingAuth: after("login.requested"),
  authenticated: decided(surveys.authenticated),
  refreshing: after("refresh.requested"),
  backingOff: decided(surveys.backingOff),
  expired: decided(surveys.expired),
  loggingOut: after("logout.requested"),
  blocked: decided(surveys.blocked),
};

const outermost = ({ at }: Step) => at.split(".")[0] ?? at;
const list = (cell = "") => cell.split(",").map((name) => name.trim());

/** Everything that the effects under way in a state may answer. */
function answers(state: string): Event[] {
  const found = Object.values(surveys);
  switch (state) {
    case "deciding":
      return found.map((output) => ends("survey", output));
    case "pendingAuth":
      return [{ kind: "granted" }, { kind: "cancelled", code: "sign_in_cancelled" }].map((output) =>
        ends("login", { ...output, attempt: "attempt" }),
      );
    case "refreshing":
      return found.map((output) => ends("ensureFresh", { kind: "adopted", code: null, survey: output }));
    case "loggingOut":
      return found.map((output) => ends("logOut", { revocation: "revoked", survey: output }));
    default:
      return [];
  }
}

/** The states that are reached from here when effects end and nobody asks for anything else. */
function settling(from: Step): Set<string> {
  const seen = new Map([[outermost(from), from]]);
  for (const [name, at] of seen)
    for (const answer of answers(name)) {
      const next = step(machine, at, answer);
      if (!seen.has(outermost(next))) seen.set(outermost(next), next);
    }
  return new Set(seen.keys());
}

/** Whether the event leads from this state to `to`, or, staying in it, is passed on. */
function leads(from: string, event: Event, to: string): boolean {
  const next = step(machine, states[from] as Step, event);
  return outermost(next) === to && (from !== to || next.effects.length > 0);
}

const table = [...rowsUnder(page, "command", "event"), ...rowsUnder(page, "source", "event")];

describe("the table from command to event to state", () => {
  it("is there", () => {
    assert.ok(table.length > 10);
  });

  for (const row of table) {
    const [name = ""] = quoted(row["event"] ?? "");
    const [to = ""] = list(row["to"]);
    const event = events[name];

    it(`${row["command"] ?? row["source"]}: ${name}`, () => {
      assert.ok(event !== undefined, `${name} is an event`);
      assert.ok(machine.events.includes(name as never), `the machine knows ${name}`);
      for (const from of list(row["from"])) {
        assert.ok(from in states, `${from} is a state`);
        assert.ok(leads(from, event, to), `${from} → ${to}`);
        const reached = step(machine, states[from] as Step, event);
        for (const settled of list(row["settles in"]))
          assert.ok(settling(reached).has(settled), `${from} → ${to} → ${settled}`);
      }
      const others = Object.keys(states).filter((state) => !list(row["from"]).includes(state));
      assert.deepEqual(
        others.filter((from) => leads(from, event, to)),
        [],
        "no other state does this",
      );
    });
  }

  it("is what the pure function of XState says too", () => {
    const [next] = transition(machine, states["idle"]?.snapshot as never, events["login.requested"] as never);
    assert.equal(Object.keys(next.value)[0], "pendingAuth");
  });

  it("leaves no command out", () => {
    const rows = [...rowsUnder(page, "command", "event"), ...rowsUnder(page, "command", "why")];
    const named = new Set(rows.flatMap((row) => quoted(row["command"] ?? "")).map((text) => text.split(" ")[0]));
    assert.deepEqual(
      commands.filter((command) => !named.has(command)),
      [],
    );
    assert.ok(named.has("<p>"));
  });

  it("leaves no event out that a person or a script can cause", () => {
    const named = new Set(table.flatMap((row) => quoted(row["event"] ?? "")));
    // These two come from the listener of a sign-in.
    const others = machine.events.filter((name) => !name.startsWith("xstate.") && !name.startsWith("callback."));
    assert.deepEqual(
      others.filter((name) => !named.has(name)),
      [],
    );
  });
});

describe("the lists of states", () => {
  it("are those of the machines", () => {
    const rows = tables(page).find(([first = {}]) => "machine" in first) ?? [];
    const [credential = {}] = rows;
    assert.deepEqual(list(credential["states"]), Object.keys(machine.states));
    for (const row of rows.slice(1)) {
      const child = (machine.implementations.actors as Readonly<Record<string, { states?: object }>>)[
        `${row["machine"]}Login`
      ];
      assert.deepEqual(
        list((row["states"] ?? "").replace(/ \(.*\)/, "")),
        Object.keys(child?.states ?? {}),
        row["machine"],
      );
    }
  });

  it("give every state of the status a meaning in the guide", () => {
    const named = rowsUnder(read("docs/guide.md"), "state").flatMap((row) => quoted(row["state"] ?? ""));
    const shown = Object.keys(machine.states).filter((state) => state !== "deciding");
    assert.deepEqual(named.toSorted(), [...shown, "awaitingCode", "awaitingPoll"].toSorted());
  });
});

describe("the picture in README.md", () => {
  const [picture = ""] = blocks(read("README.md"), "mermaid");
  const arrows = [...picture.matchAll(/^\s*(\w+) --> (\w+): (.+)$/gm)].map(([, from = "", to = "", label = ""]) => ({
    from,
    to,
    label,
  }));

  it("shows every state", () => {
    const shown = new Set(arrows.flatMap(({ from, to }) => [from, to]));
    assert.deepEqual([...shown].toSorted(), Object.keys(machine.states).toSorted());
  });

  for (const { from, to, label } of arrows)
    it(`${from} → ${to}: ${label}`, () => {
      const start = from === "deciding" ? deciding : (states[from] as Step);
      const event = events[label];
      if (event !== undefined) {
        assert.equal(outermost(step(machine, start, event)), to);
        return;
      }
      assert.doesNotMatch(label, /^\w+\.\w+$/, "looks like an event, and is none");
      assert.ok(answers(from).some((answer) => outermost(step(machine, start, answer)) === to));
    });

  it("has the words of the flow beside it", () => {
    const flow = prose(read("README.md")).split("In words:")[1]?.split("\n\n")[0] ?? "";
    const named = quoted(flow).flatMap((text) => text.split(" → "));
    const known = new Set([...Object.keys(states), "awaitingCode", "awaitingPoll"]);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
  });
});
