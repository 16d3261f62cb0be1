// `exec`: another program with the credential in its environment, and otherwise as if it had been started by hand: its words,
// its streams, its signals, its exit code.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { canaries } from "../support/canary.ts";
import { plainTokens } from "../support/home.ts";
import { moveIn } from "./houses.ts";
import { play, type Scene } from "./played.ts";
import { commandLine, House, type Json } from "./program.ts";

let house: House;
before(() => {
  house = moveIn(new House());
  house.plant("codex", { ...plainTokens(), access_token: "made-up-of-codex" });
});
after(() => house[Symbol.dispose]());

/** A program written in one line. */
const script = (text: string) => [process.execPath, "-e", text];

/** Runs `exec` here, with a program of these words. */
const exec = (words: readonly string[], options = "codex", environment: Scene["environment"] = {}) =>
  play(["exec", ...options.split(" "), "--", ...words], { environment });

/** The environment that the program is given, as it says itself. */
async function given(options?: string, environment?: Scene["environment"]): Promise<Json> {
  const file = join(house.folder, "given");
  const tell = `require("fs").writeFileSync(${JSON.stringify(file)}, JSON.stringify([process.env, process.argv]))`;
  const { code, stdout, stderr } = await exec(script(tell), options, environment);
  assert.deepEqual([code, stdout], [0, ""], stderr);
  const [variables] = JSON.parse(readFileSync(file, "utf8")) as readonly [Json];
  return { ...variables, said: stderr };
}

describe("the environment of the program", () => {
  it("has the credential, where it goes, all else as it was, and nothing that would win over it", async () => {
    const env = { CODEX_API_KEY: "stale", OPENAI_BASE_URL: "https://gateway.example", COLOUR: "a b", EMPTY: "" };
    const environment = await given("codex", env);
    assert.equal(environment["OPENAI_API_KEY"], "made-up-of-codex");
    assert.equal(environment["OPENAI_BASE_URL"], "https://chatgpt.com/backend-api/codex");
    assert.deepEqual([environment["COLOUR"], environment["EMPTY"]], ["a b", ""]);
    assert.ok(!("CODEX_API_KEY" in environment));
    assert.equal(environment["said"], "Note: OPENAI_BASE_URL, CODEX_API_KEY of your environment are not passed on.\n");
  });

  it("has the key that wins, from a flag, a profile or a variable, and of that account", async () => {
    const file = join(house.folder, "key");
    writeFileSync(file, "key-of-file\n", { mode: 0o600 });
    assert.equal((await given(`codex --keyfile ${file}`))["CODEX_API_KEY"], "key-of-file");
    assert.equal((await play(["profile", "save", "work", "--provider", "codex", "--keyfile", file])).code, 0);
    assert.equal((await given("codex --profile work"))["OPENAI_API_KEY"], "key-of-file");
    process.env["OPENAI_API_KEY"] = "key-of-env";
    const { said, ...environment } = await given("codex", process.env);
    delete process.env["OPENAI_API_KEY"];
    assert.deepEqual([environment["OPENAI_API_KEY"], environment["CODEX_API_KEY"]], ["key-of-env", "key-of-env"]);
    assert.equal(said, "Note: environment variable OPENAI_API_KEY outranks OAuth for codex.\n");
    house.plant("codex-work", { ...plainTokens(), access_token: "made-up-of-work" });
    assert.equal((await given("codex --account work"))["OPENAI_API_KEY"], "made-up-of-work");
  });

  it("is that of a provider of one's own, too", async () => {
    using own = new House(null, {
      providers: {
        acme: { clientId: "x", issuer: "http://127.0.0.1:1", handover: { login: { credential: ["ACME"] } } },
      },
    });
    own.plant("acme", { ...plainTokens(), access_token: "made-up-of-acme" });
    assert.equal((await given(`acme --home ${own.home}`))["ACME"], "made-up-of-acme");
  });
});

