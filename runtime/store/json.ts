// What is read from a file, before anything is known about it, and how such a thing is written again.
//
// Other programs' members are carried along unseen, so that whatever can be read has to be fit to be written, by programs
// with less of a stack and a limit of their own. Nothing here looks at what a member means.

export type Json = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member of its own. */
export function own(record: Json | null, member: string): unknown {
  return record !== null && Object.hasOwn(record, member) ? record[member] : undefined;
}

/** JSON.parse takes any depth, JSON.stringify some thousands; what programs write for themselves has a dozen. */
const deepest = 500;

/** Whether a value that was read can be written again. */
export function isShallow(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) return false;
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return true;
}

/** Indentation makes that many times as much of it, at most; else it is left out. */
const mostIndented = 8;
const longestIndented = 64 * 1024;

/** The text of a file: indented for people, unless that would fill more than a reader takes. */
export function fileText(value: object): string {
  const plain = JSON.stringify(value);
  const indented = plain.length > longestIndented ? plain : JSON.stringify(value, null, 2);
  return `${indented.length > plain.length * mostIndented ? plain : indented}\n`;
}
