// A sign-in outlives the process that began it: its record is all that another one needs, and the record is gone when the
// sign-in has ended, whoever ended it (R29; contract, section 3).
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loginOf } from "../../runtime/actor.ts";
import { createPendingStore } from "../../runtime/store/pending.ts";
import { isOpen } from "../support/browser.ts";
import { Home, modeOf, plainTokens } from "../support/home.ts";
import { sampleAttempt } from "../support/sample.ts";
import { answer, beginLogin, codeOf, type Stage, stage, until } from "../support/stage.ts";

const redirectIn = (url: string): string => new URL(url).searchParams.get("redirect_uri") ?? "";
const portOf = (url: string): number => Number(new URL(redirectIn(url)).port);

/** The redirect that the provider would make, taken before it reaches anybody. */
async function redirectOf({ emulator }: Stage, url: string): Promise<string> {
  const ticket = /name="ticket" value="([^"]+)"/.exec(await (await fetch(url)).text())?.[1] ?? "";
  const body = new URLSearchParams({ ticket, decision: "approve", account: emulator.accounts[0] ?? "" });
  const reply = await fetch(url, { method: "POST", body, redirect: "manual" });
  return reply.headers.get("location") ?? assert.fail();
}

describe("a sign-in that one process began and left", { concurrency: 4 }, () => {
  it("by loopback is completed by another with the pasted address", async () => {
    await using s = await stage();
    const first = s.auth();
    const status = await first.account("gemini").login({ detach: true, timeoutMs: 900_000 });
    assert.equal(status.row.state, "awaitingCode");
    const { url = "" } = status.row.pending ?? {};
    await first.close();
    assert.ok(!(await isOpen(portOf(url))));
    const { row } = await s
      .auth()
      .account("gemini")
      .complete(await redirectOf(s, url));
    assert.equal(row.state, "authenticated");
    assert.deepEqual(s.home.pending(), []);
  });

  it("by loopback is waited for by another, on the same port", async () => {
    await using s = await stage();
    const first = s.auth();
    const { pending } = await beginLogin(first, "gemini");
    await first.close();
    let shown: string | undefined;
    const waited = s
      .auth()
      .account("gemini")
      .wait({ onPending: ({ attempt }) => (shown = attempt) });
    await until(() => shown !== undefined, "the sign-in is shown again");
    assert.equal(shown, pending.attempt);
    const { body } = await s.emulator.approve(pending.url);
    assert.match(body, /Signed in/);
    assert.equal((await waited).row.state, "authenticated");
    assert.ok(!(await isOpen(portOf(pending.url))));
  });

  it("by paste is completed by another", async () => {
    await using s = await stage();
    const first = s.auth();
    const { pending } = await beginLogin(first, "anthropic", "paste");
    const shown = (await answer(s.emulator, pending)) ?? "";
    await first.close();
    const account = s.auth().account("anthropic");
    assert.equal(account.status().row.nextCommand, "llxprt-auth anthropic complete");
    assert.equal((await account.complete(shown)).row.state, "authenticated");
  });

  for (const provider of ["qwen", "codex"] as const) {
    it(`by device code of ${provider} is waited for by another`, async () => {
      await using s = await stage();
      const first = s.auth();
      const { pending } = await beginLogin(first, provider, "device");
      await first.close();
      const account = s.auth().account(provider);
      const { row } = account.status();
      assert.deepEqual([row.state, row.pending?.userCode], ["awaitingPoll", pending.userCode]);
      const waited = account.wait();
      await s.emulator.approveDevice(pending.userCode ?? "");
      assert.equal((await waited).row.state, "authenticated");
      assert.equal(s.emulator.counters(provider).device, 1);
    });
  }

  it("has no more time with another than the first had left", async () => {
    await using s = await stage({ deviceLifetimeS: 600 });
    for (const [provider, grant] of [
      ["qwen", "device"],
      ["anthropic", "paste"],
    ] as const) {
      const first = s.auth();
      await beginLogin(first, provider, grant, { timeoutMs: 600_000 });
      await first.close();
      s.home.ahead += 400_000;
      const second = s.auth();
      second
        .account(provider)
        .wait()
        .catch(() => undefined);
      const leftMs = (): number =>
        (loginOf(second.actor(provider).getSnapshot())?.context.deadlineAt ?? 0) - s.home.now();
      await until(() => leftMs() > 0, "it waits");
      assert.ok(leftMs() <= 200_000, `${leftMs()} ms are left`);
      await second.account(provider).cancel();
    }
  });

  it("is cancelled by another", async () => {
    await using s = await stage();
    const first = s.auth();
    await beginLogin(first, "gemini");
    await first.close();
    const account = s.auth().account("gemini");
    await account.cancel();
    assert.deepEqual(s.home.pending(), []);
    assert.equal(account.status().row.state, "idle");
  });
});

