// `import [p]`: what other programs keep here for our providers, and with a provider, its use.
//
// Reading is the rule: the program that keeps a login goes on renewing it. Taking it over makes two owners of one refresh
// token, so that is said, with what to do about it, before anything is copied, and it has to be confirmed.
import type { Account, Found, Imports, Provider, Status } from "../../runtime/index.ts";
import { askForYes } from "../agreement.ts";
import { usage } from "../dispatch.ts";
import { foundLine, hazardOf, lookedAt, mayBeElsewhere, rowOf } from "../import-words.ts";
import { inHome, shellWord } from "../output.ts";
import { sayOutranked } from "../precedence-words.ts";
import type { Context } from "../session.ts";
import { commandOf } from "../sign-in-words.ts";
import { moment } from "../when.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["from", "take-over", "yes"],
  run: async (context) => {
    const { flags, provider } = context;
    const isUse = provider !== "";
    if (!isUse && (flags["take-over"] === true || flags.yes === true || flags.account !== undefined))
      throw await usage("`import` without a provider only lists; name one to use its login");
    if (flags.yes === true && flags["take-over"] !== true) throw await usage("--yes goes with --take-over");
    const auth = await context.auth();
    const imports = auth.imports(isUse ? provider : undefined, flags.from);
    return isUse ? use(context, imports) : list(context, imports);
  },
};

function list({ flags, output }: Context, { found, searched }: Imports): number {
  if (flags.json === true) {
    output.json({ schema: 1, found: found.map(rowOf) });
    return 0;
  }
  if (found.length === 0) {
    output.say(
      flags.from === undefined ? "No login of another program was found. Looked at:" : "That file holds no login.",
    );
    for (const line of lookedAt(searched)) output.say(`  ${line}`);
    for (const line of mayBeElsewhere(searched)) output.say(line);
    return 0;
  }
  const now = Date.now();
  for (const one of found) output.data(foundLine(one, now, output.styleData));
  output.say("Nothing was changed, and nobody was asked.");
  const next = found.find(({ kind, accounts }) => kind === "login" && accounts.length === 0);
  if (next !== undefined) output.say(`Next: ${inHome(`llxprt-auth import ${next.provider}`, flags)}`);
  return 0;
}

async function use(context: Context, imports: Imports): Promise<number> {
  const { flags, output } = context;
  const account = await context.account();
  const chosen = await choice(context, account, imports);
  const facts = await context.facts();
  const { enabled } = account.status().row;
  if (chosen.loose) output.say(`Warning: ${chosen.file} can be read by others: chmod 600 ${shellWord(chosen.file)}`);
  if (chosen.link !== null) output.say(`Note: ${chosen.file} is a link to ${chosen.link}.`);
  const isTaken = flags["take-over"] === true;
  if (isTaken)
    await askForYes(context, {
      warning: hazardOf(chosen, facts),
      question: "Take it over? Type yes, or anything else to leave it: ",
      unasked: "import_unconfirmed",
      declined: "import_declined",
      about: account,
    });
  const status = await (isTaken ? account.takeOver(chosen) : account.borrow(chosen));
  if (flags.json === true) output.json({ schema: 1, ...status.row });
  if (!enabled && facts.notice !== null) output.say(`Note: ${facts.notice}`);
  tell(context, account, chosen, status, isTaken, facts);
  return 0;
}

/** The one login that is meant. @throws AuthError when there is none, or more than one */
async function choice({ flags, output }: Context, account: Account, { found, searched }: Imports): Promise<Found> {
  const { AuthError } = await import("../../runtime/index.ts");
  const logins = found.filter(({ kind }) => kind === "login");
  // Who reads one already, and takes over, means that one.
  const [only, other] = logins.filter(({ accounts }) => accounts.includes(account.account)).concat(logins);
  const isRead = only?.accounts.includes(account.account) === true;
  if (only !== undefined && (isRead || other === undefined || other === only)) return only;
  const name = { provider: account.provider, account: account.account };
  if (logins.length > 1)
    throw new AuthError("import_ambiguous", { ...name, detail: logins.map(({ file }) => file).join(", ") });
  const [first] = found;
  if (first?.kind === "key") throw new AuthError("import_is_key", { ...name, detail: first.file });
  const trouble = first?.trouble ?? (flags.from === undefined ? null : `${flags.from} holds no login`);
  if (trouble !== null) throw new AuthError("import_unreadable", { ...name, detail: trouble });
  for (const line of mayBeElsewhere(searched)) output.say(line);
  const places = searched.map(({ file }) => file);
  const detail = places.length === 0 ? "no place is known; name a file with --from" : `looked at ${places.join(", ")}`;
  throw new AuthError("import_missing", { ...name, detail });
}

function tell(
  { flags, output }: Context,
  account: Account,
  chosen: Found,
  { row }: Status,
  isTaken: boolean,
  { rotation }: Provider,
): void {
  const { tool, file } = chosen;
  const who = row.identity === null ? "" : ` as ${row.identity}`;
  const until = row.expiresAt === null ? "" : moment(Date.parse(row.expiresAt), Date.now());
  const mark = output.style("green", "✓");
  if (isTaken) {
    output.say(`${mark} The login of ${tool} is taken over${who}; it is renewed here from now on.`);
    if (rotation !== "never")
      output.say(
        `Now move the file away, before ${tool} uses it again:\n\nmv ${shellWord(file)} ${shellWord(`${file}.taken-over`)}\n`,
      );
  } else {
    output.say(`${mark} ${account.provider} uses the login of ${tool}${who}, read in ${file}.`);
    if (row.unexpired) output.say(`Its token lasts until ${until}; it is renewed by ${tool} alone.`);
    else {
      output.say(`Its token has ended (${until}): use ${tool} once, so that it is renewed there.`);
      for (const line of mayBeElsewhere([chosen])) output.say(line);
    }
  }
  sayOutranked(output, account.provider, account.why());
  output.say(`Next: ${commandOf(account, "status", flags)}`);
}
