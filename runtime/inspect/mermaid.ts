// A statechart in Mermaid's language (stateDiagram-v2), which GitHub and many editors draw.
import type { DrawnChart, DrawnState } from "../../machines/chart.ts";
import { arrowsOf } from "./labels.ts";

/** Ends with a line break. */
export function mermaid({ states, transitions }: DrawnChart): string {
  const lines = ["stateDiagram-v2", ...inside("", states, 1)];
  const anywhere = transitions.some(({ source, target }) => source === "" && target !== null);
  if (anywhere) lines.push('    state "any state" as any');
  for (const { source, target, labels } of arrowsOf(transitions)) {
    const text = labels.length === 0 ? "" : `: ${labels.join(" / ")}`;
    lines.push(`    ${source === "" ? "any" : idOf(source)} --> ${idOf(target)}${text}`);
  }
  return `${lines.join("\n")}\n`;
}

/** A state's children, those with children of their own around them. */
function inside(parent: string, states: readonly DrawnState[], depth: number): string[] {
  const indent = "    ".repeat(depth);
  const own = states.filter((state) => state.parent === parent);
  return own.flatMap(({ path, kind, isInitial }) => {
    const id = idOf(path);
    const lines = isInitial ? [`${indent}[*] --> ${id}`] : [];
    // A name inside another state is shown without the names around it.
    if (parent !== "") lines.push(`${indent}state "${path.slice(parent.length + 1)}" as ${id}`);
    if (kind === "final") lines.push(`${indent}${id} --> [*]`);
    if (kind === "compound") lines.push(`${indent}state ${id} {`, ...inside(path, states, depth + 1), `${indent}}`);
    return lines;
  });
}

const idOf = (path: string): string => path.replaceAll(".", "_");
