// Whether a page may be opened in a browser here: only where a person is likely to see it, and never where that was forbidden.
import type { Surrounding } from "../runtime/index.ts";
import type { Flags } from "./options.ts";
import { isCi, isOn, isTerminal, type Io } from "./terminal.ts";

/** `none`: nobody asks for it, or it was forbidden; `unseen`: there is no display to show it on. */
export type Opening = "none" | "unseen" | "open";

/** @param around where this runs */
export function openingIn(io: Io, flags: Flags, around: readonly Surrounding[]): Opening {
  const named = flags.browser ?? io.environment["BROWSER"] ?? "";
  if (isBrowserOff(io, flags) || (named === "" && (!isTerminal(io) || isCi(io)))) return "none";
  // Without one, an opener starts a browser for terminals, unseen.
  return named === "" && around.some(({ name }) => name === "no-display") ? "unseen" : "open";
}

/** Whether addresses are printed only. */
function isBrowserOff({ environment }: Io, flags: Flags): boolean {
  return flags["no-browser"] === true || isOn(environment["NO_BROWSER"]);
}
