// The pages of the documentation, and how to read a table, a code block or a command line out of one.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Paths from the root. */
export const pages: readonly string[] = globSync(["*.md", "docs/**/*.md"], { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .toSorted();

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** One row of a table: its cells under the names of the columns. */
export type Row = Readonly<Record<string, string>>;

/** Every table of a page. */
export function tables(text: string): Row[][] {
  const found: string[][] = [];
  let previous = "";
  for (const line of prose(text).split("\n")) {
    if (line.startsWith("|")) {
      if (!previous.startsWith("|")) found.push([]);
      found.at(-1)?.push(line);
    }
    previous = line;
  }
  return found.map(([head = "", _rule, ...rows]) => {
    const names = cells(head);
    return rows.map((row) => Object.fromEntries(cells(row).map((cell, index) => [names[index] ?? "", cell])));
  });
}

/** The tables whose columns begin with these names, as one. */
export function rowsUnder(text: string, ...names: readonly string[]): Row[] {
  return tables(text)
    .filter(([first = {}]) => names.every((name, index) => Object.keys(first)[index] === name))
    .flat();
}

function cells(line: string): string[] {
  return line
    .replace(/^\|/, "")
    .replace(/\|\s*$/, "")
    .split("|")
    .map((cell) => cell.trim());
}

/** What stands in backticks. */
export function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
}

/** Code blocks in this language. An indented block loses its indentation. */
export function blocks(text: string, ...languages: readonly string[]): string[] {
  return [...text.matchAll(/^( *)```(\w+)\n([\s\S]*?)^ *```$/gm)]
    .filter(([, , language = ""]) => languages.includes(language))
    .map(([, indent = "", , content = ""]) => content.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
}

/** The page without its code blocks. */
export function prose(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
}

/** Every command line of `llxprt-auth`, from blocks and from backticks, as words. */
export function commandLines(text: string): string[][] {
  const lines = [...blocks(text, "sh").flatMap((block) => block.split("\n")), ...quoted(prose(text))];
  return lines.flatMap((line) => {
    const [, rest] = /(?:^|[\s(])llxprt-auth(?![\w./-])([^|)]*)/.exec(line) ?? [];
    return rest === undefined ? [] : [wordsOf(rest)];
  });
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}
