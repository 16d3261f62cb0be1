// Sign-ins that outlive the process that began them: killed, left to the background, joined, cancelled, with real processes
// (R29, D1, D2; RFC 8628 3.5). What the server saw and what is on the disk judge, and which processes are still there.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { isOpen } from "../support/browser.ts";
import { until } from "../support/stage.ts";
import { addressIn, House, type Json, type Started } from "./program.ts";

const asking = fileURLToPath(new URL("asking-program.ts", import.meta.url));

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator({ deviceIntervalS: 1 });
});
after(() => emulator.close());

const redirectIn = (url: string): string => new URL(url).searchParams.get("redirect_uri") ?? "";
const portOf = (url: string): number => Number(new URL(redirectIn(url)).port);

/** The redirect that the provider would make, taken before it reaches anybody. */
async function redirectOf(url: string): Promise<string> {
  const ticket = /name="ticket" value="([^"]+)"/.exec(await (await fetch(url)).text())?.[1] ?? "";
  const body = new URLSearchParams({ ticket, decision: "approve", account: emulator.accounts[0] ?? "" });
  const reply = await fetch(url, { method: "POST", body, redirect: "manual" });
  return reply.headers.get("location") ?? assert.fail();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Kills a program with everything in its process group, as a closed terminal or an orchestrator does it. */
async function killed({ child, ended }: Started): Promise<void> {
  process.kill(-(child.pid ?? assert.fail()), "SIGKILL");
  assert.equal((await ended).code, null);
}

/** The record of the sign-in under way. */
const recordOf = (house: House): Json => {
  const [file = assert.fail("a sign-in is under way")] = house.pending();
  return house.read(`oauth/.pending/${file}`);
};

/** Who noted a step of a sign-in last. */
const pidOf = (house: House, step: string): number =>
  house.journal.findLast((one) => one["step"] === step)?.["pid"] ?? assert.fail(`${step}: nobody did that`);

/** Polls of a sign-in since a moment, with what the server said. */
const pollsSince = (at: number) =>
  emulator.requests
    .filter(({ endpoint, time }) => endpoint === "poll" && Date.parse(time) >= at)
    .map(({ time, status }) => ({ at: Date.parse(time), status }));

/** Waits until another process serves the sign-in. */
async function adopted(house: House, { kind, url }: Json): Promise<void> {
  await until(() => house.journal.some(({ step }) => step === "signInAdopted"), "another one serves it");
  if (kind !== "loopback") return;
  const end = Date.now() + 5_000;
  while (!(await isOpen(portOf(url)))) assert.ok(Date.now() < end, "it listens");
}

async function begun(house: House, line: string, env: Json = {}): Promise<{ program: Started; pending: Json }> {
  const program = house.start(line.split(" "), { group: true, env: { BROWSER: house.counted, ...env } });
  await program.said(/^(Waiting|✓)/m);
  return { program, pending: recordOf(house) };
}

/** What the person does at the page. @returns what is to be pasted, if anything */
async function approved({ kind, url, userCode }: Json): Promise<string | null> {
  if (kind === "device") await emulator.approveDevice(userCode);
  else return (await emulator.approve(url)).shown;
  return null;
}

const grants = [
  ["gemini", "loopback"],
  ["anthropic", "paste"],
  ["qwen", "device"],
] as const;

