// Who holds a lock, read without taking it: the kernel's own list of locks, where there is one.
//
// A lock's file is never opened here: who closes it would drop a lock of his own process (see `refresh/lock.ts`). Where the
// kernel tells nothing, the note of the last holder says who may have it.
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exchangeOverMs } from "../../../machines/doubt.ts";
import { holderIn, type LockName } from "../../refresh/locks.ts";
import { isOtherBoot, presenceOf, presenceOfProcess, sinceMs } from "../../refresh/holder.ts";
import { listFolder } from "../../store/folders.ts";
import type { AccountName, Paths } from "../../store/names.ts";
import type { SceneLock } from "./scene.ts";

/** The locks of an account that somebody holds. Never throws. */
export type HeldLocks = (name: AccountName) => readonly SceneLock[];

/** By device and inode: the process. */
type Known = ReadonlyMap<string, number>;

/** As they are at this moment. */
export function heldLocks({ spend }: Pick<Paths, "spend">): HeldLocks {
  const known = kernelLocks();
  if (known === null) return (name) => noted(spend(name));
  // Nearly always nobody holds any, and then nothing is looked at.
  return known.size === 0 ? () => [] : (name) => locksIn(spend(name), known);
}

// sqlite.org/src, os.h: RESERVED_BYTE. Who writes holds it; nobody else of the same file does.
const reservedByte = "1073741825";

/** proc_locks(5). Null: not told here. */
function kernelLocks(): Known | null {
  try {
    const lines = readFileSync("/proc/locks", "utf8").split("\n");
    return new Map(
      lines.flatMap((line) => {
        const [, kind, , mode, pid, file = "", first] = line.trim().split(/\s+/);
        const isOne = kind === "POSIX" && mode === "WRITE" && first === reservedByte;
        return isOne ? [[file, Number(pid)] as const] : [];
      }),
    );
  } catch {
    return null;
  }
}

function locksIn(folder: string, known: Known): SceneLock[] {
  return namesIn(folder).flatMap(([file, lock]): SceneLock[] => {
    const pid = holderOf(join(folder, file), known);
    if (pid === undefined) return [];
    // Of another namespace the kernel gives no number.
    if (pid <= 0) return [{ lock, pid: null, since: null, presence: "unknown" }];
    const note = lock === "lock" ? holderIn(folder) : null;
    const since = note?.pid === pid ? note.at : null;
    return [{ lock, pid, since, presence: presenceOfProcess(pid) }];
  });
}

const locks: readonly LockName[] = ["lock", "door", "entrance", "exchange", "background"];

function namesIn(folder: string): (readonly [file: string, lock: SceneLock["lock"]])[] {
  try {
    return listFolder(folder).flatMap((file) => {
      const lock = locks.find((name) => name === file) ?? (file.endsWith(".turn") ? "turn" : null);
      return lock === null ? [] : [[file, lock] as const];
    });
  } catch {
    return [];
  }
}

function holderOf(path: string, known: Known): number | undefined {
  try {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    // The kernel writes the device of the disk below; of one without a device (major 0) it may have another number than we.
    const device = [majorOf(stat.dev), minorOf(stat.dev)].map((part) => part.toString(16).padStart(2, "0")).join(":");
    if (majorOf(stat.dev) !== 0n) return known.get(`${device}:${stat.ino}`);
    return [...known].find(([file]) => file.endsWith(`:${stat.ino}`))?.[1];
  } catch {
    return undefined;
  }
}

// makedev(3), as glibc has it.
const majorOf = (device: bigint): bigint => ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
const minorOf = (device: bigint): bigint => (device & 0xffn) | ((device >> 12n) & ~0xffn);

/** Who had the main lock last, as long as he may have it still: nobody needs it for longer than an exchange takes. */
function noted(folder: string): SceneLock[] {
  const holder = holderIn(folder);
  if (holder === null || isOtherBoot(holder) || sinceMs(holder) > exchangeOverMs) return [];
  const presence = presenceOf(holder);
  return presence === "gone" ? [] : [{ lock: "lock", pid: holder.pid, since: holder.at, presence }];
}
