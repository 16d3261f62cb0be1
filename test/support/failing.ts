// A disk that fails: from some call on, what changes files is refused, as the system refuses it. SQLite's own calls are not
// reached.
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

/**
 * From the `first` changing call of these kinds on (0 is the next), `count` of them fail with this code, for the whole
 * process.
 */
export function failingDisk(
  code: string,
  { first = 0, count = Infinity, of = changing }: { first?: number; count?: number; of?: readonly Changing[] } = {},
): FailingDisk {
  const before = Object.fromEntries(changing.map((name) => [name, fs[name]])) as Record<Changing, unknown>;
  let calls = 0;
  const mend = (): void => {
    Object.assign(fs, before);
    syncBuiltinESMExports();
  };
  for (const name of of) {
    const real = before[name] as (...given: unknown[]) => unknown;
    const refusing = (...given: unknown[]): unknown => {
      const isChange = name !== "openSync" || changes(given[1]);
      if (isChange) calls += 1;
      if (isChange && calls > first && calls <= first + count)
        throw Object.assign(new Error(`${code}: made up, ${name}`), { code });
      return real(...given);
    };
    Object.assign(fs, { [name]: refusing });
  }
  syncBuiltinESMExports();
  return { calls: () => calls, mend, [Symbol.dispose]: mend };
}

/** By the flags of an open(2). */
function changes(flags: unknown): boolean {
  const { O_CREAT, O_WRONLY, O_RDWR } = fs.constants;
  return typeof flags === "number"
    ? (flags & (O_CREAT | O_WRONLY | O_RDWR)) !== 0
    : flags !== undefined && flags !== "r";
}
