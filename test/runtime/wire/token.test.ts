import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import * as fc from "fast-check";

import { providers } from "../../../providers/index.ts";
import type { Provider } from "../../../providers/provider.ts";
import { Secret } from "../../../runtime/secret.ts";
import { type Issued, type TokenOutcome, tokenReply, type WireReply } from "../../../runtime/wire/response.ts";
import { acme, jwt, now, reply } from "./sample.ts";
import { cpuMs } from "../../support/cpu.ts";

const { anthropic, codex, gemini, qwen } = providers;
const good = { access_token: "at-1", refresh_token: "rt-1", token_type: "Bearer", expires_in: 3599 };
const hourMs = 3_600_000;
const exp = Math.floor(now / 1000) + 86_400;

type Purpose = "code" | "refresh" | "poll";

function judge(provider: Provider, answer: WireReply, purpose: Purpose = "refresh"): TokenOutcome {
  return tokenReply(provider, answer, { purpose, clientId: "client-1", nonce: new Secret("nonce", "n-1") });
}

function issued(body: unknown, provider: Provider = acme): Issued {
  const outcome = judge(provider, reply(200, body));
  assert.equal(outcome.kind, "issued", JSON.stringify(body));
  return outcome.issued;
}

function kindOf(body: unknown): string {
  return judge(acme, reply(200, body)).kind;
}

function expiry(fields: object): [number, string] {
  const { expiresAt, expiryFrom } = issued({ ...good, expires_in: undefined, ...fields });
  return [expiresAt, expiryFrom];
}

const claims = { aud: "client-1", exp, email: "me@example.com" };

function withClaims(changes: object, provider: Provider = gemini): Issued {
  return issued({ ...good, id_token: jwt({ ...claims, ...changes }) }, provider);
}

function withNonce(nonce: unknown): object {
  return { ...good, id_token: jwt({ ...claims, nonce }) };
}

function account(id: unknown): string | null {
  return withClaims({ "https://api.openai.com/auth": { chatgpt_account_id: id } }, codex).accountId;
}

function resourceUrl(url: unknown, hosts: readonly string[] = qwen.resourceHosts): string | undefined {
  return issued({ ...good, resource_url: url }, { ...qwen, resourceHosts: hosts }).extra["resource_url"];
}

describe("what was issued", () => {
  it("is what each vendor sends", () => {
    const idToken = jwt({
      aud: ["client-1"],
      exp,
      email: "me@example.com",
      "https://api.openai.com/auth": { chatgpt_account_id: "acct-1" },
    });
    const scope = "a b";
    const table: [Provider, object, Partial<Issued>][] = [
      [gemini, { ...good, scope, id_token: idToken }, { identity: "me@example.com", accountId: null, scope }],
      [gemini, { ...good, refresh_token: undefined }, { refreshToken: null, identity: null }],
      [
        anthropic,
        { ...good, expires_in: 28_800, account: { uuid: "u", email_address: "you@example.com" }, organization: {} },
        { identity: "you@example.com", expiresAt: now + 28_800_000, idToken: null },
      ],
      [
        codex,
        { ...good, token_type: "bearer", id_token: idToken },
        { accountId: "acct-1", identity: "me@example.com" },
      ],
      [
        qwen,
        { ...good, refresh_token: null, scope: null, expires_in: null, resource_url: "portal.qwen.ai" },
        { extra: { resource_url: "portal.qwen.ai" }, refreshToken: null, scope: null, expiryFrom: "assumed" },
      ],
    ];
    for (const [provider, body, expected] of table) {
      const { accessToken, ...rest } = issued(body, provider);
      assert.ok(accessToken.matches("at-1"));
      assert.deepEqual({ ...rest, ...expected }, rest);
    }
  });

  it("has no refresh token when none came (F03)", () => {
    for (const refresh_token of [undefined, null, ""]) {
      assert.equal(issued({ ...good, refresh_token }).refreshToken, null);
    }
    assert.ok(issued(good).refreshToken?.matches("rt-1"));
  });

  it("needs an access token and a bearer type, in any case (K08, K09, T27)", () => {
    for (const token_type of ["Bearer", "bearer", "BEARER"]) assert.equal(kindOf({ ...good, token_type }), "issued");
    for (const token_type of ["DPoP", "mac", "", "Bearer ", 1, null, undefined]) {
      assert.equal(kindOf({ ...good, token_type }), "unavailable", String(token_type));
    }
    for (const access_token of ["", null, undefined, 1, {}, ["at-1"]]) {
      assert.equal(kindOf({ ...good, access_token }), "unavailable");
    }
  });

  it("has no token with characters outside RFC 6749 A.12 (T26)", () => {
    for (const bad of ["a\nb", "a\r\nX: y", "a\u0000", "a\u001B[2J", "ä", "a\u{1F600}", "a\u007F", "a\u2028"]) {
      assert.equal(kindOf({ ...good, access_token: bad }), "unavailable", JSON.stringify(bad));
      assert.equal(kindOf({ ...good, refresh_token: bad }), "unavailable", JSON.stringify(bad));
      assert.equal(issued({ ...good, id_token: bad }).idToken, null);
      assert.equal(issued({ ...good, scope: bad }).scope, null);
    }
  });

  it("may be long (K12)", () => {
    for (const length of [1, 4096, 65_536])
      assert.equal(kindOf({ ...good, access_token: "x".repeat(length) }), "issued");
  });

  it("keeps an id token only where the data says so", () => {
    const body = { ...good, id_token: jwt({ aud: "client-1" }) };
    assert.ok(issued(body, gemini).idToken);
    assert.equal(issued(body, anthropic).idToken, null);
  });
});

