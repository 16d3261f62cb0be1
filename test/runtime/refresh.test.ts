// A refresh token is spent by presenting it, and a login is lost by believing the wrong reply: who refreshes, how often, and
// what each reply does to what is stored (F03 to F06, T8, T32; R24, R25; contract, section 5).
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { describe, it } from "node:test";
import type { Fault } from "../../providers/emulator/index.ts";
import type { ProviderName } from "../../providers/index.ts";
import type { Auth } from "../../runtime/auth.ts";
import type { Json } from "../support/home.ts";
import { beginLogin, codeOf, signIn, type Stage, stage, until } from "../support/stage.ts";

const seconds = (): number => Math.floor(Date.now() / 1000);
/** Requests that presented a refresh token. */
const presented = (s: Stage, provider: ProviderName): number =>
  s.emulator.requests.filter((one) => one.provider === provider && one.endpoint === "refresh").length;

/** Signed in, with a token that has so many seconds left. */
async function signedIn(s: Stage, provider: ProviderName = "anthropic", left = -5): Promise<Auth> {
  const auth = s.auth();
  await signIn(s, auth, provider, { grant: provider === "qwen" ? "device" : "loopback" });
  await auth.close();
  change(s, provider, { expiry: seconds() + left });
  return s.auth();
}

function change(s: Stage, provider: ProviderName, members: Json, ours: Json = {}): void {
  const file = s.home.tokens(provider);
  s.home.plant(provider, { ...file, ...members, llxprt_auth: { ...file["llxprt_auth"], ...ours } });
}

const tokenOf = async (auth: Auth, provider: ProviderName = "anthropic"): Promise<string> =>
  (await auth.account(provider).token()).secret.reveal();

