// A permit without a seal: the refresh token may be spent, and nobody can know. It is presented again when nobody waits for
// a reply to it any more, and when that can cost nothing, or is forgiven; never because a lock says so, or a wall clock
// (refresh protocol, recovery; I1, I2, I7; threats T51, T52).
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { describe, it } from "node:test";
import type { Auth } from "../../../runtime/auth.ts";
import type { AuthError } from "../../../machines/errors.ts";
import type { Holder } from "../../../runtime/store/evidence.ts";
import { codeOf, signIn, type Stage, stage, type StageOptions, until } from "../../support/stage.ts";
import {
  edit,
  nobody,
  plantInterruption,
  plantPermit,
  type PlantedPermit,
  presented,
  reply,
  traces,
} from "../../support/spending.ts";

const provider = "anthropic";
const seconds = (): number => Math.floor(Date.now() / 1000);
const uptimeMs = (): number => uptime() * 1000;

/** Signed in, with a token that has so many seconds left. */
async function signedIn(s: Stage, left: number): Promise<Auth> {
  const auth = s.auth();
  await signIn(s, auth, provider, { grant: "loopback" });
  await auth.close();
  edit(s.home, provider, { expiry: seconds() + left });
  return s.auth();
}

const withGrace = (ms: number): StageOptions => ({
  reuseGraceMs: ms,
  providers: { [provider]: { reuseGraceMs: ms } },
});

const token = (auth: Auth) => auth.account(provider).token({ minTtlMs: 900_000 });

/** A process that does nothing; stopped if that is wanted. */
class Sleeper implements Disposable {
  readonly child: ChildProcess = spawn("sleep", ["60"], { stdio: "ignore" });

  static async stopped(): Promise<Sleeper> {
    const sleeper = new Sleeper();
    sleeper.child.kill("SIGSTOP");
    await until(() => sleeper.stat[0] === "T", "it is stopped");
    return sleeper;
  }

  /** State, and from there on what proc_pid_stat(5) says. */
  get stat(): string[] {
    return (readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1] ?? "").split(" ");
  }

  get holder(): Partial<Holder> {
    return { pid: this.child.pid ?? 0, startTicks: this.stat[19] ?? null };
  }

  [Symbol.dispose](): void {
    this.child.kill("SIGKILL");
  }
}

/** Permits of which it is certain that nobody waits for a reply to them. */
const over: Readonly<Record<string, () => PlantedPermit>> = {
  "that nothing can be read in, since its process died before it sent anything": () => ({ by: null }),
  "of a process that is gone": () => ({ by: { pid: nobody, startTicks: "1" } }),
  "of a process whose number somebody else has now": () => ({ by: { startTicks: "1" } }),
  "that its process has noted to be over": () => ({ ended: true }),
  "of an earlier start of this machine": () => ({ by: { bootId: "00000000-0000-0000-0000-000000000000" } }),
  "that is older than a minute by the machine's uptime": () => ({ by: { uptimeMs: uptimeMs() - 61_000 } }),
  "of another namespace that is older than a minute": () => ({
    by: { pidNamespace: "pid:[1]", uptimeMs: uptimeMs() - 61_000 },
  }),
};

