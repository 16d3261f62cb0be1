// What one account has on the disk, as every process sees it: the token file, what a refresh leaves beside it, the records
// of sign-ins, and the locks that the kernel gives back. This is the store that another project would put in.
//
// A write is whole or it is not there (that half of the promise is the battery's, with real files); what is checked here is
// what stands there between the writes, whoever stopped in the middle.
import { AuthError } from "../../machines/errors.ts";
import type { Survey } from "../../machines/facts.ts";
import { exchangeOverMs } from "../../machines/doubt.ts";
import type { Provider } from "../../providers/provider.ts";
import { successorOf } from "../../runtime/refresh/successor.ts";
import { decode, encode, factsOf, type StoredCredential } from "../../runtime/store/codec.ts";
import { credible } from "../../runtime/store/credential.ts";
import type { Sealed } from "../../runtime/store/evidence.ts";
import type { AccountName } from "../../runtime/store/names.ts";
import { type Attempt, attemptFactsOf } from "../../runtime/store/pending.ts";
import { type Spent, spentBy } from "../../runtime/store/spend.ts";
import type { Stored } from "../../runtime/store/store.ts";
import type { Task } from "./task.ts";

/** Leave to present a refresh token. */
export interface Permit {
  readonly attempt: number;
  readonly holder: Task;
  readonly ended: boolean;
  readonly interrupted: number;
  /** By the clock that nobody sets. */
  readonly at: number;
}

/** What of the disk has changed. */
export type Part = "tokens" | "settings" | "pending" | "turns";

const keyOf = ({ lineage, generation, of }: Spent): string => `${lineage}.${generation}.${of}`;

export type Disk = ReturnType<typeof createDisk>;