describe("a token", { concurrency: 4 }, () => {
  it("that lives long enough is handed out as it is, without a request", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 120);
    const before = s.emulator.requests.length;
    const credential = await auth.account("anthropic").token();
    assert.equal(credential.secret.reveal(), s.home.tokens("anthropic")["access_token"]);
    assert.deepEqual([credential.kind, credential.shortLived, credential.source], ["oauth", false, { kind: "oauth" }]);
    assert.equal(s.emulator.requests.length, before);
  });

  it("is renewed when less than 30 s are left, or less than was asked for", async () => {
    await using s = await stage();
    await tokenOf(await signedIn(s, "anthropic", 29));
    assert.equal(presented(s, "anthropic"), 1);
    change(s, "anthropic", { expiry: seconds() + 100 });
    const auth = s.auth();
    await auth.account("anthropic").token({ minTtlMs: 50_000 });
    assert.equal(presented(s, "anthropic"), 1);
    await auth.account("anthropic").token({ minTtlMs: 150_000 });
    assert.equal(presented(s, "anthropic"), 2);
  });

  for (const provider of ["gemini", "anthropic", "codex", "qwen"] as const) {
    it(`of ${provider} is renewed as its server wants it, again and again`, async () => {
      await using s = await stage();
      await signedIn(s, provider);
      const first = s.home.tokens(provider);
      for (let round = 1; round <= 3; round += 1) {
        const before = s.home.tokens(provider);
        change(s, provider, { expiry: seconds() - 5, theirs: round });
        assert.equal(await tokenOf(s.auth(), provider), s.home.tokens(provider)["access_token"]);
        const after = s.home.tokens(provider);
        assert.notEqual(after["access_token"], before["access_token"]);
        assert.equal(typeof after["refresh_token"], "string");
        const rotates = { gemini: false, anthropic: true, codex: true, qwen: null }[provider];
        if (rotates !== null) assert.equal(after["refresh_token"] !== before["refresh_token"], rotates);
        assert.equal(after["theirs"], round);
        assert.ok(after["expiry"] > seconds() + 1_000);
        for (const kept of ["account_id", "resource_url", "token_type"]) assert.equal(after[kept], first[kept], kept);
        assert.equal(after["llxprt_auth"].lineage, first["llxprt_auth"].lineage);
        assert.equal(after["llxprt_auth"].identity, first["llxprt_auth"].identity);
        assert.equal(after["llxprt_auth"].generation, before["llxprt_auth"].generation + 1);
      }
      const { refreshes, reuses } = s.emulator.counters(provider);
      assert.deepEqual([refreshes, reuses], [3, 0]);
    });
  }

  it("that only a short-lived one can follow is handed out once, and marked", async () => {
    await using s = await stage({ lifetimeS: 20 });
    const auth = await signedIn(s);
    const credential = await auth.account("anthropic").token();
    assert.equal(credential.shortLived, true);
    assert.ok((credential.expiresAt ?? 0) > Date.now());
    assert.equal(presented(s, "anthropic"), 1);
    await auth.account("anthropic").token();
    assert.equal(presented(s, "anthropic"), 2, "nobody is given it twice");
    assert.equal((await auth.account("anthropic").token({ minTtlMs: 5_000 })).shortLived, false);
    assert.equal(presented(s, "anthropic"), 2, "for less it will do");
  });

  it("asked for by a thousand at once is renewed once", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault("anthropic", "refresh", { kind: "delay", ms: 100 });
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => tokenOf(auth)));
    assert.equal(new Set(tokens).size, 1);
    assert.equal(presented(s, "anthropic"), 1);
  });

  it("that another process renewed is adopted, without a request", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const stale = auth.account("anthropic");
    await until(() => stale.actor.getSnapshot().value === "authenticated", "it knows the old token");
    await tokenOf(s.auth());
    assert.equal(presented(s, "anthropic"), 1);
    assert.equal(await tokenOf(auth), s.home.tokens("anthropic")["access_token"]);
    assert.equal(presented(s, "anthropic"), 1);
  });

  it("that another process replaced by one that is about to end is renewed from that", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 3_000);
    await tokenOf(auth);
    const other = s.auth();
    await signIn(s, other, "anthropic", { grant: "loopback" });
    change(s, "anthropic", { expiry: seconds() - 5 });
    await until(() => s.home.tokens("anthropic")["expiry"] < seconds(), "it is stale");
    const credential = await auth.account("anthropic").token({ minTtlMs: 3_500_000 });
    assert.equal(credential.secret.reveal(), s.home.tokens("anthropic")["access_token"]);
    assert.equal(s.emulator.counters("anthropic").refreshes, 1);
    assert.equal(s.emulator.counters("anthropic").reuses, 0);
  });

  it("that was replaced a moment ago is judged as it is now, not as the machine knows it", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 3_000);
    await until(() => auth.actor("anthropic").getSnapshot().value === "authenticated", "it knows a fresh token");
    change(s, "anthropic", { expiry: seconds() - 5 }, { generation: 2 });
    assert.equal(await tokenOf(auth), s.home.tokens("anthropic")["access_token"]);
    assert.equal(presented(s, "anthropic"), 1);
  });

  it("is renewed by force though it is fresh", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 3_000);
    await auth.account("anthropic").refresh();
    assert.equal(presented(s, "anthropic"), 0);
    const { row } = await auth.account("anthropic").refresh({ force: true });
    assert.equal(row.state, "authenticated");
    assert.equal(presented(s, "anthropic"), 1);
  });

  it("that the API refused is renewed once, or exchanged for the newer one that is there", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 3_000);
    const account = auth.account("anthropic");
    const first = await account.token();
    const second = await account.rejected(first);
    assert.equal(presented(s, "anthropic"), 1);
    assert.notEqual(second.secret.reveal(), first.secret.reveal());
    const third = await account.rejected(first);
    assert.equal(third.secret.reveal(), second.secret.reveal());
    assert.equal(presented(s, "anthropic"), 1);
  });
});

