// Signing in, with every provider and in every way it offers: what is stored, what is shown, and that however it ends
// (done, denied, cancelled, too late) nothing is left behind and no older login is lost (threats T2, T3, T6, T7; R6, R16).
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import type { ProviderName } from "../../providers/index.ts";
import type { Grant } from "../../providers/provider.ts";
import { loginOf } from "../../runtime/actor.ts";
import { isOpen, visit } from "../support/browser.ts";
import { modeOf, plainTokens } from "../support/home.ts";
import { answer, beginLogin, codeOf, signIn, type Stage, stage, until } from "../support/stage.ts";

const ways = [
  ["gemini", "loopback"],
  ["anthropic", "paste"],
  ["anthropic", "loopback"],
  ["codex", "loopback"],
  ["codex", "device"],
  ["qwen", "device"],
] as const satisfies readonly (readonly [ProviderName, Grant])[];

const portOf = (redirect: string): number => Number(new URL(redirect).port);
const redirectIn = (url: string): string => new URL(url).searchParams.get("redirect_uri") ?? "";

/** That nothing of a sign-in is left: no record, no open port. */
async function nothingLeft({ home }: Stage, port: number | null = null): Promise<void> {
  assert.deepEqual(home.pending(), []);
  if (port === null) return;
  for (const host of ["127.0.0.1", "::1"]) assert.ok(!(await isOpen(port, host)), `${host}:${port} is closed`);
}

describe("signing in", { concurrency: 4 }, () => {
  for (const [provider, grant] of ways) {
    it(`to ${provider} by ${grant} stores a login and leaves nothing else`, async () => {
      await using s = await stage();
      const seen: string[] = [];
      const { row, exitCode } = await signIn(s, s.auth(), provider, {
        grant,
        onPending: (pending) => {
          seen.push(pending.attempt);
          assert.equal(pending.schema, 1);
          assert.deepEqual([pending.provider, pending.account, pending.kind], [provider, "default", grant]);
          assert.equal(pending.userCode === null, grant !== "device");
          assert.equal(pending.expiresAt === null, grant !== "device");
          assert.deepEqual(s.home.pending().map(modeOf), ["0600"], "it is recorded before it is shown");
        },
      });
      assert.deepEqual(
        [row.state, row.usable, row.enabled, row.refreshable, row.pending, row.lastError, exitCode],
        ["authenticated", "yes", true, true, null, null, 0],
      );
      assert.equal(row.identity, provider === "qwen" ? null : s.emulator.accounts[0]);
      assert.equal(s.emulator.counters(provider).exchanges, 1);
      assert.equal(seen.length, 1);
      await nothingLeft(s);
      assert.equal(s.home.read(s.home.paths.settings)["oauthEnabledProviders"][provider], true);
    });
  }

  it("takes the provider's first way when none is named", async () => {
    await using s = await stage();
    for (const [provider, kind] of [
      ["gemini", "loopback"],
      ["anthropic", "paste"],
      ["codex", "loopback"],
      ["qwen", "device"],
    ] as const) {
      const { pending, account } = await beginLogin(s.auth(), provider);
      assert.equal(pending.kind, kind);
      await account.cancel();
    }
  });

  it("by a way that the provider does not offer is refused before anything is sent", async () => {
    await using s = await stage();
    for (const [provider, grant] of [
      ["gemini", "device"],
      ["gemini", "paste"],
      ["qwen", "loopback"],
      ["anthropic", "device"],
    ] as const)
      assert.equal(await codeOf(s.auth().account(provider).login({ grant })), "grant_unsupported");
    assert.equal(s.emulator.requests.length, 0);
    await nothingLeft(s);
  });

  it("listens on the port that was asked for", async () => {
    await using s = await stage();
    const probe = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => probe.once("listening", resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const { pending, ended } = await beginLogin(s.auth(), "gemini", "loopback", { port });
    assert.equal(portOf(redirectIn(pending.url)), port);
    await s.emulator.approve(pending.url);
    await ended;
    const token = s.emulator.requests.find(({ endpoint }) => endpoint === "token");
    assert.equal(new URLSearchParams(token?.body).get("redirect_uri"), redirectIn(pending.url), "to the letter");
  });

  it("needs a client of one's own where the vendor wants one, and says so before anything opens", async () => {
    await using s = await stage({ providers: { gemini: { clientFile: null } } });
    const account = s.auth().account("gemini");
    assert.equal(await codeOf(account.login()), "client_missing");
    assert.equal(s.emulator.requests.length, 0);
    const { client_id: id, client_secret: secret } = s.emulator.geminiClient.installed;
    const environment = { LLXPRT_GEMINI_CLIENT_ID: id, LLXPRT_GEMINI_CLIENT_SECRET: secret };
    const half = s.auth({ host: { environment: { LLXPRT_GEMINI_CLIENT_ID: id } } }).account("gemini");
    assert.equal(await codeOf(half.login()), "settings_invalid", "it has a secret, and that is missing");
    const auth = s.auth({ host: { environment } });
    assert.equal((await signIn(s, auth, "gemini")).row.state, "authenticated");
  });

  it("works for another account beside the first", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "anthropic", { grant: "loopback" });
    await signIn(s, auth, "anthropic", { grant: "loopback", account: "work", person: s.emulator.accounts[1] ?? "" });
    assert.equal(auth.account("anthropic").status().row.identity, s.emulator.accounts[0]);
    assert.equal(auth.account("anthropic", "work").status().row.identity, s.emulator.accounts[1]);
    assert.notEqual(s.home.tokens("anthropic")["access_token"], s.home.tokens("anthropic", "work")["access_token"]);
  });
});

