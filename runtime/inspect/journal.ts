// The journal: a line for each step that changes something, from every process, so that a login that went wrong can be
// explained afterwards.
//
// It is written in the middle of what must not fail, so it never fails anybody: a record that the disk does not take is
// lost. Each is one write at the end of the file, with no lock, and processes may rotate the file under each other: what
// was written stays, under one name or the other. Nothing that somebody put in its place is followed or written to.
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { ensureFolder, ensureHome, listFolder } from "../store/folders.ts";
import { errnoOf, isErrno, refuseForeign, unsafe } from "../store/trust.ts";
import { lastIn } from "./lines.ts";
import { type Entry, lineOf } from "./record.ts";
import { shownAccount } from "./takes.ts";

export interface Journal {
  /** Writes one line. Never throws. */
  readonly note: (entry: Entry) => void;
  /** The same, unless the last step of this account says it already: what goes on failing must not push out the rest. */
  readonly noteNews: (entry: Entry) => void;
  /**
   * The same for what a statechart does, once this process has noted a step: what only reads leaves nothing behind. What
   * came before the first step is written with it. Never throws.
   */
  readonly trace: (entry: Entry) => void;
}

/** For so many lines a process may go without a step before the oldest are forgotten. */
const mostHeld = 200;

const largest = 1024 * 1024;
const kept = 3;
const privateFile = 0o600;

/** @param path in the folder of the tokens; nothing is created before the first note. @param now epoch milliseconds */
export function createJournal(path: string, now: () => number): Journal {
  // What statecharts did before this process's first step; null from then on.
  let held: readonly string[] | null = [];
  const withLine = (entry: Entry, work: (line: string) => void): void => {
    try {
      const line = lineOf(entry, now(), process.pid);
      if (line !== null) work(line);
    } catch {
      // What is being noted has happened all the same.
    }
  };
  const note = (entry: Entry): void => {
    withLine(entry, (line) => {
      append(path, `${[...(held ?? []), line].join("\n")}\n`);
      held = null;
    });
  };
  return {
    note,
    noteNews: (entry) => {
      if (!isSaid(path, entry)) note(entry);
    },
    trace: (entry) => {
      withLine(entry, (line) => {
        if (held !== null) held = [...held.slice(1 - mostHeld), line];
        // A chart that ends because its home was removed must not bring it back.
        else if (existsSync(dirname(path))) append(path, `${line}\n`);
      });
    },
  };
}

/** Whether the last step that the file tells of this account is the same, for the same reason. */
function isSaid(path: string, { provider, account, step, code = null }: Entry): boolean {
  const last = lastIn(path, (record) => {
    const isAbout = record.provider === provider && record.account === shownAccount(account);
    return isAbout && record.step !== "moved";
  });
  return last?.step === step && (last.code ?? null) === code;
}

/** Paths of the rotated files, the oldest first. By number and not by time: clocks are set back. */
export function rotatedIn(folder: string): string[] {
  return listFolder(folder)
    .filter((name) => numberOf(name) > 0)
    .map((name) => join(folder, name))
    .toSorted((one, other) => numberOf(one) - numberOf(other) || bornAt(one) - bornAt(other));
}

/** For two that were rotated at once, and so bear the same number. */
function bornAt(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.birthtimeMs ?? 0;
}

/** Zero: not the name of a rotated file. */
function numberOf(path: string): number {
  return Number(/^journal-([0-9]{6,12})-[0-9a-f]{8}\.jsonl$/.exec(basename(path))?.[1] ?? 0);
}

/** How often others may rotate or create the file under us before a record is given up. */
const manyTries = 8;

function append(path: string, text: string): void {
  ensureHome(dirname(dirname(path)), {});
  ensureFolder(dirname(path), {});
  for (let tries = 0; tries < manyTries; tries += 1) {
    const file = openForAppending(path);
    if (file === null) continue;
    try {
      if (settled(path, file, text)) return;
    } finally {
      closeSync(file);
    }
  }
}

/** Writes, if that may be. @returns false when the path leads to another file now: there it is to be tried again */
function settled(path: string, file: number, text: string): boolean {
  const stat = fstatSync(file);
  refuseForeign(path, stat, {});
  if (!stat.isFile()) return true;
  // A second name of the file is somebody's copy: it is left as it is.
  const isOver = stat.nlink > 1 || stat.size + text.length > largest;
  if (isOver && rotated(path, file)) return false;
  // A folder in which nothing can be renamed must not let the file grow for ever.
  if (stat.nlink > 1 || stat.size > 2 * largest) return true;
  if ((stat.mode & 0o077) !== 0) fchmodSync(file, privateFile);
  writeSync(file, isTorn(file, stat.size) ? `\n${text}` : text);
  return true;
}

/** The last line has no end: the power went, the disk was full, or it is being written. An empty line does no harm. */
function isTorn(file: number, size: number): boolean {
  const last = Buffer.alloc(1);
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
}

/** @returns null when another process creates or rotates it at this moment */
function openForAppending(path: string): number | null {
  // A look first: opening a device may already do something to it.
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile()) throw unsafe(path, "is not a regular file", {});
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    if (there !== undefined) {
      // Under a umask that takes everything, a file is its owner's only once its mode is set; its maker may have died.
      if ((there.mode & privateFile) !== privateFile) chmodSync(path, privateFile);
      return openSync(path, flags);
    }
    const file = openSync(path, flags | constants.O_CREAT | constants.O_EXCL, privateFile);
    fchmodSync(file, privateFile);
    return file;
  } catch (error) {
    if (["ENOENT", "EEXIST"].includes(errnoOf(error))) return null;
    throw error;
  }
}

/** Gives the file another name, if it still has this one. @returns false when that cannot be done */
function rotated(path: string, file: number): boolean {
  const folder = dirname(path);
  const free = freeName(folder);
  // As late as can be: between this look and the renaming, the path must lead to the full file still.
  const mine = fstatSync(file, { bigint: true });
  const there = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (there?.ino !== mine.ino || there.dev !== mine.dev) return true;
  try {
    renameSync(path, free);
    prune(folder);
    return true;
  } catch (error) {
    return isErrno(error, "ENOENT");
  }
}

/** A name that no other process takes, even if it rotates at this moment: part of it is chance. */
function freeName(folder: string): string {
  const number = String(1 + numberOf(rotatedIn(folder).at(-1) ?? "")).padStart(6, "0");
  return join(folder, `journal-${number}-${randomBytes(4).toString("hex")}.jsonl`);
}

/** Removes what is older than the newest full files. One that two processes rotated too early counts little. */
function prune(folder: string): void {
  let room = kept;
  for (const path of rotatedIn(folder).toReversed()) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) continue;
    if (room <= 0) rmSync(path, { force: true });
    else room -= stat.size > largest / 2 ? 1 : 1 / 8;
  }
}
