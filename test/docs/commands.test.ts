// The words that the pages may use are those of the command line itself: what `--help` prints, asked of the real program.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path/posix";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { alone, everywhere, flags, verbs } from "./commands.ts";
import { root } from "./pages.ts";

const main = join(root, "cli/main.ts");

async function help(...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=development",
    main,
    ...words,
    "--help",
  ]);
  return stdout;
}

const listed = (text: string) => [...text.matchAll(/^ +(--[\w-]+)/gm)].map(([, flag = ""]) => flag);
const forms = (text: string) => [
  ...(text.split("Everywhere:")[0] ?? "").matchAll(/^ +(?:llxprt-auth )?(?:(<p>) )?([a-z]+)\b/gm),
];

describe("the command line", () => {
  const overview = help();

  it("has the commands that are documented, and no others", async () => {
    const found = forms(await overview);
    const after = found.filter(([, provider]) => provider !== undefined).map(([, , word = ""]) => word);
    const own = found.filter(([, provider]) => provider === undefined).map(([, , word = ""]) => word);
    // `<p> status` is `status <p>` in other words.
    assert.deepEqual(after.toSorted(), verbs.filter((verb) => verb !== "status").toSorted());
    assert.deepEqual(own.toSorted(), [...alone].toSorted());
  });

  it("has the flags for every command that are documented, and no others", async () => {
    assert.deepEqual(listed(await overview).toSorted(), [...everywhere].toSorted());
  });

  for (const command of new Set([...alone, ...verbs]))
    it(`${command}: has the flags of its own that are documented, and no others`, async () => {
      const isAlone = (alone as readonly string[]).includes(command);
      const own = listed(await help(...(isAlone ? [command] : ["codex", command])));
      const shared = new Set<string>(everywhere);
      assert.deepEqual(own.filter((flag) => !shared.has(flag)).toSorted(), [...(flags[command] ?? [])].toSorted());
    });
});
