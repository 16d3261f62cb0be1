// The tokens of a sign-in that has just ended, on the disk before anything else: a code is good for one exchange, and the
// account's lock may be somebody else's for as long as a refresh takes. Whoever has the lock next puts them into the token
// file, if the sign-in is still wanted.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AuthError } from "../../machines/errors.ts";
import { decode, encode, type StoredCredential } from "./codec.ts";
import { readPrivate, removePrivate, writePrivate } from "./files.ts";
import { listFolder } from "./folders.ts";
import type { AccountName, Paths } from "./names.ts";

export interface Granted {
  /** Handle of the sign-in. */
  readonly attempt: string;
  /** Null: the file cannot be read. */
  readonly credential: StoredCredential | null;
}

const ending = ".granted";

/** @throws AuthError `store_failed` */
export function keepGranted(paths: Paths, name: AccountName, attempt: string, credential: StoredCredential): void {
  writePrivate(join(paths.spend(name), attempt + ending), encode(credential), name);
}

export function dropGranted(paths: Paths, name: AccountName, attempt: string): void {
  removePrivate(join(paths.spend(name), attempt + ending), name);
}

/** Whether the tokens of this sign-in wait for the lock: the server has nothing more to say about it. */
export function isGranted(paths: Paths, name: AccountName, attempt: string): boolean {
  return existsSync(join(paths.spend(name), attempt + ending));
}

/** What waits for the lock. @throws AuthError `store_unsafe` */
export function granted(paths: Paths, name: AccountName): Granted[] {
  return listFolder(paths.spend(name))
    .filter((file) => file.endsWith(ending))
    .map((file) => ({
      attempt: file.slice(0, -ending.length),
      credential: credentialIn(join(paths.spend(name), file), name),
    }));
}

function credentialIn(path: string, name: AccountName): StoredCredential | null {
  try {
    const file = readPrivate(path, name);
    return file === null ? null : decode(file.text, 0);
  } catch (error) {
    // Not even text: no more than text that says nothing.
    if (error instanceof AuthError && error.code === "store_corrupt") return null;
    throw error;
  }
}
