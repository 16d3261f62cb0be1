// `<p> refresh`: renews the token if it is about to end; with `--force` at once.
import { moment } from "../when.ts";
import { commandOf } from "../sign-in-words.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["force"],
  run: async ({ account: accountOf, flags, output }) => {
    const account = await accountOf();
    const before = account.status().row.expiresAt;
    const { row } = await account.refresh({ force: flags.force === true });
    if (flags.json === true) output.json({ schema: 1, ...row });
    const until = row.expiresAt === null ? "" : `; it lasts until ${moment(Date.parse(row.expiresAt), Date.now())}`;
    if (row.expiresAt === before && flags.force !== true) {
      output.say(
        `The token of ${account.provider} is fresh${until}. Renew it all the same: ${commandOf(account, "refresh --force", flags)}`,
      );
    } else output.say(`${output.style("green", "✓")} The token of ${account.provider} is renewed${until}.`);
    return 0;
  },
};
