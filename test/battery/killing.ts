// Three parts that are one storm each: commands are killed; everything is killed; everything is killed, and the server takes a
// spent refresh token for some seconds.
import { storm } from "./kills.ts";
import {
  Bounds,
  type Circumstances,
  type Part,
  quantile,
  type Size,
  sized,
  spread,
  tallied,
  type Verdict,
} from "./part.ts";
import { command } from "./processes.ts";
import { provider, World } from "./world.ts";

const lifetimeS = 2;
/** The time in which there is something to lose. */
const serverMs = 60;
const mostMsToToken = 1_000;

export const commands: Part = {
  name: "commands",
  shows: "commands die by kill -9, refreshers live: nothing is lost",
  size: { kills: 100, refreshes: 20, commands: 5, workers: 3 },
  brief: { kills: 8, refreshes: 2, commands: 2, workers: 1 },
  run: (size, circumstances) => run(size, circumstances, { hunts: 0, graceMs: 0 }),
};

export const everything: Part = {
  name: "everything",
  shows: "refreshers die as well: lost only between permit and seal",
  size: { kills: 100, refreshes: 20, commands: 5, workers: 3 },
  brief: { kills: 6, refreshes: 2, commands: 2, workers: 1 },
  run: (size, circumstances) => run(size, circumstances, { hunts: 0.5, graceMs: 0 }),
};

export const graced: Part = {
  name: "everything-graced",
  shows: "refreshers die as well, the server has 10 s of grace: nothing is lost",
  size: everything.size,
  brief: everything.brief,
  run: (size, circumstances) => run(size, circumstances, { hunts: 0.5, graceMs: 10_000 }),
};

interface Kind {
  readonly hunts: number;
  readonly graceMs: number;
}

async function run(size: Size, { seed, isTimed, say }: Circumstances, { hunts, graceMs }: Kind): Promise<Verdict> {
  await using world = await World.open({ lifetimeS, graceMs, serverMs });
  const result = await storm(world, {
    kills: sized(size, "kills"),
    refreshes: sized(size, "refreshes"),
    commands: sized(size, "commands"),
    workers: sized(size, "workers"),
    hunts,
    seed,
    say,
  });
  const isQuiet = await world.quiet();
  world.expire();
  const last = await command(world.house, [provider, "token"]).ended;

  const { refreshes, reuses, graced: late } = world.emulator.counters(provider);
  const doubles = world.doubles();
  const bounds = new Bounds();
  bounds.holds(result.isDone, `only ${result.kills} kills and ${refreshes} refreshes in time`);
  bounds.holds(isQuiet, "a refresher stays");
  bounds.holds(last.code === 0, `a token is not to be had afterwards: exit ${last.code}: ${last.stderr.trim()}`);
  bounds.none(result.useless, "tokens that were handed out are of no login that lives");
  if (hunts === 0) {
    bounds.none(doubles.length, "refresh tokens were presented twice");
    bounds.none(result.lost.length, "logins were lost");
    bounds.holds(result.failures.length === 0, `calls failed: ${tallied(result.failures)}`);
    const p99 = quantile(result.waits, 0.99);
    bounds.holds(!isTimed || p99 <= mostMsToToken, `others waited ${Math.round(p99)} ms (p99) after a kill`);
  } else {
    const most = graceMs > 0 ? 4 : 2;
    bounds.none(
      doubles.filter(({ times }) => times.length > most).length,
      `refresh tokens were presented over ${most} times`,
    );
    bounds.none(
      result.lost.filter(({ isExplained }) => !isExplained).length,
      "logins were lost without an explanation in the journal",
    );
    if (graceMs > 0) bounds.none(result.lost.length, "logins were lost");
  }
  return {
    figures: {
      kills: result.kills,
      ...(hunts === 0 ? {} : { "of refreshers": result.killedRefreshers }),
      refreshes,
      double: doubles.length,
      reuses,
      ...(graceMs === 0 ? {} : { graced: late }),
      lost: tallied(result.lost.map(({ how }) => how)),
      failed: tallied(result.failures),
      "usable p50/p99/most ms": spread(result.waits),
    },
    broken: bounds.broken,
  };
}
