// The protocols as pure functions: what goes out is what the vendors' documents say, and whatever comes back is an answer, or
// none, and never an exception of another kind than ours.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { AuthError } from "../../../machines/errors.ts";
import { providers } from "../../../providers/index.ts";
import type { Members } from "../../../runtime/wire/ask/members.ts";
import type { Preparation, Question } from "../../../runtime/wire/ask/protocol.ts";
import { protocols } from "../../../runtime/wire/ask/protocols.ts";

const question: Question = {
  provider: "gemini",
  model: "some/model",
  messages: [
    { role: "user", text: "One" },
    { role: "assistant", text: "Two" },
    { role: "user", text: "Three" },
  ],
  project: null,
  assistance: providers.gemini.assistance,
  instead: "use a key",
  id: "id-1",
};

describe("a question", () => {
  it("is put as chat completions, after a system message", () => {
    const { path, body } = protocols["chat-completions"].call(question);
    assert.equal(path, "/chat/completions");
    const [system, ...said] = (body?.["messages"] ?? []) as { role: string; content: string }[];
    assert.equal(system?.role, "system");
    assert.deepEqual(said, [
      { role: "user", content: "One" },
      { role: "assistant", content: "Two" },
      { role: "user", content: "Three" },
    ]);
  });

  it("is put as messages, with a limit and nobody's system prompt", () => {
    const { path, body } = protocols["messages"].call(question);
    assert.equal(path, "/v1/messages");
    assert.deepEqual(Object.keys(body ?? {}), ["model", "max_tokens", "messages"]);
    assert.ok(Number.isInteger(body?.["max_tokens"]));
  });

  it("is put as responses, streamed and not stored", () => {
    const { path, body } = protocols["responses"].call(question);
    assert.equal(path, "/responses");
    assert.deepEqual([body?.["store"], body?.["stream"], typeof body?.["instructions"]], [false, true, "string"]);
    assert.deepEqual((body?.["input"] as object[] | undefined)?.[1], {
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text: "Two" }],
    });
  });

  it("is put as contents, plain and wrapped", () => {
    const contents = [
      { role: "user", parts: [{ text: "One" }] },
      { role: "model", parts: [{ text: "Two" }] },
      { role: "user", parts: [{ text: "Three" }] },
    ];
    const plain = protocols["generate-content"].call(question);
    assert.deepEqual([plain.path, plain.body], ["/models/some%2Fmodel:generateContent", { contents }]);
    const wrapped = protocols["assisted-generate-content"].call({ ...question, project: "p-1" });
    assert.equal(wrapped.path, ":generateContent");
    assert.deepEqual(wrapped.body, {
      model: "some/model",
      project: "p-1",
      user_prompt_id: "id-1",
      request: { contents },
    });
  });
});

describe("a reply", () => {
  it("is an answer, none, or nothing, whatever it holds", () => {
    const names = [
      "choices",
      "message",
      "content",
      "text",
      "candidates",
      "parts",
      "response",
      "type",
      "delta",
      "error",
      "__proto__",
    ];
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.anything(),
        fc.constantFrom("response.output_text.delta", "response.failed", "error"),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie("value")),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), json), (reply) => {
        for (const { answer } of Object.values(protocols)) {
          const read = answer.read(reply);
          if (answer.kind === "whole") assert.ok(read === null || (typeof read === "string" && read !== ""));
          else assert.ok(read === null || ["piece", "end", "failed"].includes((read as { kind: string }).kind));
        }
      }),
    );
  });

  it("may have several parts", () => {
    const parts = [{ text: "a" }, { functionCall: {} }, { text: "b" }];
    const { read } = protocols["generate-content"].answer as { read: (reply: Members) => string | null };
    assert.equal(read({ candidates: [{ content: { parts } }, { content: { parts } }] }), "ab");
    const messages = protocols["messages"].answer as { read: (reply: Members) => string | null };
    assert.equal(
      messages.read({
        content: [
          { type: "thinking", thinking: "x" },
          { type: "text", text: "c" },
        ],
      }),
      "c",
    );
  });
});

