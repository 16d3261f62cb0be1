// Logging out: the tokens leave this machine first, then the provider is told (RFC 7009), best effort.
//
// In this order a login that the provider will not take back is still gone here, and a refresh that is under way finds no
// file to come back to.
import type { Revocation } from "../machines/life.ts";
import { AuthError } from "../machines/errors.ts";
import { checkBinding, registrationOf } from "./registration.ts";
import type { StoredCredential } from "./store/codec.ts";
import type { AccountName } from "./store/names.ts";
import { revokeRequest } from "./wire/request.ts";
import { revokeReply } from "./wire/response.ts";
import type { Wiring } from "./wiring.ts";

/** @returns what became of the grant at the provider. @throws AuthError when the file cannot be removed */
export async function logOut(wiring: Wiring, name: AccountName, revoke: boolean): Promise<Revocation> {
  const { store, pending, journal } = wiring;
  const found = store.read(name);
  pending.removeAll(name);
  // A file that cannot be read is not ours to delete; it blocks, and `reset` puts it aside.
  if (found.kind === "unreadable") throw found.error;
  await store.remove(name);
  if (found.kind === "absent") return "nothing";
  const { lineage, generation } = found.credential;
  const whose = { provider: name.provider, account: name.account, lineage, generation };
  journal.note({ step: "loggedOut", ...whose, revocation: revoke ? undefined : "skipped" });
  if (!revoke) return "skipped";
  const revocation = await revoked(wiring, name, found.credential);
  journal.note({ step: "revocation", ...whose, revocation });
  return revocation;
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