describe("a reply to a refresh", { concurrency: 4 }, () => {
  const rewrites: readonly (readonly [what: string, members: Json, expected: (before: Json, after: Json) => void])[] = [
    [
      "without a refresh token keeps the one that is there",
      { refresh_token: undefined },
      (before, after) => {
        assert.equal(after["refresh_token"], before["refresh_token"]);
        assert.notEqual(after["access_token"], before["access_token"]);
      },
    ],
    [
      "with null for one keeps it",
      { refresh_token: null },
      (before, after) => assert.equal(after["refresh_token"], before["refresh_token"]),
    ],
    [
      "with an empty one keeps it",
      { refresh_token: "" },
      (before, after) => assert.equal(after["refresh_token"], before["refresh_token"]),
    ],
    [
      "without a scope keeps it",
      { scope: undefined },
      (before, after) => assert.equal(after["scope"], before["scope"]),
    ],
    [
      "with an odd case of the type is taken",
      { token_type: "bEARER" },
      (_, after) => assert.equal(after["token_type"], "bEARER"),
    ],
    ...["3600abc", "", -1, 0, true, [], {}, 2 ** 53, "0x10"].map(
      (value) =>
        [
          `with ${JSON.stringify(value)} for a lifetime gets an hour`,
          { expires_in: value },
          (_: Json, after: Json) =>
            assert.ok(Math.abs(after["expiry"] - seconds() - 3600) <= 5, String(after["expiry"])),
        ] as const,
    ),
    [
      "with a lifetime as text is believed",
      { expires_in: "7200" },
      (_, after) => assert.ok(Math.abs(after["expiry"] - seconds() - 7200) <= 5),
    ],
  ];
  for (const [what, members, check] of rewrites) {
    it(what, async () => {
      await using s = await stage();
      const auth = await signedIn(s, "anthropic");
      const before = s.home.tokens("anthropic");
      s.emulator.fault("anthropic", "refresh", { kind: "rewrite", members });
      await auth.account("anthropic").token();
      check(before, s.home.tokens("anthropic"));
      assert.equal(s.home.tokens("anthropic")["llxprt_auth"].generation, 2);
      await tokenOf(auth);
      assert.equal(presented(s, "anthropic"), 1, "garbage starts no storm");
    });
  }

  for (const [what, members] of [
    ["of another type", { token_type: "DPoP" }],
    ["without a type", { token_type: undefined }],
    ["with a token that is no token", { access_token: "a\nb" }],
    ["with a token for a shell", { access_token: "ü$(id)" }],
    ["without a token", { access_token: undefined }],
    ["with a number for a token", { access_token: 1 }],
  ] as const) {
    it(`${what} is not taken, and what is there stays`, async () => {
      await using s = await stage();
      const auth = await signedIn(s, "gemini", 20);
      const before = s.home.tokens("gemini");
      s.emulator.fault("gemini", "refresh", { kind: "rewrite", members });
      const { secret, shortLived } = await auth.account("gemini").token();
      assert.equal(secret.reveal(), before["access_token"]);
      assert.equal(shortLived, true);
      const after = s.home.tokens("gemini");
      for (const member of ["access_token", "refresh_token", "expiry"]) assert.equal(after[member], before[member]);
      assert.equal(after["llxprt_auth"].retry.code, "reply_malformed");
    });
  }

  it("for another account is an error, and nothing of it is adopted", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "codex");
    const before = s.home.tokens("codex");
    const [head, , tail] = before["id_token"].split(".");
    const claims = JSON.parse(Buffer.from(before["id_token"].split(".")[1], "base64url").toString()) as Json;
    claims["https://api.openai.com/auth"].chatgpt_account_id = "somebody-else";
    const idToken = [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), tail].join(".");
    s.emulator.fault("codex", "refresh", { kind: "rewrite", members: { id_token: idToken } });
    assert.equal(await codeOf(auth.account("codex").token()), "identity_changed");
    const after = s.home.tokens("codex");
    for (const member of ["access_token", "refresh_token", "account_id", "id_token"])
      assert.equal(after[member], before[member], member);
    assert.equal(await codeOf(auth.account("codex").token()), "identity_changed");
    assert.equal(presented(s, "codex"), 1);
  });
});

