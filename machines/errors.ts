// The one error class, and how it is found in what others make of it. Its sentences are made here, from the catalogue and
// from names: no reply body, query, header or token can get into them.
import { catalogue, type Entry, type ErrorCode } from "./catalogue.ts";
import { exitCodes } from "./exit-codes.ts";

export { exitCodes, type ErrorCode };

export interface AuthErrorFacts {
  readonly provider?: string | undefined;
  readonly account?: string | undefined;
  /** The server's `error` code, already restricted to RFC 6749 5.2 characters. */
  readonly oauthError?: string | null | undefined;
  /** HTTP status. */
  readonly status?: number | null | undefined;
  /** Fills `{detail}`. Never a secret, never text of a reply but its error code, or the name of who signed in. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class. `message` is a sentence; `next` is the one command that helps. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  readonly code: ErrorCode;
  readonly provider: string | null;
  readonly account: string | null;
  readonly oauthError: string | null;
  readonly status: number | null;
  /** What stands in the message for `{detail}`. */
  readonly detail: string | null;
  /** Worth repeating as it is, later. */
  readonly retryable: boolean;
  readonly exitCode: number;
  readonly next: string | null;

  constructor(code: ErrorCode, facts: AuthErrorFacts = {}) {
    super(sentence(code, facts), facts.cause === undefined ? undefined : { cause: facts.cause });
    const { exit, next }: Entry = catalogue[code];
    this.code = code;
    this.provider = facts.provider ?? null;
    this.account = facts.account ?? null;
    this.oauthError = facts.oauthError ?? null;
    this.status = facts.status ?? null;
    this.detail = facts.detail ?? null;
    this.retryable = exit === "tryLater";
    this.exitCode = exitCodes[exit];
    this.next = next === null ? null : `llxprt-auth ${nextCommand(next, facts)}`;
  }
}

/**
 * Our error in whatever was caught, for programs whose library wraps the errors of its `fetch`: the error itself, or else
 * the outermost of its `cause`s and of the `errors` that it gathers, the last of those first.
 * @returns null: it is none of ours
 */
export function authErrorIn(caught: unknown): AuthError | null {
  // A set may grow while it is gone through, and a circle of causes adds nothing to it.
  const found = new Set<unknown>([caught]);
  for (const error of found) {
    if (error instanceof AuthError) return error;
    if (!(error instanceof Error)) continue;
    found.add(error.cause);
    if ("errors" in error && Array.isArray(error.errors)) for (const one of error.errors.toReversed()) found.add(one);
  }
  return null;
}

function sentence(code: ErrorCode, facts: AuthErrorFacts): string {
  const { says } = catalogue[code];
  const text = says === "{detail}" && !facts.detail ? code.replaceAll("_", " ") : fill(says, facts);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function nextCommand(next: string, facts: AuthErrorFacts): string {
  if (!next.includes("{provider}")) return next;
  return facts.provider === undefined ? "status" : fill(next, facts) + accountOption(facts.account);
}

/** What makes a command one about an account; nothing for the default one. */
export function accountOption(account = "default"): string {
  return account === "default" ? "" : ` --account ${account}`;
}

function fill(template: string, facts: AuthErrorFacts): string {
  const { provider = "the provider", account = "default" } = facts;
  const detail = facts.detail || "something";
  const values = { provider, account, detail };
  const shown = facts.detail ? template : template.replace(" ({detail})", "");
  // In one pass and by a function: neither `{detail}` nor `$&` inside a value means anything.
  return shown.replaceAll(/\{(provider|account|detail)\}/g, (_, name: keyof typeof values) => values[name]);
}

/** A code that was read from a file: one of ours, or else `otherwise`. */
export function knownCode(text: string, otherwise: ErrorCode): ErrorCode {
  return Object.hasOwn(catalogue, text) ? (text as ErrorCode) : otherwise;
}