describe("the expiry", () => {
  it("is what the server says, to the letter", () => {
    for (const [expires_in, seconds] of [
      [3599, 3599],
      ["3600", 3600],
      [1, 1],
      [1.5, 1.5],
      [315_360_000, 315_360_000],
    ]) {
      assert.deepEqual(expiry({ expires_in }), [now + Number(seconds) * 1000, "server"]);
    }
  });

  it("is read from the token when it is missing, else assumed", () => {
    for (const expires_in of [undefined, null]) {
      assert.deepEqual(expiry({ expires_in }), [now + hourMs, "assumed"]);
      assert.deepEqual(expiry({ expires_in, access_token: jwt({ exp }) }), [exp * 1000, "jwt"]);
    }
    assert.deepEqual(expiry({ expires_in: 60, access_token: jwt({ exp }) }), [now + 60_000, "server"]);
  });

  it("is an hour, and marked, when it is garbage (T25)", () => {
    const garbage = [
      0,
      0.001,
      0.999,
      -1,
      "0",
      "",
      "-5",
      "3600abc",
      "0x10",
      " 60",
      "1e3",
      "NaN",
      true,
      [],
      {},
      [60],
      2 ** 53,
      1e300,
    ];
    for (const expires_in of [...garbage, 315_360_001, "9".repeat(400)]) {
      assert.deepEqual(expiry({ expires_in }), [now + hourMs, "garbage"], JSON.stringify(expires_in));
    }
    assert.deepEqual(expiry({ expires_in: 0, access_token: jwt({ exp }) }), [now + hourMs, "garbage"]);
    // JSON.parse makes Infinity of this one.
    const body = JSON.stringify({ ...good, expires_in: 0 }).replace('"expires_in":0', '"expires_in":1e400');
    const outcome = judge(acme, reply(200, body));
    assert.ok(outcome.kind === "issued" && outcome.issued.expiryFrom === "garbage");
    for (const wrong of [1, exp + 11 * 315_360_000]) {
      assert.deepEqual(expiry({ access_token: jwt({ exp: wrong }) }), [now + hourMs, "garbage"]);
    }
  });

  it("never leaves the next ten years", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.double(), fc.maxSafeInteger(), fc.integer().map(String)),
        (expires_in) => {
          const [at] = expiry({ expires_in });
          assert.ok(at > now && at <= now + 315_360_000_000 && Number.isInteger(at));
        },
      ),
    );
  });
});

