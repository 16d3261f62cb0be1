// Numbers in options: plain decimals and nothing else. `80abc`, `0x50`, `1e3` and an empty text are mistakes, not numbers.
import { usage } from "./dispatch.ts";
import type { Flags } from "./options.ts";

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

/** What `--port` says; null: it was not given. @throws AuthError `usage` */
export async function portGiven({ port }: Flags): Promise<number | null> {
  const found = port === undefined ? null : portIn(port);
  if (port !== undefined && found === null) throw await usage("--port takes a number from 1 to 65535");
  return found;
}

/** What an option says in seconds, as milliseconds; null: it was not given. @throws AuthError `usage` */
export async function msGiven(flags: Flags, name: "timeout" | "min-ttl", least: 0 | 1): Promise<number | null> {
  const text = flags[name];
  const ms = text === undefined ? null : secondsIn(text, least);
  if (text !== undefined && ms === null)
    throw await usage(`--${name} takes whole seconds${least === 0 ? "" : `, at least ${least}`}`);
  return ms;
}