describe("a sign-in whose process was killed, with its whole group", { concurrency: 2 }, () => {
  for (const [provider, grant] of grants) {
    it(`by ${grant} is finished from another terminal`, async () => {
      using house = new House(emulator);
      const { program, pending } = await begun(house, `${provider} login`);
      await killed(program);
      assert.equal(house.pending().length, 1);
      if (grant === "paste") {
        const { shown } = await emulator.approve(pending["url"]);
        assert.equal((await house.run([provider, "complete", shown ?? ""])).code, 0);
      } else {
        const waiting = house.start([provider, "wait"]);
        await waiting.said(/Waiting/);
        await approved(pending);
        const { code, stderr } = await waiting.ended;
        assert.equal(code, 0, stderr);
      }
      assert.equal(house.tokens(provider)["token_type"], "Bearer");
      assert.deepEqual(house.pending(), []);
    });

    it(`by ${grant} is gone on with by one who joined it, at once and without another page`, async () => {
      using house = new House(emulator);
      const { program, pending } = await begun(house, `${provider} login`);
      const second = house.start([provider, "login"], { env: { BROWSER: house.counted }, open: true });
      await second.said(/is under way already/);
      await second.said(/Waiting/);
      await killed(program);
      await adopted(house, pending);
      const shown = await approved(pending);
      if (shown !== null) second.child.stdin?.write(`${shown}\n`);
      const { code, stderr } = await second.ended;
      assert.equal(code, 0, stderr);
      assert.equal(house.openings.length, 1);
    });

    it(`by ${grant} is shown again by the next login: the same address, on the same port`, async () => {
      using house = new House(emulator);
      const { program, pending } = await begun(house, `${provider} login`);
      await killed(program);
      const second = await begun(house, `${provider} login`);
      assert.equal(second.pending["attempt"], pending["attempt"]);
      await until(() => house.openings.length > 0, "it is opened");
      assert.equal(new Set(house.openings).size, 1);
      if (grant === "loopback") assert.ok(await isOpen(portOf(pending["url"])));
      const shown = await approved(pending);
      if (shown !== null) assert.equal((await house.run([provider, "complete", shown])).code, 0);
      assert.equal((await second.program.ended).code, 0);
    });
  }

  it("by loopback is finished by pasting where nobody listens any more", async () => {
    using house = new House(emulator);
    const { program, pending } = await begun(house, "gemini login");
    await killed(program);
    const { code } = await house.run(["gemini", "complete", await redirectOf(pending["url"])]);
    assert.equal(code, 0);
  });

  it("by loopback begins anew when another program has its port", async () => {
    using house = new House(emulator);
    const { program, pending } = await begun(house, "gemini login");
    await killed(program);
    const stranger = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => stranger.listen(portOf(pending["url"]), "127.0.0.1", () => resolve()));
    try {
      const { code, stderr } = await house.run("gemini login", { env: { BROWSER: house.agreeing() } });
      assert.equal(code, 0, stderr);
      assert.notEqual(portOf(addressIn(stderr)), portOf(pending["url"]));
    } finally {
      stranger.close();
    }
  });

  it("by device code is polled for by the next one no sooner than the server allows", async () => {
    using house = new House(emulator);
    const since = Date.now();
    const { program, pending } = await begun(house, "qwen login");
    const waiting = house.start(["qwen", "wait"]);
    await waiting.said(/Waiting/);
    const count = () => pollsSince(since).length;
    await until(() => count() >= 2, "the first polls");
    // Right after a poll: the next one would be too early at once.
    await killed(program);
    await until(() => count() >= 4, "the next one polls", 10_000);
    await approved(pending);
    assert.equal((await waiting.ended).code, 0);
    const polls = pollsSince(since);
    assert.ok(!polls.some(({ status }) => status === 429), "nobody was told to slow down");
    for (const [index, { at }] of polls.slice(1).entries()) assert.ok(at - (polls[index]?.at ?? 0) >= 950);
  });

  it("by Ctrl-C as well: who waits goes on", async () => {
    using house = new House(emulator);
    const { program, pending } = await begun(house, "gemini login");
    const waiting = house.start(["gemini", "wait"]);
    await waiting.said(/Waiting/);
    program.child.kill("SIGINT");
    const { code, stderr } = await program.ended;
    assert.equal(code, 130);
    assert.match(stderr, /The sign-in is still open/);
    await adopted(house, pending);
    await emulator.approve(pending["url"]);
    assert.equal((await waiting.ended).code, 0);
  });
});

