// Refreshing and the clocks: whatever the wall clock does and whatever lifetimes a server names, nobody storms and no login
// ends; sleep is followed by one renewal, however many wake up (T51; R2.3, R22; contract, section 5).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Auth } from "../../runtime/auth.ts";
import type { Json } from "../support/home.ts";
import { signIn, type Stage, stage, until } from "../support/stage.ts";

const hour = 3_600_000;
const tenYears = 10 * 365 * 24 * hour;
const seconds = (): number => Math.floor(Date.now() / 1000);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Requests that presented a refresh token. */
const presented = (s: Stage): number => s.emulator.requests.filter(({ endpoint }) => endpoint === "refresh").length;

/** Signed in an hour ago, for another hour, and nobody runs. */
async function signedIn(s: Stage, members: Json = {}, ours: Json = {}): Promise<void> {
  const auth = s.auth();
  await signIn(s, auth, "anthropic", { grant: "loopback" });
  await auth.close();
  change(s, { expiry: seconds() + 3_600, ...members }, { obtained_at: seconds() - 3_600, ...ours });
}

function change(s: Stage, members: Json, ours: Json = {}): void {
  const file = s.home.tokens("anthropic");
  s.home.plant("anthropic", { ...file, ...members, llxprt_auth: { ...file["llxprt_auth"], ...ours } });
}

/** Every state that the account was in. */
function statesOf(auth: Auth): Set<string> {
  const states = new Set<string>();
  auth.actor("anthropic").subscribe(({ value }) => states.add(JSON.stringify(value)));
  return states;
}

const limited = { kind: "status", status: 429 } as const;

describe("a wall clock that jumps to and fro", { concurrency: 4 }, () => {
  const swings: Readonly<Record<string, readonly number[]>> = {
    "by ten years": [tenYears, 0, -tenYears, 0],
    "by two hours": [2 * hour, 0, -2 * hour, 0],
    "ever higher": Array.from({ length: 100 }, (_, index) => index * 10 * hour),
    "ever lower": Array.from({ length: 100 }, (_, index) => -index * 10 * hour),
    anyhow: Array.from({ length: 100 }, () => (Math.random() * 2 - 1) * tenYears),
  };
  for (const [how, swing] of Object.entries(swings))
    for (const isLimited of [false, true])
      it(`${how}, ${isLimited ? "a server that wants no requests" : "a willing server"}: one request, and the login stays`, async () => {
        await using s = await stage();
        await signedIn(s);
        if (isLimited) s.emulator.fault("anthropic", "refresh", limited, 1_000);
        const auth = s.auth({ ahead: true });
        const states = statesOf(auth);
        const account = auth.account("anthropic");
        const codes = new Set<unknown>();
        for (let turn = 0; turn < 25; turn += 1) {
          s.home.set = swing[turn % swing.length] ?? 0;
          await account.token().catch((error: Json) => codes.add(error["code"]));
          await pause(60);
        }
        assert.ok(presented(s) <= 1, `${presented(s)} requests`);
        assert.deepEqual(
          [...codes].filter((code) => code !== "rate_limited" && code !== "backing_off"),
          [],
        );
        for (const state of states)
          assert.match(state, /^"(deciding|authenticated|refreshing|backingOff)"$/, "no state of a login that ended");
        s.home.set = 0;
        await until(() => auth.account("anthropic").status().row.usable === "yes", "it is as before");
        assert.equal(typeof (await account.token()).secret.reveal(), "string");
        assert.equal(s.emulator.counters("anthropic").reuses, 0);
      });

  for (const place of ["here", "in a process of its own"])
    it(`rings the alarm of who renews ahead, over and over, and that asks once, ${place}`, async () => {
      await using s = await stage();
      await signedIn(s);
      const elsewhere = s.auth().account("anthropic");
      const refresher = async (): Promise<string> => {
        await elsewhere.refresh({ force: true });
        // The file tells of it before the word does.
        await pause(500);
        return JSON.stringify({ kind: "refreshed", code: null });
      };
      const launch = place === "here" ? null : async () => ({ said: refresher() });
      const actor = s.auth({ ahead: true, host: { launch } }).actor("anthropic");
      for (let times = 0; times < 3; times += 1) {
        await until(() => actor.getSnapshot().value === "authenticated", "nothing is under way");
        actor.send({ type: "renewal.due" });
      }
      await until(() => actor.getSnapshot().value === "authenticated", "nothing is under way");
      assert.equal(presented(s), 1);
    });

  it("ends no login that cannot be renewed: it is back with the clock", async () => {
    await using s = await stage();
    await signedIn(s, { refresh_token: undefined });
    const auth = s.auth();
    const { actor, token } = { actor: auth.actor("anthropic"), token: async () => auth.account("anthropic").token() };
    await until(() => actor.getSnapshot().value === "authenticated", "it is signed in");
    s.home.set = tenYears;
    await until(() => actor.getSnapshot().value === "expired", "it looks over");
    s.home.set = 0;
    assert.equal((await token()).kind, "oauth", "asked at once");
    s.home.set = tenYears;
    await until(() => actor.getSnapshot().value === "expired", "it looks over again");
    s.home.set = 0;
    await until(() => actor.getSnapshot().value === "authenticated", "noticed by itself");
    assert.equal(presented(s), 0);
  });

  it("does not outrank the API: its 401 leads to one renewal", async () => {
    await using s = await stage();
    await signedIn(s);
    const account = s.auth().account("anthropic");
    s.home.set = -tenYears;
    const first = await account.token();
    const second = await account.rejected(first);
    assert.notEqual(second.secret.reveal(), first.secret.reveal());
    assert.equal(presented(s), 1);
    assert.equal((await account.token()).secret.reveal(), second.secret.reveal());
  });
});

