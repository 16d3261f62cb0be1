// A question for any provider, by the AI SDK: the form of the provider's API tells which of its packages speaks it.
//
//   node ai-sdk.ts anthropic "Why is the sky blue?"
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { type LanguageModel, streamText } from "ai";
import { type Auth, AuthError, authErrorIn, createAuth } from "llxprt-auth";

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
      throw new AuthError("source_required", {
        provider,
        detail: "the AI SDK has no package for the API of this login",
      });
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
    // Without one it prints errors itself. Each comes as a part of the stream as well; `textStream` would just end.
    onError: () => undefined,
  });
  for await (const part of answer.stream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") process.stdout.write(part.text);
  }
  process.stdout.write("\n");
} catch (error) {
  const failure = authErrorIn(error);
  if (failure === null) throw error;
  console.error(`${failure.message}.\nNext: ${failure.next}`);
  process.exitCode = failure.exitCode;
} finally {
  await auth.close();
}
