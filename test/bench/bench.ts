// Speed and size, as ratios taken in one run: machines differ and are noisy, a ratio against an empty Node process holds.
// Prints a table and judges nothing by its exit code: a busy machine is no reason for a build to fail.
import { type Figure, measures } from "./figures.ts";

// A bundle of certificates in the environment alone can triple the start of Node (it measures the bundle, not us).
delete process.env["NODE_EXTRA_CA_CERTS"];

const chosen = process.argv.slice(2);
console.log(`Node ${process.version}, ${process.platform} ${process.arch}`);
for (const [name, measure] of Object.entries(measures)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  for (const figure of await measure()) console.log(line(figure));
}

function line({ what, goal, measured, isMet }: Figure): string {
  return `${isMet ? "met   " : "MISSED"}  ${what.padEnd(52)} ${measured.padStart(28)}   goal: ${goal}`;
}
