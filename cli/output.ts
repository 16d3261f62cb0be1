// What is printed, and where: data on standard output, talk on standard error.
//
// A line that is rewritten while something waits lives on a terminal only, and gives way to whatever else is said. Colour
// only where the stream is a terminal and NO_COLOR is not set.
import { stripVTControlCharacters, styleText } from "node:util";
import type { Failure } from "./exit-codes.ts";
import { hyperlink, takesHyperlinks } from "./hyperlink.ts";
import type { Io } from "./terminal.ts";

type Style = Parameters<typeof styleText>[0];

export interface Output {
  /** Data: text that ends in a line break. */
  readonly data: (text: string) => void;
  /** Data as JSON, on one line. */
  readonly json: (value: object) => void;
  /** Data as it comes, a piece at a time. */
  readonly piece: (text: string) => void;
  /** Talk. */
  readonly say: (text: string) => void;
  /** The line that is rewritten; null: none any more. Nothing at all without a terminal. */
  readonly waiting: (text: string | null) => void;
  /** The same text, styled for standard error. */
  readonly style: (style: Style, text: string) => string;
  /** An address for standard error: bare, or where the terminal takes it as something to click. */
  readonly link: (address: string) => string;
  /** The same text, styled for standard output. */
  readonly styleData: (style: Style, text: string) => string;
}

export function createOutput({ stdout, stderr, environment }: Io): Output {
  let shown: string | null = null;
  const clear = "\r\u001B[K";
  const rewrite = (text: string): void => {
    if (stderr.isTTY) stderr.write(clear + text.slice(0, (stderr.columns || 80) - 1));
  };
  return {
    data: (text) => {
      stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    },
    json: (value) => {
      stdout.write(`${JSON.stringify(value)}\n`);
    },
    piece: (text) => {
      stdout.write(text);
    },
    say: (text) => {
      if (shown !== null && stderr.isTTY) stderr.write(clear);
      stderr.write(`${stderr.isTTY ? wrapped(text, stderr.columns || 80) : text}\n`);
      if (shown !== null) rewrite(shown);
    },
    waiting: (text) => {
      if (text === null) {
        if (shown !== null && stderr.isTTY) stderr.write(clear);
        shown = null;
        return;
      }
      shown = text;
      rewrite(text);
    },
    style: (style, text) => styleText(style, text, { stream: stderr }),
    link: (address) => (stderr.isTTY && takesHyperlinks(environment) ? hyperlink(address) : address),
    styleData: (style, text) => styleText(style, text, { stream: stdout }),
  };
}

/** A command of ours in a sentence: to its end where it is in quotes, and else to the end of the sentence. */
const commands = /`[^`]*`|llxprt-auth .*/g;
const held = "\u0000";

/** Long sentences broken between words. Addresses and commands are to be copied, so they are left alone. */
function wrapped(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text);
  if (plain.length <= columns || plain.startsWith("Next: ") || /:\/\/|\n/.test(text)) return text;
  const lines: string[] = [];
  for (const word of text.replace(commands, (command) => command.replaceAll(" ", held)).split(" ")) {
    const longer = `${lines.at(-1) ?? ""} ${word}`;
    if (lines.length === 0) lines.push(word);
    else if (stripVTControlCharacters(longer).length <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join("\n").replaceAll(held, " ");
}

/** Says that something failed: as JSON on standard output, or in two lines on standard error. */
export function report(output: Output, { code, message, next }: Omit<Failure, "exitCode">, json: boolean): void {
  output.waiting(null);
  if (json) {
    output.json({ schema: 1, error: { code, message, next } });
    return;
  }
  output.say(`${output.style("red", "Error:")} ${message}${/[.!?]$/.test(message) ? "" : "."}`);
  if (next !== null) output.say(`Next: ${output.style("bold", next)}`);
}

/** A command to go on with: it has to find the home that was named for the one before. */
export function inHome(command: string, { home }: { readonly home?: string | undefined }): string {
  const isOurs = command.startsWith("llxprt-auth ");
  return isOurs && home !== undefined && home !== "" ? `${command} --home ${shellWord(home)}` : command;
}

/** A word that a shell takes as it is, quoted where it has to be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text);
}

/** A text in the quotes of a POSIX shell: nothing in it means anything. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A sentence as it goes on after a colon. */
export function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
