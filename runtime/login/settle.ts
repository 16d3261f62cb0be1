// Sign-ins whose tokens wait on the disk: put into the token file by whoever has the account's lock, in the place of
// whatever login was there. A sign-in without its record was cancelled, and its tokens never become a login.
import { AuthError } from "../../machines/errors.ts";
import type { StoredCredential } from "../store/codec.ts";
import { dropGranted, granted } from "../store/granted.ts";
import type { AccountName } from "../store/names.ts";
import type { Wiring } from "../wiring.ts";
import { checkIdentity } from "./identity.ts";

/**
 * Only for who holds the lock. @throws AuthError `store_*`
 * @returns by attempt, why the tokens of a sign-in did not become the login: somebody else came back than was meant
 */
export function settleSignIns(
  { store, pending, spend, journal }: Wiring,
  name: AccountName,
): ReadonlyMap<string, AuthError> {
  const refused = new Map<string, AuthError>();
  for (const { attempt, credential } of granted(store.paths, name)) {
    const record = pending.get(name, attempt);
    if (record === null || credential === null) {
      dropGranted(store.paths, name, attempt);
      continue;
    }
    const { lineage, generation, expiresAt } = credential;
    const whose = { provider: name.provider, account: name.account, signIn: attempt, grant: record.kind };
    try {
      store.write(name, (current) => inPlaceOf(name, current, credential));
    } catch (error) {
      if (!(error instanceof AuthError) || error.code !== "identity_changed") throw error;
      // First: who finds the record gone looks there for the reason.
      journal.note({ step: "signInFailed", ...whose, code: error.code });
      dropGranted(store.paths, name, attempt);
      pending.remove(name, attempt);
      refused.set(attempt, error);
      continue;
    }
    journal.note({ step: "signedIn", ...whose, lineage, generation, expiresAt });
    dropGranted(store.paths, name, attempt);
    // Of the login that was there before, nothing may be brought back.
    spend.clean(name, null);
    pending.removeAll(name);
  }
  return refused;
}

/** @throws AuthError `identity_changed` */
function inPlaceOf(
  name: AccountName,
  current: StoredCredential | null,
  credential: StoredCredential,
): StoredCredential | null {
  if (current?.lineage === credential.lineage) return current;
  checkIdentity(name, current, credential);
  const { snapshot = null, ownRest = {}, rest = {} } = current ?? {};
  return { ...credential, snapshot, ownRest, rest };
}

/** What a process has left that died, or that waited for the lock in vain: for who has not got the lock, and if it is free. */
export function settleLeftSignIns(wiring: Wiring, name: AccountName): void {
  try {
    if (granted(wiring.store.paths, name).length === 0) return;
    const lock = wiring.locks.tryTake(name);
    if (lock === null) return;
    try {
      settleSignIns(wiring, name);
    } finally {
      lock.release();
    }
  } catch (error) {
    // A store that fails shows where it matters.
    if (!(error instanceof AuthError)) throw error;
  }
}
