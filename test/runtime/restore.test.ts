// A snapshot in a token file is advice: whatever it is, it never makes a request by itself, never carries out what was
// decided in another process, and never costs a login (T48; findings 5 of the threat list).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Json, plainTokens } from "../support/home.ts";
import { beginLogin, codeOf, signIn, stage, until } from "../support/stage.ts";

const wrap = (state: unknown, changes: Json = {}): Json => ({
  schema: 1,
  machine: "credential",
  version: 1,
  saved_at: Math.floor(Date.now() / 1000),
  state,
  ...changes,
});
const active = (value: unknown, more: Json = {}): Json => ({
  status: "active",
  value,
  context: {},
  children: {},
  ...more,
});

const everyState = [
  "deciding",
  "disabled",
  "idle",
  "authenticated",
  "refreshing",
  "backingOff",
  "expired",
  "loggingOut",
  "blocked",
  { pendingAuth: "choosing" },
  { pendingAuth: "loopback" },
];

/** Snapshots that came from everywhere. */
const snapshots: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(everyState.map((value) => [`of the state ${JSON.stringify(value)}`, wrap(active(value))])),
  ...Object.fromEntries(
    everyState.map((value) => [
      `of ${JSON.stringify(value)}, with a choice, a demand and children of its own`,
      wrap(
        active(value, {
          context: {
            provider: "evil",
            account: "other",
            choice: "reset",
            demand: { minTtlMs: 1e15, force: true },
            revoke: true,
            ahead: true,
            survey: { now: 0, enabled: true, facts: null, fault: null, renewing: false, pending: null },
          },
          children: {
            logOut: { src: "logOut", snapshot: { status: "active", input: { provider: "anthropic", revoke: true } } },
            ensureFresh: { src: "ensureFresh", snapshot: { status: "active", input: { provider: "anthropic" } } },
          },
        }),
      ),
    ]),
  ),
  "of a state that is none": wrap(active("superuser")),
  "with a value of the wrong type": wrap(active(42)),
  "that has ended": wrap({ ...active("authenticated"), status: "done" }),
  "that has failed": wrap({ ...active("authenticated"), status: "error", error: {} }),
  "of another machine": wrap(active("authenticated"), { machine: "loopback" }),
  "of a newer machine": wrap(active("authenticated"), { version: 999 }),
  "of version zero": wrap(active("authenticated"), { version: 0 }),
  "of a version that is no number": wrap(active("authenticated"), { version: "1" }),
  "in a newer envelope": wrap(active("authenticated"), { schema: 2 }),
  "saved in the future": wrap(active("refreshing"), { saved_at: 9e15 }),
  "that pollutes": JSON.parse(
    '{"schema":1,"machine":"credential","version":1,"state":{"__proto__":{"status":"active","value":"idle"},"constructor":{"prototype":{"x":1}}}}',
  ),
  "that is deep": JSON.parse("[".repeat(2_000) + "]".repeat(2_000)),
  "that is huge": wrap(active("authenticated", { historyValue: "x".repeat(1024 * 1024) })),
  null: null,
  "a text": "authenticated",
  "a number": 7,
  "a list": [wrap(active("idle"))],
  empty: {},
};

describe("a login with a snapshot", { concurrency: 4 }, () => {
  for (const [what, snapshot] of Object.entries(snapshots)) {
    it(`${what}: works, and nothing happens by itself`, async () => {
      await using s = await stage();
      s.home.plant(
        "anthropic",
        plainTokens(Date.now(), { llxprt_auth: { schema: 1, generation: 3, lineage: "l", snapshot } }),
      );
      const auth = s.auth({ ahead: true });
      const account = auth.account("anthropic");
      const { row, exitCode } = account.status();
      assert.deepEqual([row.state, row.usable, exitCode], ["authenticated", "yes", 0]);
      await until(() => account.actor.getSnapshot().value === "authenticated", "the facts decide");
      assert.equal((await account.token()).secret.reveal(), plainTokens()["access_token"]);
      await auth.close();
      assert.equal(s.emulator.requests.length, 0);
      const after = s.home.tokens("anthropic");
      assert.equal(after["access_token"], plainTokens()["access_token"]);
      assert.equal(after["refresh_token"], plainTokens()["refresh_token"]);
      assert.equal(after["llxprt_auth"].generation, 3);
      assert.equal(({} as Json)["x"], undefined);
    });
  }
});

describe("what a process left when it ended", { concurrency: 4 }, () => {
  it("in the middle of a refresh makes five others ask for nothing that they do not need", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
    const file = s.home.tokens("anthropic");
    const left = { ...file["llxprt_auth"], snapshot: wrap(active("refreshing")) };
    s.home.plant("anthropic", { ...file, llxprt_auth: left });
    const before = s.emulator.requests.length;
    for (let count = 0; count < 5; count += 1) await s.auth().account("anthropic").token();
    assert.equal(s.emulator.requests.length, before);
  });

  it("in the middle of a logout logs nobody out", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "gemini");
    const file = s.home.tokens("gemini");
    const left = { ...file["llxprt_auth"], snapshot: wrap(active("loggingOut")) };
    s.home.plant("gemini", { ...file, llxprt_auth: left });
    const auth = s.auth();
    await auth.account("gemini").token();
    assert.equal(s.home.tokens("gemini")["access_token"], file["access_token"]);
    assert.equal(s.emulator.counters("gemini").revocations, 0);
  });

  it("in the middle of a sign-in begins no other one", async () => {
    await using s = await stage();
    const first = s.auth();
    await signIn(s, first, "gemini");
    await beginLogin(first, "gemini");
    await first.close();
    const seen = s.emulator.requests.length;
    const account = s.auth().account("gemini");
    await account.token();
    await until(() => account.actor.getSnapshot().value === "authenticated", "the facts decide");
    assert.equal(s.emulator.requests.length, seen);
  });

  it("holds no time, fact or identity that another process would believe", async () => {
    await using s = await stage();
    const first = s.auth();
    await signIn(s, first, "gemini");
    await first.close();
    const file = s.home.tokens("gemini");
    const past = Math.floor(Date.now() / 1000) - 5;
    s.home.plant("gemini", { ...file, refresh_token: undefined, expiry: past });
    assert.equal(await codeOf(s.auth().account("gemini").token()), "refresh_impossible");
    assert.equal(s.emulator.counters("gemini").refreshes, 0);
  });

  it("is written once for a state, and not again by those who only look", async () => {
    await using s = await stage();
    const first = s.auth();
    await signIn(s, first, "gemini");
    await first.account("gemini").token();
    await first.close();
    const before = readFileSync(s.home.file("gemini"), "utf8");
    assert.equal(s.home.tokens("gemini")["llxprt_auth"].snapshot.state.value, "authenticated");
    for (let count = 0; count < 3; count += 1) {
      const auth = s.auth();
      auth.account("gemini").status();
      auth.account("gemini").why();
      auth.accounts();
      await auth.close();
    }
    assert.equal(readFileSync(s.home.file("gemini"), "utf8"), before);
  });
});