describe("a definitive refusal", { concurrency: 4 }, () => {
  for (const provider of ["gemini", "anthropic", "codex", "qwen"] as const) {
    it(`of ${provider} ends a dead login after one request, and nobody asks again`, async () => {
      await using s = await stage();
      const auth = await signedIn(s, provider);
      s.emulator.revokeAll(provider);
      const account = auth.account(provider);
      assert.equal(await codeOf(account.token()), "refresh_refused");
      for (const other of [account, s.auth().account(provider)]) {
        assert.equal(await codeOf(other.token()), "refresh_refused");
        const { row, exitCode } = other.status();
        assert.deepEqual(
          [row.state, row.usable, row.lastError, row.nextCommand, exitCode],
          ["expired", "no", "refresh_refused", `llxprt-auth ${provider} login`, 3],
        );
      }
      assert.equal(presented(s, provider), 1);
      assert.equal(typeof s.home.tokens(provider)["refresh_token"], "string", "the file is kept");
    });
  }

  it("while the token lives does not take it away, and is said", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 25);
    const before = s.home.tokens("anthropic")["access_token"];
    s.emulator.revokeAll("anthropic");
    const { secret, shortLived } = await auth.account("anthropic").token();
    assert.deepEqual([secret.reveal(), shortLived], [before, true]);
    const { row, exitCode } = auth.account("anthropic").status();
    assert.deepEqual(
      [row.state, row.usable, row.lastError, row.nextCommand, exitCode],
      ["authenticated", "yes", "refresh_refused", "llxprt-auth anthropic login", 0],
    );
    await auth.account("anthropic").token();
    assert.equal(presented(s, "anthropic"), 1);
  });

  it("is what every further 401 of the API is told with, in this process and in another", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "codex", 3_000);
    s.emulator.revokeAll("codex");
    const account = auth.account("codex");
    const credential = await account.token();
    for (const asked of [account, account, s.auth().account("codex")])
      assert.equal(await codeOf(asked.rejected(credential)), "refresh_refused");
    assert.equal(presented(s, "codex"), 1);
  });

  it("is forgotten by signing in again", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.revokeAll("anthropic");
    assert.equal(await codeOf(auth.account("anthropic").token()), "refresh_refused");
    const { row } = await signIn(s, auth, "anthropic", { grant: "loopback" });
    assert.deepEqual([row.state, row.lastError], ["authenticated", null]);
    assert.equal(await tokenOf(auth), s.home.tokens("anthropic")["access_token"]);
  });

  it("is no refusal when a new login is there by the time it comes", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 25);
    s.emulator.revokeAll("anthropic");
    s.emulator.fault("anthropic", "refresh", { kind: "delay", ms: 2_000 });
    const asked = auth.account("anthropic").token();
    await until(() => presented(s, "anthropic") === 1, "the old token was presented");
    await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
    assert.equal((await asked).secret.reveal(), s.home.tokens("anthropic")["access_token"]);
    assert.equal(s.home.tokens("anthropic")["llxprt_auth"].refused, null);
  });
});

const troubles: readonly (readonly [string, Fault, string])[] = [
  ["429 with seconds", { kind: "status", status: 429, retryAfter: "120" }, "rate_limited"],
  [
    "429 with a date",
    { kind: "status", status: 429, retryAfter: new Date(Date.now() + 120_000).toUTCString() },
    "rate_limited",
  ],
  ["429 without a word", { kind: "status", status: 429 }, "rate_limited"],
  ["500", { kind: "status", status: 500 }, "server_error"],
  ["503", { kind: "status", status: 503 }, "server_error"],
  ["a page", { kind: "html" }, "reply_malformed"],
  ["half a reply", { kind: "truncated-json" }, "reply_malformed"],
  ["no reply", { kind: "drop-connection" }, "network_broken"],
  ["a redirect elsewhere", { kind: "redirect", status: 308, to: "https://evil.example/" }, "unexpected_redirect"],
  ["a bomb", { kind: "gzip-bomb" }, "reply_too_large"],
];

