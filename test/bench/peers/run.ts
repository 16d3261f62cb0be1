// Measures this program beside those that people would use instead, in one run on one machine, and writes
// docs/performance.md. Installs them from the npm registry into a folder of this run; what the system has not is left out.
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { memory } from "../memory.ts";
import { libraries, loaderIn } from "./libraries.ts";
import { programs } from "./programs.ts";
import { starting } from "./starting.ts";
import { type Table, tableText } from "./table.ts";
import { cached, crowded } from "./tokens.ts";

const [given] = process.argv.slice(2);
const modules = given ?? installed();
// Not before: npm may need it. What starts would be measured with it.
delete process.env["NODE_EXTRA_CA_CERTS"];
const load = loaderIn(modules);
const remembered: Table = {
  title: "Memory",
  says: "Of this program alone: heap for each account after a full collection, with that many accounts in one process.",
  head: ["figure", "measured", "goal"],
  rows: memory().map(({ what, measured, goal, isMet }) => [what, measured, isMet ? goal : `**missed:** ${goal}`]),
};
const tables = [starting(modules), await cached(load), await crowded(load), remembered];

writeFileSync(
  join("docs", "performance.md"),
  `# Performance

Written by \`npm run peers\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores. Everything in one run.
Machines differ and are noisy, so ratios carry the claims. Nothing but loopback can be reached from the programs measured.
What else this program takes alone is printed by \`npm run bench\`, each figure beside its goal.

${tables.map(tableText).join("\n")}`,
);

function installed(): string {
  const folder = mkdtempSync(join(tmpdir(), "peers-"));
  writeFileSync(join(folder, "package.json"), "{}");
  const wanted = [...programs, ...libraries].flatMap(({ npm }) => npm ?? []);
  const { status } = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--silent", ...wanted], {
    cwd: folder,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("npm could not install the programs to compare with");
  return join(folder, "node_modules");
}
