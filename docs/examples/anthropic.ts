// A question for Claude, by the Anthropic library, with your login or your key.
//
//   npx llxprt-auth anthropic login
//   node anthropic.ts "Why is the sky blue?"
import Anthropic from "@anthropic-ai/sdk";
import { authErrorIn, createAuth } from "llxprt-auth";

const auth = createAuth();
try {
  const { api } = await auth.access("anthropic");
  const client = new Anthropic({ baseURL: api.base, fetch: auth.fetch("anthropic"), apiKey: "none" });
  const stream = client.messages.stream({
    model: api.model,
    max_tokens: 1024,
    messages: [{ role: "user", content: process.argv[2] ?? "Say hello" }],
  });
  stream.on("text", (piece) => process.stdout.write(piece));
  await stream.finalMessage();
  process.stdout.write("\n");
} catch (error) {
  const failure = authErrorIn(error);
  if (failure === null) throw error;
  console.error(`${failure.message}.\nNext: ${failure.next}`);
  process.exitCode = failure.exitCode;
} finally {
  await auth.close();
}
