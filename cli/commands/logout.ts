// `<p> logout`: deletes the tokens here, then revokes them; says what was done and what still lets a program in.
import type { Account, LogoutReport, Provider } from "../../runtime/index.ts";
import { inHome, type Output } from "../output.ts";
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
    const failures: unknown[] = [];
    for (const one of all) {
      try {
        const { importedFrom: lent, pending } = one.status().row;
        const report = await one.logout({ revoke: flags["no-revoke"] !== true });
        const { enabled, present, importedFrom } = one.status().row;
        const lender = importedFrom === undefined ? (lent?.tool ?? null) : null;
        const isKept = enabled && present;
        reports.push(asJson(one, report, isKept));
        if (pending !== null) output.say(`The sign-in to ${one.provider} that was under way is ended.`);
        tell(output, one, report, isKept, lender, await facts());
        if (isKept) output.say(`Not to use it: ${inHome(`llxprt-auth ${one.provider} disable`, flags)}`);
      } catch (error) {
        // The others are to be signed out all the same.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    if (flags.json === true) output.json({ schema: 1, accounts: reports });
    return 0;
  },
};

/**
 * @param isKept a login is still there: one in another program's file, which is not ours to delete
 * @param lender the program whose login was read until now
 */
function tell(
  { say }: Output,
  { provider, account }: Account,
  { revocation, remaining }: LogoutReport,
  isKept: boolean,
  lender: string | null,
  { grantsPage }: Provider,
): void {
  const who = account === "default" ? provider : `${provider}, account ${account}`;
  const isDeleted = revocation !== "nothing";
  if (isDeleted) say(`Signed out of ${who}: the tokens here are deleted.`);
  else if (!isKept && lender !== null)
    say(`The login of ${lender} is not used for ${who} any more. It is as it was, there.`);
  else if (!isKept) say(`${who} was not signed in.`);
  if (isDeleted) say(sayings[revocation]);
  if (isDeleted && revocation !== "revoked" && grantsPage !== null)
    say(`Review what was granted at\n\n${grantsPage}\n`);
  if (isKept)
    say(`Note: the login that another program keeps for ${provider} is not deleted, and still authenticates.`);
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

function asJson({ provider, account }: Account, { revocation, remaining: { winner } }: LogoutReport, isKept: boolean) {
  const isLeft = winner !== null && (winner.kind !== "oauth" || isKept);
  return { provider, account, revocation, remaining: isLeft ? { kind: winner.kind, origin: winner.origin } : null };
}
