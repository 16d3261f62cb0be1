// A question for your ChatGPT login, by the OpenAI library; the answer comes in pieces.
//
//   npx llxprt-auth codex login
//   node openai.ts "Why is the sky blue?"
import { authErrorIn, createAuth } from "llxprt-auth";
import OpenAI from "openai";

const auth = createAuth();
try {
  const { api } = await auth.access("codex");
  const client = new OpenAI({
    baseURL: api.base,
    fetch: auth.fetch("codex"),
    // The library wants one. It is never sent: our fetch puts the credential in its place.
    apiKey: "none",
  });
  const events = await client.responses.create({
    model: api.model,
    instructions: "Be brief.",
    input: [{ role: "user", content: process.argv[2] ?? "Say hello" }],
    // A login's API keeps no answers, and gives them in pieces only. With an API key both may be left out.
    store: false,
    stream: true,
  });
  for await (const event of events) if (event.type === "response.output_text.delta") process.stdout.write(event.delta);
  process.stdout.write("\n");
} catch (error) {
  const failure = authErrorIn(error);
  if (failure === null) throw error;
  console.error(`${failure.message}.\nNext: ${failure.next}`);
  process.exitCode = failure.exitCode;
} finally {
  await auth.close();
}
