// What leaves this machine for the hosted inspector: the protocol as the package has it, each chart before its transitions,
// values that its machines know, and nothing but what is on the list.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StatelyInspectionEvent } from "@statelyai/inspect";
import { createMachine } from "xstate";
import { chartOf } from "../../../machines/chart.ts";
import { providers } from "../../../providers/index.ts";
import type { Provider } from "../../../providers/provider.ts";
import { recordsInText } from "../../../runtime/inspect/lines.ts";
import { type Entry, type JournalRecord, lineOf, recordOf } from "../../../runtime/inspect/record.ts";
import { projector } from "../../../runtime/inspect/projection.ts";
import { createFeed } from "../../../runtime/inspect/stately/feed.ts";
import { journalsThere, textOf } from "../../journals/told.ts";
import { now, survey } from "../../machines/examples.ts";
import { live, type Living } from "../../machines/living.ts";
import { canaries } from "../../support/canary.ts";
import { checkedMessage, wordsOf } from "./message.ts";

const all = ["loopback", "paste", "device"] as const;
const facts = providers as Readonly<Record<string, Provider>>;

/** What a page gets that listens from the first of these records on. */
function told(records: readonly JournalRecord[], grantsOf: Parameters<typeof createFeed>[0] = () => all) {
  return records.flatMap(createFeed(grantsOf)).map((text) => checkedMessage(JSON.parse(text)));
}

/** The entries as a process of this number has written them at these times. */
function written(entries: readonly Entry[], pid = 7, at = now): JournalRecord[] {
  return entries.map((entry, index) => recordOf(lineOf(entry, at + index, pid) ?? "") ?? assert.fail("no record"));
}

function entriesOf(work: (world: Living) => void): Entry[] {
  const entries: Entry[] = [];
  using world = live({ inspect: projector((entry) => void entries.push(entry)) });
  work(world);
  return entries;
}

function signIn(world: Living): void {
  world.last("survey").ends(survey(null));
  world.actor.send({ type: "login.requested", grant: "device", port: null, timeoutMs: null, attempt: null });
  const times = { at: now, deadlineAt: now + 900_000, intervalMs: 5_000, restsUntil: null };
  world.last("begin").ends({ kind: "ready", attempt: "a".repeat(27), serves: true, ...times });
}

const definitions = (messages: readonly StatelyInspectionEvent[]): string[] =>
  messages.flatMap((message) => (message.type === "@xstate.actor" ? [message.definition ?? ""] : []));

const moved = (over: object, { provider = "acme", account = "default" } = {}): Entry => ({
  step: "moved",
  provider,
  account,
  move: {
    machine: "account",
    actor: 1,
    event: { type: "xstate.init" },
    value: "deciding",
    status: "active",
    taken: [],
    timers: [],
    ...over,
  },
});

describe("a sign-in", () => {
  const messages = told(written(entriesOf(signIn)));

  it("is told as XState would tell it: a chart, what it hears, where it stands", () => {
    assert.deepEqual(messages.map(wordsOf), [
      "acme:account:7:1 actor deciding",
      "acme:account:7:1 event xstate.init",
      "acme:account:7:1 snapshot deciding",
      "acme:account:7:1 event xstate.done.actor.survey",
      "acme:account:7:1 snapshot idle",
      "acme:device:7:2 actor preparing",
      "acme:device:7:2 event xstate.init",
      "acme:device:7:2 snapshot preparing",
      "acme:account:7:1 event login.requested",
      "acme:account:7:1 snapshot pendingAuth.device",
      "acme:device:7:2 event xstate.done.actor.begin",
      "acme:device:7:2 snapshot awaitingPoll.resting",
    ]);
  });

  it("has the login machine below the account's", () => {
    const [account, device] = messages.filter(({ type }) => type === "@xstate.actor");
    assert.ok(account?.type === "@xstate.actor" && device?.type === "@xstate.actor");
    assert.deepEqual(
      [account.rootId, account.parentId, account.name],
      ["acme:account:7:1", undefined, "acme account, process 7"],
    );
    assert.deepEqual(
      [device.rootId, device.parentId, device.name],
      ["acme:account:7:1", "acme:account:7:1", "acme device, process 7"],
    );
  });

  it("has the time of each transition, and a number for each message", () => {
    assert.deepEqual(
      messages.map(({ createdAt }) => Number(createdAt) - now),
      [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4],
    );
    assert.equal(new Set(messages.map(({ id }) => id)).size, messages.length);
  });

  it("is told from the middle on to a page that was opened late", () => {
    const late = told(written(entriesOf(signIn)).slice(3));
    assert.deepEqual(late.map(wordsOf), [
      "acme:account:7:1 actor pendingAuth.device",
      "acme:account:7:1 event login.requested",
      "acme:account:7:1 snapshot pendingAuth.device",
      "acme:device:7:2 actor awaitingPoll.resting",
      "acme:device:7:2 event xstate.done.actor.begin",
      "acme:device:7:2 snapshot awaitingPoll.resting",
    ]);
  });
});

