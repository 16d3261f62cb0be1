// What a target of the fuzz is: one parser or one file, what is thrown at it, what is done with it, and within which bounds.
// A new parser is one more of these.
import * as fc from "fast-check";
import { AuthError } from "../../machines/errors.ts";
import type { Ground } from "./disk.ts";
import { type Bounds, judge, type Made } from "./judge.ts";

export type Kind = "structured" | "bytes";

export interface Rules<Input> {
  readonly name: string;
  /** How many cases it gets, beside others. */
  readonly share: number;
  /** Valid shapes with hostile members, and valid inputs with other bytes. */
  readonly inputs: Readonly<Record<Kind, fc.Arbitrary<Input>>>;
  /** Bytes. */
  readonly sizeOf: (input: Input) => number;
  /** Does what the program does with such an input. */
  readonly make: (input: Input, ground: Ground) => Made;
  /** What else must be so; `made` is an error of ours where it ended in one. */
  readonly check?: (input: Input, made: Made | AuthError, ground: Ground) => void;
  readonly bounds?: Partial<Bounds>;
}

export interface Target {
  readonly name: string;
  readonly share: number;
  /** How the cases so far ended, in a word each: a fuzz in which everything ends alike tries nothing. */
  readonly endings: Map<string, number>;
  /** A case, judged. @throws what did not hold */
  readonly property: (kind: Kind, ground: Ground) => fc.IPropertyWithHooks<[unknown]>;
}

/** Of a parser that touches no file and answers with no more than it was given. */
const ofParsers: Bounds = { opened: 0, readBytes: [0, 0], changed: 0, answer: [2, 2_000] };

export function target<Input>({ name, share, inputs, sizeOf, make, check, bounds }: Rules<Input>): Target {
  const endings = new Map<string, number>();
  return {
    name,
    share,
    endings,
    property: (kind, ground) =>
      fc.property<[unknown]>(inputs[kind], (given) => {
        const input = given as Input;
        const made = judge({ kind, size: sizeOf(input), bounds: { ...ofParsers, ...bounds } }, () =>
          make(input, ground),
        );
        check?.(input, made, ground);
        const word = wordOf(made);
        endings.set(word, (endings.get(word) ?? 0) + 1);
      }),
  };
}

function wordOf(made: Made | AuthError): string {
  if (made instanceof AuthError) return made.code;
  const { outcome } = made;
  if (typeof outcome !== "object" || outcome === null) return outcome === null ? "nothing" : typeof outcome;
  return "kind" in outcome ? String(outcome.kind) : "something";
}
