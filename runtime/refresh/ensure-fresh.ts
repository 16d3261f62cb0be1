// The one entry to refreshing: wait until the store holds a fresh token, or a verdict.
//
// It runs outside every actor, so that no state change, timeout or Ctrl-C can cut an exchange off between the server's
// rotation and our write. Within a process everybody shares the one that is under way. What another process
// stored meanwhile is adopted; only the server's definitive word ends a login, and nothing is ever deleted here.
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import { defaultMinTtlMs, isFresh } from "../../machines/freshness.ts";
import type { RefreshDemand, Renewed } from "../../machines/life.ts";
import type { Provider } from "../../providers/provider.ts";
import { checkBinding, type Registration, registrationOf } from "../registration.ts";
import type { StoredCredential } from "../store/codec.ts";
import { putOff, refusedToRenew, renewed } from "../store/credential.ts";
import { type AccountName, stemOf } from "../store/names.ts";
import type { Room } from "../store/store.ts";
import { look } from "../survey.ts";
import { refreshRequest } from "../wire/request.ts";
import { tokenReply } from "../wire/response.ts";
import type { Wiring } from "../wiring.ts";

export interface FreshDemand extends RefreshDemand {
  /** Generation that the caller knows; null: none. */
  readonly generation: number | null;
}

type Verdict = Pick<Renewed, "kind" | "code">;

export interface EnsureFresh {
  /** Waits for a fresh token; resolves with a verdict, and rejects only for defects. */
  (name: AccountName, demand: FreshDemand): Promise<Renewed>;
  /** Waits until nothing is under way. */
  readonly idle: () => Promise<void>;
}

export function createEnsureFresh(wiring: Wiring): EnsureFresh {
  const underWay = new Map<string, Promise<Verdict>>();

  const ensureFresh = async (name: AccountName, demand: FreshDemand): Promise<Renewed> => {
    const provider = wiring.provider(name.provider);
    const stem = stemOf(name);
    const shared = underWay.get(stem) ?? refresh(wiring, provider, name, demand).finally(() => underWay.delete(stem));
    underWay.set(stem, shared);
    const verdict = await shared;
    return { ...verdict, survey: look(wiring, provider, name.account).survey };
  };
  const idle = async (): Promise<void> => {
    await Promise.allSettled(underWay.values());
  };
  return Object.assign(ensureFresh, { idle });
}

async function refresh(wiring: Wiring, provider: Provider, name: AccountName, demand: FreshDemand): Promise<Verdict> {
  const { credential, fault } = look(wiring, provider, name.account);
  if (fault !== null) {
    wiring.faults.note(name, fault);
    return { kind: "unavailable", code: fault.code };
  }
  if (credential === null) return { kind: "signedOut", code: null };
  const settled = withoutRequest(credential, demand, wiring.host.now());
  if (settled !== null) return settled;
  try {
    return await exchange(wiring, provider, name, credential);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    wiring.faults.note(name, error);
    // Nobody was asked: once it is put right, the next try need not wait.
    if (ownMistakes.has(error.code)) return { kind: "unavailable", code: error.code };
    return await unavailable(wiring, name, credential, error.code, null);
  }
}

const ownMistakes: ReadonlySet<ErrorCode> = new Set([
  "credential_elsewhere",
  "client_missing",
  "settings_invalid",
  "endpoint_insecure",
  "store_failed",
  "store_unsafe",
  "store_corrupt",
]);

/** What can be answered from the store alone. */
function withoutRequest(credential: StoredCredential, demand: FreshDemand, now: number): Verdict | null {
  const { generation, expiresAt, refused, retry } = credential;
  const isMoved = demand.generation !== null && demand.generation !== generation;
  // Who renews early, or because the API said no, wants another token than his: somebody else's new one will do.
  const wantedMs = isMoved ? Math.min(demand.minTtlMs, defaultMinTtlMs) : demand.minTtlMs;
  if (isFresh(expiresAt, now, wantedMs) && (isMoved || !demand.force)) return { kind: "adopted", code: null };
  if (credential.refreshToken === null) return { kind: "rejected", code: "refresh_impossible" };
  if (demand.force) return null;
  if (refused?.generation === generation) return { kind: "rejected", code: refused.code };
  return retry !== null && retry.at > now ? { kind: "unavailable", code: retry.code } : null;
}

