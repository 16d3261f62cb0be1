// Whether a page may be opened in a browser here: only where a person is likely to see it, and never where that was forbidden.
// And the opening itself, which is never fatal: the address was printed before, to be copied.
import type { Surrounding } from "../runtime/index.ts";
import type { Flags } from "./options.ts";
import type { Context } from "./session.ts";
import { isCi, isOn, isTerminal, type Io } from "./terminal.ts";

/**
 * Says so where nobody would see it.
 * @param around where this runs
 * @param elsewhere whose browsers reach it
 */
export function mayOpen(
  { io, flags, output }: Context,
  around: readonly Surrounding[],
  elsewhere: "on any machine" | "of this machine",
): boolean {
  const named = flags.browser ?? io.environment["BROWSER"] ?? "";
  if (isBrowserOff(io, flags) || (named === "" && (!isTerminal(io) || isCi(io)))) return false;
  // Without one, an opener starts a browser for terminals, unseen.
  const isUnseen = named === "" && around.some(({ name }) => name === "no-display");
  if (isUnseen) output.say(`There is no display here: open the address in a browser ${elsewhere}.`);
  return !isUnseen;
}

/** Where it may be opened. */
export async function openPage({ host, output }: Context, url: string): Promise<void> {
  try {
    await (await host()).openBrowser(url);
    output.say("The browser was asked to open it.");
  } catch {
    output.say("No browser could be opened: open the address yourself.");
  }
}

/** Whether addresses are printed only. */
function isBrowserOff({ environment }: Io, flags: Flags): boolean {
  return flags["no-browser"] === true || isOn(environment["NO_BROWSER"]);
}
