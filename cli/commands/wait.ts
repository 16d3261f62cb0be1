// `<p> wait`: waits for a sign-in that any process began to end, and takes part in it: polls, or listens.
import { msGiven } from "../numbers.ts";
import { signIn } from "../signing-in.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["timeout", "browser", "qr", "copy"],
  run: async (context) => {
    const { output, flags } = context;
    const limitMs = await msGiven(flags, "timeout", 1);
    const limit = limitMs === null ? null : AbortSignal.timeout(limitMs);
    try {
      const status = await signIn(context, (account, { signal, onPending }) =>
        account.wait({
          onPending,
          signal: limit === null ? signal : AbortSignal.any(signal === undefined ? [limit] : [limit, signal]),
        }),
      );
      if (flags.json === true) output.json({ schema: 1, ...status.row });
      return 0;
    } catch (error) {
      if (limit?.aborted !== true || context.signal.aborted) throw error;
      const { AuthError } = await import("../../runtime/index.ts");
      const { provider, account } = await context.account();
      throw new AuthError("wait_over", { provider, account });
    }
  },
};
