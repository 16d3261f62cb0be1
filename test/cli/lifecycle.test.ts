// A login's life at the command line: enabled, shown, disabled, signed out, broken and reset; and the row that tells of it.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Emulator } from "../../providers/emulator/index.ts";
import { houseForEach } from "./houses.ts";
import { play } from "./played.ts";
import type { House, Json } from "./program.ts";

let emulator: Emulator;
let house: House;
houseForEach((...given) => {
  [house, emulator] = given;
});

const run = (line: string, input = "") => play(line.split(" "), { input });
const json = async (line: string): Promise<Json> => {
  const { stdout } = await run(`${line} --json`);
  assert.match(stdout, /^\{.*\}\n$/);
  return JSON.parse(stdout) as Json;
};
const now = () => Math.floor(Date.now() / 1000);
const alive = { access_token: "canary-access", refresh_token: "canary-refresh", token_type: "Bearer", scope: "" };
const rowOf = async (provider: string): Promise<Json> =>
  (await json("status"))["providers"].find((row: Json) => row["provider"] === provider) as Json;

describe("status --json", () => {
  it("is the contract's, to the member", async () => {
    await run("codex enable");
    const { schema, home, providers } = await json("status");
    assert.deepEqual([schema, home], [1, house.home]);
    assert.deepEqual(
      providers.map(({ provider }: Json) => provider),
      ["gemini", "anthropic", "codex", "qwen"],
    );
    assert.deepEqual(providers[2], {
      provider: "codex",
      account: "default",
      enabled: true,
      state: "idle",
      usable: "no",
      source: { kind: "oauth" },
      present: false,
      unexpired: false,
      verifiedAt: null,
      expiresAt: null,
      refreshable: false,
      identity: null,
      lastError: null,
      pending: null,
      nextCommand: "llxprt-auth codex login",
    });
    assert.deepEqual([providers[0].state, providers[0].source], ["disabled", { kind: "none" }]);
  });

  const situations: readonly (readonly [string, Json | string | null, Json])[] = [
    ["no tokens", null, { state: "idle", usable: "no", exit: 3 }],
    ["fresh", { ...alive, expiry: now() + 3600 }, { state: "authenticated", usable: "yes", exit: 0 }],
    [
      "past expiry, refreshable",
      { ...alive, expiry: now() - 60 },
      { state: "authenticated", usable: "unknown", exit: 0 },
    ],
    [
      "past expiry, not refreshable",
      { access_token: "canary", token_type: "Bearer", expiry: now() - 60 },
      { state: "expired", usable: "no", exit: 3 },
    ],
    ["unreadable", "{ half", { state: "blocked", usable: "no", exit: 6 }],
  ];
  for (const [what, file, { state, usable, exit }] of situations)
    it(`${what}: ${state}, ${usable}, exit ${exit}`, async () => {
      await run("qwen enable");
      if (file !== null) house.plant("qwen", file);
      const row = await rowOf("qwen");
      assert.deepEqual([row["state"], row["usable"]], [state, usable]);
      const { code, stdout } = await run("status qwen");
      assert.equal(code, exit);
      assert.match(stdout, usable === "no" ? /^✗ qwen/ : /^✓ qwen/);
      assert.equal((await run("qwen status")).code, exit);
      assert.equal((await run("status")).code, 0);
      assert.doesNotMatch(stdout, /canary/);
    });

  it("changes nothing: no file, no time, no request", async () => {
    house.plant("codex", { ...alive, expiry: now() - 60 });
    const look = () =>
      readdirSync(house.folder, { recursive: true, withFileTypes: true }).map(({ parentPath, name }) => {
        const { mtimeMs, ctimeMs, mode, size } = statSync(join(parentPath, name));
        return [join(parentPath, name), mtimeMs, ctimeMs, mode, size];
      });
    const [old, requests] = [look(), emulator.requests.length];
    await run("status");
    await run("status codex");
    await run("codex why");
    assert.deepEqual(look(), old);
    assert.equal(emulator.requests.length, requests);
  });

  it("asks the provider only with --verify", async () => {
    house.plant("codex", { ...alive, expiry: now() + 3600 });
    const requests = emulator.requests.length;
    const { stderr } = await run("codex status --verify");
    assert.ok(emulator.requests.length > requests);
    assert.match(stderr, /^codex: /);
  });

  it("believes the provider that refuses, and says so by its exit code", async () => {
    house.plant("codex", { ...alive, expiry: now() + 3600, refresh_token: undefined });
    const { code, stdout } = await run("codex status --verify --json");
    const [row] = (JSON.parse(stdout) as { providers: Json[] }).providers;
    assert.deepEqual([code, row?.["usable"], row?.["lastError"]], [3, "no", "api_unauthorized"]);
    assert.equal(row?.["nextCommand"], "llxprt-auth codex login");
  });
});

