// What an inspector and the journal learn of a statechart: enough to play it again, word by word from lists, and nothing of
// what a secret could be in.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, it } from "node:test";
import { credentialMachine } from "../../machines/credential.ts";
import { deviceLogin } from "../../machines/login/device.ts";
import { loopbackLogin } from "../../machines/login/loopback.ts";
import { pasteLogin } from "../../machines/login/paste.ts";
import { createJournal } from "../../runtime/inspect/journal.ts";
import { alarms, events, move, states } from "../../runtime/inspect/move.ts";
import { projector } from "../../runtime/inspect/projection.ts";
import { type Entry, lineOf, recordOf } from "../../runtime/inspect/record.ts";
import { readJournal } from "../../runtime/inspect/reading.ts";
import { replay } from "../../runtime/inspect/replay.ts";
import { now, survey } from "../machines/examples.ts";
import { journeys } from "../machines/journeys.ts";
import { live, type Living } from "../machines/living.ts";
import { Home } from "../support/home.ts";

interface Node {
  readonly key: string;
  readonly path: readonly string[];
  readonly invoke: readonly { readonly id: string; readonly src: unknown }[];
}

const machines = [
  credentialMachine("acme", ["loopback", "paste", "device"]),
  loopbackLogin,
  pasteLogin,
  deviceLogin,
].map((machine) => ({
  events: machine.events as readonly string[],
  nodes: [...(machine as unknown as { readonly idMap: Map<string, Node> }).idMap.values()],
}));

const attempt = "a".repeat(27);

/** What a running machine tells while something is done to it. */
function told(work: (world: Living) => void): Entry[] {
  const entries: Entry[] = [];
  using world = live({ inspect: projector((entry) => void entries.push(entry)) });
  work(world);
  return entries;
}

const moves = (entries: readonly Entry[]): string[] =>
  entries.map((entry) => `${entry.move?.machine} ${entry.move?.event.type} ${entry.move?.value}`);

/** A sign-in by device code, from the beginning to the end. */
function signIn(world: Living): void {
  world.last("survey").ends(survey(null));
  world.actor.send({ type: "login.requested", grant: "device", port: null, timeoutMs: null, attempt: null });
  const times = { at: now, deadlineAt: now + 900_000, intervalMs: 5_000, restsUntil: null };
  world.last("begin").ends({ kind: "ready", attempt, serves: true, ...times });
  world.last("alarm").ends(undefined);
}

describe("the lists of what is told", () => {
  it("have every state, every event and every alarm of the machines", () => {
    const all = machines.flatMap(({ nodes }) => nodes.filter(({ path }) => path.length > 0).map(({ key }) => key));
    assert.deepEqual(new Set(states), new Set(all));
    const known = new Set(machines.flatMap(({ events: own }) => own));
    const raised = [...known].filter((type) => !type.startsWith("xstate.done.actor.alarm"));
    assert.deepEqual(
      raised.filter((type) => !(type in events)),
      [],
    );
    assert.deepEqual(
      Object.keys(events).filter((type) => !known.has(type as never) && type !== "xstate.init"),
      [],
    );
    const invoked = machines.flatMap(({ nodes }) =>
      nodes.flatMap(({ invoke }) => invoke.filter(({ src }) => src === "alarm").map(({ id }) => id)),
    );
    assert.deepEqual(new Set(alarms), new Set(invoked));
  });
});

describe("what a statechart does", () => {
  it("is told transition by transition, the sign-in's beside the account's", () => {
    assert.deepEqual(moves(told(signIn)), [
      "account xstate.init deciding",
      "account xstate.done.actor.survey idle",
      "device xstate.init preparing",
      "account login.requested pendingAuth.device",
      "device xstate.done.actor.begin awaitingPoll.resting",
    ]);
  });

  it("names the transitions taken, and the timers", () => {
    const last = told(signIn).at(-1)?.move;
    assert.deepEqual(last?.taken, ["preparing>awaitingPoll", "awaitingPoll.joined>awaitingPoll.resting"]);
    assert.deepEqual(last?.timers, [
      { id: "deadline", at: now + 900_000 },
      { id: "pollAlarm", at: now + 5_000 },
    ]);
  });

  it("is not told when nothing came of an event", () => {
    const count = told(signIn).length;
    const entries = told((world) => {
      signIn(world);
      world.actor.send({ type: "renewal.due" });
      world.actor.send({ type: "retry.due" });
    });
    assert.equal(entries.length, count);
  });

  it("disturbs nothing when the one who hears of it throws", () => {
    const inspect = projector(() => assert.fail("nobody may notice"));
    using world = live({ inspect });
    signIn(world);
    assert.deepEqual(world.actor.getSnapshot().value, { pendingAuth: "device" });
  });

  it("holds nothing that is not on the list, whatever is in events, outputs and snapshots", () => {
    const canary = "canary-secret-0123456789";
    const poisoned = { access_token: canary, detail: canary, identity: canary };
    const entries = told((world) => {
      world.last("survey").ends({ ...survey(null), ...poisoned });
      world.actor.send({
        type: "login.requested",
        grant: canary as never,
        port: canary as never,
        timeoutMs: canary as never,
        attempt: canary,
        ...poisoned,
      } as never);
      world.last("survey").ends(survey(null));
      world.actor.send({
        type: "login.requested",
        grant: "paste",
        port: null,
        timeoutMs: null,
        attempt: canary,
        ...poisoned,
      } as never);
      world.last("begin").ends({
        kind: "ready",
        attempt: canary,
        serves: canary,
        at: now,
        deadlineAt: canary,
        intervalMs: canary,
        restsUntil: null,
        ...poisoned,
      });
      world.actor.send({ type: "login.pasted", handle: canary, ...poisoned } as never);
      world.last("exchange").ends({ kind: "failed", code: canary, ...poisoned });
      world.actor.send({ type: "refresh.requested", force: canary, now: canary } as never);
    });
    assert.ok(entries.length > 4);
    const lines = entries.map((entry) => lineOf(entry, now, 1));
    assert.ok(lines.every((line) => line !== null));
    assert.ok(!JSON.stringify(lines).includes("canary"), JSON.stringify(lines));
  });

  it("is no move when any part of it is not understood", () => {
    const [good] = told(signIn);
    assert.notEqual(move(good?.move), undefined);
    for (const [member, value] of Object.entries({
      machine: "other",
      value: "idle.secret",
      taken: ["idle>secret"],
      status: "stopped",
      actor: -1,
      timers: [{ id: "other", at: 1 }],
      event: { type: "other" },
    }))
      assert.equal(move({ ...good?.move, [member]: value }), undefined, member);
    assert.equal(lineOf({ ...good, move: {} }, now, 1), null);
  });
});

