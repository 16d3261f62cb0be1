// The page's lists: what it was told, what is listed of it, which rows are made, and the moment that is looked at.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { journalFile } from "../../../../runtime/inspect/page/view/journal-file.ts";
import { viewOf } from "../../../../runtime/inspect/page/view/model.ts";
import { rowsIn, stepBy, topFor } from "../../../../runtime/inspect/page/view/rows.ts";
import { firstLook, heard, nothing, type Numbered } from "../../../../runtime/inspect/page/view/seen.ts";
import { choicesIn, everything, sifted } from "../../../../runtime/inspect/page/view/sift.ts";
import { away, clock, lasting } from "../../../../runtime/inspect/page/view/times.ts";
import { errorWords, stateWords, whatOf } from "../../../../runtime/inspect/page/view/words.ts";
import { chartOf, drawn } from "../../../../machines/chart.ts";
import { textOf } from "../../../journals/told.ts";
import { account, modelOf, scene, storyOf } from "./stories.ts";

const story = storyOf("refused-refresh");
const numbersOf = (records: readonly Numbered[]): number[] => records.map(({ n }) => n);

describe("what the page was told", () => {
  it("grows by every message, and the scene stays when none comes", () => {
    const first = heard(nothing, { scene: scene([account()]), records: story.slice(0, 3) });
    const second = heard(first, { records: story.slice(3, 5) });
    assert.deepEqual(numbersOf(second.records), [0, 1, 2, 3, 4]);
    assert.equal(second.scene, first.scene);
  });

  it("holds nothing twice after a reconnection, and begins again with a server that does", () => {
    const all = heard(nothing, { records: story.slice(0, 6) });
    assert.deepEqual(numbersOf(heard(all, { records: story.slice(4, 8) }).records), [0, 1, 2, 3, 4, 5, 6, 7]);
    const other = story.slice(10, 12).map((one, n) => Object.assign({}, one, { n }));
    assert.deepEqual(heard(all, { records: other }).records, other);
  });

  it("is looked at first where a sign-in waits, then where something happened last", () => {
    const waits = account({ account: "work", pending: { attempt: "a", kind: "device", expiresAt: null } });
    const idle = account({ account: "idle" });
    const accounts = [idle, account(), waits];
    assert.equal(firstLook({ scene: scene(accounts), records: story }), "codex work");
    assert.equal(firstLook({ scene: scene([idle, account()]), records: story }), "codex default");
    assert.equal(firstLook({ scene: scene([idle, account({ usable: "yes" })]), records: [] }), "codex default");
    assert.equal(firstLook(nothing), null);
  });
});

const of = (sift: Partial<typeof everything>, key: string | null = null): readonly Numbered[] =>
  sifted(story, { ...everything, ...sift }, key);

describe("the list of events", () => {
  it("has the newest first", () => {
    assert.deepEqual(numbersOf(of({})), numbersOf(story).toReversed());
  });

  it("is found through by every word, in whatever order", () => {
    assert.deepEqual(new Set(of({ text: "Token REFUSED" }).map(({ step }) => step)), new Set(["refused"]));
    assert.equal(of({ text: "nonsense" }).length, 0);
  });

  it("can be of one kind, process, provider or account", () => {
    assert.ok(of({ kind: "transitions" }).every(({ step }) => step === "moved"));
    assert.ok(of({ kind: "steps" }).every(({ step }) => step !== "moved"));
    assert.deepEqual(
      of({ kind: "errors" }).map(({ code }) => code),
      ["refresh_refused"],
    );
    const pid = story.at(-1)?.pid ?? 0;
    assert.equal(of({ pid: String(pid) }).length, story.filter((one) => one.pid === pid).length);
    assert.equal(of({ provider: "qwen" }).length, 0);
    assert.equal(of({ isOwn: true }, "codex work").length, 0);
    assert.equal(of({ isOwn: true }, "codex default").length, story.length);
    assert.equal(choicesIn(story).pids[0], String(pid), "the newest process can be chosen first");
  });

  it("finds the error that an event of a chart brought", () => {
    const failed = sifted(storyOf("denied-consent"), { ...everything, kind: "errors" }, null);
    assert.ok(failed.some(({ move }) => move !== undefined));
  });

  it("is of ten thousand lines no slower than a person types", () => {
    const many = Array.from({ length: 10_000 }, (_, n) => ({ ...(story[n % story.length] as Numbered), n }));
    assert.equal(sifted(many, { ...everything, text: "refused" }, null).length, Math.floor(10_000 / story.length));
    assert.equal(
      heard({ scene: null, records: many }, { records: [{ ...story[0]!, n: 10_000 }] }).records.length,
      10_001,
    );
  });
});

