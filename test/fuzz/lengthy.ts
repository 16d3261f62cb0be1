// Parsers and the texts that could make them slow: something that means something to them, over and over.
import { decode } from "../../runtime/store/codec.ts";
import { decodePermit, decodeSeal } from "../../runtime/store/evidence.ts";
import { isShallow } from "../../runtime/store/json.ts";
import { recordOf } from "../../runtime/inspect/record.ts";
import { restorable } from "../../machines/migrations.ts";
import { refusalOf, refused } from "../../runtime/wire/ask/refusal.ts";
import { eventReader } from "../../runtime/wire/ask/events.ts";
import { judgeCallback } from "../../runtime/wire/callback.ts";
import { claimsOf } from "../../runtime/wire/claims.ts";
import { parsedAddress } from "../../runtime/wire/endpoint.ts";
import { judgePasted, pastedState } from "../../runtime/wire/pasted.ts";
import {
  deviceReply,
  metadataReply,
  pollReply,
  replyOf,
  retryAfterMs,
  tokenReply,
} from "../../runtime/wire/response.ts";
import { oauthErrorCode, printable } from "../../runtime/wire/text.ts";
import { Secret } from "../../runtime/secret.ts";
import { AuthError } from "../../machines/errors.ts";
import { providers } from "../../providers/index.ts";
import { input } from "../machines/examples.ts";
import { acme } from "../runtime/wire/sample.ts";

/** What is repeated. */
export const units = [
  '"',
  "%41",
  "#",
  "&a=",
  "=",
  " ",
  "\n",
  "\u001B[200~",
  "[",
  '{"a":',
  "\\",
  "e\u0301",
  "a.",
  "<",
  "9",
  '{"v":1,',
  ":",
  "x",
] as const;

const redirectUri = "http://localhost:1455/auth/callback";
const state = new Secret("state", "s-0123456789");
const expected = { redirectUri, state, issuer: null, issSent: false };
const at = Date.UTC(2026, 10, 23);
const ok = (body: string) => replyOf(200, { "content-type": "application/json" }, body, at);
const spent = { lineage: "a", generation: 1, of: "b" };
const json = (members: object): string => JSON.stringify(members);

/** Some throw: it is the work that is looked at. */
function tried(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

/** Each with such a text in every place where it takes one. */
export const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  callback: (text) => {
    const headers = { "sec-fetch-mode": text };
    return [`/auth/callback?${text}`, `/auth/callback?state=${state.reveal()}&error=${text}`, text].map((url) =>
      [text, "localhost:1455"].map((host) => judgeCallback({ method: "GET", url, host, headers }, expected)),
    );
  },
  "pasted text": (text) =>
    [text, `${redirectUri}?${text}`, `code=${text}#s`].map((one) => [
      judgePasted(one, { ...expected, bareCode: true }),
      pastedState(one),
    ]),
  "token reply": (text) =>
    [
      text,
      json({ error: text, code: text }),
      json({
        access_token: "a",
        token_type: "bearer",
        scope: text,
        id_token: text,
        resource_url: text,
        expires_in: text,
        refresh_token: text,
      }),
    ].map((body) =>
      [acme, providers.codex, providers.qwen].map((provider) =>
        tokenReply(provider, ok(body), { purpose: "refresh", clientId: "c" }),
      ),
    ),
  "device replies": (text) =>
    [
      text,
      json({
        user_code: text,
        device_code: text,
        verification_uri: text,
        verification_uri_complete: text,
        interval: text,
      }),
    ].map((body) => [deviceReply(acme, ok(body)), pollReply(providers.codex, ok(body), { clientId: "c" })]),
  metadata: (text) =>
    [text, json({ issuer: "https://id.example", token_endpoint: text })].map((body) =>
      tried(() => metadataReply("https://id.example", ok(body))),
    ),
  claims: (text) =>
    [text, `a.${text}.b`, `a.${Buffer.from(json({ email: text })).toString("base64url")}.b`].map((one) =>
      claimsOf(new Secret("id_token", one)),
    ),
  "text for people": (text) => [
    printable(text),
    oauthErrorCode(text),
    parsedAddress(`https://${text}/`),
    parsedAddress(`https://a.example/${text}`),
  ],
  headers: (text) =>
    [retryAfterMs({ "retry-after": text }, at), replyOf(200, { "content-type": text }, "", at)].map((one) => one),
  "token file": (text) => [text, json({ access_token: "a", expiry: text, theirs: text })].map((one) => decode(one, at)),
  depth: (text) => [text, `[${text}]`].map((one) => tried(() => isShallow(parsed(one)))),
  evidence: (text) => [
    decodePermit(text, 0),
    decodeSeal(`${"0".repeat(64)}\n${json({ size: text.length })}\n${text}`, spent, 0),
    decodeSeal(text, spent, 0),
  ],
  "journal line": (text) => [
    recordOf(text),
    recordOf(json({ v: 1, at: text, provider: text, account: text, signIn: text })),
  ],
  snapshot: (text) => restorable(parsed(text), input),
  "API refusal": (text) =>
    [text, json({ error: { code: text, message: text, details: [{ reason: text, retryDelay: text }] } })].map((body) =>
      refusalOf(providers.gemini, refused(429, { "retry-after": text }, body), at),
    ),
  "API events": (text) => eventReader().feed(Buffer.from(`data: ${text}\n\n`)),
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
