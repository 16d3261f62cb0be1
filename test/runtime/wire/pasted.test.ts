import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import * as fc from "fast-check";

import { Secret } from "../../../runtime/secret.ts";
import { judgePasted, type Pasted, pastedState } from "../../../runtime/wire/pasted.ts";
import { cpuMs } from "../../support/cpu.ts";

const state = "Xk3vQ9_hB-7Lw2pTzR5yN8mC4dF6gJ1sA0eUoIiYqKE";
const code = "4/0AbCdEf-ghIJkl_MNop.QRst~uv";
const page = {
  redirectUri: "https://platform.example/oauth/code/callback",
  state: new Secret("state", state),
  bareCode: true,
  issuer: null,
  issSent: false,
};
const loopback = { ...page, redirectUri: "http://localhost:1455/auth/callback", bareCode: false };
const query = `code=${encodeURIComponent(code)}&state=${state}`;

function judge(text: string, by: Parameters<typeof judgePasted>[1] = page): Pasted {
  const outcome = judgePasted(text, by);
  assert.deepEqual(inspect(judgePasted(new Secret("pasted_text", text), by)), inspect(outcome));
  return outcome;
}

function wordOf(text: string, by: Parameters<typeof judgePasted>[1] = page): string {
  const outcome = judge(text, by);
  return outcome.kind === "code" ? `${outcome.bare ? "bare" : "whole"} code` : outcome.code;
}

function assertCode(text: string, by: Parameters<typeof judgePasted>[1] = page): void {
  const outcome = judge(text, by);
  assert.ok(outcome.kind === "code" && !outcome.bare && outcome.code.matches(code), `${inspect(outcome)}: ${text}`);
  assert.equal(pastedState(text), state, text);
}

