// Judge what a person pasted: a whole redirected address, `code#state`, `code&state`, a query, or a bare code.
//
// Terminals wrap, chat programs quote, browsers encode, and people copy half of it or the wrong thing. Whatever can be
// undone without guessing is undone; then the same rules hold as at the listener, the state first. Time is linear in the
// text. The text is a secret: no outcome repeats any of it.
import type { ErrorCode } from "../../machines/errors.ts";
import { Secret } from "../secret.ts";
import { isLoopbackHost } from "./endpoint.ts";
import { type Denied, type Expected, judgeParameters, parametersIn } from "./redirect.ts";

export type Pasted =
  /** `bare`: it came without a state, so that only PKCE ties it to this sign-in. */
  | { readonly kind: "code"; readonly code: Secret<"authorization_code">; readonly bare: boolean }
  | Denied
  | { readonly kind: "unreadable"; readonly code: ErrorCode };

export interface PasteExpected extends Expected {
  /** The provider takes a code without its state. */
  readonly bareCode: boolean;
}

/** A paste taken apart, before anything is compared. */
interface Parts {
  /** Scheme, host and path, when it had them. */
  readonly address: URL | null;
  /** `query`: everything that the server sent is there. `pair`: a page showed code and state only. `bare`: a code at most. */
  readonly form: "query" | "pair" | "bare";
  readonly parameters: ReadonlyMap<string, string>;
}

const largestText = 64 * 1024;
const shortestBareCode = 8;

/**
 * What the text means for the sign-in that is under way.
 *
 * `unreadable` names the mistake: `pasted_nothing`, `pasted_one_time_password` (the digits that the vendor mailed),
 * `pasted_truncated` (no state, or only the beginning of ours), `pasted_other_sign_in`, `pasted_other_address`,
 * `pasted_unreadable`. The sign-in goes on waiting after each of them.
 */
export function judgePasted(text: Secret<"pasted_text"> | string, expected: PasteExpected): Pasted {
  const plain = unmangled(text);
  if (plain === null) return unreadable("pasted_unreadable");
  if (plain === "") return unreadable("pasted_nothing");
  if (/^(?:\d{6,8}|\d{3,4}-\d{3,4})$/.test(plain)) return unreadable("pasted_one_time_password");
  const parts = partsOf(plain);
  if (parts === null) return unreadable("pasted_unreadable");
  if (parts.address !== null && !isSameAddress(parts.address, new URL(expected.redirectUri))) {
    return unreadable("pasted_other_address");
  }
  const state = parts.parameters.get("state") ?? "";
  return expected.state.matches(state) ? matched(parts, expected) : unmatched(parts, state, expected);
}

/** The state in a pasted text, to find the sign-in that it belongs to among several. Null when it has none. */
export function pastedState(text: Secret<"pasted_text"> | string): string | null {
  const plain = unmangled(text);
  const state = plain === null ? undefined : partsOf(plain)?.parameters.get("state");
  return state === undefined || state === "" ? null : state;
}

function matched({ form, parameters }: Parts, expected: PasteExpected): Pasted {
  // A page that shows `code#state` has no room for `iss`; a query has.
  const judged = judgeParameters(parameters, { ...expected, issSent: expected.issSent && form === "query" });
  if (typeof judged !== "string") return judged.kind === "code" ? { ...judged, bare: false } : judged;
  const cutOff = (parameters.get("code") ?? "") === "" || (expected.issSent && !parameters.has("iss"));
  return unreadable(cutOff ? "pasted_truncated" : "pasted_other_sign_in");
}

