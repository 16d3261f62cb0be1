// Getting a credential that lives long enough, from whichever source wins.
//
// A fresh token in memory is the fast way and touches neither file nor machine. Everything else goes through the machine,
// and the answer is what the store holds when it has settled.
import { AuthError } from "../machines/errors.ts";
import { isOver } from "../machines/facts.ts";
import { defaultMinTtlMs, isFresh } from "../machines/freshness.ts";
import type { Provider } from "../providers/provider.ts";
import { resultOf, type Running } from "./actor.ts";
import { type Candidate, type Precedence, sourceOf } from "./credentials.ts";
import { clientOf } from "./registration.ts";
import { keyAt } from "./sources.ts";
import type { AccountName } from "./store/names.ts";
import { type Findings, look } from "./survey.ts";
import { type Credential, keyCredential, oauthCredential } from "./token.ts";
import type { Wiring } from "./wiring.ts";

export interface TokenDemand {
  /** How long the token must live from now (ms). Default 30 s. */
  readonly minTtlMs?: number;
}

/** Fails closed unless this source wins. */
export type RequiredSource = Candidate["kind"] | null;

export interface Demands {
  readonly token: (demand?: TokenDemand) => Promise<Credential>;
  readonly rejected: (credential: Credential) => Promise<Credential>;
  /** The store or the settings may have changed: what is in memory is of no use any more. */
  readonly forget: () => void;
}

export function createDemands(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  running: () => Running,
  why: (findings: Findings) => Precedence,
  required: RequiredSource,
): Demands {
  const { now, userHome } = wiring.host;
  let inMemory: Credential | null = null;

  const chosen = (): { readonly winner: Candidate; readonly findings: Findings } => {
    const findings = look(wiring, provider, name.account);
    const { winner } = why(findings);
    if (required !== null && winner?.kind !== required) {
      throw new AuthError("source_required", {
        ...name,
        detail: `${required} was asked for, ${winner?.kind ?? "none"} wins`,
      });
    }
    if (winner === null) throw new AuthError("oauth_disabled", name);
    return { winner, findings };
  };

  const keyOf = (winner: Candidate, place: NonNullable<Candidate["place"]>): Credential => {
    const precedence = { candidates: [winner], winner };
    return keyCredential(keyAt(place, provider.name, userHome), sourceOf(precedence), winner.origin);
  };

  /** What the store holds after the machine has done what it could. @throws AuthError why that will not do */
  const held = (origin: string, minTtlMs: number, wasRenewed: boolean): Credential => {
    const { credential, survey, fault, legacy } = look(wiring, provider, name.account);
    const { facts } = survey;
    if (fault !== null) throw fault;
    if (credential === null || facts === null) throw new AuthError("sign_in_needed", name);
    if (isFresh(facts.expiresAt, survey.now, minTtlMs)) {
      inMemory = oauthCredential(credential, origin, false);
      return inMemory;
    }
    // The server gives no longer ones, or none just now: this one lives, and that is better than nothing.
    if (facts.expiresAt > survey.now || wasRenewed) return oauthCredential(credential, origin, true);
    // Another tool's login that ran out: without a client of one's own there is nothing to sign in with.
    if (legacy) clientOf(provider, wiring.host);
    if (isOver(facts, survey.now)) throw wiring.faults.recall(name, facts.refused ?? "refresh_impossible");
    throw wiring.faults.recall(name, facts.retry?.code ?? "backing_off");
  };

  const token: Demands["token"] = async (demand) => {
    const minTtlMs = demand?.minTtlMs ?? defaultMinTtlMs;
    if (inMemory?.expiresAt != null && isFresh(inMemory.expiresAt, now(), minTtlMs)) return inMemory;
    const { winner } = chosen();
    if (winner.place !== null) return keyOf(winner, winner.place);
    const { actor, settled } = running();
    await settled();
    actor.send({ type: "token.demanded", minTtlMs, now: now() });
    const result = resultOf(await settled());
    return held(winner.origin, minTtlMs, result?.kind === "refreshed");
  };

  const rejected: Demands["rejected"] = async (credential) => {
    inMemory = null;
    if (credential.kind === "key" || credential.generation === null) {
      throw new AuthError("key_rejected", { ...name, detail: credential.origin });
    }
    const { actor, settled } = running();
    await settled();
    // Somebody may have renewed it already: then the machine knows another generation, and this changes nothing.
    actor.send({ type: "token.rejected", generation: credential.generation });
    const result = resultOf(await settled());
    const next = held(credential.origin, 1, result?.kind === "refreshed");
    if (next.generation !== credential.generation) return next;
    // No renewal: why not is what helps, and an unreachable server is no reason to sign in again.
    const isWhy = result?.kind === "unavailable" || result?.kind === "rejected";
    throw isWhy && result.code !== null
      ? wiring.faults.recall(name, result.code)
      : new AuthError("api_unauthorized", name);
  };

  return {
    token,
    rejected,
    forget: () => {
      inMemory = null;
    },
  };
}