describe("the program", { concurrency: 3 }, () => {
  it("gets its words as they are, without a shell", async () => {
    const words = ["a b", "", "it's", `"$HOME"`, "*", "$(id)", "\\", "--json", "--", "--help", "-h", "ü\n"];
    const file = join(house.folder, "words");
    const tell = `require("fs").writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.argv.slice(1)))`;
    assert.equal((await exec([...script(tell), "x", ...words])).code, 0);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), ["x", ...words]);
  });

  it("has our standard input and output, byte for byte", async () => {
    const bytes = Buffer.alloc(
      300_000,
      Uint8Array.from({ length: 256 }, (_, index) => index),
    );
    const [command, ...words] = [...commandLine, "exec", "codex", "--", "cat"] as const;
    const { stdout, status } = spawnSync(command, words, { input: bytes, env: house.environment() });
    assert.deepEqual([status, digest(stdout)], [0, digest(bytes)]);
  });

  it("ends a pipe as programs do, when nobody reads it", () => {
    const line = [...commandLine, "exec", "codex", "--", "yes"].map((word) => `'${word}'`).join(" ");
    const { stdout, stderr } = spawnSync("bash", ["-c", `${line} | head -1; echo "\${PIPESTATUS[0]}"`], {
      env: house.environment(),
    });
    assert.deepEqual([String(stdout), String(stderr)], ["y\n141\n", ""]);
  });

  for (const [what, words, code] of [
    ["its exit code", script("process.exit(7)"), 7],
    ["128 and the signal that ended it", script("process.kill(process.pid, 'SIGKILL')"), 137],
  ] as const)
    it(`gives us ${what}`, async () => {
      assert.deepEqual(await exec(words).then(({ code: own, stdout, stderr }) => [own, stdout, stderr]), [
        code,
        "",
        "",
      ]);
    });

  it("that there is not is 127, one that cannot be run is 126", async () => {
    const { code, stdout, stderr } = await exec(["of-nobody"]);
    assert.deepEqual([code, stdout, stderr], [127, "", 'Error: There is no program "of-nobody".\n']);
    const file = join(house.folder, "no-program");
    writeFileSync(file, "", { mode: 0o600 });
    const refused = await exec([file], "codex --json");
    assert.equal(refused.code, 126);
    assert.match((JSON.parse(refused.stdout) as Json)["error"].message, /could not be started \(EACCES\)/);
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    it(`is told of ${signal}, once, and decides itself what to do`, async () => {
      const text = `let told = 0;
        process.on("${signal}", () => { told += 1; setTimeout(() => process.exit(40 + told), 200); });
        console.error("ready"); setInterval(() => {}, 1000);`;
      const { child, said, ended } = house.start(["exec", "codex", "--", ...script(text)]);
      await said(/ready/);
      child.kill(signal);
      assert.equal((await ended).code, 41);
    });
});

/** Root who may not signal others' programs, as anybody who starts one that becomes another user's. */
const withoutKill = ["--bounding-set", "-kill"];
const isRoot = process.getuid?.() === 0 && spawnSync("setpriv", [...withoutKill, "true"]).status === 0;
const noOther = isRoot ? false : "takes root, and setpriv";

it("a program that has become another user's is waited for, though it cannot be told", { skip: noOther }, () => {
  const program = new URL("../../cli/program.ts", import.meta.url).href;
  const text = `
    const { became } = await import(${JSON.stringify(program)});
    setTimeout(() => process.kill(process.pid, "SIGTERM"), 300);
    const io = { stdin: {}, stdout: {}, stderr: {}, interrupts: { leave: () => () => undefined } };
    const words = ["setpriv", "--reuid", "65534", "--clear-groups", "sh", "-c", "sleep 1; exit 7"];
    console.log(JSON.stringify(await became(words, process.env, io)));`;
  const node = [process.execPath, "--conditions=development", "--input-type=module", "-e", text];
  const { stdout, stderr } = spawnSync("setpriv", [...withoutKill, ...node], { encoding: "utf8", cwd: "/" });
  assert.deepEqual([stdout, stderr], ["7\n", ""]);
});

