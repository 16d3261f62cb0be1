// What a killed writer leaves: a temporary file that never got its name. It may hold tokens, so it is not left for ever.
import { join } from "node:path";
import { removeIfPossible } from "./durable.ts";
import { listFolder } from "./folders.ts";
import { lookAt } from "./trust.ts";

const temporary = /^\.[0-9a-f-]{36}\.tmp$/;
// No write takes as long as that, so nobody's work is taken away.
const certainlyDeadMs = 3_600_000;

/** Removes the temporary files of ours that nobody can be writing any more. @param now epoch milliseconds */
export function sweepLeftovers(folder: string, now: number): void {
  for (const name of listFolder(folder)) {
    if (!temporary.test(name)) continue;
    const path = join(folder, name);
    const file = lookAt(path, {});
    // Anything else of that name is not ours.
    if (file?.isFile() === true && now - file.mtimeMs > certainlyDeadMs) removeIfPossible(path);
  }
}
