// Seeded chance: the same seed draws the same schedule, as far as processes on a busy machine keep to one.

export interface Chance {
  /** A number from `from` up to, and without, `to`. */
  between(from: number, to: number): number;
  /** True with this likelihood. */
  is(likelihood: number): boolean;
  /** One of them; undefined when there is none. */
  oneOf<Item>(items: readonly Item[]): Item | undefined;
  shuffled<Item>(items: readonly Item[]): Item[];
}

export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  // mulberry32: 32 bits of state are plenty for a schedule.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    between: (from, to) => from + next() * (to - from),
    is: (likelihood) => next() < likelihood,
    oneOf: (items) => items[Math.floor(next() * items.length)],
    shuffled: (items) =>
      items
        .map((item) => ({ item, at: next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item),
  };
}