describe("a sign-in that still waits in its process", { concurrency: 4 }, () => {
  it("is finished from another: both are signed in, and the page of the first is not needed", async () => {
    await using s = await stage();
    const { pending, ended } = await beginLogin(s.auth(), "gemini");
    const { row } = await s
      .auth()
      .account("gemini")
      .complete(await redirectOf(s, pending.url));
    assert.equal(row.state, "authenticated");
    assert.equal((await ended).row.state, "authenticated");
    assert.equal(s.emulator.counters("gemini").token, 1);
    assert.ok(!(await isOpen(portOf(pending.url))));
  });

  it("is waited for in the same process, as often as one likes", async () => {
    await using s = await stage();
    const account = s.auth().account("gemini");
    const { row } = await account.login({ detach: true });
    const waits = [account.wait(), account.wait()];
    await s.emulator.approve(row.pending?.url ?? "");
    for (const { row: after } of await Promise.all(waits)) assert.equal(after.state, "authenticated");
  });

  it("and that nobody waits for gives way to another one, and stays for others to finish", async () => {
    await using s = await stage();
    const account = s.auth().account("codex");
    const { row } = await account.login({ grant: "loopback", detach: true });
    const { url = "" } = row.pending ?? {};
    await account.login({ grant: "device", detach: true });
    assert.ok(!(await isOpen(portOf(url))), "its listener is closed");
    assert.equal(s.home.pending().length, 2);
    assert.equal(
      (
        await s
          .auth()
          .account("codex")
          .complete(await redirectOf(s, url))
      ).row.state,
      "authenticated",
    );
    assert.deepEqual(s.home.pending(), []);
  });

  it("does not hide why the next one could not begin", async () => {
    await using s = await stage();
    const { row } = await s.auth().account("codex").login({ grant: "loopback", detach: true });
    s.emulator.fault("codex", "device", { kind: "html" });
    const next = s.auth().account("codex").login({ grant: "device", detach: true });
    assert.equal(await codeOf(next), "reply_malformed");
    assert.equal(
      s.auth().account("codex").status().row.pending?.attempt,
      row.pending?.attempt,
      "it is still under way",
    );
  });

  it("ends with a logout, a reset, and when OAuth is switched off", async () => {
    await using s = await stage();
    for (const end of ["logout", "reset", "disable"] as const) {
      const { account, pending, ended } = await beginLogin(s.auth(), "gemini");
      await account[end]();
      await assert.rejects(ended, end);
      assert.ok(!(await isOpen(portOf(pending.url))), end);
      assert.deepEqual(s.home.pending(), [], end);
    }
  });
});

