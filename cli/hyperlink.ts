// An address that can be clicked although the terminal breaks it into lines (OSC 8).
//
// What is seen and copied stays the bare address. A terminal that does not know the sequence might show it, so only
// those that are known to take it get one; the table follows the package supports-hyperlinks.
import { isOn } from "./terminal.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Terminals by `TERM_PROGRAM`, and the first version that takes it. */
const programs: Readonly<Record<string, readonly number[]>> = {
  "iTerm.app": [3, 1],
  WezTerm: [20_200_620],
  vscode: [1, 72],
  ghostty: [0],
  zed: [0],
  WarpTerminal: [0],
  Hyper: [2],
};

const names: ReadonlySet<string> = new Set(["alacritty", "foot", "foot-extra", "xterm-kitty", "xterm-ghostty"]);

/** Whether a terminal with this environment takes a hyperlink. `FORCE_HYPERLINK` has the last word. */
export function takesHyperlinks(environment: Environment): boolean {
  const { FORCE_HYPERLINK, NO_COLOR, TERM = "", TERM_PROGRAM = "", TMUX, STY, VTE_VERSION, WT_SESSION } = environment;
  if (FORCE_HYPERLINK !== undefined) return isOn(FORCE_HYPERLINK);
  if (isSet(NO_COLOR) || TERM === "dumb") return false;
  // The variables of the terminal outside shine through, and what is inside may know less.
  if (isSet(TMUX) || isSet(STY) || /^(?:tmux|screen)/.test(TERM)) return false;
  const since = programs[TERM_PROGRAM];
  if (since !== undefined) return isSince(environment["TERM_PROGRAM_VERSION"] ?? "", since);
  // 0.50 has it, and crashes on it.
  if (isSet(VTE_VERSION)) return Number(VTE_VERSION) > 5000;
  return isSet(WT_SESSION) || names.has(TERM);
}

/** The address, with itself as its target. */
export function hyperlink(address: string): string {
  if (!/^[\x21-\x7e]+$/.test(address)) return address;
  // With an id the pieces of a broken line are one link.
  return `\u001B]8;id=llxprt-auth;${address}\u001B\\${address}\u001B]8;;\u001B\\`;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}

function isSince(version: string, since: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  for (const [index, least] of since.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
