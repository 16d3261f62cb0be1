// Two accounts whose names differ in case only are one file on some disks, so the second one is refused.
//
// Which accounts there are is read anew only for a name that is not among them, and when a folder has changed: opening many
// must not list all of them for each.
import { AuthError } from "../machines/errors.ts";
import { markOf } from "./store/files.ts";
import { type AccountName, defaultAccount } from "./store/names.ts";
import type { PendingStore } from "./store/pending.ts";
import type { Store } from "./store/store.ts";

export interface Grounds {
  readonly store: Pick<Store, "list" | "paths">;
  readonly pending: Pick<PendingStore, "names">;
}

/** @returns a check of a name that is about to be used; it throws AuthError `name_invalid`, `store_*` */
export function createNameCheck({ store, pending }: Grounds): (name: AccountName) => void {
  const opened = new Map<string, string>();
  let kept: ReadonlyMap<string, string> = new Map();
  let mark: string | null = null;

  const lookAgain = (): void => {
    const now = `${markOf(store.paths.oauth)} ${markOf(store.paths.pending)}`;
    if (now === mark) return;
    kept = new Map([...store.list(), ...pending.names()].map((name) => [keyOf(name), name.account]));
    mark = now;
  };

  return (name) => {
    const key = keyOf(name);
    if (kept.get(key) !== name.account) lookAgain();
    const usual = name.account.toLowerCase() === defaultAccount ? defaultAccount : undefined;
    const other = [usual, opened.get(key), kept.get(key)].find((one) => one !== undefined && one !== name.account);
    if (other !== undefined)
      throw new AuthError("name_invalid", {
        detail: `there is an account ${other}; ${name.account} differs in case only`,
      });
    opened.set(key, name.account);
  };
}

function keyOf({ provider, account }: AccountName): string {
  return `${provider} ${account.toLowerCase()}`;
}
