// Numbers in options: plain decimals and nothing else. `80abc`, `0x50`, `1e3` and an empty text are mistakes, not numbers.

/** @returns the port, or null when the text is none */
export function portIn(text: string): number | null {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}

/** @returns whole seconds as milliseconds, or null when the text is no such number */
export function secondsIn(text: string, least: number): number | null {
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  return seconds >= least ? seconds * 1000 : null;
}
