// Targets: what comes from a browser or a person. Everybody in the browser can knock at the listener, and people paste
// anything.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { AuthError } from "../../machines/errors.ts";
import { Secret } from "../../runtime/secret.ts";
import { type CallbackRequest, judgeCallback } from "../../runtime/wire/callback.ts";
import { judgePasted, pastedState } from "../../runtime/wire/pasted.ts";
import type { Expected } from "../../runtime/wire/redirect.ts";
import { mutantsOf, strangeTexts } from "./hostile.ts";
import { secretOf } from "./marks.ts";
import { target, type Target } from "./target.ts";

const state = secretOf("state");
const code = secretOf("code");
const issuer = "https://id.example";
const redirectUri = "http://localhost:1455/auth/callback";
const pageUri = "https://platform.example/oauth/code/callback";

const expectations: fc.Arbitrary<Expected> = fc
  .constantFrom({ issuer: null, issSent: false }, { issuer, issSent: false }, { issuer, issSent: true })
  .map(({ issuer: its, issSent }) => ({ redirectUri, state: new Secret("state", state), issuer: its, issSent }));

const encode = encodeURIComponent;
const good = [`code=${encode(code)}`, `state=${state}`, `iss=${encode(issuer)}`];
const names = fc.constantFrom(
  "code",
  "state",
  "iss",
  "error",
  "access_token",
  "id_token",
  "scope",
  "%73tate",
  "code[]",
  "__proto__",
  "",
);
const strangeParts = fc.tuple(names, strangeTexts).map(([name, text]) => `${name}=${escaped(text)}`);
const hiddenParts = fc.constantFrom(
  `code=${code}%00`,
  `id_token=${code}`,
  `x=${code}`,
  code,
  `state=${state.slice(0, -1)}`,
  `state=${state}x`,
);

function escaped(text: string): string {
  return encode(text.toWellFormed());
}

/** The parameters of a redirect, of which some are wrong, double or missing. */
const queries: fc.Arbitrary<{ readonly parts: readonly string[]; readonly isIntact: boolean }> = fc
  .tuple(
    fc.subarray([0, 1, 2], { minLength: 0 }),
    fc.boolean(),
    fc.array(fc.oneof(strangeParts, hiddenParts), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([kept, isWhole, more, isFirst]) => {
    const mine = isWhole ? good : kept.map((index) => good[index] ?? "");
    return { parts: isFirst ? [...more, ...mine] : [...mine, ...more], isIntact: isWhole && more.length === 0 };
  });

interface Knock {
  readonly request: CallbackRequest;
  readonly expected: Expected;
  readonly isIntact: boolean;
}

const headers: fc.Arbitrary<Readonly<Record<string, string>>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ "sec-fetch-mode": "navigate" }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom("sec-fetch-mode", "sec-fetch-site", "origin", "__proto__"), strangeTexts),
  },
);

const knocks: fc.Arbitrary<Knock> = fc
  .record({
    query: queries,
    expected: expectations,
    separator: fc.oneof(
      { weight: 12, arbitrary: fc.constant("&") },
      { weight: 1, arbitrary: fc.constantFrom(";", "&&", "#", "?") },
    ),
    path: fc.oneof({ weight: 12, arbitrary: fc.constant("/auth/callback") }, { weight: 1, arbitrary: strangeTexts }),
    host: fc.oneof(
      { weight: 12, arbitrary: fc.constant("localhost:1455") },
      { weight: 1, arbitrary: fc.option(strangeTexts, { nil: undefined }) },
    ),
    method: fc.oneof({ weight: 12, arbitrary: fc.constant("GET") }, { weight: 1, arbitrary: strangeTexts }),
    headers,
  })
  .map(({ query, expected, separator, path, host, method, headers: own }) => ({
    request: { method, url: `${path}?${query.parts.join(separator)}`, host, headers: own },
    expected,
    isIntact:
      query.isIntact &&
      separator === "&" &&
      path === "/auth/callback" &&
      host === "localhost:1455" &&
      method === "GET" &&
      own["sec-fetch-mode"] === "navigate",
  }));

const addresses = [
  `/auth/callback?${good.join("&")}`,
  `/auth/callback?error=access_denied&state=${state}&iss=${encode(issuer)}`,
  `/auth/callback?state=${state}&code=4%2F0A%2Bb%3D&scope=a+b&authuser=0`,
];