describe("the id token (T8)", () => {
  it("names somebody only when it was made for us and is current", () => {
    assert.equal(withClaims({}).identity, "me@example.com");
    assert.equal(withClaims({ aud: ["x", "client-1"] }).identity, "me@example.com");
    assert.equal(withClaims({ exp: undefined }).identity, "me@example.com");
    for (const changes of [{ aud: "other" }, { aud: ["other"] }, { aud: undefined }, { exp: 1 }, { exp: "x" }]) {
      assert.equal(withClaims(changes).identity, null, JSON.stringify(changes));
    }
    const provider = { ...gemini, issuer: "https://id.example" };
    const nonce = "n-1";
    assert.equal(withClaims({ iss: "https://id.example", nonce }, provider).identity, "me@example.com");
    assert.equal(withClaims({ iss: "https://id.example/", nonce }, provider).identity, null);
    assert.equal(withClaims({ iss: "https://id.example" }, provider).identity, null, "a nonce was sent (A11)");
  });

  it("with another nonce is proof of a swap; without one it is taken (A11)", () => {
    assert.equal(kindOf(withNonce("n-1")), "issued");
    assert.equal(kindOf(withNonce(undefined)), "issued");
    for (const nonce of ["n-2", "", null, 1, ["n-1"]]) {
      const outcome = judge(gemini, reply(200, withNonce(nonce)), "code");
      assert.deepEqual(outcome, { kind: "refused", code: "code_refused", oauthError: null, status: 200 });
    }
    const asked = tokenReply(gemini, reply(200, withNonce("n-2")), { purpose: "refresh", clientId: "client-1" });
    assert.equal(asked.kind, "issued");
  });

  it("does no harm when it is no token at all", () => {
    const oddities = ["", "x", "a.b.c", "..", `a.${"A".repeat(100_000)}.`, jwt(null), jwt([1]), jwt("x"), 5, {}, null];
    for (const id_token of oddities) assert.equal(issued({ ...good, id_token }, gemini).identity, null);
  });

  it("gives an account id that fits into a header, or none", () => {
    assert.equal(account("acct-1"), "acct-1");
    for (const id of ["a\r\nX: y", "", "x y", "x".repeat(201), 7, null]) assert.equal(account(id), null);
  });

  it("gives an identity that fits on a terminal", () => {
    assert.equal(withClaims({ email: "me\u001B]52;c;x\u0007@example.com" }).identity, "me ]52;c;x @example.com");
  });
});

describe("members that are kept", () => {
  it("steer API requests to listed hosts only (T32)", () => {
    for (const url of ["portal.qwen.ai", "https://portal.qwen.ai/v1", "https://eu.qwen.ai", "portal.qwen.ai/v1"]) {
      assert.equal(resourceUrl(url), url);
    }
    for (const url of [
      "https://evil.example/",
      "http://portal.qwen.ai/",
      "https://portal.qwen.ai@evil.example/",
      "user@portal.qwen.ai",
      "portal.qwen.ai:8443",
      "https://evilqwen.ai",
      "https://portal.qwen.ai.evil.example",
      "https://portal.qwen.ai\\@evil.example",
      "https:evil.example",
      "portal.qwen.ai?x=",
      "portal.qwen.ai#x",
      "http://127.0.0.1:9/",
      "javascript:alert(1)//portal.qwen.ai",
      "portal.qwen.ai\n",
      "",
      7,
      null,
    ]) {
      assert.equal(resourceUrl(url), undefined, String(url));
    }
    assert.equal(resourceUrl("http://127.0.0.1:4010/v1", ["127.0.0.1"]), "http://127.0.0.1:4010/v1");
  });

  it("are those on the list, by name, as text (K07, T33)", () => {
    const provider = { ...acme, keep: ["id_token", "plan", "__proto__", "toString", "n", "scope"] };
    const body = `${JSON.stringify({ ...good, plan: "pro", other: "x", n: 5, scope: "s" }).slice(0, -1)},"__proto__":"p"}`;
    const outcome = judge(provider, reply(200, body));
    assert.ok(outcome.kind === "issued");
    assert.deepEqual(Object.entries(outcome.issued.extra), [
      ["plan", "pro"],
      ["__proto__", "p"],
    ]);
    assert.equal(({} as { plan?: string }).plan, undefined);
  });
});

