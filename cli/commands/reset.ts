// `<p> reset`: back to the beginning from any state. A file that cannot be read is put aside, not deleted.
import { nextOf } from "../sign-in-words.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  run: async ({ account: accountOf, auth, flags, output }) => {
    const account = await accountOf();
    const { present, lastError } = account.status().row;
    const { row } = await account.reset();
    if (flags.json === true) output.json({ schema: 1, ...row });
    output.say(`${account.provider} is back at the beginning (${row.state}).`);
    if ((present && !row.present) || lastError !== null)
      output.say(`What was stored is kept aside in ${(await auth()).home}/oauth, in a file ending in .aside-….`);
    output.say(`Next: ${nextOf(row, flags)}`);
    return 0;
  },
};
