// `npm run removals`, `npm run removals -- --only permit`: takes one rule after the other out of a copy of the sources, runs
// the tests that have to notice, and prints what became of each. Ends with 1 when a removal went unnoticed, or when a test
// does not pass with everything in its place.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Row, rows, type Shown } from "./rows.ts";

const { values } = parseArgs({ options: { only: { type: "string" } } });
const chosen = rows.filter(({ rule }) => values.only === undefined || rule.includes(values.only));
const root = fileURLToPath(new URL("../..", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "llxprt-auth-removals-"));
const longestMs = 240_000;
/** For tests that go on drawing until their time is up: with a rule removed they end long before. */
const longMs = 120_000;
const shortMs = 15_000;
/** How tests end with everything in its place, by title. */
const whole = new Map<string, string>();

try {
  for (const part of [
    "machines",
    "providers",
    "runtime",
    "cli",
    "test",
    "build.ts",
    "package.json",
    "tsconfig.json",
    "tsconfig.build.json",
  ])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  if (chosen.length === 0) throw new Error(`no rule has "${values.only}" in it`);
  console.log("| removed | noticed by | with it | without it |\n|---|---|---|---|");
  for (const row of chosen) tried(row);
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function tried(row: Row): void {
  build(row);
  const before = row.noticedBy.map((shown) => whole.get(shown.title) ?? outcomeOf(shown, shortMs));
  for (const [index, { title }] of row.noticedBy.entries()) whole.set(title, before[index] ?? "");
  const texts = removed(row);
  build(row);
  const after = row.noticedBy.map((shown) => outcomeOf(shown, longMs));
  for (const [file, text] of texts) writeFileSync(join(copy, file), text);
  for (const [index, { file, title }] of row.noticedBy.entries()) {
    console.log(`| ${index === 0 ? row.rule : ""} | \`${file}\`: ${title} | ${before[index]} | ${after[index]} |`);
    if (before[index] !== "passes" || after[index] !== "fails") process.exitCode = 1;
  }
}

/** Takes the rule out of the copy. @returns the files as they were. @throws when a text is not there exactly once */
function removed({ edits }: Row): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { file, text, by } of edits) {
    const path = join(copy, file);
    const now = readFileSync(path, "utf8");
    if (!texts.has(file)) texts.set(file, now);
    if (now.split(text).length !== 2) throw new Error(`${file} does not have this exactly once: ${text}`);
    writeFileSync(
      path,
      now.replace(text, () => by),
    );
  }
  return texts;
}

function build({ builds = false }: Row): void {
  if (!builds) return;
  const { status, stderr } = spawnSync(process.execPath, ["build.ts"], { cwd: copy, encoding: "utf8" });
  if (status !== 0) throw new Error(`it cannot be built: ${stderr}`);
}

/** How this test ends, and no other: a file that breaks for another reason notices nothing. */
function outcomeOf({ file, title }: Shown, drawingMs: number): string {
  const pattern = title.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const { stdout, error } = spawnSync(
    process.execPath,
    ["--conditions=development", "--test", "--test-reporter=tap", `--test-name-pattern=${pattern}`, file],
    {
      cwd: copy,
      encoding: "utf8",
      timeout: longestMs,
      maxBuffer: 1 << 28,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, INTERLEAVINGS_MS: String(drawingMs) },
    },
  );
  if (error !== undefined) return "comes to no end";
  const line = stdout.split("\n").find((one) => one.replaceAll("\\", "").trimEnd().endsWith(` - ${title}`));
  if (line === undefined) return "is not there";
  return line.trimStart().startsWith("not ok") ? "fails" : "passes";
}
