// A provider's statecharts as text: for a page, a picture viewer, or Stately's tools.
import { type ChartName, chartOf, drawn } from "../../machines/chart.ts";
import type { Grant } from "../../providers/provider.ts";
import { definition } from "./definition.ts";
import { mermaid } from "./mermaid.ts";

export const machineFormats = ["mermaid", "svg", "json"] as const;

export type MachineFormat = (typeof machineFormats)[number];

/**
 * An account's life, or one of the charts inside it. Mermaid's language, an SVG file, or JSON as Stately's tools read it; ends
 * with a line break. @param grants of the provider, preferred first
 */
export async function machineAs(
  format: MachineFormat,
  chart: ChartName,
  grants: readonly [Grant, ...Grant[]],
): Promise<string> {
  const machine = chartOf(chart, grants);
  if (format === "mermaid") return mermaid(drawn(machine));
  if (format === "json") return definition(machine);
  const { pictureOf, standalone } = await import("./picture.ts");
  return standalone(pictureOf(chart, grants));
}