const mutatedKnocks: fc.Arbitrary<Knock> = fc.tuple(mutantsOf(addresses), expectations).map(([url, expected]) => ({
  // Node hands on the target of a request as one character a byte.
  request: {
    method: "GET",
    url: url.toString("latin1"),
    host: "localhost:1455",
    headers: { "sec-fetch-mode": "navigate" },
  },
  expected,
  isIntact: false,
}));

const callback = target<Knock>({
  name: "callback",
  share: 10,
  inputs: { structured: knocks, bytes: mutatedKnocks },
  sizeOf: ({ request }) => JSON.stringify(request).length,
  make: ({ request, expected }) => {
    const outcome = judgeCallback(request, expected);
    return { outcome, open: outcome.kind === "denied" ? [outcome.oauthError] : [] };
  },
  check: ({ request, expected, isIntact }, made) => {
    assert.ok(!(made instanceof AuthError), "a request is judged, never an error");
    const outcome = made.outcome as ReturnType<typeof judgeCallback>;
    // T1: whatever moves a sign-in holds its state, once.
    const given = new URLSearchParams(request.url.slice("/auth/callback".length)).getAll("state");
    if (outcome.kind !== "ignored") assert.deepEqual(given, [state]);
    if (isIntact)
      assert.ok(outcome.kind === "code" && outcome.code.matches(code), "a redirect by the book brings its code");
    if (outcome.kind === "code" && expected.issSent) assert.match(request.url, /iss=/);
  },
});

interface Paste {
  readonly text: string;
  readonly bareCode: boolean;
  /** It is whole, and only its way has changed it. */
  readonly isIntact: boolean;
}

const forms = [
  `${pageUri}?${good.slice(0, 2).join("&")}`,
  `${code}#${state}`,
  `${code}&${state}`,
  good.slice(0, 2).join("&"),
  `?${good.slice(0, 2).join("&")}`,
  `${pageUri}?code=${encode(code)}#${state}`,
];

/** What terminals and chat programs do to a text, which takes nothing away from it. */
const ways: readonly ((text: string) => string)[] = [
  (text) => `  ${text}\r\n`,
  (text) => `"${text}"`,
  (text) => `\u001B[200~${text}\u001B[201~`,
  (text) => `\u{FEFF}${text}\u200B`,
  (text) => text.replaceAll(/.{17}/gs, (part) => `${part}\n│ `),
  (text) => encode(text),
];

const pastes: fc.Arbitrary<Paste> = fc
  .record({
    form: fc.constantFrom(...forms),
    way: fc.option(fc.constantFrom(...ways), { nil: null }),
    junk: fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.tuple(
          fc.nat(),
          fc.oneof(
            { weight: 30, arbitrary: strangeTexts },
            {
              weight: 1,
              arbitrary: fc.tuple(strangeTexts, fc.nat({ max: 3_000 })).map(([text, times]) => text.repeat(times)),
            },
          ),
        ),
      },
    ),
    bareCode: fc.boolean(),
  })
  .map(({ form, way, junk, bareCode }) => {
    const at = junk === null ? 0 : junk[0] % (form.length + 1);
    const spoilt = junk === null ? form : form.slice(0, at) + junk[1] + form.slice(at);
    return { text: way === null ? spoilt : way(spoilt.toWellFormed()), bareCode, isIntact: junk === null };
  });

const pasted = target<Paste>({
  name: "pasted text",
  share: 10,
  inputs: {
    structured: pastes,
    bytes: fc
      .tuple(mutantsOf([...forms, "123456", code]), fc.boolean())
      .map(([bytes, bareCode]) => ({ text: bytes.toString(), bareCode, isIntact: false })),
  },
  sizeOf: ({ text }) => Buffer.byteLength(text),
  make: ({ text, bareCode }) => {
    const outcome = judgePasted(new Secret("pasted_text", text), {
      redirectUri: pageUri,
      state: new Secret("state", state),
      issuer: null,
      issSent: false,
      bareCode,
    });
    return { outcome, open: outcome.kind === "denied" ? [outcome.oauthError] : [] };
  },
  check: ({ text, bareCode, isIntact }, made) => {
    assert.ok(!(made instanceof AuthError), "a paste is judged, never an error");
    const outcome = made.outcome as ReturnType<typeof judgePasted>;
    const its = pastedState(text);
    if (outcome.kind === "denied" || (outcome.kind === "code" && !outcome.bare)) assert.equal(its, state);
    if (outcome.kind === "code" && outcome.bare) assert.ok(bareCode && its === null);
    if (isIntact)
      assert.ok(
        outcome.kind === "code" && outcome.code.matches(code) && !outcome.bare,
        "what was only mangled is read",
      );
  },
});

export const entrances: readonly Target[] = [callback, pasted];
