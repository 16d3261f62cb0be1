import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import * as fc from "fast-check";

import { providers } from "../../../providers/index.ts";
import type { Provider } from "../../../providers/provider.ts";
import { type DeviceOutcome, deviceReply, pollReply, type WireReply } from "../../../runtime/wire/response.ts";
import { acme, jwt, now, reply } from "./sample.ts";

const { codex, gemini, qwen } = providers;
const good = {
  device_code: "dc-1",
  user_code: "WDJB-MJHT",
  verification_uri: "https://id.acme.example/device",
  verification_uri_complete: "https://id.acme.example/device?user_code=WDJB-MJHT",
  expires_in: 1800,
  interval: 5,
};
const tokens = { access_token: "at-1", token_type: "Bearer", expires_in: 60 };
const verifier = "v".repeat(43);

function started(body: unknown, provider: Provider = acme): DeviceOutcome & { kind: "started" } {
  const outcome = deviceReply(provider, reply(200, body));
  assert.ok(outcome.kind === "started", inspect(outcome));
  return outcome;
}

function poll(provider: Provider, answer: WireReply): { kind: string; code?: unknown } {
  return pollReply(provider, answer, { clientId: "client-1" });
}

function pageOf(verification_uri: unknown): string {
  const outcome = deviceReply(acme, reply(200, { ...good, verification_uri }));
  return "code" in outcome ? outcome.code : outcome.verificationUri;
}

function error(code: string): object {
  return { error: code, error_description: "x" };
}

describe("the start of a device sign-in", () => {
  it("by the book (RFC 8628 3.2)", () => {
    const { deviceCode, ...rest } = started(good);
    assert.ok(deviceCode.matches("dc-1"));
    assert.deepEqual(rest, {
      kind: "started",
      userCode: "WDJB-MJHT",
      verificationUri: good.verification_uri,
      verificationUriComplete: good.verification_uri_complete,
      expiresAt: now + 1_800_000,
      intervalMs: 5000,
    });
  });

  it("in the JSON dialect: an id for the code, an interval in text, no page and no lifetime", () => {
    for (const name of ["user_code", "usercode"]) {
      const { deviceCode, ...rest } = started({ device_auth_id: "da-1", [name]: "AB-12", interval: "7" }, codex);
      assert.ok(deviceCode.matches("da-1"));
      assert.deepEqual(rest, {
        kind: "started",
        userCode: "AB-12",
        verificationUri: codex.device.verificationUri,
        verificationUriComplete: null,
        expiresAt: now + 900_000,
        intervalMs: 7000,
      });
    }
  });

  it("falls back on the provider's data for what is missing or garbage (D03, T25)", () => {
    for (const bad of [undefined, null, 0, -1, "abc", true, {}, 1e300]) {
      const { expiresAt, intervalMs } = started({ ...good, expires_in: bad, interval: bad }, qwen);
      assert.deepEqual([expiresAt, intervalMs], [now + 900_000, 5000], inspect(bad));
    }
    assert.equal(started({ ...good, interval: 0.001 }).intervalMs, 1000);
    assert.equal(started({ ...good, interval: 86_400 }).intervalMs, 3_600_000);
  });

  it("needs its codes, fit to be sent and shown (D02, D04, T28)", () => {
    for (const name of ["device_code", "user_code"]) {
      for (const bad of [undefined, null, "", 5, "a\u001B[2J", "a\nb", "ä", "a\u202Eb"]) {
        const outcome = deviceReply(acme, reply(200, { ...good, [name]: bad }));
        assert.deepEqual({ ...outcome, kind: "unavailable", code: "reply_malformed" }, outcome);
      }
    }
    assert.equal(deviceReply(acme, reply(200, { ...good, user_code: "x".repeat(101) })).kind, "unavailable");
  });

  it("sends people to a safe page only (T30)", () => {
    for (const bad of [
      "javascript:alert(1)",
      "file:///etc/passwd",
      "data:text/html,x",
      "http://id.acme.example/device",
      "https://user@id.acme.example/device",
      'https://a"&calc&.example/',
      "\\\\server\\share",
      "-flag",
      "https://id.acme.example/\u001B[2J",
      "",
      5,
    ]) {
      assert.equal(pageOf(bad), "url_unsafe", String(bad));
    }
    assert.equal(pageOf(undefined), "url_unsafe");
    assert.equal(pageOf("http://127.0.0.1:4010/device"), "http://127.0.0.1:4010/device");
    assert.equal(pageOf("https://id.acme.example/a'b"), "https://id.acme.example/a'b");
  });

  it("sends nobody to an address that fills the screen (T28)", () => {
    const long = `https://id.acme.example/${"x".repeat(1_000_000)}`;
    assert.equal(pageOf(long), "url_unsafe");
    assert.equal(started({ ...good, verification_uri_complete: long }).verificationUriComplete, null);
    assert.match(pageOf(long.slice(0, 2_000)), /^https:/);
  });

  it("drops a complete address that leads elsewhere", () => {
    for (const bad of ["https://evil.example/?user_code=1", "javascript:x", "http://id.acme.example/", 5]) {
      assert.equal(started({ ...good, verification_uri_complete: bad }).verificationUriComplete, null);
    }
  });

  it("fails in the words of the vendor", () => {
    const table: [Provider, WireReply, object][] = [
      [codex, reply(404, ""), { kind: "refused", code: "device_login_off" }],
      [qwen, reply(404, ""), { kind: "misconfigured", code: "endpoint_missing" }],
      [qwen, reply(200, { error: "invalid_client" }), { kind: "misconfigured", code: "client_refused" }],
      [qwen, reply(400, { error: "invalid_scope" }), { kind: "refused", code: "sign_in_refused" }],
      [qwen, reply(200, "<html>"), { kind: "unavailable", code: "reply_malformed" }],
      [qwen, reply(403, "<html>"), { kind: "unavailable", code: "server_error" }],
      [codex, reply(429, { error: "x" }), { kind: "unavailable", code: "rate_limited" }],
      [codex, reply(502, { error: "x" }), { kind: "unavailable", code: "server_error", oauthError: "x" }],
      [codex, reply(302, ""), { kind: "misconfigured", code: "unexpected_redirect" }],
      [gemini, reply(200, good), { kind: "unavailable" }],
    ];
    for (const [provider, answer, expected] of table) {
      const outcome = deviceReply(provider, answer);
      assert.deepEqual({ ...outcome, ...expected }, outcome);
    }
  });
});