/** Goes through the preparation with these replies. */
function prepare(replies: readonly (Members | null)[], changes: Partial<Question> = {}) {
  const sent: Preparation[] = [];
  const conversation = protocols["assisted-generate-content"].prepare?.({ ...question, ...changes });
  assert.ok(conversation !== undefined);
  let next = conversation.next();
  for (const reply of replies) {
    if (next.done === true) break;
    sent.push(next.value);
    next = conversation.next(reply);
  }
  return { sent, done: next.done === true ? next.value : null };
}

function refusedFor(replies: readonly (Members | null)[], changes: Partial<Question> = {}): AuthError {
  try {
    prepare(replies, changes);
  } catch (error) {
    assert.ok(error instanceof AuthError, inspect(error));
    return error;
  }
  return assert.fail("it was not refused");
}

const free = { id: "free-tier", isDefault: true };
const standard = { id: "standard-tier", isDefault: true, userDefinedCloudaicompanionProject: true };
const metadata = providers.gemini.assistance.metadata;

describe("an account that is looked up", () => {
  it("and is known asks in its own project", () => {
    const known = { currentTier: free, cloudaicompanionProject: "p-1" };
    const { sent, done } = prepare([known]);
    assert.deepEqual(
      sent.map(({ method, path, body }) => [method, path, body]),
      [["POST", ":loadCodeAssist", { metadata }]],
    );
    assert.equal(done?.project, "p-1");
    assert.equal(prepare([{ ...known, cloudaicompanionProject: { id: "p-2" } }]).done?.project, "p-2");
  });

  it("and has no project of its own asks in the environment's, or not at all", () => {
    const { sent, done } = prepare([{ currentTier: standard }], { project: "mine" });
    assert.deepEqual(sent[0]?.body, {
      metadata: { ...metadata, duetProject: "mine" },
      cloudaicompanionProject: "mine",
    });
    assert.equal(done?.project, "mine");
    const error = refusedFor([{ currentTier: standard }]);
    assert.equal(error.code, "project_needed");
    assert.match(error.message, /name its id in GOOGLE_CLOUD_PROJECT/);
  });

  it("and is new is taken in, on the free tier without a project", () => {
    const operation = { name: "operations/a1", done: false };
    const { sent, done } = prepare(
      [
        { allowedTiers: [{ id: "other" }, free] },
        operation,
        operation,
        { ...operation, done: true, response: { cloudaicompanionProject: { id: "p-3" } } },
      ],
      { project: "mine" },
    );
    assert.equal(done?.project, "p-3");
    assert.deepEqual(
      sent.slice(1).map(({ method, path, body }) => [method, path, body]),
      [
        ["POST", ":onboardUser", { tierId: "free-tier", metadata }],
        ["GET", "/operations/a1", null],
        ["GET", "/operations/a1", null],
      ],
    );
    assert.deepEqual(
      sent.map(({ pauseMs }) => pauseMs),
      [0, 0, 1000, 2000],
    );
  });

  it("and is new, on any other tier, needs a project of its own", () => {
    const replies = [{ allowedTiers: [standard] }, { done: true, response: {} }];
    assert.equal(refusedFor(replies).code, "project_needed");
    const { sent, done } = prepare(replies, { project: "mine" });
    assert.equal(sent[1]?.body?.["cloudaicompanionProject"], "mine");
    assert.equal(done?.project, "mine");
    assert.equal(prepare([{}], { project: "mine" }).sent.length, 1);
    assert.equal(prepare([{}, {}], { project: "mine" }).sent[1]?.body?.["tierId"], "legacy-tier");
  });

  it("is asked about again where the operation has no name that can be an address", () => {
    for (const name of [undefined, "", 7, "../../x", "//elsewhere.example", "a?b", "operations/a#b", "operations/.."]) {
      const { sent } = prepare([{ allowedTiers: [free] }, { name }, { name, done: false }]);
      assert.deepEqual([sent[2]?.method, sent[2]?.path], ["POST", ":onboardUser"], String(name));
    }
  });

  it("is not waited for without end", () => {
    const error = refusedFor([
      { allowedTiers: [free] },
      ...Array.from({ length: 100 }, () => ({ name: "operations/a" })),
    ]);
    assert.equal(error.code, "api_failed");
  });

  it("may turn out not to be taken in", () => {
    const failed = { done: true, error: { code: 7, status: "PERMISSION_DENIED", message: "secret text" } };
    const error = refusedFor([{ allowedTiers: [free] }, failed]);
    assert.equal(error.code, "api_failed");
    assert.doesNotMatch(inspect(error), /secret text/);
  });

  it("may not be looked up at all, and is served in the environment's project", () => {
    const { sent, done } = prepare([null], { project: "mine" });
    assert.equal(sent[0]?.mayFailFor, "SECURITY_POLICY_VIOLATED");
    assert.equal(done?.project, "mine");
    assert.equal(refusedFor([null]).code, "project_needed");
  });
});

