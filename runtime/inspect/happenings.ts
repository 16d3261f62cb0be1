// Lines of the journal put together to what happened: a refresh is one thing to a person, and three lines to a process.
//
// Pure. A line takes up the earlier ones that it is the end of; what no line has taken up is still open, or its process
// died. The order is that of the file, never that of the clock, which may have been set.
import type { JournalRecord, Step } from "./record.ts";

/** Something that happened, once or many times in a row. */
export interface Happening {
  /** Its last line. */
  readonly record: JournalRecord;
  /** The lines that led to it, the oldest first. */
  readonly parts: readonly JournalRecord[];
  /** Of a run of equal ones, all of them, this one included. */
  readonly run: readonly JournalRecord[];
  /** By so much the clock was set back between the line before it and this one (ms); 0: it was not. */
  readonly setBackMs: number;
}

type Same = (one: JournalRecord, other: JournalRecord) => boolean;

const isSameSignIn: Same = (one, other) => one.signIn !== undefined && one.signIn === other.signIn;
const isSameToken: Same = (one, other) => one.lineage === other.lineage && spent(one) === spent(other);
const isSameLogin: Same = (one, other) => one.lineage === other.lineage;

/** Which earlier lines a line is the end of. */
const ends: Partial<Readonly<Record<Step, { readonly of: readonly Step[]; readonly by: Same }>>> = {
  sealed: { of: ["permitted"], by: isSameToken },
  checkpointed: { of: ["permitted", "sealed", "postponed"], by: isSameToken },
  salvaged: { of: ["permitted", "sealed", "postponed", "checkpointed"], by: isSameToken },
  unanswered: { of: ["permitted"], by: isSameToken },
  repeated: { of: ["permitted", "unanswered"], by: isSameToken },
  withdrawn: { of: ["permitted"], by: isSameToken },
  putOff: { of: ["permitted", "withdrawn", "unanswered"], by: isSameToken },
  refused: { of: ["permitted", "sealed"], by: isSameToken },
  interrupted: { of: ["permitted", "repeated"], by: isSameToken },
  blocked: { of: ["permitted", "sealed"], by: isSameToken },
  signedIn: { of: ["signInBegun", "signInJoined"], by: isSameSignIn },
  signInFailed: { of: ["signInBegun", "signInJoined"], by: isSameSignIn },
  signInCancelled: { of: ["signInBegun", "signInJoined"], by: isSameSignIn },
  revocation: { of: ["loggedOut"], by: isSameLogin },
};

/** The token file then held what came of the generation before. */
const spent = ({ step, generation }: JournalRecord): number | null | undefined =>
  step === "checkpointed" && generation != null ? generation - 1 : generation;

/** What happened to an account. @param records of that account alone, the oldest first */
export function happeningsIn(records: readonly JournalRecord[]): Happening[] {
  const found: Happening[] = [];
  let before: JournalRecord | null = null;
  for (const record of records) {
    const end = ends[record.step];
    const mine = found.filter(
      (one) => end !== undefined && end.of.includes(one.record.step) && end.by(one.record, record),
    );
    for (const one of mine) found.splice(found.indexOf(one), 1);
    const setBackMs = before === null ? 0 : setBack(before, record);
    const parts = mine.flatMap((one) => [...one.parts, one.record]);
    found.push({ record, parts, run: [record], setBackMs: Math.max(setBackMs, ...mine.map((one) => one.setBackMs)) });
    before = record;
  }
  return inRuns(found);
}

/** Processes that write at the same time need not do so in the order of their looks at the clock. */
const toleranceMs = 5_000;

/** By how much the clock was set back from one line to a later one (ms); 0: not at all. */
export function setBack(before: { readonly at: string }, after: { readonly at: string }): number {
  const ms = Date.parse(before.at) - Date.parse(after.at);
  return ms > toleranceMs ? ms : 0;
}

function inRuns(happenings: readonly Happening[]): Happening[] {
  const found: Happening[] = [];
  for (const one of happenings) {
    const last = found.at(-1);
    if (last !== undefined && isSameKind(last, one)) {
      const { setBackMs } = last;
      found[found.length - 1] = { ...one, run: last.run.concat(one.run), setBackMs };
    } else found.push(one);
  }
  return found;
}

/** What is under way is told one by one. */
const single: ReadonlySet<Step> = new Set(["permitted", "sealed", "signInBegun", "repeated", "interrupted", "refused"]);

function isSameKind({ record: one }: Happening, { record: other, setBackMs }: Happening): boolean {
  const isAlike = one.step === other.step && one.code === other.code && one.grant === other.grant;
  return isAlike && one.revocation === other.revocation && setBackMs === 0 && !single.has(one.step);
}
