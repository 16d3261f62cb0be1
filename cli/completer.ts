// What Tab offers at the end of a line of the shell: its own words, and behind `/auth` what the command line takes there, from
// the same tables as the completion of bash, zsh and fish. Reads nothing, and asks nobody.
import type { CompletedOption, Place, Slot, Vocabulary } from "./completion/vocabulary.ts";

/** What Node's readline wants: what may stand there, and what of it has been typed. */
export type Completion = [readonly string[], string];

export interface Known {
  readonly vocabulary: Vocabulary;
  /** Those of the person's own included. */
  readonly providers: readonly string[];
  /** By the name of an action: what may follow it. */
  readonly actions: Readonly<Record<string, readonly string[]>>;
}

export function completed(line: string, known: Known): Completion {
  const words = line.split(/\s+/);
  const typed = words.pop() ?? "";
  const offered = offers(words, typed, known).filter((word) => word.startsWith(typed));
  return [offered.map((word) => `${word} `), typed];
}

function offers([action, ...words]: readonly string[], typed: string, known: Known): readonly string[] {
  if (action === undefined) return Object.keys(known.actions).map((name) => `/${name}`);
  if (action.toLowerCase() === "/auth") return behindAuth(words, typed, known);
  return words.length === 0 ? (known.actions[action.slice(1).toLowerCase()] ?? []) : [];
}

function behindAuth(words: readonly string[], typed: string, known: Known): readonly string[] {
  const { vocabulary, providers } = known;
  // What is another program's is not ours to complete.
  if (words.includes("--")) return [];
  const isValue = (index: number): boolean => vocabulary.valued.includes(words[index] ?? "");
  const plain = words.filter((word, index) => !word.startsWith("-") && !isValue(index - 1));
  const place = placeOf(plain, known);
  if (place === null) return [];
  const options = [...place.options, ...vocabulary.everywhere];
  if (isValue(words.length - 1)) return wordsOf(valueOf(options, words.at(-1)), known);
  if (typed.startsWith("-")) return options.map(({ name }) => name);
  const named = place.name === "start" ? 0 : place.name.startsWith("provider ") ? 2 : 1;
  const offered = wordsOf(place.slots[plain.length - named], known);
  return place.name === "start" ? [...new Set([...offered, ...providers])] : offered;
}

function placeOf([first, second]: readonly string[], { vocabulary, providers }: Known): Place | null {
  const named = (name: string): Place | null => vocabulary.places.find((place) => place.name === name) ?? null;
  if (first === undefined) return named("start");
  const name = first.toLowerCase();
  if (!providers.includes(name)) return name === "provider" ? null : named(name);
  return named(second === undefined ? "provider" : `provider ${second.toLowerCase()}`);
}

function valueOf(options: readonly CompletedOption[], name: string | undefined): Slot | null {
  return options.find((option) => option.name === name)?.value ?? null;
}

/** Where those that ship may stand, a person's own may as well. */
function wordsOf(slot: Slot | null | undefined, { providers }: Known): readonly string[] {
  if (slot?.kind !== "words") return [];
  const words = slot.words.map(({ word }) => word);
  return words.length > 0 && words.every((word) => providers.includes(word)) ? providers : words;
}
