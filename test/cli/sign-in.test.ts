// Signing in, as scripts, agents and people without a terminal do it: browser, paste, device code, another process.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { play } from "./played.ts";
import { addressIn, House, type Json } from "./program.ts";

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator({ deviceIntervalS: 1 });
});
after(() => emulator.close());

const rowOf = ({ providers }: Json, provider: string): Json =>
  providers.find((row: Json) => row["provider"] === provider);

describe("without a terminal", () => {
  const needed: readonly (readonly [string, RegExp])[] = [
    ["qwen", /^Next: llxprt-auth qwen login --home /m],
    ["qwen token", /^Next: llxprt-auth qwen login --home /m],
    ["qwen token --interactive", /^Next: llxprt-auth qwen login --home /m],
    ["qwen ask hello", /^Next: llxprt-auth qwen login --home /m],
    ["qwen refresh", /^Next: llxprt-auth qwen login --home /m],
    ["qwen wait", /^Next: llxprt-auth qwen login --home /m],
    ["qwen complete", /^Next: llxprt-auth qwen login --home /m],
    ["qwen status", /^$/],
    ["qwen login --non-interactive", /^Next: llxprt-auth qwen login --detach --home /m],
  ];
  for (const [line, next] of needed)
    it(`${line}: exit 3 within a second, no browser, no prompt`, async () => {
      using house = new House(emulator, { oauthEnabledProviders: { qwen: true } });
      process.env["BROWSER"] = house.forbidden;
      const began = performance.now();
      const { code, stderr } = await play([...line.split(" "), "--home", house.home], {
        environment: { BROWSER: house.forbidden },
        input: null,
      });
      assert.equal(code, 3);
      // A second is promised; this machine may have other things to do. Who asks or polls would take for ever.
      assert.ok(performance.now() - began < 10_000);
      assert.match(stderr, next);
      assert.ok(!house.has("../browser-was-opened"));
    });

  it("the whole program takes no longer", async () => {
    using house = new House(emulator, { oauthEnabledProviders: { qwen: true } });
    const { code } = await house.inASecond("qwen ask hello", { env: { BROWSER: house.forbidden }, open: true });
    assert.equal(code, 3);
    assert.ok(!house.has("../browser-was-opened"));
  });

  it("nothing enabled: exit 3, and `enable` is what helps", async () => {
    using house = new House(emulator);
    const { code, stdout, stderr } = await house.run("qwen token");
    assert.deepEqual([code, stdout], [3, ""]);
    assert.match(stderr, /^Next: llxprt-auth qwen enable$/m);
  });

  for (const CI of ["1", "true"])
    it(`login with CI=${CI}: exit 3, and --detach is what helps`, async () => {
      using house = new House(emulator);
      const { code, stdout } = await house.inASecond("gemini login --json", { env: { CI, BROWSER: house.forbidden } });
      assert.equal(code, 3);
      const { error } = JSON.parse(stdout) as Json;
      assert.deepEqual([error.code, error.next], ["sign_in_unattended", "llxprt-auth gemini login --detach"]);
      assert.ok(!house.has("../browser-was-opened"));
    });

  it("login prints its address, opens what BROWSER says, and waits", async () => {
    using house = new House(emulator);
    const { code, stdout, stderr } = await house.run("gemini login", { env: { BROWSER: house.agreeing() } });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "", "talk is no data");
    assert.ok(stderr.indexOf(addressIn(stderr)) < stderr.indexOf("The browser was asked"));
    assert.match(stderr, /^Sign in to Google Gemini .* at 127\.0\.0\.1:\d+\.$/m);
    assert.match(stderr, /✓ Signed in to gemini as robin@example\.com/);
    assert.equal(rowOf(await house.json("status"), "gemini").identity, "robin@example.com");
    assert.deepEqual(house.pending(), []);
  });

  it("login without BROWSER opens nothing, and takes what is piped in", async () => {
    using house = new House(emulator);
    const { said, child, ended } = house.start(["anthropic", "login"], { open: true });
    await said(/Waiting without limit/);
    const { shown } = await emulator.approve(addressIn((await said(/[^]*/))[0]));
    child.stdin?.write("123456\n");
    await said(/That did not work: those digits are the code/);
    child.stdin?.write(`${shown?.split("#")[0]}#other\n`);
    await said(/belongs to another sign-in/);
    child.stdin?.write(`${shown}\n`);
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
    assert.ok(!stderr.includes(shown ?? "?"), "what is pasted is not repeated");
  });

  it("a browser that cannot be started is no failure", async () => {
    using house = new House(emulator);
    const { said, ended } = house.start(["gemini", "login"], { env: { BROWSER: "/no/such/browser" } });
    await said(/No browser could be opened/);
    await emulator.approve(addressIn((await said(/[^]*/))[0]));
    assert.equal((await ended).code, 0);
  });

  for (const [what, flag, env] of [
    ["--no-browser", " --no-browser", {}],
    ["NO_BROWSER", "", { NO_BROWSER: "1" }],
  ] as const)
    it(`${what} prints only`, async () => {
      using house = new House(emulator);
      const line = `gemini login --timeout 1${flag}`;
      const { code, stderr } = await house.run(line, { env: { BROWSER: house.forbidden, ...env } });
      assert.equal(code, 3);
      assert.match(stderr, /^Error: Nobody finished the sign-in to gemini in time\.$/m);
      assert.ok(!house.has("../browser-was-opened"));
    });

  it("who says no ends it with 4", async () => {
    using house = new House(emulator);
    const { code, stderr } = await house.run("gemini login", { env: { BROWSER: house.agreeing("deny") } });
    assert.equal(code, 4);
    assert.match(stderr, /^Error: The sign-in to gemini was denied in the browser\.$/m);
  });

  it("a provider that wants a client of one's own says so, with 6, before any browser", async () => {
    using house = new House();
    const { code, stderr } = await house.inASecond("gemini login", { env: { BROWSER: house.forbidden } });
    assert.equal(code, 6);
    assert.match(stderr, /https:\/\/console\.cloud\.google\.com\/apis\/credentials.*clientFile/);
    assert.ok(!house.has("../browser-was-opened"));
  });
});

