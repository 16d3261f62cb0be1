// The conversation of a sign-in: shows address and code, opens the browser, takes a paste, and waits.
//
// The address is printed before anything is opened, so that it can be copied whatever else fails, and no failure to open it
// ends anything. While it waits, every way to an end is open: the browser, a paste, another terminal.
import { resolve } from "node:path";
import type { Account, LoginRequest, PendingRow, Status, Surrounding } from "../runtime/index.ts";
import { mayOpen, openPage } from "./browser.ts";
import { handingOver } from "./handing-over.ts";
import { lower } from "./output.ts";
import type { Context } from "./session.ts";
import { commandOf, howToGoOn, pageOf, signedInAs, type Told, underWay } from "./sign-in-words.ts";
import { isTerminal, listenForPaste, readAnswer } from "./terminal.ts";
import { clock, dateOf } from "./when.ts";

/** What the sign-in itself does: begin a new one, or take up one that is under way. */
type Begin = (account: Account, request: Pick<LoginRequest, "onPending" | "signal">) => Promise<Status>;

/** Signs in with whoever is there. @throws AuthError how it ended otherwise */
export async function signIn(context: Context, begin: Begin): Promise<Status> {
  try {
    return await converse(context, await context.account(), begin);
  } catch (error) {
    const { AuthError } = await import("../runtime/index.ts");
    if (!(error instanceof AuthError) || error.code !== "client_missing" || !context.canAsk) throw error;
    await askForClient(context);
    return await signIn(context, begin);
  }
}

/** A sign-in that nobody asked for by name: only with a person at a terminal. @throws AuthError `sign_in_needed` */
export async function signInLazily(context: Context): Promise<Status> {
  if (!context.canAsk) {
    const { AuthError } = await import("../runtime/index.ts");
    const { provider, account } = await context.account();
    throw new AuthError("sign_in_needed", { provider, account });
  }
  return signIn(context, (account, request) => account.login({ ...request, ifNeeded: true }));
}

/**
 * The account that the command is about, signed in first if its login is what would be used, and it needs that.
 * @param maySignIn whether that was allowed
 * @throws AuthError `sign_in_needed`, or how the sign-in ended otherwise
 */
export async function accountToUse(context: Context, maySignIn: boolean): Promise<Account> {
  const account = await context.account();
  if (!maySignIn || account.why().winner?.kind !== "oauth" || !needsSignIn(account.status())) return account;
  await signInLazily(context);
  // Asked for anew: signing in may have changed the settings.
  return context.account();
}

/** Whether a sign-in is what helps. A login that fails for now is not helped by it, nor is an unreadable file. */
export function needsSignIn({ row }: Status): boolean {
  return row.usable === "no" && ["idle", "expired", "pendingAuth", "awaitingCode", "awaitingPoll"].includes(row.state);
}

async function converse(context: Context, account: Account, begin: Begin): Promise<Status> {
  const { output, signal, io } = context;
  const facts = await context.facts();
  const around = await surroundings(context);
  const handOver = await handingOver(context, facts);
  const stops: (() => void)[] = [];
  let pending: Told | null = null;
  try {
    const status = await begin(account, {
      signal,
      onPending: (begun, { joined }) => {
        const row = (pending = { ...begun, home: context.flags.home });
        if (row.kind !== "device") stops.push(takePastes(context, account));
        if (joined) output.say(underWay(facts));
        for (const line of pageOf(row, facts, around, io, output)) output.say(line);
        handOver(row);
        stops.push(keepTime(context, row));
        // Whoever began it has opened the page: one browser is enough.
        if (!joined) void showPage(context, row, around);
      },
    });
    for (const stop of stops.splice(0)) stop();
    output.say(`${output.style("green", "✓")} ${signedInAs(status.row)}`);
    await sayTwins(context, status);
    return status;
  } finally {
    for (const stop of stops) stop();
    if (signal.aborted && pending !== null) output.say(howToGoOn(pending));
  }
}

