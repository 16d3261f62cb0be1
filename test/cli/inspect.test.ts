// `inspect`: one address on standard output, a server behind it until Ctrl-C, and nothing written, opened or asked that the
// person did not want.
import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { startEmulator } from "../../providers/emulator/index.ts";
import { isOpen, visit } from "../support/browser.ts";
import { until } from "../support/stage.ts";
import { enter } from "../support/visitor.ts";
import { addressIn, type Ended, House, type Started } from "./program.ts";
import { leaveSeats, noTerminals, sitDown } from "./seat.ts";

interface Running extends Started {
  readonly url: string;
  readonly port: number;
}

/** Once it says how to end it. */
async function inspecting(house: House, line = "", env: Record<string, string> = {}): Promise<Running> {
  const words = ["inspect", ...line.split(" ").filter((word) => word !== "")];
  const started = house.start(words, { env });
  let out = "";
  started.child.stdout?.on("data", (text: string) => (out += text));
  await started.said(/Ctrl-C ends it/);
  await until(() => out.endsWith("\n"), "an address");
  const url = line.includes("--json") ? (JSON.parse(out) as { readonly url: string }).url : addressIn(out);
  return { ...started, url, port: Number(new URL(url).port) };
}

async function interrupted(
  { child, ended }: Started,
  signal: NodeJS.Signals = "SIGINT",
): Promise<Ended & { took: number }> {
  const begun = performance.now();
  child.kill(signal);
  const end = await ended;
  return { ...end, took: performance.now() - begun };
}

const stamps = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .map((path) => `${path} ${statSync(path).mtimeMs} ${statSync(path).ctimeMs}`);

describe("inspect", { concurrency: 2 }, () => {
  it("prints its address alone, serves it to who brings it, and gives the port back within a second of Ctrl-C", async () => {
    using house = new House();
    const running = await inspecting(house);
    const visitor = await enter(running.url);
    using page = await visitor.news();
    const [first] = await page.heard(1);
    assert.equal(first?.scene?.pid, running.child.pid);
    assert.equal(first?.scene?.home, house.home);
    const { code, stdout, stderr, took } = await interrupted(running);
    assert.equal(code, 130);
    assert.equal(stdout, `${running.url}\n`);
    assert.match(stderr, /^A live picture of every login.*It reads, and changes nothing\.\nCtrl-C ends it\.\n$/);
    assert.ok(took < 1_000, `${took} ms`);
    assert.ok(!(await isOpen(running.port)));
  });

  it("prints JSON, once, and ends by SIGTERM as well", async () => {
    using house = new House();
    const running = await inspecting(house, "--json");
    const { code, stdout } = await interrupted(running, "SIGTERM");
    assert.equal(code, 130);
    assert.deepEqual(JSON.parse(stdout), { schema: 1, url: running.url, pid: running.child.pid });
  });

  it("opens the browser that is named, with that address", async () => {
    using house = new House();
    for (const [line, env] of [
      ["", { BROWSER: house.counted }],
      [`--json`, { BROWSER: house.counted, CI: "1" }],
    ] as const) {
      const running = await inspecting(house, line, env);
      await until(() => house.openings.includes(running.url), "the browser is opened");
      assert.match((await interrupted(running)).stderr, /The browser was asked to open it\./);
    }
    assert.equal(house.openings.length, 2);
  });

  it("opens none that is forbidden, and goes on when there is none", async () => {
    using house = new House();
    for (const [line, env] of [
      ["--no-browser", { BROWSER: house.forbidden }],
      ["--non-interactive", { BROWSER: house.forbidden }],
      ["", { BROWSER: house.forbidden, NO_BROWSER: "1" }],
      ["", {}],
      ["", { BROWSER: "/there/is/none" }],
    ] as const) {
      const running = await inspecting(house, line, env);
      await enter(running.url);
      assert.equal((await interrupted(running)).code, 130);
    }
    assert.ok(!house.has("../browser-was-opened"));
  });

  for (const line of [
    "inspect codex",
    "inspect codex --json",
    "codex inspect",
    "inspect --provider codex",
    "inspect --port 8080",
  ])
    it(`is not for one provider, nor at a port of one's choice: ${line}`, async () => {
      using house = new House();
      const { code, stdout } = await house.run(line);
      assert.equal(code, 2);
      if (!line.includes("--json")) assert.equal(stdout, "");
    });

  it("writes nothing, moves no machine and asks no provider, while it is looked at", async () => {
    await using emulator = await startEmulator({ deviceIntervalS: 1 });
    using house = new House(emulator);
    house.plant("codex", {
      access_token: "planted-access-token-0123456789",
      refresh_token: "planted-refresh-token-0123456789",
      expiry: Math.floor(Date.now() / 1000) - 60,
      token_type: "Bearer",
    });
    const before = stamps(house.home);
    const running = await inspecting(house);
    const visitor = await enter(running.url);
    using page = await visitor.news();
    const [first] = await page.heard(1);
    assert.ok(first?.scene?.accounts.some(({ provider, usable }) => provider === "codex" && usable === "unknown"));
    for (const path of ["/", "/view.js", "/look.css", "/pictures.json"])
      assert.equal((await visitor.ask(path)).status, 200);
    await interrupted(running);
    assert.deepEqual(stamps(house.home), before);
    assert.equal(emulator.requests.length, 0);
  });

  it("runs twice over the same home, each for a browser of its own", async () => {
    using house = new House();
    const [one, other] = await Promise.all([inspecting(house), inspecting(house)]);
    assert.notEqual(one.port, other.port);
    const visitor = await enter(one.url);
    await enter(other.url);
    const elsewhere = other.url.replace(/\?.*/, "");
    assert.equal((await visit(elsewhere, { headers: { cookie: visitor.cookie } })).status, 403);
    await Promise.all([interrupted(one), interrupted(other)]);
  });
});

