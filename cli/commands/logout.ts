// `<p> logout`: deletes the tokens here, then revokes them; says what was done and what still lets a program in.
import type { Account, LogoutReport, Provider } from "../../runtime/index.ts";
import type { Output } from "../output.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["all-accounts", "no-revoke"],
  run: async ({ account: accountOf, auth, facts, flags, output }) => {
    const chosen = await accountOf();
    const opened = await auth();
    const names = opened.accounts().filter(({ provider }) => provider === chosen.provider);
    const all =
      flags["all-accounts"] === true ? names.map((name) => opened.account(name.provider, name.account)) : [chosen];
    const reports: object[] = [];
    for (const one of all) {
      const wasSignedIn = one.status().row.present;
      const report = await one.logout({ revoke: flags["no-revoke"] !== true });
      reports.push(asJson(one, report));
      tell(output, one, wasSignedIn, report, await facts());
    }
    if (flags.json === true) output.json({ schema: 1, accounts: reports });
    return 0;
  },
};

function tell(
  { say }: Output,
  { provider, account }: Account,
  wasSignedIn: boolean,
  { revocation, remaining }: LogoutReport,
  { grantsPage }: Provider,
): void {
  const who = account === "default" ? provider : `${provider}, account ${account}`;
  say(wasSignedIn ? `Signed out of ${who}: the tokens here are deleted.` : `${who} was not signed in.`);
  if (wasSignedIn) say(sayings[revocation]);
  if (wasSignedIn && revocation !== "revoked" && grantsPage !== null)
    say(`Review what was granted at\n\n${grantsPage}\n`);
  const key = remaining.candidates.find(({ kind, isSet }) => kind !== "oauth" && isSet);
  if (key !== undefined) say(`Note: ${key.origin} still authenticates.`);
}

const sayings: Readonly<Record<LogoutReport["revocation"], string>> = {
  revoked: "The provider has revoked them, too.",
  failed: "The provider could not be made to revoke them; they may still be accepted until they end.",
  unsupported: "The provider has no way to revoke them from here; they are accepted until they end.",
  skipped: "They were not revoked, as was asked for.",
  nothing: "There was nothing to revoke.",
};

function asJson({ provider, account }: Account, { revocation, remaining: { winner } }: LogoutReport): object {
  const key = winner === null || winner.kind === "oauth" ? null : { kind: winner.kind, origin: winner.origin };
  return { provider, account, revocation, remaining: key };
}
