// The journal, read: while others write to it and rotate it, and whatever a power cut or another program left in it.
//
// A line that is not a record is passed over; nothing that is in the files makes reading fail or wait, and one file at a
// time is in memory, or the end of it.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type BigIntStats } from "node:fs";
import { dirname } from "node:path";
import type { Paths } from "../store/names.ts";
import { refuseForeign } from "../store/trust.ts";
import { rotatedIn } from "./journal.ts";
import { type JournalRecord, recordOf } from "./record.ts";

/** The records of all processes, the oldest first, from the rotated files and the current one. */
export function* readJournal({ journal }: Pick<Paths, "journal">): Generator<JournalRecord, void> {
  // First, so that it is not missed when it is rotated meanwhile; then it is among the others.
  const current = openForReading(journal);
  let isRead = current === null;
  try {
    for (const path of rotatedIn(dirname(journal))) {
      const file = openForReading(path);
      if (file === null) continue;
      try {
        isRead ||= current !== null && isSame(file, current);
        yield* recordsIn(file);
      } finally {
        closeSync(file);
      }
    }
    if (current !== null && !isRead) yield* recordsIn(current);
  } finally {
    if (current !== null) closeSync(current);
  }
}

/** @returns null for what is no file, or not ours */
function openForReading(path: string): number | null {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) return null;
    refuseForeign(path, stat, {});
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

function isSame(file: number, other: number): boolean {
  const [one, two] = [file, other].map((descriptor): BigIntStats => fstatSync(descriptor, { bigint: true }));
  return one?.ino === two?.ino && one?.dev === two?.dev;
}

function* recordsIn(file: number): Generator<JournalRecord, void> {
  for (const line of linesOf(file)) {
    const record = recordOf(line) ?? recordOf(afterTear(line));
    if (record !== null) yield record;
  }
}

/** The record that another process wrote right behind a torn one, before anybody could end its line. */
function afterTear(line: string): string {
  const start = line.lastIndexOf('{"v":1,');
  return start > 0 ? line.slice(start) : "";
}

// The writer leaves none that is nearly as long; of somebody else's, the end will do.
const longestFile = 4 * 1024 * 1024;

/** The last one counts without an end as well. */
function linesOf(file: number): string[] {
  const { size } = fstatSync(file);
  const bytes = Buffer.alloc(Math.min(size, longestFile));
  const length = readSync(file, bytes, 0, bytes.length, size - bytes.length);
  // What we write is ASCII, and what others wrote may be cut anywhere.
  return bytes.toString("latin1", 0, length).split("\n");
}
