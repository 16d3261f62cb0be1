// `<p> cancel`: ends a sign-in that is under way, whoever began it.
import type { Command } from "./index.ts";

export const command: Command = {
  run: async ({ account: accountOf, flags, output }) => {
    const account = await accountOf();
    await account.cancel();
    if (flags.json === true) output.json({ schema: 1, ...account.status().row });
    output.say(`The sign-in to ${account.provider} is ended; nothing of it is kept.`);
    return 0;
  },
};