/** As it would be read from a journal. */
const recorded = (entries: readonly Entry[]) =>
  entries.map((entry) => {
    const record = recordOf(lineOf(entry, now, 1) ?? "");
    assert.ok(record !== null);
    return record;
  });

describe("a replay", () => {
  for (const name of Object.keys(journeys))
    it(`comes to the same end as the run: ${name}`, () => {
      const entries = told((world) => void (journeys[name] as (world: Living) => Living)(world));
      const ways = [...replay(recorded(entries), () => ["loopback", "paste", "device"])];
      assert.equal(ways.length, entries.length);
      for (const { record, value, differs } of ways)
        assert.ok(!differs && value === record.move.value, JSON.stringify(record));
    });

  it("says where the charts of today decide otherwise, and goes no further there", () => {
    const records = recorded(told(signIn));
    const changed = JSON.parse(
      JSON.stringify(records).replace('"value":"idle"', '"value":"expired"'),
    ) as typeof records;
    const ways = [...replay(changed, () => ["loopback", "paste", "device"])];
    assert.deepEqual(
      ways.filter(({ record }) => record.move.machine === "account").map(({ value, differs }) => [value, differs]),
      [
        ["deciding", false],
        ["idle", true],
        [null, false],
      ],
    );
  });

  it("notices a timer that would ring at another time", () => {
    const records = recorded(told(signIn)).map(
      (record) => JSON.parse(JSON.stringify(record).replace(`${now + 5_000}`, `${now + 6_000}`)) as typeof record,
    );
    assert.ok([...replay(records, () => ["loopback", "paste", "device"])].at(-1)?.differs === true);
  });

  it("takes up a chart that was restored where it was left", () => {
    const entries: Entry[] = [];
    using first = live();
    first.last("survey").ends(survey(null));
    const snapshot = JSON.parse(JSON.stringify(first.actor.getPersistedSnapshot())) as unknown;
    using second = live({ snapshot, inspect: projector((entry) => void entries.push(entry)) });
    second.actor.send({ type: "system.resumed" });
    assert.deepEqual(moves(entries), ["account xstate.init idle", "account system.resumed deciding"]);
    for (const { differs } of replay(recorded(entries), () => ["device"])) assert.equal(differs, false);
  });
});

const lines = (home: Home): string[] =>
  [...readJournal(home.paths)].map(({ step: what, move: moved }) => moved?.value ?? what);

describe("the journal", () => {
  const step: Entry = { step: "enabled", provider: "acme", account: "default" };
  it("holds what a process's statecharts do once the process has changed something, and what led to it", () => {
    using home = new Home();
    const journal = createJournal(home.paths.journal, home.now);
    using world = live({ inspect: projector(journal.trace) });
    world.last("survey").ends(survey(null));
    assert.deepEqual(home.list(home.paths.home), [], "who only looks leaves nothing behind");
    journal.note(step);
    world.actor.send({ type: "account.disabled" });
    assert.deepEqual(lines(home), ["deciding", "idle", "enabled", "deciding"]);
  });

  it("is not brought back by a statechart when somebody removed the home", () => {
    using home = new Home();
    const journal = createJournal(home.paths.journal, home.now);
    using world = live({ inspect: projector(journal.trace) });
    journal.note(step);
    rmSync(home.paths.home, { recursive: true });
    world.last("survey").ends(survey(null));
    assert.deepEqual(home.list(home.paths.home), []);
  });

  it("keeps of a long look the last 200 transitions", () => {
    using home = new Home();
    const journal = createJournal(home.paths.journal, home.now);
    using world = live({ inspect: projector(journal.trace) });
    for (let times = 0; times < 150; times += 1) {
      world.last("survey").ends(survey(null));
      world.actor.send({ type: "system.resumed" });
    }
    journal.note(step);
    assert.equal(lines(home).length, 201);
  });
});
