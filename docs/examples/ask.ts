// A question for any provider, without a library of any vendor.
//
//   node ask.ts gemini "Why is the sky blue?"
import { ask, authErrorIn, createAuth } from "llxprt-auth";

const [provider = "codex", text = "Say hello"] = process.argv.slice(2);
const auth = createAuth();
try {
  const answer = await ask(auth, provider, [{ role: "user", text }]);
  console.log(answer.text);
} catch (error) {
  const failure = authErrorIn(error);
  if (failure === null) throw error;
  console.error(`${failure.message}.\nNext: ${failure.next}`);
  process.exitCode = failure.exitCode;
} finally {
  await auth.close();
}
