// The end of a sign-in: tokens into the store before anything else can fail, and only if the sign-in is still wanted.
import { AuthError } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import { registrationOf, type Registration } from "../registration.ts";
import type { AccountName } from "../store/names.ts";
import { signedIn } from "../store/credential.ts";
import type { Attempt } from "../store/pending.ts";
import { revokeRequest, userinfoRequest } from "../wire/request.ts";
import { type Issued, userinfoReply } from "../wire/response.ts";
import type { Wiring } from "../wiring.ts";

/**
 * Stores what was issued, under a lineage of its own, and removes the account's records.
 * @param signal aborted when the sign-in was cancelled meanwhile: then nothing is stored. What is not stored is revoked.
 * @returns the lineage. @throws AuthError `sign_in_cancelled`, `store_corrupt`, `store_unsafe`, `store_failed`
 */
export async function commit(
  wiring: Wiring,
  provider: Provider,
  attempt: Attempt,
  issued: Issued,
  signal: AbortSignal,
): Promise<string> {
  const { host, store, pending, journal } = wiring;
  const whose = { provider: attempt.provider, account: attempt.account, signIn: attempt.attempt, grant: attempt.kind };
  const lineage = Buffer.from(host.randomBytes(16)).toString("base64url");
  const { issuer, clientId } = attempt;
  try {
    await store.update(attempt, (current) => {
      if (signal.aborted || pending.get(attempt, attempt.attempt) === null) return current;
      return signedIn(current, issued, { issuer, clientId }, lineage, host.now());
    });
    const found = store.read(attempt);
    if (found.kind !== "stored" || found.credential.lineage !== lineage) {
      throw new AuthError("sign_in_cancelled", attempt);
    }
    const { generation, expiresAt } = found.credential;
    journal.note({ step: "signedIn", ...whose, lineage, generation, expiresAt });
  } catch (error) {
    journal.note({ step: "discarded", ...whose, code: error instanceof AuthError ? error.code : "internal" });
    await discard(wiring, provider, attempt, issued);
    throw error;
  }
  pending.removeAll(attempt);
  return lineage;
}

/** Gives tokens back that nobody wants any more. Best effort. */
async function discard(
  { host, sender, store }: Wiring,
  provider: Provider,
  name: AccountName,
  issued: Issued,
): Promise<void> {
  // Where refresh tokens do not rotate, all of a person's tokens are one grant: the login that is kept would go with it.
  if (provider.rotation === "never" && store.read(name).kind !== "absent") return;
  try {
    const registration = await registrationOf(provider, host, sender);
    const token = issued.refreshToken ?? issued.accessToken;
    if (registration.endpoints.revocation !== null)
      await sender.exchange(revokeRequest(provider, { ...registration, token }));
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
  }
}

/** Asks who signed in, for people to read. After the tokens are safe, and never a reason to fail. */
export async function noteIdentity(
  { host, sender, store }: Wiring,
  provider: Provider,
  name: AccountName,
  { accessToken, identity: known }: Issued,
  lineage: string,
): Promise<void> {
  if (known !== null) return;
  const identity = await identityOf(provider, sender, accessToken, () => registrationOf(provider, host, sender));
  if (identity === null) return;
  try {
    await store.update(name, (current) => (current?.lineage === lineage ? { ...current, identity } : current));
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
  }
}

async function identityOf(
  provider: Provider,
  sender: Wiring["sender"],
  accessToken: Issued["accessToken"],
  registration: () => Promise<Registration>,
): Promise<string | null> {
  try {
    const { endpoints } = await registration();
    if (endpoints.userinfo === null) return null;
    const reply = await sender.exchange(userinfoRequest(provider, { endpoints, accessToken }));
    return "kind" in reply ? null : userinfoReply(provider, reply);
  } catch (error) {
    if (error instanceof AuthError) return null;
    throw error;
  }
}
