// Draws a statechart: Graphviz lays it out once, here; whoever shows it needs no more than the picture. Colours come from
// where it is shown, and every state and arrow has an id, so that it can be lit.
import { instance } from "@viz-js/viz";
import type { DrawnChart, DrawnState } from "../../machines/chart.ts";
import { arrowsOf } from "../../runtime/inspect/labels.ts";

const viz = await instance();

/** SVG text with ids `n:<path>` for states and `e:<source>><target>` for arrows. */
export function picture(chart: DrawnChart): string {
  return laidOut(dot(chart, full));
}

/** The same at a glance: narrow enough to be read without scrolling, since the texts at the arrows are given no room. */
export function glance(chart: DrawnChart): string {
  return laidOut(dot(chart, close));
}

interface Layout {
  readonly graph: string;
  readonly node: string;
  readonly edge: string;
  /** What Graphviz calls a text at an arrow: `xlabel` is put where there happens to be room. */
  readonly label: "label" | "xlabel";
}

const full: Layout = {
  graph: `nodesep=0.28; ranksep=0.5; fontsize=12;`,
  node: `fontsize=12, height=0.36, margin="0.14,0.05"`,
  edge: "fontsize=9, arrowsize=0.6",
  label: "label",
};

const close: Layout = {
  graph: `nodesep=0.3; ranksep=0.65; fontsize=16;`,
  node: `fontsize=16, height=0.45, margin="0.14,0.05"`,
  edge: "fontsize=14, arrowsize=0.8",
  label: "xlabel",
};

function laidOut(text: string): string {
  const svg = viz.renderString(text, { format: "svg", engine: "dot" });
  return svg
    .slice(svg.indexOf("<svg"))
    .replaceAll(/<!--[\s\S]*?-->\n?/g, "")
    .replaceAll(/<title>[^<]*<\/title>\n?/g, "")
    .replaceAll(/<polygon fill="white"[^>]*\/>\n?/g, "")
    .replaceAll(/ (?:fill|stroke)="(?:black|none|white|lightgrey)"/g, "")
    .replaceAll(/ font-family="[^"]*"/g, "")
    .replaceAll(/<g id="graph0" class="graph"/g, "<g")
    .replace(/<svg width="[^"]*" height="[^"]*"/, "<svg")
    .replaceAll(/(\d+\.\d)\d+/g, "$1")
    .trim();
}

function dot({ states, transitions }: DrawnChart, layout: Layout): string {
  const arrows = arrowsOf(transitions);
  const anywhere = arrows.some(({ source }) => source === "");
  return `digraph {
compound=true; rankdir=TB; pad=0.2; fontname="Helvetica"; ${layout.graph}
node [shape=box, style=rounded, fontname="Helvetica", ${layout.node}];
edge [fontname="Helvetica", ${layout.edge}];
${anywhere ? `"" [label="any state", id="n:", class="state anywhere"];` : ""}
${inside("", states)}
${arrows.map((arrow) => edge(arrow, states, layout)).join("\n")}
}`;
}

function inside(parent: string, states: readonly DrawnState[]): string {
  const own = states.filter((state) => state.parent === parent);
  return own
    .map(({ path, kind, isInitial }) => {
      const label = path.split(".").at(-1) ?? path;
      const classes = `state ${kind}${isInitial ? " initial" : ""}`;
      if (kind !== "compound") {
        const shape = kind === "final" ? ", peripheries=2" : "";
        return `${quoted(path)} [label=${quoted(label)}, id=${quoted(`n:${path}`)}, class=${quoted(classes)}${shape}];`;
      }
      return `subgraph ${quoted(`cluster ${path}`)} { label=${quoted(label)}; style=rounded; id=${quoted(`n:${path}`)}; class=${quoted(classes)};
${inside(path, states)}
}`;
    })
    .join("\n");
}

function edge(
  { source, target, labels }: ReturnType<typeof arrowsOf>[number],
  states: readonly DrawnState[],
  { label }: Layout,
): string {
  const [from, to] = [leafOf(source, states), leafOf(target, states)];
  const ends = [
    ...(from === source ? [] : [`ltail=${quoted(`cluster ${source}`)}`]),
    ...(to === target ? [] : [`lhead=${quoted(`cluster ${target}`)}`]),
  ];
  const parts = [
    `id=${quoted(`e:${source}>${target}`)}`,
    `class="arrow"`,
    `${label}=${quoted(labels.join("\\n"))}`,
    ...ends,
  ];
  return `${quoted(from)} -> ${quoted(to)} [${parts.join(", ")}];`;
}

/** Arrows go between states without children: the first one stands for the state around it. */
function leafOf(path: string, states: readonly DrawnState[]): string {
  const child = states.find((state) => state.isInitial && state.path.startsWith(`${path}.`) && path !== "");
  return child === undefined ? path : leafOf(child.path, states);
}

const quoted = (text: string): string => `"${text.replaceAll('"', '\\"')}"`;
