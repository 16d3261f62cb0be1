// A file that is mounted by itself, as containers do with single files (`docker run -v token.json:…`).
//
// It cannot be replaced, so no new tokens could be kept in it. And what lies beside it, the lock and the sealed reply, is
// not what lies beside the same file outside: two processes could spend one refresh token.
import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Whether a path is one, by the mounts of this moment. Only on Linux; elsewhere, and where nobody knows, none is. */
export function mountedAlone(): (path: string) => boolean {
  const mounts = mountPoints();
  return (path) => {
    try {
      return mounts.size > 0 && mounts.has(join(realpathSync(dirname(path)), basename(path)));
    } catch {
      return false;
    }
  };
}

/** proc_pid_mountinfo(5): the fifth field, with blanks and backslashes in octal. */
function mountPoints(): ReadonlySet<string> {
  try {
    const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return new Set(lines.map((line) => withoutOctal(line.split(" ")[4] ?? "")));
  } catch {
    return new Set();
  }
}

function withoutOctal(point: string): string {
  return point.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
