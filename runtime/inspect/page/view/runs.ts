// Which processes run, or ran, a chart of an account, and where each of them stands. Pure.
//
// Only the journal tells what a process does; whether it is still there is told by the server, and for a moment of the past
// by nobody.
import type { Move } from "../../move.ts";
import type { Step } from "../../record.ts";
import type { Numbered } from "./seen.ts";

export interface Run {
  readonly pid: number;
  /** `refresh`: the protocol, of which the steps tell. */
  readonly chart: Move["machine"] | "refresh";
  readonly value: string;
  readonly isOver: boolean;
  readonly timers: Move["timers"];
  readonly taken: readonly string[];
  /** Its last line, and when that was written (epoch milliseconds). */
  readonly by: Numbered;
  readonly at: number;
  /** Null: nobody can tell. */
  readonly isThere: boolean | null;
}

/** The state of the refresh protocol of which a step is the mark. */
const protocol: Partial<Readonly<Record<Step, string>>> = {
  permitted: "permitted",
  sealed: "sealed",
  checkpointed: "checkpointed",
  salvaged: "salvaging",
  repeated: "weighing",
  interrupted: "interrupted",
  refused: "refused",
  unanswered: "unanswered",
  withdrawn: "unprocessed",
  putOff: "releasing",
  postponed: "unsealed",
  discarded: "discarding",
  blocked: "blocked",
};

const unended: ReadonlySet<Step> = new Set(["permitted", "sealed", "repeated", "postponed"]);

/** @param records of one account, the oldest first. @param alive null: a moment of the past. @returns the newest first */
export function runsIn(records: Iterable<Numbered>, alive: ReadonlySet<number> | null): Run[] {
  const runs = new Map<string, Run>();
  for (const record of records) {
    const isThere = alive === null ? null : alive.has(record.pid);
    const key = `${record.pid} ${record.move?.actor ?? "refresh"}`;
    const run = runOf(record, isThere, runs.get(key));
    if (run === null) continue;
    runs.delete(key);
    runs.set(key, run);
  }
  return [...runs.values()].reverse();
}

function runOf(by: Numbered, isThere: boolean | null, before: Run | undefined): Run | null {
  const { pid, step, move } = by;
  const at = Date.parse(by.at);
  if (move !== undefined) {
    const { machine: chart, value, timers, taken } = move;
    return { pid, chart, value, isOver: move.status !== "active", timers, taken, by, at, isThere };
  }
  const value = protocol[step];
  if (value === undefined) return null;
  const taken = before === undefined ? [] : [`${before.value}>${value}`];
  return { pid, chart: "refresh", value, isOver: !unended.has(step), timers: [], taken, by, at, isThere };
}

/** Those worth a line: who is there, then who was there last. */
export function shownRuns(runs: readonly Run[], most: number): Run[] {
  const there = runs.filter(({ isThere, isOver }) => isThere !== false && !isOver);
  const others = runs.filter((run) => !there.includes(run));
  return [...there, ...others].slice(0, Math.max(most, Math.min(there.length, 3 * most)));
}
