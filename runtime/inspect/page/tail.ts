// The journal, followed: all of it once, then what comes behind, over rotations, at the price of a look at four names.
//
// Each file is followed by what it is and not by its name, since processes rotate it under each other and may write to it
// once more afterwards. A line without its end is waited for; nothing that is in a file makes this fail. Only the newest
// records are kept, as texts.
import { type BigIntStats, closeSync, fstatSync, lstatSync, readSync } from "node:fs";
import { dirname } from "node:path";
import type { Paths } from "../../store/names.ts";
import { rotatedIn } from "../journal.ts";
import { openForReading, recordsInText } from "../lines.ts";
import type { JournalRecord } from "../record.ts";

export interface Tail {
  /** Reads what is new. Never throws. */
  read(): void;
  /** How many records were read in all; the number of the next one. */
  readonly count: number;
  /** The kept records from this number on, each as JSON with its number. */
  from(number: number): readonly string[];
  /** The process of each, and when it wrote last (epoch ms): of those that wrote lately. */
  readonly writers: ReadonlyMap<number, number>;
}

const mostRecords = 20_000;
/** Taking away from the front costs as much as all that stays. */
const slack = 1_000;
const mostWriters = 500;
/** More than two files of the journal can be: what somebody has put there is read from its end. */
const longestPiece = 4 * 1024 * 1024;

interface Followed {
  /** Up to here it was read, to the end of a line. */
  readonly offset: number;
  /** Up to here it was looked at. */
  readonly size: number;
  /** How often it was not found since. */
  readonly missed: number;
}

/** By what a file is, whatever its name. */
type Known = ReadonlyMap<string, Followed>;

export function createTail({ journal }: Pick<Paths, "journal">): Tail {
  let known: Known = new Map();
  const texts: string[] = [];
  const writers = new Map<number, number>();
  let count = 0;

  const take = (record: JournalRecord): void => {
    // A record is never empty: its number goes before its first member.
    texts.push(`{"n":${count},${JSON.stringify(record).slice(1)}`);
    count += 1;
    // The newest last.
    writers.delete(record.pid);
    writers.set(record.pid, Date.parse(record.at));
  };

  const forget = (): void => {
    if (texts.length > mostRecords + slack) texts.splice(0, texts.length - mostRecords);
    for (const pid of [...writers.keys()].slice(0, Math.max(0, writers.size - mostWriters))) writers.delete(pid);
  };

  return {
    read: () => {
      const seen = new Map<string, Followed>();
      for (const path of filesOf(journal)) {
        const piece = pieceOf(path, known);
        if (piece === null || seen.has(piece.key)) continue;
        seen.set(piece.key, piece.followed);
        for (const record of recordsInText(piece.text)) take(record);
      }
      known = new Map([...stillKnown(known, seen), ...seen]);
      forget();
    },
    get count() {
      return count;
    },
    from: (number) => texts.slice(Math.max(0, number - (count - texts.length))),
    writers,
  };
}

/** One that is rotated between two looks of a round has no name in it, and is no new one in the next. */
function* stillKnown(known: Known, seen: Known): Generator<readonly [string, Followed]> {
  for (const [key, followed] of known)
    if (!seen.has(key) && followed.missed < 3) yield [key, { ...followed, missed: followed.missed + 1 }];
}

/** The current one last. */
function filesOf(journal: string): string[] {
  try {
    return [...rotatedIn(dirname(journal)), journal];
  } catch {
    return [journal];
  }
}

interface Piece {
  readonly key: string;
  readonly followed: Followed;
  /** Whole lines. */
  readonly text: string;
}

/** What is new in a file. Null: it is none. */
function pieceOf(path: string, known: Known): Piece | null {
  try {
    const there = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    const before = there === undefined ? undefined : known.get(keyOf(there));
    // Nearly always nothing is new, and then nothing is opened.
    if (there !== undefined && before?.size === Number(there.size))
      return { key: keyOf(there), followed: { ...before, missed: 0 }, text: "" };
    const file = openForReading(path);
    if (file === null) return null;
    try {
      return pieceIn(file, known);
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

function pieceIn(file: number, known: Known): Piece {
  const stat = fstatSync(file, { bigint: true });
  const [key, size] = [keyOf(stat), Number(stat.size)];
  const before = known.get(key);
  // One that has become shorter was emptied: it begins anew.
  const offset = before === undefined || size < before.size ? 0 : before.offset;
  const bytes = Buffer.alloc(Math.min(size - offset, longestPiece));
  // One character a byte: what we write is ASCII, and what others wrote may be cut anywhere.
  const text = bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, size - bytes.length));
  const end = endOf(text);
  return { key, followed: { offset: size - (text.length - end), size, missed: 0 }, text: text.slice(0, end) };
}

/** Numbers of files that were removed are given again: the time of its birth tells them apart. */
function keyOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** Behind the last whole line; a record whose end of line has not come, or never will, counts as one. */
function endOf(text: string): number {
  const end = text.lastIndexOf("\n") + 1;
  return recordsInText(text.slice(end)).length > 0 ? text.length : end;
}