describe("who acts", () => {
  it("is one actor for each process, provider, account and chart", () => {
    const entries = entriesOf(signIn).slice(0, 2);
    const other = moved({}, { account: "work" });
    const records = [...written(entries, 7), ...written(entries, 8), ...written([other, other], 8)];
    const actors = told(records).filter(({ type }) => type === "@xstate.actor");
    assert.deepEqual(
      actors.map(({ sessionId }) => sessionId),
      ["acme:account:7:1", "acme:account:8:2", "acme-1:account:8:3", "acme-1:account:8:4"],
      "what begins again is another one",
    );
  });

  it("begins again with its whole family: the numbers in it are given anew", () => {
    const { event } = { event: { type: "login.cancelled" } };
    const records = written([
      moved({}),
      moved({ machine: "device", actor: 2, value: "preparing" }),
      moved({}),
      moved({ machine: "device", actor: 2, event, value: "done", status: "done" }),
    ]);
    const actors = told(records).filter(({ type }) => type === "@xstate.actor");
    assert.deepEqual(
      actors.map(({ sessionId, rootId }) => [sessionId, rootId]),
      [
        ["acme:account:7:1", "acme:account:7:1"],
        ["acme:device:7:2", "acme:account:7:1"],
        ["acme:account:7:3", "acme:account:7:3"],
        ["acme:device:7:4", "acme:account:7:3"],
      ],
    );
  });

  it("is forgotten when two hundred others have spoken since, and told of anew", () => {
    const crowd = (first: number, many: number) =>
      Array.from({ length: many }, (_, index) => written([moved({})], first + index)).flat();
    const again = written([moved({ event: { type: "renewal.due" } })], 1);
    const begun = written([moved({})], 1);
    const messages = told([
      ...begun,
      ...crowd(2, 150),
      ...again,
      ...crowd(152, 150),
      ...again,
      ...crowd(302, 200),
      ...again,
    ]);
    assert.deepEqual(messages.filter(({ sessionId }) => sessionId.includes(":1:")).map(wordsOf), [
      "acme:account:1:1 actor deciding",
      "acme:account:1:1 event xstate.init",
      "acme:account:1:1 snapshot deciding",
      "acme:account:1:1 event renewal.due",
      "acme:account:1:1 snapshot deciding",
      "acme:account:1:1 event renewal.due",
      "acme:account:1:1 snapshot deciding",
      "acme:account:1:502 actor deciding",
      "acme:account:1:502 event renewal.due",
      "acme:account:1:502 snapshot deciding",
    ]);
  });

  it("is nobody of a provider that there is not any more", () => {
    assert.deepEqual(
      told(written([moved({})]), () => null),
      [],
    );
  });
});

describe("every journal that is kept here", () => {
  for (const name of journalsThere())
    it(`${name}: charts before their transitions, and values that they know`, () => {
      const records = recordsInText(textOf(name));
      const messages = told(records, (provider) => facts[provider]?.grants ?? null);
      const machines = new Map<string, ReturnType<typeof createMachine>>();
      for (const message of messages) {
        if (message.type === "@xstate.actor") {
          assert.ok(!machines.has(message.sessionId), "once");
          assert.ok(message.parentId === undefined || machines.has(message.parentId), "below one that is known");
          machines.set(message.sessionId, createMachine(JSON.parse(message.definition ?? "") as object));
        }
        const machine = machines.get(message.sessionId);
        assert.ok(machine !== undefined, `${message.sessionId} is told of before`);
        if (message.type === "@xstate.event") continue;
        const { value, context } = message.snapshot as { readonly value: string; readonly context: object };
        assert.deepEqual(machine.resolveState({ value, context }).value, value);
      }
      const transitions = records.filter(({ step }) => step === "moved").length;
      assert.equal(messages.filter(({ type }) => type === "@xstate.snapshot").length, transitions);
      assert.equal(messages.filter(({ type }) => type === "@xstate.event").length, transitions);
    });
});

describe("what does not leave", () => {
  it("of a chart: everything but its names, to the last level", () => {
    const config = chartOf("account", all).config;
    const plain = JSON.parse(JSON.stringify(config)) as object;
    const [text = ""] = definitions(told(written([moved({})])));
    assert.deepEqual(JSON.parse(text), plain);
    assert.doesNotMatch(text, /"(?:context|input|output|data)":|=>|function/);
  });

  it("of an account: its name", () => {
    const names = ["me@example.com", "second-account", `sha256:${"0".repeat(16)}`, "me@example.com"];
    const messages = told(written(names.map((account) => moved({}, { account }))));
    const actors = messages.flatMap((message) => (message.type === "@xstate.actor" ? [message.name] : []));
    assert.deepEqual(
      actors.map((name) => name.split(" ")[0]),
      ["acme-1", "acme-2", "acme-3", "acme-1"],
    );
    for (const name of names) assert.ok(!JSON.stringify(messages).includes(name), name);
  });

  it("of a record: any member that is not on the list, even of one that did not pass the journal's", () => {
    const secret = "canary-secret-0123456789";
    const [record] = written([moved({ event: { type: "login.requested" } })]);
    assert.ok(record?.move !== undefined);
    const poison = { access_token: secret, code: secret, output: { detail: secret }, context: { secret } };
    const poisoned = {
      ...record,
      ...poison,
      lineage: secret,
      signIn: secret,
      move: {
        ...record.move,
        ...poison,
        event: { ...poison, type: "login.requested", attempt: secret },
        taken: [secret],
        timers: [{ id: secret, at: 1 }],
      },
    } as unknown as JournalRecord;
    const texts = new Map([["messages", JSON.stringify(told([poisoned]))]]);
    assert.equal(texts.get("messages")?.includes("login.requested"), true);
    assert.deepEqual(canaries([secret], texts), []);
  });

  it("of a journal: anything but transitions", () => {
    const records = written([
      { step: "permitted", provider: "acme", account: "default", generation: 3 },
      { ...moved({}), step: "signedIn" },
    ]);
    assert.deepEqual(told(records), []);
  });
});