describe("a permit without a seal", { concurrency: 4 }, () => {
  for (const [what, permit] of Object.entries(over)) {
    it(`${what}: while the token lives it is used, and nobody is asked`, async () => {
      await using s = await stage();
      const auth = await signedIn(s, 600);
      const before = s.home.tokens(provider);
      plantPermit(s.home, provider, permit());
      for (const runtime of [auth, s.auth()]) {
        const { secret, shortLived } = await token(runtime);
        assert.deepEqual([secret.reveal(), shortLived], [before["access_token"], true]);
        const { row, exitCode, nextTimerAt } = runtime.account(provider).status();
        assert.deepEqual(
          [row.state, row.usable, row.lastError, exitCode],
          ["backingOff", "yes", "refresh_uncertain", 0],
        );
        // To be repeated when the token has come to its end: a second is what the file's rounding may cost.
        assert.ok(Math.abs((nextTimerAt ?? 0) - before["expiry"] * 1000) <= 1_000);
      }
      assert.equal(presented(s, provider), 0);
    });

    it(`${what}: when the token is dead it is presented once more`, async () => {
      await using s = await stage();
      const auth = await signedIn(s, -5);
      plantPermit(s.home, provider, permit());
      assert.equal((await token(auth)).secret.reveal(), s.home.tokens(provider)["access_token"]);
      assert.equal(presented(s, provider), 1);
      assert.deepEqual(traces(s.home, provider), [], "nothing is left");
      assert.equal(s.emulator.counters(provider).reuses, 0);
    });
  }

  const mayGoOn: Readonly<Record<string, () => PlantedPermit>> = {
    "of a process that is there": () => ({}),
    "of another namespace": () => ({ by: { pidNamespace: "pid:[1]", pid: nobody } }),
    "whose wall clock was an hour behind": () => ({ by: { pidNamespace: "pid:[1]", at: Date.now() - 3_600_000 } }),
    "whose wall clock was an hour ahead": () => ({ by: { pidNamespace: "pid:[1]", at: Date.now() + 3_600_000 } }),
  };
  for (const [what, permit] of Object.entries(mayGoOn)) {
    it(`${what} keeps everybody waiting, though the lock is free and the token dead`, async () => {
      await using s = await stage();
      const auth = await signedIn(s, -5);
      plantPermit(s.home, provider, permit());
      for (const runtime of [auth, s.auth()]) {
        const error = (await token(runtime).catch((reason: unknown) => reason)) as AuthError;
        assert.deepEqual([error.code, error.exitCode], ["refresh_uncertain", 5]);
      }
      const { at } = s.home.tokens(provider)["llxprt_auth"].retry;
      assert.ok(Math.abs(at - seconds() - 60) <= 5, `${at - seconds()} s`);
      assert.equal(presented(s, provider), 0);
    });
  }

  it("of a process that is stopped keeps everybody waiting for the rest of the minute", async () => {
    await using s = await stage();
    using sleeper = await Sleeper.stopped();
    const auth = await signedIn(s, -5);
    plantPermit(s.home, provider, { by: { ...sleeper.holder, uptimeMs: uptimeMs() - 40_000 } });
    assert.equal(await codeOf(token(auth)), "refresh_uncertain");
    const { at } = s.home.tokens(provider)["llxprt_auth"].retry;
    assert.ok(Math.abs(at - seconds() - 20) <= 5, `${at - seconds()} s`);
    assert.equal(presented(s, provider), 0);
  });

  it("of a process that is just dying is waited for until it is gone", async () => {
    await using s = await stage();
    using sleeper = new Sleeper();
    const auth = await signedIn(s, -5);
    plantPermit(s.home, provider, { by: sleeper.holder });
    const asked = token(auth);
    await new Promise((resolve) => setTimeout(resolve, 200));
    sleeper.child.kill("SIGKILL");
    assert.equal((await asked).secret.reveal(), s.home.tokens(provider)["access_token"]);
  });

  it("that nothing can be read in is dated by the disk", async () => {
    await using s = await stage();
    const auth = await signedIn(s, -5);
    const path = plantPermit(s.home, provider);
    writeFileSync(path, "no permit at all");
    const then = new Date(Date.now() - 11 * 60_000);
    utimesSync(path, then, then);
    assert.equal((await token(auth)).secret.reveal(), s.home.tokens(provider)["access_token"]);
    assert.equal(presented(s, provider), 1);
  });

  it("waits for the end of a token that lives for days, and starts nothing meanwhile", async () => {
    await using s = await stage();
    const auth = await signedIn(s, 5 * 24 * 3_600);
    plantInterruption(s.home, provider);
    await auth.account(provider).token({ minTtlMs: 6 * 24 * 3_600_000 });
    const row = s.auth().account(provider).status();
    assert.deepEqual([row.row.state, row.row.lastError], ["backingOff", "refresh_uncertain"]);
    assert.ok(Math.abs((row.nextTimerAt ?? 0) / 1000 - seconds() - 5 * 24 * 3_600) <= 5);
    assert.equal(presented(s, provider), 0);
  });

  it("about another refresh token is none", async () => {
    await using s = await stage();
    const auth = await signedIn(s, -5);
    plantPermit(s.home, provider, { of: "a-fingerprint-of-some-other-token" });
    await token(auth);
    assert.equal(presented(s, provider), 1);
  });

  it("does not matter where refresh tokens are not spent by being presented", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    edit(s.home, "gemini", { expiry: seconds() + 600 });
    plantInterruption(s.home, "gemini");
    assert.equal((await s.auth().account("gemini").token({ minTtlMs: 900_000 })).shortLived, false);
    assert.equal(presented(s, "gemini"), 1);
  });

  it("is overruled by who says that the token is of no use", async () => {
    await using s = await stage();
    const auth = await signedIn(s, 300);
    plantInterruption(s.home, provider);
    await auth.account(provider).refresh({ force: true });
    assert.equal(presented(s, provider), 1);
    assert.equal(s.home.tokens(provider)["llxprt_auth"].generation, 2);
  });
});

