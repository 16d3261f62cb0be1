// Reads one token file over and over, and counts what must never be seen: a file that does not parse, or an older one.
import { readFileSync } from "node:fs";

const path = process.argv[2] ?? "";
const seen = { reads: 0, torn: 0, decreases: 0 };
let known = { lineage: "", generation: 0 };

function read(): void {
  seen.reads += 1;
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as { llxprt_auth: typeof known };
    const { lineage, generation } = file.llxprt_auth;
    if (lineage === known.lineage && generation < known.generation) seen.decreases += 1;
    known = { lineage, generation };
  } catch {
    seen.torn += 1;
  }
}

const timer = setInterval(() => {
  // In bursts: without a pause it would take a whole core from those who are watched.
  for (let times = 0; times < 40; times += 1) read();
}, 5);
process.on("message", () => {
  clearInterval(timer);
  process.send?.(seen, () => process.disconnect());
});
process.on("disconnect", () => clearInterval(timer));
