// `exec <p> -- CMD…`: runs another program with the credential in its environment, as `env` would: no shell, the same
// streams, its exit code.
//
// The credential is in the environment of that program alone, never in a command line, and is as it was at the start: who
// needs it for longer than it lives asks `token` again.
import { obtain, obtaining, variablesOf } from "../obtain.ts";
import { report } from "../output.ts";
import { became, isNotStarted } from "../program.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: obtaining,
  isCarrier: true,
  run: async (context) => {
    const { io, flags, output, words } = context;
    const { given, withheld } = await variablesOf(await obtain(context), context);
    const replaced = [...Object.keys(given), ...withheld].filter((name) => {
      const before = io.environment[name] ?? "";
      return before !== "" && before !== given[name];
    });
    if (replaced.length > 0)
      output.say(
        `Note: ${replaced.join(", ")} of your environment ${replaced.length > 1 ? "are" : "is"} not passed on.`,
      );
    const environment = { ...io.environment, ...given };
    for (const name of withheld) delete environment[name];
    // What was opened for the credential is not kept open while the other program runs.
    await context.close();
    const ended = await became(words, environment, io);
    if (!isNotStarted(ended)) return ended;
    report(output, { code: "usage", message: ended.says, next: null }, flags.json === true);
    return ended.exitCode;
  },
};
