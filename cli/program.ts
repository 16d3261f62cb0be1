// Another program in our place: it has our streams and gets our signals, and its end is ours.
//
// Signals are passed on once. A terminal sends its own to every program at it, so those are left to the terminal: whoever
// is told twice of one Ctrl-C takes it for two. Who sent a signal is not told to us, so it is judged by where we stand: in
// the background nothing is typed for us. Where all streams lead elsewhere it is passed on, though a terminal may have told
// the program as well: the programs that start others so send it to us alone, and would wait for ever.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Io } from "./terminal.ts";

/** That a program could not be started. */
export interface NotStarted {
  readonly says: string;
  /** As `env` has it: 127 there is none, 126 it cannot be run. */
  readonly exitCode: number;
}

const passedOn = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
const typed: ReadonlySet<string> = new Set(["SIGINT", "SIGQUIT"]);

/** Runs it to its end. @returns its exit code, 128 and the signal's number if one ended it; or why it did not start */
export async function became(
  [name = "", ...words]: readonly string[],
  environment: Io["environment"],
  { stdin, stdout, stderr, isDeaf, interrupts }: Io,
): Promise<number | NotStarted> {
  const isAtTerminal = stdin.isTTY || stdout.isTTY || stderr.isTTY;
  const child = untold(() =>
    spawn(name, words, {
      env: environment,
      stdio: [isDeaf === true ? "ignore" : "inherit", "inherit", "inherit"],
    }),
  );
  const passOn = (signal: NodeJS.Signals): void => {
    if (!(isAtTerminal && typed.has(signal)) || isInBackground()) child.kill(signal);
  };
  const takeBack = interrupts.leave();
  for (const signal of passedOn) process.on(signal, passOn);
  // A program that has become another user's (sudo) cannot be told anything, which is not its end.
  child.on("error", () => undefined);
  const ended = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.once("exit", (...how) => {
      resolve(how);
    });
  });
  try {
    await once(child, "spawn");
    const [code, signal] = await ended;
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT"
      ? { says: `There is no program ${JSON.stringify(name)}`, exitCode: 127 }
      : { says: `The program ${JSON.stringify(name)} could not be started (${code ?? "unknown"})`, exitCode: 126 };
  } finally {
    for (const signal of passedOn) process.off(signal, passOn);
    takeBack();
  }
}

/** Whether the terminal that rules this process, if one does, sends what is typed to others. Not known everywhere. */
function isInBackground(): boolean {
  try {
    // proc(5): after the name in parentheses, state, parent, group, session, terminal, and the terminal's group.
    const [, , group, , , foreground] = readFileSync("/proc/self/stat", "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return group !== foreground;
  } catch {
    return false;
  }
}

/** Keeps Node from telling what it starts: with NODE_DEBUG it would print the environment, and the credential in it. */
function untold<Value>(start: () => Value): Value {
  const { stderr } = process;
  const write = stderr.write.bind(stderr);
  stderr.write = () => true;
  try {
    return start();
  } finally {
    stderr.write = write;
  }
}

export function isNotStarted(ended: number | NotStarted): ended is NotStarted {
  return typeof ended !== "number";
}