describe("trouble with the server", { concurrency: 4 }, () => {
  for (const [what, fault, code] of troubles) {
    it(`${what}: the token is used while it lives, and nobody hammers, not even after a restart`, async () => {
      await using s = await stage();
      const auth = await signedIn(s, "anthropic", 25);
      const before = s.home.tokens("anthropic");
      s.emulator.fault("anthropic", "refresh", fault);
      for (const runtime of [auth, auth, s.auth(), s.auth()]) {
        const { secret, shortLived } = await runtime.account("anthropic").token();
        assert.deepEqual([secret.reveal(), shortLived], [before["access_token"], true]);
        const { row, exitCode } = runtime.account("anthropic").status();
        assert.deepEqual([row.state, row.usable, row.lastError, exitCode], ["backingOff", "yes", code, 0]);
      }
      assert.equal(presented(s, "anthropic"), 1);
      const { at } = s.home.tokens("anthropic")["llxprt_auth"].retry;
      const pause = "retryAfter" in fault ? 120 : 30;
      // A date was written down when this file was read, which may be a while ago.
      const slack = what.endsWith("date") ? 90 : 15;
      const left = at - seconds();
      assert.ok(left <= pause + 1 && left >= pause - slack, `${left} s`);
      for (const member of ["access_token", "refresh_token", "expiry"])
        assert.equal(s.home.tokens("anthropic")[member], before[member]);
    });
  }

  it("and a dead token says what the trouble was, and exits with 'try again later'", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault("anthropic", "refresh", { kind: "status", status: 503 });
    for (const runtime of [auth, s.auth()]) {
      const error = await runtime
        .account("anthropic")
        .token()
        .catch((reason: unknown) => reason as Json);
      assert.deepEqual([(error as Json)["code"], (error as Json)["exitCode"]], ["server_error", 5]);
      const { row, exitCode } = runtime.account("anthropic").status();
      assert.deepEqual([row.state, row.usable, exitCode], ["backingOff", "no", 5]);
    }
    assert.equal(presented(s, "anthropic"), 1);
  });

  it("is over when the pause is: the next one asks again, and longer pauses follow failures", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault("anthropic", "refresh", { kind: "status", status: 503 }, 3);
    await auth.close();
    for (const pause of [30, 60, 120]) {
      const next = s.auth();
      assert.equal(await codeOf(next.account("anthropic").token()), "server_error");
      await next.close();
      const { at } = s.home.tokens("anthropic")["llxprt_auth"].retry;
      assert.ok(Math.abs(at * 1000 - s.home.now() - pause * 1000) <= 5_000, `${pause} s`);
      s.home.ahead += (pause + 1) * 1000;
    }
    await s.auth().account("anthropic").token();
    assert.equal(presented(s, "anthropic"), 4);
    assert.equal(s.home.tokens("anthropic")["llxprt_auth"].retry, null);
  });

  it("is respected beside a sign-in that is under way", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault("anthropic", "refresh", { kind: "status", status: 503 });
    const { account } = await beginLogin(auth, "anthropic", "loopback");
    for (let tries = 0; tries < 3; tries += 1) assert.equal(await codeOf(account.token()), "server_error");
    assert.equal(presented(s, "anthropic"), 1);
  });

  it("a person may ask at once all the same", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault("anthropic", "refresh", { kind: "status", status: 503 });
    assert.equal(await codeOf(auth.account("anthropic").token()), "server_error");
    assert.equal((await auth.account("anthropic").refresh({ force: true })).row.state, "authenticated");
    assert.equal(presented(s, "anthropic"), 2);
  });

  it("noted under a wrong clock stops nobody for years", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    change(s, "anthropic", {}, { retry: { at: seconds() + 365 * 24 * 3600, code: "server_error", failures: 1 } });
    await auth.account("anthropic").token();
    assert.equal(presented(s, "anthropic"), 1);
  });
});

