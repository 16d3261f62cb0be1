// System calls of one process, seen and tampered with through strace: which calls it makes, in which order, and what becomes of
// it when the n-th of a kind kills it or fails.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { commandLine, type Ended, signal, started } from "./processes.ts";
import { provider, type World } from "./world.ts";

export interface Call {
  readonly syscall: string;
  /** Which one of its kind in its thread, from 1: that is how strace counts. */
  readonly nth: number;
  /** The whole call, with the paths behind its descriptors and without content. */
  readonly text: string;
  /** It touches the home folder. */
  readonly isHome: boolean;
  /** It speaks to somebody. */
  readonly isSocket: boolean;
  readonly wasTamperedWith: boolean;
}

export interface Tampering {
  readonly syscall: string;
  readonly nth: number;
  /** `signal=SIGKILL`, or `error=ENOSPC`. */
  readonly what: string;
}

export interface Traced {
  readonly ended: Ended;
  readonly calls: readonly Call[];
}

/** Whether processes can be traced here. */
export const canTrace = (): boolean =>
  spawnSync("strace", ["-f", "-o", "/dev/null", process.execPath, "--version"]).status === 0;

/** How long a traced refresher may take. */
const mostMs = 60_000;

/** The refresher's own program, in the foreground; before there is one, the command that renews. */
export function refresherLine(world: World): readonly string[] {
  const entry = resolve("dist/background.mjs");
  return existsSync(entry)
    ? [process.execPath, entry, "refresh", "--home", world.home, provider, "default"]
    : commandLine(provider, "refresh", "--force");
}

/** Runs a program under strace and waits for its end. */
export async function traced(
  world: World,
  line: readonly string[],
  syscalls: readonly string[],
  tampering: Tampering | null = null,
): Promise<Traced> {
  const folder = mkdtempSync(join(tmpdir(), "battery-strace-"));
  const log = join(folder, "log");
  const inject =
    tampering === null ? [] : ["-e", `inject=${tampering.syscall}:${tampering.what}:when=${tampering.nth}`];
  // The quick way of tracing sends no signals.
  const quick = tampering?.what.startsWith("signal") === true ? [] : ["--seccomp-bpf"];
  // -s 0: no content of files ever gets into the log.
  const under = ["strace", "-f", ...quick, "-y", "-s", "0", "-o", log, "-e", `trace=${syscalls.join(",")}`];
  try {
    const { child, ended } = started(world.house, line, { under: [...under, ...inject] });
    const timer = setTimeout(() => signal(child.pid, "SIGKILL", true), mostMs);
    const end = await ended;
    clearTimeout(timer);
    return { ended: end, calls: callsIn(readFileSync(log, "utf8"), world.home) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function callsIn(log: string, home: string): Call[] {
  const counts = new Map<string, number>();
  return log.split("\n").flatMap((line) => {
    const [, thread = "", syscall = "", text = ""] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? [];
    if (syscall === "") return [];
    const name = `${thread} ${syscall}`;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    const isHome = text.includes(home);
    const isSocket = /<(socket|TCP|TCPv6|UNIX\S*):/.test(text);
    return [{ syscall, nth, text: short(text, home), isHome, isSocket, wasTamperedWith: text.includes("(INJECTED)") }];
  });
}

/** Without what differs from run to run. */
function short(text: string, home: string): string {
  return text
    .replaceAll(/AT_FDCWD<[^>]*>, /g, "")
    .replaceAll(`${home}/`, "")
    .replaceAll(/[\w-]{22}(?=\.\d+\.)/g, "LINEAGE")
    .replace(/, O_[A-Z_|]+/, "")
    .slice(0, 120);
}

/**
 * One call of each kind and number: those that touch the home folder or a socket. Between two of them nothing changes that
 * outlives the process. @param all every other call as well, from the first that touches the home folder on
 */
export function mattering(calls: readonly Call[], all: boolean): readonly Call[] {
  const first = calls.findIndex(({ isHome }) => isHome);
  const seen = new Set<string>();
  return calls.slice(Math.max(first, 0)).filter(({ syscall, nth, isHome, isSocket }) => {
    const name = `${syscall} ${nth}`;
    return (all || isHome || isSocket) && !seen.has(name) && seen.add(name);
  });
}
