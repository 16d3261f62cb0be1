// What a person is told of a login: one sentence for what was one thing, times as people say them, who is at work and who is
// gone, what nobody knows, and one command; from the files alone, and with no secret in it.
import assert from "node:assert/strict";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { catalogue } from "../../machines/catalogue.ts";
import type { Facts, Survey } from "../../machines/facts.ts";
import { tells } from "../../runtime/inspect/phrases.ts";
import { type Entry, type JournalRecord, lineOf, recordOf, steps } from "../../runtime/inspect/record.ts";
import { type Scene, storyOf } from "../../runtime/inspect/story.ts";
import { plantInterruption } from "../support/spending.ts";
import { signIn, stage } from "../support/stage.ts";

process.env["TZ"] = "UTC";

const name = { provider: "acme", account: "default" };
const lineage = "l".repeat(22);
const now = Date.UTC(2026, 10, 23, 12, 0);
const today = (hours: number, minutes = 0): number => Date.UTC(2026, 10, 23, hours, minutes);

/** As it would be read from the file. */
function line(step: Entry["step"], at: number, more: Partial<Entry> = {}, pid = 4711): JournalRecord {
  const record = recordOf(lineOf({ step, ...name, lineage, generation: 1, ...more }, at, pid) ?? "");
  assert.ok(record !== null);
  return record;
}

const facts: Facts = {
  lineage,
  generation: 1,
  expiresAt: today(13),
  obtainedAt: today(9),
  refreshable: true,
  identity: "me@example.com",
  verifiedAt: null,
  refused: null,
  retry: null,
};

function scene(more: Partial<Survey> = {}, others: Partial<Scene> = {}): Scene {
  const survey = { now, enabled: true, facts, fault: null, renewing: false, pending: null, ...more };
  return { survey, permit: null, lender: null, isOutranked: false, ...others };
}

const signedIn = line("signedIn", today(9, 12), { grant: "loopback" });
const told = (records: readonly JournalRecord[], how = scene()): readonly string[] =>
  storyOf(name, records, how).sentences;
const refreshed = (hours: number, generation: number, pid = 4711): JournalRecord[] => [
  line("permitted", today(hours), { generation }, pid),
  line("sealed", today(hours), { generation }, pid),
  line("checkpointed", today(hours), { generation: generation + 1 }, pid),
];

/** Signed in so many days ago. */
const daysAgo = (days: number) => line("signedIn", today(9, 12) - days * 86_400_000, { grant: "device" });

