// Where a refresh cannot be left to a process of its own, what would end this one waits until the reply is on the disk; and
// is not forgotten (refresh protocol, "who runs it"; threat T53).
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { signIn, type Stage, stage, until } from "../../support/stage.ts";
import { edit } from "../../support/spending.ts";

const provider = "anthropic";
const library = new URL("../../../runtime/index.ts", import.meta.url).href;

/** A program that asks for a token, and refreshes in its own process. */
function program({ home }: Stage, more = ""): ChildProcess {
  const script = `
    import { createAuth, realHost } from ${JSON.stringify(library)};
    ${more}
    const home = ${JSON.stringify(home.paths.home)};
    const auth = createAuth({ home, host: { ...realHost({ home }), launch: null } });
    await auth.account(${JSON.stringify(provider)}).token();
    setInterval(() => undefined, 1_000);`;
  const flags = ["--conditions=development", "--input-type=module-typescript", "-e", script];
  return spawn(process.execPath, flags, { stdio: ["ignore", "ignore", "inherit"] });
}

/** Struck while its refresh token is on its way. */
async function struck(s: Stage, signal: NodeJS.Signals, more?: string) {
  const auth = s.auth();
  await signIn(s, auth, provider, { grant: "loopback" });
  await auth.close();
  edit(s.home, provider, { expiry: Math.floor(Date.now() / 1000) - 5 });
  s.emulator.fault(provider, "refresh", { kind: "delay", ms: 700 });
  const child = program(s, more);
  const ended = once(child, "exit");
  await until(() => s.emulator.counters(provider).refreshes > 0, "the server has rotated", 20_000);
  child.kill(signal);
  return (await ended) as [number | null, NodeJS.Signals | null];
}

describe("a program that refreshes by itself", { concurrency: 3 }, () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    it(`ends by ${signal} when the reply is stored, and not before`, async () => {
      await using s = await stage();
      assert.deepEqual(await struck(s, signal), [null, signal]);
      assert.equal(s.home.tokens(provider)["llxprt_auth"].generation, 2);
      assert.equal((await s.auth().account(provider).token()).generation, 2);
      assert.equal(s.emulator.counters(provider).reuses, 0);
    });

  it("and that takes a signal in hand itself does as it likes", async () => {
    await using s = await stage();
    assert.deepEqual(await struck(s, "SIGINT", `process.on("SIGINT", () => process.exit(7));`), [7, null]);
    assert.equal(s.home.tokens(provider)["llxprt_auth"].generation, 1);
  });
});
