// Ctrl-C, and who it is for: the innermost thing that runs. Inside `shell` that is the command, not the shell.
import { once } from "node:events";

export interface Turn {
  readonly signal: AbortSignal;
  readonly end: () => void;
}

export interface Interrupts {
  /** Whoever began last is told first. */
  begin(): Turn;
  /** One Ctrl-C. @returns false when nobody was left to tell: the person means it. */
  raise(): boolean;
  /** The end of everything: the terminal is gone, or the system says so. */
  raiseAll(): void;
  /** From now on they are for somebody else: nobody here is told. @returns how to end that */
  leave(): () => void;
}

export function createInterrupts(): Interrupts {
  const turns: AbortController[] = [];
  let isLeft = false;
  return {
    begin: () => {
      const turn = new AbortController();
      turns.push(turn);
      return {
        signal: turn.signal,
        end: () => {
          turns.splice(turns.indexOf(turn), 1);
        },
      };
    },
    raise: () => {
      if (isLeft) return true;
      const turn = turns.at(-1);
      if (turn === undefined || turn.signal.aborted) return false;
      turn.abort();
      return true;
    },
    raiseAll: () => {
      if (isLeft) return;
      for (const turn of turns) turn.abort();
    },
    leave: () => {
      isLeft = true;
      return () => {
        isLeft = false;
      };
    },
  };
}

/** Waits for the end that a person makes of what serves until then. The server keeps the process alive, not this. */
export async function untilInterrupted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
