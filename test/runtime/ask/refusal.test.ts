// What refusals mean: the vendors' tables (docs of the providers, "API errors"), row by row, and whatever else may come.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { type ProviderName, providers } from "../../../providers/index.ts";
import type { Provider } from "../../../providers/provider.ts";
import { catalogue } from "../../../machines/catalogue.ts";
import { isUnauthorized, refusalOf, refused } from "../../../runtime/wire/ask/refusal.ts";

const now = Date.UTC(2026, 10, 23, 10);

function judge(name: ProviderName, status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return refusalOf(providers[name], refused(status, { "content-type": "application/json", ...headers }, text), now);
}

const vendor = (type: string, message: string) => ({ type: "error", error: { type, message }, request_id: "req_1" });
const rpc = (status: string, message: string, ...details: object[]) => ({
  error: { code: 1, message, status, details },
});
const info = (reason: string, more: object = {}) => ({
  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
  reason,
  ...more,
});

describe("the tables of the vendors", () => {
  const rows: readonly (readonly [ProviderName, number, unknown, string, RegExp?])[] = [
    ["anthropic", 401, vendor("authentication_error", "OAuth token has expired."), "api_unauthorized"],
    [
      "anthropic",
      401,
      vendor("authentication_error", "OAuth authentication is currently not supported."),
      "api_ineligible",
    ],
    ["anthropic", 403, vendor("permission_error", "OAuth token has been revoked. Please obtain"), "api_unauthorized"],
    [
      "anthropic",
      403,
      vendor("permission_error", "token does not meet scope requirement user:profile"),
      "api_forbidden",
      /permission_error/,
    ],
    [
      "anthropic",
      400,
      vendor("invalid_request_error", "This credential is only authorized for use with Claude Code and"),
      "api_ineligible",
    ],
    [
      "anthropic",
      400,
      vendor("invalid_request_error", "Third-party apps now draw from your extra usage"),
      "api_ineligible",
    ],
    [
      "anthropic",
      400,
      vendor("invalid_request_error", "max_tokens: Field required"),
      "api_forbidden",
      /invalid_request_error/,
    ],
    ["anthropic", 429, vendor("rate_limit_error", "x"), "api_limited", /rate_limit_error/],
    ["anthropic", 529, vendor("overloaded_error", "Overloaded"), "api_failed", /overloaded_error/],
    ["codex", 401, { detail: "Unauthorized" }, "api_unauthorized", /HTTP 401/],
    ["codex", 401, { detail: "Could not parse your authentication token." }, "api_unauthorized"],
    ["codex", 401, { error: { code: "token_expired" } }, "api_unauthorized", /token_expired/],
    ["codex", 403, "<html><title>Just a moment", "api_failed", /HTTP 403, a page/],
    ["codex", 429, { error: { type: "usage_not_included" } }, "api_ineligible", /usage_not_included/],
    [
      "codex",
      429,
      { error: { type: "usage_limit_reached", resets_at: now / 1000 + 7200 } },
      "api_limited",
      /usage_limit_reached; again after 2026-11-23T12:00Z/,
    ],
    ["codex", 429, {}, "api_limited", /HTTP 429/],
    ["codex", 503, { error: { code: "server_is_overloaded" } }, "api_failed", /server_is_overloaded/],
    ["codex", 503, { error: { code: "slow_down" } }, "api_failed"],
    ["gemini", 401, rpc("UNAUTHENTICATED", "x"), "api_unauthorized"],
    [
      "gemini",
      403,
      rpc(
        "PERMISSION_DENIED",
        "x",
        info("VALIDATION_REQUIRED", { metadata: { validation_link: "https://id.example/go?x=1" } }),
      ),
      "api_ineligible",
      /VALIDATION_REQUIRED; see https:\/\/id\.example\/go\?x=1/,
    ],
    [
      "gemini",
      403,
      rpc("PERMISSION_DENIED", "x", info("VALIDATION_REQUIRED"), { links: [{ url: "https://id.example/help" }] }),
      "api_ineligible",
      /see https:\/\/id\.example\/help/,
    ],
    [
      "gemini",
      403,
      rpc(
        "PERMISSION_DENIED",
        "x",
        info("VALIDATION_REQUIRED", { metadata: { validation_link: "javascript:alert(1)" } }),
      ),
      "api_ineligible",
      /^VALIDATION_REQUIRED$/,
    ],
    ["gemini", 403, rpc("PERMISSION_DENIED", "x"), "api_forbidden", /PERMISSION_DENIED/],
    [
      "gemini",
      429,
      rpc("RESOURCE_EXHAUSTED", "x", info("RATE_LIMIT_EXCEEDED"), { retryDelay: "34.07s" }),
      "api_limited",
      /RATE_LIMIT_EXCEEDED; again in 35 s/,
    ],
    ["gemini", 499, rpc("CANCELLED", "x"), "api_limited"],
    ["gemini", 403, rpc("PERMISSION_DENIED", "x", info("QUOTA_EXHAUSTED")), "api_limited", /QUOTA_EXHAUSTED/],
    ["gemini", 503, rpc("UNAVAILABLE", "x", info("MODEL_CAPACITY_EXHAUSTED")), "api_limited"],
    ["gemini", 400, rpc("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "api_unauthorized"],
    ["gemini", 400, rpc("INVALID_ARGUMENT", "x"), "api_forbidden"],
    [
      "qwen",
      401,
      { error: { code: "invalid_api_key", message: "invalid access token or token expired" } },
      "api_unauthorized",
    ],
    ["qwen", 403, { error: { code: "insufficient_quota" } }, "api_limited", /insufficient_quota/],
    ["qwen", 429, {}, "api_limited"],
    ["qwen", 500, "", "api_failed", /HTTP 500/],
    ["qwen", 401, "<html>", "api_unauthorized"],
    ["qwen", 302, "", "unexpected_redirect"],
    ["qwen", 408, "", "api_failed"],
    ["qwen", 404, { error: { code: "model_not_found" } }, "api_forbidden", /model_not_found/],
  ];
  for (const [name, status, body, code, detail = /^/] of rows) {
    it(`${name} ${status} ${JSON.stringify(body).slice(0, 90)}`, () => {
      const page = typeof body === "string" && body.startsWith("<") ? { "content-type": "text/html" } : {};
      const refusal = judge(name, status, body, page);
      assert.equal(refusal.code, code);
      assert.match(refusal.detail, detail);
      const text = typeof body === "string" ? body : JSON.stringify(body);
      assert.equal(isUnauthorized(providers[name], refused(status, page, text)), code === "api_unauthorized");
    });
  }
});

const detailOf = (after: string) => judge("qwen", 429, {}, { "retry-after": after }).detail;

describe("when it is worth trying again", () => {
  it("is told in seconds or as a moment", () => {
    assert.match(detailOf("0"), /again in 0 s/);
    assert.match(detailOf("3599"), /again in 3599 s/);
    assert.match(detailOf("86400"), /again after 2026-11-24T10:00Z/);
    assert.match(detailOf("Mon, 23 Nov 2026 10:01:30 GMT"), /again in 90 s/);
    assert.match(detailOf("Mon, 23 Nov 2026 09:00:00 GMT"), /again in 0 s/);
  });

  it("is not guessed from garbage", () => {
    for (const garbage of ["", "soon", "-1", "1e9", "99999999999", "Mon, 99 Nov 2026 10:01:30 GMT"]) {
      assert.equal(detailOf(garbage), "HTTP 429", garbage);
    }
  });
});

describe("any refusal", () => {
  const custom: Provider = {
    ...providers.qwen,
    apiErrors: { excluded: ["a phrase", "over_*"], limited: [], unauthorized: [] },
  };

  it("is one of the known, and passes on no text but what looks like a code", () => {
    const canary = fc.constantFrom(
      "s3cret text",
      "s3cret\n",
      "\u001b[31ms3cret",
      "s3cret token=abc",
      `s3cret${"x".repeat(300)}`,
    );
    const text = fc.oneof(canary, fc.anything());
    const optional = { requiredKeys: [] };
    const detail = fc.record(
      {
        reason: text,
        retryDelay: text,
        links: fc.array(fc.record({ url: text })),
        metadata: fc.dictionary(fc.constantFrom("url", "link"), text),
      },
      optional,
    );
    const error = fc.record(
      {
        code: text,
        type: text,
        status: text,
        message: text,
        resets_at: text,
        details: fc.oneof(text, fc.array(detail, { maxLength: 3 })),
      },
      optional,
    );
    const reply = fc.record({ error: fc.oneof(text, error), code: text, detail: text, message: text }, optional);
    const body = fc.oneof(
      canary,
      fc.string(),
      reply.map((value) => safeJson(value)),
    );
    const status = fc.integer({ min: 100, max: 599 });
    fc.assert(
      fc.property(
        status,
        body,
        fc.dictionary(fc.constantFrom("retry-after", "content-type"), fc.oneof(canary, fc.string())),
        (code, said, headers) => {
          for (const provider of [...Object.values(providers), custom]) {
            const judged = refused(code, headers, said);
            const refusal = refusalOf(provider, judged, now);
            assert.ok(refusal.code in catalogue);
            assert.doesNotMatch(`${refusal.detail} ${refusal.oauthError}`, /s3cret|[^\x20-\x7e]/);
            assert.equal(isUnauthorized(provider, judged), refusal.code === "api_unauthorized");
          }
        },
      ),
    );
  });

  it("has its words looked for before its status, in the order of the data", () => {
    const both = judgeBy(custom, 401, { error: { code: "insufficient_quota", message: "with a phrase in it" } });
    assert.deepEqual([both.code, both.detail, both.oauthError], ["api_ineligible", "a phrase", "insufficient_quota"]);
    assert.equal(judgeBy(custom, 200, { error: "over_there" }).code, "api_ineligible");
    assert.equal(
      judgeBy(custom, 403, { error: { message: "over_there" } }).code,
      "api_forbidden",
      "a code is no phrase",
    );
  });
});

function judgeBy(provider: Provider, status: number, body: object) {
  return refusalOf(provider, refused(status, {}, JSON.stringify(body)), now);
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
