// `npm run conformance`: runs the tests of all rules and writes docs/conformance.md with what became of them.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { declarations } from "./declarations.ts";
import { page } from "./page.ts";

const folder = import.meta.dirname;
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".test.ts") && !name.startsWith("coverage"))
  .map((name) => join(folder, name));
const failed = new Set<string>();
let passed = 0;

const tests = run({ files, execArgv: ["--conditions=development"] });
tests.on("test:fail", ({ name }) => {
  const [, id] = /^([A-Z]\d+), /.exec(name) ?? [];
  console.error(`fails: ${name}`);
  failed.add(id ?? name);
});
tests.on("test:pass", () => {
  passed += 1;
});
for await (const _ of tests);

const when = new Date().toISOString().slice(0, 10);
writeFileSync(join(folder, "../../docs/conformance.md"), page(await declarations(), failed, when));
console.log(`${passed} pass, ${failed.size} rules fail: docs/conformance.md`);
process.exitCode = failed.size === 0 ? 0 : 1;
