// The recipes as they stand, in a shell that finds our program on its path. Where a recipe is for another program, a stand-in of its
// name tells with which words and variables it was started; what the real ones made of it is recorded on the page.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { providers } from "../../providers/index.ts";
import type { Provider, Variables } from "../../providers/provider.ts";
import { House, type Json } from "../cli/program.ts";
import { entry } from "../package/built.ts";
import { plainTokens } from "../support/home.ts";
import { blocks, quoted, read, rowsUnder } from "./pages.ts";

const page = read("docs/recipes.md");
const accountId = "11111111-2222-4333-8444-555555555555";
const tokenOf = (provider: string) => `made-up-of-${provider}`;

let house: House;
let programs: string;
before(() => {
  house = new House(null, { providers: { acme: { clientId: "x", issuer: "http://127.0.0.1:1" } } });
  for (const name of ["anthropic", "codex", "gemini", "qwen", "acme"])
    house.plant(name, { ...plainTokens(), access_token: tokenOf(name), account_id: accountId });
  programs = join(house.folder, "programs");
  mkdirSync(programs);
  mkdirSync(join(house.folder, "keys"));
  for (const name of ["anthropic", "openai"])
    writeFileSync(join(house.folder, "keys", name), `made-up-key-of-${name}\n`, { mode: 0o600 });
  program("llxprt-auth", `exec '${process.execPath}' '${entry}' "$@"`);
});
after(() => house[Symbol.dispose]());