describe("without a credential", () => {
  it("nothing is started, and the exit code is 3", async () => {
    const mark = join(house.folder, "started");
    const { code, stdout, stderr } = await house.inASecond(`exec anthropic -- touch ${mark}`);
    assert.deepEqual([code, stdout], [3, ""]);
    assert.match(stderr, /^Next: llxprt-auth anthropic enable$/m);
    assert.ok(!readdirSync(house.folder).includes("started"));
    assert.equal((await exec(["touch", mark], "codex --require-source env")).code, 3);
    assert.ok(!readdirSync(house.folder).includes("started"));
  });
});

describe("a token that ends soon", () => {
  let emulator: Emulator;
  before(async () => (emulator = await startEmulator()));
  after(() => emulator.close());

  it("is renewed before the program starts, to last as long as was asked", async () => {
    using own = new House(emulator);
    assert.equal((await own.run("gemini login", { env: { BROWSER: own.agreeing() } })).code, 0);
    const old = own.tokens("gemini")["access_token"] as string;
    const told = script("console.log(process.env.CODE_ASSIST_ENDPOINT, process.env.GOOGLE_CLOUD_ACCESS_TOKEN.length)");
    const { stdout, stderr } = await own.run(["exec", "gemini", "--min-ttl", "86400", "--", ...told]);
    const current = own.tokens("gemini")["access_token"] as string;
    assert.notEqual(current, old);
    assert.equal(stdout, `${emulator.url} ${current.length}\n`);
    assert.match(stderr, /^Warning: gemini gives no longer one now: this token ends in 59 min\.\n$/);
  });
});

const noProcesses = existsSync("/proc/self/cmdline") ? false : "processes cannot be listed here";
it("the credential is in nobody's words (T35, T37)", { skip: noProcesses }, async () => {
  const { child, said, ended } = house.start(
    ["exec", "codex", "--verbose", "--", ...script(`console.error("ready"); setInterval(() => {}, 1000)`)],
    { env: { NODE_DEBUG: "child_process" } },
  );
  await said(/ready/);
  const words = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [name, readText(`/proc/${name}/cmdline`)] as const)
      .filter(([, text]) => text.includes(house.folder) || text.includes("ready")),
  );
  // First of all: whoever kills our process otherwise leaves the program behind.
  child.kill("SIGTERM");
  const { stdout, stderr, code } = await ended;
  assert.ok(words.size >= 2, "our process and the program are among them");
  assert.equal(code, 143);
  const journal = JSON.stringify(house.journal);
  const texts = new Map([...words, ["stdout", stdout], ["stderr", stderr], ["journal", journal]]);
  assert.deepEqual(canaries(["made-up-of-codex"], texts), []);
});

describe("the words before the program", () => {
  const form = /A provider, `--`, then the command to run: `llxprt-auth exec <p> -- CMD…`\.\nNext: llxprt-auth --help/;
  for (const line of ["exec", "exec codex", "exec codex --", "exec -- ls", "exec codex ls", "exec codex ls -- -l"])
    it(`are refused: ${line}`, async () => {
      const { code, stdout, stderr } = await play(line.split(" "));
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, form);
    });

  for (const [line, says] of [
    ["exec cdoex -- ls", /no provider called "cdoex" \(did you mean codex\?\)/],
    ["exec codex --format raw -- ls", /has no option --format/],
    ["exec codex --min-ttl 1h -- ls", /--min-ttl takes whole seconds/],
    ["codex exec -- ls", /The command comes first: `llxprt-auth exec <p> -- CMD…`/],
  ] as const)
    it(`are refused: ${line}`, async () => {
      const { code, stderr } = await play(line.split(" "));
      assert.equal(code, 2);
      assert.match(stderr, says);
    });

  it("may begin with auth, and name the provider in any case", async () => {
    assert.equal((await play(["/auth", "EXEC", "CODEX", "--", "sh", "-c", "exit 9"])).code, 9);
  });
});

it("from a shell that reads a pipe, the program leaves the shell's lines alone", async () => {
  const { child, said, ended } = house.start(["shell"], { open: true });
  child.stdin?.write(`/auth exec codex -- sh -c "cat; echo one >&2"\n`);
  await said(/^one$/m);
  child.stdin?.end("/auth exec codex -- echo two\n");
  assert.equal((await ended).stdout, "two\n");
});

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Empty for a process that has ended meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
