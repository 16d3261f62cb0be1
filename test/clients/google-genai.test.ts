// Google's library for the Gemini API, which takes keys: with the one that our program hands out, at either version of the
// API's address.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiError, GoogleGenAI } from "@google/genai";
import { startEmulator } from "../../providers/emulator/index.ts";
import { gemini } from "../../providers/gemini.ts";
import { signIn, stage } from "../support/stage.ts";

const { model } = gemini.keyApi;

describe("the Google Gen AI library", () => {
  for (const apiVersion of ["v1", "v1beta"])
    it(`${apiVersion}: is served with the key that we hand out`, async () => {
      await using s = await stage();
      const auth = s.auth({ host: { environment: { GEMINI_API_KEY: s.emulator.apiKeys.gemini } } });
      const { secret, kind } = await auth.account("gemini").token();
      assert.equal(kind, "key");
      const httpOptions = { baseUrl: s.emulator.url, apiVersion };
      const { models, chats } = new GoogleGenAI({ apiKey: secret.reveal(), httpOptions });
      const whole = await models.generateContent({ model, contents: "hello there" });
      assert.deepEqual(
        [whole.text, whole.candidates?.[0]?.finishReason, whole.usageMetadata?.totalTokenCount, whole.modelVersion],
        ["You said: hello there", "STOP", 16, model],
      );
      const pieces = [];
      for await (const part of await models.generateContentStream({ model, contents: "hello there" }))
        pieces.push(part.text);
      assert.deepEqual([pieces.join(""), pieces.length > 1], ["You said: hello there", true]);
      assert.equal((await models.countTokens({ model, contents: "hello" })).totalTokens, 8);
      const chat = chats.create({ model });
      await chat.sendMessage({ message: "one" });
      assert.equal((await chat.sendMessage({ message: "two" })).text, "You said: two");
      for await (const { name } of await models.list()) assert.equal(name, `models/${model}`);
      assert.equal((await models.get({ model })).displayName, model);
    });

  it("is told of a wrong key, and of a login's token where a key belongs", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    const { secret } = await auth.account("gemini").token();
    for (const [apiKey, status] of [
      ["AIza-wrong", 400],
      [secret.reveal(), 401],
    ] as const) {
      const { models } = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: s.emulator.url } });
      await assert.rejects(models.generateContent({ model, contents: "x" }), (error) => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.status, status);
        return true;
      });
    }
  });

  it("is told of an unknown model", async () => {
    await using emulator = await startEmulator();
    const { models } = new GoogleGenAI({ apiKey: emulator.apiKeys.gemini, httpOptions: { baseUrl: emulator.url } });
    await assert.rejects(models.get({ model: "of-nobody" }), { status: 404 });
  });
});
