// A seat at a terminal: a real pseudo-terminal, keys typed into it, and everything that comes out.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { commandLine, type House } from "./program.ts";

const seats = new Set<ChildProcess>();

/** Ends what a test that failed has left. */
export function leaveSeats(): void {
  for (const child of seats) child.kill("SIGKILL");
  seats.clear();
}

const python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
/** False, or why not: for the `skip` of a test. */
export const noTerminals =
  spawnSync("python3", ["-c", "import pty"]).status === 0 ? false : "there are no pseudo-terminals here";

export interface Seat {
  type(keys: string): void;
  /** Waits until this is on the screen. */
  sees(pattern: RegExp): Promise<RegExpExecArray>;
  /** Everything that came out, once it has ended. */
  readonly left: Promise<{ readonly code: number | null; readonly screen: string }>;
}

/** Sits down at a terminal where this runs; afterwards the terminal itself is looked at. */
export function sitDown(
  house: House,
  line: string,
  env: Record<string, string | undefined> = {},
  size = "cols 80 rows 40",
  command: readonly string[] = commandLine,
): Seat {
  const program = [...command, ...line.split(" ").filter(Boolean)].map((word) => `'${word}'`).join(" ");
  const script = `stty ${size}; ${program}; code=$?; stty -a | grep -ow -- '-\\?echo\\|-\\?icanon'; exit $code`;
  const child = spawn("python3", ["-c", python, "bash", "--norc", "-c", script], {
    cwd: house.folder,
    env: house.environment({ NO_COLOR: "1", ...env }),
    stdio: ["pipe", "pipe", "inherit"],
  });
  seats.add(child);
  let screen = "";
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text.replaceAll("\r\n", "\n");
    for (const tell of listeners) tell();
  });
  const left = new Promise<{ code: number | null; screen: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, screen }));
  });
  return {
    type: (keys) => child.stdin.write(keys),
    sees: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(stripVTControlCharacters(screen));
          if (found !== null) resolve(found);
        };
        listeners.add(look);
        look();
        void left.then(() => reject(new Error(`It ended without ${pattern}: ${screen}`)));
      }),
    left,
  };
}
