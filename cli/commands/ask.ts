// `<p> ask MESSAGE`: one question to the provider's API, with the credential that wins; the answer goes to standard output.
import { usage } from "../dispatch.ts";
import { sayOutranked } from "../precedence-words.ts";
import { plainText } from "../plain-text.ts";
import type { Context } from "../session.ts";
import { accountToUse } from "../signing-in.ts";
import { readAll } from "../terminal.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["model"],
  words: Infinity,
  run: async (context) => {
    const { words, flags } = context;
    const text = words.length === 1 && words[0] === "-" ? await readAll(context.io, context.signal) : words.join(" ");
    if (text === null || text.trim() === "")
      throw await usage("there is no message: `ask MESSAGE`, or `ask -` to read it");
    const answer = await exchange(context, [{ role: "user", text }]);
    if (flags.json === true) context.output.json({ schema: 1, ...answer });
    return 0;
  },
};

export interface Turn {
  readonly role: "user" | "assistant";
  readonly text: string;
}

/** Asks, signing in first where a person can; prints the answer as it comes, unless JSON was asked for. */
export async function exchange(context: Context, messages: readonly Turn[]) {
  const { flags, output, signal, io, provider } = context;
  const account = await accountToUse(context, true);
  sayOutranked(output, provider, account.why());
  const { ask } = await import("../../runtime/index.ts");
  const shown = (text: string): string => (io.stdout.isTTY ? plainText(text) : text);
  let printed = "";
  const { text, source, model } = await ask(await context.auth(), provider, messages, {
    account: account.account,
    model: flags.model,
    signal,
    onText: (piece) => {
      if (flags.json === true) return;
      printed += piece;
      output.piece(shown(piece));
    },
  });
  if (flags.json !== true) {
    if (printed === "") output.piece(shown(text));
    if (!text.endsWith("\n")) output.piece("\n");
  }
  return { provider, account: account.account, model, text, source };
}