describe("the table", () => {
  it("has a line for every account, within 80 columns", async () => {
    house.plant("codex", { ...alive, expiry: now() + 3125 });
    house.plant("codex-work", { ...alive, expiry: now() - 3 * 3600 });
    const { stdout } = await run("status");
    assert.match(stdout, /^✓ {2}codex +authenticated +\d+ \w{3} \d\d:\d\d \(in 52 min\) +oauth +on$/m);
    assert.match(stdout, /^✓ {2}codex \(work\) +authenticated +.*\(3 h ago\) +oauth +on$/m);
    assert.match(stdout, /^✗ {2}gemini +disabled +– +none +off$/m);
    assert.ok(stdout.split("\n").every((line) => line.length <= 80));
  });

  it("the details of one account name the timer and the command", async () => {
    await run("codex enable");
    assert.match((await run("codex status")).stdout, /^ {2}next +llxprt-auth codex login$/m);
    house.plant("codex", { ...alive, expiry: now() + 600 });
    assert.match((await run("codex status")).stdout, /^ {2}timer +in 9 min: the token ends$/m);
    assert.match((await run("codex status")).stdout, /^ {2}renewal +possible$/m);
    assert.match((await run("codex status")).stdout, /^ {2}verified +not yet$/m);
    assert.doesNotMatch((await run("codex status --key plainly-fake")).stdout, /verified/);
    const refused = { lineage: "planted", generation: 1, refused: { generation: 1, code: "refresh_refused" } };
    house.plant("codex", { ...alive, expiry: now() + 600, llxprt_auth: { schema: 1, ...refused } });
    assert.match((await run("codex status")).stdout, /^ {2}renewal +refused: sign in again$/m);
    const retry = { at: now() + 300, code: "server_failed", failures: 1, since: now() };
    house.plant("codex", { ...alive, llxprt_auth: { schema: 1, lineage: "planted", generation: 1, retry } });
    assert.match((await run("codex status")).stdout, /^ {2}timer +in 4 min: the next try to renew it$/m);
    house.plant("codex-work", { ...alive, expiry: now() - 600 });
    const { stdout } = await run("codex status");
    assert.match(stdout, /^✓ {2}codex \(work\)/m, "other accounts follow");
    assert.match((await run("codex status --account work")).stdout, /^ {2}account +work$/m);
    const shown = await play(["codex", "status"], { environment: { LLXPRT_AUTH_ACCOUNT: "work" } });
    assert.match(shown.stdout, /^ {2}account +work$/m);
  });
});

describe("enable and disable", () => {
  it("contact nobody, keep tokens and other people's settings", async () => {
    house.settings({ ...house.settled, theme: "dark" });
    house.plant("qwen", { ...alive, expiry: now() + 3600 });
    const requests = emulator.requests.length;
    assert.match((await run("qwen disable")).stderr, /^OAuth is off for qwen; its tokens are kept\.$/m);
    const refused = await run("qwen token");
    assert.deepEqual([refused.code, refused.stdout], [3, ""]);
    assert.match(refused.stderr, /^Next: llxprt-auth qwen enable$/m);
    const enabled = await run("qwen enable");
    assert.match(enabled.stderr, /^Note: Qwen ended its free OAuth tier/m);
    assert.equal((await run("qwen token")).stdout, "canary-access\n");
    assert.equal(house.settled["theme"], "dark");
    assert.equal(emulator.requests.length, requests);
  });

  it("the bare name enables, and then needs a sign-in; with a login it shows the status", async () => {
    const first = await run("qwen");
    assert.equal(first.code, 3);
    assert.equal(house.settled["oauthEnabledProviders"].qwen, true);
    assert.match(first.stderr, /^Next: llxprt-auth qwen login$/m);
    house.plant("qwen", { ...alive, expiry: now() + 3600 });
    const { code, stdout } = await run("qwen");
    assert.equal(code, 0);
    assert.match(stdout, /^✓ qwen/);
  });

  it("the bare command is status", async () => {
    assert.deepEqual(await play([]), await run("status"));
  });
});

