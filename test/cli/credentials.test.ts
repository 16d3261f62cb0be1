// What comes out: tokens in every format, which source wins and who is told, answers, and what is safe to hand to a shell.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { moveIn } from "./houses.ts";
import { play, type Scene } from "./played.ts";
import { House, type Json } from "./program.ts";

let emulator: Emulator;
let house: House;
before(async () => {
  emulator = await startEmulator();
  house = moveIn(new House(emulator));
  for (const name of ["OPENAI_API_KEY", "DASHSCOPE_API_KEY", "BROWSER", "CI"]) delete process.env[name];
  const { code, stderr } = await house.run("gemini login", { env: { BROWSER: house.agreeing() } });
  assert.equal(code, 0, stderr);
});
after(async () => {
  house[Symbol.dispose]();
  await emulator.close();
});

const run = (line: string, scene?: Scene) => play(line.split(" "), scene);
const token = (): string => house.tokens("gemini")["access_token"] as string;

describe("token", () => {
  it("prints the credential and nothing else", async () => {
    assert.deepEqual(await run("gemini token"), { code: 0, stdout: `${token()}\n`, stderr: "" });
  });

  it("says it as JSON, with its end and source", async () => {
    const { stdout } = await run("gemini token --format json");
    const printed = JSON.parse(stdout) as Json;
    assert.deepEqual(printed, {
      schema: 1,
      provider: "gemini",
      account: "default",
      token: token(),
      expiresAt: new Date(house.tokens("gemini")["expiry"] * 1000).toISOString(),
      source: { kind: "oauth" },
      shortLived: false,
      accountId: null,
      resourceUrl: null,
    });
    assert.equal((await run("gemini token --json")).stdout, stdout);
  });

  it("says it as a header", async () => {
    assert.equal((await run("gemini token --format header")).stdout, `Authorization: Bearer ${token()}\n`);
    const key = await run("gemini token --format header --keyfile -", {});
    assert.equal(key.code, 6);
  });

  it("says it as a shell's variables, those that the vendor's programs read", async () => {
    const { stdout } = await run("gemini token --format env");
    assert.equal(
      stdout,
      `export GOOGLE_CLOUD_ACCESS_TOKEN='${token()}' GOOGLE_GENAI_USE_GCA='true' CODE_ASSIST_ENDPOINT='${emulator.url}'\n`,
    );
    const script = `eval "$1"; printf "%s %s" "$GOOGLE_CLOUD_ACCESS_TOKEN" "$GOOGLE_GENAI_USE_GCA"`;
    const env = { PATH: process.env["PATH"] };
    assert.equal(execFileSync("sh", ["-c", script, "sh", stdout], { env, encoding: "utf8" }), `${token()} true`);
  });

  it("says it as Kubernetes wants it", async () => {
    const printed = JSON.parse((await run("gemini token --format exec-credential")).stdout) as Json;
    assert.deepEqual(Object.keys(printed), ["apiVersion", "kind", "status"]);
    assert.equal(printed["apiVersion"], "client.authentication.k8s.io/v1");
    assert.equal(printed["kind"], "ExecCredential");
    assert.equal(printed["status"].token, token());
    assert.match(printed["status"].expirationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it("renews what ends too soon, and warns when there is none that lives so long", async () => {
    const old = token();
    const { code, stdout, stderr } = await run("gemini token --min-ttl 86400");
    assert.equal(code, 0);
    assert.equal(stdout, `${token()}\n`);
    assert.notEqual(token(), old);
    assert.match(stderr, /^Warning: gemini gives no longer one now: this token ends in 59 min\.\n$/);
  });

  it("renews on request, with --force when it is fresh", async () => {
    const old = token();
    assert.match((await run("gemini refresh")).stderr, /^The token of gemini is fresh; /);
    assert.equal(token(), old);
    assert.match((await run("gemini refresh --force")).stderr, /✓ The token of gemini is renewed; /);
    assert.notEqual(token(), old);
  });
});

// T26.
describe("for a shell, a credential is harmless", () => {
  const hostile = ["it's", `"$(touch pwned)"`, "`touch_pwned`", "a;b&c|d>e", "$HOME\\n'", "''", "-n"];
  for (const key of hostile)
    it(`eval of ${JSON.stringify(key)}`, async () => {
      const file = join(house.folder, "hostile");
      writeFileSync(file, key, { mode: 0o600 });
      const { stdout, code } = await play(["codex", "token", "--format", "env", "--keyfile", file]);
      if (key.includes(" ")) {
        assert.equal(code, 6, "no key has a blank");
        return;
      }
      const script = `eval "$1"; printf %s "$OPENAI_API_KEY"`;
      const out = execFileSync("bash", ["--norc", "-c", script, "bash", stdout], {
        cwd: house.folder,
        env: { PATH: process.env["PATH"] },
      });
      assert.equal(out.toString(), key);
      assert.ok(!house.has("../pwned") && !house.has("../touch_pwned"));
    });

  for (const [name, key] of [
    ["a line break", "abc\r\nX-Evil: 1"],
    ["an escape", "abc\u001B]52;c;AAAA\u0007"],
    ["no ASCII", "clé"],
    ["NUL", "a\u0000b"],
  ] as const)
    for (const format of ["raw", "header", "env", "json"])
      it(`${name} is refused as ${format}`, async () => {
        const file = join(house.folder, "hostile");
        writeFileSync(file, key, { mode: 0o600 });
        const { code, stdout, stderr } = await play(["codex", "token", "--format", format, "--keyfile", file]);
        assert.equal(code, 6);
        assert.equal(stdout, "");
        assert.ok(!stderr.includes(key.slice(0, 3) + key.slice(3, 6)));
      });

  it("curl sends the header as it is", async (t) => {
    if (spawnSync("curl", ["--version"]).error !== undefined) {
      t.skip("there is no curl here");
      return;
    }
    const seen: (string | undefined)[] = [];
    const server: Server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { stdout } = await run("gemini token --format header");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { spawn } = await import("node:child_process");
    const curl = spawn("curl", ["-s", "-H", "@-", url], { stdio: ["pipe", "ignore", "ignore"] });
    curl.stdin.end(stdout);
    await new Promise((resolve) => curl.once("close", resolve));
    server.close();
    assert.deepEqual(seen, [`Bearer ${token()}`]);
  });
});

/** Runs with these variables set, for the program and for what it asks. */
const keyed = (line: string, env: Record<string, string> = {}) => {
  Object.assign(process.env, env);
  return run(line, { environment: env }).finally(() => {
    for (const name of Object.keys(env)) delete process.env[name];
  });
};

describe("precedence", () => {
  it("flag, profile, settings, environment, OAuth, each with one line about it", async () => {
    using own = new House(emulator, { oauthEnabledProviders: { qwen: true } });
    const home = ["--home", own.home];
    const file = join(own.folder, "key");
    writeFileSync(file, "from-file\n", { mode: 0o600 });
    const ask = async (words: readonly string[], env: Record<string, string> = {}) => {
      Object.assign(process.env, env);
      const { code, stdout, stderr } = await play(["qwen", "token", ...home, ...words], {
        environment: env,
        input: "from-stdin\n",
      });
      for (const name of Object.keys(env)) delete process.env[name];
      return { code, stdout: stdout.trim(), stderr };
    };
    assert.equal((await ask([])).code, 3);
    const env = { DASHSCOPE_API_KEY: "from-env" };
    const byEnv = await ask([], env);
    assert.equal(byEnv.stdout, "from-env");
    assert.equal(byEnv.stderr, "Note: environment variable DASHSCOPE_API_KEY outranks OAuth for qwen.\n");
    assert.equal((await ask([], { DASHSCOPE_API_KEY: " " })).code, 3, "empty means unset");
    assert.equal((await ask([], { OPENAI_API_KEY: "x" })).code, 3, "it is not made for qwen");

    const { providers, ...rest } = own.settled;
    own.settings({ ...rest, providers: { ...providers, qwen: { ...providers.qwen, "auth-key": "from-settings" } } });
    assert.equal((await ask([], env)).stdout, "from-settings");
    const saved = await play(["profile", "save", "work", "--provider", "qwen", "--keyfile", file, ...home]);
    assert.equal(saved.code, 0, saved.stderr);
    assert.equal((await ask(["--profile", "work"], env)).stdout, "from-file");
    assert.equal((await ask(["--key-stdin"], env)).stdout, "from-stdin");
    assert.equal((await ask(["--set", `auth-keyfile=${file}`], env)).stdout, "from-file");
    const byFlag = await ask(["--key", "from-flag", "--profile", "work"], env);
    assert.equal(byFlag.stdout, "from-flag");
    assert.match(byFlag.stderr, /^Warning: a key on the command line can be seen by other processes/);
    assert.match(byFlag.stderr, /^Note: --key outranks OAuth for qwen\.$/m);
    assert.equal((await ask(["--set", "auth-key=from-set"], env)).stdout, "from-set");
    const closed = await ask(["--require-source", "oauth"], env);
    assert.deepEqual([closed.code, closed.stdout], [3, ""]);
    assert.equal((await ask(["--profile", "nobody"], env)).code, 2);
  });

  it("why lists every source in order and marks the winner; JSON says the same", async () => {
    const { stdout } = await keyed("gemini why", { GOOGLE_API_KEY: "canary-1" });
    assert.match(stdout, /^gemini: env wins$/m);
    assert.match(stdout, /^→ 5  env +environment variable GOOGLE_API_KEY: wins$/m);
    assert.match(stdout, /^ {2}6  oauth +OAuth, account default \(signed in\)$/m);
    const json = JSON.parse((await keyed("gemini why --json", { GOOGLE_API_KEY: "canary-1" })).stdout) as Json;
    assert.deepEqual(
      json["candidates"].map(({ kind }: Json) => kind),
      ["flag", "profile", "settings", "env", "env", "oauth"],
    );
    assert.deepEqual(json["winner"], {
      kind: "env",
      name: "GOOGLE_API_KEY",
      origin: "environment variable GOOGLE_API_KEY",
      set: true,
    });
    assert.ok(!`${stdout}${JSON.stringify(json)}`.includes("canary-1"));
  });

  it("a key that is refused is an error, not a reason to use another", async () => {
    const { code, stderr } = await keyed("codex ask hello", { OPENAI_API_KEY: "sk-nobodys" });
    assert.equal(code, 4);
    assert.match(stderr, /rejected the key from environment variable OPENAI_API_KEY/);
    assert.ok(!stderr.includes("sk-nobodys"));
  });

  it("status p says it, too, and is usable", async () => {
    const { code, stdout, stderr } = await keyed("gemini status", { GEMINI_API_KEY: "k" });
    assert.equal(code, 0);
    assert.match(stdout, /^ {2}used +env GEMINI_API_KEY$/m);
    assert.match(stderr, /^Note: environment variable GEMINI_API_KEY outranks OAuth for gemini\.\n$/);
  });

  it("enable says it, and login before any browser opens", async () => {
    const enabled = await keyed("gemini enable", { GEMINI_API_KEY: "k" });
    assert.match(enabled.stderr, /^Note: environment variable GEMINI_API_KEY outranks OAuth/m);
    const { stderr } = await keyed("codex login --detach --device", { OPENAI_API_KEY: "k" });
    assert.match(
      stderr,
      /^Warning: environment variable OPENAI_API_KEY outranks OAuth for codex and will still be used/,
    );
    await run("codex cancel");
  });
});

describe("ask", () => {
  it("prints the answer, and as JSON with its source", async () => {
    assert.deepEqual(await run("gemini ask hello there"), { code: 0, stdout: "You said: hello there\n", stderr: "" });
    const { text, source } = JSON.parse((await run("gemini ask hi --json")).stdout) as Json;
    assert.deepEqual([text, source], ["You said: hi", { kind: "oauth" }]);
    assert.equal((await run("gemini ask -", { input: "from a pipe" })).stdout, "You said: from a pipe\n");
  });

  it("uses a key where one wins", async () => {
    const file = join(house.folder, "good-key");
    writeFileSync(file, emulator.apiKeys.codex, { mode: 0o600 });
    assert.equal((await play(["codex", "ask", "hi", "--keyfile", file])).stdout, "You said: hi\n");
  });

  it("a limit is said as what it is: try again later", async () => {
    emulator.fault("gemini", "api", { kind: "situation", name: "overloaded" });
    const { code, stderr } = await run("gemini ask hi");
    assert.equal(code, 5);
    assert.doesNotMatch(stderr, /login/);
  });
});

describe("files", () => {
  it("a token file that others can read is repaired, and that is said", async () => {
    chmodSync(join(house.home, "oauth/gemini.json"), 0o644);
    const { code, stderr } = await run("gemini token");
    assert.equal(code, 0);
    assert.match(stderr, /^Note: .*gemini\.json could be read by others; it is 0600 now\.$/m);
  });
});
