// The journal, read: while others write to it and rotate it, and whatever a power cut or another program left in it.
//
// A line that is not a record is passed over; nothing that is in the files makes reading fail or wait, and one file at a
// time is in memory, or the end of it.
import { type BigIntStats, closeSync, fstatSync } from "node:fs";
import { dirname } from "node:path";
import type { Paths } from "../store/names.ts";
import { rotatedIn } from "./journal.ts";
import { openForReading, recordsIn } from "./lines.ts";
import type { JournalRecord } from "./record.ts";

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

function isSame(file: number, other: number): boolean {
  const [one, two] = [file, other].map((descriptor): BigIntStats => fstatSync(descriptor, { bigint: true }));
  return one?.ino === two?.ino && one?.dev === two?.dev;
}