describe("a denied consent", { concurrency: 4 }, () => {
  for (const [provider, grant] of ways.filter(([, way]) => way !== "paste")) {
    it(`of ${provider} by ${grant} ends the wait at once, and is said on the page`, async () => {
      await using s = await stage();
      const { account, pending, ended } = await beginLogin(s.auth(), provider, grant);
      if (pending.userCode === null) {
        const { status, body } = await s.emulator.deny(pending.url);
        assert.equal(status, 400);
        assert.match(body, /consent_denied/);
      } else await s.emulator.denyDevice(pending.userCode);
      assert.equal(await codeOf(ended), "consent_denied");
      assert.equal(s.emulator.counters(provider).exchanges, 0);
      const { row, exitCode } = account.status();
      assert.deepEqual([row.state, row.present, exitCode], ["idle", false, 3]);
      await nothingLeft(s, grant === "loopback" ? portOf(redirectIn(pending.url)) : null);
    });
  }
});

describe("cancelling", { concurrency: 4 }, () => {
  for (const [provider, grant] of ways) {
    it(`a sign-in to ${provider} by ${grant} ends it within a second and leaves nothing`, async () => {
      await using s = await stage();
      const { account, pending, ended } = await beginLogin(s.auth(), provider, grant);
      const begun = Date.now();
      await account.cancel();
      assert.equal(await codeOf(ended), "sign_in_cancelled");
      assert.ok(Date.now() - begun < 1_000);
      await nothingLeft(s, grant === "loopback" ? portOf(redirectIn(pending.url)) : null);
      assert.equal(account.status().row.state, "idle");
      assert.equal(await codeOf(account.cancel()), "no_pending_sign_in");
    });
  }

  it("while the server takes its time over the code: what it issues is not stored, and is revoked", async () => {
    await using s = await stage();
    const { account, pending, ended } = await beginLogin(s.auth(), "gemini");
    s.emulator.fault("gemini", "token", { kind: "delay", ms: 400 });
    const person = s.emulator.approve(pending.url);
    await until(() => s.emulator.counters("gemini").exchanges === 1, "the code was exchanged");
    await account.cancel();
    assert.equal(await codeOf(ended), "sign_in_cancelled");
    assert.match((await person).body, /Received/);
    await until(() => s.emulator.counters("gemini").revocations === 1, "what was issued is given back");
    assert.equal(account.status().row.present, false);
    await nothingLeft(s, portOf(redirectIn(pending.url)));
  });

  it("while a poll that brings the tokens is on its way: nothing is stored", async () => {
    await using s = await stage();
    s.emulator.fault("qwen", "poll", { kind: "delay", ms: 400 });
    const { account, pending, ended } = await beginLogin(s.auth(), "qwen");
    await s.emulator.approveDevice(pending.userCode ?? "");
    await until(() => s.emulator.counters("qwen").exchanges === 1, "the tokens were issued");
    await account.cancel();
    assert.equal(await codeOf(ended), "sign_in_cancelled");
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(account.status().row.present, false);
  });

  it("while a sign-in is being prepared leaves no record of what comes too late", async () => {
    await using s = await stage();
    s.emulator.fault("qwen", "device", { kind: "delay", ms: 300 });
    const account = s.auth().account("qwen");
    const ended = account.login({ onPending: () => assert.fail("it was cancelled") });
    ended.catch(() => undefined);
    await until(() => s.emulator.counters("qwen").device === 1, "it has begun");
    await account.cancel();
    assert.equal(await codeOf(ended), "sign_in_cancelled");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await nothingLeft(s);
  });

  it("from another process ends the wait in this one", async () => {
    await using s = await stage();
    for (const [provider, grant] of [
      ["gemini", "loopback"],
      ["anthropic", "paste"],
    ] as const) {
      const { pending, ended } = await beginLogin(s.auth(), provider, grant);
      await s.auth().account(provider).cancel();
      const begun = Date.now();
      assert.equal(await codeOf(ended), "sign_in_cancelled");
      assert.ok(Date.now() - begun < 10_000);
      await nothingLeft(s, grant === "loopback" ? portOf(redirectIn(pending.url)) : null);
    }
  });

  it("and signing in again at once works, many times", async () => {
    await using s = await stage();
    const auth = s.auth();
    for (let round = 0; round < 20; round += 1) {
      const { account, ended } = await beginLogin(auth, "gemini");
      await account.cancel();
      assert.equal(await codeOf(ended), "sign_in_cancelled");
    }
    assert.equal((await signIn(s, auth, "gemini")).row.state, "authenticated");
  });
});

