// A text for the clipboard of the terminal that a person sits at, wherever this runs (OSC 52).
//
// Only on request: it replaces what is there, and not every terminal allows it or says whether it did. Inside of tmux and
// screen the sequence has to be handed through to the terminal outside.

const escape = "\u001B";
const bell = "\u0007";
const end = `${escape}\\`;

/** What GNU screen hands through at once. */
const screenful = 512;

/** The sequence that copies. */
export function copying(text: string, { TMUX, STY }: Readonly<Record<string, string | undefined>>): string {
  const sequence = `${escape}]52;c;${Buffer.from(text, "utf8").toString("base64")}${bell}`;
  if (TMUX !== undefined && TMUX !== "") {
    // The first is for `set-clipboard on`, the second for `allow-passthrough on`: each is ignored without its setting.
    return `${sequence}${escape}Ptmux;${sequence.replaceAll(escape, escape + escape)}${end}`;
  }
  if (STY !== undefined && STY !== "") {
    const pieces = sequence.match(new RegExp(`[^]{1,${screenful}}`, "g")) ?? [];
    return pieces.map((piece) => `${escape}P${piece}${end}`).join("");
  }
  return sequence;
}
