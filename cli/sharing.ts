// Before `inspect --stately` shows anything to anybody else: what leaves this machine, where it goes, and a yes.
import { askForYes } from "./agreement.ts";
import type { Context } from "./session.ts";

const warning = [
  "Warning: --stately shows the statecharts to a page of stately.ai, which your browser loads.",
  "What leaves this machine: the charts' definitions, and of the last 500 lines of the journal and all that follow the states, the types of events, the times, the process numbers and the names of providers; for an account that is not the default one, a number in the place of its name.",
  "What does not: tokens, codes, addresses, names of accounts, settings. What the page sends is not listened to.",
  "It was tried with a stand-in for that page, and never with the page itself.",
];

/** Comes back when it was agreed to. @throws AuthError `sharing_unasked` where nobody can be asked, `sharing_declined` */
export async function askToShare(context: Context): Promise<void> {
  await askForYes(context, {
    warning,
    question: "Show it to stately.ai? Type yes, or anything else: ",
    unasked: "sharing_unasked",
    declined: "sharing_declined",
  });
}