describe("the end of one's patience", { concurrency: 4 }, () => {
  for (const [provider, grant, code] of [
    ["gemini", "loopback", "sign_in_timeout"],
    ["anthropic", "paste", "sign_in_timeout"],
    ["qwen", "device", "device_code_expired"],
  ] as const) {
    it(`of a sign-in to ${provider} by ${grant} closes everything`, async () => {
      await using s = await stage();
      const { account, pending, ended } = await beginLogin(s.auth(), provider, grant, { timeoutMs: 250 });
      assert.ok(pending.expiresAt !== null && Date.parse(pending.expiresAt) <= Date.now() + 250);
      assert.equal(await codeOf(ended), code);
      await nothingLeft(s, grant === "loopback" ? portOf(redirectIn(pending.url)) : null);
      assert.equal(account.status().row.state, "idle");
    });
  }

  it("by closing the runtime ends every wait, and leaves the sign-in to others", async () => {
    await using s = await stage();
    const auth = s.auth();
    const { pending, ended } = await beginLogin(auth, "gemini");
    const begun = Date.now();
    await auth.close();
    assert.equal(await codeOf(ended), "interrupted");
    assert.ok(Date.now() - begun < 1_000);
    assert.ok(!(await isOpen(portOf(redirectIn(pending.url)))));
    assert.equal(s.home.pending().length, 1);
  });

  it("by a signal of the caller's stops waiting, and the sign-in can still be finished", async () => {
    await using s = await stage();
    const controller = new AbortController();
    const auth = s.auth();
    const { pending, ended } = await beginLogin(auth, "gemini", "loopback", { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(ended, { message: "enough" });
    await auth.close();
    assert.ok(!(await isOpen(portOf(redirectIn(pending.url)))));
    assert.equal(s.home.pending().length, 1);
    const other = s.auth();
    const { row } = other.account("gemini").status();
    assert.deepEqual([row.state, row.pending?.attempt], ["awaitingCode", pending.attempt]);
  });
});

describe("the page in the browser", { concurrency: 4 }, () => {
  it("says that it is done only once the login is stored", async () => {
    await using s = await stage();
    const { pending, ended } = await beginLogin(s.auth(), "gemini");
    s.emulator.fault("gemini", "token", { kind: "delay", ms: 300 });
    const begun = Date.now();
    const { status, body } = await s.emulator.approve(pending.url);
    assert.equal(s.home.tokens("gemini")["token_type"], "Bearer");
    assert.ok(Date.now() - begun >= 300);
    assert.equal(status, 200);
    assert.match(body, /Signed in/);
    await ended;
  });

  for (const [what, fault, code] of [
    ["an error of the server", { kind: "status", status: 500 }, "server_error"],
    ["a page instead of tokens", { kind: "html" }, "reply_malformed"],
    ["a reply that is cut off", { kind: "truncated-json" }, "reply_malformed"],
    ["no reply", { kind: "drop-reply" }, "network_broken"],
    ["a redirect", { kind: "redirect", status: 307, to: "https://evil.example/" }, "unexpected_redirect"],
    ["a bomb", { kind: "gzip-bomb" }, "reply_too_large"],
  ] as const) {
    it(`tells of ${what}, and the login fails with the same word`, async () => {
      await using s = await stage();
      const { pending, ended } = await beginLogin(s.auth(), "anthropic", "loopback");
      s.emulator.fault("anthropic", "token", fault);
      const { status, body } = await s.emulator.approve(pending.url);
      assert.equal(status, 400);
      assert.match(body, new RegExp(`<code>${code}</code>`));
      assert.equal(await codeOf(ended), code);
      const presented = s.emulator.requests.filter(({ endpoint }) => endpoint === "token");
      assert.equal(presented.length, 1, "a code is presented once");
      await nothingLeft(s, portOf(redirectIn(pending.url)));
    });
  }

  it("of fifty callbacks at once leads to one exchange", async () => {
    await using s = await stage();
    // The emulator's redirect is taken before it reaches the listener, and then arrives fifty times.
    const { pending, ended } = await beginLogin(s.auth(), "gemini");
    const form = await (await fetch(pending.url)).text();
    const ticket = /name="ticket" value="([^"]+)"/.exec(form)?.[1] ?? "";
    const body = new URLSearchParams({ ticket, decision: "approve", account: s.emulator.accounts[0] ?? "" });
    const reply = await fetch(pending.url, { method: "POST", body, redirect: "manual" });
    const redirected = reply.headers.get("location") ?? assert.fail();
    s.emulator.fault("gemini", "token", { kind: "delay", ms: 1_000 });
    const pages = await Promise.all(Array.from({ length: 50 }, () => visit(redirected)));
    for (const page of pages) assert.match(page.body, /Signed in/);
    await ended;
    assert.equal(s.emulator.counters("gemini").token, 1);
    assert.equal(s.emulator.counters("gemini").exchanges, 1);
  });
});