describe("logout", () => {
  it("deletes, revokes, and says what still authenticates", async () => {
    const { stdout } = await run("codex login --device --detach");
    assert.match((await run("codex status")).stdout, /^ {2}timer +in 14 min: the sign-in ends$/m);
    const code = /^Code: (\S+)$/m.exec(stdout)?.[1] ?? "";
    await emulator.approveDevice(code);
    assert.equal((await run("codex wait")).code, 0);
    const access = house.tokens("codex")["access_token"] as string;
    process.env["OPENAI_API_KEY"] = "canary-key";
    const { stderr } = await run("codex logout");
    delete process.env["OPENAI_API_KEY"];
    assert.match(stderr, /^Signed out of codex: the tokens here are deleted\.\nThe provider has revoked them, too\.$/m);
    assert.match(stderr, /^Note: environment variable OPENAI_API_KEY still authenticates\.$/m);
    assert.ok(!stderr.includes(access) && !stderr.includes("canary-key"));
    assert.ok(!house.has("oauth/codex.json"));
    assert.match((await run("codex logout")).stderr, /^codex was not signed in\.$/m);
  });

  it("names the page where a grant is reviewed when it could not be revoked", async () => {
    house.plant("anthropic", { ...alive, expiry: now() + 3600 });
    const { stderr } = await run("anthropic logout");
    assert.match(stderr, /no way to revoke them from here/);
    assert.match(stderr, /^https:\/\/claude\.ai\/settings$/m);
  });

  it("of all accounts, and without the provider", async () => {
    house.plant("codex", { ...alive, expiry: now() + 3600 });
    house.plant("codex-work", { ...alive, expiry: now() + 3600 });
    const requests = emulator.requests.length;
    const { accounts } = await json("codex logout --all-accounts --no-revoke");
    assert.deepEqual(accounts, [
      { provider: "codex", account: "default", revocation: "skipped", remaining: null },
      { provider: "codex", account: "work", revocation: "skipped", remaining: null },
    ]);
    assert.equal(emulator.requests.length, requests);
    assert.ok(!house.has("oauth/codex-work.json"));
  });

  it("of all accounts goes on after one that cannot be read, and names it", async () => {
    house.plant("codex-a", { ...alive, expiry: now() + 3600 });
    house.plant("codex-b", "not json");
    house.plant("codex-c", { ...alive, expiry: now() + 3600 });
    const { code, stderr } = await run("codex logout --all-accounts --no-revoke");
    assert.equal(code, 6);
    assert.match(stderr, /^Next: llxprt-auth codex reset --account b$/m);
    assert.deepEqual(
      ["a", "b", "c"].map((account) => house.has(`oauth/codex-${account}.json`)),
      [false, true, false],
    );
  });

  it("says that another program's login is still there", async () => {
    mkdirSync(join(house.folder, ".gemini"));
    const theirs = { access_token: "canary-theirs", expiry_date: Date.now() + 3_600_000 };
    writeFileSync(join(house.folder, ".gemini/oauth_creds.json"), JSON.stringify(theirs), { mode: 0o600 });
    await run("gemini enable");
    const { stderr } = await run("gemini logout");
    assert.doesNotMatch(stderr, /deleted\.$|Signed out/m);
    assert.match(stderr, /another program keeps for gemini is not deleted, and still authenticates\.$/m);
    assert.equal((await json("gemini logout"))["accounts"][0].remaining.kind, "oauth");
    assert.doesNotMatch((await run("gemini reset")).stderr, /aside/);
    await run("gemini disable");
    assert.match((await run("gemini logout")).stderr, /^gemini was not signed in\.$/m);
  });
});

