// Numbers in files that stand for moments, whoever wrote them. As epoch milliseconds, or null: no time that a clock will ever
// show.

/** ECMA-262 21.4.1.1: no date is later. */
export const lastMoment = 8.64e15;

/** @param at epoch milliseconds */
export function aMoment(at: number): number | null {
  return at >= 0 && at <= lastMoment ? at : null;
}

/**
 * Unix seconds by the format; files made by hand, and those of some vendors' tools, hold milliseconds, and no token of our
 * days ended in 1970.
 */
export function momentOf(value: number): number | null {
  return value > 0 ? aMoment(value > 1e12 ? value : value * 1000) : null;
}