describe("a server that cannot be reached", () => {
  it("spends no code: the sign-in waits, and the same redirect works once the server is back", async () => {
    await using s = await stage();
    const proxy = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        void fetch(s.emulator.url + (request.url ?? ""), {
          method: "POST",
          body: Buffer.concat(chunks),
          headers: { "content-type": request.headers["content-type"] ?? "" },
        }).then(async (reply) => response.writeHead(reply.status).end(await reply.text()));
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as AddressInfo;
    await new Promise((resolve) => proxy.close(resolve));
    s.point({ anthropic: { tokenEndpoint: `http://127.0.0.1:${port}/v1/oauth/token` } });

    const { account, pending, ended } = await beginLogin(s.auth(), "anthropic", "loopback");
    const first = await s.emulator.approve(pending.url);
    assert.match(first.body, /network_refused/);
    assert.equal(s.home.pending().length, 1);
    await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
    const again = await visit(first.redirected ?? "");
    assert.match(again.body, /Signed in/);
    assert.equal((await ended).row.state, "authenticated");
    assert.equal(account.status().row.state, "authenticated");
    await new Promise((resolve) => proxy.close(resolve));
  });
});

describe("secrets of a sign-in", () => {
  it("are drawn separately, and none is in the address but the state and the nonce", async () => {
    await using s = await stage();
    for (const [provider, grant] of [
      ["anthropic", "paste"],
      ["gemini", "loopback"],
      ["codex", "loopback"],
    ] as const) {
      const drawn: string[] = [];
      const auth = s.auth({
        host: {
          randomBytes: (size) => {
            const bytes = crypto.getRandomValues(new Uint8Array(size));
            drawn.push(Buffer.from(bytes).toString("base64url"));
            return bytes;
          },
        },
      });
      const verifiers = new Set<string>();
      const states = new Set<string>();
      const account = auth.account(provider);
      for (let round = 0; round < 40; round += 1) {
        await account.login({ grant, detach: true });
        const [path = ""] = s.home.pending();
        const { state, verifier, nonce, url, attempt } = s.home.read(path);
        for (const secret of [state, verifier]) assert.ok(drawn.includes(secret), "each is a draw of its own");
        assert.equal(new Set([state, verifier, nonce, attempt]).size, 4);
        assert.ok(verifier.length >= 43 && state.length >= 22);
        const shown = decodeURIComponent(url) + path;
        assert.ok(!shown.includes(verifier));
        assert.ok(!path.includes(state));
        assert.equal(new URL(url).searchParams.get("state"), state);
        assert.equal(new URL(url).searchParams.get("code_challenge_method"), "S256");
        verifiers.add(verifier);
        states.add(state);
        await account.cancel();
      }
      assert.equal(verifiers.size, 40);
      assert.equal(states.size, 40);
    }
  });
});

