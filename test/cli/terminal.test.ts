// With a person at a terminal: a real pseudo-terminal, keys typed into it, and everything that comes out.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { stripVTControlCharacters } from "node:util";
import { plainTokens } from "../support/home.ts";
import { keep, tools } from "../support/vendors.ts";
import { addressIn, commandLine, House } from "./program.ts";
import { leaveSeats, noTerminals, sitDown } from "./seat.ts";

afterEach(leaveSeats);

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator({ deviceIntervalS: 1 });
});
after(() => emulator.close());

const noJobs = existsSync("/proc/self/stat") ? false : "who is in the foreground cannot be seen here";
const ctrlC = "\u0003";
const whole = /^icanon\necho$/m;

describe("at a terminal", { skip: noTerminals }, () => {
  it("a paste ends the sign-in, wrong ones do not, and none is shown", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "anthropic login --no-browser");
    const [text] = await seat.sees(/[^]*Waiting for the sign-in, 0:0\d\./);
    const address = addressIn(text);
    assert.match(text, /^Note: Anthropic's terms/m);
    const { shown } = await emulator.approve(address);
    seat.type("314159\r");
    await seat.sees(/That did not work: those digits/);
    seat.type(`${shown}\r`);
    await seat.sees(/✓.* Signed in to anthropic as robin@example\.com/);
    const { code, screen } = await seat.left;
    assert.equal(code, 0);
    assert.ok(!screen.includes("314159") && !screen.includes(shown?.slice(0, 12) ?? "?"));
    assert.match(stripVTControlCharacters(screen), whole, "the terminal is as it was");
  });

  it("a long address that the terminal broke into lines is one paste", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "gemini login --no-browser");
    const [text] = await seat.sees(/[^]*Waiting for/);
    // As if the browser were on another machine: nobody listens where it is sent.
    const { redirected } = await emulator.approve(addressIn(text).replace(/127\.0\.0\.1%3A\d+/, "127.0.0.1%3A64999"));
    const own = /redirect_uri=http%3A%2F%2F127\.0\.0\.1%3A(\d+)/.exec(text)?.[1] ?? "";
    const pasted = (redirected ?? "").replace("127.0.0.1:64999", `127.0.0.1:${own}`);
    seat.type(`${pasted.slice(0, 79)}\r${pasted.slice(79)}\r`);
    // Its code was given for another redirect URI, so the provider refuses it: it was read whole, and sent.
    const { code } = await seat.left;
    assert.equal(code, 4);
  });

  it("what would leave this machine is asked first, and only yes is a yes", async () => {
    using house = new House();
    const question = /Show it to stately\.ai\? Type yes, or anything else: /;
    const answered = async (keys: string) => {
      const seat = sitDown(house, "inspect --stately --no-browser");
      await seat.sees(question);
      seat.type(keys);
      if (keys === "yes\r") {
        await seat.sees(/Ctrl-C ends it/);
        seat.type(ctrlC);
      }
      return seat.left;
    };
    const [no, nothing, yes] = await Promise.all(["no\r", "\u0004", "yes\r"].map(answered));
    assert.match(no?.screen ?? "", /Nothing was shown to anybody else\.\nNext: llxprt-auth inspect\n/);
    assert.deepEqual([no?.code, nothing?.code, yes?.code], [4, 4, 130]);
    assert.doesNotMatch(`${no?.screen}${nothing?.screen}`, /127\.0\.0\.1/);
  });

  it("a login that is taken over is asked for first, and only yes is a yes", async () => {
    using house = new House();
    const kept = { access: "an-access-token", refresh: "a-refresh-token", expiresAt: Date.now() + 3_600_000 };
    keep(house.folder, tools["Claude Code"].file, tools["Claude Code"].content(kept));
    const answered = async (keys: string) => {
      const seat = sitDown(house, "import anthropic --take-over");
      await seat.sees(/takes a refresh token once only:[^]*Take it over\? Type yes, or anything else to leave it: /);
      seat.type(keys);
      const { code } = await seat.left;
      return [code, house.has("oauth/anthropic.json")];
    };
    const [no, nothing, gone] = await Promise.all(["no\r", "\u0004", ctrlC].map(answered));
    assert.deepEqual(
      [no, nothing, gone],
      [
        [4, false],
        [4, false],
        [130, false],
      ],
    );
    assert.deepEqual(await answered("yes\r"), [0, true]);
  });

  it("Ctrl-C gives back terminal and port within a second, exit 130", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "gemini login --no-browser");
    await seat.sees(/Waiting for/);
    const began = performance.now();
    seat.type(ctrlC);
    const { code, screen } = await seat.left;
    assert.ok(performance.now() - began < 10_000);
    assert.equal(code, 130);
    assert.match(screen, /The sign-in is still open\. Finish it with: llxprt-auth gemini complete/);
    assert.match(stripVTControlCharacters(screen), whole);
    assert.equal(house.pending().length, 1);
  });

  it("the wait is one line that is rewritten, and nothing of it is left", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "qwen login --no-browser");
    const [, userCode = ""] = await seat.sees(/^([A-Z]{4}-[A-Z]{4})$/m);
    await seat.sees(/Waiting for the sign-in, 14:5\d left\. Ctrl-C stops waiting and loses nothing\./);
    await emulator.approveDevice(userCode);
    const { screen } = await seat.left;
    const lines = screen.split("\n").filter((line) => line.includes("Waiting for"));
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.slice(lines[0].lastIndexOf("\r")).startsWith("\r\u001B[K"), "cleared at the end");
  });

  it("the first question signs in, with the browser, and is then answered", async () => {
    using house = new House(emulator, { oauthEnabledProviders: { gemini: true } });
    const { left } = sitDown(house, "gemini ask hello", { BROWSER: house.agreeing() });
    const { code, screen } = await left;
    assert.equal(code, 0, screen);
    const order = ["Open this address", "The browser was asked", "Signed in to gemini", "You said: hello"];
    const places = order.map((text) => screen.indexOf(text));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      screen,
    );
    assert.ok(places.every((place) => place >= 0));
  });

  it("in CI, with --non-interactive, or for a token of scripts it asks nothing even here", async () => {
    using house = new House(emulator, { oauthEnabledProviders: { gemini: true } });
    for (const [line, env] of [
      ["gemini ask hello --non-interactive", {}],
      ["gemini", { CI: "1" }],
      ["gemini token", {}],
    ] as const) {
      const seat = sitDown(house, line, { ...env, BROWSER: house.forbidden });
      const begun = seat.sees(/Open this address/).then(() => assert.fail(`${line}: a sign-in began`));
      const { code, screen } = await Promise.race([seat.left, begun]);
      assert.equal(code, 3, screen);
    }
    assert.ok(!house.has("../browser-was-opened"));
  });

  it("a missing client is asked for, checked, and noted beside what is there", async () => {
    using house = new House();
    house.settings({ theme: "dark" });
    const file = join(house.folder, "client.json");
    writeFileSync(file, JSON.stringify({ installed: { client_id: "mine.apps", client_secret: "canary-secret" } }));
    const seat = sitDown(house, "gemini login --no-browser");
    await seat.sees(/Type the path of that file here/);
    seat.type(`${house.folder}/nothing.json\r`);
    await seat.sees(/That did not work:\s.*nothing\.json:\sinstalled\.client_id\sis\smissing/);
    seat.type("client.json\r");
    await seat.sees(/client_id=mine\.apps/);
    seat.type(ctrlC);
    const { screen } = await seat.left;
    assert.ok(!screen.includes("canary-secret"));
    assert.deepEqual([house.settled["theme"], house.settled["providers"].gemini.clientFile], ["dark", file]);
  });

  it("complete asks for the paste", async () => {
    using house = new House(emulator);
    const { stdout } = await house.run("anthropic login --detach");
    const { shown } = await emulator.approve(addressIn(stdout));
    const seat = sitDown(house, "anthropic complete");
    await seat.sees(/Paste the address or code/);
    seat.type(`${shown}\r`);
    const { code, screen } = await seat.left;
    assert.equal(code, 0, screen);
    assert.ok(!screen.includes(shown ?? "?"));
  });

  it("shows colours, unless NO_COLOR is set", async () => {
    using house = new House(emulator);
    const coloured = await sitDown(house, "status", { NO_COLOR: undefined }).left;
    assert.ok(coloured.screen.includes("\u001B[31m✗"));
    assert.ok(!(await sitDown(house, "status").left).screen.includes("\u001B"));
  });

  // T28.
  it("nothing of a server's text is obeyed", async () => {
    using house = new House(emulator);
    const hostile = "a\u001B]52;c;AAAA\u0007b\u009B31mc\u202Ed\u200Be\r\nf";
    house.plant("codex", {
      access_token: "t",
      token_type: "Bearer",
      expiry: Math.floor(Date.now() / 1000) + 3600,
      llxprt_auth: { schema: 1, lineage: "l", generation: 1, issuer: null, client_id: null, identity: hostile },
    });
    const { screen } = await sitDown(house, "codex status").left;
    assert.match(screen, /^ {2}identity +a ?\]52;c;AAAA ?b ?31mc ?d ?e f$/m);
    writeFileSync(join(house.folder, "key"), emulator.apiKeys.codex, { mode: 0o600 });
    const asked = sitDown(house, `codex ask ${hostile.replaceAll(/\s/g, "")} --keyfile key`);
    const { screen: answer } = await asked.left;
    assert.match(answer, /^You said: a\]52;c;AAAAb31mcdef$/m);
  });

  it("the program of `exec` has the terminal, is told once of Ctrl-C, and decides itself", async () => {
    using house = new House();
    house.plant("codex", plainTokens());
    const counter = join(house.folder, "counter.mjs");
    const text = `let told = 0;
      process.on("SIGINT", () => { told += 1; setTimeout(() => process.exit(40 + told), 300); });
      console.log("is a terminal:", process.stdin.isTTY && process.stdout.isTTY); setInterval(() => {}, 1000);`;
    writeFileSync(counter, text);
    const seat = sitDown(house, `exec codex -- ${process.execPath} ${counter}`);
    await seat.sees(/is a terminal: true/);
    seat.type(ctrlC);
    const { code, screen } = await seat.left;
    assert.equal(code, 41);
    // What the person typed is shown on the same line.
    assert.match(screen, /\^Cicanon\necho$/m);
  });

  it(
    "the program of `exec` in the background is told of a signal that was sent to us alone",
    { skip: noJobs },
    async () => {
      using house = new House();
      house.plant("codex", plainTokens());
      const program = join(house.folder, "program.mjs");
      const text = `import { writeFileSync } from "node:fs";
      process.on("SIGINT", () => process.exit(41)); setTimeout(() => process.exit(9), 10_000); writeFileSync("ready", "");`;
      writeFileSync(program, text);
      const background = [...commandLine, "exec", "codex", "--", process.execPath, program].join(" ");
      const jobs = `set -m; ${background} & until [ -e ready ]; do sleep 0.1; done; kill -INT $!; wait $!`;
      const seat = sitDown(house, "", {}, undefined, ["bash", "--norc", "-c", jobs]);
      assert.equal((await seat.left).code, 41);
    },
  );

  it("the next command is on one line, to be copied, however narrow the terminal is", async () => {
    using house = new House();
    const { screen } = await sitDown(house, "codex token", {}, "cols 20 rows 40").left;
    assert.match(screen, /^Error: OAuth is not\nenabled for codex\n[^]*^Next: llxprt-auth codex enable$/m);
  });

  it("a command within a sentence is on one line, too", async () => {
    using house = new House(emulator);
    const SSH_CONNECTION = "198.51.100.7 50000 203.0.113.5 22";
    const seat = sitDown(house, "codex login", { SSH_CONNECTION }, "cols 60 rows 40");
    await seat.sees(/Waiting for/);
    seat.type("\u0003");
    const { screen } = await seat.left;
    assert.match(screen, /^Or sign in with a code, from any machine:\r?\nllxprt-auth codex login --device\r?$/m);
  });

  it("the shell edits lines, hides a key, keeps going after Ctrl-C, and ends with 130 at its prompt", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "shell");
    await seat.sees(/gemini> $/);
    // Keys that come at once are a paste, in which a Tab is one.
    for (const [typed, shown] of [
      ["/prov", /> \/prov$/],
      ["\t", /> \/provider $/],
      ["cod", / cod$/],
      ["\t", / codex $/],
      ["\r", /codex> $/],
      ["/auth codex logi", / logi$/],
      ["\t", / login $/],
      ["--gr", / --gr$/],
      ["\t", / --grant $/],
      ["\u0015", /codex> $/],
    ] as const) {
      seat.type(typed);
      await seat.sees(shown);
    }
    seat.type("/set auth-key\r");
    await seat.sees(/Paste the key/);
    seat.type(`${emulator.apiKeys.codex}\r`);
    await seat.sees(/auth-key is set for codex\.\n[^]*codex> $/);
    seat.type("helo\u007Flo\r");
    await seat.sees(/You said: hello\n/);
    seat.type("/auth qwen login --no-browser\r");
    await seat.sees(/Waiting for/);
    seat.type(ctrlC);
    await seat.sees(/Finish it with: llxprt-auth qwen wait\n[^]*codex> $/);
    seat.type(ctrlC);
    const { code, screen } = await seat.left;
    assert.equal(code, 130);
    assert.ok(!screen.includes(emulator.apiKeys.codex));
    assert.match(stripVTControlCharacters(screen), whole);
  });
});
