// Who only looks, leaves no trace: `status` and a fresh `token` take no lock, write nothing and speak to nobody, and open
// no more than they must (refresh protocol, "read"; I11). As the system saw it.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { commandLine } from "../battery/processes.ts";
import { provider, World } from "../battery/world.ts";
import { plainTokens } from "../support/home.ts";
import { type Call, canTrace, traced } from "../support/trace.ts";

const changing = new Set([
  "mkdir",
  "mkdirat",
  "rename",
  "renameat",
  "renameat2",
  "unlink",
  "unlinkat",
  "rmdir",
  "link",
]);
const opening = new Set(["openat", "open", "creat"]);
const neverMind = new Set(["close", "fcntl", ...opening]);

/** What somebody did to a home folder besides looking at it, and whom he spoke to. */
function deeds(calls: readonly Call[], home: string): string[] {
  return calls.flatMap((call) => {
    const { name, told, answer, path } = call;
    const shown = `${name}(${told}) = ${answer}`;
    if (/AF_INET6?/.test(told) || name === "bind" || name === "listen") return [shown];
    if (!`${told} ${answer}`.includes(home)) return [];
    if (opening.has(name))
      return /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(told) || path.includes("/.spend/") ? [shown] : [];
    if (name === "fcntl") return /F_(OFD_)?SETLKW?|F_SETLEASE/.test(told) ? [shown] : [];
    return changing.has(name) || !neverMind.has(name) ? [shown] : [];
  });
}

const opened = (calls: readonly Call[], home: string): string[] =>
  calls
    .filter(
      ({ name, told, failed, path }) =>
        opening.has(name) && !failed && path.startsWith(home) && !told.includes("O_DIRECTORY"),
    )
    .map(({ path }) => path.slice(home.length + 1));

describe("as the system saw it,", { skip: canTrace ? false : "there is no strace(1)" }, () => {
  for (const words of [["status"], ["status", "--json"], [provider, "token"]]) {
    it(`${words.join(" ")} opens two files of a home that has no settings of its own, and does nothing else`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "llxprt-auth-quiet-"));
      const home = join(folder, ".llxprt");
      mkdirSync(join(home, "oauth"), { recursive: true, mode: 0o700 });
      writeFileSync(join(home, "settings.json"), "{}", { mode: 0o600 });
      writeFileSync(join(home, "oauth", `${provider}.json`), JSON.stringify(plainTokens()), { mode: 0o600 });
      const env = { PATH: process.env["PATH"], HOME: folder, LLXPRT_HOME: home };
      const { code, calls } = await traced(commandLine(...words), env, true);
      assert.equal(code, 0);
      assert.deepEqual(deeds(calls, home), []);
      assert.deepEqual(opened(calls, home).toSorted(), [`oauth/${provider}.json`, "settings.json"]);
      rmSync(folder, { recursive: true });
    });
  }

  it("so do they in a home with settings of its own, where the whole program runs", async () => {
    await using world = await World.open({ lifetimeS: 600 });
    for (const words of [["status"], [provider, "status"], [provider, "token"]]) {
      const { code, calls } = await traced(commandLine(...words), world.house.environment(), true);
      assert.equal(code, 0);
      assert.deepEqual(deeds(calls, world.home), [], words.join(" "));
      const files = opened(calls, join(world.home, "oauth"));
      assert.ok(files.length <= 2 && files.every((file) => file === `${provider}.json`), files.join(" "));
    }
  });

  it("and this would be seen: a refresh locks, writes and speaks", async () => {
    await using world = await World.open({ lifetimeS: 600 });
    world.expire();
    const { calls } = await traced(commandLine(provider, "token"), world.house.environment(), true);
    const seen = new Set(deeds(calls, world.home).map((deed) => deed.slice(0, deed.indexOf("("))));
    for (const deed of ["openat", "fcntl", "rename", "fsync", "connect"]) assert.ok(seen.has(deed), deed);
  });
});
