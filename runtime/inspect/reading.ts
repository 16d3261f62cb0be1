// The journal, read: while others write to it and rotate it, and whatever a power cut or another program left in it.
//
// A line that is not a record is passed over; nothing that is in the files makes reading fail, wait, or take more memory
// than a few lines do.
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

const chunkBytes = 64 * 1024;
// No record of ours is nearly as long.
const longestLine = 8 * 1024;
// Nor a file: of one that is longer, the end will do.
const longestFile = 4 * 1024 * 1024;

/** Of a line that is too long, the end. The last one counts without an end as well: it may be on its way. */
function* linesOf(file: number): Generator<string, void> {
  const chunk = Buffer.alloc(chunkBytes);
  let begun = "";
  const { size: end } = fstatSync(file);
  for (let at = Math.max(0, end - longestFile); at < end;) {
    const size = readSync(file, chunk, 0, chunkBytes, at);
    if (size === 0) break;
    at += size;
    // What we write is ASCII, and what others wrote may be cut anywhere.
    const [first = "", ...others] = chunk.toString("latin1", 0, size).split("\n");
    const lines = [begun + first, ...others];
    begun = (lines.pop() ?? "").slice(-longestLine);
    yield* lines;
  }
  yield begun;
}
