// What an API's refusal means: its words first, then its status, which lies (a limit may come as 403, an exclusion as 401).
//
// An exclusion or a limit is never a matter of the login: a renewal would change nothing and spend a token. Of the reply
// only codes are passed on, and they have to look like codes.
import type { ErrorCode } from "../../../machines/errors.ts";
import type { Provider } from "../../../providers/provider.ts";
import { instant, objectIn } from "../claims.ts";
import { parsedAddress } from "../endpoint.ts";
import { isListed } from "../reply.ts";
import { printable } from "../text.ts";
import { type Members, objectAt, objectsAt, textAt } from "./members.ts";

/** A reply that is no answer. `members`: its JSON object, if it is one. */
export interface Refused {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Members | null;
}

export interface Refusal {
  readonly code: Extract<
    ErrorCode,
    "api_forbidden" | "api_limited" | "api_failed" | "api_ineligible" | "api_unauthorized" | "unexpected_redirect"
  >;
  /** The server's own word for it. */
  readonly oauthError: string | null;
  readonly detail: string;
  readonly status: number;
}

export function refused(status: number, headers: Readonly<Record<string, string>>, body: string): Refused {
  return { status, headers, members: objectIn(body) };
}

/** Whether a new token, or another key, is what would help. */
export function isUnauthorized({ apiErrors }: Provider, reply: Refused): boolean {
  return meaningOf(apiErrors, reply).code === "api_unauthorized";
}

/** @param now epoch ms */
export function refusalOf({ apiErrors }: Provider, reply: Refused, now: number): Refusal {
  const { status, members } = reply;
  const { code, word } = meaningOf(apiErrors, reply);
  const codes = errorCodes(members);
  const what =
    word ?? codes[0] ?? (isPage(reply) ? `HTTP ${status}, a page where an answer belongs` : `HTTP ${status}`);
  const more = code === "api_ineligible" ? pageIn(members) : untilIn(reply, now);
  return { code, oauthError: codes[0] ?? null, detail: more === null ? what : `${what}; ${more}`, status };
}

/** The codes, types and reasons that an error names, the most telling first. */
export function errorCodes(members: Members | null): readonly string[] {
  const error = objectAt(members, "error");
  const details = objectsAt(error, "details").map((detail) => codeIn(detail, "reason"));
  const ownTypes = ["code", "type", "status"].map((name) => codeIn(error, name));
  return [...details, ...ownTypes, codeIn(members, "error"), codeIn(members, "code")].filter((code) => code !== null);
}

/** A member that is a code: words of letters and digits, joined by `_`, `.` or `-`. Anything else may be a text. */
export function codeIn(value: unknown, name: string): string | null {
  const code = textAt(value, name);
  return code !== null && /^[A-Za-z][A-Za-z0-9]{0,31}(?:[_.-][A-Za-z0-9]{1,31}){0,7}$/.test(code) ? code : null;
}

interface Meaning {
  readonly code: Refusal["code"];
  /** The entry of the provider's data that said so. */
  readonly word: string | null;
}

function meaningOf({ excluded, limited, unauthorized }: Provider["apiErrors"], reply: Refused): Meaning {
  const codes = errorCodes(reply.members);
  const messages = [textAt(objectAt(reply.members, "error"), "message"), textAt(reply.members, "detail")];
  const said = (entries: readonly string[]): string | null =>
    entries.find((entry) =>
      entry.includes(" ")
        ? messages.some((message) => message?.includes(entry) === true)
        : codes.some((code) => isListed(code, [entry])),
    ) ?? null;
  for (const [code, entries] of [
    ["api_ineligible", excluded],
    ["api_limited", limited],
    ["api_unauthorized", unauthorized],
  ] as const) {
    const word = said(entries);
    if (word !== null) return { code, word };
  }
  return { code: isPage(reply) && reply.status !== 401 ? "api_failed" : byStatus(reply.status), word: null };
}

function byStatus(status: number): Refusal["code"] {
  if (status >= 300 && status < 400) return "unexpected_redirect";
  if (status === 401) return "api_unauthorized";
  // 499: the server's own client gave up on it, for want of room.
  if (status === 429 || status === 499) return "api_limited";
  return status >= 400 && status < 500 && status !== 408 ? "api_forbidden" : "api_failed";
}

/** A proxy's, a firewall's or a portal's page. */
function isPage({ headers, members }: Refused): boolean {
  return members === null && /^\s*text\/html\b/i.test(headers["content-type"] ?? "");
}

/** Where a person is to go, as it may be shown. Null: it is no https address. */
export function pageText(address: unknown): string | null {
  const page = typeof address === "string" ? parsedAddress(address) : null;
  return page?.protocol === "https:" ? `see ${printable(page.href, 500)}` : null;
}

/** The page that an exclusion names, among its links or its metadata. */
function pageIn(members: Members | null): string | null {
  const details = objectsAt(objectAt(members, "error"), "details");
  const links = details.flatMap((detail) => objectsAt(detail, "links")).map(({ url }) => url);
  const metadata = details.flatMap((detail) => Object.entries(objectAt(detail, "metadata") ?? {}));
  const named = metadata.filter(([name]) => /ur[il]|link/i.test(name)).map(([, value]) => value);
  return [...links, ...named].map(pageText).find((text) => text !== null) ?? null;
}

/** When it is worth trying again, in any of the ways in which that is said. */
function untilIn({ headers, members }: Refused, now: number): string | null {
  const error = objectAt(members, "error");
  const resets = instant(error?.["resets_at"]);
  if (resets !== null) return whenText(resets, now);
  const after = headers["retry-after"]?.trim() ?? "";
  if (/^\d{1,9}$/.test(after)) return whenText(now + Number(after) * 1000, now);
  // RFC 9110 5.6.7; Date.parse alone would take "1" for a year.
  const at = /^[A-Z][a-z]{2}, [\w :]{20,25} GMT$/.test(after) ? Date.parse(after) : Number.NaN;
  if (!Number.isNaN(at)) return whenText(at, now);
  const delays = objectsAt(error, "details").map((detail) => textAt(detail, "retryDelay") ?? "");
  const delay = delays.find((text) => /^\d{1,9}(?:\.\d{1,9})?s$/.test(text));
  return delay === undefined ? null : whenText(now + Number.parseFloat(delay) * 1000, now);
}

function whenText(until: number, now: number): string {
  const seconds = Math.max(Math.ceil((until - now) / 1000), 0);
  return seconds < 3600 ? `again in ${seconds} s` : `again after ${new Date(until).toISOString().slice(0, 16)}Z`;
}
