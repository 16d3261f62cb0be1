// The one entry to refreshing: wait until the store holds a fresh token, or a verdict.
//
// The exchange itself is in a process of its own, so that no state change, timeout, Ctrl-C or kill of this one can cut it
// off between the server's rotation and our write; here one only waits, and within a process everybody waits together.
// What another process stored meanwhile is adopted; only the server's definitive word ends a login.
import { setTimeout } from "node:timers/promises";
import { AuthError } from "../../machines/errors.ts";
import type { Renewed } from "../../machines/life.ts";
import type { RefreshVerdict } from "../../machines/refresh.ts";
import type { Provider } from "../../providers/provider.ts";
import { readOnly } from "../imports/borrowed.ts";
import { clientOf } from "../registration.ts";
import { type AccountName, stemOf } from "../store/names.ts";
import { type Followed, loginIn, look } from "../survey.ts";
import type { Wiring } from "../wiring.ts";
import type { FreshDemand } from "./answers.ts";
import type { Lock } from "./lock.ts";
import { pauses } from "./locks.ts";
import { heard, refreshHere, seen, startRefresher } from "./refresher.ts";

export interface EnsureFresh {
  /** Waits for a fresh token; resolves with a verdict, and rejects only for defects. */
  (name: AccountName, demand: FreshDemand): Promise<Renewed>;
  /** Waits until nothing is under way in this process. */
  readonly idle: () => Promise<void>;
  /** Waits for no process any more: what is under way in one of its own goes on there. */
  readonly close: () => void;
}

export function createEnsureFresh(wiring: Wiring): EnsureFresh {
  const underWay = new Map<string, Promise<RefreshVerdict>>();
  const over = new AbortController();

  const ensureFresh = async ({ provider: of, account }: AccountName, demand: FreshDemand): Promise<Renewed> => {
    const provider = wiring.provider(of);
    // Nothing but a name: what a caller's object holds besides would get into the journal in the place of what is true.
    const name: AccountName = { provider: of, account };
    const stem = stemOf(name);
    const shared =
      underWay.get(stem) ?? refresh(wiring, provider, name, demand, over.signal).finally(() => underWay.delete(stem));
    underWay.set(stem, shared);
    const verdict = await shared;
    return { ...verdict, survey: look(wiring, provider, name.account).survey };
  };
  const idle = async (): Promise<void> => {
    await Promise.allSettled(underWay.values());
  };
  const close = (): void => {
    over.abort();
  };
  return Object.assign(ensureFresh, { idle, close });
}

async function refresh(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  demand: FreshDemand,
  over: AbortSignal,
): Promise<RefreshVerdict> {
  try {
    return (
      foreign(wiring, provider, name) ??
      seen(wiring, provider, name, demand) ??
      (await (wiring.host.launch === null
        ? refreshHere(wiring, provider, name, demand)
        : refreshElsewhere(wiring, provider, name, demand, over)))
    );
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    wiring.faults.note(name, error);
    return { kind: "unavailable", code: error.code };
  }
}

/** Another tool's login is used while it lives, and never spent: there would be two owners of one refresh token. */
function foreign(wiring: Wiring, provider: Provider, name: AccountName): RefreshVerdict | null {
  const { borrowed } = look(wiring, provider, name.account);
  if (borrowed?.credential == null) return null;
  // Where a client of one's own is needed, that it is missing is what helps.
  clientOf(provider, wiring.host);
  const error = readOnly(name, borrowed);
  wiring.faults.note(name, error);
  return { kind: "rejected", code: error.code };
}

const budgetMs = 45_000;
const refreshed: RefreshVerdict = { kind: "refreshed", code: null };
const mostDeaths = 3;
/** For so long somebody who is at the door is left to start a refresher. */
const courtesyMs = 3_000;

/** Has a process of its own do it, or waits for the one that another process has started. */
async function refreshElsewhere(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  demand: FreshDemand,
  over: AbortSignal,
): Promise<RefreshVerdict> {
  const { locks, faults } = wiring;
  let looked = performance.now();
  const before = lastTry(loginIn(wiring, provider, name)).mark;
  const changes = changesOf(wiring, name);
  let door: Lock | null = null;
  let word: Promise<string> | null = null;
  let deaths = 0;
  try {
    for (const pause of pauses(budgetMs)) {
      if (over.aborted) return { kind: "unavailable", code: "interrupted" };
      const found = loginIn(wiring, provider, name);
      const verdict = seen(wiring, provider, name, demand, found);
      // The file tells of what our refresher has done before it says so itself.
      if (verdict !== null) return word !== null && verdict.kind === "adopted" ? refreshed : verdict;
      // A forced try does not take an old verdict for an answer, but a new one.
      const last = lastTry(found);
      if (word === null && last.mark !== before && last.verdict !== null) return last.verdict;
      door ??= locks.tryTake(name, "door");
      // Who is at the door looks each time, the others seldom: every look takes the lock, if only for a moment.
      const isOurTurn = door !== null || performance.now() - looked > courtesyMs;
      if (word === null && isOurTurn) looked = performance.now();
      if (word === null && isOurTurn && locks.isFree(name)) {
        const launched = await startRefresher(wiring, provider, name, demand);
        if (launched === null) return await refreshHere(wiring, provider, name, demand);
        word = launched.said;
      }
      const text = await Promise.race([setTimeout(pause, null), changes.next(), ...(word === null ? [] : [word])]);
      if (text === null) continue;
      const told = heard(text, name);
      if (told?.reason != null) faults.note(name, told.reason);
      if (told !== null) return told.verdict;
      // It died without a word: whoever is next sees by the files what it had done.
      word = null;
      deaths += 1;
      // Here nothing that is started lives.
      if (deaths >= mostDeaths) return await refreshHere(wiring, provider, name, demand);
    }
  } catch (error) {
    if (error instanceof AuthError) throw error;
    // No process can be started here (too many, no memory, forbidden): then it is done by this one.
    return await refreshHere(wiring, provider, name, demand);
  } finally {
    door?.release();
    changes.stop();
  }
  faults.note(name, locks.busy(name));
  return { kind: "unavailable", code: "lock_busy" };
}

/** Waits for the token file to change, or at least tries to hear of it. */
function changesOf(
  { watch, store }: Wiring,
  name: AccountName,
): { readonly next: () => Promise<null>; readonly stop: () => void } {
  let changed = Promise.withResolvers<null>();
  const stop = watch.file(store.paths.tokenFile(name), () => {
    const before = changed;
    changed = Promise.withResolvers();
    before.resolve(null);
  });
  return { next: () => changed.promise, stop };
}

/** What the file says about this generation's last try, and a mark by which one knows that it says something new. */
function lastTry({ own }: Followed): { readonly mark: string; readonly verdict: RefreshVerdict | null } {
  const { refused = null, retry = null, generation = 0 } = own ?? {};
  const mark = JSON.stringify([refused, retry]);
  if (refused?.generation === generation) return { mark, verdict: { kind: "rejected", code: refused.code } };
  return { mark, verdict: retry === null ? null : { kind: "unavailable", code: retry.code } };
}
