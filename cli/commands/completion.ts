// `completion [bash|zsh|fish]`: prints the script that completes command lines in that shell. It holds all that it needs:
// a press of Tab starts nothing of ours, asks nobody and reads no file of ours.
import { completionScripts, shells } from "../completion/scripts.ts";
import { hint, usage } from "../dispatch.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  words: 1,
  run: async ({ io, flags, output, words: [word] }) => {
    const named = (word ?? io.environment["SHELL"]?.split("/").at(-1) ?? "").toLowerCase();
    const shell = shells.find((one) => one === named);
    if (shell === undefined) {
      const told = word === undefined ? "SHELL names none of them" : `there is no ${JSON.stringify(word)}`;
      throw await usage(`\`completion\` is for ${shells.join(", ")}; ${told}${await hint(named, shells)}`);
    }
    const { [shell]: script } = await completionScripts();
    if (flags.json === true) output.json({ schema: 1, shell, script });
    else output.data(script);
    return 0;
  },
};
