// Whatever ends the command that asked for a token, the refresh that is under way is not its own: Ctrl-C, a closed terminal
// and a killed process group leave the login intact, and give the terminal back within a second (threat T53; refresh
// protocol, "who runs it"). By the built command, and by the server's own counters.
//
// SIGNAL_ROUNDS sets how often each of them strikes; 100 in all is what the threat's test asks for.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { spawnSync } from "node:child_process";
import { before, describe, it } from "node:test";
import { command, commandLine, refreshersOf, signal, started, type Started } from "../battery/processes.ts";
import { pause } from "../battery/part.ts";
import { provider, World } from "../battery/world.ts";
import { until } from "../support/stage.ts";

const rounds = Number(process.env["SIGNAL_ROUNDS"] ?? 1);
const replyMs = 400;
/** Several times as long as a command may take to give the terminal back. */
const longReplyMs = 4_000;
const words = [provider, "token"] as const;

/** How a command is ended. */
interface Way {
  readonly start: (world: World) => Started;
  readonly strike: (pid: number) => void;
  /** Its exit code, where it is left to choose one. */
  readonly code: number | null;
}

const plainly = (world: World): Started => command(world.house, words);
const toAll =
  (name: NodeJS.Signals): Way["strike"] =>
  (pid) =>
    void signal(pid, name, true);

const ways: Readonly<Record<string, Way>> = {
  "Ctrl-C": { start: plainly, strike: toAll("SIGINT"), code: 130 },
  "a polite end": { start: plainly, strike: toAll("SIGTERM"), code: 130 },
  "a hangup": { start: plainly, strike: toAll("SIGHUP"), code: 130 },
  "Ctrl-\\": { start: plainly, strike: toAll("SIGQUIT"), code: null },
  "kill -9 of the whole group": { start: plainly, strike: toAll("SIGKILL"), code: null },
  "a terminal that is closed": {
    // script(1) is the terminal: with it goes the other end of the command's.
    start: (world) => {
      const line = commandLine(...words).map((word) => `'${word}'`);
      return started(world.house, ["script", "-qefc", line.join(" "), "/dev/null"]);
    },
    strike: (pid) => void signal(pid, "SIGKILL"),
    code: null,
  },
};

/** A process and those that it started. */
function familyOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
  } catch {
    return [];
  }
}

/** Ended and not yet reaped counts as gone; a refresher is nobody's family, once it is one. */
function isThere(pid: number): boolean {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("background.mjs")) return false;
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

const hasTerminal = spawnSync("script", ["--version"]).status === 0;

/** A command is struck in the middle of the exchange: it is gone long before that is over. */
async function struckInExchange(world: World, { start, strike, code }: Way): Promise<void> {
  const [generation, sent] = [world.generation, world.presentations().length];
  world.expire();
  world.emulator.fault(provider, "refresh", { kind: "delay", ms: longReplyMs });
  const { child, ended } = start(world);
  await until(() => world.presentations().length > sent, "the refresh token is on its way", 20_000);
  await pause(Math.random() * 500);
  const all = familyOf(child.pid ?? 0);
  strike(child.pid ?? 0);
  const end = await ended;
  await until(() => !all.some(isThere), "whoever was struck is gone", 20_000);
  assert.equal(refreshersOf(world.home).length, 1, "the terminal is back before the exchange is over");
  assert.equal(world.generation, generation);
  if (code !== null) assert.equal(end.code, code);
  assert.ok(await world.quiet(), "the refresher ends by itself");
  assert.equal(world.generation, generation + 1, "and has stored what came");
}

/** A command is struck at any moment of its life, or after it. */
async function struck(world: World, { start, strike }: Way, afterMs: number): Promise<void> {
  world.expire();
  world.emulator.fault(provider, "refresh", { kind: "delay", ms: replyMs });
  const { child, ended } = start(world);
  await pause(afterMs);
  strike(child.pid ?? 0);
  await ended;
  assert.ok(await world.quiet(), "the refresher ends by itself");
}

/** By the server's word alone: one refresh for each token that was spent, and a login that lives. */
async function isIntact(world: World): Promise<void> {
  const { code, stdout, stderr } = await command(world.house, words).ended;
  assert.equal(code, 0, stderr);
  assert.equal(world.emulator.standing(stdout.trim()), "live");
  assert.deepEqual(world.doubles(), []);
  const { refreshes, reuses } = world.emulator.counters(provider);
  assert.deepEqual([refreshes, reuses], [world.generation - 1, 0]);
  assert.ok(world.isAlive);
}

describe("a refresh under way survives", { concurrency: 3 }, () => {
  for (const [what, way] of Object.entries(ways)) {
    const skip = what.includes("terminal") && !hasTerminal ? "there is no script(1)" : false;
    it(what, { skip }, async () => {
      await using world = await World.open({ lifetimeS: 600 });
      for (let count = 0; count < rounds; count += 1) {
        await struckInExchange(world, way);
        await isIntact(world);
        await struck(world, way, ((count + Math.random()) / rounds) * 1_500);
        await isIntact(world);
      }
    });
  }
});

it("the refresher itself goes on, whoever asks it politely to end", async () => {
  await using world = await World.open({ lifetimeS: 600 });
  world.expire();
  world.emulator.fault(provider, "refresh", { kind: "delay", ms: replyMs });
  const { ended } = command(world.house, words);
  await until(() => world.presentations().length === 1, "the refresh token is on its way", 20_000);
  const [refresher, ...others] = refreshersOf(world.home);
  assert.ok(refresher !== undefined && others.length === 0);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) assert.ok(signal(refresher, name));
  assert.equal((await ended).code, 0);
  assert.equal(world.generation, 2);
  await isIntact(world);
});

describe("and it is the process of its own that makes it so:", { concurrency: 2 }, () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "llxprt-auth-inline-"));
    // The same command, which finds no refresher to start, and so refreshes by itself.
    cpSync("dist", join(folder, "dist"), { recursive: true });
    rmSync(join(folder, "dist", "background.mjs"));
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  });

  for (const name of ["SIGKILL", "SIGINT"] as const) {
    it(`without it, ${name} to the group loses the login`, async () => {
      await using world = await World.open({ lifetimeS: 600 });
      world.expire();
      // Longer than a command is left to finish after Ctrl-C.
      world.emulator.fault(provider, "refresh", { kind: "delay", ms: 3_000 });
      const line = [process.execPath, join(folder, "dist", "llxprt-auth.cjs"), ...words];
      const { child, ended } = started(world.house, line);
      await until(() => world.presentations().length === 1, "the refresh token is on its way", 20_000);
      signal(child.pid, name, true);
      await ended;
      const { code, stderr } = await command(world.house, words).ended;
      assert.equal(code, 3, stderr);
      assert.match(stderr, /was interrupted and its reply lost/);
      assert.equal(world.isAlive, false);
    });
  }
});
