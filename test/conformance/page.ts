// docs/conformance.md, from the rules as they are declared and what became of their tests.
import type { Declared } from "./rule.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** The parts of the page that tell which rule is tested how. */
export function titles(declared: readonly Declared[]): string[] {
  return declared.map(({ id, source, says, holds, refuses, also }) => {
    const shown = [
      `holds: ${holds.join("; ")}`,
      `refuses: ${refuses.join("; ")}`,
      ...also.map(({ file }) => `also \`${file}\``),
    ];
    return `| ${id} | ${cell(source)} | ${cell(says)} | ${cell(shown.join("<br>"))} |`;
  });
}

/** The whole page. @param failed ids of the rules one of whose tests failed */
export function page(declared: readonly Declared[], failed: ReadonlySet<string>, when: string): string {
  const rows = titles(declared).map((title, index) => {
    const { id } = declared[index] as Declared;
    return `${title} ${failed.has(id) ? "**fails**" : "passes"} |\n`;
  });
  return `# Conformance

${declared.length} rules: those that bind a native public client of OAuth 2.0, and the threats against one. Each of them
has tests that it holds and tests that its breach is refused. Written by \`npm run conformance\` on ${when}; the tests run with
\`npm test\`. Letters: P proof key, A authorization request, R redirect and callback, M mix-up, K token endpoint, F refreshing,
D device grant, I issuer metadata, V revocation, T threats. “Draft 2.1” is the draft of OAuth 2.1, a work in progress.

| rule | source | says | shown by | result |
|---|---|---|---|---|
${rows.join("")}`;
}
