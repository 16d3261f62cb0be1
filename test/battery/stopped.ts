// The holder of a refresh is stopped in the middle of its exchange, and later goes on; or everybody is, as when a laptop
// sleeps. Nobody may take its place meanwhile, and nothing may be lost by the time it wakes.
import { afterwards } from "./afterwards.ts";
import {
  Bounds,
  became,
  type Circumstances,
  pause,
  type Part,
  type Size,
  sized,
  tallied,
  type Verdict,
} from "./part.ts";
import { command, refreshersOf, signal } from "./processes.ts";
import { provider, World } from "./world.ts";

export const stopped: Part = {
  name: "stopped",
  shows: "the holder is stopped during the exchange, or everybody is: nobody steals, nothing is lost",
  size: { seconds: 10, commands: 4 },
  brief: { seconds: 1, commands: 2 },
  run,
};

/** How long the server keeps its reply back: it has acted, and the holder waits. */
const delayMs = 700;

async function run(size: Size, { say }: Circumstances): Promise<Verdict> {
  const bounds = new Bounds();
  const [seconds, commands] = [sized(size, "seconds"), sized(size, "commands")];
  const holder = await scene("the holder", seconds, commands, (world) => heldBy(world), bounds, say);
  const everybody = await scene("everybody", seconds, commands, (_, all) => all(), bounds, say);
  return { figures: { ...holder, ...everybody }, broken: bounds.broken };
}

async function scene(
  name: string,
  seconds: number,
  commands: number,
  whom: (world: World, all: () => readonly number[]) => readonly number[],
  bounds: Bounds,
  say: Circumstances["say"],
): Promise<Verdict["figures"]> {
  await using world = await World.open({ lifetimeS: 3600 });
  world.expire();
  world.emulator.fault(provider, "refresh", { kind: "delay", ms: delayMs });
  const started = Array.from({ length: commands }, () => command(world.house, [provider, "token"]));
  const pids = started.flatMap(({ child: { pid } }) => pid ?? []);
  const all = () => [...pids, ...refreshersOf(world.home)];
  await became(() => world.presentations().length > 0, 10_000, 5);
  const chosen = whom(world, all).length > 0 ? whom(world, all) : all();
  for (const pid of chosen) signal(pid, "SIGSTOP");
  const sent = world.presentations().length;
  say(`${name} stopped: ${chosen.length} processes`);
  await pause(seconds * 1000);
  const stolen = world.presentations().length - sent;
  for (const pid of chosen) signal(pid, "SIGCONT");
  const ended = await Promise.all(started.map(({ ended: end }) => end));
  const isQuiet = await world.quiet();
  const exits = ended.map(({ code, stderr }) =>
    code === 0 ? "exit 0" : `exit ${code} ${stderr.trim().split("\n")[0]}`,
  );
  const last = await afterwards(world);
  if (world.isAlive) await world.begin();
  const next = await afterwards(world);

  bounds.none(stolen, `presentations while ${name} stood still`);
  bounds.none(world.doubles().length, `refresh tokens were presented twice around the stop of ${name}`);
  bounds.holds(isQuiet, `a refresher stays after ${name} stood still`);
  bounds.holds(world.isAlive, `the login is lost after ${name} stood still`);
  bounds.holds(last.kind === "fine", `no token after ${name} stood still: ${last.kind}, ${last.said}`);
  bounds.holds(next.kind === "fine", `no refresh after ${name} stood still: ${next.kind}, ${next.said}`);
  // Longer than the longest wait, a command ends with "try again later" and says who is stopped.
  if (seconds < 30)
    bounds.holds(
      ended.every(({ code }) => code === 0),
      `${name} stood still: ${tallied(exits)}`,
    );
  return { [`${name}: stolen`]: stolen, [`${name}: exits`]: tallied(exits) };
}

/** Who has a permit; before there are permits, whoever refreshes. */
function heldBy(world: World): readonly number[] {
  const permitted = world.permitted();
  return permitted.length > 0 ? permitted : refreshersOf(world.home);
}
