// A program and its children that work for hours with one login. Each makes an `auth` of its own, and none is handed a
// token: whoever needs a new one first gets it, and all the others take that.
//
//   node sub-agents.ts codex 3
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ask, authErrorIn, createAuth } from "llxprt-auth";

const [provider = "codex", children = "3", own = "parent"] = process.argv.slice(2);
const auth = createAuth();
try {
  // Before there are children: without a login all of them would say the same.
  await auth.access(provider);
  const ends = Array.from({ length: Number(children) }, (_, index) =>
    once(fork(fileURLToPath(import.meta.url), [provider, "0", `child ${index + 1}`]), "exit"),
  );
  for (const task of ["plan", "work", "report"]) {
    const answer = await ask(auth, provider, [{ role: "user", text: `${own}: ${task}` }]);
    console.log(answer.text);
  }
  const codes = (await Promise.all(ends)).map(([code]) => code);
  if (codes.some((code) => code !== 0)) process.exitCode = 1;
} catch (error) {
  const failure = authErrorIn(error);
  if (failure === null) throw error;
  console.error(`${failure.message}.\nNext: ${failure.next}`);
  process.exitCode = failure.exitCode;
} finally {
  await auth.close();
}
