// What a part of the fuzz is: a name, and a run from a seed until its time is up, which ends in figures.

export interface Found {
  /** What was counted, in the order in which it is to be read. */
  readonly figures: Readonly<Record<string, string | number>>;
  /** What did not hold, each with what is needed to see it again. Empty: all did. */
  readonly broken: readonly string[];
}

export interface Part {
  readonly name: string;
  /** What it tries, in a few words. */
  readonly tries: string;
  /**
   * Tries until something breaks, or the time is up.
   * @param seed a whole number of 32 bits: the same seed tries the same things in the same order
   * @param untilMs by `performance.now()`; it may be passed by the length of one batch
   */
  readonly run: (seed: number, untilMs: number) => Promise<Found>;
}
