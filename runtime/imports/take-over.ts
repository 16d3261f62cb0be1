// Copying another tool's login, its refresh token included, so that it is renewed here from then on. Only with a person's
// word: wherever refresh tokens are single use, the tool that kept it loses its login with our next renewal, or we ours
// with its next one.
//
// The tool's file is left as it is. What we changed in it, it could write back at any moment from memory; and if our copy
// were lost on the way, there would be none. It is put into the store as a sign-in is: under the account's lock, under a
// lineage of its own, at the issuer and client that the provider's data names, and never in the place of a login that lives.
import { AuthError } from "../../machines/errors.ts";
import { isOver } from "../../machines/facts.ts";
import type { Provider } from "../../providers/provider.ts";
import { checkIdentity } from "../login/identity.ts";
import { settleSignIns } from "../login/settle.ts";
import { checkBinding, registrationOf } from "../registration.ts";
import { writeImported } from "../settings/imported.ts";
import { factsOf, type StoredCredential } from "../store/codec.ts";
import type { IssuedBy } from "../store/credential.ts";
import { markOf } from "../store/files.ts";
import { type AccountName, stemOf } from "../store/names.ts";
import type { Wiring } from "../wiring.ts";
import { troubleOf } from "./borrowed.ts";
import { kindOf } from "./kinds.ts";

/** A refresh of the login that was there before may hold the lock for as long as an exchange takes. */
const patienceMs = 45_000;

/**
 * Copies what the file holds at this moment.
 * @throws AuthError `import_shadowed`, `import_taken`, `import_unreadable`, `import_is_key`, `credential_elsewhere`, `client_missing`,
 *   `lock_busy`, `store_*`
 */
export async function takeOver(wiring: Wiring, provider: Provider, name: AccountName, file: string): Promise<void> {
  const { host, sender, store, locks, spend, journal } = wiring;
  const { by } = await registrationOf(provider, host, sender);
  const lock = await locks.take(name, patienceMs);
  if (lock === null) throw locks.busy(name);
  try {
    // A sign-in that waits for the lock is a login already.
    settleSignIns(wiring, name);
    const lineage = Buffer.from(host.randomBytes(16)).toString("base64url");
    const replaced = credentialIn(wiring, name);
    try {
      // The tool may be renewing it at this moment: what counts is what the file holds afterwards.
      for (let before = ""; before !== markOf(file);) {
        before = markOf(file);
        const theirs = loginIn(wiring, provider, name, file);
        checkBinding(provider, theirs, by);
        store.write(name, (current) => {
          const next = ours(name, current, theirs, by, lineage, host.now());
          checkOwner(wiring, name, next, file);
          return next;
        });
      }
      // Each account has a lock of its own: of two that take it in the same moment, neither may keep it.
      checkOwner(wiring, name, credentialIn(wiring, name), file);
    } catch (error) {
      takeBack(wiring, name, lineage, replaced);
      throw error;
    }
    // Of the login that was there before, nothing may be brought back.
    spend.clean(name, null);
    const expiresAt = credentialIn(wiring, name)?.expiresAt ?? null;
    journal.note({ step: "takenOver", ...name, lineage, generation: 1, expiresAt });
  } finally {
    lock.release();
  }
  writeImported(store.paths, name, null);
}

/**
 * A refresh token that two accounts of ours hold ends the login of both, and a copy of one that was spent ends the login that
 * it became. @throws AuthError `import_taken`
 */
function checkOwner(wiring: Wiring, name: AccountName, next: StoredCredential | null, file: string): void {
  const taken = next?.takenOver ?? null;
  const owner = wiring.store.list().find((other) => {
    if (taken === null || stemOf(other) === stemOf(name)) return false;
    const theirs = credentialIn(wiring, other);
    return theirs?.takenOver === taken || theirs?.refreshToken?.fingerprint() === taken;
  });
  if (owner !== undefined) throw new AuthError("import_taken", { ...owner, detail: file });
}

function credentialIn({ store }: Wiring, name: AccountName): StoredCredential | null {
  const found = store.read(name);
  return found.kind === "stored" ? found.credential : null;
}

/** What was copied may be spent, or another account's: whoever presented it would end the login that it became. */
function takeBack(wiring: Wiring, name: AccountName, lineage: string, replaced: StoredCredential | null): void {
  if (credentialIn(wiring, name)?.lineage !== lineage) return;
  if (replaced === null) wiring.store.remove(name);
  else wiring.store.write(name, (current) => (current?.lineage === lineage ? replaced : current));
}

/** @throws AuthError why there is nothing to take */
function loginIn({ host, store }: Wiring, provider: Provider, name: AccountName, file: string): StoredCredential {
  const looked = kindOf({ host, paths: store.paths }, provider, file)?.looked;
  if (looked?.kind === "key") throw new AuthError("import_is_key", { ...name, detail: file });
  if (looked?.kind !== "login") {
    const detail = looked === undefined ? `${file}: it is no such file` : troubleOf(looked, file);
    throw new AuthError("import_unreadable", { ...name, detail });
  }
  if (looked.credential.refreshToken === null)
    throw new AuthError("import_unreadable", { ...name, detail: `${file}: it holds no refresh token to take over` });
  return looked.credential;
}

function ours(
  name: AccountName,
  current: StoredCredential | null,
  theirs: StoredCredential,
  by: IssuedBy,
  lineage: string,
  now: number,
): StoredCredential {
  // One that is dead is in nobody's way; ours of a moment ago is written again.
  const isInTheWay = current !== null && current.lineage !== lineage && !isOver(factsOf(current), now);
  if (isInTheWay) throw new AuthError("import_shadowed", name);
  checkIdentity(name, current, theirs);
  const { snapshot = null, ownRest = {}, rest = {} } = current ?? {};
  return {
    ...theirs,
    ...by,
    lineage,
    generation: 1,
    takenOver: theirs.refreshToken?.fingerprint() ?? null,
    obtainedAt: now,
    snapshot,
    ownRest,
    rest: { ...rest, ...theirs.rest },
  };
}
