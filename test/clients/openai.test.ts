// OpenAI's own library against the two backends that speak its formats: with tokens that our program hands out, by key, and
// through our `fetch`.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from "openai";
import { startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import { at } from "../emulator/client.ts";
import { signIn, stage } from "../support/stage.ts";

const { codex, qwen } = providers;
const message = { type: "message", role: "user", content: [{ type: "input_text", text: "hello there" }] } as const;
const asked = {
  model: codex.api.model,
  instructions: "Be brief.",
  store: false,
  input: [{ ...message, content: [...message.content] }],
};
const chat = { model: qwen.api.model, messages: [{ role: "user" as const, content: "hello there" }] };

describe("the OpenAI library", () => {
  it("codex: is served with our token, as a stream only", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "codex");
    const client = new OpenAI({
      apiKey: async () => (await auth.account("codex").token()).secret.reveal(),
      baseURL: at(s.emulator, codex.api.base),
      maxRetries: 0,
    });
    const stream = client.responses.stream(asked);
    const pieces: string[] = [];
    stream.on("response.output_text.delta", ({ delta }) => pieces.push(delta));
    const { output_text: said, status, usage } = await stream.finalResponse();
    assert.deepEqual([said, pieces.join(""), status], ["You said: hello there", "You said: hello there", "completed"]);
    assert.equal(usage?.total_tokens, 16);
    await assert.rejects(client.responses.create(asked), (error) => {
      assert.ok(error instanceof BadRequestError);
      assert.match(error.message, /Stream must be set to true/);
      assert.notEqual(error.requestID, null);
      return true;
    });
    // Not the API for keys (the vendor's answer to a login's token there).
    const elsewhere = new OpenAI({
      apiKey: (await auth.account("codex").token()).secret.reveal(),
      baseURL: at(s.emulator, codex.keyApi.base),
      maxRetries: 0,
    });
    await assert.rejects(elsewhere.responses.create({ model: "gpt-5", input: "x" }), { code: "missing_scope" });
    await assert.rejects(elsewhere.chat.completions.create({ ...chat, model: "gpt-5" }), { code: "missing_scope" });
  });

  it("codex: is told of an expired token, and through our fetch never hears of it", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "codex");
    const options = { baseURL: at(s.emulator, codex.api.base), maxRetries: 0 };
    const bare = new OpenAI({ ...options, apiKey: (await auth.account("codex").token()).secret.reveal() });
    s.emulator.expireAccess("codex");
    await assert.rejects(bare.responses.create({ ...asked, stream: true }), (error) => {
      assert.ok(error instanceof AuthenticationError);
      assert.equal(error.code, "token_expired");
      return true;
    });
    const ours = new OpenAI({ ...options, apiKey: "of-no-account", fetch: auth.fetch("codex") });
    assert.equal((await ours.responses.stream(asked).finalResponse()).output_text, "You said: hello there");
    assert.equal(s.emulator.counters("codex").refreshes, 1);
    const last = s.emulator.requests.at(-1)?.headers;
    assert.match(last?.["chatgpt-account-id"] ?? "", /^[0-9a-f-]{36}$/);
  });

  it("by key: responses, chat completions, models", async () => {
    await using emulator = await startEmulator();
    const baseURL = at(emulator, codex.keyApi.base);
    const client = new OpenAI({ apiKey: emulator.apiKeys.codex, baseURL, maxRetries: 0 });
    const { output_text: said } = await client.responses.create({ model: "gpt-5", input: "hello there" });
    assert.equal(said, "You said: hello there");
    const { choices } = await client.chat.completions.create({ ...chat, model: "gpt-5" });
    assert.equal(choices[0]?.message.content, "You said: hello there");
    const { data } = await client.models.list();
    assert.deepEqual([await client.models.retrieve(codex.keyApi.model)], data);
    await assert.rejects(client.models.retrieve("of-nobody"), NotFoundError);
    const wrong = new OpenAI({ apiKey: "sk-proj-wrong", baseURL, maxRetries: 0 });
    await assert.rejects(wrong.responses.create({ model: "gpt-5", input: "x" }), { code: "invalid_api_key" });
    await assert.rejects(wrong.chat.completions.create(chat), { code: "invalid_api_key" });
  });

  it("qwen: is served at the address that came with our token, and is told of an expired one", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "qwen");
    const { secret, resourceUrl } = await auth.account("qwen").token();
    const baseURL = `${resourceUrl}${qwen.api.resourcePath}`;
    const client = new OpenAI({ apiKey: secret.reveal(), baseURL, maxRetries: 0 });
    const whole = await client.chat.completions.create(chat);
    assert.equal(whole.choices[0]?.message.content, "You said: hello there");
    const stream = client.chat.completions.stream({ ...chat, stream_options: { include_usage: true } });
    const final = await stream.finalChatCompletion();
    assert.deepEqual(
      [final.choices[0]?.message.content, final.choices[0]?.finish_reason, final.usage?.total_tokens],
      ["You said: hello there", "stop", 16],
    );
    s.emulator.expireAccess("qwen");
    await assert.rejects(client.chat.completions.create(chat), { status: 401, code: "invalid_api_key" });
    const ours = new OpenAI({ apiKey: "of-no-account", baseURL, maxRetries: 0, fetch: auth.fetch("qwen") });
    assert.equal((await ours.chat.completions.create(chat)).object, "chat.completion");
  });
});
