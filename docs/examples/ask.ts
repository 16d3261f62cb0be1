// A question for any provider, without a library of any vendor.
//
//   node ask.ts gemini "Why is the sky blue?"
import { ask, AuthError, createAuth } from "llxprt-auth";

const [provider = "codex", text = "Say hello"] = process.argv.slice(2);
const auth = createAuth();
try {
  const answer = await ask(auth, provider, [{ role: "user", text }]);
  console.log(answer.text);
} catch (error) {
  if (!(error instanceof AuthError)) throw error;
  console.error(`${error.message}.\nNext: ${error.next}`);
  process.exitCode = error.exitCode;
} finally {
  await auth.close();
}
