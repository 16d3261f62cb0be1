// A question for Gemini, by Google's library, with the key that wins: of a profile, of settings.json or of the environment.
//
//   GEMINI_API_KEY=$(cat ~/keys/gemini) node google-genai.ts "Why is the sky blue?"
import { GoogleGenAI } from "@google/genai";
import { AuthError, authErrorIn, createAuth } from "llxprt-auth";

const auth = createAuth();
try {
  const { api } = await auth.access("gemini");
  // A login of Code Assist has an API of another form, which this library does not speak; `ask` does.
  if (api.protocol !== "generate-content")
    throw new AuthError("source_required", {
      provider: "gemini",
      detail: "this library needs a key, as in GEMINI_API_KEY",
    });
  const { origin, pathname } = new URL(api.base);
  const client = new GoogleGenAI({
    apiKey: "none",
    httpOptions: { baseUrl: origin, apiVersion: pathname.slice(1), fetch: auth.fetch("gemini") },
  });
  const answer = await client.models.generateContentStream({
    model: api.model,
    contents: process.argv[2] ?? "Say hello",
  });
  for await (const { text } of answer) process.stdout.write(text ?? "");
  process.stdout.write("\n");
} catch (error) {
  const failure = authErrorIn(error);
  if (failure === null) throw error;
  console.error(`${failure.message}.\nNext: ${failure.next}`);
  process.exitCode = failure.exitCode;
} finally {
  await auth.close();
}
