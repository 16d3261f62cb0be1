// Every way through the machines, by enumeration: each reachable state with each event. No state is a trap: from everywhere
// a person gets signed in, every waiting can be cancelled and ends at its deadline, and no event breaks a machine.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { surveys } from "../machines/examples.ts";
import { charts } from "./charts.ts";
import { at, explorationOf, leadingTo } from "./explore.ts";
import { invariants, isSeen } from "./invariants.ts";

const explorations = Object.keys(charts).map(explorationOf);

describe("in every chart, explored as a whole", () => {
  for (const found of explorations) {
    const { chart, states } = found;
    for (const { id, name, says, paths } of invariants)
      if (isSeen(paths))
        it(`${chart}: ${id}, ${name}: ${says}`, () => {
          assert.deepEqual(paths(found), []);
        });

    it(`${chart}: is broken by no event, and ends with an outcome`, () => {
      for (const [name, { status, output }] of states) {
        assert.match(status, /^(active|done)$/, name);
        if (status === "done") assert.ok((output as { kind: string }).kind, name);
      }
    });

    it(`${chart}: reaches every state`, () => {
      const reached = new Set([...states.keys()].map(at));
      for (const leaf of leavesOf(chart)) assert.ok(reached.has(leaf), leaf);
    });
  }

  it("tells how much that was", (t) => {
    for (const { chart, states, ways } of explorations)
      t.diagnostic(`${chart}: ${states.size} abstract states, ${ways.length} edges`);
    assert.ok(explorations.reduce((sum, { ways }) => sum + ways.length, 0) > 4_000);
  });
});

/** The innermost states of a chart that one can stand in, as paths; those that are left at once are none. */
function leavesOf(chart: string): string[] {
  const leaves: string[] = [];
  const walk = (node: (typeof charts)[string]["root"]): void => {
    const inner = Object.values(node.states);
    const name = node.path.join(".");
    if (inner.length === 0 && name !== "pendingAuth.choosing") leaves.push(name);
    for (const child of inner) walk(child);
  };
  walk((charts[chart] as (typeof charts)[string]).root);
  return leaves;
}

describe("an account's life", () => {
  const { states, ways } = explorationOf("credential");

  it("leads from everywhere to idle and disabled", () => {
    for (const goal of ["idle", "disabled"]) {
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

const beforeTheServer = /exchanging|preparing/;

for (const grant of ["loopback", "paste", "device"])
  describe(`signing in by ${grant}`, () => {
    it("has an effect under way wherever it waits for no person", () => {
      for (const [name, { status, children }] of explorationOf(grant).states)
        if (status === "active" && beforeTheServer.test(at(name)))
          assert.ok("begin" in children || "exchange" in children, name);
    });
  });

describe("the twelve properties", () => {
  it("are all there, each seen somewhere or with the reason why not", () => {
    assert.deepEqual(
      invariants.map(({ id }) => id).slice(0, 12),
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
    for (const { paths, commands, interleavings } of invariants)
      for (const check of [paths, commands, interleavings])
        if (!isSeen<unknown>(check)) assert.ok((check as { unseen: string }).unseen.length > 20);
  });
});
