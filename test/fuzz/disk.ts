// A home folder in memory where there is one, and what is done to files meanwhile, counted. Imported before anything else
// that reads files, since it stands between the runtime and the disk.
import fs, { existsSync, mkdtempSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Paths, pathsIn } from "../../runtime/store/names.ts";

/** What was done to the disk. Bytes read are those that were asked for. */
export interface Work {
  opened: number;
  readBytes: number;
  /** Files written, renamed, removed, and folders made. */
  changed: number;
}

const work: Work = { opened: 0, readBytes: 0, changed: 0 };
const under = { folder: "\u0000", isPlanting: false };
const isOurs = (path: unknown): boolean => !under.isPlanting && String(path).startsWith(under.folder);

const real = { ...fs };
fs.openSync = (path, flags, mode) => {
  if (isOurs(path)) {
    work.opened += 1;
    const writes =
      typeof flags === "number"
        ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0
        : /[wa+x]/.test(flags);
    if (writes) work.changed += 1;
  }
  return real.openSync(path, flags, mode);
};
fs.readSync = ((...given: Parameters<typeof real.readSync>) => {
  const length = real.readSync(...given);
  work.readBytes += length;
  return length;
}) as typeof fs.readSync;
for (const name of [
  "writeFileSync",
  "renameSync",
  "rmSync",
  "mkdirSync",
  "chmodSync",
  "copyFileSync",
  "unlinkSync",
] as const) {
  const original = real[name] as (path: fs.PathLike, ...rest: unknown[]) => unknown;
  (fs as unknown as Record<string, unknown>)[name] = (path: fs.PathLike, ...rest: unknown[]): unknown => {
    if (isOurs(path)) work.changed += 1;
    return original(path, ...rest);
  };
}
syncBuiltinESMExports();

/** What was done since it was last asked. */
export function workDone(): Work {
  const done = { ...work };
  Object.assign(work, { opened: 0, readBytes: 0, changed: 0 });
  return done;
}

/** Files under one home folder, by their path in it. */
export interface Ground extends Disposable {
  readonly userHome: string;
  readonly paths: Paths;
  /** Writes a file as somebody else would: it is not counted. */
  readonly plant: (path: string, content: Uint8Array | string) => void;
  /** What is in a file now; null: there is none. */
  readonly content: (path: string) => Buffer | null;
  /** Removes every file. */
  readonly clear: () => void;
}

export function createGround(): Ground {
  // Nothing here is about a disk that fails or forgets, and waiting for one a million times takes days.
  const root = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const userHome = mkdtempSync(join(root, "llxprt-auth-fuzz-"));
  under.folder = userHome;
  const home = join(userHome, ".llxprt");
  const paths = pathsIn(home);
  return {
    userHome,
    paths,
    plant: (path, content) => {
      under.isPlanting = true;
      real.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      real.rmSync(path, { force: true });
      real.writeFileSync(path, content, { mode: 0o600 });
      under.isPlanting = false;
    },
    content: (path) => (existsSync(path) ? real.readFileSync(path) : null),
    clear: () => {
      real.rmSync(home, { recursive: true, force: true });
      real.mkdirSync(home, { mode: 0o700 });
    },
    [Symbol.dispose]: () => {
      real.rmSync(userHome, { recursive: true, force: true });
    },
  };
}
