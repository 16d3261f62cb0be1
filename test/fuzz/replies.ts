// Targets: what servers answer. A server is hostile until proven otherwise, and its reply is full of secrets.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { AuthError } from "../../machines/errors.ts";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { Secret } from "../../runtime/secret.ts";
import { decode, encode } from "../../runtime/store/codec.ts";
import { renewed, signedIn } from "../../runtime/store/credential.ts";
import { claimsOf, expiryOf, memberAt } from "../../runtime/wire/claims.ts";
import { isConfidential } from "../../runtime/wire/endpoint.ts";
import { identityAt } from "../../runtime/wire/issued.ts";
import { contentOf } from "../../runtime/wire/reply.ts";
import {
  deviceReply,
  metadataReply,
  pollReply,
  replyOf,
  revokeReply,
  type TokenOutcome,
  tokenReply,
  userinfoReply,
  type WireReply,
} from "../../runtime/wire/response.ts";
import { acme, jwt } from "../runtime/wire/sample.ts";
import { sampleCredential } from "../support/sample.ts";
import { type HostileObject, mutantsOf, objectsLike, strangeTexts, type Template } from "./hostile.ts";
import { secretOf } from "./marks.ts";
import seeds from "./seeds.json" with { type: "json" };
import { target, type Target } from "./target.ts";

const receivedAt = Date.UTC(2026, 10, 23);
const clientId = "client-1";
const everybody: readonly Provider[] = [acme, ...Object.values(providers)];
const exp = Math.floor(receivedAt / 1000) + 3600;

interface Reply {
  readonly provider: Provider;
  readonly reply: WireReply;
  readonly isIntact: boolean;
}

const statuses = fc.oneof(
  { weight: 8, arbitrary: fc.constant(200) },
  { weight: 3, arbitrary: fc.constantFrom(201, 204, 302, 307, 400, 401, 403, 404, 429, 500, 503) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 599 }) },
);

const headers = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ "content-type": "application/json" }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(
      fc.constantFrom("content-type", "retry-after", "set-cookie"),
      fc.oneof(
        strangeTexts,
        fc.constantFrom("text/html", "9".repeat(400), "Mon, 23 Nov 2026 00:00:01 GMT", secretOf("cookie")),
      ),
    ),
  },
);

/** What a sender would have made of these bytes. */
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function replies(bodies: fc.Arbitrary<HostileObject>, all: readonly Provider[] = everybody): fc.Arbitrary<Reply> {
  return fc
    .tuple(fc.constantFrom(...all), statuses, headers, bodies)
    .map(([provider, status, own, { text, isIntact }]) => ({
      provider,
      reply: replyOf(status, own, text, receivedAt),
      isIntact: isIntact && status === 200,
    }));
}

const mutants = (more: readonly string[]): fc.Arbitrary<HostileObject> =>
  mutantsOf([...more, ...seeds.replies]).map((bytes) => ({ text: textOf(bytes), isIntact: false, isExact: false }));

interface ReplyRules {
  readonly name: string;
  readonly share: number;
  readonly template: Template;
  readonly all?: readonly Provider[];
  /** The outcome, and what of it is shown. */
  readonly judged: (provider: Provider, reply: WireReply) => unknown;
  readonly open?: (outcome: never) => readonly unknown[];
  readonly check?: (given: Reply, outcome: never) => void;
}

function replyTarget({ name, share, template, all, judged, open, check }: ReplyRules): Target {
  const good = JSON.stringify({ ...template.open, ...template.hidden });
  return target<Reply>({
    name,
    share,
    inputs: { structured: replies(objectsLike(template), all), bytes: replies(mutants([good]), all) },
    sizeOf: ({ reply }) => Buffer.byteLength(reply.body) + JSON.stringify(reply.headers).length,
    make: ({ provider, reply }) => {
      const outcome = judged(provider, reply);
      return { outcome, open: open?.(outcome as never) ?? [(outcome as { oauthError?: unknown }).oauthError] };
    },
    check: (given, made) => {
      assert.ok(!(made instanceof AuthError), "a reply is judged, never an error");
      const { oauthError = null } = (made.outcome ?? {}) as { readonly oauthError?: string | null };
      // RFC 6749 5.2, and short: it is shown to people.
      assert.ok(oauthError === null || /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(oauthError), oauthError ?? "");
      check?.(given, made.outcome as never);
    },
  });
}

