// What can be answered from the store alone, and what is noted in it when nothing else came of a try. Pure.
import type { RefreshVerdict } from "../../machines/refresh.ts";
import type { RefreshDemand } from "../../machines/life.ts";
import { defaultMinTtlMs, isFresh } from "../../machines/freshness.ts";
import type { StoredCredential } from "../store/codec.ts";

export interface FreshDemand extends RefreshDemand {
  /** Generation that the caller knows; null: none. */
  readonly generation: number | null;
}

/** Null: a request is needed. */
export function withoutRequest(credential: StoredCredential, demand: FreshDemand, now: number): RefreshVerdict | null {
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

/** Still the same login. Programs that know no generations show by the refresh token that they were here. */
export function isSame(current: StoredCredential | null, asked: StoredCredential): current is StoredCredential {
  if (current === null || current.generation !== asked.generation || current.lineage !== asked.lineage) return false;
  return asked.refreshToken !== null && current.refreshToken?.matches(asked.refreshToken) === true;
}
