// How a sign-in ended that is under way no longer, as the journal has it: another process may have seen the end, a moment
// before somebody here asked for it. Only told, never obeyed: whether there is a login, the token file says.
import { readJournal } from "../inspect/reading.ts";
import type { JournalRecord, Step } from "../inspect/record.ts";
import { shownAccount } from "../inspect/takes.ts";
import type { AccountName, Paths } from "../store/names.ts";

export interface End extends JournalRecord {
  readonly step: "signedIn" | "signInFailed" | "signInCancelled";
}

/** What makes the end of an earlier sign-in old news. */
const fresh: ReadonlySet<Step> = new Set(["signInBegun", "loggedOut", "imported", "takenOver", "reset"]);

/** Of the account's newest sign-in. Null: it has none that is known. */
export function newestEnd(paths: Pick<Paths, "journal">, { provider, account }: AccountName): End | null {
  const shown = shownAccount(account);
  const isOfAccount = (record: JournalRecord): boolean => record.provider === provider && record.account === shown;
  return last(paths, (record) => isOfAccount(record) && (isEnd(record) || fresh.has(record.step)));
}

/** Of one sign-in. Null: nobody knows any more. */
export function endOf(paths: Pick<Paths, "journal">, attempt: string): End | null {
  return last(paths, (record) => record.signIn === attempt && isEnd(record));
}

function last(paths: Pick<Paths, "journal">, isMeant: (record: JournalRecord) => boolean): End | null {
  let found: JournalRecord | null = null;
  try {
    for (const record of readJournal(paths)) if (isMeant(record)) found = record;
  } catch {
    // That it has ended is certain all the same.
  }
  return found !== null && isEnd(found) ? found : null;
}

function isEnd(record: JournalRecord): record is End {
  return record.step === "signedIn" || record.step === "signInFailed" || record.step === "signInCancelled";
}