describe("signing out while others work", { concurrency: 4 }, () => {
  it("by rm during a refresh stays signed out", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault("anthropic", "refresh", { kind: "delay", ms: 300 });
    const asked = auth.account("anthropic").token();
    await until(() => s.emulator.counters("anthropic").refreshes === 1, "it is under way");
    rmSync(s.home.file("anthropic"));
    assert.ok(["sign_in_needed", "oauth_disabled"].includes(await codeOf(asked)));
    await auth.close();
    assert.throws(() => readFileSync(s.home.file("anthropic")));
  });

  it("by rm is noticed by a running process within a second or so", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 3_000);
    const account = auth.account("anthropic");
    await account.token();
    rmSync(s.home.file("anthropic"));
    const begun = Date.now();
    await until(() => account.actor.getSnapshot().value !== "authenticated", "it is noticed", 2_000);
    assert.ok(Date.now() - begun < 1_500);
    assert.equal(await codeOf(account.token()), "sign_in_needed");
  });

  it("by a logout elsewhere during a refresh stays signed out", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault("anthropic", "refresh", { kind: "delay", ms: 300 });
    const asked = auth.account("anthropic").token();
    asked.catch(() => undefined);
    await until(() => s.emulator.counters("anthropic").refreshes === 1, "it is under way");
    await s.auth().account("anthropic").logout();
    await assert.rejects(asked);
    assert.throws(() => readFileSync(s.home.file("anthropic")));
  });
});

describe("a login that was issued elsewhere", { concurrency: 4 }, () => {
  it("is not refreshed at another host, whatever the settings say", async () => {
    await using s = await stage();
    await using evil = await stage();
    const auth = await signedIn(s);
    await auth.close();
    s.point({ anthropic: { tokenEndpoint: `${evil.emulator.url}/v1/oauth/token` } });
    const account = s.auth().account("anthropic");
    const error = (await account.token().catch((reason: unknown) => reason)) as Json;
    assert.deepEqual([error["code"], error["exitCode"]], ["credential_elsewhere", 6]);
    assert.equal(await codeOf(account.refresh({ force: true })), "credential_elsewhere");
    await account.logout();
    assert.equal(evil.emulator.requests.length, 0);
    assert.equal(presented(s, "anthropic"), 0);
  });

  it("works again as soon as the settings are put right", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    await auth.close();
    s.point({ anthropic: { tokenEndpoint: "http://127.0.0.1:9/token" } });
    assert.equal(await codeOf(s.auth().account("anthropic").token()), "credential_elsewhere");
    s.point();
    assert.equal(await tokenOf(s.auth()), s.home.tokens("anthropic")["access_token"]);
  });

  it("to another client is not refreshed by this one", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    await auth.close();
    s.point({ anthropic: { clientId: "another-client" } });
    assert.equal(await codeOf(s.auth().account("anthropic").token()), "credential_elsewhere");
    assert.equal(presented(s, "anthropic"), 0);
  });

  it("lives on until it ends", async () => {
    await using s = await stage();
    const auth = await signedIn(s, "anthropic", 300);
    await auth.close();
    s.point({ anthropic: { clientId: "another-client" } });
    assert.equal(await tokenOf(s.auth()), s.home.tokens("anthropic")["access_token"]);
  });

  it("is nothing that a file of an older program can be: it counts as issued to the provider as it is", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    await auth.close();
    const { llxprt_auth: _, ...plain } = s.home.tokens("anthropic");
    s.home.plant("anthropic", plain);
    assert.equal(await tokenOf(s.auth()), s.home.tokens("anthropic")["access_token"]);
    assert.equal(presented(s, "anthropic"), 1);
    assert.equal(s.home.tokens("anthropic")["llxprt_auth"].generation, 1);
  });
});

