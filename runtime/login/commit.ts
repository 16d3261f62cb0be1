// The end of a sign-in: tokens into the store before anything else can fail, and only if the sign-in is still wanted.
import { setTimeout } from "node:timers/promises";
import { AuthError } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import { discard } from "../discard.ts";
import { registrationOf, type Registration } from "../registration.ts";
import { pauses } from "../refresh/locks.ts";
import { type AccountName, stemOf } from "../store/names.ts";
import { signedIn } from "../store/credential.ts";
import { dropGranted, keepGranted } from "../store/granted.ts";
import type { Attempt } from "../store/pending.ts";
import { userinfoRequest } from "../wire/request.ts";
import { type Issued, userinfoReply } from "../wire/response.ts";
import type { Wiring } from "../wiring.ts";
import type { Desk } from "./desk.ts";
import { isSomebodyMeant } from "./identity.ts";
import { settleSignIns } from "./settle.ts";

/** A refresh of the login that was there before may hold the lock for as long as an exchange takes. */
const patienceMs = 45_000;

/**
 * Stores what was issued, and then asks who signed in; before, only if a certain person is meant and the reply did not tell.
 * Meanwhile what happens to the files is this sign-in's own doing.
 * @param stored called in between: from then on the login is there. @throws AuthError as `commit`
 */
export async function keep(
  desk: Desk,
  provider: Provider,
  attempt: Attempt,
  issued: Issued,
  signal: AbortSignal,
  stored: () => void = () => undefined,
): Promise<void> {
  desk.storing.add(stemOf(attempt));
  try {
    const told = await identified(desk, provider, attempt, issued);
    const lineage = await commit(desk, provider, attempt, told, signal);
    stored();
    await noteIdentity(desk, provider, attempt, told, lineage);
  } finally {
    desk.storing.delete(stemOf(attempt));
  }
}

/** What was issued, with who signed in if that decides whether it is kept. Best effort: nobody is refused for not being known. */
async function identified(
  { host, sender, store }: Wiring,
  provider: Provider,
  attempt: Attempt,
  issued: Issued,
): Promise<Issued> {
  const found = store.read(attempt);
  const isMatter = isSomebodyMeant(attempt, found.kind === "stored" ? found.credential : null);
  if (issued.identity !== null || !isMatter) return issued;
  const { accessToken } = issued;
  const identity = await identityOf(provider, sender, accessToken, () => registrationOf(provider, host, sender));
  return { ...issued, identity };
}

/**
 * Stores what was issued, under a lineage of its own, and removes the account's records.
 * @param signal aborted when the sign-in was cancelled meanwhile: then nothing is stored. What is not stored is revoked.
 * @returns the lineage. @throws AuthError `sign_in_cancelled`, `identity_changed`, `store_corrupt`, `store_unsafe`, `store_failed`; `lock_busy`:
 *   the tokens wait on the disk for whoever has the lock next
 */
async function commit(
  wiring: Wiring,
  provider: Provider,
  attempt: Attempt,
  issued: Issued,
  signal: AbortSignal,
): Promise<string> {
  const { host, store, spend, journal } = wiring;
  const { issuer, clientId } = attempt;
  const lineage = Buffer.from(host.randomBytes(16)).toString("base64url");
  try {
    spend.ensure(attempt);
    const credential = signedIn(null, issued, { issuer, clientId }, lineage, host.now());
    keepGranted(store.paths, attempt, attempt.attempt, credential);
    await settled(wiring, attempt, signal);
    const found = store.read(attempt);
    if (found.kind === "stored" && found.credential.lineage === lineage) return lineage;
    throw found.kind === "unreadable" ? found.error : new AuthError("sign_in_cancelled", attempt);
  } catch (error) {
    if (error instanceof AuthError && error.code === "lock_busy") throw error;
    const code = error instanceof AuthError ? error.code : "internal";
    const whose = { provider: attempt.provider, account: attempt.account, signIn: attempt.attempt };
    journal.note({ step: "discarded", ...whose, grant: attempt.kind, code });
    await discard(wiring, provider, attempt, issued);
    throw error;
  }
}

async function settled(wiring: Wiring, attempt: Attempt, signal: AbortSignal): Promise<void> {
  const { store, locks } = wiring;
  const lock = await locks.take(attempt, patienceMs);
  if (lock === null) throw locks.busy(attempt);
  let refusal: AuthError | undefined;
  try {
    if (signal.aborted) dropGranted(store.paths, attempt, attempt.attempt);
    else refusal = settleSignIns(wiring, attempt).get(attempt.attempt);
  } catch (error) {
    dropGranted(store.paths, attempt, attempt.attempt);
    throw error;
  } finally {
    lock.release();
  }
  if (refusal !== undefined) throw refusal;
}

const identityMs = 2_000;

/** Asks who signed in, for people to read. After the tokens are safe, and never a reason to fail. */
async function noteIdentity(
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
    for (const pause of pauses(identityMs)) {
      if (store.advise(name, (current) => (current?.lineage === lineage ? { ...current, identity } : current))) return;
      await setTimeout(pause);
    }
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
