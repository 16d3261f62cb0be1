// The token files: read at any time by anybody, changed through `update` only.
//
// `update` reads, decides and writes as one step, so that nobody works on what he read long ago. A file that cannot be
// read is not an absent file: it is never overwritten, only put aside when a person asks for it.
import { copyFileSync, renameSync } from "node:fs";
import { AuthError } from "../../machines/errors.ts";
import { decode, encode, type StoredCredential } from "./codec.ts";
import { giveBack, markOf, readPrivate, removePrivate, reserve, tighten, writePrivate } from "./files.ts";
import { checkFolder, checkHome, ensureFolder, ensureHome, listFolder } from "./folders.ts";
import { failed, isErrno } from "./trust.ts";
import { sweepLeftovers } from "./leftovers.ts";
import { type AccountName, defaultAccount, nameOfFile, type Paths, stemOf } from "./names.ts";

import type { PendingStore } from "./pending.ts";

export type Stored =
  | { readonly kind: "absent" }
  | { readonly kind: "stored"; readonly credential: StoredCredential; readonly loose: boolean }
  | { readonly kind: "unreadable"; readonly error: AuthError };

export interface Store {
  readonly paths: Paths;
  /** What is stored. No lock, no write, no request; one file opened. */
  read(name: AccountName): Stored;
  /**
   * Changes what is stored. `change` is given what is there now and answers what shall be there; the same or null leaves
   * it as it is. One after another within an account; `change` is asked again when another program was faster.
   * @returns what is there afterwards.
   * @throws AuthError `store_corrupt`, `store_unsafe`, `store_failed`
   */
  update(name: AccountName, change: Change, room?: Room): Promise<StoredCredential | null>;
  /** Takes room on the disk for the next change, before something is done that must not be lost. @throws AuthError `store_failed` */
  reserve(name: AccountName): Room;
  /** Removes the tokens; false when there were none. */
  remove(name: AccountName): Promise<boolean>;
  /** Moves the file out of the way, whatever is in it. @returns the new path, or null when there was none. */
  putAside(name: AccountName): string | null;
  /** Takes a file away from others who could read it. @throws AuthError `store_failed` */
  tighten(name: AccountName): void;
  /** The accounts that have a file. */
  list(): readonly AccountName[];
}

type Change = (current: StoredCredential | null) => StoredCredential | null;

/** Room that was taken; to be given back, used or not. */
export interface Room {
  readonly path: string;
  readonly giveBack: () => void;
}

/** The store in a home folder. Creates nothing before the first write. @param now epoch milliseconds, for names of copies */
export function createStore(paths: Paths, now: () => number): Store {
  const queues = new Map<string, Promise<unknown>>();

  const inTurn = <Result>(name: AccountName, work: () => Result): Promise<Result> => {
    const stem = stemOf(name);
    const turn = (queues.get(stem) ?? Promise.resolve()).then(work);
    queues.set(
      stem,
      turn.catch(() => undefined),
    );
    return turn;
  };

  const read = (name: AccountName): Stored => {
    try {
      if (!checkHome(paths.home, name) || !checkFolder(paths.oauth, name)) return { kind: "absent" };
      const file = readPrivate(paths.tokenFile(name), name);
      if (file === null) return { kind: "absent" };
      const credential = decode(file.text, file.modifiedAt);
      if (credential !== null) return { kind: "stored", credential, loose: file.loose };
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
    for (const folder of [paths.home, paths.oauth]) sweepLeftovers(folder, now());
  };

  const update = (name: AccountName, change: Change, room?: Room): StoredCredential | null => {
    const path = paths.tokenFile(name);
    for (let reserved = room?.path; ; reserved = undefined) {
      const before = markOf(path);
      const found = read(name);
      if (found.kind === "unreadable") throw found.error;
      const current = found.kind === "stored" ? found.credential : null;
      const next = change(current);
      if (next === null || next === current) return current;
      ensureFolders(name);
      if (current?.newer === true) keepCopy(name);
      const still = () => markOf(path) === before;
      if (writePrivate(path, encode(next), name, { reserved, still })) return next;
    }
  };

  return {
    paths,
    read,
    update: (name, change, room) => inTurn(name, () => update(name, change, room)),
    reserve: (name) => {
      ensureFolders(name);
      const path = reserve(paths.tokenFile(name), name);
      return {
        path,
        giveBack: () => {
          giveBack(path);
        },
      };
    },
    remove: (name) => inTurn(name, () => removePrivate(paths.tokenFile(name), name)),
    putAside,
    tighten: (name) => {
      tighten(paths.tokenFile(name), name);
    },
    list: () => listFolder(paths.oauth).flatMap((file) => nameOfFile(file) ?? []),
  };
}

/** The default account of each of these providers, in their order, and after it the others that have a file or a record. */
export function accountsIn(
  providers: readonly string[],
  store: Pick<Store, "list">,
  pending: Pick<PendingStore, "names">,
): AccountName[] {
  const named = new Map([...store.list(), ...pending.names()].map((name) => [stemOf(name), name]));
  const others = [...named.values()].filter(({ account }) => account !== defaultAccount);
  return providers.flatMap((provider) => [
    { provider, account: defaultAccount },
    ...others.filter((other) => other.provider === provider),
  ]);
}