describe("a story", () => {
  it("tells a refresh once, and many of them together", () => {
    const records = [signedIn, ...refreshed(10, 1)];
    assert.deepEqual(told(records, scene({ facts: { ...facts, generation: 2 } })), [
      "Signed in at 09:12 in the browser.",
      "Refreshed at 10:00 by process 4711.",
      "Signed in until 13:00.",
    ]);
    const more = [...records, ...refreshed(11, 2, 4712), ...refreshed(12, 3, 4713)];
    assert.equal(told(more)[1], "Refreshed 3 times between 10:00 and 12:00 by 3 processes.");
  });

  it("names the day when it is another one, and the year", () => {
    assert.equal(told([daysAgo(1)])[0], "Signed in on 22 Nov at 09:12 with a device code.");
    assert.equal(told([daysAgo(400)])[0], "Signed in on 19 Oct 2025 at 09:12 with a device code.");
  });

  it("tells who sent the refresh token and told no end: at work, gone, without a reply, or nobody knows", () => {
    const records = [signedIn, line("permitted", today(11, 59))];
    const fate = (permit: Scene["permit"], renewing = false) => told(records, scene({ renewing }, { permit })).slice(1);
    assert.deepEqual(fate({ pid: 4711, presence: "here", ended: false }, true), [
      "Process 4711 sent the refresh token at 11:59, and is waiting for the reply.",
    ]);
    const [gone] = fate({ pid: 4711, presence: "gone", ended: false });
    assert.equal(gone, "Process 4711 sent the refresh token at 11:59, and is gone: the reply may be lost with it.");
    assert.match(fate({ pid: 4711, presence: "gone", ended: true })[0] ?? "", /, and got no reply\.$/);
    assert.match(fate({ pid: 4711, presence: "stopped", ended: false })[0] ?? "", /is stopped in the middle of it\.$/);
    for (const other of [null, { pid: 1, presence: "here", ended: false } as const])
      assert.match(fate(other)[0] ?? "", /the journal does not tell what came of it\.$/);
  });

  it("tells who repeated what a dead process had left, and how that ended", () => {
    const holder = { pid: 4711, at: today(11) };
    const records = [
      signedIn,
      line("permitted", today(11)),
      line("repeated", today(11, 5), { attempt: 1, holder }, 4712),
      line("permitted", today(11, 5), { attempt: 1 }, 4712),
      line("checkpointed", today(11, 5), { attempt: 1, generation: 2 }, 4712),
    ];
    assert.deepEqual(told(records).slice(1, 3), [
      "Process 4711 had sent the refresh token at 11:00 and left no reply: it ended before the reply was on the disk; process 4712 sent it once more at 11:05.",
      "Refreshed at 11:05 by process 4712.",
    ]);
  });

  it("says who else here used what was used before", () => {
    const word = "refresh_token_reused";
    const refused = line("refused", today(11, 10), { code: "refresh_refused", word }, 4712);
    const over = scene({ facts: { ...facts, refused: "refresh_refused" } });
    const alone = told([signedIn, line("permitted", today(11, 10), {}, 4712), refused], over);
    assert.equal(
      alone[1],
      "At 11:10 the server refused the refresh token (refresh_token_reused): it had been used before; no other process here had used it: another machine or tool may hold a copy.",
    );
    assert.equal(alone[2], "The token is good until 13:00, and cannot be renewed.");
    const second = line("permitted", today(11, 10), { generation: 1 }, 4712);
    const both = told(
      [
        signedIn,
        line("unanswered", today(11), { code: "network_broken" }),
        line("permitted", today(11, 1), { generation: 7 }, 9),
        second,
        refused,
      ],
      over,
    );
    assert.match(both.at(-2) ?? "", /no other process here/, "another token's permit is none for this one");
  });

  it("tells back-off, a sign-in that waits, and what outranks the login", () => {
    const retry = { at: today(12, 4), code: "network_timeout" } as const;
    const putOff = [3, 2, 1].map((ago) =>
      line("putOff", today(12) - ago * 600_000, { code: "network_timeout", retryAt: retry.at }),
    );
    const failing = storyOf(name, [signedIn, ...putOff], scene({ facts: { ...facts, retry } }));
    assert.deepEqual(failing.sentences.slice(1), [
      "Renewing failed 3 times between 11:30 and 11:50: acme did not answer in time. It was put off until 12:04.",
      "The next try to renew is not before 12:04; the token is good until 13:00.",
    ]);
    assert.equal(failing.next, "llxprt-auth acme status");
    const signInHandle = "s".repeat(27);
    const begun = line("signInBegun", today(11, 50), {
      grant: "device",
      signIn: signInHandle,
      deadlineAt: today(12, 5),
    });
    const pending = { attempt: signInHandle, kind: "device", expiresAt: today(12, 5) } as const;
    const waiting = storyOf(name, [begun], scene({ facts: null, pending }));
    assert.deepEqual(waiting.sentences, [
      "A sign-in with a device code was begun at 11:50 by process 4711, and is waiting until 12:05.",
    ]);
    const other = { ...pending, attempt: "t".repeat(27) };
    assert.equal(
      told([begun], scene({ facts: null, pending: other }))[1],
      "A sign-in with a device code is waiting until 12:05.",
    );
    assert.equal(waiting.next, "llxprt-auth acme wait");
    assert.match(told([begun], scene({ facts: null }))[0] ?? "", /the journal has no end of it/);
    assert.equal(storyOf(name, [begun], scene({ facts: null }, { isOutranked: true })).next, null);
  });

  it("says where the clock was set back, and that it was since", () => {
    const records = [signedIn, line("resumed", today(8))];
    assert.match(told(records)[1] ?? "", /^Here the clock of this machine was set back by about 1 h/);
    assert.match(
      told([line("signedIn", today(15), { grant: "paste" })])[1] ?? "",
      /set back by about 3 h: the last line is later than now/,
    );
    const resumed = [11, 11, 8, 8].map((hour) => line("resumed", today(hour)));
    const turns = told([signedIn, ...resumed]).map((sentence) => sentence.split(" ").slice(0, 4).join(" "));
    assert.deepEqual(turns.slice(1, 4), ["The machine woke up,", "Here the clock of", "The machine woke up,"]);
    const close = [line("signedIn", today(9), { grant: "paste" }), line("resumed", today(9) - 2_000)];
    assert.ok(!told(close).join().includes("clock of this machine"), "two processes that write at once");
  });

  it("says what the journal does not know", () => {
    assert.deepEqual(told([], scene({ facts: null })), [
      "The journal has nothing about this login.",
      "Nobody is signed in.",
    ]);
    assert.match(told([])[0] ?? "", /rotated away/);
    assert.match(
      told([line("checkpointed", today(11), { generation: 2 })])[0] ?? "",
      /^What was before 11:00, the sign-in among it/,
    );
    assert.match(told([], scene({ facts: { ...facts, lineage: null } }))[0] ?? "", /another program/);
  });

  it("keeps to what was lately, and says so", () => {
    const turns = Array.from({ length: 40 }, (_, index) => line(index % 2 ? "enabled" : "disabled", today(10, index)));
    const sentences = told([signedIn, ...turns]);
    assert.equal(sentences[0], "What was before 10:20 is left out here.");
    assert.equal(sentences.length, 22);
    assert.equal(storyOf(name, [signedIn, ...turns], scene()).records.length, 41);
  });

  it("has words for every step, with every reason and with none, and leaves no blank", () => {
    assert.deepEqual(new Set([...Object.keys(tells), "moved"]), new Set(Object.keys(steps)));
    for (const step of Object.keys(tells) as Entry["step"][])
      for (const code of [undefined, ...(Object.keys(catalogue) as (keyof typeof catalogue)[])])
        for (const sentence of told([line(step, today(11), { code, grant: "loopback" })])) {
          assert.match(sentence, /^[A-Z].*\.$/, step);
          assert.doesNotMatch(sentence, /[{}[\]]|undefined|null|NaN| {2}|\.\.| [,.;:]/, `${step} ${code}: ${sentence}`);
        }
  });

  it("has nothing in it that was put where a word, a name or a number belongs", () => {
    const canary = "canary-secret-0123456789-0123456789";
    const poisoned = {
      code: canary,
      word: canary,
      grant: canary,
      revocation: canary,
      lineage: canary,
      signIn: canary,
      retryAt: canary,
      holder: { pid: canary, at: canary },
    };
    const records = Object.keys(tells).flatMap((step) => {
      const record = recordOf(
        JSON.stringify({ v: 1, at: new Date(now).toISOString(), pid: 1, step, ...name, ...poisoned }),
      );
      return record === null ? [] : [record];
    });
    assert.equal(records.length, Object.keys(tells).length);
    const stood = scene({ facts: { ...facts, identity: canary } });
    assert.ok(!JSON.stringify(storyOf(name, records, stood)).includes("canary"));
  });
});