const tokens: Template = {
  open: {
    token_type: "Bearer",
    expires_in: 3599,
    scope: "openid offline_access",
    resource_url: "portal.qwen.ai",
    account: { email_address: "me@example.com", uuid: "u-1" },
  },
  hidden: {
    access_token: secretOf("access"),
    refresh_token: secretOf("refresh"),
    id_token: jwt({ aud: clientId, exp, email: "me@example.com", jti: secretOf("jti") }),
  },
};

type Issuing = TokenOutcome | ReturnType<typeof pollReply>;

/** Parts of what was issued that people see. */
function shownOf(outcome: Issuing): readonly unknown[] {
  if (outcome.kind !== "issued") return ["oauthError" in outcome ? outcome.oauthError : null];
  const { scope, tokenType, accountId, identity, extra } = outcome.issued;
  return [scope, tokenType, accountId, identity, extra];
}

/** T25, T26, and that what was taken from a reply is the same after it lay on the disk. */
function holdsIssued({ reply }: Reply, outcome: Issuing): void {
  if (outcome.kind !== "issued") return;
  const { issued } = outcome;
  assert.ok(
    issued.expiresAt > receivedAt && issued.expiresAt - receivedAt <= 315_360_000_000,
    `it ends at ${issued.expiresAt}`,
  );
  for (const secret of [issued.accessToken, issued.refreshToken])
    if (secret !== null) assert.match(secret.reveal(), /^[\x20-\x7e]+$/);
  const by = { issuer: "id.example", clientId };
  for (const credential of [
    signedIn(null, issued, by, "lineage", receivedAt),
    renewed(sampleCredential(), issued, by, receivedAt),
  ]) {
    const again = decode(encode(credential), 0);
    assert.ok(again !== null, "what was written is read");
    assert.ok(again.accessToken.matches(issued.accessToken));
    assert.equal(again.refreshToken?.reveal(), credential.refreshToken?.reveal());
    assert.equal(again.generation, credential.generation);
    assert.equal(again.expiresAt, Math.floor(credential.expiresAt / 1000) * 1000);
    assert.equal(again.identity, credential.identity);
  }
  assert.ok(reply.status >= 200 && reply.status < 300);
}

const nonce = new Secret("nonce", secretOf("nonce"));

function tokenTarget(name: string, purpose: "code" | "refresh"): Target {
  return replyTarget({
    name,
    share: 14,
    template: tokens,
    judged: (provider, reply) =>
      tokenReply(provider, reply, { purpose, clientId, nonce: purpose === "code" ? nonce : null }),
    open: shownOf,
    check: (given, outcome: TokenOutcome) => {
      holdsIssued(given, outcome);
      if (given.isIntact) assert.equal(outcome.kind, "issued", "a reply by the book is taken");
      // T24, the expensive mistake: a login ends by a word of the server's, or by a status that means just that.
      if (outcome.kind !== "refused" || purpose !== "refresh") return;
      const isSaid = contentOf(given.reply).errors.length > 0;
      assert.ok(isSaid || given.provider.refusalStatuses.includes(given.reply.status));
    },
  });
}

const refusals: Template = {
  open: { error: "invalid_grant", code: "refresh_token_expired" },
  hidden: { error_description: secretOf("description"), access_token: secretOf("access"), trace: secretOf("trace") },
};

const refusedTokens = replyTarget({
  name: "token refusal",
  share: 6,
  template: refusals,
  judged: (provider, reply) => tokenReply(provider, reply, { purpose: "refresh", clientId }),
  open: shownOf,
  check: ({ isIntact, reply }, outcome: TokenOutcome) => {
    if (isIntact && reply.status === 400) assert.equal(outcome.kind, "refused");
    if (outcome.kind === "issued")
      assert.ok(!contentOf(reply).failed, "a failure is none the less one with tokens in it");
  },
});

