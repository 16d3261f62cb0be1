// Searches the worlds of the check and says what was found, as a table; exits with 1 when a promise is broken.
//
//   npm run model -- --processes 3 --world everything --without permit --limit 5000000
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { drawn } from "../docs/drawing.ts";
import { type Bounds, everything, type Removable, removable } from "./bounds.ts";
import { type Found, search } from "./search.ts";
import { large } from "./worlds.ts";

const { values } = parseArgs({
  options: {
    processes: { type: "string" },
    generations: { type: "string" },
    attempts: { type: "string" },
    limit: { type: "string", default: "60000000" },
    world: { type: "string", multiple: true, default: [] },
    without: { type: "string", multiple: true, default: [] },
    draw: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) help();
else if (values.draw) draw();
else {
  const chosen = Object.entries(large).filter(([name]) => values.world.length === 0 || values.world.includes(name));
  for (const name of values.world) if (!(name in large)) throw new TypeError(`there is no world ${name}`);
  for (const step of values.without) if (!(step in removable)) throw new TypeError(`there is no step ${step}`);
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}`);
  console.log(row("world", "processes", "states", "transitions", "depth", "CPU s", "MB", "result"));
  const isBroken = chosen.map(([name, { bounds }]) => look(name, narrowed(bounds)));
  process.exitCode = isBroken.includes(true) ? 1 : 0;
}

function number(given: string | undefined, otherwise: number, most: number): number {
  const value = given === undefined ? otherwise : Number(given);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new TypeError(`${given} is not from 1 to ${most}`);
  return value;
}

/** The world as the command line wants it. A number that is not given stays. */
function narrowed(bounds: Bounds): Bounds {
  // A world that is smaller on purpose stays so: its processes are what makes it large.
  const processes = number(values.processes, bounds.processes, 6);
  return {
    ...bounds,
    processes: bounds.processes < everything.processes ? Math.min(processes, bounds.processes) : processes,
    generations: number(values.generations, bounds.generations, 4),
    attempts: number(values.attempts, bounds.attempts, 5),
    without: new Set(values.without as Removable[]),
  };
}

function look(name: string, bounds: Bounds): boolean {
  const before = process.cpuUsage();
  const found = search(bounds, Number(values.limit));
  const { user, system } = process.cpuUsage(before);
  const seconds = ((user + system) / 1e6).toFixed(1);
  const { states, transitions, depth, broken, checked } = found;
  const megabytes = Math.round(process.memoryUsage().rss / 1e6);
  console.log(row(name, bounds.processes, states, transitions, depth, seconds, megabytes, result(found)));
  if (broken === null) console.log(`  holds: ${checked.join(", ")}`);
  else console.log(`  ${broken.says}\n  ${broken.trace.map((step, index) => `${index + 1}. ${step}`).join("\n  ")}`);
  return broken !== null;
}

function result({ broken, isWhole, checked }: Found): string {
  if (broken !== null) return `BROKEN ${broken.name}, after ${broken.trace.length} steps`;
  return `${checked.length} invariants hold${isWhole ? "" : ", as far as was looked"}`;
}

function row(name: string, ...cells: readonly (string | number)[]): string {
  const [last, ...rest] = cells.toReversed();
  const widths = [9, 10, 12, 6, 8, 6];
  const middle = rest.toReversed().map((cell, index) => String(cell).padStart(widths[index] ?? 0));
  return [name.padEnd(20), ...middle, ` ${last}`].join(" ");
}

/** Brings the page about the protocol up to date with the chart. */
function draw(): void {
  const page = fileURLToPath(new URL("../../docs/refresh-protocol.md", import.meta.url));
  writeFileSync(page, drawn(readFileSync(page, "utf8")));
}

function help(): void {
  console.log(
    "--draw | --processes N --generations N --attempts N --limit STATES --world NAME … --without STEP …\n\nworlds:",
  );
  for (const [name, { says }] of Object.entries(large)) console.log(`  ${name.padEnd(20)} ${says}`);
  console.log("\nsteps:");
  for (const [name, says] of Object.entries(removable)) console.log(`  ${name.padEnd(20)} ${says}`);
}