describe("closing the runtime", { concurrency: 4 }, () => {
  it("in the middle of a refresh stores what the server gave", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const { refresh_token: before } = s.home.tokens("anthropic");
    s.emulator.fault("anthropic", "refresh", { kind: "delay", ms: 300 });
    const asked = auth.account("anthropic").token();
    asked.catch(() => undefined);
    await until(() => s.emulator.counters("anthropic").refreshes === 1, "it is under way");
    await auth.close();
    assert.equal(await codeOf(asked), "interrupted");
    assert.notEqual(s.home.tokens("anthropic")["refresh_token"], before);
    assert.equal(await tokenOf(s.auth()), s.home.tokens("anthropic")["access_token"]);
    assert.equal(s.emulator.counters("anthropic").reuses, 0);
  });

  it("takes less than a second, whatever the server does", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault("anthropic", "refresh", { kind: "delay", ms: 5_000 });
    const asked = auth.account("anthropic").token();
    asked.catch(() => undefined);
    await until(() => s.emulator.counters("anthropic").refreshes === 1, "it is under way");
    const begun = Date.now();
    await auth.close();
    assert.ok(Date.now() - begun < 1_000, `${Date.now() - begun} ms`);
  });
});

describe("renewing ahead", { concurrency: 4 }, () => {
  it("is done by a long-lived process before the token ends, unasked", async () => {
    await using s = await stage();
    const first = await signedIn(s, "anthropic", 3_600);
    await first.close();
    change(s, "anthropic", {}, { obtained_at: seconds() - 3_600 });
    const auth = s.auth({ ahead: true, host: { randomBytes: (size) => new Uint8Array(size) } });
    const before = await tokenOf(auth);
    assert.equal(presented(s, "anthropic"), 0);
    // 10 % of two hours before the end: the clock of this home is moved there.
    await auth.close();
    s.home.ahead = (3_600 - 720) * 1000 - 300;
    const later = s.auth({ ahead: true, host: { randomBytes: (size) => new Uint8Array(size) } });
    assert.equal(await tokenOf(later), before);
    await until(() => presented(s, "anthropic") === 1, "it renewed by itself");
    await until(() => s.home.tokens("anthropic")["access_token"] !== before, "the new one is stored");
    assert.notEqual(await tokenOf(later), before);
  });

  it("that fails leaves the token in use, and is tried again after the pause only", async () => {
    await using s = await stage();
    const first = await signedIn(s, "anthropic", 3_600);
    await first.close();
    change(s, "anthropic", {}, { obtained_at: seconds() - 3_600 });
    s.emulator.fault("anthropic", "refresh", { kind: "status", status: 503 }, 5);
    s.home.ahead = (3_600 - 720) * 1000 - 100;
    const auth = s.auth({ ahead: true, host: { randomBytes: (size) => new Uint8Array(size) } });
    const account = auth.account("anthropic");
    await account.token();
    await until(() => account.actor.getSnapshot().value === "backingOff", "it failed");
    assert.equal((await account.token()).shortLived, false, "there are twelve minutes left");
    assert.equal(presented(s, "anthropic"), 1);
  });

  it("keeps no process alive, and a process that ends at once does not do it", async () => {
    await using s = await stage();
    const first = await signedIn(s, "anthropic", 3_600);
    await first.close();
    s.home.ahead = 3_600_000 - 60_000;
    const auth = s.auth({ ahead: false });
    await tokenOf(auth);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(presented(s, "anthropic"), 0);
  });
});

