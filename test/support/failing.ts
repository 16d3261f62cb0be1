// A disk that fails: from some call on, what changes files of a folder is refused, as the system refuses it. SQLite's own
// calls are not reached.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const changing = ["openSync", "writeFileSync", "writeSync", "fsyncSync", "renameSync", "mkdirSync"] as const;

export type Changing = (typeof changing)[number];

export interface FailingDisk extends Disposable {
  /** Calls so far that changed something, or were to. */
  readonly calls: () => number;
  /** The disk is well again. */
  readonly mend: () => void;
}

export interface Failing {
  /** From which changing call on; 0, the default, is the next. */
  readonly first?: number;
  /** How many of them fail. Default: all. */
  readonly count?: number;
  readonly of?: readonly Changing[];
}

/** Changing calls fail with this code, below this folder, for the whole process. */
export function failingDisk(
  folder: string,
  code: string,
  { first = 0, count = Infinity, of = changing }: Failing = {},
): FailingDisk {
  return refusing(folder, code, of, (_, nth) => nth > first && nth <= first + count);
}

/** A disk without room: what is there may be written over, renamed and removed, and nothing may grow. */
export function fullDisk(folder: string): FailingDisk {
  return refusing(folder, "ENOSPC", ["openSync", "writeFileSync", "writeSync", "mkdirSync"], (given, _, name) => {
    if (name !== "writeSync") return true;
    const [file, , , length, position] = given as [number, unknown, unknown, number, number | null];
    return position == null || position + length > fs.fstatSync(file).size;
  });
}

function refusing(
  folder: string,
  code: string,
  of: readonly Changing[],
  isRefused: (given: readonly unknown[], nth: number, name: Changing) => boolean,
): FailingDisk {
  const before = Object.fromEntries(changing.map((name) => [name, fs[name]])) as Record<Changing, unknown>;
  let calls = 0;
  const mend = (): void => {
    Object.assign(fs, before);
    syncBuiltinESMExports();
  };
  for (const name of of) {
    const real = before[name] as (...given: unknown[]) => unknown;
    const instead = (...given: unknown[]): unknown => {
      const isChange = isBelow(folder, given[0]) && (name !== "openSync" || changes(given[1]));
      if (isChange) calls += 1;
      if (isChange && isRefused(given, calls, name))
        throw Object.assign(new Error(`${code}: made up, ${name}`), { code });
      return real(...given);
    };
    Object.assign(fs, { [name]: instead });
  }
  syncBuiltinESMExports();
  return { calls: () => calls, mend, [Symbol.dispose]: mend };
}

/** @param file by name or by descriptor */
function isBelow(folder: string, file: unknown): boolean {
  if (typeof file === "string") return file.startsWith(folder);
  // Elsewhere it is not known where a descriptor leads: into the folder, most likely.
  return process.platform !== "linux" || fs.readlinkSync(`/proc/self/fd/${String(file)}`).startsWith(folder);
}

/** Whether it may make a file, by the flags of an open(2). */
function changes(flags: unknown): boolean {
  return typeof flags === "number" ? (flags & fs.constants.O_CREAT) !== 0 : flags !== undefined && flags !== "r";
}
