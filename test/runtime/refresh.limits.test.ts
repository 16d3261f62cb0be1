// A server that wants fewer requests gets fewer, from all processes together and after a restart; and that it said so is
// never taken for a word about the login (RFC 6585 4, RFC 9110 10.2.3; contract, section 5).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fault } from "../../providers/emulator/index.ts";
import type { Auth } from "../../runtime/auth.ts";
import type { Json } from "../support/home.ts";
import { beginLogin, codeOf, signIn, type Stage, stage, until } from "../support/stage.ts";

const seconds = (): number => Math.floor(Date.now() / 1000);
const presented = (s: Stage): number => s.emulator.requests.filter(({ endpoint }) => endpoint === "refresh").length;
const limited = (retryAfter?: string, status = 429): Fault => ({
  kind: "status",
  status,
  ...(retryAfter === undefined ? {} : { retryAfter }),
});

/** Signed in, with a token that has so many seconds left, on a server that refreshes nothing. */
async function onLimited(fault: Fault, left = -5): Promise<Stage> {
  const s = await stage();
  const auth = s.auth();
  await signIn(s, auth, "anthropic", { grant: "loopback" });
  await auth.close();
  const file = s.home.tokens("anthropic");
  s.home.plant("anthropic", { ...file, expiry: seconds() + left });
  s.emulator.fault("anthropic", "refresh", fault, 1_000);
  return s;
}

const asks = async (auth: Auth): Promise<string> => codeOf(auth.account("anthropic").token());
const retryOf = (s: Stage): Json => s.home.tokens("anthropic")["llxprt_auth"].retry;