it("OAuth that is switched off is not refreshed", async () => {
  await using s = await stage();
  const auth = await signedIn(s);
  await auth.account("anthropic").disable();
  assert.equal(await codeOf(auth.account("anthropic").token()), "oauth_disabled");
  assert.equal(await codeOf(auth.account("anthropic").refresh({ force: true })), "oauth_disabled");
  assert.equal(presented(s, "anthropic"), 0);
  await auth.account("anthropic").enable();
  assert.equal(await tokenOf(auth), s.home.tokens("anthropic")["access_token"]);
});

it("OAuth that another process switched off is noticed by this one, and so is a key", async () => {
  await using s = await stage();
  const auth = await signedIn(s, "anthropic", 3_000);
  const account = auth.account("anthropic");
  await account.token();
  await s.auth().account("anthropic").disable();
  await until(() => account.actor.getSnapshot().value === "disabled", "it is noticed");
  assert.equal(await codeOf(account.token()), "oauth_disabled");
  await s.auth().account("anthropic").enable();
  await until(() => account.actor.getSnapshot().value === "authenticated", "it is noticed again");
  assert.equal((await account.token()).kind, "oauth");
  s.point({ anthropic: { "auth-key": "a-key-in-the-settings" } });
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal((await account.token()).kind, "key");
});

it("an account that is not signed in needs a sign-in, and says how", async () => {
  await using s = await stage();
  const account = s.auth().account("anthropic", "work");
  await account.enable();
  const error = (await account.token().catch((reason: unknown) => reason)) as Json;
  assert.deepEqual(
    [error["code"], error["exitCode"], error["next"]],
    ["sign_in_needed", 3, "llxprt-auth anthropic login --account work"],
  );
  assert.equal(await codeOf(account.refresh()), "sign_in_needed");
  assert.equal(s.emulator.requests.length, 0);
});

describe("a refresh that is asked for, of a token that has ended or is about to,", { concurrency: 4 }, () => {
  const refused = { kind: "reply", status: 400, body: '{"error":"invalid_grant"}' } as const;
  for (const [fault, code, exit] of [
    [{ kind: "status", status: 429, retryAfter: "120" }, "rate_limited", 5],
    [refused, "refresh_refused", 3],
  ] as const)
    for (const left of [-5, 20])
      it(`says why nobody is asked: ${code}, ${left} s left`, async () => {
        await using s = await stage();
        const account = (await signedIn(s, "anthropic", left)).account("anthropic");
        s.emulator.fault("anthropic", "refresh", fault);
        for (let times = 0; times < 2; times += 1) {
          const error = (await account.refresh().catch((reason: unknown) => reason)) as Json;
          assert.deepEqual([error["code"], error["exitCode"]], [code, exit]);
        }
        const error = (await s
          .auth()
          .account("anthropic")
          .refresh()
          .catch((reason: unknown) => reason)) as Json;
        assert.deepEqual([error["code"], error["exitCode"]], [code, exit], "in another process as well");
        assert.equal(presented(s, "anthropic"), 1);
      });

  it("says that there is no login any more when that goes meanwhile", async () => {
    await using s = await stage();
    const account = (await signedIn(s)).account("anthropic");
    s.emulator.fault("anthropic", "refresh", { kind: "delay", ms: 500 });
    const refreshed = codeOf(account.refresh());
    await until(() => presented(s, "anthropic") > 0, "it is on its way");
    rmSync(s.home.paths.tokenFile({ provider: "anthropic", account: "default" }));
    assert.equal(await refreshed, "sign_in_needed");
  });
});

it("an old failure does not spoil a later success", async () => {
  await using s = await stage();
  const auth = await signedIn(s);
  const account = auth.account("anthropic");
  s.emulator.fault("anthropic", "refresh", { kind: "status", status: 503 });
  assert.equal(await codeOf(account.token()), "server_error");
  await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
  assert.equal((await account.token()).shortLived, false);
  assert.equal((await account.refresh()).row.state, "authenticated");
  const { ended } = await beginLogin(s.auth(), "gemini");
  ended.catch(() => undefined);
});
