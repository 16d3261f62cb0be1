// From argv to words and options. Knows the vocabulary, not the commands: what the words mean is decided elsewhere.
import { type Flags, options } from "./options.ts";

/** A command line, taken apart. */
export interface Line {
  readonly words: readonly string[];
  /** Those of the words that follow `--`, as they were given; null: there is no `--`. */
  readonly behind: readonly string[] | null;
  readonly flags: Flags;
  /** Names of the options that were given. */
  readonly given: readonly string[];
}

/** @returns the line, or what is wrong with it as a sentence without its end */
export async function parseLine(argv: readonly string[]): Promise<Line | string> {
  const { default: yargs } = await import("yargs");
  // Without the folder it asks for the current one, which need not be there any more, and reads nothing in either.
  const parser = yargs([], "/")
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "duplicate-arguments-array": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "short-option-groups": false,
    })
    .locale("en")
    .help(false)
    .version(false)
    .exitProcess(false)
    .options(options)
    .strictOptions()
    .fail(false);
  try {
    const line = withPaste(argv);
    const end = line.indexOf("--");
    const behind = end < 0 ? null : line.slice(end + 1);
    const { _: found, $0: _name, ...flags } = await parser.parseAsync(end < 0 ? line : line.slice(0, end));
    const words = [...found.map(String), ...(behind ?? [])];
    const isPrefixed = ["auth", "/auth"].includes(words[0]?.toLowerCase() ?? "");
    return {
      words: isPrefixed ? words.slice(1) : words,
      behind,
      flags: flags as unknown as Flags,
      given: Object.entries(flags).flatMap(([name, value]) => (value === undefined || name === "h" ? [] : [name])),
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return sentence(error.message);
  }
}

/**
 * A code may begin with a hyphen. What follows `complete` and is none of our options is what was pasted: it goes behind
 * `--`, where nothing is an option, and no message about options repeats it.
 */
function withPaste(argv: readonly string[]): string[] {
  const verb = argv.findIndex((word) => word.toLowerCase() === "complete");
  const at = verb < 0 ? -1 : argv.findIndex((word, index) => index > verb && word.length > 1 && isForeign(word));
  const paste = argv[at];
  return paste === undefined || argv.includes("--") ? [...argv] : [...argv.toSpliced(at, 1), "--", paste];
}

function isForeign(word: string): boolean {
  const name = /^--?([\w-]+?)(?:=.*)?$/s.exec(word)?.[1];
  return word.startsWith("-") && (name === undefined || (name !== "h" && !Object.hasOwn(options, name)));
}

/** Whether JSON was asked for, on a line that could not be taken apart. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes("--json");
}

// The parser's own messages take several lines, and one of them repeats the value.
function sentence(message: string): string {
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1];
  if (unknown !== undefined) return `there is no option --${unknown.split(", ").join(" and no --")}`;
  const missing = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (missing !== undefined) return `--${missing} needs a value`;
  const [, name, choices] = /Argument: (\S+), Given: .*?, Choices: (.*)$/s.exec(message) ?? [];
  if (name !== undefined && choices !== undefined) return `--${name} must be one of ${choices.replaceAll('"', "")}`;
  return message.split("\n")[0]?.trim() ?? message;
}
