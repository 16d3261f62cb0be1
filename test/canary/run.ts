// Runs the whole suite with nothing cleaned up, then searches everything that was written or printed for the secrets that
// the emulator made: as they are, and in the forms in which a careless program would leak them.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "canary-"));
const temporary = join(folder, "tmp");
mkdirSync(temporary);

const run = spawnSync(
  process.execPath,
  ["--conditions=development", "--import", "./test/canary/record.ts", "--test", ...process.argv.slice(2)],
  { encoding: "utf8", maxBuffer: 1 << 28, env: { ...process.env, TMPDIR: temporary, CANARY_FOLDER: folder } },
);
writeFileSync(join(folder, "runner"), run.stdout + run.stderr);
console.log(run.stdout.split("\n").slice(-10).join("\n"));

const everything = filesIn(folder);
const secrets = everything
  .filter((path) => basename(path).startsWith("secrets-"))
  .flatMap((path) => readFileSync(path, "utf8").split("\n").filter(Boolean))
  .map((line) => JSON.parse(line) as string)
  .filter((secret) => secret.length >= 12);

// Where a secret belongs: token files and what was put aside of them, sign-ins under way, and the person's own key files.
const lawful =
  /\/oauth\/[^/]+\.json[^/]*$|\/oauth\/\.pending\/|\/secrets-|settings\.json$|client[^/]*\.json$|key|profiles\/|oauth_creds\.json$/;
const searched = everything
  .filter((path) => !lawful.test(path))
  .map((path) => ({ path, text: readFileSync(path, "latin1") }));

const found = new Set<string>();
for (const secret of new Set(secrets)) {
  for (const form of formsOf(secret)) {
    for (const { path, text } of searched) if (text.includes(form)) found.add(relative(folder, path));
  }
}
console.log(`${new Set(secrets).size} secrets, ${searched.length} files searched, ${found.size} with a secret in them`);
for (const path of found) console.log(path);
process.exitCode = found.size === 0 && run.status === 0 ? 0 : 1;

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  return [
    secret,
    base64.slice(0, -2),
    bytes.toString("hex"),
    encodeURIComponent(secret),
    [...secret].reverse().join(""),
  ];
}

function filesIn(where: string): string[] {
  return readdirSync(where, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