describe("pasting", { concurrency: 4 }, () => {
  it("goes on waiting after everything that is no answer to this sign-in", async () => {
    await using s = await stage();
    const auth = s.auth();
    const older = await beginLogin(auth, "anthropic", "paste");
    const old = (await answer(s.emulator, older.pending)) ?? "";
    await older.account.cancel();

    const { account, pending, ended } = await beginLogin(auth, "anthropic", "paste");
    const good = (await answer(s.emulator, pending)) ?? "";
    const [code = "", state = ""] = good.split("#");
    for (const [text, expected] of [
      ["", "pasted_nothing"],
      ["123456", "pasted_one_time_password"],
      [old, "pasted_other_sign_in"],
      [`${code}#${"x".repeat(43)}`, "pasted_other_sign_in"],
      [`${code}#${state.slice(0, 20)}`, "pasted_truncated"],
      [`https://evil.example/cb?code=${code}&state=${state}`, "pasted_other_address"],
      [`${code}#${state}#`, "pasted_unreadable"],
      ["x".repeat(1024 * 1024), "pasted_unreadable"],
      ["nö", "pasted_unreadable"],
    ] as const) {
      assert.equal(await codeOf(account.complete(text)), expected, text.slice(0, 40));
      assert.equal(account.status().row.state, "awaitingCode");
    }
    assert.equal(s.emulator.counters("anthropic").token, 0);
    assert.equal((await account.complete(`  ${good}\n`)).row.state, "authenticated");
    assert.equal((await ended).row.state, "authenticated");
    assert.equal(s.emulator.counters("anthropic").token, 1);
  });

  it("works for the address of a loopback redirect, too", async () => {
    await using s = await stage();
    const { account, pending, ended } = await beginLogin(s.auth(), "gemini", "loopback");
    const state = new URL(pending.url).searchParams.get("state") ?? "";
    assert.equal(
      await codeOf(account.complete(`${redirectIn(pending.url)}?code=c&state=wrong`)),
      "pasted_other_sign_in",
    );
    // The emulator knows no code "c": the server's refusal ends it.
    assert.equal(await codeOf(account.complete(`${redirectIn(pending.url)}?code=c&state=${state}`)), "code_refused");
    assert.equal(await codeOf(ended), "code_refused");
    await nothingLeft(s, portOf(redirectIn(pending.url)));
  });

  it("finds the sign-in that it belongs to, among several of this account", async () => {
    await using s = await stage();
    const one = await beginLogin(s.auth(), "anthropic", "paste");
    const two = await beginLogin(s.auth(), "anthropic", "loopback");
    assert.equal(s.home.pending().length, 2);
    const shown = (await answer(s.emulator, one.pending)) ?? "";
    // The second process is given what belongs to the first one's address.
    const { row } = await two.account.complete(shown);
    assert.equal(row.state, "authenticated");
    await nothingLeft(s);
    // Both waits are over: there is a new login.
    assert.equal((await one.ended).row.state, "authenticated");
    assert.equal((await two.ended).row.state, "authenticated");
  });

  it("without any sign-in under way is an error, and so is pasting to a device", async () => {
    await using s = await stage();
    const account = s.auth().account("anthropic");
    await account.enable();
    assert.equal(await codeOf(account.complete("code#state")), "no_pending_sign_in");
    assert.equal(await codeOf(account.wait()), "no_pending_sign_in");
    const { pending } = await beginLogin(s.auth(), "qwen");
    assert.equal(
      await codeOf(
        s
          .auth()
          .account("qwen")
          .complete(pending.userCode ?? ""),
      ),
      "usage",
    );
  });
});

