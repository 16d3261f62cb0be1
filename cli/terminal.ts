// The three streams, and what may be asked of a person through them.
//
// A terminal means that a person can be asked: standard input and standard error are TTYs. Asking is done in line mode,
// never raw, so that pasting works everywhere and nothing can leave the terminal broken. What is pasted is not shown.
import { spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";
import { createInterrupts, type Interrupts } from "./interrupts.ts";

export interface Io {
  readonly stdin: NodeJS.ReadStream | ReadStream;
  readonly stdout: NodeJS.WriteStream | WriteStream;
  readonly stderr: NodeJS.WriteStream | WriteStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly interrupts: Interrupts;
  /** Standard input belongs to somebody else: nothing is read from it. */
  readonly isDeaf?: boolean;
}

/** The streams of this process. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env: environment } = process;
  return { stdin, stdout, stderr, environment, interrupts: createInterrupts() };
}

export function isTerminal({ stdin, stderr, isDeaf }: Io): boolean {
  return isDeaf !== true && stdin.isTTY && stderr.isTTY;
}

/** `CI` as CI systems set it. */
export function isCi({ environment }: Pick<Io, "environment">): boolean {
  return isOn(environment["CI"]);
}

/** Whether a variable is set to something else than "no". */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !["", "0", "false"].includes(value.toLowerCase());
}

const pasteGapMs = 120;

/**
 * Hands over what is pasted, until stopped. Lines that arrive together are one paste: a terminal breaks long ones.
 * @param isShown the terminal shows what is typed
 * @returns how to stop
 */
export function listenForPaste(io: Io, take: (text: string) => void, { isShown = false } = {}): () => void {
  if (io.isDeaf === true) return () => undefined;
  const restore = isShown ? () => undefined : hideTyping(io);
  const lines = createInterface({ input: io.stdin, terminal: false });
  let held: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    const text = held.join("\n");
    held = [];
    if (text.trim() !== "") take(text);
  };
  lines.on("line", (line) => {
    held.push(line);
    clearTimeout(timer);
    timer = setTimeout(flush, pasteGapMs);
  });
  return () => {
    clearTimeout(timer);
    lines.close();
    io.stdin.pause();
    restore();
  };
}

/**
 * One answer, typed or pasted.
 * @param ask says what is wanted, once the terminal has stopped to show what is typed
 * @throws the signal's reason
 */
export async function readAnswer(
  io: Io,
  signal: AbortSignal,
  ask: () => void,
  { isShown = false } = {},
): Promise<string> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const take = (text: string): void => {
      stop();
      signal.removeEventListener("abort", aborted);
      resolve(text);
    };
    const stop = listenForPaste(io, take, { isShown });
    const aborted = (): void => {
      stop();
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    ask();
  });
}

/** Everything on standard input. @param patienceMs how long to wait for the first of it; null comes back when none came */
export async function readAll({ stdin }: Io, signal: AbortSignal, patienceMs = Infinity): Promise<string | null> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      stdin.off("data", add).off("end", end).off("error", end).pause();
      signal.removeEventListener("abort", aborted);
      settle();
    };
    const add = (piece: Buffer | string): void => {
      clearTimeout(timer);
      pieces.push(Buffer.from(piece));
    };
    const end = (): void => {
      finish(() => {
        resolve(Buffer.concat(pieces).toString("utf8"));
      });
    };
    const aborted = (): void => {
      finish(() => {
        reject(signal.reason);
      });
    };
    const timer =
      patienceMs === Infinity
        ? undefined
        : setTimeout(() => {
            finish(() => {
              resolve(null);
            });
          }, patienceMs);
    signal.addEventListener("abort", aborted, { once: true });
    stdin.on("data", add).once("end", end).once("error", end);
  });
}

/** Keeps the terminal from showing what is typed, as for a password. @returns how to undo it */
function hideTyping(io: Io): () => void {
  if (!isTerminal(io) || io.stdin !== process.stdin) return () => undefined;
  const restore = (): void => {
    process.off("exit", restore);
    setTyping("echo");
  };
  process.once("exit", restore);
  setTyping("-echo");
  return restore;
}

// Where there is no such program, typing is shown; that is all.
function setTyping(mode: "echo" | "-echo"): void {
  spawnSync("stty", [mode], { stdio: ["inherit", "ignore", "ignore"] });
}
