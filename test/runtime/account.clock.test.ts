// A sign-in and the clocks: a wall clock that is set ends no sign-in, keeps none for ever and stops no poll; sleep is time
// like any other (T51; R22, R23).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loginOf } from "../../runtime/actor.ts";
import type { Auth } from "../../runtime/auth.ts";
import { beginLogin, codeOf, stage, until } from "../support/stage.ts";

const hour = 3_600_000;
const tenYears = 10 * 365 * 24 * hour;
const jumps = {
  "an hour ahead": hour,
  "an hour back": -hour,
  "ten years ahead": tenYears,
  "ten years back": -tenYears,
};

/** What the device's machine knows of its times. */
const times = (auth: Auth, provider: string) =>
  loginOf(auth.actor(provider).getSnapshot())?.context as {
    readonly deadlineAt: number;
    readonly pollAt: number;
    readonly intervalMs: number;
  };

describe("a wall clock that is set", { concurrency: 4 }, () => {
  for (const [what, by] of Object.entries(jumps)) {
    it(`${what}: a device sign-in goes on being polled, and is granted`, async () => {
      await using s = await stage();
      const { pending, ended } = await beginLogin(s.auth(), "qwen");
      s.home.set = by;
      await until(() => s.emulator.counters("qwen").polls >= 2, "it polls");
      await s.emulator.approveDevice(pending.userCode ?? "");
      assert.equal((await ended).row.state, "authenticated");
    });

    it(`${what}: a device sign-in that begins after it is polled as ever, and granted`, async () => {
      await using s = await stage();
      const auth = s.auth();
      s.home.set = by;
      const { pending, ended } = await beginLogin(auth, "qwen");
      await s.emulator.approveDevice(pending.userCode ?? "");
      assert.equal((await ended).row.state, "authenticated");
    });

    it(`${what}: a sign-in goes on waiting, also after a wrong paste`, async () => {
      await using s = await stage();
      const { account, pending, ended } = await beginLogin(s.auth(), "gemini", "loopback", { timeoutMs: 900_000 });
      s.home.set = by;
      assert.match(await codeOf(account.complete("nothing like a code")), /^pasted_/);
      await s.emulator.approve(pending.url);
      assert.equal((await ended).row.state, "authenticated");
    });

    it(`${what}: a sign-in ends when its time is over`, async () => {
      await using s = await stage();
      const { ended } = await beginLogin(s.auth(), "anthropic", "paste", { timeoutMs: 1_500 });
      s.home.set = by;
      assert.equal(await codeOf(ended), "sign_in_timeout");
    });
  }

  for (const [what, by] of Object.entries({ "an hour back": -hour, "ten years back": -tenYears }))
    it(`${what}: whoever takes a sign-in up waits no longer than it was to last`, async () => {
      await using s = await stage({ deviceLifetimeS: 600 });
      const first = s.auth();
      await beginLogin(first, "qwen");
      await first.close();
      s.home.set = by;
      const second = s.auth();
      const waited = second.account("qwen").wait();
      waited.catch(() => undefined);
      await until(() => times(second, "qwen")?.pollAt > 0, "it waits");
      assert.ok(times(second, "qwen").deadlineAt - s.home.now() <= 600_000);
      assert.ok(times(second, "qwen").pollAt - s.home.now() <= 1_000);
    });
});

describe("sleep", { concurrency: 4 }, () => {
  it("is time: a sign-in that it outlasted is over", async () => {
    await using s = await stage();
    const { account, ended } = await beginLogin(s.auth(), "gemini", "loopback", { timeoutMs: 900_000 });
    s.home.ahead = hour;
    assert.match(await codeOf(account.complete("nothing like a code")), /^pasted_/);
    assert.equal(await codeOf(ended), "sign_in_timeout");
    assert.deepEqual(s.home.pending(), []);
  });

  it("that is short ends nothing", async () => {
    await using s = await stage();
    const { pending, ended } = await beginLogin(s.auth(), "qwen");
    s.home.ahead = 60_000;
    await s.emulator.approveDevice(pending.userCode ?? "");
    assert.equal((await ended).row.state, "authenticated");
  });
});