describe("one poll", () => {
  const table: [Provider, WireReply, object][] = [
    // RFC 8628 3.5, and the same with the statuses that vendors use.
    [acme, reply(400, error("authorization_pending")), { kind: "pending" }],
    [qwen, reply(400, error("authorization_pending")), { kind: "pending" }],
    [acme, reply(400, error("slow_down")), { kind: "slow_down" }],
    [qwen, reply(429, error("slow_down")), { kind: "slow_down" }],
    [qwen, reply(200, error("authorization_pending")), { kind: "pending" }],
    [acme, reply(400, error("access_denied")), { kind: "denied", code: "consent_denied" }],
    [acme, reply(400, error("expired_token")), { kind: "expired", code: "device_code_expired" }],
    [acme, reply(400, error("invalid_grant")), { kind: "expired" }],
    [qwen, reply(401, {}), { kind: "expired" }],
    [qwen, reply(401, "<html>"), { kind: "unavailable" }],
    [qwen, reply(429, error("rate_limit")), { kind: "unavailable", code: "rate_limited", oauthError: "rate_limit" }],
    [qwen, reply(200, { access_token: null, refresh_token: null }), { kind: "pending" }],
    [qwen, reply(200, {}), { kind: "unavailable", code: "reply_malformed" }],
    [qwen, reply(504, "<html>"), { kind: "unavailable", code: "server_error" }],
    [acme, reply(400, "<html>"), { kind: "unavailable", code: "server_error" }],
    [acme, reply(400, error("odd")), { kind: "refused", code: "sign_in_refused", oauthError: "odd" }],
    [acme, reply(503, error("odd")), { kind: "unavailable" }],
    [acme, reply(400, error("invalid_client")), { kind: "misconfigured", code: "client_refused" }],
    [acme, reply(404, ""), { kind: "misconfigured" }],
    // The dialect in which a status says it all.
    [codex, reply(403, error("access_denied")), { kind: "pending" }],
    [codex, reply(404, "<html>"), { kind: "pending" }],
    [codex, reply(400, { error: { code: "odd" } }), { kind: "refused", oauthError: "odd" }],
    [codex, reply(500, ""), { kind: "unavailable" }],
    [codex, reply(200, tokens), { kind: "unavailable", code: "reply_malformed" }],
    [codex, reply(200, { authorization_code: "c", code_verifier: "short" }), { kind: "unavailable" }],
    [codex, reply(200, { authorization_code: "c\n", code_verifier: verifier }), { kind: "unavailable" }],
    [codex, reply(200, { authorization_code: "c", code_verifier: `${"v".repeat(43)}\n` }), { kind: "unavailable" }],
    [gemini, reply(200, tokens), { kind: "unavailable" }],
  ];
  for (const [provider, answer, expected] of table) {
    it(`${answer.status} ${answer.body.slice(0, 60)} (${provider.name})`, () => {
      const outcome = poll(provider, answer);
      assert.deepEqual({ ...outcome, ...expected }, outcome);
    });
  }

  it("ends with tokens, or with a code and the server's verifier", () => {
    const issued = pollReply(qwen, reply(200, { ...tokens, resource_url: "portal.qwen.ai" }), { clientId: "c" });
    assert.ok(issued.kind === "issued");
    assert.ok(issued.issued.accessToken.matches("at-1"));
    assert.equal(issued.issued.extra["resource_url"], "portal.qwen.ai");
    const body = { authorization_code: "c-1", code_verifier: verifier, code_challenge: "x" };
    const code = pollReply(codex, reply(200, body), { clientId: "c" });
    assert.ok(code.kind === "code");
    assert.ok(code.code.matches("c-1") && code.verifier.matches(verifier));
  });

  it("never throws and never shows a secret, whatever comes", () => {
    const canaries = { access_token: "CANARY-A", device_code: "CANARY-D", authorization_code: "CANARY-C" };
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom("Bearer", verifier, jwt({}), "slow_down", null));
    const name = fc.constantFrom("error", "code", "access_token", "user_code", "token_type", "verification_uri");
    const body = fc.dictionary(fc.oneof(name, fc.string()), value);
    fc.assert(
      fc.property(
        fc.constantFrom<Provider>(acme, codex, qwen),
        fc.constantFrom(200, 400, 401, 403, 429, 500),
        body,
        (provider, status, said) => {
          for (const answer of [
            reply(status, said),
            reply(status, { ...said, ...canaries }),
            reply(status, inspect(said)),
          ]) {
            const outcomes = [deviceReply(provider, answer), poll(provider, answer)];
            assert.ok(!inspect(outcomes, { depth: Infinity, showHidden: true }).includes("CANARY"));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
