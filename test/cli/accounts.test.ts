// Several accounts at the command line: who is meant by flag, profile and environment, and what a person hears when somebody
// else came back.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Emulator } from "../../providers/emulator/index.ts";
import { houseForEach } from "./houses.ts";
import { play, type Scene } from "./played.ts";
import type { House, Json } from "./program.ts";

let emulator: Emulator;
let house: House;
houseForEach((...given) => {
  [house, emulator] = given;
});

const run = (line: string, scene?: Scene) => play(line.split(" "), scene);
/** Somebody at a browser, who is the first of the emulator's people. */
const login = (line: string) =>
  play([..."anthropic login --grant loopback".split(" "), "--browser", house.agreeing(), ...line.split(" ")]);

const token = (name: string) => ({ access_token: `of-${name}`, expiry: 4_000_000_000, token_type: "Bearer" });

describe("a sign-in under a name", () => {
  it("that is another person's address ends with 4, says who came back, and stores nothing", async () => {
    const [robin = "", sam = ""] = emulator.accounts;
    const { code, stderr } = await login(`--account ${sam}`);
    assert.equal(code, 4);
    assert.match(
      stderr,
      new RegExp(
        `account of anthropic that came back \\(${robin}\\) is another one than was meant; nothing was stored.*with --account`,
      ),
    );
    assert.match(stderr, new RegExp(`Next: llxprt-auth anthropic login --account ${sam}$`, "m"));
    assert.deepEqual([house.has(`oauth/anthropic-${sam}.json`), house.pending()], [false, []]);
  });

  it("that means nobody in particular is taken, and told if it is somebody who is here already", async () => {
    const [robin = ""] = emulator.accounts;
    const first = await login(`--account ${robin}`);
    assert.equal(first.code, 0);
    assert.doesNotMatch(first.stderr, /as well/);
    const second = await login("--account work");
    assert.equal(second.code, 0);
    assert.match(second.stderr, new RegExp(`Note: account ${robin} of anthropic is ${robin} as well\\.`));
    const all = await run("status");
    assert.match(all.stdout, /^ +provider .* OAuth +who$/m);
    assert.match(all.stdout, new RegExp(`anthropic \\(work\\) .* ${robin}$`, "m"));
    const { stdout } = await run("anthropic status --account work");
    assert.match(stdout, new RegExp(`identity +${robin}`));
    const out = await run("anthropic logout --all-accounts");
    assert.match(out.stderr, /Signed out of anthropic, account work[^]*/);
    assert.deepEqual(
      [house.has("oauth/anthropic-work.json"), house.has(`oauth/anthropic-${robin}.json`)],
      [false, false],
    );
  });
});

describe("the account that a command is about", () => {
  it("is that of the flag, the profile, the environment, and else the default one", async () => {
    for (const name of ["codex", "codex-flag", "codex-profile", "codex-env"]) house.plant(name, token(name));
    const saved = await run("profile save mine --provider codex --account profile");
    assert.equal(saved.code, 0);
    assert.deepEqual(house.read("profiles/mine.json"), {
      version: 1,
      provider: "codex",
      ephemeralSettings: {},
      auth: { type: "oauth", buckets: ["profile"] },
    });
    assert.match((await run("profile list")).stdout, /^mine {2}codex {2}account profile$/m);
    const environment = { LLXPRT_AUTH_ACCOUNT: "env" };
    const printed = async (line: string, scene?: Scene) =>
      (await run(`codex token ${line}`.trim(), scene)).stdout.trim();
    assert.equal(await printed("--profile mine --account flag", { environment }), "of-codex-flag");
    assert.equal(await printed("--profile mine", { environment }), "of-codex-profile");
    assert.equal(await printed("", { environment }), "of-codex-env");
    assert.equal(await printed(""), "of-codex");
    // A profile is one provider's.
    house.plant("qwen", token("qwen"));
    assert.equal((await run("qwen token --profile mine")).stdout.trim(), "of-qwen");
    const row = (JSON.parse((await run("codex status --profile mine --json")).stdout) as Json)["providers"] as Json[];
    assert.ok(row.some((one) => one["account"] === "profile"));
  });

  it("is the same where the shell looks whom to ask first", async () => {
    assert.equal((await run("profile save mine --provider codex --account work")).code, 0);
    const environment = { LLXPRT_AUTH_ACCOUNT: "env" };
    const asked = async (line: string): Promise<string | undefined> => {
      const { stderr } = await run(line, { environment, input: "/provider\n" });
      return /^Current: (\w+)\./m.exec(stderr)?.[1];
    };
    house.plant("codex-work", token("codex-work"));
    assert.deepEqual([await asked("shell --profile mine"), await asked("shell")], ["codex", "gemini"]);
    house.plant("anthropic-work", token("anthropic-work"));
    assert.equal(await asked("shell --profile mine"), "codex", "the profile's account is of the profile's provider");
    house.plant("anthropic-env", token("anthropic-env"));
    assert.deepEqual([await asked("shell --profile mine"), await asked("shell")], ["anthropic", "anthropic"]);
    assert.equal(await asked("shell --profile mine --account none"), "gemini");
  });

  it("keeps what llxprt-code has in its profile, and saving a key leaves the account there", async () => {
    house.plant("codex-work", token("work"));
    await run("profile save mine --provider codex --account work");
    const key = await run("profile save mine --provider codex --key-stdin", { input: "a-key" });
    assert.equal(key.code, 0);
    const { auth, ephemeralSettings } = house.read("profiles/mine.json");
    assert.deepEqual([auth.buckets, ephemeralSettings["auth-key"]], [["work"], "a-key"]);
    assert.equal((await run("profile save bare --provider codex")).code, 2);
  });
});