describe("an account explains itself", () => {
  it("from the files alone: nothing is started, asked or written, and a dead process is seen to be gone", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "codex");
    await auth.close();
    plantInterruption(s.home, "codex");
    const marks = (): string[] =>
      readdirSync(s.home.paths.home, { recursive: true }).map((path) => {
        const { ino, size, mtimeNs } = lstatSync(join(s.home.paths.home, String(path)), { bigint: true });
        return `${String(path)} ${ino} ${size} ${mtimeNs}`;
      });
    const [before, requests] = [marks(), s.emulator.requests.length];
    const { sentences, records, next } = s.auth().account("codex").explain();
    assert.deepEqual([marks(), s.emulator.requests.length], [before, requests]);
    assert.match(sentences[1] ?? "", /^Signed in at \d\d:\d\d in the browser\.$/);
    assert.deepEqual([records.length, next], [3, null]);
    rmSync(s.home.paths.journal);
    assert.match(s.auth().account("codex").explain().sentences[0] ?? "", /rotated away/);
  });

  it("finds the lines of an account whose name is shown by its digest", async () => {
    await using s = await stage();
    const account = `${"a".repeat(40)}.of-a-long-name`;
    await signIn(s, s.auth(), "codex", { account });
    assert.match(s.auth().account("codex", account).explain().sentences.join(" "), /Signed in at/);
  });
});
