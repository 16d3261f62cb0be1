// `npm run states`: writes docs/states.md, the table of every state and every event, from the explored charts.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AnyStateNode } from "xstate";
import { charts } from "./charts.ts";
import { at, explorationOf } from "./explore.ts";

const page = fileURLToPath(new URL("../../docs/states.md", import.meta.url));

const titles: Readonly<Record<string, string>> = {
  credential: "An account's life",
  loopback: "Signing in by loopback redirect",
  paste: "Signing in by pasted code",
  device: "Signing in by device code",
  refresh: "The refresh protocol",
};

/** A state and those that it is in, the outermost first. */
function chainOf(chart: string, path: string): AnyStateNode[] {
  let node = (charts[chart] as (typeof charts)[string]).root;
  const chain: AnyStateNode[] = [];
  for (const name of path.split(".")) {
    node = node.states[name] as AnyStateNode;
    chain.push(node);
  }
  return chain;
}

/** The event as people say it: an effect ends, or breaks. */
function spoken(type: string): string {
  const [, how, id] = /^xstate\.(done|error)\.actor\.(.*)$/.exec(type) ?? [];
  return id === undefined ? `\`${type}\`` : `${id} ${how === "done" ? "ends" : "breaks"}`;
}

interface Row {
  readonly leads: string[];
  readonly ignored: string[];
}

/** What every event does in a state, in whatever else the machine remembers there. */
function answers(chart: string, state: string): Row {
  const targets = new Map<string, Set<string>>();
  const changing = new Set<string>();
  for (const { from, event, to } of explorationOf(chart).ways) {
    if (at(from) !== state) continue;
    const known = targets.get(event.type) ?? new Set();
    targets.set(event.type, known.add(at(to)));
    if (to !== from) changing.add(event.type);
  }
  const row: Row = { leads: [], ignored: [] };
  for (const [type, reached] of [...targets].sort(([one], [other]) => one.localeCompare(other, "en"))) {
    if (!changing.has(type)) {
      row.ignored.push(spoken(type));
      continue;
    }
    const names = [...reached].sort().map((name) => (name === state ? "stays" : name));
    row.leads.push(`${spoken(type)} → ${names.join(", ")}`);
  }
  return row;
}

function deadlineOf(chain: readonly AnyStateNode[]): string {
  const alarms = chain.flatMap(({ invoke }) => invoke.filter(({ src }) => src === "alarm").map(({ id }) => id));
  return alarms.length === 0 ? "-" : alarms.map((id) => `\`${id}\``).join(", ");
}

function tableOf(chart: string): string {
  const { states } = explorationOf(chart);
  const names = [...new Set([...states.keys()].map(at))];
  const rows = names.map((name) => {
    const chain = chainOf(chart, name);
    const { leads, ignored } = answers(chart, name);
    const cells = [
      `\`${name}\``,
      chain.map(({ description }) => description ?? "").join(" "),
      chain.flatMap(({ tags }) => tags).join(", ") || "-",
      deadlineOf(chain),
      leads.join("<br>") || "-",
      ignored.join(", ") || "-",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const head = "| state | what it is | tags | rings | leads on | changes nothing |\n|---|---|---|---|---|---|";
  return `## ${titles[chart] ?? chart}\n\n${head}\n${rows.join("\n")}\n`;
}

/** The page as the charts have it now. */
export function statesPage(): string {
  const found = Object.keys(charts).map((chart) => {
    const { states, ways } = explorationOf(chart);
    return `- ${chart}: ${states.size} states, ${ways.length} ways`;
  });
  return `# Every state and every event

Found by exploring the charts, not by drawing them: each state that can be reached was given each event, and each end of each
effect that is under way there. Written by \`npm run states\`; a test fails when it is out of date. The pictures are in
[docs/machines](machines/README.md), and what is checked on top of this is in [the harness](harness.md).

Explored were, of states with what the machine remembers in them and of the ways between them:

${found.join("\n")}

An event that is not in a row is one that this chart does not name. "Stays" means that the machine remembers something else
afterwards. What rings has its moment in the machine's memory, and it is an absolute one.

${Object.keys(charts).map(tableOf).join("\n")}`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(page, statesPage());
