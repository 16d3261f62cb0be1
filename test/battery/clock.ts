// Clocks that jump ten years ahead and back, process by process and within one, and servers that name absurd lifetimes: no
// storm of refreshes, and nobody is signed out.
import { fileURLToPath } from "node:url";
import { type Chance, chanceOf } from "./chance.ts";
import { Bounds, type Circumstances, type Part, pause, type Size, sized, tallied, type Verdict } from "./part.ts";
import { command, commandLine, started, type Told, worker } from "./processes.ts";
import { refresherLine } from "./strace.ts";
import { provider, World } from "./world.ts";

export const clock: Part = {
  name: "clock",
  shows: "clocks jump by years, lifetimes are absurd: at most one refresh in 30 s, no logout",
  size: { commands: 60, seconds: 8, lifetimes: 0 },
  brief: { commands: 6, seconds: 1, lifetimes: 1 },
  run,
};

const hourMs = 3_600_000;
const yearMs = 365.25 * 24 * hourMs;
const jumps = [0, 0, hourMs, -hourMs, 10 * yearMs, -10 * yearMs];

/** What a server may say of a token's lifetime instead of a number of seconds. */
const lifetimes: readonly unknown[] = [
  0,
  -1,
  -1e9,
  1e308,
  -1e308,
  0.001,
  "0",
  "-5",
  "soon",
  "",
  "1e999",
  "NaN",
  null,
  true,
  [],
  {},
  [3600],
  "0x10",
  "٣٦٠٠",
];

/** One refresh in so long, and one besides at the beginning (contract, section 5). */
const pauseMs = 30_000;

async function run(size: Size, { seed, say }: Circumstances): Promise<Verdict> {
  const [commands, seconds, most] = [sized(size, "commands"), sized(size, "seconds"), sized(size, "lifetimes")];
  const bounds = new Bounds();
  const chance = chanceOf(seed);
  const jumping = await jumpingCommands(commands, chance, bounds);
  say(`commands with other clocks: ${jumping}`);
  const oscillating = await oscillatingWorkers(seconds, bounds);
  say(`workers whose clocks swing: ${oscillating}`);
  const chosen = most === 0 ? lifetimes : chance.shuffled(lifetimes).slice(0, most);
  const absurd: string[] = [];
  for (const lifetime of chosen) {
    absurd.push(await absurdLifetime(lifetime, seconds, bounds));
    say(`expires_in ${JSON.stringify(lifetime)}: ${absurd.at(-1)}`);
  }
  return {
    figures: { "refreshes by commands": jumping, "by workers": oscillating, "by absurd lifetimes": tallied(absurd) },
    broken: bounds.broken,
  };
}

/** Refreshes since, and how many there may have been. @param clocks by which the token looks dead, each of them once */
function judge(world: World, began: number, what: string, bounds: Bounds, clocks = 1): string {
  const most = clocks + Math.floor((performance.now() - began) / pauseMs);
  const count = world.presentations().length;
  bounds.holds(count <= most, `${what}: ${count} refreshes where ${most} may be`);
  bounds.none(world.doubles().length, `refresh tokens were presented twice (${what})`);
  bounds.holds(world.isAlive, `${what}: the login is lost`);
  return `${count} of ${most}`;
}

/** Each command, and now and then a refresher, has a clock of its own. */
async function jumpingCommands(count: number, chance: Chance, bounds: Bounds): Promise<string> {
  await using world = await World.open({ lifetimeS: 3600 });
  const began = performance.now();
  const failures: string[] = [];
  for (let done = 0; done < count; done += 1) {
    const ahead = chance.oneOf(jumps) ?? 0;
    const what = chance.is(0.4) ? "refresher" : "command";
    const line = what === "refresher" ? refresherLine(world) : commandLine(provider, "token");
    const { code, stderr } = await started(world.house, line, { env: clockAhead(ahead) }).ended;
    const name = `${what} ${Math.round(ahead / hourMs)} h off`;
    if (code !== 0) failures.push(`exit ${code} of a ${name}: ${stderr.trim().split("\n")[0]}`);
    bounds.holds(code !== 3, `a ${name} signs out: ${stderr.trim()}`);
    // Whoever has the right time is not troubled by those who have not.
    bounds.holds(ahead !== 0 || code === 0, `a ${name} fails: exit ${code}: ${stderr.trim()}`);
  }
  await world.quiet();
  const { code, stderr } = await command(world.house, [provider, "token"]).ended;
  bounds.holds(code === 0, `no token by the true clock afterwards: exit ${code}: ${stderr.trim()}`);
  const clocks = new Set(jumps.filter((jump) => jump > 0)).size;
  return `${judge(world, began, "processes with other clocks", bounds, clocks)} (failed: ${tallied(failures)})`;
}

const clockAhead = (ms: number): Record<string, string> => ({
  NODE_OPTIONS: `--import=${fileURLToPath(new URL("other-clock.ts", import.meta.url))}`,
  BATTERY_AHEAD_MS: String(ms),
});

/** Long-lived processes whose clocks swing between the years. */
async function oscillatingWorkers(seconds: number, bounds: Bounds): Promise<string> {
  await using world = await World.open({ lifetimeS: 3600 });
  const began = performance.now();
  const failures: string[] = [];
  const hear = (told: Told): void => {
    if (told.kind === "failed") failures.push(told.code);
  };
  // One leaves refreshing to a process with the right time, the other does it itself.
  const workers = [false, true].map((isInline) =>
    worker(world.house, { provider, minTtlMs: 30_000, pauseMs: 50, isInline }, hear, {
      env: { ...clockAhead(10 * yearMs), BATTERY_SWING_MS: isInline ? "700" : "300" },
    }),
  );
  await Promise.all(workers.map(({ ready }) => ready));
  await pause(seconds * 1000);
  for (const each of workers) each.stop();
  await Promise.all(workers.map(({ ended }) => ended));
  await world.quiet();
  bounds.holds(!failures.includes("sign_in_needed"), `clocks that swing sign out: ${tallied(failures)}`);
  return `${judge(world, began, "workers whose clocks swing", bounds)} (${tallied(failures)} failed)`;
}

async function absurdLifetime(lifetime: unknown, seconds: number, bounds: Bounds): Promise<string> {
  await using world = await World.open({ lifetimeS: 3600 });
  world.emulator.fault(provider, "refresh", { kind: "rewrite", members: { expires_in: lifetime } }, 1_000);
  world.expire();
  const began = performance.now();
  const failures: string[] = [];
  const hear = (told: Told): void => {
    if (told.kind === "failed") failures.push(told.code);
  };
  const workers = [1, 30_000].map((minTtlMs) => worker(world.house, { provider, minTtlMs, pauseMs: 50 }, hear));
  await Promise.all(workers.map(({ ready }) => ready));
  await pause(Math.min(seconds * 1000, 3_000));
  for (const each of workers) each.stop();
  await Promise.all(workers.map(({ ended }) => ended));
  await world.quiet();
  return judge(world, began, `expires_in ${JSON.stringify(lifetime)}`, bounds);
}
