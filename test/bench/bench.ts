// Speed and size, as ratios taken in one run: machines differ and are noisy, a ratio against an empty Node process holds.
// Prints a table and judges nothing by its exit code: a busy machine is no reason for a build to fail.
import { commands } from "./commands.ts";
import { inProcess } from "./in-process.ts";
import { installed } from "./installed.ts";
import { memory } from "./memory.ts";
import { refreshing } from "./refreshing.ts";

export interface Figure {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  readonly isMet: boolean;
}

const parts = { commands, "in-process": inProcess, refreshing, memory, installed };

// A bundle of certificates in the environment alone can triple the start of Node (it measures the bundle, not us).
delete process.env["NODE_EXTRA_CA_CERTS"];

const chosen = process.argv.slice(2);
console.log(`Node ${process.version}, ${process.platform} ${process.arch}`);
for (const [name, measure] of Object.entries(parts)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  for (const { what, goal, measured, isMet } of await measure()) {
    console.log(`${isMet ? "met   " : "MISSED"}  ${what.padEnd(52)} ${measured.padStart(28)}   goal: ${goal}`);
  }
}
