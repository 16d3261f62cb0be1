// Many long-lived processes and one login whose token ends every other second: whoever is first refreshes, once, and the
// others take what is there. A reader spins over the file meanwhile.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  became,
  Bounds,
  type Circumstances,
  type Part,
  type Size,
  sized,
  spread,
  tallied,
  type Verdict,
} from "./part.ts";
import { type Told, type Worker, worker } from "./processes.ts";
import { provider, World } from "./world.ts";

const lifetimeS = 2;

export const contention: Part = {
  name: "contention",
  shows: "exactly one refresh per expiry, however many ask",
  size: { processes: 16, expiries: 20 },
  brief: { processes: 4, expiries: 2 },
  run,
};

async function run(size: Size, { say }: Circumstances): Promise<Verdict> {
  const [processes, expiries] = [sized(size, "processes"), sized(size, "expiries")];
  await using world = await World.open({ lifetimeS });
  const before = world.generation;
  const reader = fork(fileURLToPath(new URL("reader.ts", import.meta.url)), [world.file]);
  const waits: number[] = [];
  const failures: string[] = [];
  let useless = 0;
  const hear = (told: Told): void => {
    if (told.kind === "failed") {
      failures.push(told.code);
      say(`after ${Math.round(told.ms)} ms: ${told.said}`);
    }
    if (told.kind !== "got") return;
    if (["ended", "unknown"].includes(world.emulator.standing(told.token))) useless += 1;
    // What was in the file already when a process came to ask is no wait.
    if (told.ms > 5) waits.push(told.ms);
    if (told.ms > 10_000)
      say(`a wait of ${Math.round(told.ms)} ms for generation ${told.generation}: ${world.history(0)}`);
  };
  const workers: Worker[] = [];
  for (let number = 0; number < processes; number += 1)
    workers.push(worker(world.house, { provider, minTtlMs: 1, pauseMs: 25 }, hear));
  await Promise.all(workers.map(({ ready }) => ready));
  say(`${processes} processes ask`);

  const count = () => world.presentations().length;
  const isDone = await became(() => count() >= expiries, 60_000 + expiries * (world.lifetimeMs + 3_000), 100);
  for (const each of workers) each.stop();
  await Promise.all(workers.map(({ ended }) => ended));
  const isQuiet = await world.quiet();
  const seen = await new Promise<{ reads: number; torn: number; decreases: number }>((resolve) => {
    reader.once("message", (message) => resolve(message as { reads: number; torn: number; decreases: number }));
    reader.send("enough");
  });

  const { refreshes, reuses } = world.emulator.counters(provider);
  const advanced = world.generation - before;
  const early = premature(world);
  const bounds = new Bounds();
  bounds.holds(isDone, `only ${count()} of ${expiries} expiries came to a refresh in time`);
  bounds.holds(refreshes === advanced, `${refreshes} refreshes at the server, ${advanced} generations in the file`);
  bounds.none(world.doubles().length, "refresh tokens were presented twice");
  bounds.none(reuses, "spent refresh tokens came back");
  bounds.none(early, "refreshes came while the token was still good");
  bounds.none(seen.torn, "torn reads");
  bounds.none(seen.decreases, "times the generation went back");
  bounds.none(useless, "tokens that were handed out are of no login that lives");
  bounds.holds(failures.length === 0, `calls failed: ${tallied(failures)}`);
  bounds.holds(isQuiet, "a refresher stays");
  bounds.holds(world.isAlive, "the login is lost");
  return {
    figures: {
      refreshes,
      double: world.doubles().length,
      early,
      torn: `${seen.torn} of ${seen.reads}`,
      failed: failures.length,
      "waits p50/p99/most ms": spread(waits),
      "from expiry to request, most ms": Math.max(0, ...lateness(world)),
    },
    broken: bounds.broken,
  };
}

/** How long after the end of each token the next refresh came in: waits are this, the exchange, and the news of it. */
function lateness(world: World): readonly number[] {
  return world.presentations().flatMap(({ at }, index, all) => {
    const previous = all[index - 1];
    return previous === undefined ? [] : [at - previous.at - world.lifetimeMs];
  });
}

/** Refreshes that came before the token of the one before had ended, as far as its file can tell. */
export function premature(world: World): number {
  return world.presentations().filter(({ at }, index, all) => {
    const previous = all[index - 1];
    return previous !== undefined && at - previous.at < world.lifetimeMs - 1_000 - 1;
  }).length;
}
