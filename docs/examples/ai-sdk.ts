// A question for any provider, by the AI SDK: the form of the provider's API tells which of its packages speaks it.
//
//   node ai-sdk.ts anthropic "Why is the sky blue?"
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { type LanguageModel, streamText } from "ai";
import { type Auth, AuthError, createAuth } from "llxprt-auth";

async function modelOf(auth: Auth, provider: string): Promise<LanguageModel> {
  const { api } = await auth.access(provider);
  const options = { baseURL: api.base, fetch: auth.fetch(provider), apiKey: "none" };
  switch (api.protocol) {
    case "messages":
      return createAnthropic({ ...options, baseURL: `${api.base}/v1` })(api.model);
    case "responses":
      return createOpenAI(options)(api.model);
    case "chat-completions":
      return createOpenAI(options).chat(api.model);
    case "generate-content":
      return createGoogle(options)(api.model);
    default:
      throw new Error(`The AI SDK has no package for the API of ${provider}`);
  }
}

const [provider = "codex", prompt = "Say hello"] = process.argv.slice(2);
const auth = createAuth();
try {
  const answer = streamText({
    model: await modelOf(auth, provider),
    instructions: "Be brief.",
    prompt,
    providerOptions: { openai: { store: false } },
    onError: ({ error }) => {
      throw error;
    },
  });
  for await (const piece of answer.textStream) process.stdout.write(piece);
  process.stdout.write("\n");
} catch (error) {
  if (!(error instanceof AuthError)) throw error;
  console.error(`${error.message}.\nNext: ${error.next}`);
  process.exitCode = error.exitCode;
} finally {
  await auth.close();
}
