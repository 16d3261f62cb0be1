// Noticing that another process signed in, renewed or logged out: the token file is looked at now and then.
import { statSync } from "node:fs";

const everyMs = 500;

/** Calls `changed` whenever the file is another one than before, or gone. @returns how to stop looking */
export function watchFile(path: string, changed: () => void): () => void {
  let seen = mark(path);
  const timer = setInterval(() => {
    const now = mark(path);
    if (now === seen) return;
    seen = now;
    changed();
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

// A rename puts another inode in place; size and time catch a write in place.
function mark(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "absent" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}
