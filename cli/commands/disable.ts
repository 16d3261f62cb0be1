// `<p> disable`: OAuth off. Tokens are kept and not used.
import { commandOf } from "../sign-in-words.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  run: async ({ account: accountOf, flags, output }) => {
    const account = await accountOf();
    await account.disable();
    const { row } = account.status();
    if (flags.json === true) output.json({ schema: 1, ...row });
    output.say(`OAuth is off for ${account.provider}${row.present ? "; its tokens are kept" : ""}.`);
    const { winner } = account.why();
    output.say(
      winner === null ? `Next: ${commandOf(account, "enable", flags)}` : `Used from now on: ${winner.origin}.`,
    );
    return 0;
  },
};
