// A table of figures, and how it looks in a page.

export interface Table {
  readonly title: string;
  /** How it was measured. */
  readonly says: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Markdown, ends with a line break. */
export function tableText({ title, says, head, rows }: Table): string {
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [`## ${title}`, "", says, "", line(head), line(rule), ...rows.map(line), ""].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
