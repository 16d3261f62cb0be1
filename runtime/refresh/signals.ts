// Signals while a refresh token is on its way, where that could not be left to a process of its own (refresh protocol, "who
// runs it"): what would end this process waits until the reply is on the disk.
//
// Only what nobody else has taken in hand is held up. A program with handlers of its own does as it likes.
const deferred = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Begins to hold signals up. @returns how to let them do what they would have done; more than once does no harm */
export function holdSignals(): () => void {
  const held = new Set<NodeJS.Signals>();
  const hold = (signal: NodeJS.Signals): void => {
    held.add(signal);
  };
  for (const signal of deferred) process.on(signal, hold);
  return () => {
    for (const signal of deferred) process.off(signal, hold);
    for (const signal of held) {
      held.delete(signal);
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    }
  };
}