describe("the repeat", { concurrency: 4 }, () => {
  it("that is refused says what was interrupted, by whom and when", async () => {
    await using s = await stage();
    const auth = await signedIn(s, -5);
    await reply(s, provider);
    const at = Date.parse("2026-03-04T05:06:07.000Z");
    plantInterruption(s.home, provider, { by: { at } });
    const error = (await token(auth).catch((reason: unknown) => reason)) as AuthError;
    assert.deepEqual(
      [error.code, error.exitCode, error.next],
      ["refresh_interrupted", 3, `llxprt-auth ${provider} login`],
    );
    assert.match(error.message, new RegExp(`\\(process ${nobody}, 2026-03-04T05:06:07\\.000Z\\)$`));
    assert.equal(presented(s, provider), 2, "the first, and the one repeat");
    const told = readFileSync(s.home.paths.journal, "utf8").split("\n");
    const line = told.map((text) => (text === "" ? {} : JSON.parse(text))).find(({ step }) => step === "interrupted");
    assert.deepEqual(line?.holder, { pid: nobody, at });
    for (const runtime of [auth, s.auth()]) assert.equal(await codeOf(token(runtime)), "refresh_interrupted");
    assert.equal(presented(s, provider), 2, "nobody asks again");
    const { row, exitCode } = s.auth().account(provider).status();
    assert.deepEqual([row.state, row.lastError, exitCode], ["expired", "refresh_interrupted", 3]);
    assert.equal(typeof s.home.tokens(provider)["refresh_token"], "string", "the file is kept");
  });

  it("that died with its process, too, is the last", async () => {
    await using s = await stage();
    const auth = await signedIn(s, -5);
    plantInterruption(s.home, provider);
    plantInterruption(s.home, provider, { interrupted: 1 });
    assert.equal(await codeOf(token(auth)), "refresh_interrupted");
    assert.equal(presented(s, provider), 0);
  });

  it("after which the reply was lost again is made again after a pause, and each pause is longer", async () => {
    await using s = await stage();
    const auth = await signedIn(s, -5);
    await auth.close();
    s.emulator.fault(provider, "refresh", { kind: "drop-connection" }, 3);
    for (const pause of [30, 60, 120]) {
      const next = s.auth();
      assert.equal(await codeOf(token(next)), "network_broken");
      assert.equal(await codeOf(token(next)), "network_broken");
      await next.close();
      const { at } = s.home.tokens(provider)["llxprt_auth"].retry;
      assert.ok(Math.abs(at * 1000 - s.home.now() - pause * 1000) <= 5_000, `${pause} s`);
      s.home.ahead += (pause + 1) * 1000;
    }
    await token(s.auth());
    assert.equal(presented(s, provider), 4);
    assert.deepEqual(traces(s.home, provider), []);
  });

  it("that was answered without being looked at leaves the doubt as it was", async () => {
    await using s = await stage();
    const auth = await signedIn(s, -5);
    plantInterruption(s.home, provider);
    s.emulator.fault(provider, "refresh", { kind: "status", status: 429, retryAfter: "60" });
    assert.equal(await codeOf(token(auth)), "rate_limited");
    assert.deepEqual(
      traces(s.home, provider).map((file) => file.split(".").slice(-2).join(".")),
      ["0.next", "0.sent"],
    );
    // A token that lives again, as far as the file can tell: it is not put at risk.
    edit(s.home, provider, { expiry: seconds() + 600 }, { retry: null });
    await token(s.auth());
    assert.equal(presented(s, provider), 1);
  });
});

describe("within the time in which a server takes a spent token", { concurrency: 4 }, () => {
  it("the repeat is made at once, and the token that lives is not put at risk", async () => {
    await using s = await stage(withGrace(60_000));
    const auth = await signedIn(s, 600);
    await reply(s, provider);
    plantInterruption(s.home, provider);
    const { secret, shortLived } = await token(auth);
    assert.equal(shortLived, false);
    assert.equal(s.emulator.standing(secret.reveal()), "live");
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses], [2, 0]);
  });

  it("a lost reply is followed by no pause, and three repeats are the most", async () => {
    await using s = await stage(withGrace(60_000));
    const auth = await signedIn(s, 600);
    s.emulator.fault(provider, "refresh", { kind: "drop-reply" }, 9);
    for (let times = 1; times <= 6; times += 1) {
      assert.equal((await token(auth)).shortLived, true);
      assert.equal(presented(s, provider), Math.min(times, 4));
    }
    assert.equal(s.auth().account(provider).status().row.state, "backingOff");
  });

  it("a lost reply to a dead token is made good by the next who asks", async () => {
    await using s = await stage(withGrace(60_000));
    const auth = await signedIn(s, -5);
    s.emulator.fault(provider, "refresh", { kind: "drop-reply" });
    assert.equal(await codeOf(token(auth)), "network_broken");
    assert.equal(s.emulator.standing((await token(auth)).secret.reveal()), "live");
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses], [2, 0]);
  });

  it("a server that asks to wait is waited for all the same", async () => {
    await using s = await stage(withGrace(60_000));
    const auth = await signedIn(s, -5);
    s.emulator.fault(provider, "refresh", { kind: "status", status: 500, retryAfter: "50" });
    assert.equal(await codeOf(token(auth)), "server_error");
    assert.equal(await codeOf(token(auth)), "server_error");
    assert.equal(presented(s, provider), 1);
  });

  it("counts from the first presentation, and not from the repeat", async () => {
    await using s = await stage(withGrace(30_000));
    const auth = await signedIn(s, 600);
    plantInterruption(s.home, provider, { by: { uptimeMs: uptimeMs() - 31_000 } });
    plantInterruption(s.home, provider);
    assert.equal((await token(auth)).shortLived, true);
    assert.equal(presented(s, provider), 0);
  });
});
