// What the page lights: over the recorded stories, from the facts of now, and of moments of the past.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChartName } from "../../../../machines/chart.ts";
import type { Grant } from "../../../../providers/provider.ts";
import {
  accountLit,
  besideChart,
  besideLit,
  isFresh,
  type Lit,
  pathOfState,
} from "../../../../runtime/inspect/page/view/lit.ts";
import { type Run, runsIn, shownRuns } from "../../../../runtime/inspect/page/view/runs.ts";
import type { Numbered } from "../../../../runtime/inspect/page/view/seen.ts";
import { standingAfter } from "../../../../runtime/inspect/page/view/standing.ts";
import { glanceOf } from "../../../../runtime/inspect/picture.ts";
import { journalsThere } from "../../../journals/told.ts";
import { account, storyOf } from "./stories.ts";

const grants: readonly Grant[] = ["loopback", "paste", "device"];

const partsOf = (chart: ChartName): ReadonlySet<string> =>
  new Set([...glanceOf(chart, grants).matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => id.replaceAll("&gt;", ">")));

/** Where the page says that the account stood after so many lines. */
const stoodAfter = (records: readonly Numbered[], count: number): string | null =>
  standingAfter(records.slice(0, count)).value;

const stepAt = (records: readonly Numbered[], step: string): number =>
  records.findLastIndex((one) => one.step === step) + 1;

for (const name of journalsThere())
  describe(`the journal ${name}`, () => {
    const records = storyOf(name);

    it("lights only what the pictures have, line by line", () => {
      for (let count = 1; count <= records.length; count += 1) {
        const own = records.slice(0, count);
        const runs = runsIn(own, null);
        const lit = accountLit(null, standingAfter(own), runs);
        const parts = partsOf("account");
        for (const path of lit.active) assert.ok(parts.has(`n:${path}`), path);
        for (const ends of lit.taken.filter((one) => lit.by?.move !== undefined && !one.endsWith(">")))
          assert.ok(parts.has(`e:${ends}`), ends);
        for (const chart of ["loopback", "paste", "device", "refresh"] as const)
          for (const path of besideLit(chart, null, runs).active) assert.ok(partsOf(chart).has(`n:${path}`), path);
      }
    });

    it("stands where the last line of a chart says", () => {
      for (const [index, { move }] of records.entries())
        if (move?.machine === "account") assert.equal(stoodAfter(records, index + 1), move.value);
    });
  });

describe("where an account stood", () => {
  it("is told by steps alone when nobody ran its chart", () => {
    const records = storyOf("refused-refresh");
    assert.equal(stoodAfter(records, stepAt(records, "checkpointed")), "authenticated");
    assert.equal(stoodAfter(records, stepAt(records, "checkpointed") + 1), "refreshing");
    // The token lives on: a refusal ends nothing yet.
    assert.equal(stoodAfter(records, records.length), "authenticated");
    const late = records.map((one) => ({ ...one, expiresAt: one.expiresAt == null ? null : Date.parse(one.at) }));
    assert.equal(stoodAfter(late, records.length), "expired");
  });

  it("is what the chart says where a process runs it, whatever its steps mean", () => {
    const records = storyOf("refused-refresh");
    assert.equal(stoodAfter(records, stepAt(records, "signedIn")), "pendingAuth.loopback");
  });

  it("is not known before the first line", () => {
    assert.equal(standingAfter([]).value, null);
  });
});

