// `npm run battery -- contention --processes 64 --expiries 100 --seed 7`: runs parts of the battery, all of them when none is
// named, and prints what came out as a table. Ends with 1 when a bound is broken.
import { type Part, type Size, sized } from "./part.ts";
import { parts } from "./parts.ts";
import { type Row, sizeText, table } from "./table.ts";

const { chosen, given } = understood(process.argv.slice(2));
const seed = given.get("seed") ?? Math.floor(Math.random() * 1_000_000);
const times = given.get("times") ?? 1;
const rows: Row[] = [];
for (const part of chosen) {
  const size: Size = Object.fromEntries(
    Object.keys(part.size).map((name) => [name, given.get(name) ?? sized(part.size, name)]),
  );
  for (let time = 0; time < times; time += 1) rows.push(await ran(part, size, seed + time));
}
console.log(table(rows));
process.exitCode = rows.every(({ verdict }) => verdict.broken.length === 0) ? 0 : 1;

async function ran(part: Part, size: Size, withSeed: number): Promise<Row> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const say = (line: string): void => console.error(`${part.name} ${seconds().toFixed(0)} s: ${line}`);
  say(`${part.shows} (${sizeText(size)}, seed ${withSeed})`);
  const row = (verdict: Row["verdict"]): Row => ({
    part: part.name,
    size,
    seed: withSeed,
    seconds: seconds(),
    verdict,
  });
  try {
    return row(await part.run(size, { seed: withSeed, isTimed: true, say }));
  } catch (error) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return row({ figures: {}, broken: [`it did not come to its end: ${String(error)}`] });
  }
}

function understood(words: readonly string[]): { chosen: readonly Part[]; given: ReadonlyMap<string, number> } {
  const names: string[] = [];
  const numbers = new Map<string, number>();
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (!word.startsWith("--")) names.push(word);
    else numbers.set(word.slice(2), Number(words[(index += 1)]));
  }
  const unknown = names.filter((name) => !parts.some((part) => part.name === name));
  const picked = names.length === 0 ? parts : parts.filter(({ name }) => names.includes(name));
  const sizes = new Set(["seed", "times", ...picked.flatMap(({ size }) => Object.keys(size))]);
  const wrong = [...numbers].filter(([name, value]) => !sizes.has(name) || !Number.isFinite(value));
  if (unknown.length > 0 || wrong.length > 0) {
    console.error(
      `Not understood: ${[...unknown, ...wrong.map(([name]) => `--${name}`)].join(" ")}. Parts and their sizes:`,
    );
    for (const { name, size, shows } of parts) console.error(`  ${name} (${sizeText(size)}): ${shows}`);
    process.exit(2);
  }
  return { chosen: picked, given: numbers };
}