describe("what was not issued", () => {
  const nested = { error: { message: "m", type: "invalid_request_error", param: null, code: "refresh_token_expired" } };
  const table: [string, Provider, WireReply, Purpose, object][] = [
    [
      "invalid_grant",
      acme,
      reply(400, { error: "invalid_grant" }),
      "refresh",
      { kind: "refused", code: "refresh_refused" },
    ],
    ["invalid_grant for a code", acme, reply(400, { error: "invalid_grant" }), "code", { code: "code_refused" }],
    ["an error in a 200", acme, reply(200, { ...good, error: "invalid_grant" }), "refresh", { kind: "refused" }],
    ["nested code", codex, reply(401, nested), "refresh", { kind: "refused", oauthError: "refresh_token_expired" }],
    ["nested code, other status", codex, reply(400, nested), "refresh", { kind: "refused" }],
    [
      "both codes",
      codex,
      reply(400, { error: "invalid_grant", code: "refresh_token_reused" }),
      "refresh",
      { kind: "refused", oauthError: "invalid_grant" },
    ],
    ["root code", codex, reply(500, { code: "refresh_token_reused" }), "refresh", { kind: "refused" }],
    ["a word in a server error", acme, reply(500, { error: "invalid_grant" }), "refresh", { kind: "unavailable" }],
    ["any 401", codex, reply(401, { detail: "Unauthorized" }), "refresh", { kind: "refused", oauthError: null }],
    ["an empty 401", qwen, reply(401, ""), "refresh", { kind: "refused" }],
    ["a proxy's 401", codex, reply(401, "<html>", { "content-type": "text/html" }), "refresh", { kind: "unavailable" }],
    [
      "a proxy's words",
      codex,
      reply(401, "Denied", { "content-type": "text/html" }),
      "refresh",
      { kind: "unavailable" },
    ],
    [
      "a code that is refused without an error code",
      acme,
      reply(400, { title: "Bad Request", status: 400 }, { "content-type": "application/problem+json" }),
      "code",
      { kind: "refused", code: "sign_in_refused", oauthError: null },
    ],
    ["the same about a refresh token", acme, reply(400, { title: "Bad Request" }), "refresh", { kind: "unavailable" }],
    ["trouble while a code is exchanged", acme, reply(500, { error: "odd" }), "code", { kind: "unavailable" }],
    [
      "401 where the data is silent",
      anthropic,
      reply(401, {}),
      "refresh",
      { kind: "unavailable", code: "server_error" },
    ],
    ["other words for it", qwen, reply(400, { error: "invalid_request" }), "refresh", { kind: "refused" }],
    [
      "the same words elsewhere",
      anthropic,
      reply(400, { error: "invalid_request" }),
      "refresh",
      { kind: "unavailable" },
    ],
    ["the same words for a code", anthropic, reply(400, { error: "invalid_request" }), "code", { kind: "refused" }],
    ["a blamed client", codex, reply(401, { error: "invalid_client" }), "refresh", { kind: "misconfigured" }],
    [
      "an unauthorized client",
      gemini,
      reply(400, { error: "unauthorized_client" }),
      "code",
      { code: "client_refused" },
    ],
    ["a foreign grant", acme, reply(400, { error: "unsupported_grant_type" }), "refresh", { code: "client_refused" }],
    [
      "a retired address",
      anthropic,
      reply(404, "gone"),
      "refresh",
      { kind: "misconfigured", code: "endpoint_missing" },
    ],
    ["a redirect", acme, reply(307, ""), "refresh", { kind: "misconfigured", code: "unexpected_redirect" }],
    ["a policy", anthropic, reply(403, { error: "access_denied" }), "refresh", { kind: "unavailable" }],
    ["a firewall", anthropic, reply(403, "<!doctype html>"), "code", { kind: "unavailable", code: "server_error" }],
    [
      "a server error",
      acme,
      reply(503, "", { "retry-after": "7" }),
      "refresh",
      { code: "server_error", retryAfterMs: 7000 },
    ],
    [
      "a rate limit",
      qwen,
      reply(429, { error: "invalid_request" }),
      "refresh",
      { code: "rate_limited", kind: "unavailable" },
    ],
    [
      "an unknown error in a 200",
      qwen,
      reply(200, { error: "odd" }),
      "refresh",
      { code: "server_error", oauthError: "odd" },
    ],
    ["an unreadable error", qwen, reply(200, { ...good, error: { x: 1 } }), "refresh", { kind: "unavailable" }],
    ["HTML", acme, reply(200, "<html></html>"), "refresh", { kind: "unavailable", code: "reply_malformed" }],
    ["nothing", acme, reply(204, ""), "refresh", { kind: "unavailable", code: "reply_malformed" }],
    ["a list", acme, reply(200, [good]), "refresh", { code: "reply_malformed" }],
    ["half of it", acme, reply(200, JSON.stringify(good).slice(0, -3)), "refresh", { code: "reply_malformed" }],
    ["UTF-16", acme, reply(200, JSON.stringify(good).split("").join("\u0000")), "refresh", { code: "reply_malformed" }],
  ];
  for (const [name, provider, answer, purpose, expected] of table) {
    it(`${name} (${provider.name}, ${answer.status}, ${purpose})`, () => {
      const outcome = judge(provider, answer, purpose);
      assert.deepEqual({ ...outcome, ...expected }, outcome);
      assert.equal("status" in outcome && outcome.status, answer.status);
    });
  }

  it("is not decided by a byte order mark or by a duplicate", () => {
    assert.equal(kindOf(`\u{FEFF}${JSON.stringify(good)}`), "issued");
    const twice = `{"access_token":"first",${JSON.stringify(good).slice(1)}`;
    const outcome = judge(acme, reply(200, twice));
    assert.ok(outcome.kind === "issued" && outcome.issued.accessToken.matches("at-1"));
  });

  it("takes no time over depth", () => {
    const spent = cpuMs(() => {
      assert.equal(kindOf("[".repeat(1_000_000)), "unavailable");
      assert.equal(kindOf(`{"a":${"[".repeat(500_000)}${"]".repeat(500_000)}}`), "unavailable");
    });
    assert.ok(spent < 3_000);
  });
});

