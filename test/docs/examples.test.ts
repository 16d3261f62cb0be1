// The programs of docs/examples, exactly as they stand, against the emulator: whoever copies one gets what the page says. They
// import the package by its name, so what runs is what is built.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path/posix";
import { after, before, describe, it } from "node:test";
import manifest from "../../package.json" with { type: "json" };
import type { Endpoint, Fault } from "../../providers/emulator/index.ts";
import { type ProviderName, providers } from "../../providers/index.ts";
import { quickGrants, signIn, type Stage, stage } from "../support/stage.ts";
import { blocks, quoted, read, root, rowsUnder } from "./pages.ts";

const folder = "docs/examples";
const programs = readdirSync(join(root, folder));
const page = read("docs/sdk.md");

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
async function run(
  program: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  { home }: Pick<Stage, "home"> = s,
): Promise<Ended> {
  const { PATH } = process.env;
  const env = { PATH, HOME: home.userHome, LLXPRT_HOME: home.paths.home, ...environment };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, folder, program), ...words],
      { cwd: home.userHome, env },
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

interface Failing {
  readonly program: string;
  readonly words?: readonly string[];
  readonly provider: ProviderName;
  /** In the table of the page. */
  readonly library: string;
}

const failing: readonly Failing[] = [
  { program: "openai.ts", provider: "codex", library: "openai" },
  { program: "anthropic.ts", provider: "anthropic", library: "@anthropic-ai/sdk" },
  { program: "google-genai.ts", provider: "gemini", library: "@google/genai" },
  { program: "ai-sdk.ts", words: ["codex"], provider: "codex", library: "ai" },
  { program: "ai-sdk.ts", words: ["anthropic"], provider: "anthropic", library: "ai" },
  { program: "ai-sdk.ts", words: ["gemini"], provider: "gemini", library: "ai" },
  { program: "ai-sdk.ts", words: ["qwen"], provider: "qwen", library: "ai" },
];

/** How often the page says that a library tries what fails for good. */
function triesOf(library: string): number {
  const row = rowsUnder(page, "with", "our error is", "tries").find((one) => quoted(one["with"] ?? "")[0] === library);
  return Number(row?.["tries"] ?? assert.fail(library));
}

const keyIn = (provider: ProviderName): string => providers[provider].keyVariables[0].name;
const seenBy = ({ emulator }: Stage): (Endpoint | null)[] => emulator.requests.map(({ endpoint }) => endpoint);
const times = (count: number, ...what: readonly string[]): string[] => Array.from({ length: count }, () => what).flat();

/** One sentence and one command, and no secret. */
function assertTold({ emulator }: Stage, stderr: string, sentence: RegExp, next: string, key?: string): void {
  const [first = "", second, ...more] = stderr.split("\n");
  assert.match(first, sentence);
  assert.deepEqual([second, more], [`Next: llxprt-auth ${next}`, [""]]);
  for (const secret of [...emulator.secrets(), ...(key === undefined ? [] : [key])])
    assert.ok(!stderr.includes(secret));
}

describe("a program tells its end in one sentence when", { concurrency: 4 }, () => {
  for (const { program, words = [], provider, library } of failing) {
    const line = [program, ...words].join(" ");

    it(`nobody is signed in: ${line}`, async () => {
      await using own = await stage();
      await signIn(own, own.auth(), provider, { grant: quickGrants[provider] });
      await own.auth().account(provider).logout();
      const { length } = seenBy(own);
      const { code, stdout, stderr } = await run(program, words, {}, own);
      assert.deepEqual([code, stdout], [3, ""]);
      assertTold(own, stderr, new RegExp(`^${provider} needs a sign-in\\.$`, "i"), `${provider} login`);
      assert.deepEqual(seenBy(own).slice(length), []);
    });

    it(`the key is no good: ${line}`, async () => {
      await using own = await stage();
      const [variable, key] = [keyIn(provider), "a-key-that-is-no-good"];
      const { code, stdout, stderr } = await run(program, words, { [variable]: key }, own);
      assert.deepEqual([code, stdout], [4, ""]);
      const sentence = new RegExp(`^${provider} rejected the key from environment variable ${variable}\\.$`, "i");
      assertTold(own, stderr, sentence, `${provider} why`, key);
      assert.deepEqual(seenBy(own), times(triesOf(library), "api"));
    });

    if (provider !== "gemini")
      it(`the login has been ended: ${line}`, async () => {
        await using own = await stage();
        await signIn(own, own.auth(), provider, { grant: quickGrants[provider] });
        own.emulator.revokeAll(provider);
        const { length } = seenBy(own);
        const { code, stdout, stderr } = await run(program, words, {}, own);
        assert.deepEqual([code, stdout], [3, ""]);
        assertTold(own, stderr, new RegExp(`^${provider} refused to renew the login`, "i"), `${provider} login`);
        const again = times(triesOf(library) - 1, "api");
        assert.deepEqual(
          seenBy(own).slice(length),
          ["api", "refresh", ...again],
          "one renewal, whatever is tried again",
        );
      });

    // The packages of the AI SDK share what they do then.
    if (words.length === 0 || provider === "codex")
      it(`the network is down: ${line}`, async () => {
        await using own = await stage();
        const environment = { [keyIn(provider)]: own.emulator.apiKeys[provider] };
        own.emulator.fault(provider, "api", { kind: "drop-connection" }, 99);
        const { code, stdout, stderr } = await run(program, words, environment, own);
        assert.deepEqual([code, stdout], [5, ""]);
        assertTold(own, stderr, new RegExp(`^The connection to ${provider} broke`), `${provider} status`);
        assert.deepEqual(seenBy(own), times(triesOf(library), "api"));
      });
  }

  it("the key is no good, after a failure of another kind: ai-sdk.ts anthropic", async () => {
    await using own = await stage();
    const overloaded: Fault = { kind: "status", status: 503, retryAfter: "0" };
    own.emulator.fault("anthropic", "api", overloaded);
    const key = "a-key-that-is-no-good";
    const { code, stdout, stderr } = await run("ai-sdk.ts", ["anthropic"], { ANTHROPIC_API_KEY: key }, own);
    assert.deepEqual([code, stdout, seenBy(own)], [4, "", ["api", "api"]]);
    assertTold(own, stderr, /^Anthropic rejected the key from/, "anthropic why", key);
  });

  for (const [program, words] of [
    ["google-genai.ts", []],
    ["ai-sdk.ts", ["gemini"]],
  ] as const)
    it(`the library does not speak the API of a login: ${program}`, async () => {
      const { code, stdout, stderr } = await run(program, words);
      assert.deepEqual([code, stdout], [3, ""]);
      assertTold(s, stderr, /^Gemini would not use the required source: /, "gemini why");
    });

  for (const [program, words] of [
    ["token-source.ts", ["codex"]],
    ["sub-agents.ts", ["codex", "3"]],
  ] as const)
    it(`nobody is signed in: ${program}`, async () => {
      await using own = await stage();
      await signIn(own, own.auth(), "codex", { grant: "loopback" });
      await own.auth().account("codex").logout();
      const { code, stdout, stderr } = await run(program, words, {}, own);
      assert.deepEqual([code, stdout], [3, ""]);
      assertTold(own, stderr, /^Codex needs a sign-in\.$/, "codex login");
    });
});

describe("the page", () => {
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
