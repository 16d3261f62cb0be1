// All that the page knows and was asked for, and what follows of it: pure, so that a test can ask what would be shown.
//
// The same view serves the present, a moment of the past, and a file that somebody sent; what only the server can tell is
// left out of the latter two.
import type { ChartName } from "../../../../machines/chart.ts";
import type { Grant } from "../../../../providers/provider.ts";
import type { SceneAccount } from "../scene.ts";
import type { JournalFile } from "./journal-file.ts";
import { accountLit, besideChart, besideLit, dark, type Lit } from "./lit.ts";
import { type Run, runsIn } from "./runs.ts";
import { keyOf, type Numbered, recordsUpTo, type Seen } from "./seen.ts";
import { type Sift, sifted } from "./sift.ts";
import { after, type Standing, standingAfter, unknown } from "./standing.ts";

export type Link = "connecting" | "live" | "reconnecting" | "ended";
export type Beside = Exclude<ChartName, "account">;

export interface Model {
  readonly seen: Seen;
  readonly link: Link;
  /** The server's clock (epoch milliseconds). */
  readonly now: number;
  /** The account that is looked at, as `keyOf` gives it. */
  readonly selected: string | null;
  /** The line whose moment is looked at; null: the present. */
  readonly chosen: number | null;
  /** The chart beside the account's that somebody asked for. */
  readonly beside: Beside | null;
  readonly sift: Sift;
  /** What the accounts are looked through for. */
  readonly find: string;
  /** Looked at in place of what the server tells. */
  readonly file: JournalFile | null;
}

/** An account in the list. */
export interface Row {
  readonly key: string;
  readonly provider: string;
  readonly account: string;
  /** A word of `status`, or a chart's path; null: not known. */
  readonly state: string | null;
  readonly usable: SceneAccount["usable"] | null;
  readonly expiresAt: number | null;
  readonly nextTimerAt: number | null;
}

export interface View {
  readonly isPast: boolean;
  /** The moment that is shown (epoch milliseconds). */
  readonly shownAt: number;
  readonly records: readonly Numbered[];
  readonly chosen: Numbered | null;
  readonly rows: readonly Row[];
  readonly row: Row | null;
  /** What the server says of it at present. */
  readonly account: SceneAccount | null;
  readonly grants: readonly Grant[];
  readonly runs: readonly Run[];
  readonly lit: Lit;
  readonly beside: Beside | null;
  readonly besideLit: Lit;
  readonly list: readonly Numbered[];
}

const allGrants: readonly Grant[] = ["loopback", "paste", "device"];

export function viewOf({ seen, file, chosen: asked, now, selected, beside: wanted, sift }: Model): View {
  const records = file?.records ?? seen.records;
  const chosen = asked === null ? null : (records.find(({ n }) => n === asked) ?? null);
  const isPast = chosen !== null || file !== null;
  const last = chosen ?? (file === null ? null : records.at(-1)) ?? null;
  const known = new Map((seen.scene?.accounts ?? []).map((one) => [keyOf(one), one]));
  const rows = isPast
    ? pastRows(records, chosen?.n ?? null, file === null ? [...known.values()] : [])
    : liveRows(known);
  const row = rows.find(({ key }) => key === selected) ?? null;
  const key = row?.key ?? null;
  const own = key === null ? [] : ownRecords(records, chosen?.n ?? null, key);
  const alive = isPast ? null : new Set(seen.scene?.alive);
  const runs = runsIn(own, alive);
  const told = key === null ? undefined : known.get(key);
  const account = isPast ? null : (told ?? null);
  const grants = told?.grants ?? allGrants;
  const beside = wanted ?? besideChart({ grants }, account?.pending ?? null, runs);
  return {
    isPast,
    shownAt: last === null ? now : Date.parse(last.at),
    records,
    chosen,
    rows,
    row,
    account,
    grants,
    runs,
    lit: key === null ? dark : accountLit(account, standingAfter(own), runs),
    beside,
    besideLit: beside === null ? dark : besideLit(beside, account, runs),
    list: listed(records, sift, sift.isOwn ? key : null),
  };
}

/** Remembers its last answer: the page asks again every second, and seldom about something else. */
function kept<A extends readonly unknown[], R>(work: (...given: A) => R): (...given: A) => R {
  let last: { readonly given: A; readonly answer: R } | null = null;
  return (...given) => {
    if (last === null || given.some((one, index) => one !== last?.given[index]))
      last = { given, answer: work(...given) };
    return last.answer;
  };
}

const ownRecords = kept(recordsUpTo);
const listed = kept(sifted);

const liveRows = (known: ReadonlyMap<string, SceneAccount>): Row[] =>
  [...known].map(([key, { provider, account, state, usable, expiresAt, nextTimerAt }]) => ({
    key,
    provider,
    account,
    state,
    usable,
    expiresAt,
    nextTimerAt,
  }));

/** Every account that a line or the server names, as it stood then. */
function pastRows(records: readonly Numbered[], chosen: number | null, accounts: readonly SceneAccount[]): Row[] {
  const standings = standingsAt(records, chosen);
  const names = new Map<string, { readonly provider: string; readonly account: string }>();
  for (const one of [...accounts, ...records]) names.set(keyOf(one), one);
  const rows = [...names].map(([key, { provider, account }]): Row => {
    const { value, expiresAt } = standings.get(key) ?? unknown;
    return { key, provider, account, state: value, usable: null, expiresAt, nextTimerAt: null };
  });
  return accounts.length > 0 ? rows : rows.toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

const standingsAt = kept((records: readonly Numbered[], chosen: number | null): Map<string, Standing> => {
  const standings = new Map<string, Standing>();
  for (const record of recordsUpTo(records, chosen, null)) {
    const key = keyOf(record);
    standings.set(key, after(standings.get(key) ?? unknown, record));
  }
  return standings;
});
