// The command line itself: words, options, numbers, names, help. Mistakes end with 2, on standard error, with one next
// command, and before anything is read or written.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { moveIn } from "./houses.ts";
import { plainTokens } from "../support/home.ts";
import { play } from "./played.ts";
import { commandLine, House, type Json } from "./program.ts";

/** What the installed command runs first. */
const first = join(import.meta.dirname, "../../cli/entry.ts");

let house: House;
before(() => {
  house = moveIn(new House());
});
after(() => house[Symbol.dispose]());

const played = (line: string) => play(line.split(" "));

describe("help and version", () => {
  it("prints the version, and only that", async () => {
    assert.match((await house.run("--version")).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  for (const line of ["--help", "-h", "codex --help"])
    it(`lists every form for ${line}, within 80 columns`, async () => {
      const { code, stdout, stderr } = await played(line);
      assert.equal(code, 0);
      assert.equal(stderr, "");
      for (const form of [
        ..."enable disable login complete wait cancel logout token refresh ask why explain reset".split(" "),
        ..."status machine inspect replay exec import profile shell doctor completion demo emulator".split(" "),
      ])
        assert.match(stdout, new RegExp(`^  (<p> )?${form}\\b`, "m"));
      assert.deepEqual(
        stdout.split("\n").filter((text) => text.length > 80),
        [],
      );
    });

  it("lists the options of one command", async () => {
    const { stdout } = await played("codex login --help");
    assert.match(stdout, /--grant GRANT +.*loopback, paste, device/);
    assert.doesNotMatch(stdout, /--min-ttl/);
  });
});

describe("machine", () => {
  it("prints a provider's chart, or one inside it, in three languages, and reads no tokens", async () => {
    assert.match((await played("machine codex")).stdout, /^stateDiagram-v2\n[^]*authenticated --> refreshing: /);
    assert.match(
      (await played("machine CODEX device --format svg")).stdout,
      /^<svg[^]*id="n:awaitingPoll\.polling"[^]*<\/svg>\n$/,
    );
    const { states } = JSON.parse((await played("machine qwen --json")).stdout) as { readonly states: object };
    assert.ok("pendingAuth" in states);
    assert.ok(!existsSync(join(house.home, "oauth")));
  });

  for (const [line, says] of [
    ["machine", /needs a provider: gemini, anthropic, codex, qwen/],
    ["machine qwen devise", /There is no chart "devise" \(did you mean device\?\); there are account, loopback/],
    ["machine qwen --format raw", /--format must be one of mermaid, svg, json\.$/m],
    ["machine qwen --format yaml", /--format must be one of mermaid, svg, json\.$/m],
  ] as const)
    it(`says what is wrong with ${line}`, async () => {
      const { code, stderr } = await played(line);
      assert.equal(code, 2);
      assert.match(stderr, says);
    });
});

describe("words", () => {
  for (const line of ["auth codex why", "/auth codex why", "/AUTH codex why", "CODEX WHY", "Codex why"])
    it(`takes ${line}`, async () => {
      const { code, stdout } = await played(line);
      assert.equal(code, 0);
      assert.match(stdout, /^codex: /);
    });

  const mistakes: readonly (readonly [string, RegExp])[] = [
    ["cdoex login", /no provider called "cdoex" \(did you mean codex\?\); known are gemini, anthropic, codex, qwen/],
    ["statsu", /no provider called "statsu" \(did you mean status\?\)/],
    ["toString", /no provider called "tostring"/],
    ["__proto__ login", /no provider called "__proto__"/],
    ["codex constructor", /no "constructor"/],
    ["login codex", /The provider comes first, then login\.\nNext: llxprt-auth codex login\n/],
    ["explain", /The provider comes first: `llxprt-auth <p> explain`\.\n/],
    ["enable /etc/x", /The provider comes first: `llxprt-auth <p> enable`\.\n/],
    ["codex lgoin", /no "lgoin" \(did you mean login\?\); there are enable, /],
    ["codex use", /no "use"/],
    ["codex why more", /takes nothing more; "more" is too much/],
    ["codex login --gant device", /no option --gant/],
    ["codex why --port 80", /has no option --port/],
    ["status --detach", /has no option --detach/],
    ["codex login --grant magic", /--grant must be one of loopback, paste, device/],
    ["codex login --grant paste --device", /--device contradicts --grant/],
    ["codex login --port", /--port needs a value/],
    ["codex token --format xml", /--format must be one of raw, json, header, env, exec-credential\.$/m],
    ["codex token --format svg", /--format must be one of raw, json, header, env, exec-credential\.$/m],
    ["codex token --require-source luck", /--require-source must be one of oauth, /],
    ["codex token --set colour=red", /--set takes auth-key=KEY/],
    ["codex token --key a --keyfile b", /One key is enough/],
    ["status --key a", /A key is for one provider/],
    ["codex ask", /There is no message/],
    ["profile save", /needs a name/],
    ["profile sav x", /no `profile sav` \(did you mean save\?\)/],
    ["profile save x", /--provider NAME/],
    ["codex why --account ../../etc", /an account's name is/i],
    ["codex why --account CON", /an account's name is/i],
    ["profile delete ../settings", /a profile's name is/i],
  ];
  for (const [line, what] of mistakes)
    it(`refuses ${line}`, async () => {
      const { code, stdout, stderr } = await played(line);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, what);
      assert.match(stderr, /^Error: .*\.\nNext: llxprt-auth .+\n$/m);
    });

  for (const line of ["codex token", "status", "emulator"])
    it(`refuses ${line} with an empty --home, the value of a variable that is not set`, async () => {
      const { code, stdout, stderr } = await house.run([...line.split(" "), "--home", ""], { program: first });
      assert.deepEqual([code, stdout], [2, ""]);
      assert.equal(stderr, "Error: --home needs a value.\nNext: llxprt-auth --help\n");
    });

  it("says the same as JSON on standard output", async () => {
    const { code, stdout, stderr } = await played("codex login --gant --json");
    assert.deepEqual([code, stderr], [2, ""]);
    assert.deepEqual(JSON.parse(stdout), {
      schema: 1,
      error: { code: "usage", message: "There is no option --gant", next: "llxprt-auth --help" },
    });
  });

  it("names the home in the next command, so that it works", async () => {
    const { stderr } = await play(["codex", "token", "--home", `${house.folder}/other home`]);
    assert.match(stderr, /^Next: llxprt-auth codex \w+ --home '\/.*\/other home'$/m);
    assert.ok(!stderr.includes("undefined"));
  });
});

it("works in a folder that is gone", () => {
  const words = [...commandLine, "codex", "why"].map((word) => `'${word}'`).join(" ");
  const script = `mkdir "$HOME/gone"; cd "$HOME/gone"; rmdir ../gone; ${words}`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { env: house.environment(), encoding: "utf8" });
  assert.match(stdout, /^codex: /, stderr);
});

describe("standard output", () => {
  const full = "/dev/full";
  const noFull = existsSync(full) ? false : `there is no ${full}`;
  it("that cannot be written is a failure", { skip: noFull }, () => {
    const [command, ...words] = commandLine;
    const stdout = openSync(full, "w");
    const { status } = spawnSync(command, [...words, "--help", "status"], { stdio: ["ignore", stdout, "ignore"] });
    closeSync(stdout);
    assert.equal(status, 1);
  });

  // It has a way of its own to print.
  const installed = [process.execPath, "--conditions=development", first];
  for (const line of ["--version", "codex token", "status"])
    it(`that nobody reads, or that is full, ends without a word: ${line}`, { skip: noFull }, () => {
      using own = new House();
      own.plant("codex", plainTokens());
      const words = [...installed, ...line.split(" ")].map((word) => `'${word}'`).join(" ");
      const script = `${words} | head -c0; echo \${PIPESTATUS[0]}; ${words} >${full}; echo $?`;
      const { stdout, stderr } = spawnSync("bash", ["-c", script], { env: own.environment(), encoding: "utf8" });
      assert.deepEqual([stdout, stderr], ["1\n1\n", ""]);
    });
});

describe("numbers are plain decimals", () => {
  for (const port of ["80abc", "0x50", "-1", "0", "65536", "1e3", " 80", "080"])
    it(`--port=${port}`, async () => {
      const { code, stderr } = await play(["codex", "login", `--port=${port}`]);
      assert.equal(code, 2);
      assert.match(stderr, /--port takes a number from 1 to 65535/);
    });
  it("--port= and nothing", async () => {
    assert.equal((await play(["codex", "login", "--port="])).code, 2);
  });
  for (const line of ["codex token --min-ttl=1h", "codex login --timeout=0", "codex wait --timeout=-3"])
    it(line, async () => assert.equal((await played(line)).code, 2));
});

describe("settings", () => {
  const mistakes: readonly (readonly [string, Json | string, RegExp])[] = [
    ["no JSON", "{ oops", /settings\.json: the file is not JSON/],
    [
      "a wrong switch",
      { oauthEnabledProviders: { codex: "yes" } },
      /oauthEnabledProviders\.codex must be true or false/,
    ],
    ["a wrong field", { providers: { qwen: { tokenEndpoint: 5 } } }, /providers\.qwen\.tokenEndpoint/],
    [
      "plain http",
      { providers: { qwen: { tokenEndpoint: "http://example.com/" } } },
      /providers\.qwen\.tokenEndpoint.*https/,
    ],
    ["a field that there is not", { providers: { qwen: { tokenEndpoin: "x" } } }, /providers\.qwen\.tokenEndpoin\b/],
    ["a command's name", { providers: { status: { clientId: "x" } } }, /providers\.status bears the name of a command/],
    ["a name to come", { providers: { doctor: { clientId: "x" } } }, /providers\.doctor bears the name of a command/],
    ["a name with a path", { providers: { "../x": { clientId: "x" } } }, /providers\.\.\.\/x is no name/],
  ];
  for (const [what, content, says] of mistakes)
    it(`names file and field: ${what}`, async () => {
      using wrong = new House();
      wrong.settings(content);
      const { code, stdout, stderr } = await play(["status", "--home", wrong.home]);
      assert.deepEqual([code, stdout], [6, ""]);
      assert.match(stderr, says);
      assert.ok(stderr.includes(`${wrong.home}/settings.json`));
      assert.match(stderr, /\nNext: llxprt-auth doctor --home \S+\n$/, "what works all the same");
    });

  it("takes a provider of one's own, in every command", async () => {
    using own = new House(null, { providers: { acme: { clientId: "x", issuer: "http://127.0.0.1:1" } } });
    assert.equal((await own.run("acme enable")).code, 0);
    const { providers } = await own.json("status");
    assert.equal(providers.find(({ provider }: Json) => provider === "acme").state, "idle");
  });
});
