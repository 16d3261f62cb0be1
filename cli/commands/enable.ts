// `<p> enable`: OAuth on. Contacts nobody; says what the person should know before signing in.
import { sayOutranked } from "../precedence-words.ts";
import { nextOf } from "../sign-in-words.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  run: async ({ account: accountOf, facts, flags, output }) => {
    const account = await accountOf();
    const precedence = await account.enable();
    const { row } = account.status();
    if (flags.json === true) {
      output.json({ schema: 1, ...row });
    }
    output.say(`OAuth is on for ${account.provider}.`);
    sayOutranked(output, account.provider, precedence);
    const { notice } = await facts();
    if (notice !== null) output.say(`Note: ${notice}`);
    output.say(`Next: ${nextOf(row, flags)}`);
    return 0;
  },
};
