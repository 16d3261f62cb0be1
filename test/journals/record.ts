// Records the journals of the ten stories anew, each with a sidecar of what `explain` says about it.
//
// `npm run stories` for all, or with the names of some. With `--words` nothing is played: what is there is explained anew.
// The sentences are to be read before they are committed: the tests hold them, they do not judge them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathsIn } from "../../runtime/store/names.ts";
import { explainedAgain, journalsThere, sceneIn, toldFile, write } from "./told.ts";
import { stories } from "./stories.ts";

process.env["TZ"] = "UTC";
const words = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith("--"));

if (words.includes("--words"))
  for (const name of names.length > 0 ? names : journalsThere()) {
    const told = toldFile(name);
    if (told !== null) write(name, { ...told, ...explainedAgain(name, told) });
  }
else
  for (const name of names.length > 0 ? names : Object.keys(stories)) {
    const play = stories[name];
    if (play === undefined) throw new TypeError(`there is no story ${name}`);
    await play(({ provider, home }) => {
      writeFileSync(join(import.meta.dirname, `${name}.jsonl`), readFileSync(pathsIn(home).journal));
      const told = { provider, account: "default", scene: sceneIn(home, provider) };
      write(name, { ...told, ...explainedAgain(name, told) });
    });
    process.stdout.write(`${name}\n`);
  }
