// A process that holds so many accounts, and prints how many bytes of heap one more of them takes. Arguments: how many;
// `actor`: with their statecharts running, else they have only handed out a token. Needs `--expose-gc`.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { homeWithToken } from "./home.ts";

const [count = "1", mode = "token"] = process.argv.slice(2);
const library = pathToFileURL(resolve("dist", "index.mjs")).href;
const { createAuth } = (await import(library)) as typeof import("../../runtime/index.ts");

const home = homeWithToken();
const path = join(home, "oauth", "codex.json");
const open = (auth: ReturnType<typeof createAuth>, account: string) => {
  const opened = auth.account("codex", account);
  if (mode === "actor") opened.actor.getSnapshot();
  return opened;
};

// The first one leaves its snapshot in the file: the others begin as those of a program that ran before.
const first = createAuth({ home, ahead: false });
open(first, "default");
await setTimeout(200);
await first.close();
const file = readFileSync(path, "utf8");
const names = Array.from({ length: Number(count) }, (_, index) => `a${index}`);
for (const name of names) writeFileSync(join(home, "oauth", `codex-${name}.json`), file, { mode: 0o600 });

const auth = createAuth({ home, ahead: false });
await open(auth, "default").token();
const before = settled();
for (const name of names) await open(auth, name).token();
await setTimeout(500);
console.log(Math.round((settled() - before) / names.length));
await auth.close();
rmSync(home, { recursive: true });

/** Bytes of heap in use when nothing is left to collect. */
function settled(): number {
  for (let pass = 0; pass < 4; pass += 1) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
