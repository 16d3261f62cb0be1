// The wire fuzz as a part of `npm run fuzz`: rounds over all targets until the time is up. Before them, what counting cannot
// see: whether a pattern or something built in takes more time for a byte because there are more of them.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Part } from "../properties/part.ts";
import { parsers, units } from "./lengthy.ts";
import { fuzz } from "./run.ts";
import { targets } from "./targets.ts";

/** Cases of one round over all targets. */
const round = 20_000;
/** By then everything is loaded and compiled, and the deepest inputs have been met: what grows from there on grows for ever. */
const settledAfter = 10 * round;

export const wire: Part = {
  name: "wire",
  tries: `hostile shapes and other bytes, ${targets.length} parsers, replies and files`,
  run: (seed, untilMs) => {
    const began = performance.now();
    const slow = slowParsers();
    let settledAt = 0;
    const { cases, broken } = fuzz(targets, seed, round, (done) => {
      if (done >= settledAfter && settledAt === 0) settledAt = inUse();
      return performance.now() >= untilMs;
    });
    const seconds = (performance.now() - began) / 1000;
    const grown = settledAt === 0 ? 0 : inUse() - settledAt;
    return Promise.resolve({
      figures: {
        cases,
        "cases/s": Math.round(cases / seconds),
        "MB grown after 200,000": settledAt === 0 ? "not reached" : Math.round(grown / 1e6),
      },
      broken: [...slow, ...broken.map(({ target, kind, says }) => `${target}, ${kind}: ${says}`)],
    });
  },
};

const collect = (): void => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
};

/** Bytes that are resident once nothing is waiting to be collected. */
function inUse(): number {
  collect();
  return process.memoryUsage().rss;
}

const few = 4 * 1024;
const times = 8;
/** Between 8, which is linear, and 64, which is the square. A short moment on a busy machine may be any time. */
const most = 24;
const noticedMs = 20;

function slowParsers(): string[] {
  return Object.entries(parsers).flatMap(([name, parse]) =>
    units.flatMap((unit) => {
      const text = unit.repeat(few / unit.length);
      const small = shortestMs(() => parse(text));
      const large = shortestMs(() => parse(text.repeat(times)));
      const isSlow = large > noticedMs && large > small * most;
      return isSlow
        ? [`${name} took ${large} ms for ${times} times what took ${small} ms of ${JSON.stringify(unit)}`]
        : [];
    }),
  );
}

/** CPU time, of the best of three. */
function shortestMs(run: () => unknown): number {
  const took = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...took);
}
