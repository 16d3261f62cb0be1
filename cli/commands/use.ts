// `<p>` alone: makes it usable, in as few steps as it takes, and then says how it stands.
import { sayOutranked } from "../precedence-words.ts";
import { needsSignIn, signInLazily } from "../signing-in.ts";
import { command as status } from "./status.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  run: async (context) => {
    const account = await context.account();
    const { output } = context;
    if (!account.status().row.enabled) {
      await account.enable();
      output.say(`OAuth is on for ${account.provider}.`);
      const { notice } = await context.facts();
      if (notice !== null) output.say(`Note: ${notice}`);
    }
    const now = account.status();
    const isRefused =
      now.row.source.kind === "oauth" && now.row.state === "authenticated" && now.row.lastError !== null;
    if (needsSignIn(now) || isRefused) {
      sayOutranked(output, account.provider, account.why());
      await signInLazily(context);
    }
    return status.run(context);
  },
};
