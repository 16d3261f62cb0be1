// Noticing what other processes do: the files are looked at now and then, which works on every file system.

const everyMs = 500;

/** Calls `look` twice a second, and keeps no process alive for it. @returns how to stop */
export function nowAndThen(look: () => void): () => void {
  const timer = setInterval(look, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** @returns a question: has `mark` answered differently since the last time? */
export function changesOf(mark: () => string): () => boolean {
  let seen = mark();
  return () => {
    const before = seen;
    seen = mark();
    return seen !== before;
  };
}
