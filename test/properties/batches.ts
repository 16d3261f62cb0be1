// Many runs in batches: each batch has a seed of its own, so that what breaks is seen again by running that batch alone.
import * as fc from "fast-check";
import { type Coverage, covered } from "./coverage.ts";
import type { Found, Part } from "./part.ts";

/** A layer that can be run. */
export interface Layer {
  readonly name: string;
  readonly tries: string;
  readonly coverage: Coverage;
  /** What is to be tried once, made anew for each batch. */
  readonly property: () => Parameters<typeof fc.check>[0];
  /** Runs a batch. */
  readonly batch: number;
}

/** @returns what broke, with what is needed to see it again; null: nothing did */
export async function batch({ name, property }: Layer, seed: number, runs: number): Promise<string | null> {
  const result = await fc.check(property() as fc.IAsyncProperty<unknown>, { numRuns: runs, seed });
  if (!result.failed) return null;
  const again = `npm run fuzz -- --part ${name} --seed ${seed}`;
  return `${fc.defaultReportMessage(result) ?? "it broke"}\n\nAgain: ${again}`;
}

export function partOf(layer: Layer): Part {
  return {
    name: layer.name,
    tries: layer.tries,
    run: async (seed, untilMs): Promise<Found> => {
      let runs = 0;
      let broken: string | null = null;
      const began = performance.now();
      for (let number = 0; broken === null && (number === 0 || performance.now() < untilMs); number += 1) {
        broken = await batch(layer, (seed + number) | 0, layer.batch);
        runs += layer.batch;
      }
      const seconds = (performance.now() - began) / 1000;
      const { taken, all } = covered(layer.coverage.taken);
      const figures = { runs, "runs a second": Math.round(runs / seconds), transitions: `${taken} of ${all}` };
      return { figures, broken: broken === null ? [] : [broken] };
    },
  };
}
