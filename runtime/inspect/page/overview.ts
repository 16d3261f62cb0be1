// All accounts as `status` has them, again and again: what has not changed on the disk is not read again.
//
// No lock, no write, no request, and no actor. What cannot be read at this moment stays as it was seen last.
import { AuthError } from "../../../machines/errors.ts";
import type { Grant } from "../../../providers/provider.ts";
import { sourceOf } from "../../credentials.ts";
import type { Host } from "../../host.ts";
import { importingAccounts } from "../../settings/imported.ts";
import { readSettings, type Settings } from "../../settings/settings.ts";
import { type ProviderTable, providerTable } from "../../settings/table.ts";
import { type GivenKeys, type GivenProfile, precedenceOf } from "../../sources.ts";
import { type Status, statusOf } from "../../status.ts";
import { markOf } from "../../store/files.ts";
import { listFolder } from "../../store/folders.ts";
import { type AccountName, type Paths, stemOf } from "../../store/names.ts";
import { createPendingStore } from "../../store/pending.ts";
import { createSpendStore, isTouched } from "../../store/spend.ts";
import { accountsIn, createStore } from "../../store/store.ts";
import { type Findings, look } from "../../survey.ts";

export interface OverviewParts {
  readonly host: Pick<Host, "now" | "userHome" | "environment">;
  readonly paths: Paths;
  /** Names that a provider of one's own may not bear. */
  readonly reserved: ReadonlySet<string>;
  readonly keys: GivenKeys | null;
  readonly profile: GivenProfile | null;
}

export interface Seen {
  readonly name: AccountName;
  readonly status: Status;
  readonly grants: readonly Grant[];
}

interface Kept {
  readonly mark: string;
  /** From then on it has to be looked at again (epoch ms). */
  readonly until: number;
  readonly seen: Seen;
}

/** A refresh seals its reply into a file that is there already; time passes as well. */
const longestMs = 5_000;

/** @returns every account, each time it is asked. @throws AuthError `settings_invalid`, at first */
export function createOverview(parts: OverviewParts): () => readonly Seen[] {
  const { host, paths } = parts;
  const store = createStore(paths, host.now);
  const pending = createPendingStore(paths);
  const spend = createSpendStore(paths);
  let settled: Settled = settledIn(parts, null);
  let kept: ReadonlyMap<string, Kept> = new Map();

  const seenAt = (name: AccountName, mark: string, now: number): Kept | null => {
    const provider = settled.table.get(name.provider);
    if (provider === undefined) return null;
    const { settings } = settled;
    const findings = look({ host, store, pending, spend }, provider, name.account, settings);
    const source = sourceOf(precedenceOf(provider, name.account, settings, findings, { ...parts, ...host }));
    const status = statusOf(name, findings, source, provider.scopes);
    // Another tool's file has marks of its own.
    const mayBorrow = findings.credential === null && provider.imports.some(({ unasked }) => unasked === true);
    const isForeign = findings.borrowed !== null || mayBorrow;
    const isMoving = isForeign || isUnderWay(paths, name, findings);
    const until = isMoving ? now : Math.min(status.nextTimerAt ?? Infinity, now + longestMs);
    return { mark, until, seen: { name, status, grants: provider.grants } };
  };

  const again = (name: AccountName, mark: string): Kept | null => {
    const before = kept.get(stemOf(name));
    const now = host.now();
    if (before?.mark === mark && now < before.until) return before;
    try {
      return seenAt(name, mark, now);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return before ?? null;
    }
  };

  const namesNow = (): readonly AccountName[] => {
    try {
      return accountsIn([...settled.table.keys()], store, pending, importingAccounts(settled.settings, paths.settings));
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return [...kept.values()].map(({ seen }) => seen.name);
    }
  };

  return () => {
    settled = settledIn(parts, settled);
    const records = marksOfRecords(paths);
    const found = new Map<string, Kept>();
    for (const name of namesNow()) {
      const stem = stemOf(name);
      const marks = [settled.mark, markOf(paths.tokenFile(name)), markOf(paths.spend(name)), records.get(stem)];
      const one = again(name, marks.join("\n"));
      if (one !== null) found.set(stem, one);
    }
    kept = found;
    return [...found.values()].map(({ seen }) => seen);
  };
}

interface Settled {
  readonly mark: string;
  readonly settings: Settings;
  readonly table: ProviderTable;
}

/** @param before what stands while they cannot be read */
function settledIn({ paths, reserved }: OverviewParts, before: Settled | null): Settled {
  const mark = markOf(paths.settings);
  if (before?.mark === mark) return before;
  try {
    const settings = readSettings(paths);
    return { mark, settings, table: providerTable(settings, paths.settings, reserved) };
  } catch (error) {
    if (before === null || !(error instanceof AuthError)) throw error;
    return before;
  }
}

/** Of the sign-ins under way, by account. */
function marksOfRecords({ pending }: Paths): ReadonlyMap<string, string> {
  const marks = new Map<string, string>();
  for (const file of namesIn(pending)) {
    const stem = file.split("~")[0] ?? "";
    marks.set(stem, `${marks.get(stem) ?? ""}${file} ${markOf(`${pending}/${file}`)}\n`);
  }
  return marks;
}

function namesIn(folder: string): string[] {
  try {
    return listFolder(folder);
  } catch {
    return [];
  }
}

/** A refresh of it has left something that may go on without a new name in the folder. */
function isUnderWay(paths: Paths, name: AccountName, { survey, credential }: Findings): boolean {
  if (survey.renewing) return true;
  try {
    return credential !== null && isTouched(paths, name, credential);
  } catch {
    return true;
  }
}
