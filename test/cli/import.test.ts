// `import` at the command line: what it lists and says, what it asks, and that no token of any file is ever printed or
// noted.
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Emulator } from "../../providers/emulator/index.ts";
import { canaries } from "../support/canary.ts";
import { jwt, keep, tools } from "../support/vendors.ts";
import { houseForEach } from "./houses.ts";
import { play, type Played } from "./played.ts";
import type { House, Json } from "./program.ts";

let emulator: Emulator;
let house: House;
const said = new Map<string, string>();
houseForEach((...given) => {
  [house, emulator] = given;
  said.clear();
});

const run = async (line: string): Promise<Played> => {
  const played = await play(line.split(" "));
  said.set(line, played.stdout + played.stderr);
  return played;
};
const json = async (line: string): Promise<Json> => JSON.parse((await run(`${line} --json`)).stdout) as Json;

const access = jwt({ exp: Math.ceil(Date.now() / 1000) + 3600, jti: "canary-access-of-a-tool" });
const kept = {
  access,
  refresh: "canary-refresh-of-a-tool",
  expiresAt: Date.now() + 3_600_000,
  idToken: jwt({ email: "me@example.com", jti: "canary-id-of-a-tool" }),
  accountId: "an-account",
};
const codexFile = (): string => keep(house.folder, tools["Codex CLI"].file, tools["Codex CLI"].content(kept));

/** Of everything that was printed, and of the journal. */
function assertNoSecrets(): void {
  const journal = join(house.home, "oauth/journal.jsonl");
  if (existsSync(journal)) said.set("journal", readFileSync(journal, "utf8"));
  assert.deepEqual(canaries([kept.access, kept.refresh, kept.idToken, ...emulator.secrets()], said), []);
}

describe("import without a provider", () => {
  it("says where it looked, and what it cannot read, when there is nothing", async () => {
    const { code, stdout, stderr } = await run("import");
    assert.deepEqual([code, stdout], [0, ""]);
    for (const { file } of [tools["Codex CLI"], tools["Claude Code"], tools["Qwen Code"], tools["Gemini CLI"]])
      assert.ok(stderr.includes(join(house.folder, file)), file);
    assert.match(stderr, /may keep its login in the Keychain, on macOS\. That is not read here/);
    const notes = stderr.split("\n").filter((text) => text.startsWith("Note: "));
    assert.deepEqual(notes, [...new Set(notes)], "each once, however many providers a program has");
    assert.deepEqual(await json("import"), { schema: 1, found: [] });
    assert.ok(!house.has("oauth"), "nothing is made");
  });

  it("lists what there is, and prints no token", async () => {
    const file = codexFile();
    keep(house.folder, tools["Qwen Code"].file, tools["Qwen Code"].content({ ...kept, expiresAt: 1_500_000_000_000 }));
    const { code, stdout, stderr } = await run("import");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^codex {2}Codex CLI: the login of me@example\.com, until .*, with a refresh token\n {2}\S+$/m,
    );
    assert.match(stdout, /^qwen {2}Qwen Code: a login, ended .*, with a refresh token$/m);
    assert.match(stderr, /Next: llxprt-auth import codex/);
    const { found } = await json("import");
    assert.deepEqual(found[0], {
      provider: "codex",
      tool: "Codex CLI",
      file,
      kind: "login",
      trouble: null,
      identity: "me@example.com",
      expiresAt: new Date(Math.floor(Date.parse(found[0].expiresAt))).toISOString(),
      refreshable: true,
      loose: false,
      link: null,
      accounts: [],
    });
    await run("codex enable");
    await run("import codex");
    assert.match((await run("import")).stdout, /Codex CLI: .*, used here \(default\)/);
    assertNoSecrets();
    assert.equal(emulator.requests.length, 0);
  });

  for (const line of ["import --take-over", "import --yes", "import codex --yes", "import nobody", "import codex more"])
    it(`refuses ${line}`, async () => {
      assert.equal((await run(line)).code, 2);
    });
});

