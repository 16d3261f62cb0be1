// Targets: what the API answers. Its errors are shown to people, its answers are what was asked for; nothing else of it is.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { AuthError } from "../../machines/errors.ts";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { protocols } from "../../runtime/wire/ask/protocols.ts";
import type { Members } from "../../runtime/wire/ask/members.ts";
import { isUnauthorized, type Refusal, refusalOf, refused } from "../../runtime/wire/ask/refusal.ts";
import { objectIn } from "../../runtime/wire/claims.ts";
import { mutantsOf, objectsLike, strangeTexts, type Template } from "./hostile.ts";
import { secretOf } from "./marks.ts";
import { target, type Target } from "./target.ts";

const now = Date.UTC(2026, 10, 23);

interface ApiReply {
  readonly provider: Provider;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const error: Template = {
  open: {
    code: "insufficient_quota",
    type: "usage_limit_reached",
    status: "RESOURCE_EXHAUSTED",
    resets_at: now / 1000 + 60,
    details: [
      { reason: "RATE_LIMIT", retryDelay: "3.5s", links: [{ url: "https://a.example/" }], metadata: { url: "x" } },
    ],
  },
  hidden: { message: secretOf("message"), param: secretOf("param") },
};

const tiers: Template = {
  open: {
    currentTier: { id: "standard-tier" },
    allowedTiers: [{ id: "free-tier", isDefault: true }],
    ineligibleTiers: [{ tierId: "free-tier", reasonCode: "INELIGIBLE", validationUrl: "https://a.example/" }],
    done: true,
    name: "operations/1",
  },
  hidden: { cloudaicompanionProject: null, internal: secretOf("internal") },
};

const inside = (name: string) => (text: string) => `{"${name}":${text},"trace":${JSON.stringify(secretOf("trace"))}}`;

/** Each provider's own word for an account that it does not serve, with a page to go to. */
const excluded = [...new Set(Object.values<Provider>(providers).flatMap(({ apiErrors }) => apiErrors.excluded))];
const exclusions = fc
  .tuple(
    fc.constantFrom(...excluded, "other"),
    objectsLike({ open: { url: "https://a.example/why" }, hidden: { note: secretOf("note") } }),
  )
  .map(
    ([code, link]) =>
      `{"error":{"code":${JSON.stringify(code)},"message":${JSON.stringify(code)},"details":[{"links":[${link.text}],"metadata":${link.text}}]}}`,
  );

const bodies = fc.oneof(
  objectsLike(error).map(({ text }) => inside("error")(text)),
  objectsLike({ open: {}, hidden: error.hidden }).map(({ text }) => inside("error")(text)),
  { weight: 4, arbitrary: exclusions },
  objectsLike(error).map(({ text }) => text),
  objectsLike(tiers).map(({ text }) => text),
  objectsLike(tiers).map(({ text }) => inside("response")(text)),
);

const seeds = [
  JSON.stringify({ error: { ...error.open, ...error.hidden } }),
  JSON.stringify({ ...tiers.open, ...tiers.hidden }),
];

const replies = (texts: fc.Arbitrary<string>): fc.Arbitrary<ApiReply> =>
  fc.record({
    provider: fc.constantFrom<Provider>(...Object.values(providers)),
    status: fc.oneof(fc.constantFrom(200, 302, 400, 401, 403, 429, 499, 500), fc.integer({ min: 200, max: 599 })),
    headers: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Readonly<Record<string, string>>>({ "content-type": "application/json" }) },
      {
        weight: 1,
        arbitrary: fc.dictionary(
          fc.constantFrom("content-type", "retry-after"),
          fc.oneof(strangeTexts, fc.constantFrom("30", "Mon, 23 Nov 2026 00:00:01 GMT", "text/html")),
        ),
      },
    ),
    body: texts,
  });

/** What has to be asked before the question, with this as every answer. */
function prepared({ provider }: ApiReply, members: Members | null): unknown {
  const question = {
    provider: provider.name,
    model: "m",
    messages: [],
    project: null,
    assistance: providers.gemini.assistance,
    instead: null,
    id: "i",
  };
  const asked = protocols["assisted-generate-content"].prepare?.(question);
  let steps = 0;
  for (let step = asked?.next(members); step?.done === false; step = asked?.next(members)) steps += 1;
  assert.ok(steps <= 30, "asking comes to an end");
  return steps;
}

const apiReply = target<ApiReply>({
  name: "API reply",
  share: 6,
  inputs: { structured: replies(bodies), bytes: replies(mutantsOf(seeds).map((bytes) => bytes.toString())) },
  sizeOf: ({ body }) => Buffer.byteLength(body),
  bounds: { answer: [3, 2_000] },
  make: (reply) => {
    const { provider, status, headers, body } = reply;
    const members = objectIn(body);
    const refusal = refusalOf(provider, refused(status, headers, body), now);
    const steps = attempted(() => prepared(reply, members));
    const read = Object.values(protocols).map(({ answer }) => answer.read(members ?? {}));
    assert.ok(read.every((answer) => answer === null || typeof answer === "string" || "kind" in answer));
    const kind = refusal.code;
    return {
      outcome: { kind, refusal, steps, isRenewed: isUnauthorized(provider, refused(status, headers, body)) },
      open: [refusal, steps],
    };
  },
  check: (_, made) => {
    assert.ok(!(made instanceof AuthError), "a refusal is judged, never an error");
    const { refusal } = made.outcome as { refusal: Refusal };
    assert.match(refusal.detail, /^[^\p{C}\p{Zl}\p{Zp}]{1,700}$/u, "what is shown is one harmless line");
    assert.ok(refusal.oauthError === null || /^[\w.-]{1,300}$/.test(refusal.oauthError));
  },
});

function attempted(work: () => unknown): unknown {
  try {
    return work();
  } catch (failed) {
    if (failed instanceof AuthError) return failed;
    throw failed;
  }
}

export const apiReplies: readonly Target[] = [apiReply];