describe("a device code", () => {
  it("stands alone on its line, with service, host, and the address that holds it", async () => {
    using house = new House(emulator);
    const { said, ended } = house.start(["qwen", "login", "--json"]);
    const [text, userCode = ""] = await said(/[^]*^([A-Z]{4}-[A-Z]{4})$[^]*Waiting until/m);
    assert.match(text, /^Sign in to Qwen Chat at 127\.0\.0\.1:\d+\.$/m);
    assert.match(text, new RegExp(`check that it shows ${userCode}:\\n\\nhttp://127\\.\\S+${userCode}\\n`));
    await emulator.approveDevice(userCode);
    const { code, stdout } = await ended;
    assert.equal(code, 0);
    const row = JSON.parse(stdout) as Json;
    assert.deepEqual(
      [row["schema"], row["provider"], row["state"], row["usable"]],
      [1, "qwen", "authenticated", "yes"],
    );
  });
});

describe("in pieces", () => {
  it("detached, then completed by another process, wrong pastes in between", async () => {
    using house = new House(emulator);
    const { stdout, code } = await house.inASecond("anthropic login --detach --json", {
      env: { CI: "1", BROWSER: house.forbidden },
    });
    assert.equal(code, 0);
    const pending = JSON.parse(stdout) as Json;
    assert.equal(
      Object.keys(pending).join(" "),
      "schema provider account attempt kind url urlComplete userCode expiresAt",
    );
    assert.deepEqual([pending["schema"], pending["kind"], pending["userCode"]], [1, "paste", null]);
    const leftMs = Date.parse(pending["expiresAt"]) - Date.now();
    assert.ok(leftMs > 13 * 60_000 && leftMs <= 15 * 60_000);
    const row = rowOf(await house.json("status"), "anthropic");
    assert.deepEqual([row["state"], row["pending"]], ["awaitingCode", pending]);

    const { shown } = await emulator.approve(pending["url"]);
    const wrong = await house.run(["anthropic", "complete", "123456"]);
    assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
    assert.match(wrong.stderr, /e-mailed/);
    const cut = await house.run(["anthropic", "complete", (shown ?? "").slice(0, -5)]);
    assert.match(cut.stderr, /cut off/);
    const nothing = await house.inASecond("anthropic complete", { open: true });
    assert.equal(nothing.code, 3);
    assert.match(nothing.stderr, /^Next: llxprt-auth anthropic complete -$/m);
    const done = await house.run("anthropic complete -", { input: `"${shown}"\n` });
    assert.equal(done.code, 0, done.stderr);
    assert.ok(!done.stderr.includes(shown ?? "?"));
    assert.deepEqual(house.pending(), []);
    assert.equal((await house.run("anthropic complete x")).code, 3, "nothing is under way any more");
  });

  it("detached with a device code, then waited for by another process", async () => {
    using house = new House(emulator);
    const { stdout, stderr } = await house.run("codex login --device --detach");
    assert.match(stdout, /^http:\S+\nCode: \S+\nAttempt: \S+\nUntil: \S+\n$/);
    assert.match(stderr, /Finish it with: llxprt-auth codex wait/);
    const userCode = /^Code: (\S+)$/m.exec(stdout)?.[1] ?? "";
    const { said, ended } = house.start(["codex", "wait", "--json"]);
    await said(/Waiting until/);
    await emulator.approveDevice(userCode, emulator.accounts[1]);
    const { code, stdout: row } = await ended;
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(row), {
      schema: 1,
      ...rowOf(await house.json("status"), "codex"),
    });
  });

  it("a wait that is too long for somebody ends with 5, and the sign-in stays", async () => {
    using house = new House(emulator);
    await house.run("qwen login --detach");
    const { code, stderr } = await house.run("qwen wait --timeout 1");
    assert.equal(code, 5);
    assert.match(stderr, /^Error: The sign-in to qwen is still under way\.\nNext: llxprt-auth qwen wait$/m);
    assert.equal(house.pending().length, 1);
    assert.equal((await house.run("qwen cancel")).code, 0);
    assert.deepEqual(house.pending(), []);
    assert.equal((await house.run("qwen cancel")).code, 3);
  });

  it("completed elsewhere while this one waits", async () => {
    using house = new House(emulator);
    const { said, ended } = house.start(["anthropic", "login"]);
    await said(/Waiting without limit/);
    const { shown } = await emulator.approve(addressIn((await said(/[^]*/))[0]));
    assert.equal((await house.run(["anthropic", "complete", shown ?? ""])).code, 0);
    const { code, stderr } = await ended;
    assert.equal(code, 0);
    assert.match(stderr, /✓ Signed in to anthropic/);
  });
});