describe("the record", () => {
  it("is 0600 in a folder 0700, holds what the exchange needs, and is named after nothing secret", async () => {
    await using s = await stage();
    const { pending } = await beginLogin(s.auth(), "codex", "loopback");
    const [path = ""] = s.home.pending();
    assert.equal(modeOf(path), "0600");
    assert.equal(modeOf(s.home.paths.pending), "0700");
    const record = s.home.read(path);
    assert.equal(record["attempt"], pending.attempt);
    assert.equal(record["redirectUri"], redirectIn(pending.url));
    assert.equal(record["issuer"], new URL(s.emulator.url).host);
    for (const secret of ["state", "verifier", "nonce"]) {
      assert.match(record[secret], /^[\w-]{22,}$/);
      assert.ok(!path.includes(record[secret]));
    }
  });

  it("that is overdue counts for nothing, and goes with the next sign-in", async () => {
    await using s = await stage();
    const account = s.auth().account("gemini");
    await account.login({ detach: true, timeoutMs: 900_000 });
    await s.auth().close();
    s.home.ahead = 901_000;
    assert.equal(s.auth().account("gemini").status().row.state, "idle");
    assert.equal(await codeOf(s.auth().account("gemini").wait()), "no_pending_sign_in");
    const before = s.home.pending();
    await beginLogin(s.auth(), "anthropic", "paste");
    const after = s.home.pending();
    assert.equal(after.length, 1);
    assert.ok(!before.includes(after[0] ?? ""));
  });

  for (const [what, put] of [
    ["a link", (path: string) => symlinkSync("/etc/passwd", path)],
    ["a folder", (path: string) => mkdirSync(path)],
    ["no JSON", (path: string) => writeFileSync(path, "{")],
    ["of another shape", (path: string) => writeFileSync(path, '{"schema":1,"attempt":7,"url":{}}')],
    ["of a newer version", (path: string) => writeFileSync(path, '{"schema":2,"attempt":"a","url":"u"}')],
  ] as const) {
    it(`in whose place is ${what} is passed over`, async () => {
      await using s = await stage();
      s.home.plant("gemini", plainTokens());
      mkdirSync(s.home.paths.pending, { mode: 0o700 });
      put(join(s.home.paths.pending, "gemini~attempt.json"));
      const auth = s.auth();
      const { row } = auth.account("gemini").status();
      assert.deepEqual([row.state, row.pending], ["authenticated", null]);
      await auth.account("gemini").token();
      const { ended, pending } = await beginLogin(auth, "gemini");
      await s.emulator.approve(pending.url);
      assert.equal((await ended).row.state, "authenticated");
    });
  }

  it("in a folder that others can write is not believed", () => {
    using home = new Home();
    const pending = createPendingStore(home.paths);
    pending.put(sampleAttempt());
    const name = { provider: "codex", account: "default" };
    assert.equal(pending.list(name, Date.now()).length, 1);
    chmodSync(home.paths.pending, 0o777);
    assert.equal(pending.list(name, Date.now()).length, 0);
    assert.throws(() => pending.put(sampleAttempt()), { code: "store_unsafe" });
  });

  it("of one account is none of another's, however alike their names are", () => {
    using home = new Home();
    const pending = createPendingStore(home.paths);
    for (const account of ["default", "a", "a-b"]) pending.put(sampleAttempt({ account, attempt: `of-${account}` }));
    for (const account of ["default", "a", "a-b"])
      assert.deepEqual(
        pending.list({ provider: "codex", account }, 0).map(({ attempt }) => attempt),
        [`of-${account}`],
      );
    assert.equal(pending.removeAll({ provider: "codex", account: "a" }), 1);
    assert.equal(pending.names().length, 2);
    assert.equal(pending.get({ provider: "codex", account: "default" }, "../../settings"), null);
  });

  it("of a provider that was switched off meanwhile is gone, and says so", async () => {
    await using s = await stage();
    const first = s.auth();
    const { pending } = await beginLogin(first, "anthropic", "paste");
    const shown = (await answer(s.emulator, pending)) ?? "";
    await first.close();
    const account = s.auth().account("anthropic");
    await account.disable();
    assert.equal(await codeOf(account.complete(shown)), "oauth_disabled");
    assert.equal(await codeOf(account.wait()), "oauth_disabled");
    await account.enable();
    assert.equal(await codeOf(account.complete(shown)), "no_pending_sign_in");
    assert.equal(s.emulator.counters("anthropic").token, 0);
  });

  it("of another server or client is not redeemed there", async () => {
    await using s = await stage();
    const first = s.auth();
    const { pending } = await beginLogin(first, "gemini");
    const redirect = await redirectOf(s, pending.url);
    await first.close();
    s.point({ gemini: { tokenEndpoint: "http://127.0.0.1:9/token" } });
    assert.equal(await codeOf(s.auth().account("gemini").complete(redirect)), "sign_in_interrupted");
    assert.equal(s.emulator.counters("gemini").token, 0);
  });
});
