// The real runtime in the fuzz: runs until the time is up, each with another seed.
import type { Found, Part } from "../part.ts";
import { playAll } from "./interleavings.ts";

const batch = 100;

export const runtime: Part = {
  name: "runtime",
  tries: "the real runtime over real files, three processes, requests and replies at any moment",
  run: async (seed, untilMs) => {
    const began = performance.now();
    const figures = new Map<string, number>();
    const broken: string[] = [];
    for (let next = seed; performance.now() < untilMs && broken.length === 0; next = (next + 1) | 0) {
      try {
        const given = { seed: next, numRuns: batch, interruptAfterTimeLimit: untilMs - performance.now() };
        for (const [name, value] of await playAll(given)) figures.set(name, (figures.get(name) ?? 0) + value);
      } catch (error) {
        broken.push(error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error));
      }
    }
    const perSecond = ((figures.get("runs") ?? 0) / (performance.now() - began)) * 1000;
    return {
      figures: { ...Object.fromEntries(figures), "runs a second": perSecond.toFixed(1) },
      broken,
    } satisfies Found;
  },
};