const closed = { reasonCode: "UNSUPPORTED_CLIENT", reasonMessage: "secret text", tierId: "free-tier" };

const detailOf = (more: object) =>
  refusedFor([{ ineligibleTiers: [{ ...closed, ...more }] }], { instead: null }).detail;

describe("an account that is not served", () => {
  it("is told so first, with the reason's code and what to do", () => {
    const error = refusedFor([{ allowedTiers: [free], ineligibleTiers: [closed] }]);
    assert.deepEqual([error.code, error.detail], ["api_ineligible", "UNSUPPORTED_CLIENT; use a key"]);
    assert.equal(refusedFor([{ currentTier: free, ineligibleTiers: [closed] }]).code, "api_ineligible");
    assert.equal(
      refusedFor([{ currentTier: standard, ineligibleTiers: [{ reasonCode: "X" }] }]).code,
      "api_ineligible",
    );
    assert.doesNotMatch(inspect(error), /secret text/);
  });

  it("is served all the same on another tier", () => {
    const known = { currentTier: standard, cloudaicompanionProject: "p", ineligibleTiers: [closed] };
    assert.equal(prepare([known]).done?.project, "p");
  });

  it("hears reasons that nobody has heard of, and pages that can be shown", () => {
    assert.equal(detailOf({ reasonCode: "SOME_NEW_REASON" }), "SOME_NEW_REASON");
    assert.equal(detailOf({ reasonCode: "\u001b[31mred alert" }), "no reason given");
    assert.equal(
      detailOf({ validationUrl: "https://id.example/v?a=1" }),
      "UNSUPPORTED_CLIENT; see https://id.example/v?a=1",
    );
    for (const validationUrl of [
      "http://id.example/",
      "javascript:alert(1)",
      "https://a\u001b[31m.example/",
      "https://me:pw@id.example",
      5,
    ]) {
      assert.equal(detailOf({ validationUrl }), "UNSUPPORTED_CLIENT", String(validationUrl));
    }
  });
});

it("preparing ends in a project or in one of our errors, whatever is said", () => {
  const names = [
    "currentTier",
    "allowedTiers",
    "ineligibleTiers",
    "id",
    "isDefault",
    "cloudaicompanionProject",
    "name",
    "done",
    "response",
    "error",
    "reasonCode",
    "validationUrl",
  ];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.anything(),
      fc.constantFrom(true, "free-tier", "s3cret text"),
      fc.array(tie("value"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom(...names), tie("value")),
    ),
  })).value;
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.constantFrom(...names), json), { maxLength: 30 }), (replies) => {
      try {
        const { done } = prepare(replies);
        assert.ok(done === null || typeof done.project === "string");
      } catch (error) {
        assert.ok(error instanceof AuthError, inspect(error));
        assert.doesNotMatch(inspect(error), /s3cret/);
      }
    }),
  );
});
