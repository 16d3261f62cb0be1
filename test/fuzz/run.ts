// Throws cases at targets: so many, or until a time. What breaks is shrunk to its smallest form and told with its seed.
import * as fc from "fast-check";
import { createGround } from "./disk.ts";
import { unheard } from "./judge.ts";
import type { Kind, Target } from "./target.ts";

export interface Broken {
  readonly target: string;
  readonly kind: Kind;
  /** What it was, as small as it could be made, and how to see it again. */
  readonly says: string;
}

const kinds: readonly Kind[] = ["structured", "bytes"];

/** One batch of cases of one kind; null: all held. */
export function batch(target: Target, kind: Kind, seed: number, cases: number): Broken | null {
  using ground = createGround();
  const { value, printed } = unheard(() => fc.check(target.property(kind, ground), { seed, numRuns: cases }));
  if (!value.failed)
    return printed === "" ? null : { target: target.name, kind, says: `seed ${seed}: it printed ${printed}` };
  const { errorInstance, counterexample, counterexamplePath } = value;
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return {
    target: target.name,
    kind,
    says: `${why.slice(0, 3_000)}\nseed ${seed}, path ${counterexamplePath}, ${shown(counterexample)}`,
  };
}

/** An input as one can read it and put it into a test. */
function shown(input: unknown): string {
  const text = JSON.stringify(input, (_, value: unknown) => {
    const one = value as {
      readonly type?: unknown;
      readonly data?: readonly number[];
      readonly grants?: unknown;
      readonly name?: string;
    } | null;
    if (one?.grants !== undefined) return one.name;
    return one?.type === "Buffer" ? Buffer.from(one.data ?? []).toString("latin1") : value;
  });
  return text.length > 5_000 ? `${text.slice(0, 5_000)}…` : text;
}

export interface Fuzzed {
  readonly cases: number;
  /** By target. */
  readonly counted: ReadonlyMap<string, number>;
  readonly broken: readonly Broken[];
}

/**
 * Goes round the targets, each with its share of so many cases, until there were enough.
 * @param isOver asked before each batch
 */
export function fuzz(
  targets: readonly Target[],
  seed: number,
  round: number,
  isOver: (cases: number) => boolean,
): Fuzzed {
  const shares = targets.reduce((sum, { share }) => sum + share, 0) * kinds.length;
  const counted = new Map<string, number>();
  const broken: Broken[] = [];
  let cases = 0;
  for (let turn = 0; broken.length === 0; turn += 1) {
    for (const target of targets) {
      for (const kind of kinds) {
        if (isOver(cases)) return { cases, counted, broken };
        const size = Math.max(1, Math.round((round * target.share) / shares));
        const found = batch(target, kind, (seed + turn) | 0, size);
        if (found !== null) broken.push(found);
        cases += size;
        counted.set(target.name, (counted.get(target.name) ?? 0) + size);
      }
    }
  }
  return { cases, counted, broken };
}