const started: Template = {
  open: {
    user_code: "WDJB-MJHT",
    usercode: "WDJB-MJHT",
    verification_uri: "https://id.acme.example/device",
    verification_uri_complete: "https://id.acme.example/device?user_code=WDJB-MJHT",
    expires_in: 1800,
    interval: 5,
  },
  hidden: { device_code: secretOf("device"), device_auth_id: secretOf("device") },
};

const deviceStart = replyTarget({
  name: "device start",
  share: 8,
  template: started,
  judged: deviceReply,
  open: (outcome: ReturnType<typeof deviceReply>) =>
    outcome.kind === "started"
      ? [outcome.userCode, outcome.verificationUri, outcome.verificationUriComplete]
      : [outcome.oauthError],
  check: ({ provider, isIntact }, outcome: ReturnType<typeof deviceReply>) => {
    if (isIntact && provider.device !== null) assert.equal(outcome.kind, "started");
    if (outcome.kind !== "started") return;
    for (const page of [outcome.verificationUri, outcome.verificationUriComplete])
      if (page !== null) assert.ok(isConfidential(new URL(page)) && /^[\x21-\x7e]+$/.test(page), page);
    assert.match(outcome.userCode, /^[\x20-\x7e]{1,100}$/);
    assert.ok(outcome.intervalMs >= 1000 && outcome.intervalMs <= 3_600_000, `asked every ${outcome.intervalMs} ms`);
    assert.ok(outcome.expiresAt > receivedAt && Number.isFinite(outcome.expiresAt));
  },
});

const devicePoll = replyTarget({
  name: "device poll",
  share: 10,
  template: {
    open: { ...tokens.open, error: null },
    hidden: {
      ...tokens.hidden,
      authorization_code: secretOf("code"),
      code_verifier: `${"v".repeat(20)}${secretOf("verifier")}`,
    },
  },
  judged: (provider, reply) => pollReply(provider, reply, { clientId }),
  open: shownOf,
  check: (given, outcome: ReturnType<typeof pollReply>) => {
    holdsIssued(given, outcome);
    if (given.isIntact && given.provider.device !== null) assert.match(outcome.kind, /^(issued|code)$/);
    if (outcome.kind === "code") assert.match(outcome.verifier.reveal(), /^[\w.~-]{43,128}$/);
  },
});

const revocation = replyTarget({
  name: "revocation",
  share: 4,
  template: refusals,
  judged: (_, reply) => revokeReply(reply),
});

const userinfo = replyTarget({
  name: "userinfo",
  share: 4,
  template: {
    open: { email: "me@example.com", preferred_username: "me", sub: "1" },
    hidden: { phone: secretOf("phone") },
  },
  judged: (provider, reply) =>
    userinfoReply({ ...provider, identity: { ...provider.identity, userinfo: [["email"], ["sub"]] } }, reply),
  open: (name: string | null) => [name],
  check: ({ isIntact }, name: string | null) => {
    if (isIntact) assert.equal(name, "me@example.com");
    // T28: one line that does nothing to a terminal.
    assert.ok(name === null || (name.length <= 200 && !/\p{C}|\p{Zl}|\p{Zp}/u.test(name)), String(name));
  },
});

const issuers = ["https://id.example", "http://127.0.0.1:2"] as const;

interface Metadata {
  readonly issuer: string;
  readonly reply: Reply;
}

const metadataTemplate: Template = {
  open: {
    issuer: issuers[0],
    authorization_endpoint: "https://id.example/authorize",
    token_endpoint: "https://id.example/token",
    device_authorization_endpoint: "https://id.example/device",
    revocation_endpoint: "https://id.example/revoke",
    userinfo_endpoint: "https://id.example/me",
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
  },
  hidden: { registration_access_token: secretOf("registration") },
};