describe("import of a provider's login", () => {
  it("reads it, says so everywhere, and lets it go again", async () => {
    const file = codexFile();
    const { code, stdout, stderr } = await run("import codex");
    assert.deepEqual([code, stdout], [0, ""]);
    assert.match(stderr, /✓ codex uses the login of Codex CLI as me@example\.com, read in \S+auth\.json\./);
    assert.match(stderr, /renewed by Codex CLI alone\.\n.*Next: llxprt-auth codex status/s);
    assert.equal((await play(["codex", "token"])).stdout, `${kept.access}\n`);
    const status = await run("codex status");
    assert.equal(status.code, 0);
    assert.match(status.stdout, new RegExp(`read from +${file} \\(Codex CLI\\)`));
    assert.match(status.stdout, /renewal +by Codex CLI alone/);
    const [row] = ((await json("codex status"))["providers"] as Json[]).slice(0, 1);
    assert.deepEqual(row?.["importedFrom"], { tool: "Codex CLI", file });
    assert.match((await run("codex why")).stdout, /→ .*OAuth, account default \(the login of Codex CLI\)/);
    assert.match((await run("codex explain")).stdout, /is that of Codex CLI: its file is read/);
    assert.equal((await run("codex refresh --force")).code, 3);
    const out = await run("codex logout");
    assert.match(out.stderr, /The login of Codex CLI is not used for codex any more\. It is as it was, there\./);
    assert.equal((await run("codex status")).code, 3);
    assert.ok(existsSync(file));
    assertNoSecrets();
    assert.equal(emulator.requests.length, 0);
  });

  it("has to be confirmed to be taken over, and says what that means first", async () => {
    const file = codexFile();
    const text = readFileSync(file, "utf8");
    const refused = await run("import codex --take-over");
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /takes a refresh token once only: .* the copy of Codex CLI is dead/);
    assert.match(refused.stderr, /Do not sign out in Codex CLI/);
    assert.match(refused.stderr, /Next: llxprt-auth import codex --take-over --yes/);
    const named = await run(`import codex --take-over --from ${file}`);
    assert.ok(
      named.stderr.includes(`Next: llxprt-auth import codex --take-over --yes --from ${file}\n`),
      "the same file",
    );
    assert.ok(!house.has("oauth/codex.json"));
    const { code, stderr } = await run("import codex --take-over --yes");
    assert.equal(code, 0);
    assert.match(stderr, new RegExp(`\nmv ${file} ${file}\\.taken-over\n`));
    assert.equal(house.tokens("codex")["refresh_token"], kept.refresh);
    assert.equal(readFileSync(file, "utf8"), text);
    assert.match((await run("codex explain")).stdout, /The login of another program was copied here/);
    assertNoSecrets();
  });

  it("names the account that it is for, and keeps a login that is there", async () => {
    codexFile();
    house.plant("codex", {
      access_token: "mine",
      refresh_token: "mine-too",
      expiry: 4_000_000_000,
      token_type: "Bearer",
    });
    for (const line of ["import codex", "import codex --take-over --yes"]) {
      const { code, stderr } = await run(line);
      assert.equal(code, 2);
      assert.match(stderr, /signed in here already.*--account/);
    }
    assert.equal(house.tokens("codex")["access_token"], "mine");
    const row = await json("import codex --account work");
    assert.deepEqual([row["account"], row["state"]], ["work", "authenticated"]);
    assert.match((await run("status")).stdout, /codex \(work\)/);
    const taken = await json("import codex --account work --take-over --yes");
    assert.equal(taken["importedFrom"], undefined);
    assert.equal(house.tokens("codex-work")["refresh_token"], kept.refresh);
  });

  it("wants to know which one is meant when there are several", async () => {
    const file = codexFile();
    const proxied = keep(house.folder, tools["CLIProxyAPI, codex"].file, tools["CLIProxyAPI, codex"].content(kept));
    const { code, stderr } = await run("import codex");
    assert.equal(code, 2);
    assert.ok(stderr.includes(file) && stderr.includes(proxied) && stderr.includes("--from"));
    assert.equal((await run(`import codex --from ${proxied}`)).code, 0);
    // Who reads one, and takes over, means that one.
    assert.equal((await run("import codex --take-over --yes")).code, 0);
    assert.match((await run(`import --from ${file}`)).stdout, /^codex {2}Codex CLI/);
  });

  const none: readonly (readonly [string, number, RegExp, object | string | null])[] = [
    ["nothing there", 3, /No login of another program was found for codex \(looked at /, null],
    [
      "a key",
      6,
      /holds an API key and no login; use the key with --keyfile/,
      { OPENAI_API_KEY: "canary-key-of-a-tool" },
    ],
    ["a damaged file", 6, /No login can be read: \S+auth\.json holds no login/, "{ canary-half-a-file"],
  ];
  for (const [what, exit, says, content] of none)
    it(`ends with ${exit} and a reason: ${what}`, async () => {
      if (content !== null) keep(house.folder, tools["Codex CLI"].file, content);
      const { code, stderr } = await run("import codex");
      assert.equal(code, exit);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /canary/);
      assert.equal((await json("import codex"))["error"] === undefined, false);
    });

  it("warns of a file that others can read, and of another provider's", async () => {
    const file = codexFile();
    rmSync(file);
    keep(house.folder, tools["Codex CLI"].file, tools["Codex CLI"].content(kept), 0o640);
    assert.match((await run("import codex")).stderr, /Warning: \S+ can be read by others: chmod 600 /);
    const { code, stderr } = await run(`import anthropic --from ${file}`);
    assert.equal(code, 2);
    assert.match(stderr, /is a file for codex, not for anthropic/);
  });
});
