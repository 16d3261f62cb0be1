// A long list of which only what is seen is made: which rows those are, and where to scroll so that one is among them. Pure.

export interface Opening {
  /** How far it is scrolled, and how much of it is seen (px). */
  readonly top: number;
  readonly height: number;
  /** Of each row (px). */
  readonly row: number;
  readonly count: number;
}

/** So many more at each end, for a scroll that is faster than the drawing. */
const spare = 8;

/** From the first to before the last. */
export function rowsIn({ top, height, row, count }: Opening): { readonly first: number; readonly end: number } {
  const first = Math.floor(top / row) - spare;
  const end = Math.ceil((top + height) / row) + spare;
  return { first: Math.max(0, Math.min(first, count)), end: Math.max(0, Math.min(end, count)) };
}

/** Where to scroll to so that a row is seen whole; as it is, if it is seen already. */
export function topFor(index: number, { top, height, row }: Opening): number {
  const start = index * row;
  if (start < top) return start;
  return start + row > top + height ? start + row - height : top;
}

/** The next one on a key's way; null: the key is not meant. */
export function stepBy(key: string, index: number, { height, row, count }: Opening): number | null {
  const page = Math.max(1, Math.floor(height / row) - 1);
  const ways: Readonly<Record<string, number>> = {
    j: index + 1,
    ArrowDown: index + 1,
    k: index - 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1,
  };
  const next = ways[key];
  if (next === undefined || count === 0) return null;
  return Math.max(0, Math.min(count - 1, next));
}