describe("a sign-in that was left to the background", { concurrency: 2 }, () => {
  for (const [provider, grant] of grants)
    it(`by ${grant} is served there, and waited for from anywhere`, async () => {
      using house = new House(emulator);
      const pending = await house.json(`${provider} login --detach`, { env: { BROWSER: house.forbidden } });
      const background = pidOf(house, "signInBegun");
      assert.ok(isAlive(background));
      assert.equal(pending["kind"], grant);
      const waiting = house.start([provider, "wait"], { env: { BROWSER: house.forbidden }, open: true });
      await waiting.said(/is under way already/);
      const shown = await approved(pending);
      if (shown !== null) waiting.child.stdin?.write(`${shown}\n`);
      assert.equal((await waiting.ended).code, 0);
      await until(() => !isAlive(background), "its process has ended");
      assert.deepEqual(house.pending(), []);
      assert.ok(!house.has("../browser-was-opened"));
    });

  for (const [provider, grant] of grants.filter(([, way]) => way !== "paste"))
    it(`by ${grant} needs nobody else to be finished`, async () => {
      using house = new House(emulator);
      const pending = await house.json(`${provider} login --detach`);
      await approved(pending);
      await until(() => house.has(`oauth/${provider}.json`), "the tokens are stored");
      await until(() => !isAlive(pidOf(house, "signInBegun")), "its process has ended");
      assert.deepEqual(house.pending(), []);
    });

  for (const [provider, grant] of grants)
    it(`by ${grant}, and killed there, is taken up by who waits`, async () => {
      using house = new House(emulator);
      const pending = await house.json(`${provider} login --detach`);
      process.kill(-pidOf(house, "signInBegun"), "SIGKILL");
      if (grant === "paste") {
        const { shown } = await emulator.approve(pending["url"]);
        assert.equal((await house.run([provider, "complete", shown ?? ""])).code, 0);
        return;
      }
      const waiting = house.start([provider, "wait"]);
      await waiting.said(/Waiting/);
      await approved(pending);
      assert.equal((await waiting.ended).code, 0);
    });

  it("is finished by a paste from anywhere, and its process ends", async () => {
    using house = new House(emulator);
    const pending = await house.json("gemini login --detach");
    const background = pidOf(house, "signInBegun");
    assert.equal((await house.run(["gemini", "complete", await redirectOf(pending["url"])])).code, 0);
    await until(() => !isAlive(background), "its process has ended", 2_000);
    assert.ok(!(await isOpen(portOf(pending["url"]))));
    assert.deepEqual(house.pending(), []);
  });

  it("is ended by a cancel from anywhere, within a second, and the port is free", async () => {
    using house = new House(emulator);
    const pending = await house.json("gemini login --detach");
    const background = pidOf(house, "signInBegun");
    assert.ok(await isOpen(portOf(pending["url"])));
    assert.equal((await house.run("gemini cancel")).code, 0);
    await until(() => !isAlive(background), "its process has ended", 2_000);
    assert.ok(!(await isOpen(portOf(pending["url"]))));
    assert.deepEqual(house.pending(), []);
  });

  it("ends at its deadline", async () => {
    using house = new House(emulator);
    const pending = await house.json("gemini login --detach --timeout 2");
    const background = pidOf(house, "signInBegun");
    assert.ok(Date.parse(pending["expiresAt"]) <= Date.now() + 2_000);
    await until(() => !isAlive(background), "its process has ended");
    assert.ok(Date.now() >= Date.parse(pending["expiresAt"]));
    assert.deepEqual(house.pending(), []);
    assert.ok(!(await isOpen(portOf(pending["url"]))));
  });

  it("and told to end stays for others to finish", async () => {
    using house = new House(emulator);
    const pending = await house.json("gemini login --detach");
    const background = pidOf(house, "signInBegun");
    process.kill(background, "SIGHUP");
    process.kill(background, "SIGTERM");
    await until(() => !isAlive(background), "its process has ended");
    assert.equal(house.pending().length, 1);
    assert.ok(!(await isOpen(portOf(pending["url"]))));
    assert.equal((await house.run(["gemini", "complete", await redirectOf(pending["url"])])).code, 0);
  });

  it("twice is left to one process", async () => {
    using house = new House(emulator);
    const [first, second] = [await house.json("gemini login --detach"), await house.json("gemini login --detach")];
    assert.deepEqual(second, first);
    await until(() => house.journal.some(({ step }) => step === "signInJoined"), "the second joined the first");
    await until(() => !isAlive(pidOf(house, "signInJoined")), "and was not needed");
    assert.ok(isAlive(pidOf(house, "signInBegun")));
    await emulator.approve(first["url"]);
    await until(() => !isAlive(pidOf(house, "signInBegun")), "it has ended");
  });

  it("is gone on with there when the process that it joined is gone", async () => {
    using house = new House(emulator);
    const { program, pending } = await begun(house, "gemini login");
    assert.equal((await house.json("gemini login --detach"))["attempt"], pending["attempt"]);
    await killed(program);
    await adopted(house, pending);
    await emulator.approve(pending["url"]);
    await until(() => house.has("oauth/gemini.json"), "the tokens are stored");
  });

  it("denied there is told as such to who waits", async () => {
    using house = new House(emulator);
    const pending = await house.json("gemini login --detach");
    const waiting = house.start(["gemini", "wait"]);
    await waiting.said(/Waiting/);
    await emulator.deny(pending["url"]);
    const { code, stderr } = await waiting.ended;
    assert.equal(code, 4);
    assert.match(stderr, /was denied in the browser/);
  });

  it("that cannot begin says why, as in the foreground", async () => {
    using house = new House(emulator);
    emulator.fault("qwen", "device", { kind: "status", status: 503 });
    const failed = await house.run("qwen login --detach");
    assert.equal(failed.code, 5, failed.stderr);
    assert.match(failed.stderr, /^Error: Qwen answered with a server error/m);

    using poor = new House();
    const missing = await poor.run("gemini login --detach");
    assert.equal(missing.code, 6);
    assert.match(missing.stderr, /https:\/\/console\.cloud\.google\.com\/apis\/credentials.*clientFile/);

    const stranger = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", () => resolve()));
    const { port } = stranger.address() as { port: number };
    try {
      const busy = await house.run(`gemini login --detach --port ${port}`);
      assert.equal(busy.code, 6);
      assert.match(busy.stderr, new RegExp(`another program holds the port .*${port}`, "i"));
    } finally {
      stranger.close();
    }
    assert.deepEqual([house.pending(), poor.pending()], [[], []]);
  });

  it("goes when its home goes, and makes none anew", async () => {
    const house = new House(emulator);
    // Not at the vendor whose next request is to fail for the test before this one.
    await house.json("gemini login --detach");
    const background = pidOf(house, "signInBegun");
    house[Symbol.dispose]();
    await until(() => !isAlive(background), "its process has ended");
    assert.ok(!house.has("."));
  });
});

