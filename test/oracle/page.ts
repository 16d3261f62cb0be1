// docs/oracle.md, from the table of differences: `node --conditions=development test/oracle/page.ts` writes it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Subject } from "./subject.ts";
import { subjects } from "./subjects.ts";

export const path = join(import.meta.dirname, "../../docs/oracle.md");

const cell = (text: string): string => text.replaceAll("|", "\\|");

const kinds = {
  stricter: "stricter than the standard asks",
  vendors: "as vendors do it",
  purpose: "not needed here",
} as const;

function section({ name, between: [ours, theirs], runs, differences }: Subject): string {
  const compared = `Ours: \`${ours}\`. Theirs: ${theirs.includes(" ") ? theirs : `\`${theirs}\``}. ${runs} inputs.`;
  const rows = differences.map((one) => `| ${cell(one.name)} | ${kinds[one.kind]} | ${cell(one.why)} |\n`);
  const table =
    rows.length === 0 ? "No difference.\n" : `| what differs | how | why |\n|---|---|---|\n${rows.join("")}`;
  return `## ${name}\n\n${compared}\n\n${table}`;
}

export const page = (): string => `# Where our judgement is not the standard's

What servers and browsers say is judged by functions of our own, because a login must outlive more than a standard knows.
\`npm test\` asks \`oauth4webapi\`, a strict client of the OAuth working group's documents, about the same inputs, generated anew
every time: both have to come to the same verdict, with the same tokens, codes and times in it. Where they do not, one of the
differences below has to explain it: without what it names, they agree. A difference that is not listed fails the
test, and so does one that is listed and never met.

${subjects.map(section).join("\n")}`;

if (process.argv[1] === import.meta.filename) writeFileSync(path, page());