async function exchange(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  credential: StoredCredential,
): Promise<Verdict> {
  const registration = await registrationOf(provider, wiring.host, wiring.sender);
  checkBinding(provider, credential, registration.by);
  // A disk that takes no new token must show while the old one is still good: afterwards it may be spent.
  const room = wiring.store.reserve(name);
  try {
    return await present(wiring, provider, registration, name, credential, room);
  } finally {
    room.giveBack();
  }
}

/** Presents the refresh token, once. */
async function present(
  wiring: Wiring,
  provider: Provider,
  { client, endpoints, by }: Registration,
  name: AccountName,
  credential: StoredCredential,
  room: Room,
): Promise<Verdict> {
  const { sender, store } = wiring;
  const { refreshToken, scope } = credential;
  if (refreshToken === null) return { kind: "rejected", code: "refresh_impossible" };
  const reply = await sender.exchange(refreshRequest(provider, { endpoints, client, refreshToken, scope }));
  if ("kind" in reply) {
    wiring.faults.note(name, new AuthError(reply.code, { ...name, detail: reply.detail }));
    return await unavailable(wiring, name, credential, reply.code, null);
  }
  const outcome = tokenReply(provider, reply, { purpose: "refresh", clientId: client.id });
  if (outcome.kind === "issued") {
    const { issued } = outcome;
    // Somebody else's account under this name is never adopted in silence (threat T8).
    const changed =
      credential.accountId !== null && issued.accountId !== null && issued.accountId !== credential.accountId;
    if (changed) return await rejected(wiring, name, credential, "identity_changed");
    let ours: StoredCredential | null = null;
    const now = await store.update(
      name,
      (current) => (ours = isSame(current, credential) ? renewed(current, issued, by, reply.receivedAt) : null),
      room,
    );
    return { kind: now === null ? "signedOut" : now === ours ? "refreshed" : "adopted", code: null };
  }
  const { code, status, oauthError } = outcome;
  const detail = oauthError ?? `HTTP ${status}`;
  wiring.faults.note(name, new AuthError(code, { ...name, status, oauthError, detail }));
  if (outcome.kind === "refused") return await rejected(wiring, name, credential, code);
  return await unavailable(wiring, name, credential, code, "retryAfterMs" in outcome ? outcome.retryAfterMs : null);
}

/** The server's last word on this generation, unless the store has moved on meanwhile. */
async function rejected(wiring: Wiring, name: AccountName, asked: StoredCredential, code: ErrorCode): Promise<Verdict> {
  const now = await wiring.store.update(name, (current) =>
    isSame(current, asked) ? refusedToRenew(current, code) : current,
  );
  if (now === null) return { kind: "signedOut", code: null };
  return now.refused?.generation === now.generation ? { kind: "rejected", code } : { kind: "adopted", code: null };
}

async function unavailable(
  { host, store }: Wiring,
  name: AccountName,
  asked: StoredCredential,
  code: ErrorCode,
  retryAfterMs: number | null,
): Promise<Verdict> {
  try {
    const now = await store.update(name, (current) =>
      isSame(current, asked) ? putOff(current, code, host.now(), retryAfterMs) : current,
    );
    return now === null ? { kind: "signedOut", code: null } : { kind: "unavailable", code };
  } catch (error) {
    // That the pause cannot be noted is the lesser trouble.
    if (error instanceof AuthError) return { kind: "unavailable", code };
    throw error;
  }
}

/** Still the same login. Programs that know no generations show by the refresh token that they were here. */
function isSame(current: StoredCredential | null, asked: StoredCredential): current is StoredCredential {
  if (current === null || current.generation !== asked.generation || current.lineage !== asked.lineage) return false;
  return asked.refreshToken !== null && current.refreshToken?.matches(asked.refreshToken) === true;
}
