// The built command, run as a person's shell would run it.
import { spawn } from "node:child_process";
import { resolve } from "node:path";

export const entry = resolve("dist/llxprt-auth.cjs");

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command in this home. Standard input is empty. */
export function ran(home: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Ran> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [entry, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], HOME: home, LLXPRT_HOME: home, ...environment },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code) => {
      done({ code, stdout, stderr });
    });
  });
}