describe("reset", () => {
  it("puts aside what cannot be read, and begins again", async () => {
    house.plant("qwen", "not json");
    const broken = await run("qwen token");
    assert.deepEqual([broken.code, broken.stdout], [6, ""]);
    assert.match(broken.stderr, /^Next: llxprt-auth qwen reset$/m);
    assert.equal((await run("qwen login --detach")).code, 6, "it is not written over");
    const status = await run("status qwen");
    assert.equal(status.code, 6);
    assert.match(status.stderr, /^Note: The token file of qwen cannot be read \(.*\); it is kept\.$/m);
    const reset = await run("qwen reset");
    assert.equal(reset.code, 0);
    assert.match(reset.stderr, /kept aside in .*\/oauth, /);
    const files = readdirSync(join(house.home, "oauth"));
    assert.ok(files.some((name) => name.startsWith("qwen.json.aside-")));
    assert.equal((await rowOf("qwen"))["state"], "idle");
    assert.doesNotMatch((await run("qwen reset")).stderr, /aside/, "nothing was there");
  });
});

describe("profiles", () => {
  it("are saved, listed and deleted; a key is never shown", async () => {
    writeFileSync(join(house.folder, "key"), "canary-key", { mode: 0o600 });
    mkdirSync(join(house.home, "profiles"), { mode: 0o700 });
    writeFileSync(
      join(house.home, "profiles/old.json"),
      JSON.stringify({ version: 1, provider: "gemini", model: "x" }),
    );
    await run(`profile save work --provider QWEN --keyfile ${house.folder}/key`);
    await run("profile save piped --provider codex --key-stdin", "canary-piped\n");
    await run("profile save old --provider gemini --key-stdin", "canary-old\n");
    const listed = await json("profile list");
    assert.deepEqual(listed["profiles"], [
      { name: "old", provider: "gemini", source: "auth-key", keyFile: null },
      { name: "piped", provider: "codex", source: "auth-key", keyFile: null },
      { name: "work", provider: "qwen", source: "auth-keyfile", keyFile: `${house.folder}/key` },
    ]);
    assert.doesNotMatch((await run("profile list")).stdout, /canary/);
    assert.equal((await run("qwen token --profile work")).stdout, "canary-key\n");
    assert.equal((await run("codex token --profile piped")).stdout, "canary-piped\n");
    assert.equal((await run("codex token --profile work")).code, 3, "a key belongs to one provider");
    assert.match((await run("profile delete work")).stderr, /deleted/);
    assert.equal((await run("profile delete work")).code, 2);
  });

  it("are not saved with a key that means none", async () => {
    for (const none of ["none", " NONE ", ""]) {
      const { code, stderr } = await run("profile save none --provider codex --key-stdin", `${none}\n`);
      assert.deepEqual([code, /needs a key/.test(stderr)], [2, true], none);
    }
  });

  it("of another kind, and broken ones, are named and hide none of the others", async () => {
    await run("profile save old --provider gemini --key-stdin", "canary-old\n");
    writeFileSync(join(house.home, "profiles/balanced.json"), JSON.stringify({ version: 1, type: "loadbalancer" }));
    writeFileSync(join(house.home, "profiles/broken.json"), "{");
    const { code, stdout, stderr } = await run("profile list");
    assert.equal(code, 0);
    assert.match(stdout, /^old +gemini/m);
    assert.match(stderr, /^Note: profile balanced is left out: .*balanced\.json: provider /m);
    assert.match(stderr, /^Note: profile broken is left out: .*broken\.json: /m);
    for (const name of ["balanced", "broken"]) assert.equal((await run(`profile delete ${name}`)).code, 0);
  });
});

