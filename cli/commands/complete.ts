// `<p> complete [TEXT|-]`: finishes a sign-in that any process began, with the address or code that was pasted.
import { signedInAs } from "../sign-in-words.ts";
import type { Context } from "../session.ts";
import { isTerminal, readAll, readAnswer } from "../terminal.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  words: 1,
  run: async (context) => {
    const { output, flags, signal } = context;
    const account = await context.account();
    const status = await account.complete(await pasted(context), signal);
    if (flags.json === true) output.json({ schema: 1, ...status.row });
    output.say(`${output.style("green", "✓")} ${signedInAs(status.row)}`);
    return 0;
  },
};

const patienceMs = 500;

async function pasted({ words: [text], io, output, signal, flags, account }: Context): Promise<string> {
  if (text !== undefined && text !== "-") return text;
  if (text === "-") return (await readAll(io, signal)) ?? "";
  const { row } = (await account()).status();
  const { AuthError } = await import("../../runtime/index.ts");
  if (row.pending === null) throw new AuthError("no_pending_sign_in", row);
  if (isTerminal(io) && flags["non-interactive"] !== true) {
    return readAnswer(io, signal, () => {
      output.say("Paste the address or code at which the browser ended, and press Enter. It is not shown.");
    });
  }
  // Something may have been piped in; nobody is waited for.
  const piped = flags["non-interactive"] === true ? null : await readAll(io, signal, patienceMs);
  if (piped === null || piped.trim() === "") throw new AuthError("paste_needed", row);
  return piped;
}
