// Ctrl-C, and who it is for: the innermost thing that runs. Inside `shell` that is the command, not the shell.

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
}

export function createInterrupts(): Interrupts {
  const turns: AbortController[] = [];
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
      const turn = turns.at(-1);
      if (turn === undefined || turn.signal.aborted) return false;
      turn.abort();
      return true;
    },
    raiseAll: () => {
      for (const turn of turns) turn.abort();
    },
  };
}
