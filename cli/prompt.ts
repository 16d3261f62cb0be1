// Lines for the shell: edited and with a history on a terminal, read as they are from a pipe.
//
// Between two lines nobody holds standard input, so that a command may ask questions of its own.
import { type AsyncCompleter, createInterface } from "node:readline";
import type { Completion } from "./completer.ts";
import { isTerminal, type Io } from "./terminal.ts";

export interface Prompt {
  /** The next line; null at the end. @throws the signal's reason */
  next(prompt: string): Promise<string | null>;
  close(): void;
}

/** What Tab offers for a line. */
export type Completer = (line: string) => Promise<Completion>;

export function createPrompt(io: Io, signal: AbortSignal, complete?: Completer): Prompt {
  return isTerminal(io) ? onTerminal(io, signal, complete) : fromPipe(io, signal);
}

function onTerminal({ stdin, stderr, interrupts }: Io, signal: AbortSignal, complete?: Completer): Prompt {
  let history: string[] = [];
  const ready: string[] = [];
  const next = (prompt: string): Promise<string | null> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const usual = { input: stdin, output: stderr, terminal: true, history, prompt };
      const lines = createInterface(complete === undefined ? usual : { ...usual, completer: offering(complete) });
      const aborted = (): void => {
        lines.close();
        reject(signal.reason);
      };
      signal.addEventListener("abort", aborted, { once: true });
      lines.on("history", (kept) => (history = kept));
      lines.on("SIGINT", () => {
        stderr.write("\n");
        interrupts.raise();
      });
      lines.on("line", (line) => {
        // Several lines may have been pasted at once: they come before this is over.
        if (ready.push(line) === 1) setImmediate(() => lines.close());
      });
      lines.once("close", () => {
        signal.removeEventListener("abort", aborted);
        resolve(ready.shift() ?? null);
      });
      lines.prompt();
    });
  return {
    next: async (prompt) => ready.shift() ?? next(prompt),
    close: () => undefined,
  };
}

/** A Tab that cannot be answered offers nothing. */
function offering(complete: Completer): AsyncCompleter {
  return (line, offer) => {
    complete(line).then(
      ([words, typed]) => offer(null, [[...words], typed]),
      () => offer(null, [[], line]),
    );
  };
}

function fromPipe({ stdin }: Io, signal: AbortSignal): Prompt {
  const lines = createInterface({ input: stdin, terminal: false });
  const ready = lines[Symbol.asyncIterator]();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return {
    next: async () => {
      const { value, done } = await Promise.race([ready.next(), aborted]);
      return done === true ? null : value;
    },
    close: () => lines.close(),
  };
}