describe("inspect --stately", () => {
  it("says what leaves this machine, and does nothing without a yes where nobody can be asked", async () => {
    using house = new House();
    const { code, stdout, stderr } = await house.run("inspect --stately", { env: { BROWSER: house.forbidden } });
    assert.deepEqual([code, stdout], [3, ""]);
    for (const said of [
      /^Warning: .* stately\.ai/,
      /What leaves this machine: /,
      /What does not: tokens/,
      /never with the page itself/,
      /needs a yes, and nobody can be asked here\.\nNext: llxprt-auth inspect --stately --yes\n$/,
    ])
      assert.match(stderr, said);
    assert.ok(!existsSync(house.mark));
    assert.equal((await house.json("inspect --stately"))["error"].next, "llxprt-auth inspect --stately --yes");
  });

  it("with a yes leads its browser to a page that frames stately.ai, and warns all the same", async () => {
    using house = new House();
    const running = await inspecting(house, "--stately --yes");
    const { ask } = await enter(running.url, "/stately");
    assert.match((await ask("/stately")).body, /<iframe src="https:\/\/stately\.ai\/inspect"/);
    const { code, stderr } = await interrupted(running);
    assert.equal(code, 130);
    assert.match(stderr, /^Warning: /);
  });

  it("is off unless it is asked for", async () => {
    using house = new House();
    const running = await inspecting(house, "--yes");
    const { ask } = await enter(running.url);
    assert.equal((await ask("/stately")).status, 404);
    assert.doesNotMatch((await interrupted(running)).stderr, /stately/);
  });
});

describe("inspect at a terminal", { skip: noTerminals }, () => {
  afterEach(leaveSeats);

  it("says where to open the address when there is no display", async () => {
    using house = new House();
    // From afar, so that it is no machine of anybody's own.
    const seat = sitDown(house, "inspect", { SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" });
    const [screen] = await seat.sees(/[^]*Ctrl-C ends it/);
    assert.match(screen, /^There is no display here: open the address in a browser of this machine\.$/m);
    assert.doesNotMatch(screen, /browser was asked|No browser/);
    seat.type("\u0003");
    assert.equal((await seat.left).code, 130);
  });
});
