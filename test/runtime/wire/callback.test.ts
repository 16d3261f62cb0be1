import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import * as fc from "fast-check";

import { Secret } from "../../../runtime/secret.ts";
import { type Callback, judgeCallback } from "../../../runtime/wire/callback.ts";
import { cpuMs } from "../../support/cpu.ts";

const state = "s-0123456789abcdefghijklmnopqrstuvwxyz";
const redirectUri = "http://localhost:1455/auth/callback";
const navigation = { "sec-fetch-mode": "navigate", "sec-fetch-site": "cross-site", "sec-fetch-dest": "document" };
const expected = { redirectUri, state: new Secret("state", state), issuer: null, issSent: false };
const withIssuer = { ...expected, issuer: "https://id.example", issSent: true };

interface Changes {
  readonly method?: string;
  readonly url?: string;
  readonly host?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

function judge(changes: Changes = {}, by: Parameters<typeof judgeCallback>[1] = expected): Callback {
  const url = `/auth/callback?code=c-1&state=${state}`;
  return judgeCallback({ method: "GET", url, host: "localhost:1455", headers: navigation, ...changes }, by);
}

function withQuery(query: string, by = expected as Parameters<typeof judgeCallback>[1]): Callback {
  return judge({ url: `/auth/callback?${query}` }, by);
}

function statusOf(outcome: Callback): number | string {
  return outcome.kind === "ignored" ? outcome.status : outcome.kind;
}

describe("the callback", () => {
  it("brings the code", () => {
    const outcome = judge();
    assert.ok(outcome.kind === "code" && outcome.code.matches("c-1"));
    const encoded = withQuery(`state=${state}&code=4%2F0A%2Bb%3D&scope=a+b&authuser=0&hd=x`);
    assert.ok(encoded.kind === "code" && encoded.code.matches("4/0A+b="));
  });

  it("ignores parameters that it does not know (R10)", () => {
    const more = Array.from({ length: 20 }, (_, n) => `&p${n}=x`).join("");
    assert.equal(withQuery(`code=c-1&state=${state}${more}`).kind, "code");
  });

  it("without the right state moves nothing, an error included (T1, R13)", () => {
    const wrong = ["", "&state=", `&state=${state}x`, `&state=${state.slice(0, -1)}`, `&state=${state.toUpperCase()}`];
    for (const part of wrong) {
      assert.equal(statusOf(withQuery(`code=c-1${part}`)), 400);
      assert.equal(statusOf(withQuery(`error=access_denied${part}`)), 400);
    }
  });

  it("takes each parameter once (T9, R11)", () => {
    for (const query of [
      `code=c-1&code=c-2&state=${state}`,
      `code=c-1&state=${state}&state=${state}`,
      `code=c-1&state=${state}&%73tate=other`,
      `code=c-1&c%6Fde=c-2&state=${state}`,
      `code=c-1&state=${state}&x=1&x=2`,
      `code[]=c-1&state=${state}`,
      `code=c-1;state=${state}`,
      `state=${state}`,
      `code=&state=${state}`,
      `code=a%00b&state=${state}`,
      `code=%FF&state=${state}`,
      `code=c-1&state=${state}&access_token=x`,
      `code=c-1&state=${state}&id_token=x`,
    ]) {
      assert.equal(statusOf(withQuery(query)), 400, query);
    }
  });

  it("comes to this path only (T17, T18)", () => {
    const query = `?code=c-1&state=${state}`;
    for (const path of [
      "/",
      "/auth/callback/",
      "//auth/callback",
      "/auth//callback",
      "/auth/callback%2F",
      "/auth/%63allback",
      "/auth/./callback",
      "/x/../auth/callback",
      "/AUTH/callback",
      "/auth/callbackx",
      "/auth/callback#x",
      "/auth/callback;x",
      "/favicon.ico",
      "/cancel",
      "http://localhost:1455/auth/callback",
      "http://evil.example/auth/callback",
      "*",
      "",
    ]) {
      assert.equal(statusOf(judge({ url: path + query })), 404, path);
    }
    assert.equal(statusOf(judge({ url: `/auth/callback${query}${"&a=".padEnd(70_000, "x")}` })), 400);
  });

  it("comes by GET", () => {
    for (const method of ["POST", "HEAD", "OPTIONS", "PUT", "get", ""]) assert.equal(statusOf(judge({ method })), 405);
  });

  it("comes to this host, in any spelling of this machine (T14)", () => {
    for (const host of ["localhost:1455", "LOCALHOST:1455", "127.0.0.1:1455", "[::1]:1455"]) {
      assert.equal(statusOf(judge({ host })), "code", host);
    }
    for (const host of [
      "evil.example",
      "evil.example:1455",
      "localhost",
      "localhost:1456",
      "127.0.0.1:80",
      "localhost:1455.evil",
      "localhost:1455, evil.example",
      "user@localhost:1455",
      "localhost.evil:1455",
      "localhost:01455",
      "localhost:",
      "[::2]:1455",
      "",
    ]) {
      assert.equal(statusOf(judge({ host })), 421, host);
    }
    assert.equal(statusOf(judge({ host: undefined })), 400);
    const port80 = { ...expected, redirectUri: "http://127.0.0.1/auth/callback" };
    for (const host of ["127.0.0.1", "localhost:80"]) assert.equal(statusOf(judge({ host }, port80)), "code");
  });

  it("comes by navigating, not from a page's script (T14)", () => {
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site" },
      { "sec-fetch-mode": "cors", origin: "http://localhost:1455", "sec-fetch-site": "same-origin" },
      { "sec-fetch-mode": "no-cors", "sec-fetch-site": "same-site" },
    ]) {
      assert.equal(statusOf(judge({ headers })), 400, inspect(headers));
    }
    // An older browser says nothing, a program that follows redirects only a mode; the state decides.
    for (const headers of [{}, { "sec-fetch-site": "none" }, { "sec-fetch-mode": "cors" }, navigation]) {
      assert.equal(statusOf(judge({ headers })), "code");
    }
  });

