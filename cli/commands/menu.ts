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
  const rows = new Map<string, StatusRow>();
  const choices: Choice[] = [];
  let widest = 0;
  const look = (): void => {
    const names = new Map([...rows.values(), ...auth.accounts()].map((name) => [nameOf(name), name] as const));
    for (const [label, { provider, account }] of names) {
      if (!rows.has(label))
        choices.push({ value: label, label: (columns) => lineOf(rows.get(label), widest, columns) });
      rows.set(label, auth.account(provider, account).status().row);
      widest = Math.max(widest, label.length);
    }
  };
  look();
  choices.push({ value: "", label: () => "nothing more" });
  return { message: () => "Which provider?", choices, first, look, rowOf: (label: string) => rows.get(label) };
}

/** What to do with it? What becomes possible while the question is asked is put at the end. */
function whatToDo(row: () => StatusRow, lookAgain: () => void): Question {
  const choices: Choice[] = [];
  const offer = (): void => {
    for (const [value, wordsFor] of Object.entries(verbs)) {
      const words = wordsFor(row());
      if (words === false || choices.some((choice) => choice.value === value)) continue;
      choices.push({ value, label: () => wordsFor(row()) || words, isOpen: () => wordsFor(row()) !== false });
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

/** In words, the likeliest first; false: it makes no sense now. */
const verbs: Readonly<Record<string, (row: StatusRow) => string | false>> = {
  wait: ({ pending }) => pending !== null && "wait for the sign-in under way",
  cancel: ({ pending }) => pending !== null && "end it",
  enable: ({ enabled }) => !enabled && "turn OAuth on",
  login: ({ present }) => (present ? "sign in again" : "sign in"),
  status: () => "show its status",
  why: () => "show which credential is used",
  refresh: ({ present }) => present && "renew the token",
  logout: ({ present }) => present && "sign out",
  disable: ({ enabled }) => enabled && "turn OAuth off",
  back: () => "back",
};

// What the library keeps of a line: its frame, the mark of the choice, and as many columns as its colours have characters.
const frameColumns = 15;

/** As much of it as fits in a line. @param widest name of an account */
function lineOf(row: StatusRow | undefined, widest: number, columns: number): string {
  if (row === undefined) return "";
  const [state = "", ...more] = factsOf(row);
  const room = columns - frameColumns;
  const aligned = `${markOf(row)} ${nameOf(row).padEnd(widest)}  ${state}`;
  if (aligned.length > room) return `${markOf(row)} ${nameOf(row)} ${state}`;
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
