// How the work of a parser grows with its input, counted and not timed: how often each block of our code ran, and how many
// characters were handed to what is built in (texts, patterns, JSON, addresses, bytes).
import { Session } from "node:inspector/promises";

export interface Counter {
  /** Steps and characters of one run. */
  readonly of: (run: () => unknown) => Promise<number>;
  readonly close: () => void;
}

const handed = { characters: 0 };

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** Has a method tell how many characters it looked at. */
function counting(
  owner: object,
  name: PropertyKey,
  looked: (self: unknown, given: readonly unknown[], result: unknown, from: number) => number,
): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const original = descriptor?.value as Method | undefined;
  if (descriptor === undefined || typeof original !== "function") throw new Error(`there is no ${String(name)}`);
  const counted: Method = function (...given) {
    const from = this instanceof RegExp && (this.global || this.sticky) ? this.lastIndex : 0;
    const result = original.apply(this, given);
    handed.characters += looked(this, given, result, from);
    return result;
  };
  Object.defineProperty(owner, name, { ...descriptor, value: counted });
  return () => void Object.defineProperty(owner, name, descriptor);
}

const lengthOf = (value: unknown): number => (typeof value === "string" ? value.length : 0);
/** All of it. */
const whole = (self: unknown, [first]: readonly unknown[]): number => lengthOf(self) + lengthOf(first);
/** What came out. */
const taken = (_: unknown, __: readonly unknown[], result: unknown): number => lengthOf(result);
/** As far as was looked. */
const sought = (self: unknown, [, from = 0]: readonly unknown[], at: unknown): number =>
  ((at as number) < 0 ? lengthOf(self) : (at as number)) - (from as number);
/** From where it was to where the pattern was found, or to the end. What a pattern does in between is not seen. */
const matched = (_: unknown, [text]: readonly unknown[], found: unknown, from: number): number => {
  const match = found as RegExpExecArray | null;
  return (match === null || match === undefined ? lengthOf(text) : match.index + match[0].length) - from;
};

const wholeTexts = [
  "replaceAll",
  "replace",
  "split",
  "trim",
  "normalize",
  "includes",
  "lastIndexOf",
  "toLowerCase",
] as const;

/** Counts while it is open; nothing else may go on meanwhile. */
export async function openCounter(): Promise<Counter> {
  const undo = [
    ...wholeTexts.map((name) => counting(String.prototype, name, whole)),
    counting(String.prototype, "slice", taken),
    counting(String.prototype, "indexOf", sought),
    counting(RegExp.prototype, "exec", matched),
    counting(JSON, "parse", whole),
    counting(URL, "canParse", whole),
    counting(Buffer, "from", whole),
    counting(globalThis, "decodeURIComponent", whole),
  ];
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return {
    of: async (run) => {
      await session.post("Profiler.takePreciseCoverage");
      handed.characters = 0;
      run();
      const { characters } = handed;
      const { result } = await session.post("Profiler.takePreciseCoverage");
      const steps = result
        .filter(({ url }) => /\/(runtime|machines|providers)\//.test(url))
        .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)))
        .reduce((sum, count) => sum + count, 0);
      return steps + characters;
    },
    close: () => {
      session.disconnect();
      for (const back of undo) back();
    },
  };
}