describe("a login that is there already", { concurrency: 4 }, () => {
  for (const [what, end] of [
    ["denied", (s: Stage, url: string) => s.emulator.deny(url)],
    [
      "refused by the token endpoint",
      (s: Stage, url: string) => {
        const error = JSON.stringify({ error: "invalid_grant" });
        s.emulator.fault("gemini", "token", { kind: "reply", status: 400, body: error });
        return s.emulator.approve(url);
      },
    ],
  ] as const) {
    it(`is used while another is under way, and survives one that is ${what}`, async () => {
      await using s = await stage();
      const auth = s.auth();
      await signIn(s, auth, "gemini");
      const { snapshot: _, ...before } = s.home.tokens("gemini");
      const { account, pending, ended } = await beginLogin(auth, "gemini");
      assert.equal(account.status().row.state, "authenticated");
      assert.equal((await account.token()).secret.reveal(), before["access_token"]);
      await end(s, pending.url);
      await assert.rejects(ended);
      const after = s.home.tokens("gemini");
      for (const member of ["access_token", "refresh_token", "expiry"]) assert.equal(after[member], before[member]);
      assert.equal(after["llxprt_auth"].lineage, before["llxprt_auth"].lineage);
      assert.equal((await account.token()).secret.reveal(), before["access_token"]);
    });
  }

  it("is renewed beside a sign-in that is under way", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "anthropic", { grant: "loopback" });
    s.home.plant("anthropic", { ...s.home.tokens("anthropic"), expiry: Math.floor(Date.now() / 1000) - 5 });
    const { account, pending, ended } = await beginLogin(auth, "anthropic", "loopback");
    const token = await account.token();
    assert.equal(s.emulator.counters("anthropic").refreshes, 1);
    assert.equal(token.secret.reveal(), s.home.tokens("anthropic")["access_token"]);
    assert.equal(account.status().row.pending?.attempt, pending.attempt, "the sign-in goes on");
    await s.emulator.approve(pending.url);
    await ended;
  });

  it("of an older program is replaced only by a stored new one", async () => {
    await using s = await stage();
    s.home.plant("gemini", plainTokens(Date.now(), { theirs: 1 }));
    const { pending, ended } = await beginLogin(s.auth(), "gemini");
    assert.equal(s.home.tokens("gemini")["access_token"], plainTokens()["access_token"]);
    await s.emulator.approve(pending.url);
    await ended;
    assert.notEqual(s.home.tokens("gemini")["access_token"], plainTokens()["access_token"]);
    assert.equal(s.home.tokens("gemini")["theirs"], 1);
  });
});