/** Where this runs. */
export async function surroundings({ io }: Pick<Context, "io">): Promise<Surrounding[]> {
  const { surroundingsHere } = await import("../runtime/index.ts");
  return surroundingsHere(io.environment);
}

/** The browser may have answered for whoever it knows: then two accounts here are one person there. */
async function sayTwins({ auth: open, flags, output }: Context, { row: { provider, account, identity } }: Status) {
  if (identity === null) return;
  const auth = await open();
  const twin = auth
    .accounts()
    .filter((name) => name.provider === provider && name.account !== account)
    .find((name) => auth.account(provider, name.account).status().row.identity === identity);
  if (twin === undefined) return;
  output.say(`Note: account ${twin.account} of ${provider} is ${identity} as well. If another one was meant, sign out`);
  output.say(
    `in the browser, or use another browser: ${commandOf({ provider, account }, "login --browser CMD", flags)}`,
  );
}

/** Opens the page where the person is likely to see it. */
async function showPage(context: Context, row: PendingRow, around: readonly Surrounding[]): Promise<void> {
  const { facts, output } = context;
  if (!mayOpen(context, around, "on any machine")) return;
  const { isKnownPage } = await import("../runtime/index.ts");
  if (isKnownPage(await facts(), row)) return openPage(context, row.urlComplete ?? row.url);
  output.say("It is on a host that is not known for this provider, so it was not opened. Look at it before you do.");
}

/** Hands pastes to the sign-in. A wrong one is answered, and the wait goes on. */
function takePastes({ io, output, signal }: Context, account: Account): () => void {
  return listenForPaste(io, (text) => {
    output.say("Checking what was pasted …");
    account.complete(text, signal).catch((error: unknown) => {
      const isMistake = error instanceof Error && "code" in error && String(error.code).startsWith("pasted_");
      // Everything else ends the sign-in, which then tells it.
      if (isMistake) output.say(`${output.style("red", "That did not work:")} ${lower(error.message)}. Try again.`);
    });
  });
}

/** Shows that, and how long, it is waited. @returns how to stop */
function keepTime({ io, output }: Context, { expiresAt }: PendingRow): () => void {
  const begunAt = Date.now();
  const endsAt = expiresAt === null ? null : Date.parse(expiresAt);
  if (!isTerminal(io)) {
    output.say(endsAt === null ? "Waiting without limit." : `Waiting until ${dateOf(endsAt, begunAt)}.`);
    return () => undefined;
  }
  const show = (): void => {
    const now = Date.now();
    const time = endsAt === null ? clock(now - begunAt) : `${clock(endsAt - now)} left`;
    output.waiting(`Waiting for the sign-in, ${time}. Ctrl-C stops waiting and loses nothing.`);
  };
  show();
  const timer = setInterval(show, 1000);
  return () => {
    clearInterval(timer);
    output.waiting(null);
  };
}

/** Says how to make a client, and asks for its file until there is a good one. */
async function askForClient(context: Context): Promise<void> {
  const { output, io, signal } = context;
  const { settingsIn, AuthError } = await import("../runtime/index.ts");
  const facts = await context.facts();
  const settings = settingsIn(await context.host());
  output.say(`${facts.title} wants an OAuth client of your own, once:`);
  output.say(`  1. Make one for desktop applications at\n\n${facts.clientSource?.console ?? ""}\n`);
  output.say("  2. Download its JSON file and keep it where only you can read it.");
  for (;;) {
    const ask = (): void => {
      output.say("  3. Type the path of that file here (Ctrl-C to stop):");
    };
    const path = (await readAnswer(io, signal, ask, { isShown: true })).trim().replace(/^(['"])(.*)\1$/, "$2");
    try {
      settings.useClientFile(facts, path.startsWith("~") ? path : resolve(path));
      output.say(`Noted as clientFile of ${facts.name} in settings.json.`);
      await context.renew();
      return;
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      output.say(`${output.style("red", "That did not work:")} ${lower(error.message)}.`);
    }
  }
}
