// The libraries that people write their programs with, each over `auth.fetch`: an answer, a stream, a stream that is broken
// off, a token that the server no longer takes, and a sign-in elsewhere that a running program takes up.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { generateText, type LanguageModel, streamText } from "ai";
import OpenAI from "openai";
import { type ProviderName, providers } from "../../providers/index.ts";
import { authErrorIn } from "../../machines/errors.ts";
import type { Auth } from "../../runtime/auth.ts";
import { commandLine } from "../cli/program.ts";
import { at } from "../emulator/client.ts";
import { signIn, type Stage, stage } from "../support/stage.ts";

interface Client {
  /** The answer as a whole. */
  ask(text: string): Promise<string>;
  /** The answer in pieces, until the signal. */
  pieces(text: string, signal?: AbortSignal): AsyncIterable<string>;
}

interface Library {
  readonly provider: ProviderName;
  /** How it is made for a login, or for a key where the vendor has no API of this form for a login. */
  readonly by: "login" | "key";
  readonly open: (auth: Auth, s: Stage) => Client;
}

const nobody = "of-no-account";

async function all(pieces: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}

/** Any model of the AI SDK. @param inPieces its API answers in pieces only */
function aiSdk(model: LanguageModel, inPieces = false): Client {
  const options = { model, maxRetries: 0, instructions: "Be brief.", providerOptions: { openai: { store: false } } };
  async function* pieces(prompt: string, abortSignal?: AbortSignal): AsyncGenerator<string> {
    const failed: unknown[] = [];
    const onError = ({ error }: { readonly error: unknown }): void => void failed.push(error);
    yield* streamText({ ...options, prompt, onError, ...(abortSignal && { abortSignal }) }).textStream;
    abortSignal?.throwIfAborted();
    if (failed.length > 0) throw failed[0] as Error;
  }
  return {
    ask: async (prompt) =>
      inPieces ? (await all(pieces(prompt))).join("") : (await generateText({ ...options, prompt })).text,
    pieces,
  };
}

const libraries: Readonly<Record<string, Library>> = {
  openai: {
    provider: "codex",
    by: "login",
    open: (auth, s) => {
      const { base, model } = providers.codex.api;
      const client = new OpenAI({
        apiKey: nobody,
        baseURL: at(s.emulator, base),
        maxRetries: 0,
        fetch: auth.fetch("codex"),
      });
      async function* pieces(input: string, signal?: AbortSignal): AsyncGenerator<string> {
        const events = await client.responses.create(
          { model, instructions: "Be brief.", store: false, stream: true, input: [{ role: "user", content: input }] },
          { signal },
        );
        for await (const event of events) if (event.type === "response.output_text.delta") yield event.delta;
        signal?.throwIfAborted();
      }
      return { ask: async (text) => (await all(pieces(text))).join(""), pieces };
    },
  },
  "@anthropic-ai/sdk": {
    provider: "anthropic",
    by: "login",
    open: (auth, s) => {
      const { model } = providers.anthropic.api;
      const client = new Anthropic({
        apiKey: nobody,
        baseURL: s.emulator.url,
        maxRetries: 0,
        fetch: auth.fetch("anthropic"),
      });
      const asked = (content: string) => ({ model, max_tokens: 64, messages: [{ role: "user" as const, content }] });
      return {
        ask: async (text) => {
          const { content } = await client.messages.create(asked(text));
          return content.map((block) => (block.type === "text" ? block.text : "")).join("");
        },
        pieces: async function* pieces(text, signal) {
          const events = await client.messages.create({ ...asked(text), stream: true }, { signal });
          for await (const event of events)
            if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text;
          signal?.throwIfAborted();
        },
      };
    },
  },
  "@google/genai": {
    provider: "gemini",
    by: "key",
    open: (auth, s) => {
      const { model } = providers.gemini.keyApi;
      const httpOptions = { baseUrl: s.emulator.url, apiVersion: "v1beta", fetch: auth.fetch("gemini") };
      const { models } = new GoogleGenAI({ apiKey: nobody, httpOptions });
      return {
        ask: async (contents) => (await models.generateContent({ model, contents })).text ?? "",
        pieces: async function* pieces(contents, signal) {
          const config = signal === undefined ? {} : { abortSignal: signal };
          for await (const part of await models.generateContentStream({ model, contents, config }))
            yield part.text ?? "";
        },
      };
    },
  },
  "ai and @ai-sdk/openai": {
    provider: "codex",
    by: "login",
    open: (auth, s) => {
      const { base, model } = providers.codex.api;
      return aiSdk(
        createOpenAI({ apiKey: nobody, baseURL: at(s.emulator, base), fetch: auth.fetch("codex") })(model),
        true,
      );
    },
  },
  "ai and @ai-sdk/anthropic": {
    provider: "anthropic",
    by: "login",
    open: (auth, s) => {
      const options = { apiKey: nobody, baseURL: `${s.emulator.url}/v1`, fetch: auth.fetch("anthropic") };
      return aiSdk(createAnthropic(options)(providers.anthropic.api.model));
    },
  },
  "ai and @ai-sdk/google": {
    provider: "gemini",
    by: "key",
    open: (auth, s) => {
      const { base, model } = providers.gemini.keyApi;
      return aiSdk(createGoogle({ apiKey: nobody, baseURL: at(s.emulator, base), fetch: auth.fetch("gemini") })(model));
    },
  },
};

