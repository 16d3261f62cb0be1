// What may stand where on a command line, for the scripts that complete it: taken from the tables that `--help` is printed
// from, so that nothing has to be remembered twice. Loads every command; runs none, and reads neither settings nor tokens.
import { type Command, commands, type Listed, verbs } from "../commands/index.ts";
import { valueNames } from "../help.ts";
import { globalOptions, options, type OwnOption } from "../options.ts";

export interface Word {
  readonly word: string;
  readonly says: string;
}

/** What may stand at one place. */
export type Slot =
  | { readonly kind: "words"; readonly words: readonly Word[] }
  | { readonly kind: "file" | "folder" | "program" | "anything" };

export interface CompletedOption {
  /** With its hyphens. */
  readonly name: string;
  readonly says: string;
  /** Null: it takes none. */
  readonly value: Slot | null;
}

export interface Place {
  /** `start`; a command; `provider`, after the name of one; `provider` and a verb. */
  readonly name: string;
  /** Its own, besides the global ones. */
  readonly options: readonly CompletedOption[];
  /** What follows, one after the other. */
  readonly slots: readonly Slot[];
  /** What follows `--` is the command line of another program. */
  readonly isCarrier: boolean;
}

export interface Vocabulary {
  readonly places: readonly Place[];
  /** Names of the places that are commands of their own. */
  readonly commands: readonly string[];
  /** Options that every place takes. */
  readonly everywhere: readonly CompletedOption[];
  /** Names of the options, of any place, behind which a value follows. */
  readonly valued: readonly string[];
}

const anything: Slot = { kind: "anything" };

export async function vocabulary(): Promise<Vocabulary> {
  const { chartNames, providers } = await import("../../runtime/index.ts");
  const known: Known = {
    providers: Object.values(providers).map(({ name, title }) => ({ word: name, says: title })),
    charts: chartNames.map((word) => ({ word, says: "" })),
  };
  const alone = Object.entries(commands);
  const after = Object.entries(verbs).filter(([name]) => name !== "use");
  const { use } = verbs;
  if (use === undefined) throw new TypeError("the bare name of a provider is a command");
  const places = [
    {
      name: "start",
      options: [],
      slots: [{ kind: "words", words: [...wordsOf(alone), ...known.providers] } as const],
      isCarrier: false,
    },
    {
      name: "provider",
      options: ownOf(await use.load(), known),
      slots: [{ kind: "words", words: wordsOf(after) } as const],
      isCarrier: false,
    },
    ...(await Promise.all(alone.map(([name, listed]) => placeOf(name, listed, 1, known)))),
    ...(await Promise.all(after.map(([name, listed]) => placeOf(`provider ${name}`, listed, 2, known)))),
  ];
  return {
    places,
    commands: alone.map(([name]) => name),
    everywhere: Object.keys(globalOptions).map((name) => optionOf(name as keyof typeof options, known)),
    valued: Object.entries(options).flatMap(([name, { type }]) => (type === "string" ? [`--${name}`] : [])),
  };
}

interface Known {
  readonly providers: readonly Word[];
  readonly charts: readonly Word[];
}

function wordsOf(listed: readonly (readonly [string, Listed])[]): Word[] {
  return listed.map(([word, { says }]) => ({ word, says }));
}

/** @param named how many words of the form say which command it is */
async function placeOf(name: string, listed: Listed, named: number, known: Known): Promise<Place> {
  const words = listed.form.split(" ").slice(named);
  const end = words.indexOf("--");
  const slots = words.slice(0, end < 0 ? words.length : end).map((word) => slotOf(word, known));
  const command = await listed.load();
  return { name, options: ownOf(command, known), slots, isCarrier: command.isCarrier ?? false };
}

/** `<p>`, `[CHART]`, `save|list|delete`, `FILE|-`: capitals stand for something, small letters for themselves. */
function slotOf(form: string, { providers, charts }: Known): Slot {
  const choices = form.replaceAll(/[[\]<>…]/g, "").split("|");
  if (choices.includes("p")) return { kind: "words", words: providers };
  if (choices.includes("CHART")) return { kind: "words", words: charts };
  if (choices.includes("FILE")) return { kind: "file" };
  if (choices.includes("DIR")) return { kind: "folder" };
  if (choices.includes("CMD")) return { kind: "program" };
  const words = choices.filter((choice) => /^[a-z][\w-]*$/.test(choice)).map((word) => ({ word, says: "" }));
  return words.length > 0 ? { kind: "words", words } : anything;
}

function ownOf({ accepts = [], choices = {} }: Command, known: Known): CompletedOption[] {
  return accepts.map((name) => optionOf(name, known, choices[name]));
}

function optionOf(name: keyof typeof options, known: Known, narrowed?: readonly string[]): CompletedOption {
  const option: { readonly type: string; readonly describe: string; readonly choices?: readonly string[] } =
    options[name];
  const choices = narrowed ?? option.choices;
  const value: Slot =
    choices === undefined
      ? slotOf(name === ("provider" satisfies OwnOption) ? "<p>" : (valueNames[name] ?? "NAME"), known)
      : { kind: "words", words: choices.map((word) => ({ word, says: "" })) };
  return { name: `--${name}`, says: option.describe, value: option.type === "string" ? value : null };
}
