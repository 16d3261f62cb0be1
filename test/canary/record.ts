// Loaded before every test file of a canary run: keeps what the tests write and print, and notes every secret that the
// emulator makes, so that `run.ts` can search the one for the other afterwards.
import childProcess from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import fs, { appendFileSync, type RmOptions } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

const folder = process.env["CANARY_FOLDER"] ?? "";
const own = `${process.pid}-${Date.now()}`;

subscribe("llxprt-auth:emulator:secret", (secret) => {
  appendFileSync(join(folder, `secrets-${own}`), `${JSON.stringify(secret)}\n`);
});

// Homes are removed as a whole at the end of a test: not this time.
const { rmSync } = fs;
fs.rmSync = (path: fs.PathLike, options?: RmOptions) => {
  if (options?.recursive !== true) rmSync(path, options);
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
