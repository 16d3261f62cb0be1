// The token files: read at any time by anybody, changed through `update` only.
//
// `update` reads, decides and writes as one step, so that nobody works on what he read long ago. A file that cannot be
// read is not an absent file: it is never overwritten, only put aside when a person asks for it.
import { renameSync } from "node:fs";
import { AuthError } from "../../machines/errors.ts";
import { decode, encode, type StoredCredential } from "./codec.ts";
import {
  checkFolder,
  ensureFolder,
  errnoOf,
  isErrno,
  listFolder,
  readPrivate,
  removePrivate,
  tighten,
  writePrivate,
} from "./files.ts";
import { type AccountName, nameOfFile, type Paths, stemOf } from "./names.ts";

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
   * it as it is. One after another within an account.
   * @returns what is there afterwards.
   * @throws AuthError `store_corrupt`, `store_unsafe`, `store_failed`
   */
  update(
    name: AccountName,
    change: (current: StoredCredential | null) => StoredCredential | null,
  ): Promise<StoredCredential | null>;
  /** Removes the tokens; false when there were none. */
  remove(name: AccountName): Promise<boolean>;
  /** Moves the file out of the way, whatever is in it. @returns the new path, or null when there was none. */
  putAside(name: AccountName): string | null;
  /** Takes a file away from others who could read it. */
  tighten(name: AccountName): void;
  /** The accounts that have a file. */
  list(): readonly AccountName[];
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
      if (!checkFolder(paths.oauth, name)) return { kind: "absent" };
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

  const aside = (name: AccountName, why: string): string | null => {
    const path = paths.tokenFile(name);
    const to = `${path}.${why}-${new Date(now()).toISOString().replaceAll(/[:.]/g, "")}`;
    try {
      renameSync(path, to);
      return to;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return null;
      throw new AuthError("store_failed", { ...name, detail: `${path}: ${errnoOf(error)}`, cause: error });
    }
  };

  return {
    paths,
    read,
    update: (name, change) =>
      inTurn(name, () => {
        const found = read(name);
        if (found.kind === "unreadable") throw found.error;
        const current = found.kind === "stored" ? found.credential : null;
        const next = change(current);
        if (next === null || next === current) return current;
        ensureFolder(paths.home, name);
        ensureFolder(paths.oauth, name);
        if (current?.newer === true) aside(name, "newer");
        writePrivate(paths.tokenFile(name), encode(next), name);
        return next;
      }),
    remove: (name) => inTurn(name, () => removePrivate(paths.tokenFile(name), name)),
    putAside: (name) => aside(name, "aside"),
    tighten: (name) => {
      tighten(paths.tokenFile(name));
    },
    list: () => listFolder(paths.oauth).flatMap((file) => nameOfFile(file) ?? []),
  };
}
