import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { providers } from "../../../providers/index.ts";
import { replyOf } from "../../../runtime/wire/reply.ts";
import { metadataReply, retryAfterMs, revokeReply, userinfoReply } from "../../../runtime/wire/response.ts";
import { now, reply } from "./sample.ts";

const issuer = "https://id.example";
const metadata = {
  issuer,
  authorization_endpoint: "https://id.example/authorize",
  token_endpoint: "https://login.id.example/token",
  code_challenge_methods_supported: ["plain", "S256"],
  authorization_response_iss_parameter_supported: true,
};

describe("metadata (RFC 8414)", () => {
  it("gives the endpoints that it names", () => {
    assert.deepEqual(metadataReply(issuer, reply(200, metadata)), {
      authorization: "https://id.example/authorize",
      token: "https://login.id.example/token",
      device: null,
      revocation: null,
      userinfo: null,
      issuer,
      issSent: true,
    });
    const all = {
      ...metadata,
      device_authorization_endpoint: "https://id.example/d",
      revocation_endpoint: "https://id.example/r",
      userinfo_endpoint: "https://id.example/u",
      code_challenge_methods_supported: undefined,
      authorization_response_iss_parameter_supported: "true",
    };
    const { device, revocation, userinfo, issSent } = metadataReply(issuer, reply(200, all));
    assert.deepEqual(
      [device, revocation, userinfo, issSent],
      ["https://id.example/d", "https://id.example/r", "https://id.example/u", false],
    );
  });

  it("is the issuer's own, to the letter (I01)", () => {
    for (const other of ["https://id.example/", "https://ID.example", "https://id.example:443", undefined, null, 5]) {
      assert.throws(() => metadataReply(issuer, reply(200, { ...metadata, issuer: other })), {
        code: "issuer_mismatch",
      });
    }
  });

  it("offers S256 if it says what it offers (T5)", () => {
    for (const methods of [["plain"], [], "S256", null]) {
      const body = { ...metadata, code_challenge_methods_supported: methods };
      assert.throws(() => metadataReply(issuer, reply(200, body)), { code: "pkce_unsupported" });
    }
  });

  it("names no endpoint that may not be used", () => {
    for (const token_endpoint of [
      "http://id.example/token",
      "http://127.0.0.1:1/token",
      "https://a@id.example/",
      5,
      "",
    ]) {
      assert.throws(
        () => metadataReply(issuer, reply(200, { ...metadata, token_endpoint })),
        { code: "endpoint_insecure", message: /token endpoint/ },
        String(token_endpoint),
      );
    }
    const local = "http://127.0.0.1:9000";
    const body = { issuer: local, token_endpoint: `${local}/token` };
    assert.equal(metadataReply(local, reply(200, body)).token, `${local}/token`);
  });

  it("fails in one of our words", () => {
    for (const [status, body, code] of [
      [404, "", "endpoint_missing"],
      [301, "", "unexpected_redirect"],
      [200, "<html>", "reply_malformed"],
      [200, { ...metadata, error: "x" }, "server_error"],
      [500, "", "server_error"],
      [429, "", "rate_limited"],
    ] as const) {
      assert.throws(() => metadataReply(issuer, reply(status, body)), { name: "AuthError", code, status });
    }
  });
});

describe("a revocation (RFC 7009 2.2)", () => {
  it("has worked with any success, whatever the body (V02)", () => {
    for (const answer of [reply(200, ""), reply(200, "<html>"), reply(204, ""), reply(200, { error: "x" })]) {
      assert.deepEqual(revokeReply(answer), { kind: "revoked" });
    }
    assert.deepEqual(revokeReply(reply(400, { error: "invalid_token" })), { kind: "revoked" });
  });

  it("has not worked otherwise, and may be tried again (V03)", () => {
    assert.deepEqual(revokeReply(reply(503, "", { "retry-after": "3" })), {
      kind: "unavailable",
      code: "server_error",
      oauthError: null,
      status: 503,
      retryAfterMs: 3000,
    });
    assert.equal(revokeReply(reply(400, { error: "unsupported_token_type" })).kind, "unavailable");
    assert.equal(revokeReply(reply(302, "")).kind, "unavailable");
    assert.equal(revokeReply(reply(500, { error: "invalid_token" })).kind, "unavailable");
  });
});

describe("the userinfo reply", () => {
  const { gemini, qwen } = providers;

  it("names somebody, harmlessly, or nobody", () => {
    assert.equal(userinfoReply(gemini, reply(200, { email: "me@example.com" })), "me@example.com");
    assert.equal(userinfoReply(gemini, reply(200, { email: "me\u001B[2J\n@x" })), "me [2J @x");
    assert.equal(userinfoReply(qwen, reply(200, { email: "me@example.com" })), null);
    for (const answer of [reply(401, { email: "x" }), reply(200, "<html>"), reply(200, { email: 5 }), reply(200, {})]) {
      assert.equal(userinfoReply(gemini, answer), null);
    }
  });
});

function after(value: string): number | null {
  return retryAfterMs({ "retry-after": value }, now);
}

describe("Retry-After", () => {
  it("is seconds or a date, within an hour", () => {
    assert.equal(after("0"), 0);
    assert.equal(after(" 120 "), 120_000);
    assert.equal(after("99999999999999999999"), 3_600_000);
    assert.equal(after("Mon, 23 Nov 2026 10:01:00 GMT"), 60_000);
    assert.equal(after("Mon, 23 Nov 2026 09:00:00 GMT"), 0);
    assert.equal(after("Fri, 31 Dec 9999 23:59:59 GMT"), 3_600_000);
  });

  it("is nothing else", () => {
    for (const value of ["", "-1", "1.5", "34.07s", "soon", "Infinity", "Mon, 99 Nov 2026 10:01:00 GMT"]) {
      assert.equal(after(value), null, value);
    }
    assert.equal(retryAfterMs({}, now), null);
  });
});

describe("a reply from the network", () => {
  it("can be read and not seen", () => {
    const heard = replyOf(200, {}, "CANARY", now);
    assert.equal(heard.body, "CANARY");
    for (const value of [heard, { ...heard }, new Error("x", { cause: heard })]) {
      assert.ok(!(inspect(value, { showHidden: true, depth: Infinity }) + JSON.stringify(value)).includes("CANARY"));
    }
  });
});
