// A journal that somebody sent, read in the page itself: it goes nowhere, and gets in by the same list as everything else.
import { type JournalRecord, recordOf } from "../../record.ts";
import type { Numbered } from "./seen.ts";

export interface JournalFile {
  readonly name: string;
  readonly records: readonly Numbered[];
  /** Lines that are no records of this version. */
  readonly unread: number;
}

/** So large a file is looked at (bytes); a journal's own files are smaller by far. */
export const largestFile = 64 * 1024 * 1024;

/** @param text lines of JSON */
export function journalFile(name: string, text: string): JournalFile {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const found = lines.map(read).filter((record) => record !== null);
  const records = found.map((record, n): Numbered => Object.assign(record, { n }));
  return { name, records, unread: lines.length - records.length };
}

function read(line: string): JournalRecord | null {
  try {
    return recordOf(line);
  } catch {
    // A name so long that its digest would be shown: the program's own lines bear the digest already.
    return null;
  }
}
