// The files of docs/machines/, from the charts: for each provider and each chart inside its own a picture, a definition for
// Stately's tools, and a page with the same in Mermaid's language.
import type { ChartName } from "../../machines/chart.ts";
import { chartOf, drawn } from "../../machines/chart.ts";
import { providers } from "../../providers/index.ts";
import type { Grant, Provider } from "../../providers/provider.ts";
import { machineAs } from "../../runtime/inspect/machine.ts";
import { standalone } from "../../runtime/inspect/picture.ts";
import { picture } from "./picture.ts";

interface Page {
  readonly name: string;
  readonly title: string;
  readonly chart: ChartName;
  readonly grants: readonly [Grant, ...Grant[]];
}

const inside: Readonly<Record<Exclude<ChartName, "account">, string>> = {
  loopback: "Signing in by loopback redirect",
  paste: "Signing in by pasted code",
  device: "Signing in by device code",
  refresh: "The refresh protocol",
};

const pages: readonly Page[] = [
  ...Object.values(providers as Readonly<Record<string, Provider>>).map(({ name, grants }): Page => {
    const [first = "loopback", ...others] = grants;
    return { name, title: `An account of ${name}`, chart: "account", grants: [first, ...others] };
  }),
  ...Object.entries(inside).map(([name, title]): Page => ({
    name,
    title,
    chart: name as ChartName,
    grants: ["loopback"],
  })),
];

/** Names and contents. */
export async function machinePages(): Promise<Map<string, string>> {
  const files = new Map<string, string>([["README.md", index()]]);
  for (const page of pages) {
    const { name, chart, grants } = page;
    files.set(`${name}.svg`, standalone(picture(drawn(chartOf(chart, grants)))));
    files.set(`${name}.json`, await machineAs("json", chart, grants));
    files.set(`${name}.md`, text(page, await machineAs("mermaid", chart, grants)));
  }
  return files;
}

function index(): string {
  const rows = pages.map(
    ({ name, title }) => `- [${title}](${name}.md): [picture](${name}.svg), [definition](${name}.json)\n`,
  );
  return `# The statecharts

Drawn from the code by \`npm run pictures\`; \`llxprt-auth machine <p> --format mermaid|svg|json\` prints the same. While an account
is signed in to, the chart of that way of signing in runs inside it. The refresh protocol is followed step by step and runs
in no actor; [its own page](../refresh-protocol.md) says why.

${rows.join("")}`;
}

function text({ name, title, chart, grants }: Page, drawing: string): string {
  const states = drawn(chartOf(chart, grants)).states.map(
    ({ path, description, effects }) =>
      `| \`${path}\` | ${description} | ${effects.map((effect) => `\`${effect}\``).join(", ")} |\n`,
  );
  return `# ${title}

Drawn from the code. [All charts](README.md), [picture](${name}.svg), [definition for Stately's tools](${name}.json).

\`\`\`mermaid
${drawing}\`\`\`

| state | what is true there | effects under way |
|---|---|---|
${states.join("")}`;
}
