// Under which name a statechart's picture is kept. Apart from the pictures and the charts themselves, so that a page in a
// browser can ask for one without bringing either along.
import type { ChartName } from "../../machines/chart.ts";
import type { Grant } from "../../providers/provider.ts";

export const grantNames = ["loopback", "paste", "device"] as const satisfies readonly Grant[];

/** An account's life looks the same for the same grants, whatever their order. */
export function pictureName(chart: ChartName, grants: readonly Grant[]): string {
  return chart === "account" ? `account ${grantNames.filter((grant) => grants.includes(grant)).join(" ")}` : chart;
}

/** The same chart with large states close together; what stands at its arrows is to be shown for a few of them at a time. */
export function glanceName(chart: ChartName, grants: readonly Grant[]): string {
  return `glance ${pictureName(chart, grants)}`;
}
