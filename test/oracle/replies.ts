// Replies as inputs: a good body, a refusal or nothing much, changed in up to three places, under some status and some
// content type. And the differences that have to do with the reply itself, whatever was asked.
import * as fc from "fast-check";
import type { Provider } from "../../providers/provider.ts";
import type { WireReply } from "../../runtime/wire/response.ts";
import { acme, now } from "../runtime/wire/sample.ts";
import type { Difference } from "./subject.ts";

/** The standard's own: what differs from it, the oracle does not know either. */
export const provider: Provider = { ...acme, issuer: "https://id.acme.example" };
export const server = { issuer: "https://id.acme.example" };
export const client = { client_id: "client-1" };

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly challenge: boolean;
  /** A text where it is no JSON object. */
  readonly body: string | Readonly<Record<string, unknown>>;
}

/** Takes a member away. */
const absent = Symbol("absent");

export type Edits = Readonly<Record<string, readonly unknown[]>>;

const errors = [
  "invalid_grant",
  "of_its_own",
  "authorization_pending",
  "slow_down",
  "access_denied",
  "expired_token",
  "",
  null,
  5,
  "a\nb",
  { code: "refresh_token_expired" },
  { type: "x" },
];

/** @param edits what members may become, besides being taken away */
export function repliesWith(good: readonly Record<string, unknown>[], edits: Edits): fc.Arbitrary<Reply> {
  const edit = fc.oneof(
    ...Object.entries({ ...edits, error: errors }).map(([name, values]) =>
      fc.tuple(fc.constant(name), fc.constantFrom(absent, ...values)),
    ),
    fc.tuple(fc.constant("code"), fc.constantFrom<unknown>("refresh_token_reused", 5)),
  );
  const changed = (bases: readonly Record<string, unknown>[]): fc.Arbitrary<Record<string, unknown>> =>
    fc
      .tuple(fc.constantFrom(...bases), fc.array(edit, { maxLength: 3 }))
      .map(([base, changes]) =>
        Object.fromEntries(Object.entries({ ...base, ...Object.fromEntries(changes) }).filter(([, v]) => v !== absent)),
      );
  const failed = errors.map((error) => ({ error, error_description: "why" }));
  const text = fc.constantFrom("", "<!doctype html>", "[]", "null", '"x"', '{"access_token":"at-1"');
  const any = fc.constantFrom(200, 201, 203, 302, 400, 401, 403, 404, 429, 500, 503);
  const outline = (usual: fc.Arbitrary<number>, body: fc.Arbitrary<Reply["body"]>): fc.Arbitrary<Reply> =>
    fc.record({
      status: fc.oneof({ weight: 4, arbitrary: usual }, any),
      type: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom("application/json", "application/json; charset=utf-8") },
        fc.constantFrom("text/html", "text/plain", "application/problem+json", ""),
      ),
      challenge: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, fc.constant(true)),
      body,
    });
  return fc.oneof(
    { weight: 6, arbitrary: outline(fc.constant(200), changed(good)) },
    { weight: 3, arbitrary: outline(fc.constantFrom(400, 401), changed([...failed, {}])) },
    { weight: 1, arbitrary: outline(any, text) },
  );
}

const headersOf = ({ type, challenge }: Reply): Record<string, string> => ({
  ...(type !== "" && { "content-type": type }),
  ...(challenge && { "www-authenticate": 'Bearer realm="x", error="invalid_token"' }),
});

const textOf = ({ body }: Reply): string => (typeof body === "string" ? body : JSON.stringify(body));

export const toOurs = (reply: Reply): WireReply => ({
  status: reply.status,
  headers: headersOf(reply),
  body: textOf(reply),
  receivedAt: now,
});

/** Bytes, so that no content type is made up for them. */
export const toTheirs = (reply: Reply): Response =>
  new Response(new TextEncoder().encode(textOf(reply)), { status: reply.status, headers: headersOf(reply) });

/** With other members; null: it is no object, or nothing changes. */
export function withMembers(
  reply: Reply,
  change: (members: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>> | null,
): Reply | null {
  const body = typeof reply.body === "string" ? null : change(reply.body);
  return body === null ? null : { ...reply, body };
}

/** Without this member, if it is there and the test says so. */
export function without(reply: Reply, name: string, isIt: (value: unknown) => boolean): Reply | null {
  return withMembers(reply, (members) => {
    if (!Object.hasOwn(members, name) || !isIt(members[name])) return null;
    const { [name]: _, ...others } = members;
    return others;
  });
}

const isRefusal = (status: number): boolean => status >= 400 && status < 500;

/** What differs about any reply of the token and device endpoints. */
export const aboutReplies: readonly Difference<Reply>[] = [
  {
    name: "a success with another status than 200",
    kind: "vendors",
    why: "Any 2xx with tokens in it is one; to refuse it would lose a refresh token that is spent already.",
    mended: (reply) => (reply.status > 200 && reply.status < 300 ? { ...reply, status: 200 } : null),
  },
  {
    name: "JSON under another content type",
    kind: "vendors",
    why: "The body decides, not its label: a label that is wrong would lose a refresh token that is spent already.",
    mended: (reply) => (/^application\/json\b/.test(reply.type) ? null : { ...reply, type: "application/json" }),
  },
  {
    name: "a challenge beside the body",
    kind: "vendors",
    why: "What the body says is more precise than `WWW-Authenticate`; they stop at the header.",
    mended: (reply) => (reply.challenge ? { ...reply, challenge: false } : null),
  },
  {
    name: "an error in a success",
    kind: "vendors",
    why: "Some vendors answer 200 to failures; RFC 6749 5.2 lets only failures have an `error`.",
    mended: (reply) => (reply.status < 300 ? without(reply, "error", (error) => error !== null && error !== "") : null),
  },
  {
    name: "an error code that is an object's, or stands beside `error`",
    kind: "vendors",
    why: "One vendor has `error.code`, and a code at the top; both are looked for where `error` is no text.",
    mended: (reply) =>
      withMembers(reply, ({ code, error, ...others }) =>
        code === undefined && (typeof error !== "object" || error === null)
          ? null
          : { ...others, ...(typeof error !== "object" && error !== undefined && { error }) },
      ),
  },
  {
    name: "an error code with characters outside of RFC 6749 5.2",
    kind: "stricter",
    why: "An error code ends in a terminal and a journal, so only its harmless characters are kept.",
    mended: (reply) =>
      withMembers(reply, (members) =>
        typeof members["error"] === "string" && /[^ !#-[\]-~]/.test(members["error"])
          ? { ...members, error: "of_its_own" }
          : null,
      ),
  },
  {
    name: "an error code under a status that is no refusal",
    kind: "vendors",
    why: "The word is kept for people to read; whether it ends anything, the status decides.",
    mended: (reply) =>
      isRefusal(reply.status) || reply.status < 300
        ? null
        : withMembers(reply, ({ error, code: _, ...others }) => (error === undefined ? null : others)),
  },
];