describe("many at once", () => {
  it("who sign in open one page, and all are signed in", async () => {
    using house = new House(emulator);
    const all = Array.from({ length: 8 }, () => house.start(["gemini", "login"], { env: { BROWSER: house.counted } }));
    await Promise.all(all.map(({ said }) => said(/Waiting/)));
    await until(() => house.openings.length > 0, "a page is opened");
    assert.equal(house.pending().length, 1);
    await emulator.approve(house.openings[0] ?? "");
    for (const { ended } of all) assert.equal((await ended).code, 0);
    assert.equal(house.openings.length, 1);
  });

  it("who need a token open one page, also those that come too late for it", async () => {
    using house = new House(emulator, { oauthEnabledProviders: { gemini: true } });
    const { exchanges } = emulator.counters("gemini");
    const env = { BROWSER: house.agreeing() };
    const all = Array.from({ length: 8 }, () => house.start(["gemini"], { program: asking, env }));
    for (const { ended } of all) {
      const { code, stdout, stderr } = await ended;
      assert.equal(code, 0, stderr);
      assert.equal(stdout.trim(), house.tokens("gemini")["access_token"]);
    }
    assert.equal(emulator.counters("gemini").exchanges - exchanges, 1);
    assert.equal(house.journal.filter(({ step }) => step === "signInBegun").length, 1);
  });
});

describe("what comes too late", () => {
  for (const end of ["cancel", "logout", "disable"] as const)
    it(`after a ${end} by another process is not stored`, async () => {
      using house = new House(emulator);
      const { program, pending } = await begun(house, "gemini login");
      const { exchanges } = emulator.counters("gemini");
      emulator.fault("gemini", "token", { kind: "delay", ms: 2_000 });
      const person = emulator.approve(pending["url"]);
      await until(() => emulator.counters("gemini").exchanges > exchanges, "the code was exchanged", 10_000);
      assert.equal((await house.run(`gemini ${end}`)).code, 0);
      assert.equal((await program.ended).code, 4);
      await person;
      assert.ok(!house.has("oauth/gemini.json"));
      assert.deepEqual(house.pending(), []);
    });

  it("after a cancel in the background is not stored either", async () => {
    using house = new House(emulator);
    const pending = await house.json("gemini login --detach");
    const background = pidOf(house, "signInBegun");
    const { exchanges } = emulator.counters("gemini");
    emulator.fault("gemini", "token", { kind: "delay", ms: 2_000 });
    const person = emulator.approve(pending["url"]);
    await until(() => emulator.counters("gemini").exchanges > exchanges, "the code was exchanged", 10_000);
    assert.equal((await house.run("gemini cancel")).code, 0);
    await person;
    await until(() => !isAlive(background), "its process has ended", 10_000);
    assert.ok(!house.has("oauth/gemini.json"));
  });
});
