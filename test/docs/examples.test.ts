// The programs of docs/examples, exactly as they stand, against the emulator: whoever copies one gets what the page says. They
// import the package by its name, so what runs is what is built.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path/posix";
import { after, before, describe, it } from "node:test";
import manifest from "../../package.json" with { type: "json" };
import { signIn, type Stage, stage } from "../support/stage.ts";
import { blocks, read, root, rowsUnder } from "./pages.ts";

const folder = "docs/examples";
const programs = readdirSync(join(root, folder));

let s: Stage;
before(async () => {
  s = await stage();
  const auth = s.auth();
  await Promise.all([
    signIn(s, auth, "codex"),
    signIn(s, auth, "anthropic", { grant: "loopback" }),
    signIn(s, auth, "gemini"),
    signIn(s, auth, "qwen"),
  ]);
});
after(() => s[Symbol.asyncDispose]());

interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in the home of the emulator, or in another. */
async function run(program: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const { PATH } = process.env;
  const env = { PATH, HOME: s.home.userHome, LLXPRT_HOME: s.home.paths.home, ...environment };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, folder, program), ...words],
      { cwd: s.home.userHome, env },
      (error, ...out) => {
        resolve({ code: error?.code ?? 0, stdout: out[0], stderr: out[1] });
      },
    );
  });
}

describe("a program that is copied", { concurrency: 2 }, () => {
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ["openai.ts", ["hello there"]],
    ["anthropic.ts", ["hello there"]],
    ["google-genai.ts", ["hello there"]],
    ["ai-sdk.ts", ["codex", "hello there"]],
    ["ai-sdk.ts", ["anthropic", "hello there"]],
    ["ai-sdk.ts", ["qwen", "hello there"]],
    ["ai-sdk.ts", ["gemini", "hello there"]],
    ["ask.ts", ["gemini", "hello there"]],
  ];
  for (const [program, words] of lines)
    it(`answers: ${program} ${words.join(" ")}`, async () => {
      const isByKey = program === "google-genai.ts" || (words[0] === "gemini" && program === "ai-sdk.ts");
      const environment = isByKey ? { GEMINI_API_KEY: s.emulator.apiKeys.gemini } : {};
      assert.deepEqual(await run(program, words, environment), {
        code: 0,
        stdout: "You said: hello there\n",
        stderr: "",
      });
    });

  for (const [program, words] of [
    ["openai.ts", []],
    ["ai-sdk.ts", ["codex"]],
    ["ask.ts", ["codex"]],
  ] as const)
    it(`says what helps when nobody has signed in: ${program}`, async () => {
      const { code, stdout, stderr } = await run(program, words, { LLXPRT_HOME: join(s.home.userHome, "empty") });
      assert.deepEqual([code, stdout], [3, ""]);
      assert.match(stderr, /^OAuth is not enabled for codex and no key is set\.\nNext: llxprt-auth codex enable\n$/);
    });

  it("outlives a token: token-source.ts", async () => {
    s.emulator.expireAccess("anthropic");
    const { refreshes } = s.emulator.counters("anthropic");
    assert.deepEqual(await run("token-source.ts", ["anthropic"]), { code: 0, stdout: "200\n", stderr: "" });
    assert.equal(s.emulator.counters("anthropic").refreshes, refreshes + 1);
  });
});

it("children outlive their parent's token, and all of them spend one: sub-agents.ts", async () => {
  const { refreshes } = s.emulator.counters("codex");
  s.emulator.expireAccess("codex");
  const { code, stdout, stderr } = await run("sub-agents.ts", ["codex", "3"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const expected = ["parent", "child 1", "child 2", "child 3"].flatMap((who) =>
    ["plan", "work", "report"].map((task) => `You said: ${who}: ${task}`),
  );
  assert.deepEqual(stdout.trimEnd().split("\n").toSorted(), expected.toSorted());
  assert.deepEqual([s.emulator.counters("codex").refreshes, s.emulator.counters("codex").reuses], [refreshes + 1, 0]);
});

describe("the page", () => {
  const page = read("docs/sdk.md");

  it("shows every program as it is", () => {
    assert.deepEqual(blocks(page, "ts").toSorted(), programs.map((name) => read(`${folder}/${name}`)).toSorted());
  });

  it("names the versions that are tried", () => {
    const installed = new Map(Object.entries(manifest.devDependencies));
    const rows = rowsUnder(page, "library");
    const told = rows.flatMap((row) => {
      const versions = (row["version that was tried"] ?? "").split(", ");
      return [...(row["library"] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""], index) => [name, versions[index]]);
    });
    assert.ok(told.length > 5);
    for (const [name = "", version] of told) assert.equal(version, installed.get(name), name);
  });
});