/** Puts a program on the path. */
function program(name: string, text: string): void {
  const path = join(programs, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

/** A stand-in, which prints its words and those of these variables that it has. */
const standIn = (name: string, ...variables: readonly string[]) =>
  program(
    name,
    `printf '%s' "${name}"; printf ' [%s]' "$@"; echo; env | grep -E '^(${variables.join("|")})=' | sort; exit 0`,
  );

/** The code under a heading, in this language. */
function recipe(heading: string, language: string, index = 0): string {
  const [, text = ""] = page.split(`\n## ${heading}\n`);
  const block = blocks(text.split("\n## ")[0] ?? "", language)[index];
  assert.ok(block !== undefined, `${heading} has a ${language} block`);
  return block;
}

interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs lines in a shell, in an empty environment but for this. */
async function run(text: string, environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const env = house.environment({ PATH: programs + delimiter + process.env["PATH"], ...environment });
  return new Promise((resolve) => {
    const child = execFile("bash", ["--norc", "-c", text], { cwd: house.folder, env }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** What came of it while a server on this machine answered, and what that was shown. */
async function served(work: (here: string) => Promise<Ended>): Promise<Ended & { readonly seen: unknown }> {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end("served");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ended = await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.close();
  return { ...ended, seen };
}

const has = (name: string) => spawnSync(name, ["--version"]).error === undefined;
const unless = (...names: readonly string[]) => {
  const missing = names.find((name) => !has(name));
  return missing === undefined ? {} : { skip: `there is no ${missing} here` };
};

describe("a recipe", { concurrency: 2 }, () => {
  it("shell scripts: the token in a variable, or the end of the script", async () => {
    const text = `${recipe("Shell scripts", "sh")} printf '<%s>' "$TOKEN"`;
    assert.deepEqual(await run(text), { code: 0, stdout: `<${tokenOf("codex")}>`, stderr: "" });
    const { code, stdout, stderr } = await run(text, { LLXPRT_HOME: join(house.folder, "empty") });
    assert.deepEqual([code, stdout], [3, ""]);
    assert.match(stderr, /^Next: llxprt-auth codex enable$/m);
  });

  it("curl: the header, by a pipe", unless("curl"), async () => {
    const { stdout, seen } = await served((here) => run(recipe("curl", "sh").replace("https://chatgpt.com", here)));
    assert.deepEqual([stdout, seen], ["served", [`Bearer ${tokenOf("codex")}`]]);
  });

  it("other languages: a Python program, and how it fails", unless("python3"), async () => {
    const write = (here: string) => {
      const text = recipe("Other languages", "python").replace("https://chatgpt.com", here);
      writeFileSync(join(house.folder, "usage.py"), text);
    };
    const { stdout, seen } = await served(async (here) => {
      write(here);
      return run("python3 usage.py");
    });
    assert.deepEqual([stdout, seen], ["served\n", [`Bearer ${tokenOf("codex")}`]]);
    const { code, stderr } = await run("python3 usage.py", { LLXPRT_HOME: join(house.folder, "empty") });
    assert.equal(code, 1);
    assert.match(stderr, /^Next: llxprt-auth codex enable$[^]*returned non-zero exit status 3/m);
  });

  it("variables of a shell", async () => {
    const { stdout } = await run(`${recipe("Variables of a shell", "sh")} echo "$CLAUDE_CODE_OAUTH_TOKEN"`);
    assert.equal(stdout, `${tokenOf("anthropic")}\n`);
  });

  it("cron: by the words of the line, without a terminal and with next to no environment", async () => {
    writeFileSync(join(house.folder, "report.sh"), `#!/bin/sh\necho "$OPENAI_API_KEY"\n`, { mode: 0o755 });
    const [, line = ""] = /^\*\/30 \* \* \* \* (.*)$/m.exec(recipe("cron and CI", "text")) ?? [];
    const { code, stdout } = await run(`env -i HOME="$HOME" PATH="$PATH" LLXPRT_HOME="$LLXPRT_HOME" sh -c '${line}'`);
    assert.deepEqual([code, stdout], [0, `${tokenOf("codex")}\n`]);
  });

  it("CI: the home folder is saved at the end, of a run that failed, too", unless("tar"), async () => {
    const work = join(house.folder, "ci");
    mkdirSync(work);
    execFileSync("cp", ["-r", house.home, join(work, "llxprt-home")]);
    execFileSync("tar", ["-cf", "llxprt-home.tar", "llxprt-home"], { cwd: work });
    execFileSync("rm", ["-r", "llxprt-home"], { cwd: work });
    writeFileSync(join(work, "report.sh"), `#!/bin/sh\necho renewed > llxprt-home/mark; exit 9\n`, { mode: 0o755 });
    const { code, stderr } = await run(`cd ci; ${recipe("cron and CI", "sh")}`, { CI: "true" });
    assert.deepEqual([code, stderr], [9, ""]);
    assert.match(execFileSync("tar", ["-tf", "llxprt-home.tar"], { cwd: work, encoding: "utf8" }), /llxprt-home\/mark/);
  });

  it("Claude Code: its variable, and no other that it obeys first", async () => {
    standIn("claude", "ANTHROPIC_[A-Z_]*", "CLAUDE_[A-Z_]*");
    const stale = { ANTHROPIC_AUTH_TOKEN: "stale", CLAUDE_CODE_USE_BEDROCK: "1" };
    const { stdout } = await run(recipe("Claude Code", "sh"), stale);
    const token = tokenOf("anthropic");
    assert.equal(stdout, `claude [-p] [Say hello]\nANTHROPIC_OAUTH_TOKEN=${token}\nCLAUDE_CODE_OAUTH_TOKEN=${token}\n`);
    const { apiKeyHelper } = JSON.parse(recipe("Claude Code", "json")) as Json;
    assert.equal((await run(apiKeyHelper as string)).stdout, "made-up-key-of-anthropic\n");
  });

  it("Codex: the command prints the token, and jq the account", unless("jq"), async () => {
    const toml = recipe("Codex", "toml");
    const [, command = ""] = /^command = "(.*)"$/m.exec(toml) ?? [];
    const args = JSON.parse(/^args = (\[.*\])$/m.exec(toml)?.[1] ?? "[]") as readonly string[];
    assert.equal((await run([command, ...args].join(" "))).stdout, `${tokenOf("codex")}\n`);
    assert.equal((await run(recipe("Codex", "sh"))).stdout, `${accountId}\n`);
    assert.ok(toml.includes(`base_url = "https://chatgpt.com/backend-api/codex"`));
  });

  for (const [heading, name, expected] of [
    [
      "Gemini CLI",
      "gemini",
      `gemini [-p] [Say hello]\nGOOGLE_CLOUD_ACCESS_TOKEN=${tokenOf("gemini")}\nGOOGLE_GENAI_USE_GCA=true\n`,
    ],
    [
      "Qwen Code",
      "qwen",
      `qwen [--auth-type] [openai] [-p] [Say hello]\nOPENAI_API_KEY=${tokenOf("qwen")}\nOPENAI_BASE_URL=https://portal.qwen.ai/v1\n`,
    ],
    [
      "opencode",
      "opencode",
      `opencode [run] [Say hello]\nOPENAI_API_KEY=${tokenOf("qwen")}\nOPENAI_BASE_URL=https://portal.qwen.ai/v1\n`,
    ],
  ] as const)
    it(`${heading}: its variables`, async () => {
      standIn(name, "GEMINI_[A-Z_]*", "GOOGLE_[A-Z_]*", "OPENAI_[A-Z_]*");
      assert.equal((await run(recipe(heading, "sh"))).stdout, expected);
    });

  it("pi: the command prints the token", async () => {
    const { anthropic } = JSON.parse(recipe("pi", "json")) as Json;
    assert.equal((await run((anthropic.key as string).replace(/^!/, ""))).stdout, `${tokenOf("anthropic")}\n`);
  });

  it("kubectl: the command prints the object that it wants", async () => {
    const yaml = recipe("kubectl", "yaml");
    const [, command = ""] = /^ +command: (.*)$/m.exec(yaml) ?? [];
    const args = /^ +args: \[(.*)\]$/m.exec(yaml)?.[1]?.split(", ") ?? [];
    const printed = JSON.parse((await run([command, ...args].join(" "))).stdout) as Json;
    assert.ok(yaml.includes(`apiVersion: ${printed["apiVersion"]}\n`));
    assert.equal(printed["kind"], "ExecCredential");
    const { token, expirationTimestamp } = printed["status"] as Json;
    assert.equal(token, tokenOf("acme"));
    assert.equal(Date.parse(expirationTimestamp as string), house.tokens("acme")["expiry"] * 1000);
  });

  it("git: asks the file on the path, gets a password that ends, and stores nothing", unless("git", "jq"), async () => {
    writeFileSync(join(programs, "git-credential-llxprt"), recipe("git", "sh"), { mode: 0o755 });
    const asked = "protocol=https\\nhost=git.acme.example\\n\\n";
    const text = `${recipe("git", "sh", 1)} printf '${asked}' | git credential fill`;
    const { stdout } = await run(text, { GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_NOSYSTEM: "1" });
    assert.match(stdout, new RegExp(`^username=oauth2\npassword=${tokenOf("acme")}$`, "m"));
    const { stdout: own } = await run(
      "git-credential-llxprt get; git-credential-llxprt store; git-credential-llxprt erase",
    );
    const expiry = house.tokens("acme")["expiry"] as number;
    assert.equal(own, `username=oauth2\npassword=${tokenOf("acme")}\npassword_expiry_utc=${expiry}\n`);
  });

  it("Docker: by the name of the variable alone, or by a file that never was", async () => {
    program(
      "docker",
      `case "$*" in *--env-file*) cat "$4";; *) printf '[%s]' "$@"; printf '\\n%s\\n' "$CLAUDE_CODE_OAUTH_TOKEN";; esac`,
    );
    const words = "[run][--rm][-e][CLAUDE_CODE_OAUTH_TOKEN][image][claude][-p][Say hello]";
    assert.equal((await run(recipe("Docker", "sh"))).stdout, `${words}\n${tokenOf("anthropic")}\n`);
    assert.deepEqual((await run(recipe("Docker", "sh", 1))).stdout.trim().split("\n").toSorted(), [
      `OPENAI_API_KEY=${tokenOf("codex")}`,
      "OPENAI_BASE_URL=https://chatgpt.com/backend-api/codex",
    ]);
  });

  it("systemd: the line of the unit", async () => {
    standIn("worker", "OPENAI_API_KEY");
    const [, line = ""] = /^ExecStart=(.*)$/m.exec(recipe("systemd", "ini")) ?? [];
    assert.equal((await run(line)).stdout, `worker []\nOPENAI_API_KEY=${tokenOf("codex")}\n`);
  });

  it("editors: the words of the task", async () => {
    standIn("claude", "CLAUDE_CODE_OAUTH_TOKEN");
    const { tasks } = JSON.parse(recipe("Editors", "json")) as Json;
    const [{ command, args }] = tasks as readonly [Json];
    const { stdout } = await run([command, ...(args as readonly string[])].join(" "));
    assert.equal(stdout, `claude []\nCLAUDE_CODE_OAUTH_TOKEN=${tokenOf("anthropic")}\n`);
  });
});

/** An address that is told only when settings have moved the API stands below the table. */
const namesOf = ({ credential, fixed, address }: Variables) => [
  ...credential,
  ...Object.keys(fixed),
  ...(address?.always === true ? [address.name] : []),
];

describe("the table of variables in the guide", () => {
  const rows = rowsUnder(read("docs/guide.md"), "provider", "with a login");
  for (const { name, handover } of Object.values<Provider>(providers))
    it(`is what the data of ${name} says`, () => {
      const row = rows.find((one) => one["provider"] === name) ?? assert.fail();
      const { login, key, withheld } = handover ?? assert.fail();
      const told = ["with a login", "with a key", "not passed on"].map((column) =>
        quoted(row[column] ?? "").toSorted(),
      );
      assert.deepEqual(
        told,
        [namesOf(login), namesOf(key), withheld].map((names) => names.toSorted()),
      );
    });
});

describe("the page", () => {
  const sections = page.split("\n## ").slice(1);

  it("says of every recipe how it was tried", () => {
    const rows = page.matchAll(/^\| \[(.*?)\]\(#(.*?)\) \| .* \| (.*) \|$/gm);
    const tried = new Map([...rows].map(([, , anchor = "", how = ""]) => [anchor, how]));
    assert.equal(tried.size, sections.length);
    for (const section of sections) {
      const [heading = ""] = section.split("\n");
      const how = tried.get(heading.toLowerCase().replaceAll(" ", "-")) ?? assert.fail(heading);
      assert.equal(
        /^Checked by hand, \d{4}-\d\d-\d\d, [\w ]+ \d+(\.\d+)*: /m.test(section),
        how.startsWith("by hand"),
        heading,
      );
      assert.equal(/\bNot run\.$/m.test(section), how === "not run", heading);
    }
  });
});