export function createDisk(
  name: AccountName,
  provider: Provider,
  clock: { readonly wall: () => number; readonly steady: () => number },
  changed: (part: Part) => void,
) {
  /** The text of the token file, and what it says. Null: there is none. */
  let file: { readonly text: string; readonly stored: Stored } | null = null;
  let enabled: boolean | undefined;
  const seals = new Map<string, Sealed>();
  const permits = new Map<string, Permit[]>();
  const pending = new Map<string, Attempt>();
  /** Sign-ins whose record was removed, by whomever. */
  const gone = new Set<string>();
  const locks = new Map<string, Task>();
  const state = { isFull: false };

  const put = (text: string | null): void => {
    if (text === null) {
      file = null;
    } else {
      const credential = decode(text, clock.wall());
      const stored: Stored =
        credential === null
          ? { kind: "unreadable", error: new AuthError("store_corrupt", name) }
          : { kind: "stored", credential, loose: false };
      file = { text, stored };
    }
    changed("tokens");
  };

  const read = (): Stored => file?.stored ?? { kind: "absent" };

  const checkRoom = (): void => {
    if (state.isFull) throw new AuthError("store_failed", name);
  };

  const write = (change: (current: StoredCredential | null) => StoredCredential | null): StoredCredential | null => {
    const found = read();
    if (found.kind === "unreadable") throw found.error;
    const current = found.kind === "stored" ? found.credential : null;
    const next = change(current);
    if (next === null || next === current) return current;
    checkRoom();
    put(encode(next));
    return next;
  };

  const sealed = (spent: Spent): Sealed | null => seals.get(keyOf(spent)) ?? null;

  /** What counts now: what the token file holds, or what is sealed as its successor. */
  const latest = (stored: StoredCredential): StoredCredential => {
    let current = stored;
    while (seals.size > 0) {
      const spent = spentBy(current);
      const seal = spent === null ? null : sealed(spent);
      const successor = seal === null ? null : successorOf(provider, current, seal);
      if (successor?.kind !== "successor") break;
      current = successor.credential;
    }
    return current;
  };

  const isRenewing = (credential: StoredCredential): boolean => {
    const spent = spentBy(credential);
    const [permit] = spent === null ? [] : (permits.get(keyOf(spent)) ?? []);
    if (permit === undefined || permit.ended || clock.steady() - permit.at >= exchangeOverMs) return false;
    return !permit.holder.isOver();
  };

  const listed = (): Attempt[] =>
    [...pending.values()]
      .filter(({ expiresAt }) => expiresAt === null || expiresAt > clock.wall())
      .toSorted((a, b) => b.createdAt - a.createdAt);

  /** What a reader sees, without a lock. */
  const login = (): { readonly own: StoredCredential | null; readonly fault: AuthError | null } => {
    const stored = read();
    if (stored.kind !== "stored") return { own: null, fault: stored.kind === "unreadable" ? stored.error : null };
    return { own: credible(latest(stored.credential), clock.wall()), fault: null };
  };

  const look = (): Survey => {
    const { own, fault } = login();
    const [attempt = null] = listed();
    return {
      now: clock.wall(),
      enabled: enabled ?? file !== null,
      facts: own === null ? null : factsOf(own),
      fault: fault?.code ?? null,
      renewing: own !== null && isRenewing(own),
      pending: attempt === null ? null : attemptFactsOf(attempt),
    };
  };

  return {
    name,
    state,
    read,
    write,
    checkRoom,
    login,
    latest,
    look,
    text: () => file?.text ?? null,
    /** Writes any text into the token file, as a hand would. */
    scribble: put,
    remove: () => {
      if (file !== null) put(null);
    },
    isEnabled: () => enabled,
    enable(isOn: boolean) {
      enabled = isOn;
      changed("settings");
    },

    sealed,
    seal(spent: Spent, reply: Sealed) {
      checkRoom();
      seals.set(keyOf(spent), reply);
      changed("tokens");
    },
    unseal(spent: Spent) {
      seals.delete(keyOf(spent));
      changed("tokens");
    },
    /** The newest first. */
    permits: (spent: Spent): readonly Permit[] => permits.get(keyOf(spent)) ?? [],
    allow(spent: Spent, permit: Permit) {
      permits.set(keyOf(spent), [permit, ...(permits.get(keyOf(spent)) ?? [])]);
    },
    withdraw(spent: Spent) {
      permits.set(keyOf(spent), (permits.get(keyOf(spent)) ?? []).slice(1));
    },
    end(spent: Spent) {
      const [permit, ...others] = permits.get(keyOf(spent)) ?? [];
      if (permit !== undefined) permits.set(keyOf(spent), [{ ...permit, ended: true }, ...others]);
    },
    /** Removes what a refresh has left, but for what is about this token. */
    clean(spent: Spent | null) {
      const kept = spent === null ? "" : keyOf(spent);
      for (const key of [...seals.keys(), ...permits.keys()]) {
        if (key === kept) continue;
        seals.delete(key);
        permits.delete(key);
      }
      changed("tokens");
    },

    /** Tokens of a sign-in that waits for the lock, by attempt. */
    granted: new Map<string, StoredCredential>(),
    pending: {
      get: (attempt: string): Attempt | null => pending.get(attempt) ?? null,
      has: (attempt: string): boolean => pending.has(attempt),
      isGone: (attempt: string): boolean => gone.has(attempt),
      list: listed,
      put(record: Attempt) {
        checkRoom();
        pending.set(record.attempt, record);
        changed("pending");
      },
      revise(record: Attempt) {
        checkRoom();
        if (pending.has(record.attempt)) pending.set(record.attempt, record);
      },
      remove(attempt: string) {
        gone.add(attempt);
        if (pending.delete(attempt)) changed("pending");
      },
      removeAll(): number {
        const { size } = pending;
        for (const attempt of pending.keys()) gone.add(attempt);
        pending.clear();
        if (size > 0) changed("pending");
        return size;
      },
    },

    lock: {
      isFree: (which: string) => {
        const holder = locks.get(which);
        return holder === undefined || holder.isOver();
      },
      take(which: string, task: Task): boolean {
        const holder = locks.get(which);
        if (holder !== undefined && holder !== task && !holder.isOver()) return false;
        locks.set(which, task);
        return true;
      },
      give(which: string, task: Task) {
        if (locks.get(which) === task) {
          locks.delete(which);
          changed("turns");
        }
      },
    },
  };
}
