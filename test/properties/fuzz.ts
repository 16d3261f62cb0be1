// `npm run fuzz -- --minutes 10 --seed 7 --part commands`: runs parts of the fuzz, all of them when none is named, each for
// its share of the time, and prints what they found. Ends with 1 when something did not hold.
import { parseArgs } from "node:util";
import type { Part } from "./part.ts";
import { parts } from "./parts.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    part: { type: "string", multiple: true, default: [] },
  },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const chosen = parts.filter(({ name }) => values.part.length === 0 || values.part.includes(name));
const unknown = values.part.filter((name) => !parts.some((part) => part.name === name));

if (unknown.length > 0 || !(minutes > 0) || !Number.isInteger(seed)) {
  console.error("Not understood. --minutes, --seed and --part take a number, a whole number, and one of:");
  for (const { name, tries } of parts) console.error(`  ${name}: ${tries}`);
  process.exitCode = 2;
} else {
  for (const part of chosen) if (!(await ran(part, (minutes * 60_000) / chosen.length))) process.exitCode = 1;
}

async function ran({ name, tries, run }: Part, shareMs: number): Promise<boolean> {
  console.log(`${name}: ${tries} (seed ${seed}, ${(shareMs / 60_000).toFixed(1)} minutes)`);
  const began = performance.now();
  const { figures, broken } = await run(seed, began + shareMs);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`  ${[...Object.entries(figures), ["seconds", seconds]].map((pair) => pair.join(" ")).join(", ")}`);
  for (const sentence of broken) console.log(`  BROKEN ${sentence}`);
  return broken.length === 0;
}