describe("a server that asks to wait", { concurrency: 4 }, () => {
  for (const [what, fault, pause] of [
    ["for two minutes", limited("120"), 120],
    ["until a moment", limited(new Date(Date.now() + 300_000).toUTCString()), 300],
    ["with 503", limited("120", 503), 120],
    ["for a second, which is too little", limited("1"), 30],
    ["for no time at all", limited("0"), 30],
    ["until yesterday", limited(new Date(Date.now() - 86_400_000).toUTCString()), 30],
    ["without saying how long", limited(), 30],
    ["for what is no time", limited("soon"), 30],
    ["for a year, which is too much", limited(String(365 * 86_400)), 3_600],
  ] as const)
    it(`${what} is asked once, by two processes and a third that starts later`, async () => {
      await using s = await onLimited(fault);
      const code = what === "with 503" ? "server_error" : "rate_limited";
      const [first, second] = [s.auth({ ahead: true }), s.auth({ ahead: true })];
      for (let times = 0; times < 3; times += 1)
        assert.deepEqual(await Promise.all([first, second].map(asks)), [code, code]);
      await first.close();
      const third = s.auth();
      assert.equal(await asks(third), code);
      assert.equal(presented(s), 1);
      const wait = retryOf(s)["at"] - seconds();
      // The date was made when these tests were loaded.
      if (what === "until a moment") assert.ok(wait > 30 && wait <= pause + 1, `${wait} s`);
      else assert.ok(Math.abs(wait - pause) <= 5, `${wait} s`);
      for (const auth of [second, third]) {
        const { row, exitCode } = auth.account("anthropic").status();
        assert.deepEqual([row.state, row.lastError, exitCode], ["backingOff", code, 5]);
      }
      assert.equal(s.home.tokens("anthropic")["llxprt_auth"].refused, null);
    });

  it("gets its next request when the time has come, and not before", async () => {
    await using s = await onLimited(limited("120"));
    const auth = s.auth();
    assert.equal(await asks(auth), "rate_limited");
    s.home.ahead = 60_000;
    for (const one of [auth, s.auth()]) assert.equal(await asks(one), "rate_limited");
    assert.equal(presented(s), 1);
    s.home.ahead = 122_000;
    assert.equal(await asks(auth), "rate_limited");
    assert.equal(presented(s), 2, "by the process that knew it, at once");
    for (const one of [auth, s.auth()]) assert.equal(await asks(one), "rate_limited");
    assert.equal(presented(s), 2);
  });

  it("is not asked for every 401 of the API, and a 401 is not what is told then", async () => {
    await using s = await onLimited(limited("120"), 3_000);
    const [first, second] = [s.auth(), s.auth()];
    const credentials = await Promise.all([first, second].map(async (auth) => auth.account("anthropic").token()));
    for (let times = 0; times < 3; times += 1)
      for (const [index, auth] of [first, second].entries()) {
        const credential = credentials[index] ?? assert.fail();
        assert.equal(await codeOf(auth.account("anthropic").rejected(credential)), "rate_limited");
      }
    const third = s.auth().account("anthropic");
    assert.equal(await codeOf(third.rejected(await third.token())), "rate_limited");
    assert.equal(presented(s), 1);
  });

  for (const [what, fault] of [
    ["that says nothing but 503", limited(undefined, 503)],
    ["that breaks the connection", { kind: "drop-connection" }],
  ] as const)
    it(`or one ${what}: who has a token that the API refuses asks again after a pause, not at every 401`, async () => {
      await using s = await onLimited(fault, 3_000);
      const [first, second] = [s.auth(), s.auth()];
      const credentials = await Promise.all([first, second].map(async (auth) => auth.account("anthropic").token()));
      const everybody = async (): Promise<string[]> => {
        const codes: string[] = [];
        for (const [index, auth] of [first, second].entries())
          codes.push(await codeOf(auth.account("anthropic").rejected(credentials[index] ?? assert.fail())));
        return codes;
      };
      const code = fault.kind === "status" ? "server_error" : "network_broken";
      for (let times = 0; times < 3; times += 1) assert.deepEqual(await everybody(), [code, code]);
      assert.equal(presented(s), 1);
      s.home.ahead = 31_000;
      for (let times = 0; times < 3; times += 1) assert.deepEqual(await everybody(), [code, code]);
      assert.equal(presented(s), 2);
      assert.ok(Math.abs(retryOf(s)["at"] - seconds() - 31 - 60) <= 5, "twice as long");
    });

  it("is not asked for every 401 beside a sign-in that is under way", async () => {
    await using s = await onLimited(limited("120"), 3_000);
    const { account } = await beginLogin(s.auth(), "anthropic", "loopback");
    const credential = await account.token();
    for (let times = 0; times < 3; times += 1) assert.equal(await codeOf(account.rejected(credential)), "rate_limited");
    assert.equal(presented(s), 1);
  });

  it("stops nobody for longer because the clock is set back", async () => {
    await using s = await onLimited(limited("120"));
    const auth = s.auth();
    assert.equal(await asks(auth), "rate_limited");
    s.home.set = -3_600_000;
    s.home.plant("anthropic", { ...s.home.tokens("anthropic"), expiry: seconds() - 3_600 - 5 });
    assert.equal(await asks(s.auth()), "rate_limited", "a process that has just begun");
    assert.equal(presented(s), 2);
    assert.ok(retryOf(s)["at"] * 1000 - s.home.now() <= 125_000, "by the clock as it is now");
  });
});

it("a limit that is over is forgotten by every process", async () => {
  await using s = await stage();
  const auth = s.auth();
  await signIn(s, auth, "anthropic", { grant: "loopback" });
  await auth.close();
  s.home.plant("anthropic", { ...s.home.tokens("anthropic"), expiry: seconds() - 5 });
  s.emulator.fault("anthropic", "refresh", limited("120"));
  const [first, second] = [s.auth(), s.auth()];
  for (const one of [first, second]) assert.equal(await asks(one), "rate_limited");
  s.home.ahead = 122_000;
  assert.equal(await asks(first), "no error");
  assert.equal(presented(s), 2);
  assert.equal(retryOf(s), null);
  const { actor } = second.account("anthropic");
  await until(() => actor.getSnapshot().value === "authenticated", "the other one follows");
  assert.equal(await asks(second), "no error");
  assert.equal(presented(s), 2);
});
