// The token files: read at any time by anybody, changed by whoever holds the account's lock.
//
// A change reads, decides and writes as one step, so that nobody works on what he read long ago. A file that cannot be
// read is not an absent file: it is never overwritten, only put aside when a person asks for it.
import { copyFileSync, renameSync } from "node:fs";
import { AuthError } from "../../machines/errors.ts";
import { decode, encode, type StoredCredential } from "./codec.ts";
import { checkRoom, markOf, readPrivate, removePrivate, syncPrivate, tighten, writePrivate } from "./files.ts";
import { checkFolder, checkHome, ensureFolder, ensureHome, listFolder } from "./folders.ts";
import { sweepLeftovers } from "./leftovers.ts";
import { mountedAlone } from "./mounted.ts";
import { recognized } from "./recognized.ts";
import { type AccountName, defaultAccount, nameOfFile, type Paths, stemOf } from "./names.ts";
import { failed, isErrno, unsafe } from "./trust.ts";
import type { PendingStore } from "./pending.ts";

export type Stored =
  | { readonly kind: "absent" }
  | { readonly kind: "stored"; readonly credential: StoredCredential; readonly loose: boolean }
  | { readonly kind: "unreadable"; readonly error: AuthError };

export interface Store {
  readonly paths: Paths;
  /** What is stored. No lock, no write, no request; one file opened, unless another program took our part out of it. */
  read(name: AccountName): Stored;
  /**
   * Changes what is stored; only for who holds the lock. `change` is given what is there now and answers what shall be
   * there; the same or null leaves it as it is. It is asked again when a program that knows no lock was faster.
   * @returns what is there afterwards.
   * @throws AuthError `store_corrupt`, `store_unsafe`, `store_failed`
   */
  write(name: AccountName, change: Change): StoredCredential | null;
  /**
   * The same for what is nice to have: takes the lock itself, and lets the change be when somebody else has it.
   * @returns false when it was let be. @throws AuthError as `write`
   */
  advise(name: AccountName, change: Change): boolean;
  /** Whether a token file would be kept, before somebody is sent to a browser for one. @throws AuthError `store_failed`, `store_unsafe` */
  checkRoom(name: AccountName): void;
  /** Waits until what is stored is on the disk, whoever wrote it. @throws AuthError `store_failed`, `store_unsafe` */
  sync(name: AccountName): void;
  /** Removes the tokens, lock or no lock: a removal wins over everything. False when there were none. @throws AuthError `store_failed` */
  remove(name: AccountName): boolean;
  /** Moves the file out of the way, whatever is in it. @returns the new path, or null when there was none. */
  putAside(name: AccountName): string | null;
  /** Takes a file away from others who could read it. @throws AuthError `store_failed` */
  tighten(name: AccountName): void;
  /** The accounts that have a file. */
  list(): readonly AccountName[];
}

type Change = (current: StoredCredential | null) => StoredCredential | null;

/** Takes an account's lock if nobody has it (`runtime/refresh/locks.ts`). */
type TryTake = (name: AccountName) => { readonly release: () => void } | null;

/**
 * The store in a home folder. Creates nothing before the first write.
 * @param now epoch milliseconds, for names of copies
 * @param tryTake how to take a lock; a store without one is for reading
 */
export function createStore(paths: Paths, now: () => number, tryTake: TryTake = () => null): Store {
  const read = (name: AccountName): Stored => {
    try {
      if (!checkHome(paths.home, name) || !checkFolder(paths.oauth, name)) return { kind: "absent" };
      const file = readPrivate(paths.tokenFile(name), name);
      if (file === null) return { kind: "absent" };
      const credential = decode(file.text, file.modifiedAt);
      if (credential !== null)
        return { kind: "stored", credential: recognized(paths, name, credential), loose: file.loose };
      return { kind: "unreadable", error: new AuthError("store_corrupt", { ...name, detail: "it is no token file" }) };
    } catch (error) {
      if (error instanceof AuthError) return { kind: "unreadable", error };
      throw error;
    }
  };

  const asideOf = (path: string, why: string): string =>
    `${path}.${why}-${new Date(now()).toISOString().replaceAll(/[:.]/g, "")}`;

  const putAside = (name: AccountName): string | null => {
    const path = paths.tokenFile(name);
    const to = asideOf(path, "aside");
    try {
      renameSync(path, to);
      return to;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return null;
      throw failed(path, name, error);
    }
  };

  /** A copy, so that there is no moment without the file: to others that would be a sign-out. */
  const keepCopy = (name: AccountName): void => {
    const path = paths.tokenFile(name);
    try {
      copyFileSync(path, asideOf(path, "newer"));
    } catch (error) {
      throw failed(path, name, error);
    }
  };

  const ensureFolders = (name: AccountName): void => {
    ensureHome(paths.home, name);
    ensureFolder(paths.oauth, name);
    for (const folder of [paths.home, paths.oauth, paths.spend(name)]) sweepLeftovers(folder, now());
  };

  const write: Store["write"] = (name, change) => {
    const path = paths.tokenFile(name);
    for (;;) {
      const before = markOf(path);
      const found = read(name);
      if (found.kind === "unreadable") throw found.error;
      const current = found.kind === "stored" ? found.credential : null;
      const next = change(current);
      if (next === null || next === current) return current;
      ensureFolders(name);
      if (current?.newer === true) keepCopy(name);
      const still = () => markOf(path) === before;
      if (writePrivate(path, encode(next), name, still)) return next;
    }
  };

  return {
    paths,
    read,
    write,
    advise: (name, change) => {
      const found = read(name);
      const current = found.kind === "stored" ? found.credential : null;
      const next = change(current);
      if (next === null || next === current) return true;
      const lock = tryTake(name);
      if (lock === null) return false;
      try {
        write(name, change);
        return true;
      } finally {
        lock.release();
      }
    },
    checkRoom: (name) => {
      ensureFolders(name);
      const path = paths.tokenFile(name);
      if (mountedAlone()(path)) throw unsafe(path, "is mounted by itself; mount the folder that it is in", name);
      checkRoom(path, name);
    },
    sync: (name) => {
      syncPrivate(paths.tokenFile(name), name);
    },
    remove: (name) => removePrivate(paths.tokenFile(name), name),
    putAside,
    tighten: (name) => {
      tighten(paths.tokenFile(name), name);
    },
    list: () => listFolder(paths.oauth).flatMap((file) => nameOfFile(file) ?? []),
  };
}

/**
 * The default account of each of these providers, in their order, and after it the others that have a file or a record.
 * @param more others
 */
export function accountsIn(
  providers: readonly string[],
  store: Pick<Store, "list">,
  pending: Pick<PendingStore, "names">,
  more: readonly AccountName[] = [],
): AccountName[] {
  const named = new Map([...store.list(), ...pending.names(), ...more].map((name) => [stemOf(name), name]));
  const others = [...named.values()].filter(({ account }) => account !== defaultAccount);
  return providers.flatMap((provider) => [
    { provider, account: defaultAccount },
    ...others.filter((other) => other.provider === provider),
  ]);
}
