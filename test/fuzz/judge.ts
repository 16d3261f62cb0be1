// What is asked of every case, whatever it is about: only our own errors are thrown, nothing is said that nobody may know,
// the work and the answer keep within their bounds, nothing is printed, and no prototype is another one afterwards.
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { AuthError } from "../../machines/errors.ts";
import { Secret } from "../../runtime/secret.ts";
import { everythingOf } from "../support/canary.ts";
import { type Work, workDone } from "./disk.ts";
import { markIn } from "./marks.ts";

/** What a target made of an input. */
export interface Made {
  /** What the program has in its hands then, and might print. */
  readonly outcome: unknown;
  /** Parts of it that are shown to people by design; in a mutant a secret may have got into them by the mutation. */
  readonly open?: readonly unknown[];
}

/** The most that may be done for one input. */
export interface Bounds {
  /** Files opened. */
  readonly opened: number;
  /** Bytes read, for each byte of the input, and besides. */
  readonly readBytes: readonly [perByte: number, besides: number];
  /** Files written, renamed or removed. */
  readonly changed: number;
  /** Characters and members of the outcome, for each byte of the input, and besides. */
  readonly answer: readonly [perByte: number, besides: number];
}

export interface Case {
  readonly kind: "structured" | "bytes";
  /** Bytes of the input. */
  readonly size: number;
  readonly bounds: Bounds;
}

/** @throws what did not hold. */
export function judge({ kind, size, bounds }: Case, make: () => Made): Made | AuthError {
  workDone();
  const made = attempted(make);
  const work = workDone();
  const outcome = made instanceof AuthError ? made : made.outcome;
  const open = made instanceof AuthError ? [] : (made.open ?? []);
  holdsNoMark(kind, outcome, open);
  holdsBounds(size, bounds, work, outcome);
  assert.deepEqual(prototypes(), untouched, "a prototype has other members than before");
  return made;
}

function attempted(make: () => Made): Made | AuthError {
  try {
    return make();
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error instanceof assert.AssertionError ? error : new Error(`It threw ${inspect(error)}`, { cause: error });
  }
}

function holdsNoMark(kind: Case["kind"], outcome: unknown, open: readonly unknown[]): void {
  // By the mutation itself a secret may stand where things are shown.
  if (kind === "bytes" && open.some((part) => markIn(everythingOf(part)) !== null)) return;
  const found = markIn(everythingOf(outcome));
  assert.equal(found, null, `a secret is shown: ${String(found)}`);
}

function holdsBounds(size: number, bounds: Bounds, work: Work, outcome: unknown): void {
  const within = (count: number, [perByte, besides]: readonly [number, number], what: string): void => {
    const most = perByte * size + besides;
    assert.ok(count <= most, `${count} ${what} for an input of ${size} bytes, at most ${most}`);
  };
  within(work.opened, [0, bounds.opened], "files opened");
  within(work.readBytes, bounds.readBytes, "bytes read");
  within(work.changed, [0, bounds.changed], "files changed");
  within(weightOf(outcome), bounds.answer, "characters and members answered");
}

/** How much there is in a value: the characters of its texts, and one for everything else. */
function weightOf(value: unknown): number {
  let weight = 0;
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const one = rest.pop();
    weight += typeof one === "string" ? one.length : 1;
    if (one instanceof Error) rest.push(one.message);
    if (one instanceof Secret || typeof one !== "object" || one === null) continue;
    for (const [name, member] of Object.entries(one)) rest.push(name, member);
  }
  return weight;
}

const watched = { Object, Array, Function, String, Number, Map, Set, Promise, Error, RegExp };

/** What can be polluted, member by member. */
function prototypes(): Readonly<Record<string, number>> {
  const sizes = Object.entries(watched).map(([name, of]) => [name, Reflect.ownKeys(of.prototype).length]);
  return Object.fromEntries([
    ...sizes,
    ["polluted", ["polluted", "x", "a"].filter((name) => name in {}).length],
  ]) as Record<string, number>;
}

const untouched = prototypes();

const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write.bind(stream) }));

/** Hears what is printed while `run` is under way: nothing is expected. */
export function unheard<Value>(run: () => Value): { readonly value: Value; readonly printed: string } {
  const printed: string[] = [];
  for (const { stream } of streams)
    stream.write = (chunk: string | Uint8Array) => {
      printed.push(String(chunk));
      return true;
    };
  try {
    return { value: run(), printed: printed.join("") };
  } finally {
    for (const { stream, write } of streams) stream.write = write;
  }
}
