// Gathers what a story is told from: the journal, the facts, and who was let send the refresh token. No request, no lock, no
// write, and no actor.
import { presenceOf } from "../refresh/holder.ts";
import type { AccountName, Paths } from "../store/names.ts";
import { type SpendStore, spentBy } from "../store/spend.ts";
import type { Findings } from "../survey.ts";
import { readJournal } from "./reading.ts";
import type { JournalRecord } from "./record.ts";
import { type Scene, type Story, storyOf } from "./story.ts";
import { shownAccount } from "./takes.ts";

/** @param isOutranked a key wins over the login. @throws AuthError `store_unsafe` */
export function explained(
  { paths, spend }: { readonly paths: Paths; readonly spend: Pick<SpendStore, "permits"> },
  name: AccountName,
  findings: Findings,
  isOutranked: boolean,
): Story {
  return storyOf(name, recordsAbout(readJournal(paths), name), sceneOf(spend, name, findings, isOutranked));
}

/** How things stand. @throws AuthError `store_unsafe` */
export function sceneOf(
  spend: Pick<SpendStore, "permits">,
  name: AccountName,
  findings: Findings,
  isOutranked: boolean,
): Scene {
  const permit = findings.fault === null ? permitFor(spend, name, findings) : null;
  return { survey: findings.survey, permit, lender: findings.borrowed?.tool ?? null, isOutranked };
}

/** The lines about one account, in their order. */
export function recordsAbout(records: Iterable<JournalRecord>, { provider, account }: AccountName): JournalRecord[] {
  const shown = shownAccount(account);
  return [...records].filter((record) => record.provider === provider && record.account === shown);
}

function permitFor(
  spend: Pick<SpendStore, "permits">,
  name: AccountName,
  { credential, borrowed }: Findings,
): Scene["permit"] {
  const spent = credential === null || borrowed !== null ? null : spentBy(credential);
  const [permit] = spent === null ? [] : spend.permits(name, spent);
  if (permit === undefined) return null;
  const { holder, ended } = permit;
  return { pid: holder?.pid ?? null, presence: holder === null ? "unknown" : presenceOf(holder), ended };
}
