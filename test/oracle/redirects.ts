// Authorization responses (RFC 6749 4.1.2, RFC 9207): what arrives at the listener, in any order, twice, empty, or of
// somebody else's sign-in.
import * as fc from "fast-check";
import * as oauth from "oauth4webapi";
import { Secret } from "../../runtime/secret.ts";
import { judgeCallback } from "../../runtime/wire/callback.ts";
import type { Subject } from "./subject.ts";

interface Redirect {
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** The server's metadata says that it sends `iss`. */
  readonly issSent: boolean;
}

const state = "s-0123456789abcdefghijklmnopqrstuvwxyz";
const issuer = "https://id.example";
/** They read these, and each of them once. */
const known = new Set(["state", "iss", "error", "response", "id_token", "token"]);

const value: Record<string, fc.Arbitrary<string>> = {
  code: fc.constantFrom("c-1", "4/0A+b=", "", "a\u0000b", "\u00E4", "c 1"),
  state: fc.oneof(
    { weight: 40, arbitrary: fc.constant(state) },
    fc.constantFrom("", `${state}x`, state.slice(1), state.toUpperCase(), ` ${state}`, `${state}\u0000`),
    fc.string(),
  ),
  iss: fc.constantFrom(issuer, issuer, issuer, `${issuer}/`, "https://ID.example", "https://b.example", ""),
  error: fc.constantFrom("access_denied", "server_error", "of_its_own", "", "a\u001Bb", '"'),
};
const name = fc.constantFrom("x", "error_description", "code[]", "access_token", "id_token", "token", "response");
const pair = fc.oneof({ weight: 1, arbitrary: fc.constantFrom(...Object.keys(value)) }, { weight: 1, arbitrary: name });

/** Mostly a good one, with something added, taken away or said again. */
const parameters = fc
  .tuple(
    fc.constantFrom(["code", "state", "iss"], ["code", "state", "iss"], ["error", "state", "iss"], ["state"]),
    fc.array(pair, { maxLength: 2 }),
    fc.boolean(),
  )
  .chain(([names, more, isShort]) =>
    fc.tuple(
      ...[...(isShort ? names.filter((each) => each !== "iss") : names), ...more].map((each) =>
        (value[each] ?? fc.constantFrom("x", "")).map((text) => [each, text] as const),
      ),
    ),
  );

/** Only the parameters that pass; null: all do. */
function only(input: Redirect, passes: (name: string, value: string, index: number) => boolean): Redirect | null {
  const left = input.parameters.filter(([key, text], index) => passes(key, text, index));
  return left.length === input.parameters.length ? null : { ...input, parameters: left };
}

/** With another value where it is asked for one; null: nowhere. */
function changed(input: Redirect, change: (name: string, value: string) => string | null): Redirect | null {
  const all = input.parameters.map(([key, text]) => [key, change(key, text) ?? text] as const);
  return all.every(([, text], index) => text === input.parameters[index]?.[1]) ? null : { ...input, parameters: all };
}

export const redirects: Subject<Redirect> = {
  name: "Authorization responses",
  between: ["judgeCallback", "validateAuthResponse"],
  runs: 3_000,
  inputs: fc.record({ parameters, issSent: fc.boolean() }),
  ours({ parameters: all, issSent }) {
    const query = new URLSearchParams(all.map(([key, text]): [string, string] => [key, text]));
    const request = { method: "GET", url: `/callback?${query.toString()}`, host: "127.0.0.1:4010", headers: {} };
    const expected = {
      redirectUri: "http://127.0.0.1:4010/callback",
      state: new Secret("state", state),
      issuer,
      issSent,
    };
    const judged = judgeCallback(request, expected);
    if (judged.kind === "code") return `code ${judged.code.reveal()}`;
    return judged.kind === "denied" ? `error ${judged.oauthError}` : "nothing";
  },
  theirs({ parameters: all, issSent }) {
    const query = new URLSearchParams(all.map(([key, text]): [string, string] => [key, text]));
    const server = { issuer, authorization_response_iss_parameter_supported: issSent };
    try {
      const valid = oauth.validateAuthResponse(server, { client_id: "c" }, query, state);
      return `code ${valid.get("code") ?? ""}`;
    } catch (error) {
      return error instanceof oauth.AuthorizationResponseError ? `error ${error.error}` : "nothing";
    }
  },
  differences: [
    {
      name: "a code, or a parameter that nobody knows, comes twice",
      kind: "stricter",
      why: "RFC 6749 3.1 forbids any parameter to come twice; they look at those that they read at this step.",
      mended: (input) =>
        only(
          input,
          (key, _, index) => known.has(key) || input.parameters.findIndex(([other]) => other === key) === index,
        ),
    },
    {
      name: "an empty error or issuer",
      kind: "stricter",
      why: "Empty is not absent: an `error` without a word is no code, and an `iss` without a name is not the issuer's.",
      mended: (input) => only(input, (key, text) => text !== "" || !["error", "iss"].includes(key)),
    },
    {
      name: "a code with characters outside of RFC 6749 A.11, or none",
      kind: "stricter",
      why: "A code is visible ASCII; anything else is not passed on.",
      mended: (input) => changed(input, (key, text) => (key === "code" && !/^[ -~]+$/.test(text) ? "c-1" : null)),
    },
    {
      name: "an access token or id token in the address",
      kind: "stricter",
      why: "RFC 9700 2.1.2: only a code was asked for, so a token is no answer to it, not even beside an error.",
      mended: (input) => only(input, (key) => key !== "access_token" && key !== "id_token"),
    },
    {
      name: "parameters of flows that we do not offer (`response`, `token`)",
      kind: "purpose",
      why: "Signed responses and hybrid flows are never asked for; to us these are unknown parameters (RFC 6749 4.1.2).",
      mended: (input) => only(input, (key) => key !== "response" && key !== "token"),
    },
    {
      name: "an error code with characters outside of RFC 6749 4.1.2.1",
      kind: "stricter",
      why: "An error code ends in a terminal and a journal, so only its harmless characters are kept.",
      mended: (input) =>
        changed(input, (key, text) => (key === "error" && /[^ !#-[\]-~]/.test(text) ? "access_denied" : null)),
    },
    {
      name: "neither a code nor an error",
      kind: "stricter",
      why: "Such a request does not end the wait; they leave it to the next step to miss the code.",
      mended: (input) =>
        input.parameters.some(([key]) => key === "code" || key === "error")
          ? null
          : { ...input, parameters: [...input.parameters, ["code", "c-1"]] },
    },
  ],
};