describe("the present", () => {
  const none = standingAfter([]);

  it("is what the facts say, a sign-in in the chart's own words", () => {
    const pending = { attempt: "a", kind: "device", expiresAt: null } as const;
    assert.equal(pathOfState(account({ state: "awaitingPoll", pending })), "pendingAuth.device");
    assert.equal(pathOfState(account({ state: "awaitingCode" })), "pendingAuth.loopback");
    assert.equal(pathOfState(account({ state: "backingOff" })), "backingOff");
    const { active } = accountLit(account({ state: "awaitingPoll", pending }), none, []);
    assert.deepEqual(active, ["pendingAuth", "pendingAuth.device"]);
  });

  it("marks where a living process stands elsewhere, and no dead one", () => {
    const records = storyOf("refused-refresh").slice(0, 10);
    const pid = records[0]?.pid ?? 0;
    const lit = (alive: readonly number[]): Lit =>
      accountLit(account({ state: "authenticated" }), standingAfter(records), runsIn(records, new Set(alive)));
    assert.deepEqual(lit([pid]).held, ["pendingAuth", "pendingAuth.loopback"]);
    assert.deepEqual(lit([]).held, []);
  });

  it("shows no way that a step only implies when the facts say otherwise", () => {
    const records = storyOf("refused-refresh");
    const standing = standingAfter(records);
    assert.deepEqual(accountLit(account({ state: "authenticated" }), standing, []).taken, ["refreshing>authenticated"]);
    assert.deepEqual(accountLit(account({ state: "expired" }), standing, []).taken, []);
  });

  it("lets an arrow glow for a while, and of the past as long as it is looked at", () => {
    const records = storyOf("refused-refresh");
    const lit = accountLit(null, standingAfter(records), []);
    const at = Date.parse(records.at(-1)?.at ?? "");
    assert.deepEqual([isFresh(lit, at + 1_000, false), isFresh(lit, at + 60_000, false)], [true, false]);
    assert.equal(isFresh(lit, at + 60_000, true), true);
  });
});

describe("the chart beside", () => {
  const records = storyOf("expired-device-code");
  const polling = records.slice(0, records.findIndex(({ move }) => move?.value === "awaitingPoll.polling") + 1);
  const pid = polling[0]?.pid ?? 0;

  it("is that of the sign-in that waits, else of what ran last", () => {
    assert.equal(besideChart({ grants }, { attempt: "a", kind: "paste", expiresAt: null }, []), "paste");
    assert.equal(besideChart({ grants }, null, runsIn(storyOf("refused-refresh"), null)), "refresh");
    assert.equal(besideChart({ grants }, null, []), "loopback");
  });

  it("is lit where its process stands", () => {
    const { active, taken } = besideLit("device", account(), runsIn(polling, new Set([pid])));
    assert.deepEqual(active, ["awaitingPoll", "awaitingPoll.polling"]);
    assert.deepEqual(taken, ["awaitingPoll.resting>awaitingPoll.polling"]);
  });

  it("only remembers it when the process is gone", () => {
    const { active, left } = besideLit("device", account(), runsIn(polling, new Set()));
    assert.deepEqual([active, left.at(-1)], [[], "awaitingPoll.polling"]);
  });

  it("waits for whoever comes back when a sign-in is kept and nobody serves it", () => {
    const kept = account({ pending: { attempt: "a", kind: "device", expiresAt: null } });
    assert.deepEqual(besideLit("device", kept, runsIn(polling, new Set())).active, ["awaitingPoll"]);
  });
});

describe("the processes", () => {
  const records = storyOf("refused-refresh");

  it("are told once for each chart, the newest first, with what rings", () => {
    const runs = runsIn(storyOf("expired-device-code").slice(0, 9), new Set());
    assert.equal(new Set(runs.map(({ pid, chart }) => `${pid} ${chart}`)).size, runs.length);
    assert.ok(runs.find(({ chart }) => chart === "device")?.timers.some(({ id }) => id === "pollAlarm"));
    const at = runs.map((run) => run.at);
    assert.deepEqual(
      at,
      at.toSorted((one, other) => other - one),
    );
  });

  it("are shown first when they are there still", () => {
    const pids = [...new Set(records.map(({ pid }) => pid))];
    const [first = 0] = pids;
    const runs: readonly Run[] = runsIn(records, new Set([first]));
    assert.equal(runs[0]?.pid, pids.at(-1));
    assert.equal(shownRuns(runs, 2)[0]?.pid, first);
    assert.equal(shownRuns(runs, 2).length, 2);
  });
});
