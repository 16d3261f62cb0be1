// Loaded before every test file of a canary run: keeps what the tests write and print, and notes every secret that the
// emulator makes, so that `run.ts` can search the one for the other afterwards.
import childProcess from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import fs, { appendFileSync, lstatSync, mkdirSync, renameSync, type RmOptions } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const folder = process.env["CANARY_FOLDER"] ?? "";
const own = `${process.pid}-${Date.now()}`;

subscribe("llxprt-auth:emulator:secret", (secret) => {
  appendFileSync(join(folder, `secrets-${own}`), `${JSON.stringify(secret)}\n`);
});

// Homes are removed as a whole at the end of a test: not this time. What is removed in the middle of one has to be gone, and
// is kept elsewhere, under the same names.
const { rmSync } = fs;
let removals = 0;
fs.rmSync = (path: fs.PathLike, options?: RmOptions) => {
  if (options?.recursive !== true) rmSync(path, options);
  else if (dirname(String(path)) !== tmpdir() && lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    removals += 1;
    const kept = join(folder, `removed-${own}-${removals}`, relative(tmpdir(), String(path)));
    mkdirSync(dirname(kept), { recursive: true });
    renameSync(path, kept);
  }
};

// `token` prints one because it was asked to.
const asksForToken = (words: readonly string[]): boolean => words.some((word) => /\btoken\b/.test(word));

subscribe("llxprt-auth:test:printed", (message) => {
  const { words, text } = message as { readonly words: readonly string[]; readonly text: string };
  if (!asksForToken(words)) appendFileSync(join(folder, `printed-${own}`), text);
});

let children = 0;
const { spawn } = childProcess;
childProcess.spawn = ((...given: Parameters<typeof spawn>) => {
  const child = spawn(...given);
  const words = Array.isArray(given[1]) ? (given[1] as string[]) : [];
  if (asksForToken(words)) return child;
  children += 1;
  const file = join(folder, `child-${own}-${children}`);
  const keep = (chunk: Buffer | string): void => {
    appendFileSync(file, chunk);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return child;
}) as typeof spawn;
syncBuiltinESMExports();
