// Logging out: the tokens leave this machine first, then the provider is told (RFC 7009), best effort.
//
// In this order a login that the provider will not take back is still gone here, and a refresh that is under way finds no
// file to come back to.
import type { Revocation } from "../machines/life.ts";
import { AuthError } from "../machines/errors.ts";
import type { Lock } from "./refresh/lock.ts";
import { latest } from "./refresh/successor.ts";
import { checkBinding, registrationOf } from "./registration.ts";
import { writeImported } from "./settings/imported.ts";
import type { StoredCredential } from "./store/codec.ts";
import { listFolder } from "./store/folders.ts";
import { dropGranted, granted } from "./store/granted.ts";
import type { AccountName } from "./store/names.ts";
import { revokeRequest } from "./wire/request.ts";
import { revokeReply } from "./wire/response.ts";
import type { Wiring } from "./wiring.ts";

/** @returns what became of the grant at the provider. @throws AuthError when the file cannot be removed */
export async function logOut(wiring: Wiring, name: AccountName, revoke: boolean): Promise<Revocation> {
  const { store, pending } = wiring;
  const found = store.read(name);
  pending.removeAll(name);
  // A file that cannot be read is not ours to delete; it blocks, and `reset` puts it aside.
  if (found.kind === "unreadable") throw found.error;
  store.remove(name);
  const kept = letGo(wiring, name);
  const credential = found.kind === "absent" ? null : grantOf(wiring, name, found.credential);
  const left = await sweep(wiring, name);
  const trouble = kept ?? left;
  const revocation = credential === null ? "nothing" : await told(wiring, name, credential, revoke);
  // The login is gone all the same; what a refresh has left of it, or another program's, is not.
  if (trouble !== null) throw trouble;
  return revocation;
}

/**
 * Of another program's login nothing is deleted and nothing given back: it is only not read any more.
 * @returns why that could not be done; it is no reason to keep ours from being given back
 */
function letGo({ store }: Wiring, name: AccountName): AuthError | null {
  try {
    writeImported(store.paths, name, null);
    return null;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    return error;
  }
}

/** What is sealed already is the login that has to be taken back. */
function grantOf(wiring: Wiring, name: AccountName, stored: StoredCredential): StoredCredential {
  const { store, spend } = wiring;
  try {
    return latest({ paths: store.paths, spend }, wiring.provider(name.provider), name, stored);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    return stored;
  }
}

async function told(
  wiring: Wiring,
  name: AccountName,
  credential: StoredCredential,
  revoke: boolean,
): Promise<Revocation> {
  const { lineage, generation } = credential;
  const whose = { provider: name.provider, account: name.account, lineage, generation };
  wiring.journal.note({ step: "loggedOut", ...whose, revocation: revoke ? undefined : "skipped" });
  if (!revoke) return "skipped";
  const revocation = await revoked(wiring, name, credential);
  wiring.journal.note({ step: "revocation", ...whose, revocation });
  return revocation;
}

const patienceMs = 1_000;

/**
 * Removes what a refresh has left. One that is under way finds no file, and gives its tokens back itself.
 * @returns why that could not be done; it is no reason not to tell the provider
 */
async function sweep({ locks, store, spend }: Wiring, name: AccountName): Promise<AuthError | null> {
  let lock: Lock | null = null;
  try {
    if (listFolder(store.paths.spend(name)).length === 0) return null;
    lock = await locks.take(name, patienceMs);
    if (lock === null) return null;
    // Between a look at the file and its replacement there is a moment; under the lock there is none.
    store.remove(name);
    spend.clean(name, null);
    for (const { attempt } of granted(store.paths, name)) dropGranted(store.paths, name, attempt);
    return null;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    return error;
  } finally {
    lock?.release();
  }
}

async function revoked(wiring: Wiring, name: AccountName, credential: StoredCredential): Promise<Revocation> {
  const provider = wiring.provider(name.provider);
  try {
    const registration = await registrationOf(provider, wiring.host, wiring.sender);
    if (registration.endpoints.revocation === null) return "unsupported";
    checkBinding(provider, credential, registration.by);
    // RFC 7009 2.1: with the refresh token its access tokens go as well.
    const token = credential.refreshToken ?? credential.accessToken;
    const reply = await wiring.sender.exchange(revokeRequest(provider, { ...registration, token }));
    return !("kind" in reply) && revokeReply(reply).kind === "revoked" ? "revoked" : "failed";
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    wiring.faults.note(name, error);
    return provider.revocationEndpoint === null && provider.issuer === null ? "unsupported" : "failed";
  }
}
