// What a part of the battery is: a name, sizes that can be changed, and a run that ends in figures and broken bounds.

/** Numbers by which a part is sized: `--processes 64`. */
export type Size = Readonly<Record<string, number>>;

export interface Verdict {
  /** What was counted and measured, in the order in which it is to be read. */
  readonly figures: Readonly<Record<string, string | number>>;
  /** Sentences about bounds that did not hold. Empty: all did. */
  readonly broken: readonly string[];
}

export interface Part {
  readonly name: string;
  /** What it is to show, in a few words. */
  readonly shows: string;
  /** Size by default; its members are the only ones that can be set. */
  readonly size: Size;
  /** Size of the short form, for the ordinary test command. */
  readonly brief: Size;
  readonly run: (size: Size, circumstances: Circumstances) => Promise<Verdict>;
}

export interface Circumstances {
  readonly seed: number;
  /** Whether times count as bounds: on a machine that does other things meanwhile they mean nothing. */
  readonly isTimed: boolean;
  /** Told how far it is. */
  readonly say: (line: string) => void;
}

/** A member of a size that is there: sizes are checked before a part runs. */
export function sized(size: Size, name: string): number {
  const value = size[name];
  if (value === undefined) throw new Error(`This part has no size ${name}.`);
  return value;
}

/** Collects bounds: what ought to be so, and the sentence for when it is not. */
export class Bounds {
  readonly broken: string[] = [];

  holds(isSo: boolean, otherwise: string): void {
    if (!isSo) this.broken.push(otherwise);
  }

  /** The usual bound: none of it. */
  none(count: number, what: string): void {
    this.holds(count === 0, `${count} ${what}`);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something is so; false when it has not become so in time. */
export async function became(isSo: () => boolean, withinMs: number, everyMs = 10): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > end) return false;
    await pause(everyMs);
  }
  return true;
}

/** `p50/p99/most` of some durations, in whole milliseconds. */
export function spread(durations: readonly number[]): string {
  if (durations.length === 0) return "-";
  return [0.5, 0.99, 1].map((share) => String(Math.round(quantile(durations, share)))).join("/");
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** `2×code_a 1×code_b`, the most frequent first. */
export function tallied(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const parts = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `${count}×${name}`);
  return parts.length === 0 ? "0" : parts.join(" ");
}
