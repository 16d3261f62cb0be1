// The bare command: on a terminal a menu of providers, how each stands, and what can be done with it; otherwise `status`.
import type { StatusRow } from "../../runtime/index.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Context } from "../session.ts";
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
  const { io, signal } = context;
  const { select, isCancel } = await import("@clack/prompts");
  const { main } = await import("../main.ts");
  // A terminal that does not tell its size would get one character a line.
  if (io.stdout.columns === 0) Object.assign(io.stdout, { columns: 80, rows: 24 });
  const streams = { input: io.stdin, output: io.stdout, signal };
  for (;;) {
    const auth = await context.auth();
    const rows = auth.accounts().map((name) => auth.account(name.provider, name.account).status().row);
    const wide = Math.max(...rows.map((row) => labelOf(row).length));
    const chosen = await select({
      message: "Which provider?",
      options: [
        ...rows.map((row, index) => ({ value: index, label: lineOf(row, wide) })),
        { value: -1, label: "nothing more" },
      ],
      ...streams,
    });
    if (isCancel(chosen)) return exitCodes.interrupted;
    const row = rows[chosen];
    if (row === undefined) return 0;
    const verb = await select({ message: `What about ${labelOf(row)}?`, options: choicesFor(row), ...streams });
    if (isCancel(verb) || verb === "back") continue;
    const home = context.flags.home === undefined ? [] : ["--home", context.flags.home];
    await main([...home, row.provider, verb, "--account", row.account], io);
    await context.renew();
  }
}

function labelOf({ provider, account }: StatusRow): string {
  return account === "default" ? provider : `${provider} (${account})`;
}

function lineOf(row: StatusRow, wide: number): string {
  const { state, identity, source, usable } = row;
  const key = source.kind === "oauth" || source.kind === "none" ? [] : [`key: ${source.name ?? source.kind}`];
  const facts = [state, ...(identity === null ? [] : [identity]), ...key].join(", ");
  return `${usable === "no" ? "✗" : "✓"} ${labelOf(row).padEnd(wide)}  ${facts}`;
}

/** What makes sense now, the likeliest first. */
function choicesFor({ enabled, present, pending }: StatusRow) {
  return [
    ...(pending === null ? [] : [choice("wait", "wait for the sign-in under way"), choice("cancel", "end it")]),
    ...(enabled ? [] : [choice("enable", "turn OAuth on")]),
    choice("login", present ? "sign in again" : "sign in"),
    choice("status", "show its status"),
    choice("why", "show which credential is used"),
    ...(present ? [choice("refresh", "renew the token"), choice("logout", "sign out")] : []),
    ...(enabled ? [choice("disable", "turn OAuth off")] : []),
    choice("back", "back"),
  ];
}

function choice(value: string, label: string) {
  return { value, label };
}
