// A reply as it came, and what a failing one means.
//
// "Classify by body, then by status": policy, quota and proxies speak through 400, 401, 403 and 429 alike. Only a definitive
// word of the token endpoint ends a login (K15); everything doubtful is worth another try later. Never passes on any text of a
// reply but its error code.
import type { ErrorCode } from "../../machines/errors.ts";
import { objectIn } from "./claims.ts";
import { retryAfterMs } from "./durations.ts";
import { oauthErrorCode } from "./text.ts";

export interface WireReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** As text, at most 1 MiB. Full of secrets. */
  readonly body: string;
  /** Epoch ms. */
  readonly receivedAt: number;
}

/** A reply whose body can be read and not seen: inspect, JSON and spread do not find it. */
export function replyOf(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
  receivedAt: number,
): WireReply {
  return new Reply(status, headers, body, receivedAt);
}

class Reply implements WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAt: number;
  readonly #body: string;

  constructor(status: number, headers: Readonly<Record<string, string>>, body: string, receivedAt: number) {
    this.status = status;
    this.headers = headers;
    this.receivedAt = receivedAt;
    this.#body = body;
  }

  get body(): string {
    return this.#body;
  }
}

/** Definitive: asking again cannot help. */
export interface Refused {
  readonly kind: "refused";
  readonly code: ErrorCode;
  readonly oauthError: string | null;
  readonly status: number;
}

/** The set-up is wrong, the login as good as before. */
export interface Misconfigured {
  readonly kind: "misconfigured";
  readonly code: ErrorCode;
  readonly oauthError: string | null;
  readonly status: number;
}

/** Nothing was learned; later may be different. */
export interface Unavailable {
  readonly kind: "unavailable";
  readonly code: ErrorCode;
  readonly oauthError: string | null;
  readonly status: number;
  /** How long the server asks to wait; at most an hour. Null: it does not say. */
  readonly retryAfterMs: number | null;
}

export type Failing = Refused | Misconfigured | Unavailable;

/** A body taken apart once: its JSON object, and the error codes that it names, the most telling first. */
export interface Content {
  readonly members: Readonly<Record<string, unknown>> | null;
  readonly errors: readonly string[];
  /** There is an `error` member, readable or not: RFC 6749 5.2 lets only failures have one. */
  readonly failed: boolean;
}

/** JSON or nothing: HTML, an empty body, a list, a truncated text all count as having said nothing. */
export function contentOf(reply: WireReply): Content {
  const members = objectIn(reply.body);
  if (members === null) return { members, errors: [], failed: false };
  const error = own(members, "error");
  const nested = typeof error === "object" && error !== null ? own(error, "code") : null;
  // Three places, in the order in which the vendors' own clients look.
  const errors = [nested, error, own(members, "code")].map(oauthErrorCode).filter((code) => code !== null);
  return { members, errors, failed: error !== undefined && error !== null && error !== "" };
}

/** A member of its own; `__proto__`, `constructor` and the like are not looked up in the prototype. */
export function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/** A 2xx reply with a JSON object and no error in it (some vendors answer 200 to failures). */
export function succeeded(reply: WireReply, content: Content): content is Content & { members: object } {
  return reply.status >= 200 && reply.status < 300 && content.members !== null && !content.failed;
}

export function refused(code: ErrorCode, reply: WireReply, oauthError: string | null = null): Refused {
  return { kind: "refused", code, oauthError, status: reply.status };
}

/** A reply of success that lacks or garbles what it must hold (RFC 6749 5.1), or no JSON at all. */
export function malformed(reply: WireReply): Unavailable {
  return { kind: "unavailable", code: "reply_malformed", oauthError: null, status: reply.status, retryAfterMs: null };
}

export function unavailable(reply: WireReply, content: Content): Unavailable {
  const { status } = reply;
  const success = status >= 200 && status < 300;
  return {
    kind: "unavailable",
    code: status === 429 ? "rate_limited" : success && !content.failed ? "reply_malformed" : "server_error",
    oauthError: content.errors[0] ?? null,
    status,
    retryAfterMs: retryAfterMs(reply.headers, reply.receivedAt),
  };
}

const aboutTheClient = new Set(["invalid_client", "unauthorized_client", "unsupported_grant_type"]);

/** What is wrong with the set-up, if that is what the reply says (RFC 6749 5.2; 404: a retired or mistyped address). */
export function misconfigured(reply: WireReply, content: Content): Misconfigured | null {
  const { status } = reply;
  const oauthError = content.errors.find((error) => aboutTheClient.has(error)) ?? null;
  if (status >= 300 && status < 400) return { kind: "misconfigured", code: "unexpected_redirect", oauthError, status };
  if (oauthError !== null) return { kind: "misconfigured", code: "client_refused", oauthError, status };
  return status === 404
    ? { kind: "misconfigured", code: "endpoint_missing", oauthError: content.errors[0] ?? null, status }
    : null;
}

/** Whether a page answered, not the endpoint: a proxy, a firewall, a captive portal. Its status means nothing. */
export function isPage(reply: WireReply): boolean {
  return /^\s*text\/html\b/i.test(reply.headers["content-type"] ?? "") || /^\s{0,100}</.test(reply.body);
}

/** Whether `code` is in a list of codes in which a trailing `*` matches any rest. */
export function isListed(code: string, list: readonly string[]): boolean {
  return list.some((entry) => (entry.endsWith("*") ? code.startsWith(entry.slice(0, -1)) : code === entry));
}
