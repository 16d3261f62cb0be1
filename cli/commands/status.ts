// `status`: what is signed in, until when, and which credential wins. Reads files, and starts, writes and asks nothing.
import type { Auth, Status } from "../../runtime/index.ts";
import { sayOutranked } from "../precedence-words.ts";
import { detailsOf, jsonOf, tableOf } from "../status-view.ts";
import type { Context } from "../session.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["verify"],
  run: async (context) => {
    const { auth: open, flags, output, provider } = context;
    const auth = await open();
    if (flags.verify === true) {
      const { verify } = await import("../verify.ts");
      await verify(context, auth);
    }
    return provider === "" ? all(context, auth) : one(context, auth, output.styleData);
  },
};

function all({ flags, output }: Context, auth: Auth): number {
  const statuses = statusesOf(auth, () => true);
  if (flags.json === true) output.json(jsonOf(auth.home, statuses));
  else
    output.data(
      tableOf(
        statuses.map(({ row }) => row),
        Date.now(),
        output.styleData,
      ),
    );
  return 0;
}

async function one(
  { account: accountOf, facts, flags, output, provider }: Context,
  auth: Auth,
  style: Context["output"]["styleData"],
) {
  const account = await accountOf();
  const status = account.status();
  const isNamed = flags.account !== undefined;
  const statuses = isNamed ? [status] : statusesOf(auth, (name) => name === provider);
  sayOutranked(output, provider, account.why());
  if (status.fault !== null) output.say(`Note: ${status.fault}.`);
  if (flags.json === true) {
    output.json(jsonOf(auth.home, statuses));
    return status.exitCode;
  }
  const { title } = await facts();
  output.data(detailsOf(status, title, Date.now(), style));
  const others = statuses.filter(({ row }) => row.account !== account.account);
  if (others.length > 0)
    output.data(
      `\n${tableOf(
        others.map(({ row }) => row),
        Date.now(),
        style,
      )}`,
    );
  return status.exitCode;
}

function statusesOf(auth: Auth, isWanted: (provider: string) => boolean): Status[] {
  return auth
    .accounts()
    .filter(({ provider }) => isWanted(provider))
    .map(({ provider, account }) => auth.account(provider, account).status());
}