describe("the rows that are made", () => {
  const opening = { top: 0, height: 280, row: 28, count: 10_000 };

  it("are those that are seen and a few more", () => {
    assert.deepEqual(rowsIn(opening), { first: 0, end: 18 });
    assert.deepEqual(rowsIn({ ...opening, top: 2_800 }), { first: 92, end: 118 });
    assert.deepEqual(rowsIn({ ...opening, top: 279_720 }), { first: 9_982, end: 10_000 });
    assert.deepEqual(rowsIn({ ...opening, top: 9_999, count: 2 }), { first: 2, end: 2 });
  });

  it("are brought into sight by the shortest way", () => {
    assert.equal(topFor(5, opening), 0);
    assert.equal(topFor(10, opening), 28);
    assert.equal(topFor(3, { ...opening, top: 500 }), 84);
  });

  it("are gone through by keys, and not beyond the ends", () => {
    const ways = ["j", "ArrowUp", "PageDown", "End", "Home", "x"].map((key) => stepBy(key, 4, opening));
    assert.deepEqual(ways, [5, 3, 13, 9_999, 0, null]);
    assert.deepEqual([stepBy("j", -1, opening), stepBy("k", 0, opening)], [0, 0]);
    assert.equal(stepBy("j", -1, { ...opening, count: 0 }), null);
  });
});

describe("the view", () => {
  const accounts = [account({ state: "expired", expiresAt: 5, lastError: "refresh_refused" })];

  it("is of the facts at present", () => {
    const { isPast, row, lit, runs } = viewOf(modelOf(accounts, story));
    assert.deepEqual([isPast, row?.state, lit.active], [false, "expired", ["expired"]]);
    assert.ok(runs.every(({ isThere }) => isThere === false));
  });

  it("is of the lines alone at a moment of the past, and back again", () => {
    const model = modelOf(accounts, story);
    const chosen = story.findIndex(({ move }) => move?.value === "idle");
    const then = viewOf({ ...model, chosen });
    assert.deepEqual([then.isPast, then.row?.state, then.account, then.row?.expiresAt], [true, "idle", null, null]);
    assert.equal(then.shownAt, Date.parse(story[chosen]?.at ?? ""));
    assert.deepEqual(then.lit.taken, ["deciding>idle"]);
    assert.ok(then.runs.every(({ isThere, by }) => isThere === null && by.n <= chosen));
    assert.deepEqual(viewOf({ ...model, chosen: null }).lit.active, ["expired"]);
  });

  it("lists accounts that no line names as not known then", () => {
    const { rows } = viewOf(modelOf([...accounts, account({ account: "other" })], story, { chosen: 3 }));
    assert.equal(rows.find(({ key }) => key === "codex other")?.state, null);
  });

  it("is of a file as it ended, whatever the server says", () => {
    const file = journalFile("sent.jsonl", textOf("expired-device-code"));
    const {
      isPast,
      rows,
      records,
      account: told,
    } = viewOf(modelOf(accounts, story, { file, selected: "qwen default" }));
    assert.deepEqual([isPast, told, records.length], [true, null, file.records.length]);
    assert.deepEqual(
      rows.map(({ key, state }) => [key, state]),
      [["qwen default", "idle"]],
    );
  });
});

describe("a journal that somebody sent", () => {
  it("gets in by the list, line by line", () => {
    const own = textOf("refused-refresh").trimEnd();
    const [line = ""] = own.split("\n");
    const strange = line.replace('"step"', '"token":"secret","step"');
    const { records, unread } = journalFile("x", `${own}\n\nnonsense\n${strange}\n{"v":2}\n`);
    assert.equal(records.length, own.split("\n").length + 1);
    assert.equal(unread, 2);
    assert.ok(!JSON.stringify(records).includes("secret"));
    assert.deepEqual(numbersOf(records), [...records.keys()]);
  });
});

describe("words", () => {
  it("are there for every state of an account", () => {
    const { states } = drawn(chartOf("account", ["loopback", "paste", "device"]));
    for (const { path } of states) assert.notEqual(stateWords(path).says, "not known", path);
    assert.equal(stateWords("pendingAuth.device").says, stateWords("pendingAuth").says);
    assert.equal(stateWords(null).says, "not known");
  });

  it("say what a line is", () => {
    const [began, , , surveyed] = story;
    assert.deepEqual(whatOf(began!), { head: "began", text: "account: deciding", code: null });
    assert.deepEqual(whatOf(surveyed!), { head: "survey ended", text: "account: deciding → idle", code: null });
    const { head, code } = whatOf(story.at(-1)!);
    assert.deepEqual([head, code], ["refused", "refresh_refused"]);
  });

  it("tell what an error means and what helps, and nothing of one of another version", () => {
    const { next } = errorWords("refresh_refused", { provider: "codex", account: "work" }) ?? {};
    assert.equal(next, "llxprt-auth codex login --account work");
    assert.equal(errorWords("of_tomorrow", { provider: "codex", account: "work" }), null);
  });

  it("count to the second where one waits", () => {
    const spans = [4_900, 64_000, 599_999, 600_000, 3_120_000, 11_520_000, 900_000_000].map(lasting);
    assert.deepEqual(spans, ["4 s", "1 min 04 s", "9 min 59 s", "10 min", "52 min", "3 h 12 min", "10 days"]);
    assert.deepEqual(
      [away(3_120_000, 0), away(0, 12_000), away(0, 75_000), away(500, 0)],
      ["in 52 min", "12 s ago", "1 min ago", "now"],
    );
    const at = new Date(2026, 10, 23, 9, 5, 7).getTime();
    assert.equal(clock(at, at), "09:05:07");
  });
});