function unmatched({ form, parameters }: Parts, state: string, expected: PasteExpected): Pasted {
  if (state !== "") {
    return unreadable(expected.state.reveal().startsWith(state) ? "pasted_truncated" : "pasted_other_sign_in");
  }
  const code = parameters.get("code") ?? "";
  if (form !== "bare") {
    return unreadable(code !== "" || parameters.has("error") ? "pasted_truncated" : "pasted_unreadable");
  }
  if (code.length < shortestBareCode || !/^[\x21-\x7e]+$/.test(code)) return unreadable("pasted_unreadable");
  // Without its state a code is taken only where the provider's data says so; the state alone is no code.
  if (!expected.bareCode || expected.state.matches(code)) return unreadable("pasted_truncated");
  return { kind: "code", code: new Secret("authorization_code", code), bare: true };
}

/** Null: text in which nothing can be found: a parameter given twice, a second `#`, an address that does not parse. */
function partsOf(plain: string): Parts | null {
  const direct = partsAsWritten(plain);
  if (direct === null || direct.form !== "bare" || !plain.includes("%")) return direct;
  // `code%23state`, `https%3A%2F%2F…`: encoded as a whole on its way.
  return partsAsWritten(decoded(plain));
}

function partsAsWritten(plain: string): Parts | null {
  // A browser's address bar may leave out the scheme.
  const text = /^(?:localhost|127\.0\.0\.1|\[::1\])[:/]/i.test(plain) ? `http://${plain}` : plain;
  const [body = "", fragment, ...more] = text.split("#", 3);
  if (more.length > 0) return null;
  if (/^https?:\/\//i.test(text)) {
    if (!URL.canParse(body)) return null;
    const address = new URL(body);
    return query(address, address.search, fragment);
  }
  if (/^(?:[^=&]{0,100}\?|[?&])?(?:code|state|error|iss)=/.test(body)) {
    return query(null, body.replace(/^[^=&]{0,100}\?|^&/, ""), fragment);
  }
  const [code = "", state, ...rest] = fragment === undefined ? body.split("&", 3) : [body, fragment];
  if (rest.length > 0) return null;
  const parameters = new Map([["code", decoded(code)]]);
  if (state === undefined) return { address: null, form: "bare", parameters };
  return { address: null, form: "pair", parameters: parameters.set("state", decoded(state)) };
}

/** `callback?code=…#state` is what becomes of a mixture of the two ways of showing a code. */
function query(address: URL | null, search: string, fragment = ""): Parts | null {
  const parameters = parametersIn(search);
  if (parameters === null) return null;
  if (fragment === "" || parameters.has("state")) return { address, form: "query", parameters };
  const state = fragment.replace(/^state=/, "");
  return { address, form: "pair", parameters: new Map([...parameters, ["state", state]]) };
}

function isSameAddress(address: URL, redirect: URL): boolean {
  const sameHost =
    address.hostname === redirect.hostname || (isLoopbackHost(address.hostname) && isLoopbackHost(redirect.hostname));
  return (
    sameHost &&
    address.port === redirect.port &&
    address.protocol === redirect.protocol &&
    address.pathname === redirect.pathname
  );
}

// A terminal's bracketed-paste marks, also where the escape character was eaten or written out.
const marks = /\p{Cc}?(?:\^\[)?\[20[01]~/gu;
// What wrapping, copying and typography add; no code, state or address holds any of it. Box characters: framed output.
const additions = /[\s\p{Cc}\p{Cf}\u2018-\u201F\u00AB\u00BB\u2039\u203A\u2500-\u257F]/gu;
const quotes = "\"'`<>";

/** The text without what its way added. Null: longer than any paste. */
function unmangled(text: Secret<"pasted_text"> | string): string | null {
  const raw = typeof text === "string" ? text : text.reveal();
  if (raw.length > largestText) return null;
  const joined = raw.replaceAll(marks, "").replaceAll(additions, "");
  // By hand: /["']+$/ takes quadratic time on a text full of quotes.
  let start = 0;
  let end = joined.length;
  while (start < end && quotes.includes(joined.charAt(start))) start += 1;
  while (end > start && quotes.includes(joined.charAt(end - 1))) end -= 1;
  return joined.slice(start, end);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unreadable(code: ErrorCode): Pasted {
  return { kind: "unreadable", code };
}
