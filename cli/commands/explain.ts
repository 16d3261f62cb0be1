// `<p> explain`: what happened to the login lately, in sentences, and the one command that helps. Reads files, and starts,
// writes and asks nothing.
import { inHome } from "../output.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  run: async ({ account: accountOf, flags, output }) => {
    const account = await accountOf();
    const { provider } = account;
    const { records, sentences, next } = account.explain();
    if (flags.json === true) {
      output.json({ schema: 1, provider, account: account.account, records, sentences, next });
      return 0;
    }
    for (const sentence of sentences) output.data(sentence);
    if (next !== null) output.data(`Next: ${output.styleData("bold", inHome(next, flags))}`);
    return 0;
  },
};
