// Noticing what other processes do to files, and that the machine slept: one watch for a runtime, however many accounts.
//
// The system tells of changes at once, where it can. Where it cannot (network file systems, a folder that comes later, no
// watches left) one timer finds them, twice a second. So being told is never relied on: it only makes it sooner. Keeps no
// process alive, and fails nobody.
import { statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Host } from "../host.ts";
import { markOf } from "./files.ts";

/** Called when something may have changed; it has to look for itself. */
export type Look = () => void;

export interface Watch {
  /** Calls `look` after the file was created, written, replaced or removed. @returns how to stop */
  readonly file: (path: string, look: Look) => () => void;
  /** Calls `look` after something in the folder may have changed: when told so, and twice a second in any case. */
  readonly folder: (path: string, look: Look) => () => void;
  /** Calls `resumed` after the machine slept, or its clock was set: times of the wall clock are to be judged again. */
  readonly wakes: (resumed: Look) => () => void;
  /** Stops everything, whoever still looks. */
  readonly close: () => void;
}

const everyMs = 500;
/** A clock that is merely corrected does not leap so far. */
const leastJumpMs = 5_000;
/** No load holds a timer back for so long: the machine slept, or this process was stopped. */
const leastSleepMs = 10_000;

interface File {
  readonly path: string;
  readonly looks: Set<Look>;
  mark: string;
}

interface Folder {
  readonly path: string;
  readonly files: Map<string, File>;
  readonly looks: Set<Look>;
  /** The folder that is being watched under this path; null: none. */
  watched: { readonly mark: string; readonly stop: () => void } | null;
}

/** Starts with the first who looks, and stops with the last. */
export function createWatch({ now, monotonic, watchFolder }: Pick<Host, "now" | "monotonic" | "watchFolder">): Watch {
  const folders = new Map<string, Folder>();
  const sleepers = new Set<Look>();
  const told = new Set<Look>();
  let telling: NodeJS.Immediate | null = null;
  let timer: NodeJS.Timeout | null = null;
  let clocks = { wall: 0, monotonic: 0 };

  /** One change is often told several times over: whoever looks does so once, after all of them. */
  const tell = (looks: Iterable<Look>): void => {
    for (const look of looks) told.add(look);
    if (told.size > 0) telling ??= setImmediate(flush);
  };

  const flush = (): void => {
    telling = null;
    for (const look of told) {
      // Whoever stops looking while others look is not called any more.
      told.delete(look);
      look();
    }
  };

  const compare = (folder: Folder): void => {
    for (const file of folder.files.values()) {
      const mark = markOf(file.path);
      if (mark !== file.mark) tell(file.looks);
      file.mark = mark;
    }
  };

  const heard = (folder: Folder, name: string | null): void => {
    tell(folder.looks);
    const file = name === null ? undefined : folder.files.get(name);
    if (file !== undefined) {
      // A second change within one tick of the file system's clock may leave the same mark: being told is enough.
      tell(file.looks);
      file.mark = markOf(file.path);
    } else if (name === null || name === basename(folder.path)) {
      // The folder itself went, or nobody knows what happened.
      release(folder);
      compare(folder);
    }
  };

  /** Watches the folder that stands under this path now, if there is one and the system can. */
  const follow = (folder: Folder): void => {
    const mark = folderMark(folder.path);
    if (folder.watched?.mark === mark) return;
    release(folder);
    if (mark === null) return;
    try {
      const stop = watchFolder(folder.path, (name) => {
        heard(folder, name);
      });
      folder.watched = { mark, stop };
    } catch {
      // The timer looks as well, and the next time it may work.
    }
  };

  const tick = (): void => {
    const before = clocks;
    clocks = { wall: now(), monotonic: monotonic() };
    const passed = clocks.monotonic - before.monotonic;
    const jumped = clocks.wall - before.wall - passed;
    if (passed >= leastSleepMs || Math.abs(jumped) >= leastJumpMs) tell(sleepers);
    for (const folder of folders.values()) {
      follow(folder);
      compare(folder);
      tell(folder.looks);
    }
  };

  const begin = (): void => {
    if (timer !== null) return;
    clocks = { wall: now(), monotonic: monotonic() };
    timer = setInterval(tick, everyMs);
    timer.unref();
  };

  const end = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };

  const rest = (): void => {
    if (folders.size === 0 && sleepers.size === 0) end();
  };

  const folderAt = (path: string): Folder => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const folder: Folder = { path, files: new Map(), looks: new Set(), watched: null };
    folders.set(path, folder);
    follow(folder);
    return folder;
  };

  const leave = (folder: Folder): void => {
    if (folder.files.size === 0 && folder.looks.size === 0) {
      release(folder);
      folders.delete(folder.path);
    }
    rest();
  };

  /** @returns how to stop; it may be called again */
  const joined = (looks: Set<Look>, look: Look, left: () => void): (() => void) => {
    begin();
    const own = (): void => {
      look();
    };
    looks.add(own);
    return () => {
      told.delete(own);
      if (looks.delete(own)) left();
    };
  };

  return {
    file: (path, look) => {
      const folder = folderAt(dirname(path));
      const name = basename(path);
      const file = folder.files.get(name) ?? { path, looks: new Set(), mark: markOf(path) };
      folder.files.set(name, file);
      return joined(file.looks, look, () => {
        if (file.looks.size === 0) folder.files.delete(name);
        leave(folder);
      });
    },
    folder: (path, look) => {
      const folder = folderAt(path);
      return joined(folder.looks, look, () => {
        leave(folder);
      });
    },
    wakes: (resumed) => joined(sleepers, resumed, rest),
    close: () => {
      end();
      for (const folder of folders.values()) release(folder);
      for (const looks of [folders, sleepers, told]) looks.clear();
      if (telling !== null) clearImmediate(telling);
    },
  };
}

function release(folder: Folder): void {
  const { watched } = folder;
  folder.watched = null;
  watched?.stop();
}

/** Which folder stands under a path; null: none. */
function folderMark(path: string): string | null {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found?.isDirectory() === true ? `${found.dev} ${found.ino} ${found.birthtimeNs}` : null;
  } catch {
    return null;
  }
}