describe("a lifetime that makes no sense", { concurrency: 4 }, () => {
  const garbage: readonly unknown[] = [
    0,
    0.001,
    -1,
    -1e308,
    1e308,
    2 ** 53,
    "abc",
    "",
    "-5",
    "1e999",
    null,
    undefined,
    true,
    [],
    {},
  ];
  for (const lifetime of garbage)
    it(`${JSON.stringify(lifetime)} gets an hour, and nobody asks again, whatever his clock does`, async () => {
      await using s = await stage();
      await signedIn(s, { expiry: seconds() - 5 });
      s.emulator.fault("anthropic", "refresh", { kind: "rewrite", members: { expires_in: lifetime } }, 1_000);
      const account = s.auth({ ahead: true }).account("anthropic");
      for (const set of [0, 2 * hour, 0, tenYears, -tenYears, 4 * hour]) {
        s.home.set = set;
        for (let times = 0; times < 3; times += 1) await account.token();
      }
      assert.equal(presented(s), 1);
    });

  for (const lifetime of [1, "2", 20])
    it(`${JSON.stringify(lifetime)} makes sense: each demand may ask, and nobody does by himself`, async () => {
      await using s = await stage();
      await signedIn(s, { expiry: seconds() - 5 });
      s.emulator.fault("anthropic", "refresh", { kind: "rewrite", members: { expires_in: lifetime } }, 1_000);
      const account = s.auth({ ahead: true }).account("anthropic");
      for (let times = 1; times <= 3; times += 1) {
        assert.equal((await account.token()).shortLived, true);
        assert.equal(presented(s), times);
      }
      await pause(1_200);
      assert.equal(presented(s), 3);
    });
});

describe("waking up", { concurrency: 4 }, () => {
  it("renews what was to be renewed meanwhile, once, however many wake up", async () => {
    await using s = await stage();
    await signedIn(s);
    const auths = Array.from({ length: 20 }, () => s.auth({ ahead: true }));
    const actors = auths.map((auth) => auth.actor("anthropic"));
    const all = (generation: number) =>
      actors.every((actor) => {
        const { value, context } = actor.getSnapshot();
        return value === "authenticated" && context.survey.facts?.generation === generation;
      });
    await until(() => all(1), "all of them know the token");
    assert.equal(presented(s), 0);
    s.home.ahead = 2 * hour;
    await until(() => all(2), "all of them know the new one", 20_000);
    assert.equal(presented(s), 1);
    assert.equal(s.emulator.counters("anthropic").reuses, 0);
    const resumed = () => readFileSync(s.home.paths.journal, "utf8").split('"step":"resumed"').length - 1;
    await until(() => resumed() === auths.length, "each of them says why");
  });

  it("is left for a moment of each one's own", async () => {
    await using s = await stage();
    await signedIn(s, { expiry: seconds() + 60_000 });
    const draw = (byte: number) =>
      s.auth({ ahead: true, host: { randomBytes: (size) => new Uint8Array(size).fill(byte) } });
    const woken: string[] = [];
    for (const [name, auth] of [
      ["late", draw(255)],
      ["early", draw(0)],
    ] as const) {
      const actor = auth.actor("anthropic");
      await until(() => actor.getSnapshot().value === "authenticated", "it is settled");
      actor.subscribe(({ value }) => {
        if (value === "deciding") woken.push(name);
      });
    }
    s.home.ahead = hour;
    await until(() => woken.length === 2, "both wake up");
    assert.deepEqual(woken, ["early", "late"]);
  });

  it("leaves alone what is under way: a refresh, a sign-in", async () => {
    await using s = await stage();
    await signedIn(s, { expiry: seconds() - 5 });
    s.emulator.fault("anthropic", "refresh", { kind: "delay", ms: 3_500 });
    const auth = s.auth();
    const states = statesOf(auth);
    const asked = auth.account("anthropic").token();
    await until(() => presented(s) === 1, "it is under way");
    const before = states.size;
    s.home.ahead = 60_000;
    await pause(3_000);
    assert.equal(auth.actor("anthropic").getSnapshot().value, "refreshing");
    assert.equal(states.size, before);
    assert.equal((await asked).secret.reveal(), s.home.tokens("anthropic")["access_token"]);
    assert.equal(presented(s), 1);
  });
});

describe("a token that ends while it is looked at", () => {
  it("is renewed, whichever look finds it ended", async () => {
    await using s = await stage();
    await signedIn(s);
    for (let adoptedAt = 2; adoptedAt <= 10; adoptedAt += 1)
      for (let endsAfter = 0; endsAfter <= 10; endsAfter += 1) {
        const start = seconds() * 1_000;
        change(s, { expiry: start / 1_000 - 1 });
        let looks = 0;
        const now = (): number => {
          looks += 1;
          // Another process has renewed it, and its token ends some looks later.
          if (looks === adoptedAt)
            change(
              s,
              { expiry: start / 1_000 + 10 },
              { generation: s.home.tokens("anthropic")["llxprt_auth"].generation + 1 },
            );
          return looks > adoptedAt + endsAfter ? start + 10_000 : start;
        };
        const auth = s.auth({ host: { now } });
        assert.equal(
          (await auth.account("anthropic").token({ minTtlMs: 1 })).kind,
          "oauth",
          `${adoptedAt}, ${endsAfter}`,
        );
        await auth.close();
      }
  });
});
