// `status`: what is signed in, until when, and which credential wins. Reads files, and starts, writes and asks nothing.
import type { Account, Auth, Status } from "../../runtime/index.ts";
import { inHome } from "../output.ts";
import { sayOutranked } from "../precedence-words.ts";
import { detailsOf, jsonOf, judged, tableOf } from "../status-view.ts";
import type { Context } from "../session.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["verify"],
  run: async (context) => {
    const { auth: open, flags, output, provider } = context;
    const auth = await open();
    const refusals = flags.verify === true ? await (await import("../verify.ts")).verify(context, auth) : new Map();
    const seen: Seen = (account) => judged(account.status(), refusals.get(account));
    return provider === "" ? all(context, auth, seen) : one(context, auth, seen, output.styleData);
  },
};

/** What is known of an account, the provider's word included. */
type Seen = (account: Account) => Status;

function all({ flags, output }: Context, auth: Auth, seen: Seen): number {
  const statuses = statusesOf(auth, seen, () => true);
  if (flags.json === true) output.json(jsonOf(auth.home, statuses));
  else output.data(tableOf(statuses, Date.now(), output.styleData));
  return 0;
}

async function one(
  { account: accountOf, facts, flags, output, provider }: Context,
  auth: Auth,
  seen: Seen,
  style: Context["output"]["styleData"],
) {
  const account = await accountOf();
  const status = seen(account);
  const isNamed = flags.account !== undefined;
  // No file is read twice for one answer.
  const seenOnce: Seen = (other) => (other === account ? status : seen(other));
  const statuses = isNamed ? [status] : statusesOf(auth, seenOnce, (name) => name === provider);
  sayOutranked(output, provider, account.why());
  if (status.fault !== null) output.say(`Note: ${status.fault}.`);
  if (flags.json === true) {
    output.json(jsonOf(auth.home, statuses));
    return status.exitCode;
  }
  const { title } = await facts();
  const { nextCommand } = status.row;
  const shown = { ...status.row, nextCommand: nextCommand === null ? null : inHome(nextCommand, flags) };
  output.data(detailsOf({ ...status, row: shown }, title, Date.now(), style));
  const others = statuses.filter(({ row }) => row.account !== account.account);
  if (others.length > 0) output.data(`\n${tableOf(others, Date.now(), style)}`);
  return status.exitCode;
}

function statusesOf(auth: Auth, seen: Seen, isWanted: (provider: string) => boolean): Status[] {
  return auth
    .accounts()
    .filter(({ provider }) => isWanted(provider))
    .map(({ provider, account }) => seen(auth.account(provider, account)));
}
