// `inspect`: a live picture of the machines in the browser, served by this process until Ctrl-C. Reads files, and starts,
// writes and asks nothing.
//
// The address stands alone on standard output. It lets one browser in, once, so that it is printed before anything is opened.
// With `--stately` the page behind it hands the statecharts on to a page of somebody else: that is asked first.
import { mayOpen, openPage } from "../browser.ts";
import { exitCodes } from "../exit-codes.ts";
import { untilInterrupted } from "../interrupts.ts";
import { askToShare } from "../sharing.ts";
import { surroundings } from "../signing-in.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["browser", "stately", "yes"],
  run: async (context) => {
    const { auth: open, flags, output, signal } = context;
    const { stately = false } = flags;
    if (stately) await askToShare(context);
    const auth = await open();
    const inspector = await auth.inspect({ stately });
    output.say("A live picture of every login, for one browser on this machine. It reads, and changes nothing.");
    if (flags.json === true) output.json({ schema: 1, url: inspector.url, pid: process.pid });
    else output.data(inspector.url);
    const isAlone = flags["non-interactive"] === true;
    if (!isAlone && mayOpen(context, await surroundings(context), "of this machine"))
      await openPage(context, inspector.url);
    output.say("Ctrl-C ends it.");
    await untilInterrupted(signal);
    // The port is given back when the runtime is closed.
    return exitCodes.interrupted;
  },
};
