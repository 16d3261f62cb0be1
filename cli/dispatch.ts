// From words to a command: `<p> login` and `status <p>` alike. A word that is none is answered with the nearest that is.
import type { Line } from "./arguments.ts";
import { type Command, commands, type Listed, menu, verbs } from "./commands/index.ts";
import { globalOptions } from "./options.ts";

/** What a command line asks for. */
export interface Choice {
  readonly listed: Listed;
  readonly command: Command;
  /** Lower case; empty: none. */
  readonly provider: string;
  readonly words: readonly string[];
}

/** @throws AuthError `usage` for a verb that there is not */
export async function choose(words: Line["words"]): Promise<Choice> {
  const [first, second, ...rest] = words;
  if (first === undefined) return { listed: menu, command: await menu.load(), provider: "", words: [] };
  const name = first.toLowerCase();
  const own = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (own !== undefined) {
    const isAbout = second !== undefined && /^\w+ [<[]p[\]>]/.test(own.form);
    const provider = isAbout ? second.toLowerCase() : "";
    return { listed: own, command: await own.load(), provider, words: isAbout ? rest : words.slice(1) };
  }
  if (Object.hasOwn(verbs, name)) throw await swapped(name, second?.toLowerCase());
  const verb = second?.toLowerCase() ?? "use";
  const listed = Object.hasOwn(verbs, verb) && (verb !== "use" || second === undefined) ? verbs[verb] : undefined;
  if (listed === undefined) {
    const other = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
    if (other !== undefined) throw await usage(`the command comes first: \`llxprt-auth ${other.form}\``);
    const known = Object.keys(verbs).filter((one) => one !== "use");
    throw await noSuch(JSON.stringify(verb), verb, known);
  }
  return { listed, command: await listed.load(), provider: name, words: rest };
}

/** Other programs take the command first. */
async function swapped(verb: string, provider = ""): Promise<Error> {
  const { AuthError } = await import("../runtime/index.ts");
  if (!/^[a-z]\w*$/.test(provider)) return await usage(`the provider comes first: \`llxprt-auth <p> ${verb}\``);
  return new AuthError("provider_first", { provider, detail: verb });
}

/** What is wrong with the line for this command; null: nothing. */
export function mistakeIn({ listed, command, words }: Choice, { given, behind, flags }: Line): string | null {
  const { accepts = [], choices = {}, words: most = 0, isCarrier = false } = command;
  // As `--home "$NOT_SET"`: what is meant is surely not the usual home.
  if (flags.home === "") return "--home needs a value";
  if (isCarrier) {
    const isSeparate = behind !== null && behind.length > 0 && words.length === behind.length;
    if (!isSeparate) return `a provider, \`--\`, then the command to run: \`llxprt-auth ${listed.form}\``;
  } else if (words.length > most)
    return `\`llxprt-auth ${listed.form}\` takes nothing more; ${JSON.stringify(words[most])} is too much`;
  const allowed = new Set<string>([...Object.keys(globalOptions), ...accepts]);
  const foreign = given.find((option) => !allowed.has(option));
  if (foreign !== undefined) return `\`llxprt-auth ${listed.form}\` has no option --${foreign}`;
  for (const [option, known] of Object.entries(choices)) {
    const value = flags[option as keyof typeof choices];
    if (value !== undefined && !known.includes(String(value))) return `--${option} must be one of ${known.join(", ")}`;
  }
  return null;
}

/** ` (did you mean …?)` when something is near enough. */
export async function hint(word: string, known: readonly string[]): Promise<string> {
  const { closest, distance } = await import("fastest-levenshtein");
  const nearest = closest(word, known);
  return distance(word, nearest) <= 2 ? ` (did you mean ${nearest}?)` : "";
}

/** That a word is none of those that are known. @param what the word as it is told */
export async function noSuch(what: string, word: string, known: readonly string[]): Promise<Error> {
  return usage(`there is no ${what}${await hint(word, known)}; there are ${known.join(", ")}`);
}

/** @param known names of the providers that there are @param words what else may have been meant */
export async function noSuchProvider(
  name: string,
  known: readonly string[],
  words: readonly string[] = [],
): Promise<Error> {
  const { AuthError } = await import("../runtime/index.ts");
  const meant = await hint(name.toLowerCase(), [...known, ...words]);
  return new AuthError("unknown_provider", {
    detail: `${JSON.stringify(name)}${meant}; known are ${known.join(", ")}`,
  });
}

export async function usage(detail: string): Promise<Error> {
  const { AuthError } = await import("../runtime/index.ts");
  return new AuthError("usage", { detail });
}
