// The shape of an entry in the error catalogue.
import type { exitCodes } from "./exit-codes.ts";

export interface Entry {
  /** What failed. `{provider}`, `{account}` and `{detail}` are filled in. */
  readonly says: string;
  readonly exit: keyof typeof exitCodes;
  /** The one next command, after `llxprt-auth `. Null: nothing to run. */
  readonly next: string | null;
  /** Whether the stored login can still be used afterwards. */
  readonly login: "good" | "gone" | "none" | "unknown";
}

/** An entry, in the order in which it is read. */
export const entry = (
  says: string,
  exit: Entry["exit"],
  next: string | null,
  login: Entry["login"] = "unknown",
): Entry => ({
  says,
  exit,
  next,
  login,
});