describe("a device sign-in", { concurrency: 4 }, () => {
  it("goes on while the person has not answered", async () => {
    await using s = await stage();
    const { pending, ended } = await beginLogin(s.auth(), "qwen");
    await until(() => s.emulator.counters("qwen").polls >= 2, "it polls");
    assert.equal(s.auth().account("qwen").status().row.state, "awaitingPoll");
    await s.emulator.approveDevice(pending.userCode ?? "");
    await ended;
    const polls = s.emulator.requests.filter(({ endpoint }) => endpoint === "poll").map(({ time }) => Date.parse(time));
    for (const [index, at] of polls.slice(1).entries()) assert.ok(at - (polls[index] ?? 0) >= 950, "a second apart");
  });

  for (const [what, fault] of [
    ["a dropped connection", { kind: "drop-connection" }],
    ["an error of the server", { kind: "status", status: 503 }],
    ["a captive portal", { kind: "html" }],
  ] as const) {
    it(`survives ${what}`, async () => {
      await using s = await stage();
      const { account, pending, ended } = await beginLogin(s.auth(), "qwen");
      s.emulator.fault("qwen", "poll", fault);
      await s.emulator.approveDevice(pending.userCode ?? "");
      assert.equal((await ended).row.state, "authenticated");
      assert.equal(account.status().row.lastError, null);
    });
  }

  it("slows down for good when it is told to", async () => {
    await using s = await stage();
    const { account, ended } = await beginLogin(s.auth(), "qwen");
    s.emulator.fault("qwen", "poll", { kind: "reply", status: 429, body: JSON.stringify({ error: "slow_down" }) });
    const interval = () => loginOf(account.actor.getSnapshot())?.context as { intervalMs?: number } | undefined;
    assert.equal(interval()?.intervalMs, 1_000);
    await until(() => interval()?.intervalMs === 6_000, "the interval has grown by 5 s");
    await account.cancel();
    await assert.rejects(ended);
  });

  for (const [what, fault, code] of [
    ["expired", { kind: "reply", status: 400, body: '{"error":"expired_token"}' }, "device_code_expired"],
    [
      "refused by the server",
      { kind: "reply", status: 400, body: '{"error":"unsupported_grant_type"}' },
      "sign_in_refused",
    ],
  ] as const) {
    it(`that is ${what} ends with ${code}`, async () => {
      await using s = await stage();
      const { ended } = await beginLogin(s.auth(), "qwen");
      s.emulator.fault("qwen", "poll", fault);
      const ending = await codeOf(ended);
      assert.ok([code, "client_refused"].includes(ending), ending);
      await nothingLeft(s);
    });
  }

  it("ends with the lifetime of its code", async () => {
    await using s = await stage({ deviceLifetimeS: 1 });
    const { ended, pending } = await beginLogin(s.auth(), "qwen");
    assert.ok(Date.parse(pending.expiresAt ?? "") <= Date.now() + 1_000);
    assert.equal(await codeOf(ended), "device_code_expired");
    await nothingLeft(s);
  });

  it("that cannot even begin says why", async () => {
    await using s = await stage();
    s.emulator.fault("qwen", "device", { kind: "status", status: 503 });
    assert.equal(await codeOf(s.auth().account("qwen").login()), "server_error");
    s.emulator.fault("codex", "device", { kind: "reply", status: 404, body: "{}" });
    assert.equal(await codeOf(s.auth().account("codex").login({ grant: "device" })), "device_login_off");
    const evil = JSON.stringify({ device_code: "d", user_code: "u", verification_uri: "javascript:alert(1)" });
    s.emulator.fault("qwen", "device", { kind: "reply", status: 200, body: evil });
    assert.equal(await codeOf(s.auth().account("qwen").login()), "url_unsafe");
    await nothingLeft(s);
  });
});
