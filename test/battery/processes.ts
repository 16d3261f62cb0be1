// The processes of a battery: commands as a shell runs them, long-lived workers, and the refreshers that they leave behind.
//
// All run the built program, each in a process group of its own, so that one can be killed with or without it.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { House } from "../cli/program.ts";

const entry = resolve("dist/llxprt-auth.cjs");
const workerEntry = fileURLToPath(new URL("worker.ts", import.meta.url));

export interface Ended {
  /** Null: by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface Around {
  /** Words before the command, such as a tracer's. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The built command's own line. */
export const commandLine = (...words: readonly string[]): readonly string[] => [process.execPath, entry, ...words];

/** The built command. */
export const command = (house: House, words: readonly string[], around?: Around): Started =>
  started(house, commandLine(...words), around);

/** Any program in that home's environment. */
export function started(house: House, line: readonly string[], { under = [], env }: Around = {}): Started {
  const began = performance.now();
  const [program = "", ...words] = [...under, ...line];
  const child = spawn(program, words, {
    cwd: house.folder,
    env: house.environment(env),
    detached: true,
    // The fourth is where a refresher says how it ended.
    stdio: ["ignore", "pipe", "pipe", "ignore"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Ended>((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code) => {
      const ms = performance.now() - began;
      // What it said may still be on its way; but who holds its pipes must not keep anybody waiting.
      const give = (): void => done({ code, stdout, stderr, ms });
      child.once("close", give);
      setTimeout(give, 2_000).unref();
    });
  });
  return { child, ended };
}

/** What a worker tells: a token of a generation that it had not seen, an error, or an answer to a question. */
export type Told =
  | { readonly kind: "ready" }
  | { readonly kind: "got"; readonly generation: number; readonly token: string; readonly ms: number }
  | { readonly kind: "failed"; readonly code: string; readonly said: string; readonly ms: number }
  | { readonly kind: "answered"; readonly question: number; readonly code: string | null; readonly ms: number };

export interface WorkerOptions {
  readonly provider: string;
  readonly minTtlMs: number;
  /** Between two calls; 0: it calls only when it is asked. */
  readonly pauseMs: number;
  /** It refreshes in its own process, as where none can be started. */
  readonly isInline?: boolean;
}

export interface Worker {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  /** One call of `token`; how long it took, and the error's code. */
  ask(): Promise<{ readonly code: string | null; readonly ms: number }>;
  /** It asks no more by itself. */
  rest(): void;
  stop(): void;
}

const longestFarewellMs = 10_000;

/** A long-lived process that asks for tokens. */
export function worker(
  house: House,
  options: WorkerOptions,
  hear: (told: Told) => void,
  { under = [], env }: Around = {},
): Worker {
  const [program, ...words] = [...under, process.execPath, workerEntry, JSON.stringify(options)];
  const child = spawn(program ?? "", words, {
    cwd: house.folder,
    env: house.environment({ BATTERY_LIBRARY: resolve("dist/index.mjs"), ...env }),
    detached: true,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const questions = new Map<number, (answer: { code: string | null; ms: number }) => void>();
  const ready = Promise.withResolvers<void>();
  child.on("message", (message) => {
    const told = message as Told;
    if (told.kind === "ready") ready.resolve();
    if (told.kind === "answered") questions.get(told.question)?.(told);
    hear(told);
  });
  const ended = new Promise<void>((done) => {
    child.once("exit", () => {
      // Who died before it was ready keeps nobody waiting.
      ready.resolve();
      for (const answer of questions.values()) answer({ code: "died", ms: 0 });
      done();
    });
  });
  let asked = 0;
  const tell = (message: object): void => {
    if (child.connected) child.send(message, () => undefined);
  };
  return {
    child,
    ready: ready.promise,
    ended,
    ask: () =>
      new Promise((answer) => {
        asked += 1;
        questions.set(asked, answer);
        tell({ kind: "ask", question: asked });
      }),
    rest: () => tell({ kind: "rest" }),
    stop: () => {
      tell({ kind: "stop" });
      // Who does not end by itself is ended: a battery has to come to its result.
      const timer = setTimeout(() => signal(child.pid, "SIGKILL", true), longestFarewellMs);
      child.once("exit", () => clearTimeout(timer));
    },
  };
}

/** Process ids of the refreshers of a home, as the kernel lists processes. */
export function refreshersOf(home: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const words = commandLineOf(pid);
      return words.some((word) => word.includes("background")) && words.includes(home) && !isDead(pid);
    });
}

function commandLineOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** Ended and not yet reaped counts as dead. */
function isDead(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return !existsSync(`/proc/${pid}`);
  }
}

/** Sends a signal to a process, or with `group` to all of its group; false when it is gone. */
export function signal(pid: number | undefined, name: NodeJS.Signals, group = false): boolean {
  // A process that could not be started has no number, and zero is everybody in our own group.
  if (pid === undefined || pid === 0) return false;
  try {
    return process.kill(group ? -pid : pid, name);
  } catch {
    return false;
  }
}