  it("names the issuer where it must (RFC 9207, M01, M02, M05)", () => {
    const iss = encodeURIComponent("https://id.example");
    assert.equal(withQuery(`code=c-1&state=${state}&iss=${iss}`, withIssuer).kind, "code");
    for (const part of [
      "",
      "&iss=",
      `&iss=${iss}%2F`,
      `&iss=${iss}:443`,
      "&iss=https://ID.example",
      "&iss=https://b.example",
    ]) {
      assert.equal(statusOf(withQuery(`code=c-1&state=${state}${part}`, withIssuer)), 400, part);
      assert.equal(statusOf(withQuery(`error=access_denied&state=${state}${part}`, withIssuer)), 400, part);
    }
    assert.equal(withQuery(`code=c-1&state=${state}`, { ...withIssuer, issSent: false }).kind, "code");
    // M04: without metadata there is nothing to compare with.
    assert.equal(withQuery(`code=c-1&state=${state}&iss=${iss}`).kind, "code");
  });

  it("may say no, in any words (R14)", () => {
    for (const [error, code] of [
      ["access_denied", "consent_denied"],
      ["invalid_request", "sign_in_refused"],
      ["unauthorized_client", "client_refused"],
      ["unsupported_response_type", "client_refused"],
      ["invalid_scope", "sign_in_refused"],
      ["server_error", "server_error"],
      ["temporarily_unavailable", "server_error"],
      ["login_required", "sign_in_refused"],
      ["something_new", "sign_in_refused"],
    ] as const) {
      assert.deepEqual(withQuery(`error=${error}&state=${state}`), { kind: "denied", code, oauthError: error });
    }
    const outcome = withQuery(`error=%1B[2J%00x%22&code=c&state=${state}`);
    assert.deepEqual(outcome, { kind: "denied", code: "sign_in_refused", oauthError: "[2Jx" });
    assert.deepEqual(withQuery(`error=&state=${state}`), { ...outcome, oauthError: "unreadable" });
  });

  it("never throws, and repeats nothing of the request", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.string(),
        fc.dictionary(fc.string(), fc.string()),
        (url, host, headers) => {
          for (const target of [url, `/auth/callback?${url}`, `/auth/callback?state=${state}&code=CANARY&${url}`]) {
            for (const at of [host, "localhost:1455"]) {
              const outcome = judge({ url: target, host: at, headers });
              assert.ok(!inspect(outcome, { showHidden: true }).includes("CANARY"));
            }
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("reads a megabyte in no time (T34)", () => {
    const spent = cpuMs(() => {
      for (const junk of ["&", "%", "=", "state=&", "+", "%2"]) {
        assert.equal(statusOf(withQuery(junk.repeat(1_000_000 / junk.length))), 400);
      }
    });
    assert.ok(spent < 3_000);
  });
});
