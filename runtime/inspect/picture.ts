// A statechart as a picture. The layout was made when the program was built (`npm run pictures`), so that showing one needs
// no more than this: it has an id for each state and arrow, and takes its colours from where it is shown.
import { type ChartName, chartNames } from "../../machines/chart.ts";
import type { Grant } from "../../providers/provider.ts";
import { glanceName, grantNames, pictureName } from "./picture-name.ts";
import pictures from "./pictures.json" with { type: "json" };

/** Every picture that can be asked for. */
export function allPictures(): { readonly chart: ChartName; readonly grants: readonly [Grant, ...Grant[]] }[] {
  const [a, b, c] = grantNames;
  const sets: readonly (readonly [Grant, ...Grant[]])[] = [[a], [b], [c], [a, b], [a, c], [b, c], [a, b, c]];
  return [
    ...sets.map((grants) => ({ chart: "account", grants }) as const),
    ...chartNames.filter((chart) => chart !== "account").map((chart) => ({ chart, grants: grantNames })),
  ];
}

/** SVG without colours; ids are `n:<path>` for states and `e:<source>><target>` for arrows. */
export function pictureOf(chart: ChartName, grants: readonly Grant[]): string {
  return (pictures as Readonly<Record<string, string>>)[pictureName(chart, grants)] ?? "";
}

const style = `<style>
  svg { color-scheme: light dark; color: light-dark(#1f2328, #d7dde4); background: light-dark(#ffffff, #14181d); }
  text { font-family: Helvetica, Arial, sans-serif; fill: currentColor; }
  path, polygon, polyline { fill: none; stroke: currentColor; }
  .arrow { opacity: 0.75; }
  .arrow polygon { fill: currentColor; }
  .initial path { stroke-width: 2; }
</style>`;

/** The chart at a glance; it has the same ids. */
export function glanceOf(chart: ChartName, grants: readonly Grant[]): string {
  return (pictures as Readonly<Record<string, string>>)[glanceName(chart, grants)] ?? "";
}

/** The same with colours of its own, for a file: dark where the viewer is. */
export function standalone(svg: string): string {
  return `${svg.replace(/(<svg[^>]*>)/, `$1\n${style}`)}\n`;
}
