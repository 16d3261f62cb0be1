// One file of the journal, taken apart into records, whatever a power cut or another program left in it.
//
// A line that is not a record is passed over; nothing that is in a file makes reading fail or wait, and no more of it than
// its end is ever in memory.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { refuseForeign } from "../store/trust.ts";
import { type JournalRecord, recordOf } from "./record.ts";

/** @returns null for what is no file, or not ours */
export function openForReading(path: string): number | null {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) return null;
    refuseForeign(path, stat, {});
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

/** The records of one file, the oldest first. */
export function* recordsIn(file: number): Generator<JournalRecord, void> {
  yield* recordsOf(linesOf(file, longestFile));
}

/** The records of a text of lines: a journal as somebody sent it. */
export function recordsInText(text: string): JournalRecord[] {
  return [...recordsOf(text.split("\n"))];
}

/** The last record of this kind in the end of a file; null: none, or no file. Never throws. */
export function lastIn(path: string, isMeant: (record: JournalRecord) => boolean): JournalRecord | null {
  const file = openForReading(path);
  if (file === null) return null;
  try {
    return [...recordsOf(linesOf(file, shortLook))].findLast(isMeant) ?? null;
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

function* recordsOf(lines: readonly string[]): Generator<JournalRecord, void> {
  for (const line of lines) {
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
/** What happened lately, without reading all of it. */
const shortLook = 32 * 1024;

/** The last one counts without an end as well. */
function linesOf(file: number, most: number): string[] {
  const { size } = fstatSync(file);
  const bytes = Buffer.alloc(Math.min(size, most));
  const length = readSync(file, bytes, 0, bytes.length, size - bytes.length);
  // What we write is ASCII, and what others wrote may be cut anywhere.
  return bytes.toString("latin1", 0, length).split("\n");
}
