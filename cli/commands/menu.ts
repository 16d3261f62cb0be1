// The bare command: on a terminal a menu of providers, how each stands at this moment, and what can be done with it;
// otherwise `status`. What another terminal does is seen while one looks.
import type { Auth, StatusRow } from "../../runtime/index.ts";
import { choose, type Choice, type Question } from "../choosing.ts";
import { exitCodes } from "../exit-codes.ts";
import { passedOn } from "../options.ts";
import type { Context } from "../session.ts";
import { markOf, nameOf } from "../status-view.ts";
import { left } from "../when.ts";
import { command as status } from "./status.ts";
import type { Command } from "./index.ts";

type AccountName = Pick<StatusRow, "provider" | "account">;

export const command: Command = {
  run: async (context) => {
    const { canAsk, io, flags } = context;
    if (!canAsk || !io.stdout.isTTY || flags.json === true) return status.run(context);
    return menu(context);
  },
};

async function menu(context: Context): Promise<number> {
  const { io, signal, flags } = context;
  const { main } = await import("../main.ts");
  let last: string | undefined;
  for (;;) {
    const accounts = whichAccount(await context.auth(), last);
    const chosen = await choose(io, signal, accounts);
    if (chosen === null) return exitCodes.interrupted;
    const row = accounts.rowOf(chosen);
    if (row === undefined) return 0;
    last = chosen;
    const verb = await choose(
      io,
      signal,
      whatToDo(() => accounts.rowOf(chosen) ?? row, accounts.look),
    );
    if (verb === null || verb === "back") continue;
    await main([...passedOn(flags), row.provider, verb, "--account", row.account], io, { profile: flags.profile });
    await context.renew();
  }
}

/** Which account? One that appears while the question is asked is put at the end. */
function whichAccount(auth: Auth, first: string | undefined) {
  const names = new Map<string, AccountName>();
  let rows: ReadonlyMap<string, StatusRow> = new Map();
  const choices: Choice[] = [];
  const look = (): void => {
    for (const name of auth.accounts()) {
      const label = nameOf(name);
      if (names.has(label)) continue;
      names.set(label, name);
      choices.push({ value: label, label: (columns) => lineOf(rows, label, columns) });
    }
    const now = [...names].map(
      ([label, { provider, account }]) => [label, auth.account(provider, account).status().row] as const,
    );
    rows = new Map(now);
  };
  look();
  choices.push({ value: "", label: () => "nothing more" });
  return { message: () => "Which provider?", choices, first, look, rowOf: (label: string) => rows.get(label) };
}

/** What to do with it? What becomes possible while the question is asked is put at the end. */
function whatToDo(row: () => StatusRow, lookAgain: () => void): Question {
  const choices: Choice[] = [];
  const offer = (): void => {
    for (const [value, words] of verbsFor(row())) {
      if (choices.some((choice) => choice.value === value)) continue;
      const now = (): string | undefined => verbsFor(row()).get(value);
      choices.push({ value, label: () => now() ?? words, isOpen: () => now() !== undefined });
    }
  };
  offer();
  return {
    message: () => `What about ${nameOf(row())}? It is ${factsOf(row()).join(", ")}.`,
    choices,
    look: () => {
      lookAgain();
      offer();
    },
  };
}

// What the library keeps of a line: its frame, the mark of the choice, and as many columns as its colours have characters.
const frameColumns = 15;

/** As much of it as fits in a line. */
function lineOf(rows: ReadonlyMap<string, StatusRow>, label: string, columns: number): string {
  const row = rows.get(label);
  if (row === undefined) return label;
  const widest = Math.max(...[...rows.keys()].map(({ length }) => length));
  const [state = "", ...more] = factsOf(row);
  const room = columns - frameColumns;
  const aligned = `${markOf(row)} ${label.padEnd(widest)}  ${state}`;
  if (aligned.length > room) return `${markOf(row)} ${label} ${state}`;
  return more.reduce((line, fact) => (line.length + 2 + fact.length > room ? line : `${line}, ${fact}`), aligned);
}

/** The state, and what else there is to say of it now. */
function factsOf({ state, identity, source, expiresAt, pending }: StatusRow): string[] {
  const end = pending === null ? expiresAt : pending.expiresAt;
  const usesKey = source.kind !== "oauth" && source.kind !== "none";
  const rest = end === null ? null : left(Date.parse(end), Date.now());
  const more = [identity, rest, usesKey ? `key: ${source.name ?? source.kind}` : null];
  return [state, ...more.filter((fact) => fact !== null)];
}

/** What makes sense now, the likeliest first, in words. */
function verbsFor({ enabled, present, pending }: StatusRow): ReadonlyMap<string, string> {
  return new Map([
    ...(pending === null
      ? []
      : ([
          ["wait", "wait for the sign-in under way"],
          ["cancel", "end it"],
        ] as const)),
    ...(enabled ? [] : ([["enable", "turn OAuth on"]] as const)),
    ["login", present ? "sign in again" : "sign in"],
    ["status", "show its status"],
    ["why", "show which credential is used"],
    ...(present
      ? ([
          ["refresh", "renew the token"],
          ["logout", "sign out"],
        ] as const)
      : []),
    ...(enabled ? ([["disable", "turn OAuth off"]] as const) : []),
    ["back", "back"],
  ]);
}
