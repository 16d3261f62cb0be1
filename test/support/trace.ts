// What a process asks of the system, as strace saw it, in the order of its main thread: the one that touches files, and
// that connects. Contents are never looked at.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Call {
  readonly name: string;
  /** Between the brackets; descriptors are followed by their paths: `17</path>`. */
  readonly told: string;
  /** The path of the first argument, whether by name or by descriptor; empty: none. */
  readonly path: string;
  /** What it answered: a number, `-1 ENOENT (…)`, or for files that were opened `17</path>`. */
  readonly answer: string;
  readonly failed: boolean;
}

export const canTrace = spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0;

/** Every call by which a process changes files, locks them, or speaks to somebody. */
const calls = [
  "openat open creat mkdir mkdirat mknod mknodat close",
  "rename renameat renameat2 unlink unlinkat rmdir link linkat symlink symlinkat",
  "write writev pwrite64 pwritev ftruncate truncate fallocate copy_file_range sendfile",
  "chmod fchmod fchmodat chown fchown fchownat utimensat",
  "fsync fdatasync fcntl flock connect sendto sendmsg bind listen execve",
].flatMap((line) => line.split(" "));

/** Runs a program under strace. @param all of every thread, one thread after the other, and of children */
export async function traced(
  line: readonly string[],
  env: NodeJS.ProcessEnv,
  all = false,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly calls: readonly Call[] }> {
  const folder = mkdtempSync(join(tmpdir(), "llxprt-auth-trace-"));
  try {
    const options = ["-ff", "-y", "-s", "0", "-o", join(folder, "log"), "-e", `trace=${calls.join(",")}`];
    const child = spawn("strace", [...options, ...line], { env, cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const [code] = (await once(child, "close")) as [number | null];
    const threads = readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), "utf8"))
      .toSorted((a, b) => Number(b.includes("execve(")) - Number(a.includes("execve(")));
    assert.ok(threads[0]?.includes("execve("), "the program was started");
    return { code, stdout, calls: (all ? threads : threads.slice(0, 1)).flatMap((log) => callsIn(log)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same of a program with all its threads and children, in the order in which the calls ended. */
export async function tracedTogether(
  line: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly calls: readonly Call[] }> {
  const folder = mkdtempSync(join(tmpdir(), "llxprt-auth-trace-"));
  try {
    const log = join(folder, "log");
    const options = ["-f", "-y", "-s", "0", "-o", log, "-e", `trace=${calls.join(",")}`];
    const child = spawn("strace", [...options, ...line], { env, cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout, calls: callsIn(wholeLines(readFileSync(log, "utf8"))) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each call as one line, without whose it was: strace breaks those that were interrupted by another's. */
function wholeLines(log: string): string {
  const begun = new Map<string, string>();
  return log
    .split("\n")
    .map((line) => {
      const [, whose = "", call = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
      const [, start] = /^(.*) <unfinished \.\.\.>$/.exec(call) ?? [];
      if (start !== undefined) begun.set(whose, start);
      const [, end] = /^<\.\.\. \w+ resumed>(.*)$/.exec(call) ?? [];
      return end === undefined ? call : (begun.get(whose) ?? "") + end;
    })
    .join("\n");
}

function callsIn(log: string): Call[] {
  return log.split("\n").flatMap((line) => {
    const [, name, told, answer] = /^(\w+)\((.*)\) += (.*)$/.exec(line) ?? [];
    if (name === undefined || told === undefined || answer === undefined) return [];
    const [, named, opened] = /^(?:AT_FDCWD<[^>]*>, )?(?:"([^"]*)"|\d+<([^>]*)>)/.exec(told) ?? [];
    return [{ name, told, path: named ?? opened ?? "", answer, failed: answer.startsWith("-1") }];
  });
}
