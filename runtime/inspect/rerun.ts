// A journal played again, line by line: what was done, what the statecharts of today would have done, and how long each
// timer then had to go. The clock is that of the lines; nothing runs, waits or is asked.
import { readFileSync, statSync } from "node:fs";
import { AuthError } from "../../machines/errors.ts";
import type { Grant } from "../../providers/provider.ts";
import { errnoOf } from "../store/trust.ts";
import { printable } from "../wire/text.ts";
import { recordsInText } from "./lines.ts";
import type { JournalRecord } from "./record.ts";
import { isMove, replay, type Replayed, runOf } from "./replay.ts";

/** A transition, or one of the other steps of the journal. */
export interface Rerun {
  readonly record: JournalRecord;
  /** Where the chart was before; null: it began here, or this is no transition. */
  readonly from: string | null;
  /** Where the chart of today comes to; null: it was not asked, or this is no transition. */
  readonly today: string | null;
  /** It decides otherwise. */
  readonly differs: boolean;
  /** It was not played: its beginning is not in the file, or its way had parted before. */
  readonly isSkipped: boolean;
}

export interface Rerunning {
  readonly lines: readonly Rerun[];
  readonly differing: number;
  readonly skipped: number;
  /** Lines of the file that are no records. */
  readonly unread: number;
}

/** @param grantsOf of a provider, preferred first; null: not known here */
export function rerun(text: string, grantsOf: (provider: string) => readonly Grant[] | null): Rerunning {
  const records = recordsInText(text);
  const played = new Map<JournalRecord, Replayed>();
  for (const one of replay(records, grantsOf)) played.set(one.record, one);
  const stood = new Map<string, string>();
  const lines = records.map((record): Rerun => {
    if (!isMove(record)) return { record, from: null, today: null, differs: false, isSkipped: false };
    const { move } = record;
    const chart = runOf(record);
    const from = move.event.type === "xstate.init" ? null : (stood.get(chart) ?? null);
    stood.set(chart, move.value);
    const { value = null, differs = false } = played.get(record) ?? {};
    return { record, from, today: value, differs, isSkipped: value === null && !differs };
  });
  const written = text.split("\n").filter((line) => line.trim() !== "").length;
  return {
    lines,
    differing: lines.filter(({ differs }) => differs).length,
    skipped: lines.filter(({ isSkipped }) => isSkipped).length,
    unread: Math.max(0, written - records.length),
  };
}

const largest = 64 * 1024 * 1024;

/** A journal that somebody sent. @throws AuthError `usage` when it cannot be read */
export function journalText(path: string): string {
  const wrong = (why: string): AuthError =>
    new AuthError("usage", { detail: `no journal can be read from ${printable(path, 200)} (${why})` });
  try {
    if (statSync(path).size > largest) throw wrong("too large");
    return readFileSync(path, "utf8");
  } catch (error) {
    throw error instanceof AuthError ? error : wrong(errnoOf(error));
  }
}