describe("shell, from a pipe", () => {
  it("is quiet, runs commands as they are, and asks", async () => {
    writeFileSync(join(house.folder, "key"), emulator.apiKeys.codex, { mode: 0o600 });
    const { code, stdout, stderr } = await run(
      "shell",
      [
        "/provider codex",
        `/set auth-keyfile ${house.folder}/key`,
        "hello, you",
        "/auth codex why",
        "/auth qwen enable",
        "/profile save mine",
        "/set auth-keyfile none",
        "/profile load mine",
        "once more",
        "/quit",
        "not read any more",
      ].join("\n"),
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^You said: hello, you\ncodex: flag wins\n[^]*You said: once more\n$/);
    assert.doesNotMatch(stderr, /not read/);
    assert.equal(house.settled["oauthEnabledProviders"].qwen, true);
  });

  it("takes nothing, blanks and none for no value, and says so", async () => {
    const values = ["", " ''", " ' '", " none", " NONE", " ' None '"];
    const { code, stderr } = await run("shell", values.map((value) => `/set auth-keyfile${value}`).join("\n"));
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "auth-keyfile is unset for gemini.\n".repeat(values.length));
  });

  it("ends like its last line, and says what went wrong", async () => {
    const { code, stderr } = await run("shell", "/frob\n/provider nobody\n/set colour red\n/auth qwen token\n");
    assert.equal(code, 3);
    for (const what of [
      /no \/frob/,
      /no provider called "nobody"/,
      /\/set takes auth-key/,
      /Next: llxprt-auth qwen enable/,
    ])
      assert.match(stderr, what);
  });
});

describe("emulator", () => {
  it("points a home at itself, keeps the rest, and goes with Ctrl-C", async () => {
    house.settings({ theme: "dark", providers: { mine: { clientId: "x" } } });
    const { said, child, ended } = house.start(["emulator", "--home", house.home]);
    const [, command = ""] = await said(/^llxprt-auth (--home .*)$/m);
    assert.deepEqual([house.settled["theme"], house.settled["providers"].mine], ["dark", { clientId: "x" }]);
    const words = [...command.split(" "), "--device", "--detach"];
    const { code } = await play(words);
    assert.equal(code, 0, "what it says works");
    await play(["codex", "cancel"]);
    child.kill("SIGINT");
    const { stdout, code: end } = await ended;
    assert.equal(end, 130);
    assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\n$/);
  });

  it("prints JSON, once: Ctrl-C is how it ends", async () => {
    const { said, child, ended } = house.start(["emulator", "--json"]);
    await said(/Ctrl-C ends it/);
    child.kill("SIGINT");
    const { stdout, code } = await ended;
    assert.equal(code, 130);
    assert.match((JSON.parse(stdout) as Json)["url"], /^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it("says how, without a home, and names a port that is taken", async () => {
    const port = new URL(emulator.url).port;
    const { code, stderr } = await run(`emulator --port ${port}`);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`Port ${port} is not to be had \\(EADDRINUSE\\)`));
  });
});

describe("logout while somebody signs in", () => {
  it("says that this is ended", async () => {
    await run("qwen login --detach");
    const { code, stderr } = await run("qwen logout");
    assert.equal(code, 0);
    assert.match(stderr, /^The sign-in to qwen that was under way is ended\.$/m);
    assert.equal((await run("qwen logout")).stderr, "qwen was not signed in.\n");
  });
});

describe("with --home", () => {
  for (const line of [
    "anthropic enable",
    "anthropic status",
    "codex login --detach",
    "qwen login --detach",
    "anthropic login --detach --account work",
    "anthropic reset",
    "anthropic disable",
    "profile save mine --provider qwen --account work",
  ])
    it(`${line} names it in every command that it tells, and breaks none`, async () => {
      process.env["LLXPRT_HOME"] = join(house.folder, "nowhere");
      const words = [...line.split(" "), "--home", house.home];
      const environment = { SSH_CONNECTION: "198.51.100.7 50000 203.0.113.5 22" };
      const { stdout, stderr } = await play(words, { environment });
      if (line.includes("--detach")) await play([words[0] ?? "", "cancel", ...words.slice(3)]);
      const told = (stdout + stderr).match(/llxprt-auth \w[^,`\n]*/g) ?? [];
      assert.ok(told.length > 0, stdout + stderr);
      for (const command of told) assert.ok(command.endsWith(` --home ${house.home}`), command);
    });
});
