// The built command, run as a person's shell would run it.
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";

export const entry = resolve("dist/llxprt-auth.cjs");

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started extends Disposable {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Waits until it has said this, on standard output or standard error. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
}

/** Starts the built command in this home. Standard input is empty. */
export function started(home: string, args: readonly string[], environment: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: home, LLXPRT_HOME: home, ...environment },
  });
  let stdout = "";
  let stderr = "";
  const looks = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const look of looks) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const look of looks) look();
  });
  const ended = new Promise<Ran>((done, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      done({ code, stdout, stderr });
    });
  });
  return {
    child,
    ended,
    said: (pattern) =>
      new Promise((done, reject) => {
        const look = (): void => {
          const found = pattern.exec(`${stdout}\n${stderr}`);
          if (found !== null) done(found);
        };
        looks.add(look);
        look();
        void ended.then(() => reject(new Error(`It ended without saying ${pattern}: ${stderr}`)));
      }),
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}

/** Runs the built command in this home. Standard input is empty. */
export async function ran(
  home: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ran> {
  return started(home, args, environment).ended;
}