describe("Ctrl-C", () => {
  it("ends a sign-in with 130, gives the port back, and leaves it to be finished", async () => {
    using house = new House(emulator);
    const first = house.start(["gemini", "login"]);
    await first.said(/Waiting without limit/);
    const address = addressIn((await first.said(/[^]*/))[0]);
    const began = performance.now();
    first.child.kill("SIGINT");
    const { code, stderr } = await first.ended;
    assert.equal(code, 130);
    assert.ok(performance.now() - began < 10_000);
    assert.match(stderr, /The sign-in is still open\. Finish it with: llxprt-auth gemini complete$/m);
    assert.doesNotMatch(stderr, /Error/);
    const again = house.start(["gemini", "wait"]);
    await again.said(/Waiting without limit/);
    assert.equal(addressIn((await again.said(/[^]*/))[0]), address, "the same address, on the same port");
    await emulator.approve(address);
    assert.equal((await again.ended).code, 0);
  });

  it("says so in JSON, too", async () => {
    using house = new House(emulator);
    const { said, child, ended } = house.start(["gemini", "login", "--json"]);
    await said(/Waiting without limit/);
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    assert.equal(code, 130);
    assert.deepEqual(JSON.parse(stdout), {
      schema: 1,
      error: { code: "interrupted", message: "Interrupted", next: null },
    });
  });

  it("lets a refresh that is under way finish", async () => {
    using house = new House(emulator);
    await house.run("gemini login", { env: { BROWSER: house.agreeing() } });
    const old = house.tokens("gemini");
    const { refreshes } = emulator.counters("gemini");
    emulator.fault("gemini", "refresh", { kind: "delay", ms: 500 });
    const { child, ended } = house.start(["gemini", "refresh", "--force"]);
    while (emulator.counters("gemini").refreshes === refreshes) await pause(20);
    child.kill("SIGINT");
    assert.equal((await ended).code, 130);
    assert.notEqual(house.tokens("gemini")["access_token"], old["access_token"]);
  });
});
