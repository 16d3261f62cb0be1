// Runs the whole suite with nothing cleaned up, then searches everything that was written or printed for the secrets that
// the emulator made: as they are, and in the forms in which a careless program would leak them.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "whole-run-"));
const temporary = join(folder, "tmp");
// Some tests give up their rights and still have to find their home.
chmodSync(folder, 0o755);
mkdirSync(temporary);

const run = spawnSync(
  process.execPath,
  [
    "--conditions=development",
    "--import",
    "./test/canary/record.ts",
    "--test",
    "--test-timeout=120000",
    ...process.argv.slice(2),
  ],
  { encoding: "utf8", maxBuffer: 1 << 28, env: { ...process.env, TMPDIR: temporary, CANARY_FOLDER: folder } },
);
writeFileSync(join(folder, "runner"), run.stdout + run.stderr);
console.log(run.stdout.split("\n").slice(-10).join("\n"));

const prefixLength = 12;
let known: Map<string, string[]> | null = null;

const everything = filesIn(folder);
const secrets = everything
  .filter((path) => basename(path).startsWith("secrets-"))
  .flatMap((path) => readFileSync(path, "utf8").split("\n").filter(Boolean))
  .map((line) => JSON.parse(line) as string)
  .filter((secret) => secret.length >= 12);

// Where a secret belongs: token files and what was put aside of them, sign-ins under way, sealed replies whose file came to
// nothing yet, and the person's own key files.
// Two tests keep one on purpose: behind a link in a token file's place, and in the record of what a real browser saw.
const lawful =
  /\/oauth\/(?!journal[^/]*\.jsonl$)[^/]+\.json[^/]*$|\/oauth\/\.pending\/|\/oauth\/\.spend\/[^/]+\/[^/]+\.next$|\/secrets-|settings\.json$|client[^/]*\.json$|key|profiles\/|oauth_creds\.json$|other\.json$|record\/result\.json$/;
const searched = everything.filter((path) => !lawful.test(path));
const found = searched.filter((path) => holdsAny(readFileSync(path, "latin1"), prefixes(secrets)));
console.log(
  `${new Set(secrets).size} secrets, ${searched.length} files searched, ${found.length} with a secret in them`,
);
for (const path of found) console.log(relative(folder, path));
process.exitCode = found.length === 0 && run.status === 0 ? 0 : 1;

/** Every form of every secret, by its beginning: so that a file is read through once. */
function prefixes(all: readonly string[]): ReadonlyMap<string, readonly string[]> {
  if (known !== null) return known;
  known = new Map();
  for (const form of new Set(all.flatMap(formsOf))) {
    const start = form.slice(0, prefixLength);
    const same = known.get(start);
    if (same === undefined) known.set(start, [form]);
    else same.push(form);
  }
  return known;
}

function holdsAny(text: string, forms: ReadonlyMap<string, readonly string[]>): boolean {
  for (let at = 0; at + prefixLength <= text.length; at += 1) {
    const candidates = forms.get(text.slice(at, at + prefixLength));
    if (candidates?.some((form) => text.startsWith(form, at)) === true) return true;
  }
  return false;
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  return [
    secret,
    base64.slice(0, -2),
    bytes.toString("hex"),
    encodeURIComponent(secret),
    secret.split("").reverse().join(""),
  ];
}

/** Links are not followed: some tests make circles of them. */
function filesIn(where: string): string[] {
  return readdirSync(where, { withFileTypes: true }).flatMap((entry) => {
    const path = join(where, entry.name);
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : [];
  });
}
