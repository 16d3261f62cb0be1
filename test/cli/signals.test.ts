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
import { command, commandLine, type Ended, refreshersOf, signal, started, type Started } from "../battery/processes.ts";
import { pause } from "../battery/part.ts";
import { provider, World } from "../battery/world.ts";
import { until } from "../support/stage.ts";

const rounds = Number(process.env["SIGNAL_ROUNDS"] ?? 1);
const replyMs = 400;
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

/** A process and those that it started, but for refreshers. */
function familyOf(pid: number): number[] {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("background.mjs")) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
  } catch {
    return [];
  }
}

/** Ended and not yet reaped counts as gone. */
function isThere(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

const hasTerminal = spawnSync("script", ["--version"]).status === 0;

/** A refresh that is ended at a moment, and what others find afterwards. */
async function round(world: World, way: Way, moment: "any" | "sent", share: number): Promise<Ended> {
  world.expire();
  const sent = world.presentations().length;
  world.emulator.fault(provider, "refresh", { kind: "delay", ms: replyMs });
  const { child, ended } = way.start(world);
  if (moment === "sent") {
    await until(() => world.presentations().length > sent, "the refresh token is on its way", 20_000);
    await pause(share * replyMs);
  } else {
    await pause(share * 1_500);
  }
  const all = familyOf(child.pid ?? 0);
  const struckAt = performance.now();
  way.strike(child.pid ?? 0);
  const { ms: _, ...rest } = await ended;
  await until(() => !all.some(isThere), "whoever was struck is gone", 20_000);
  const ms = performance.now() - struckAt;
  assert.ok(await world.quiet(), "the refresher ends by itself");
  return { ...rest, ms };
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
      // However long this machine takes to do nothing at all at the moment.
      const { ms: idle } = await command(world.house, ["--version"]).ended;
      for (let count = 0; count < rounds; count += 1) {
        for (const moment of ["sent", "any"] as const) {
          const { code, ms } = await round(world, way, moment, (count + Math.random()) / rounds);
          assert.ok(ms < 1_000 + 4 * idle, `the terminal is back after ${Math.round(ms)} ms`);
          // Who was struck at any moment may have been done before.
          if (way.code !== null && moment === "sent" && code !== 0) assert.equal(code, way.code);
          await isIntact(world);
        }
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
