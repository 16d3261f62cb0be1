// A line of the shell, split as a person means it: blanks separate, quotes hold together, nothing is expanded.

export function wordsOf(line: string): string[] {
  const words = line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g);
  return [...words].map(([, double, single, bare]) => double ?? single ?? bare ?? "");
}
