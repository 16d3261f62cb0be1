// What another process does to a login is seen by every runtime that lives on, without a restart: told by the system, or
// found where the system does not tell. The other process is a real one: the program itself (R5.3).
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import fs, { mkdirSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import { type Auth, createAuth } from "../../runtime/auth.ts";
import { follow } from "../../runtime/following.ts";
import { type Host, realHost } from "../../runtime/host.ts";
import { createDesk } from "../../runtime/login/desk.ts";
import { stemOf } from "../../runtime/store/names.ts";
import { createWiring } from "../../runtime/wiring.ts";
import { House } from "../cli/program.ts";
import { plainTokens } from "../support/home.ts";
import { beginLogin, codeOf, stage, until } from "../support/stage.ts";

const systems: Readonly<Record<string, Partial<Host>>> = {
  "told by the system": {},
  "found by looking": {
    watchFolder: () => {
      throw new Error("no watches left");
    },
  },
};

function runtimeBeside(house: House, how: Partial<Host>): Auth {
  return createAuth({
    home: house.home,
    ahead: false,
    host: {
      ...realHost({ home: house.home }),
      environment: {},
      userHome: house.folder,
      openBrowser: async () => assert.fail("nobody may open a browser here"),
      ...how,
    },
  });
}

describe("a runtime that lives on", { concurrency: 2 }, () => {
  for (const [system, how] of Object.entries(systems))
    it(`follows the program, ${system}: sign-in, refresh, rm, switching off and on, logout`, async () => {
      await using emulator = await startEmulator({ lenient: ["unregistered-port"] });
      using house = new House(emulator, { oauthEnabledProviders: { anthropic: true } });
      const auth = runtimeBeside(house, how);
      const account = auth.account("anthropic");
      const { actor } = account;
      const becomes = (state: string): Promise<void> =>
        until(() => actor.getSnapshot().value === state, `it is ${state}`);
      const run = async (words: string): Promise<void> => {
        const { code, stderr } = await house.run(`anthropic ${words}`, { env: { BROWSER: house.agreeing() } });
        assert.equal(code, 0, stderr);
      };
      const stored = (): string => house.tokens("anthropic")["access_token"];
      const given = async (): Promise<string> => (await account.token()).secret.reveal();
      try {
        await becomes("idle");
        await run("login --grant loopback");
        await becomes("authenticated");
        const first = await given();
        assert.equal(first, stored());

        await run("refresh --force");
        assert.notEqual(stored(), first);
        await until(() => actor.getSnapshot().context.survey.facts?.generation === 2, "it knows the new one");
        assert.equal(await given(), stored());

        execFileSync("rm", [join(house.home, "oauth", "anthropic.json")]);
        await becomes("idle");
        assert.equal(await codeOf(account.token()), "sign_in_needed");

        await run("login --grant loopback");
        await becomes("authenticated");
        await run("disable");
        await becomes("disabled");
        await run("enable");
        await becomes("authenticated");
        assert.equal(await given(), stored());

        await run("logout");
        await becomes("idle");
        assert.equal(emulator.counters("anthropic").reuses, 0);
      } finally {
        await auth.close();
      }
    });

  for (const [system, how] of Object.entries(systems))
    it(`learns that the program ended its sign-in, ${system}`, async () => {
      await using emulator = await startEmulator({ lenient: ["unregistered-port"] });
      using house = new House(emulator);
      const auth = runtimeBeside(house, how);
      try {
        const { ended } = await beginLogin(auth, "anthropic", "paste");
        assert.equal((await house.run("anthropic cancel")).code, 0);
        assert.equal(await codeOf(ended), "sign_in_cancelled");
      } finally {
        await auth.close();
      }
    });

  for (const isTidy of [true, false])
    it(`hears that its sign-in is done elsewhere ${isTidy ? "once its record is gone" : "though its record stays"}`, async () => {
      await using s = await stage();
      mkdirSync(s.home.paths.oauth, { mode: 0o700 });
      const { account, ended } = await beginLogin(s.auth(), "anthropic", "paste");
      const [record = ""] = s.home.pending();
      let isOver = false;
      void ended.finally(() => (isOver = true));
      // As the process that finishes it does, in slow motion.
      const tokens = plainTokens(Date.now(), { llxprt_auth: { schema: 1, lineage: "elsewhere", generation: 1 } });
      s.home.plant("anthropic", tokens);
      if (isTidy) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        assert.equal(isOver, false, "it is not told of one half");
        rmSync(record);
      }
      const { row } = await ended;
      assert.deepEqual([row.state, row.pending === null], ["authenticated", isTidy]);
      assert.equal((await account.token()).secret.reveal(), tokens["access_token"]);
    });

  it("is not kept alive by following", async () => {
    using house = new House();
    house.plant("anthropic", { access_token: "a", refresh_token: "r", expiry: Math.floor(Date.now() / 1000) + 3_600 });
    const runtime = fileURLToPath(new URL("../../runtime/index.ts", import.meta.url));
    const script = `
      const { createAuth } = await import(${JSON.stringify(runtime)});
      const { actor } = createAuth({ home: ${JSON.stringify(house.home)} }).account("anthropic");
      actor.subscribe(({ value }) => console.log(value));
    `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--conditions=development", "--input-type=module", "-e", script],
      { env: house.environment(), timeout: 20_000 },
    );
    assert.match(stdout, /authenticated/);
  });
});

it("a journal that cannot be read at that moment is no reason to break", { timeout: 20_000 }, async (context) => {
  await using s = await stage();
  const { ended } = await beginLogin(s.auth(), "gemini", "loopback");
  const list = fs.readdirSync;
  context.mock.method(fs, "readdirSync", (path: string) => {
    if (path === s.home.paths.oauth) throw Object.assign(new Error("EMFILE"), { code: "EMFILE" });
    return list(path);
  });
  syncBuiltinESMExports();
  try {
    rmSync(s.home.paths.pending, { recursive: true });
    assert.equal(await codeOf(ended), "sign_in_cancelled");
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

describe("while a sign-in of this process is being stored", () => {
  it("what another one stores is heard of afterwards", async () => {
    await using s = await stage();
    const name = { provider: "anthropic", account: "default" };
    const desk = createDesk(createWiring(s.home.host(), s.home.paths, () => providers.anthropic));
    const told: string[] = [];
    s.home.plant("anthropic", plainTokens());
    const stop = follow(desk, providers.anthropic, name, ({ type }) => told.push(type));
    try {
      const stem = stemOf(name);
      desk.storing.add(stem);
      s.home.plant("anthropic", { ...plainTokens(), access_token: "another-token-of-another-sign-in" });
      // Long enough to have been looked at.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      assert.equal(told.length, 0);
      desk.storing.delete(stem);
      await until(() => told.includes("store.changed"), "it is told after all");
    } finally {
      stop();
    }
  });
});
