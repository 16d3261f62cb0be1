// A token file that is mounted by itself, as a container may have it: its tokens are handed out, and nothing is spent for it
// that could not be kept.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { commandLine, type Ended, House } from "./program.ts";

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator();
});
after(() => emulator.close());

const mounts = 'mount --bind "$1" "$1" && shift && exec "$@"';
const skip = spawnSync("unshare", ["-rm", "true"]).status === 0 ? false : "no mount namespaces";

/** In a place where the account's token file is a mount of its own. */
async function inPlace(house: House, line: string): Promise<Omit<Ended, "ms">> {
  const file = `${house.home}/oauth/gemini.json`;
  const child = spawn("unshare", ["-rm", "sh", "-c", mounts, "sh", file, ...commandLine, ...line.split(" ")], {
    env: house.environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

describe("a token file that is mounted by itself", { skip }, () => {
  it("is read, not renewed, and named by the doctor", async () => {
    using house = new House(emulator);
    const { code } = await house.run("gemini login", { env: { BROWSER: house.agreeing() } });
    assert.equal(code, 0);
    assert.equal((await inPlace(house, "gemini token")).stdout.trim(), house.tokens("gemini")["access_token"]);

    const ended = { ...house.tokens("gemini"), expiry: Math.floor(Date.now() / 1000) - 1 };
    house.plant("gemini", ended);
    const sent = emulator.counters("gemini").refreshes;
    const refused = await inPlace(house, "gemini token");
    assert.equal(refused.code, 6);
    assert.match(
      refused.stderr,
      /gemini\.json is mounted by itself; mount the folder that it is in\)\.\nNext: llxprt-auth doctor/,
    );
    const login = await inPlace(house, "gemini login --detach");
    assert.deepEqual([login.code, login.stdout], [6, ""]);
    assert.match((await inPlace(house, "doctor")).stdout, /gemini\.json is mounted by itself, and cannot be renewed/);
    assert.equal(emulator.counters("gemini").refreshes, sent);
    assert.deepEqual(house.tokens("gemini"), ended);

    // Nothing is lost: where the folder is mounted, or none, it is renewed.
    assert.equal((await house.run("gemini token")).code, 0);
    assert.equal(emulator.counters("gemini").refreshes, sent + 1);
  });

  it("is known by every path, and nothing else is taken for one", () => {
    const folder = mkdtempSync(join(tmpdir(), "mounted a\\b é "));
    const [file, other] = [join(folder, "one.json"), join(folder, "other.json")];
    for (const path of [file, other]) writeFileSync(path, "");
    const module = new URL("../../runtime/store/mounted.ts", import.meta.url).href;
    const script = `import { mountedAlone } from ${JSON.stringify(module)};
      console.log(process.argv.slice(1).map(mountedAlone()).join());`;
    const args = ["-rm", "sh", "-c", mounts, "sh", file, process.execPath, "--input-type=module", "-e", script];
    const { stdout } = spawnSync("unshare", [...args, file, other, folder, join(folder, "none.json"), "/nowhere/x"]);
    assert.equal(stdout.toString(), "true,false,false,false,false\n");
    rmSync(folder, { recursive: true });
  });
});
