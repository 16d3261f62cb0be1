// Which lines of the journal are listed: pure, the newest first, so that what happens now is seen without scrolling.
import { keyOf, type Numbered } from "./seen.ts";
import { codeIn, whatOf } from "./words.ts";

export type Kind = "all" | "steps" | "transitions" | "errors";

export interface Sift {
  readonly text: string;
  /** Empty: any. */
  readonly provider: string;
  /** Empty: any. */
  readonly pid: string;
  readonly kind: Kind;
  /** Of the account that is looked at alone. */
  readonly isOwn: boolean;
}

export const everything: Sift = { text: "", provider: "", pid: "", kind: "all", isOwn: false };

const kinds: Readonly<Record<Kind, (record: Numbered) => boolean>> = {
  all: () => true,
  steps: ({ step }) => step !== "moved",
  transitions: ({ step }) => step === "moved",
  errors: ({ code, move }) => code != null || codeIn(move?.event) !== null,
};

/** @param key of the account that is looked at. @returns the newest first */
export function sifted(records: readonly Numbered[], sift: Sift, key: string | null): Numbered[] {
  const words = wordsIn(sift.text);
  const found: Numbered[] = [];
  for (let index = records.length - 1; index >= 0; index -= 1) {
    const record = records[index];
    if (record !== undefined && isMeant(record, sift, key) && words.every((word) => textOf(record).includes(word)))
      found.push(record);
  }
  return found;
}

function isMeant(record: Numbered, { provider, pid, kind, isOwn }: Sift, key: string | null): boolean {
  if (provider !== "" && record.provider !== provider) return false;
  if (pid !== "" && String(record.pid) !== pid) return false;
  return kinds[kind](record) && (!isOwn || keyOf(record) === key);
}

/** What somebody typed, taken apart: each word has to be there. */
export function wordsIn(text: string): string[] {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
}

const texts = new WeakMap<Numbered, string>();

/** All that can be looked for, once made and kept. */
function textOf(record: Numbered): string {
  const known = texts.get(record);
  if (known !== undefined) return known;
  const { head, text, code } = whatOf(record);
  const { step, provider, account, pid, word } = record;
  const made = [step, provider, account, pid, head, text, code, word].filter((part) => part != null).join(" ");
  texts.set(record, made.toLowerCase());
  return made.toLowerCase();
}

/** The values that can be chosen from, as they occur. */
export function choicesIn(records: readonly Numbered[]): { readonly providers: string[]; readonly pids: string[] } {
  const pids = [...new Set(records.map(({ pid }) => pid))].reverse().slice(0, 100);
  return { providers: [...new Set(records.map(({ provider }) => provider))].toSorted(), pids: pids.map(String) };
}
