// A file that is mounted by itself, as containers do with single files (`docker run -v token.json:…`).
//
// It cannot be replaced, so no new tokens could be kept in it. And what lies beside it, the lock and the sealed reply, is
// not what lies beside the same file outside: two processes could spend one refresh token.
import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Only on Linux; elsewhere, and where nobody knows, it is none. */
export function isMountedAlone(path: string): boolean {
  if (process.platform !== "linux") return false;
  try {
    const real = join(realpathSync(dirname(path)), basename(path));
    return mountsOf(readFileSync("/proc/self/mountinfo", "utf8")).includes(real);
  } catch {
    return false;
  }
}

/** Where something is mounted (proc_pid_mountinfo(5)): the fifth field, with blanks and backslashes in octal. */
function mountsOf(mountinfo: string): string[] {
  return mountinfo.split("\n").map((line) => {
    const [, , , , point = ""] = line.split(" ");
    return point.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  });
}
