// What runs in a process of its own (`launch.ts`): it does one piece of work and ends.
//
// Each piece of work is loaded by itself, so that none waits for what another one needs. What it says goes to the pipe
// that this process was given, once, if anybody still listens there.
import { closeSync, writeSync } from "node:fs";

const pipe = 3;
let isSaid = false;

/** @returns false: nobody listens any more */
function say(line: string): boolean {
  // The number may be another file's by now.
  if (isSaid) return false;
  isSaid = true;
  try {
    writeSync(pipe, line);
    // Whoever listens need not wait for the end of this process.
    closeSync(pipe);
    return true;
  } catch {
    return false;
  }
}

const [task, ...words] = process.argv.slice(2);
if (task === "refresh") {
  const { refreshAlone } = await import("./refresh/task.ts");
  await refreshAlone(words, say);
}
if (task === "sign-in") {
  const { signInAlone } = await import("./login/task.ts");
  await signInAlone(words, say);
}
