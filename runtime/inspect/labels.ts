// What stands at an arrow of a statechart, in every kind of drawing.
import type { DrawnTransition } from "../../machines/chart.ts";

/** Its event and, in brackets, its guard: `token.demanded [isDue]`. An effect's end is told by the name of the effect. */
export function labelOf({ event, guard }: Pick<DrawnTransition, "event" | "guard">): string {
  const words = event
    .replace(/^xstate\.done\.actor\.(.+)$/, "$1 ended")
    .replace(/^xstate\.error\.actor\.(.+)$/, "$1 broke");
  return [words, ...(guard === null ? [] : [`[${guard}]`])].filter((word) => word !== "").join(" ");
}

/** An arrow: everything that leads from one state to another. */
export interface Arrow {
  /** A state's path; empty: from any state. */
  readonly source: string;
  readonly target: string;
  readonly labels: readonly string[];
}

/** The transitions that lead somewhere, those with the same ends together, in their order. */
export function arrowsOf(transitions: readonly DrawnTransition[]): Arrow[] {
  const leading = transitions.flatMap((one) => (one.target === null ? [] : [{ ...one, target: one.target }]));
  return [...Map.groupBy(leading, ({ source, target }) => `${source}>${target}`).values()].map((same) => {
    const [{ source, target } = { source: "", target: "" }] = same;
    return { source, target, labels: [...new Set(same.map(labelOf))].filter((label) => label !== "") };
  });
}
