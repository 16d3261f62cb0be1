// Rate limits while signing in: who is told to wait waits, also in another process, and neither the sign-in nor the login
// that is stored is lost by it (RFC 8628 3.5, RFC 9110 10.2.3, RFC 6585 4).
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import type { Fault } from "../../providers/emulator/index.ts";
import { loginOf } from "../../runtime/actor.ts";
import type { Auth } from "../../runtime/auth.ts";
import { createPendingStore } from "../../runtime/store/pending.ts";
import { Home } from "../support/home.ts";
import { sampleAttempt } from "../support/sample.ts";
import { beginLogin, signIn, type Stage, stage, until } from "../support/stage.ts";

const limited = (retryAfter?: string): Fault => ({
  kind: "status",
  status: 429,
  ...(retryAfter === undefined ? {} : { retryAfter }),
});

const polls = (s: Stage): number[] =>
  s.emulator.requests.filter(({ endpoint }) => endpoint === "poll").map(({ time }) => Date.parse(time));
const device = (auth: Auth, provider = "qwen") =>
  loginOf(auth.actor(provider).getSnapshot())?.context as
    | { readonly pollAt: number; readonly intervalMs: number; readonly lastError: string | null }
    | undefined;

describe("a poll that is one too many", { concurrency: 4 }, () => {
  for (const [what, retryAfter] of [
    ["in seconds", "3"],
    ["as a date", new Date(Date.now() + 6_000).toUTCString()],
  ] as const)
    it(`is followed by none before the time that the server names ${what}, in whatever process`, async () => {
      await using s = await stage();
      const first = s.auth();
      s.emulator.fault("qwen", "poll", limited(retryAfter));
      const { pending } = await beginLogin(first, "qwen");
      await until(() => device(first)?.lastError === "rate_limited", "it is told to wait");
      const [one = 0] = polls(s);
      const earliest = what === "in seconds" ? one + 2_900 : Date.parse(retryAfter) - 10;
      assert.ok((device(first)?.pollAt ?? 0) >= earliest);
      await first.close();

      const second = s.auth();
      const waited = second.account("qwen").wait();
      await s.emulator.approveDevice(pending.userCode ?? "");
      assert.equal((await waited).row.state, "authenticated");
      const [, two = 0, ...others] = polls(s);
      assert.ok(two >= earliest, `${two - earliest} ms`);
      assert.deepEqual(others, []);
    });

  it("never ends the sign-in, however often, and touches no login that is stored", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "qwen");
    const stored = s.home.tokens("qwen")["access_token"];
    s.emulator.fault("qwen", "poll", limited(), 2);
    const { account, pending, ended } = await beginLogin(auth, "qwen");
    await until(() => device(auth)?.lastError === "rate_limited", "it is told to wait");
    assert.equal((await account.token()).secret.reveal(), stored);
    await s.emulator.approveDevice(pending.userCode ?? "");
    assert.equal((await ended).row.state, "authenticated");
    assert.notEqual(s.home.tokens("qwen")["access_token"], stored);
  });

  it("makes the polls slower for good, in whatever process", async () => {
    await using s = await stage();
    s.emulator.fault("qwen", "poll", { kind: "reply", status: 429, body: '{"error":"slow_down"}' });
    const first = s.auth();
    await beginLogin(first, "qwen");
    await until(() => device(first)?.intervalMs === 6_000, "it has slowed down");
    await first.close();
    const second = s.auth();
    second
      .account("qwen")
      .wait()
      .catch(() => undefined);
    await until(() => (device(second)?.pollAt ?? 0) > 0, "it is taken up");
    assert.equal(device(second)?.intervalMs, 6_000);
    await second.close();
  });

  it("does not bring a record back that is gone", () => {
    using home = new Home();
    const pending = createPendingStore(home.paths);
    const attempt = sampleAttempt();
    pending.put(attempt);
    pending.revise({ ...attempt, intervalMs: 6_000 });
    assert.equal(pending.get(attempt, attempt.attempt)?.intervalMs, 6_000);
    pending.remove(attempt, attempt.attempt);
    pending.revise({ ...attempt, intervalMs: 11_000 });
    assert.equal(pending.has(attempt, attempt.attempt), false);
    assert.deepEqual(home.list(home.paths.pending), []);
  });
});

describe("a limit at the beginning or the end of a sign-in", { concurrency: 4 }, () => {
  it("is said as what it is, and the login that is stored is as good as before", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "codex");
    const stored = s.home.tokens("codex");
    for (const [endpoint, grant] of [
      ["device", "device"],
      ["token", "loopback"],
    ] as const) {
      s.emulator.fault("codex", endpoint, limited("120"));
      const before = s.emulator.requests.filter((one) => one.endpoint === endpoint).length;
      const error = await signIn(s, auth, "codex", { grant }).catch(
        (reason: unknown) => reason as Error & { exitCode: number },
      );
      assert.deepEqual(
        ["code" in error && error.code, "exitCode" in error && error.exitCode],
        ["rate_limited", 5],
        endpoint,
      );
      assert.equal(s.emulator.requests.filter((one) => one.endpoint === endpoint).length, before + 1, "asked once");
      for (const runtime of [auth, s.auth()]) {
        const { row } = runtime.account("codex").status();
        assert.deepEqual([row.state, row.usable, row.lastError, row.pending], ["authenticated", "yes", null, null]);
        assert.equal((await runtime.account("codex").token()).secret.reveal(), stored["access_token"]);
      }
    }
    assert.equal(s.home.tokens("codex")["refresh_token"], stored["refresh_token"]);
  });
});

it("a device sign-in outlives a server that does not say where its endpoints are just now", async () => {
  let isLimited = false;
  let polled = 0;
  const server = createServer((request, response) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const say = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.url?.includes(".well-known") === true) {
      if (isLimited) say(429, { error: "temporarily_unavailable" });
      else say(200, { issuer: url, token_endpoint: `${url}/token`, device_authorization_endpoint: `${url}/device` });
    } else if (request.url === "/device") {
      say(200, { device_code: "a-device-code", user_code: "A-B", verification_uri: `${url}/go`, interval: 1 });
    } else {
      polled += 1;
      say(200, { access_token: "an-access-token", token_type: "Bearer", refresh_token: "a-refresh-token" });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using s = await stage({ providers: { acme: { grants: ["device"], issuer, clientId: "acme-client" } } });
  try {
    const first = s.auth();
    await beginLogin(first, "acme");
    await first.close();
    isLimited = true;
    const second = s.auth();
    const waited = second.account("acme").wait();
    await until(() => device(second, "acme")?.lastError === "rate_limited", "it cannot poll");
    assert.equal(polled, 0);
    isLimited = false;
    assert.equal((await waited).row.state, "authenticated");
  } finally {
    server.close();
  }
});
