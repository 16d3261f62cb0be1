// The results as a table on standard output: one line a part, and under it what did not hold.
import type { Size, Verdict } from "./part.ts";

export interface Row {
  readonly part: string;
  readonly size: Size;
  readonly seed: number;
  readonly seconds: number;
  readonly verdict: Verdict;
}

export function table(rows: readonly Row[]): string {
  const lines = [
    ["part", "size", "seed", "s", "result", "figures"],
    ...rows.map(({ part, size, seed, seconds, verdict }) => [
      part,
      sizeText(size),
      String(seed),
      seconds.toFixed(0),
      verdict.broken.length === 0 ? "held" : "BROKEN",
      Object.entries(verdict.figures)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const broken = rows.flatMap(({ part, verdict }) => verdict.broken.map((sentence) => `${part}: ${sentence}`));
  return [...text, ...(broken.length === 0 ? [] : ["", "What did not hold:", ...broken])].join("\n");
}

export const sizeText = (size: Size): string =>
  Object.entries(size)
    .map(([name, value]) => `${name} ${value}`)
    .join(" ");