describe("a paste", () => {
  it("is read in every form in which vendors and browsers give it", () => {
    for (const text of [
      `${page.redirectUri}?${query}`,
      `${page.redirectUri}?state=${state}&scope=a+b&code=${encodeURIComponent(code)}#`,
      `${page.redirectUri}?code=${encodeURIComponent(code)}#${state}`,
      `${code}#${state}`,
      `${code}&${state}`,
      `${encodeURIComponent(code)}#${state}`,
      `?${query}`,
      query,
      `&${query}`,
      `callback?${query}`,
      `code=${encodeURIComponent(code)}#state=${state}`,
    ]) {
      assertCode(text);
    }
    for (const host of ["http://localhost:1455", "http://127.0.0.1:1455", "localhost:1455", "[::1]:1455"]) {
      assertCode(`${host}/auth/callback?${query}`, loopback);
    }
  });

  it("is the same after everything that happens to text on its way", () => {
    const url = `${page.redirectUri}?${query}`;
    for (const text of [url, `${code}#${state}`, query]) {
      for (const mangled of [
        `  ${text}\r\n`,
        `"${text}"`,
        `'${text}'\n`,
        `\u201C${text}\u201D`,
        `<${text}>`,
        `\`${text}\``,
        `\u001B[200~${text}\u001B[201~`,
        `^[[200~${text}^[[201~`,
        `[200~${text}[201~`,
        `\u{FEFF}${text}\u00A0\u200B`,
        encodeURIComponent(text),
        text.replace("#", "%23"),
      ]) {
        assertCode(mangled);
      }
    }
  });

  it("is the same whatever the width of the window (R4.2)", () => {
    const characters = "ABCXYZabcxyz0189-._~/+=".split("");
    const codes = fc.string({ unit: fc.constantFrom(...characters), minLength: 9, maxLength: 300 });
    const states = fc.string({ unit: fc.constantFrom(...characters.slice(0, 14)), minLength: 43, maxLength: 43 });
    const forms = fc.constantFrom("pair", "ampersand", "query", "address", "encoded");
    const breaks = fc.constantFrom("\n", "\r\n", "\n    ", " ", "\n│ ", "\u2028", "\t");
    fc.assert(
      fc.property(codes, states, forms, fc.integer({ min: 1, max: 200 }), breaks, (value, its, form, width, gap) => {
        // Digits alone mean something else, and `code=` alone is a query.
        fc.pre(!/^[\d-]+$|^(?:code|state|error|iss)=/.test(value) && !(form === "ampersand" && value.includes("=")));
        const inQuery = `code=${encodeURIComponent(value)}&state=${its}`;
        const text = {
          pair: `${value}#${its}`,
          ampersand: `${value}&${its}`,
          query: inQuery,
          address: `${page.redirectUri}?${inQuery}`,
          encoded: encodeURIComponent(`${page.redirectUri}?${inQuery}`),
        }[form];
        const mangled = text.replaceAll(new RegExp(`.{${width}}`, "gs"), (line) => line + gap);
        const outcome = judge(mangled, { ...page, state: new Secret("state", its) });
        assert.ok(
          outcome.kind === "code" && !outcome.bare && outcome.code.matches(value),
          inspect({ outcome, mangled }),
        );
        assert.equal(pastedState(mangled), its);
      }),
      { numRuns: 3000 },
    );
  });

  it("may be a bare code where the provider's data says so", () => {
    const outcome = judge(` ${code}\n`);
    assert.ok(outcome.kind === "code" && outcome.bare && outcome.code.matches(code));
    assert.equal(pastedState(code), null);
    assert.equal(wordOf(code, loopback), "pasted_truncated");
  });

  it("is never a code without its state in any other form", () => {
    for (const text of [
      `code=${code}`,
      `?code=${code}&x=1`,
      `${page.redirectUri}?code=${code}`,
      `${code}#`,
      `${code}&`,
    ]) {
      assert.equal(wordOf(text), "pasted_truncated", text);
    }
  });

  it("names the mistake (R4.3, T6)", () => {
    const other = state.split("").reverse().join("");
    const table: [string, string][] = [
      ["", "pasted_nothing"],
      [" \r\n\t", "pasted_nothing"],
      ['""', "pasted_nothing"],
      ["123456", "pasted_one_time_password"],
      ["1234 5678", "pasted_one_time_password"],
      ["123-456", "pasted_one_time_password"],
      ["12345", "pasted_unreadable"],
      [`${code}#${state.slice(0, 20)}`, "pasted_truncated"],
      [`${page.redirectUri}?code=${code}&state=${state.slice(0, -1)}`, "pasted_truncated"],
      [`${page.redirectUri}?state=${state}`, "pasted_truncated"],
      [`${page.redirectUri}?state=${state}&code=`, "pasted_truncated"],
      [state, "pasted_truncated"],
      [`#${state}`, "pasted_truncated"],
      [`${code}#${other}`, "pasted_other_sign_in"],
      [`${code}#${state}x`, "pasted_other_sign_in"],
      [`${page.redirectUri}?code=${code}&state=${other}`, "pasted_other_sign_in"],
      [`${page.redirectUri}?error=access_denied&state=${other}`, "pasted_other_sign_in"],
      [`https://evil.example/oauth/code/callback?${query}`, "pasted_other_address"],
      [`http://platform.example/oauth/code/callback?${query}`, "pasted_other_address"],
      [`https://platform.example:8443/oauth/code/callback?${query}`, "pasted_other_address"],
      [`${page.redirectUri}/?${query}`, "pasted_other_address"],
      [`http://localhost:1455/auth/callback?${query}`, "pasted_other_address"],
      [page.redirectUri, "pasted_unreadable"],
      [`${page.redirectUri}?x=1`, "pasted_unreadable"],
      [`${code}#${state}#${state}`, "pasted_unreadable"],
      [`${code}&${state}&x`, "pasted_unreadable"],
      [`${query}&code=again`, "pasted_unreadable"],
      [`${query}&id_token=x`, "pasted_other_sign_in"],
      ["https://[", "pasted_unreadable"],
      ["hello", "pasted_unreadable"],
      ["ungültiger-code", "pasted_unreadable"],
      ["x".repeat(65_537), "pasted_unreadable"],
    ];
    for (const [text, word] of table) assert.equal(wordOf(text), word, text.slice(0, 100));
    assert.equal(wordOf(`localhost:1456/auth/callback?${query}`, loopback), "pasted_other_address");
    assert.equal(wordOf(`http://localhost:1456/auth/callback?${query}`, loopback), "pasted_other_address");
  });

  it("may say no", () => {
    assert.deepEqual(judge(`${page.redirectUri}?error=access_denied&state=${state}`), {
      kind: "denied",
      code: "consent_denied",
      oauthError: "access_denied",
    });
  });

  it("names the issuer where it must, if it has room for one", () => {
    const by = { ...page, issuer: "https://id.example", issSent: true };
    assert.equal(wordOf(`${query}&iss=https%3A%2F%2Fid.example`, by), "whole code");
    assert.equal(wordOf(`${code}#${state}`, by), "whole code");
    assert.equal(wordOf(query, by), "pasted_truncated");
    assert.equal(wordOf(`${query}&iss=https%3A%2F%2Fb.example`, by), "pasted_other_sign_in");
  });

  it("never makes us throw, and is never repeated", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(60), (noise, at) => {
        const text = `CANARY${query.slice(0, at)}${noise}${query.slice(at)}#`;
        for (const by of [page, loopback]) {
          assert.ok(!inspect(judge(text, by), { showHidden: true, depth: Infinity }).includes("CANARY"));
        }
        pastedState(text);
      }),
      { numRuns: 2000 },
    );
  });

  it("is read in time linear in its length (T34)", () => {
    for (const junk of [
      "'",
      '"x',
      "[200~",
      "^[",
      "#",
      "&",
      "%",
      "%2",
      "code=",
      "?",
      "\u001B",
      " ",
      "a'",
      "1-",
      "http://",
    ]) {
      const text = junk.repeat(65_536 / junk.length);
      const spent = cpuMs(() => {
        judgePasted(text, page);
        judgePasted(`${text.slice(0, 65_000)}x`, page);
      });
      assert.ok(spent < 1_000, junk);
    }
  });
});
