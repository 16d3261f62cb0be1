// `npm run troubles`: writes docs/troubleshooting.md, an entry for every code of the error catalogue under the sentence that
// people see, so that whoever searches for it finds what to do.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue } from "../../machines/catalogue.ts";
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import { root } from "./pages.ts";
import { type Troubles, troubles } from "./troubles.ts";

/** Of the stored login; the others are told by the text, if they matter. */
const afterwards = {
  good: "the login can still be used",
  gone: "the login is over",
  none: null,
  unknown: null,
} as const;

const introduction = `# Troubleshooting

Every error of this program has a code. It is in \`error.code\` of the JSON form (\`--json\`), in \`lastError\` of the status, and in
\`code\` of the library's \`AuthError\`. In the sentences below codex stands for the provider, and … for what differs.

\`llxprt-auth codex explain\` tells how it came to an error of the login, and \`llxprt-auth doctor\` looks for what is wrong with
this machine. What the exit codes mean is in the [guide](guide.md#exit-codes). This page is written by \`npm run troubles\`, from
the catalogue of the program itself.
`;

/** The whole page. */
export function troubleshooting(): string {
  const index = troubles.map(({ title, codes }) => `- ${title}: ${Object.keys(codes).map(linked).join(", ")}`);
  return [introduction, ...index, "", ...troubles.map(section)].join("\n");
}

const linked = (code: string): string => `[\`${code}\`](#${code})`;

function section({ title, says, codes }: Troubles): string {
  const entries = Object.entries(codes) as [ErrorCode, string][];
  return [`## ${title}\n`, ...(says === "" ? [] : [`${says}\n`]), ...entries.map(part)].join("\n");
}

function part([code, text]: readonly [ErrorCode, string]): string {
  const { message, exitCode, next } = new AuthError(code, { provider: "codex", detail: "…" });
  const state = afterwards[catalogue[code].login];
  const facts = [
    `exit code ${exitCode}`,
    ...(state === null ? [] : [state]),
    ...(next === null ? [] : [`next: \`${next.replace("…", "login")}\``]),
  ];
  return `### \`${code}\`\n\n> ${message}.\n\n${text}\n\n${facts.join(" · ")}\n`;
}

if (import.meta.main) writeFileSync(join(root, "docs/troubleshooting.md"), troubleshooting());