/** A program with such a client, and somebody who may sign in. */
async function opened({ provider, by, open }: Library) {
  const s = await stage();
  const environment = by === "key" ? { GEMINI_API_KEY: s.emulator.apiKeys.gemini } : {};
  const client = open(s.auth({ host: { environment } }), s);
  return { s, client, login: async () => (by === "key" ? null : signIn(s, s.auth(), provider, { grant: "loopback" })) };
}

/** Requests for answers that the server has had. */
const asked = ({ emulator }: Stage) => emulator.requests.filter(({ endpoint }) => endpoint === "api");

/** Somebody signs in by the program itself. */
async function signInElsewhere({ home }: Stage, ...words: readonly string[]): Promise<void> {
  const [node, ...program] = commandLine;
  const person = fileURLToPath(new URL("../cli/person.ts", import.meta.url));
  const env = {
    PATH: process.env["PATH"],
    HOME: home.userHome,
    LLXPRT_HOME: home.paths.home,
    BROWSER: `"${node}" "${person}" approve`,
  };
  await promisify(execFile)(node, [...program, ...words], { env });
}

it("a program that asks goes on with the account that another process signs in", async () => {
  await using s = await stage();
  const client = libraries["openai"]?.open(s.auth(), s) ?? assert.fail();
  await assert.rejects(client.ask("too early"));
  await signInElsewhere(s, "codex", "login");
  assert.equal(await client.ask("hello"), "You said: hello");
  const [first] = asked(s).map(({ headers }) => headers["authorization"]);
  await signInElsewhere(s, "codex", "logout", "--no-revoke");
  await assert.rejects(client.ask("too late"));
  await signInElsewhere(s, "codex", "login");
  assert.equal(await client.ask("again"), "You said: again");
  const seen = asked(s).map(({ headers }) => headers["authorization"]);
  assert.deepEqual([seen.length, seen[0] === first, seen[1] !== first], [2, true, true]);
});

// Most of the time is spent in waiting for streams that are slow on purpose.
describe("over auth.fetch", { concurrency: true }, () => {
  for (const [name, library] of Object.entries(libraries))
    describe(name, () => {
      const { provider, by } = library;

      it("answers, whole and in pieces, and sends no key of its own", async () => {
        const { s, client, login } = await opened(library);
        await using _ = s;
        await login();
        assert.equal(await client.ask("hello there"), "You said: hello there");
        const pieces = await all(client.pieces("hello there"));
        assert.deepEqual([pieces.join(""), pieces.length > 1], ["You said: hello there", true]);
        assert.ok(!JSON.stringify(s.emulator.requests.map(({ headers }) => headers)).includes(nobody));
      });

      it("can be broken off in the middle of an answer, and asked again", async () => {
        const { s, client, login } = await opened(library);
        await using _ = s;
        await login();
        s.emulator.fault(provider, "api", { kind: "trickle", msPerByte: 1 });
        const stop = new AbortController();
        const pieces: string[] = [];
        await assert.rejects(async () => {
          for await (const piece of client.pieces("a b c d e f g h i j", stop.signal)) {
            pieces.push(piece);
            stop.abort();
          }
        });
        assert.ok(pieces.length > 0 && pieces.join("").length < "You said: a b c d e f g h i j".length);
        assert.equal(await client.ask("hello there"), "You said: hello there");
        assert.deepEqual([s.emulator.counters(provider).refreshes, asked(s).length], [0, 2]);
      });

      if (by === "key") {
        it("is told once that a key is no good", async () => {
          const { s, client } = await opened(library);
          await using _ = s;
          s.emulator.fault(provider, "api", { kind: "status", status: 401 }, 9);
          await assert.rejects(client.ask("hello"), (error) => authErrorIn(error)?.code === "key_rejected");
          assert.equal(asked(s).length, 1);
        });
        return;
      }

      it("never hears of a token that has ended, and of one that is no good after one renewal", async () => {
        const { s, client, login } = await opened(library);
        await using _ = s;
        await login();
        s.emulator.expireAccess(provider);
        assert.equal(await client.ask("one"), "You said: one");
        const { refreshes, unauthorized } = s.emulator.counters(provider);
        assert.deepEqual([refreshes, unauthorized, asked(s).length], [1, 1, 2]);

        s.emulator.expireAccess(provider);
        assert.equal((await all(client.pieces("two"))).join(""), "You said: two");
        assert.deepEqual([s.emulator.counters(provider).refreshes, asked(s).length], [2, 4]);

        s.emulator.fault(provider, "api", { kind: "status", status: 401 }, 9);
        await assert.rejects(client.ask("three"));
        assert.deepEqual([s.emulator.counters(provider).refreshes, asked(s).length], [3, 6]);
      });

      it("takes up a sign-in of another program", async () => {
        const { s, client, login } = await opened(library);
        await using _ = s;
        await assert.rejects(client.ask("too early"), (error) => authErrorIn(error)?.code === "oauth_disabled");
        await login();
        assert.equal(await client.ask("hello"), "You said: hello");
        await s.auth().account(provider).logout();
        await assert.rejects(client.ask("too late"), (error) => authErrorIn(error)?.code === "sign_in_needed");
        await login();
        assert.equal(await client.ask("again"), "You said: again");
      });
    });
});
