// A statechart as data for Stately's tools: its configuration with the names of guards, actions and effects, and without what
// is code.
import type { Chart } from "../../machines/chart.ts";

/** JSON text, ends with a line break. */
export function definition({ config }: Chart): string {
  return `${JSON.stringify(config, (_, value: unknown) => (typeof value === "function" ? undefined : value), 2)}\n`;
}