const metadata = target<Metadata>({
  name: "issuer metadata",
  share: 8,
  inputs: {
    structured: replies(objectsLike(metadataTemplate)).map((reply) => ({ issuer: issuers[0], reply })),
    bytes: fc
      .tuple(
        fc.constantFrom(...issuers),
        replies(
          mutants([
            JSON.stringify(metadataTemplate.open),
            ...seeds.replies.filter((body) => body.includes("_endpoint")),
          ]),
        ),
      )
      .map(([issuer, reply]) => ({ issuer, reply })),
  },
  sizeOf: ({ reply }) => Buffer.byteLength(reply.reply.body),
  make: ({ issuer, reply }) => {
    const outcome = metadataReply(issuer, reply.reply);
    return { outcome, open: [outcome] };
  },
  check: ({ issuer, reply }, made) => {
    if (reply.isIntact) assert.ok(!(made instanceof AuthError), "metadata by the book are taken");
    if (made instanceof AuthError) return;
    // RFC 8414 3.3.
    assert.deepEqual(JSON.parse(reply.reply.body.replace(/^\uFEFF/, "")).issuer, issuer);
    const { issuer: its, issSent: _, ...endpoints } = made.outcome as ReturnType<typeof metadataReply>;
    assert.equal(its, issuer);
    for (const endpoint of Object.values(endpoints))
      if (endpoint !== null)
        assert.ok(
          isConfidential(new URL(endpoint)) && (issuer.startsWith("http:") || endpoint.startsWith("https:")),
          endpoint,
        );
  },
});

const claims: Template = {
  open: {
    email: "me@example.com",
    exp,
    aud: clientId,
    iss: "https://id.example",
    "https://api.openai.com/auth": { chatgpt_account_id: "acct-1" },
  },
  hidden: { sub: secretOf("subject"), nonce: secretOf("nonce"), at_hash: secretOf("hash") },
};

const encoded = (text: string): string => Buffer.from(text).toString("base64url");

const idTokens = fc
  .tuple(
    objectsLike(claims),
    fc.oneof({ weight: 12, arbitrary: fc.constant("b.") }, { weight: 1, arbitrary: strangeTexts }),
  )
  .map(([{ text, isIntact }, end]) => ({
    token: `${encoded('{"alg":"none"}')}.${encoded(text)}.${end === "b." ? "" : end}`,
    // A larger one is not looked into.
    isIntact: isIntact && end === "b." && text.length < 45_000,
  }));

interface Token {
  readonly token: string;
  readonly isIntact: boolean;
}

const idToken = target<Token>({
  name: "id token",
  share: 8,
  inputs: {
    structured: idTokens,
    bytes: fc
      .tuple(
        mutantsOf([JSON.stringify({ ...claims.open, ...claims.hidden })]),
        mutantsOf([jwt({ ...claims.open, ...claims.hidden })]),
        fc.boolean(),
      )
      .map(([payload, whole, isInside]) => ({
        token: isInside ? `e30.${payload.toString("base64url")}.` : whole.toString("latin1"),
        isIntact: false,
      })),
  },
  sizeOf: ({ token }) => token.length,
  make: ({ token }) => {
    const secret = new Secret("id_token", token);
    const payload = claimsOf(secret);
    const reply = replyOf(
      200,
      {},
      JSON.stringify({ access_token: secretOf("access"), token_type: "bearer", id_token: token }),
      receivedAt,
    );
    const outcome = tokenReply(providers.codex, reply, { purpose: "code", clientId, nonce });
    const shown = {
      account: memberAt(payload, ["https://api.openai.com/auth", "chatgpt_account_id"]),
      name: identityAt(payload, [["email"]]),
    };
    return { outcome: { at: expiryOf(secret), outcome, ...shown }, open: [shown, ...shownOf(outcome)] };
  },
  check: ({ isIntact }, made) => {
    assert.ok(!(made instanceof AuthError));
    const { at, outcome } = made.outcome as { at: number | null; outcome: TokenOutcome };
    assert.ok(at === null || !Number.isNaN(new Date(at).getTime()), "an expiry is a moment");
    if (!isIntact) return;
    assert.ok(outcome.kind === "issued");
    assert.equal(outcome.issued.identity, "me@example.com");
    assert.equal(outcome.issued.accountId, "acct-1");
  },
});

export const judgedReplies: readonly Target[] = [
  tokenTarget("token reply", "code"),
  tokenTarget("refresh reply", "refresh"),
  refusedTokens,
  deviceStart,
  devicePoll,
  revocation,
  userinfo,
  metadata,
  idToken,
];
