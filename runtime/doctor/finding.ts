// What a check has to say: one sentence about one thing, and the one command that helps.
//
// Findings are printed and handed to strangers who are asked for help. So they name variables, files, hosts and numbers, and
// never the value of a variable, nor anything that is in a file.

/** What of the set-up was looked at, and how it is. */
export interface Finding {
  /** `problem`: something will fail because of it. `notice`: good to know when something does. */
  readonly level: "ok" | "notice" | "problem";
  /** Stable, for programs. */
  readonly code: string;
  /** A sentence without its end. */
  readonly message: string;
  /** The file, variable or setting that it is about; null: this machine or program as a whole. */
  readonly about: string | null;
  /** The one command that helps; null: none of ours does. */
  readonly next: string | null;
}

type Make = (code: string, about: string | null, message: string, next?: string | null) => Finding;

const made =
  (level: Finding["level"]): Make =>
  (code, about, message, next = null) => ({
    level,
    code,
    message,
    about,
    next: next === null ? null : `llxprt-auth ${next}`,
  });

export const fine = made("ok");
export const notice = made("notice");
export const problem = made("problem");

/** `one file`, `2 files`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return number === 1 ? `one ${one}` : `${number} ${many}`;
}