describe("any reply whatever", () => {
  const member = fc.constantFrom(
    "access_token",
    "refresh_token",
    "id_token",
    "token_type",
    "expires_in",
    "error",
    "code",
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("Bearer", "CANARY", "invalid_grant", jwt({ exp }), null, 3600),
  );
  const body = fc.oneof(fc.dictionary(fc.oneof(member, fc.string()), value), fc.jsonValue(), fc.string());
  const status = fc.constantFrom(200, 201, 302, 400, 401, 403, 404, 429, 500, 503);
  const provider = fc.constantFrom<Provider>(acme, anthropic, codex, gemini, qwen);
  const purpose = fc.constantFrom<Purpose>("code", "refresh", "poll");

  it("is judged without throwing, without showing a token and without touching prototypes", () => {
    fc.assert(
      fc.property(provider, status, body, purpose, (of, code, said, what) => {
        const canary = {
          ...(typeof said === "object" && !Array.isArray(said) ? said : {}),
          access_token: "CANARY-A",
          refresh_token: "CANARY-R",
        };
        for (const answer of [reply(code, said), reply(code, canary), reply(code, `CANARY-A ${inspect(said)}`)]) {
          const outcome = judge(of, answer, what);
          const seen = inspect(outcome, { depth: Infinity, showHidden: true }) + JSON.stringify(outcome);
          assert.ok(!seen.includes("CANARY-"), seen);
        }
        assert.deepEqual(Object.keys(Object.prototype), []);
      }),
      { numRuns: 2000 },
    );
  });
});
