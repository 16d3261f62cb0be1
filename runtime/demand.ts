// Getting a credential that lives long enough, from whichever source wins.
//
// A fresh token in memory is the fast way and touches neither file nor machine. Everything else goes through the machine,
// and the answer is what the store holds when it has settled.
import { AuthError } from "../machines/errors.ts";
import { isOver, isRenewable } from "../machines/facts.ts";
import { defaultMinTtlMs, isFresh } from "../machines/freshness.ts";
import type { Provider } from "../providers/provider.ts";
import type { CredentialEvent, RefreshDemand, Result } from "../machines/life.ts";
import { type CredentialSnapshot, isSigningIn, type Running } from "./actor.ts";
import { type Candidate, type Precedence, sourceOf } from "./credentials.ts";
import { gone, readOnly } from "./imports/borrowed.ts";
import type { EnsureFresh } from "./refresh/ensure-fresh.ts";
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
  readonly renew: (force: boolean) => Promise<Outcome>;
  /** The store or the settings may have changed: what is in memory is of no use any more. */
  readonly forget: () => void;
}

const mostRounds = 10;
/** On a machine with more to do than it can, a token of seconds may end again and again before it is handed out. */
const patienceMs = 45_000;

/** How a renewal ended; null: none was needed, or possible. */
type Outcome = Pick<Result, "kind" | "code"> | null;

export function createDemands(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  running: () => Running,
  why: (findings: Findings) => Precedence,
  required: RequiredSource,
  ensureFresh: EnsureFresh,
  livesOn: boolean,
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

  const keyOf = (winner: Candidate, place: NonNullable<Candidate["place"]>): Credential =>
    keyCredential(keyAt(place, provider.name, userHome), sourceOf({ winner }), winner.origin);

  /** What the store holds and can be used; null: nothing. @throws the fault of the token file */
  const usable = (findings: Findings, origin: string, minTtlMs: number, result: Outcome): Credential | null => {
    const { credential, survey, fault } = findings;
    const { facts, now: at } = survey;
    if (fault !== null) throw fault;
    if (credential === null || facts === null) return null;
    if (isFresh(facts.expiresAt, at, minTtlMs)) {
      inMemory = oauthCredential(credential, origin, false);
      return inMemory;
    }
    // The server gives no longer ones, or none just now: this one lives, and that is better than nothing.
    const isBetterThanNothing = facts.expiresAt > at || result?.kind === "refreshed";
    return isBetterThanNothing ? oauthCredential(credential, origin, true) : null;
  };

  /** Why there is nothing that can be used, after what could be done was done. */
  const whyNot = ({ survey: { facts, now: at }, borrowed }: Findings, result: Outcome): AuthError => {
    if (facts === null) return borrowed === null ? new AuthError("sign_in_needed", name) : gone(name, borrowed);
    // Another tool's login that ran out: without a client of one's own there is nothing to sign in with.
    if (borrowed !== null) clientOf(provider, wiring.host);
    if (borrowed !== null) return readOnly(name, borrowed);
    if (isOver(facts, at)) return wiring.faults.recall(name, facts.refused ?? "refresh_impossible");
    return wiring.faults.recall(name, result?.code ?? facts.retry?.code ?? "backing_off");
  };

  /**
   * Has the machine renew the token. While a sign-in keeps the machine, the token is renewed beside it: what is stored goes
   * on being used until the new login is there.
   */
  const renewal = async (findings: Findings, demand: RefreshDemand, event: () => CredentialEvent): Promise<Outcome> => {
    const { actor, settled } = running();
    const before = await settled(undefined, isSigningIn);
    if (isSigningIn(before)) {
      const { facts } = findings.survey;
      if (event().type === "token.rejected" && isWaiting(findings)) return null;
      return facts === null ? null : ensureFresh(name, { ...demand, generation: facts.generation });
    }
    // The machine learns of other programs' changes within a second; this caller knows already.
    if (!isUpToDate(before, findings)) actor.send({ type: "system.resumed" });
    const { context } = await settled(undefined, isSigningIn);
    // Made now: what it says of the time is compared with what the machine has just learned.
    actor.send(event());
    const { result } = (await settled(undefined, isSigningIn)).context;
    return result === context.result ? null : result;
  };

  const token: Demands["token"] = async (demand) => {
    const minTtlMs = demand?.minTtlMs ?? defaultMinTtlMs;
    if (inMemory?.expiresAt != null && isFresh(inMemory.expiresAt, now(), minTtlMs)) return inMemory;
    const since = performance.now();
    for (let round = 0; ; round += 1) {
      const { winner, findings } = chosen();
      if (winner.place !== null) return keyOf(winner, winner.place);
      const { credential, survey, fault } = findings;
      const isEnough = fault === null && isFresh(survey.facts?.expiresAt ?? 0, survey.now, minTtlMs);
      // For a program that ends at once there is nothing to watch, and nothing to decide.
      if (isEnough && credential !== null && !livesOn && !findings.loose)
        return oauthCredential(credential, winner.origin, false);
      // From here on somebody watches the file.
      running();
      const result = isEnough
        ? null
        : await renewal(findings, { minTtlMs, force: false }, () => ({ type: "token.demanded", minTtlMs, now: now() }));
      // Somebody else's token, or the one that was found, may have lived for less than it took to hear of it.
      const isAdopted = result?.kind === "adopted" && performance.now() - since < patienceMs;
      const isWorthAnother = isAdopted || (result === null && round < mostRounds);
      // One look tells both: a token may end between two.
      const after = look(wiring, provider, name.account);
      const found = usable(after, winner.origin, minTtlMs, result);
      if (found !== null) return found;
      if (!isWorthAnother) throw whyNot(after, result);
    }
  };

  const rejected: Demands["rejected"] = async (credential) => {
    inMemory = null;
    if (credential.kind === "key" || credential.generation === null) {
      throw new AuthError("key_rejected", { ...name, detail: credential.origin });
    }
    const { generation } = credential;
    const findings = look(wiring, provider, name.account);
    // Somebody may have renewed it already: then this changes nothing.
    const isOld = findings.survey.facts !== null && findings.survey.facts.generation !== generation;
    const result = isOld
      ? null
      : await renewal(findings, { minTtlMs: 0, force: true }, () => ({ type: "token.rejected", generation }));
    const after = look(wiring, provider, name.account);
    const next = usable(after, credential.origin, 1, result);
    if (next === null) throw whyNot(after, result);
    if (next.generation !== credential.generation) return next;
    // No renewal: why not is what helps, and an unreachable server is no reason to sign in again.
    const isWhy = result?.kind === "unavailable" || result?.kind === "rejected";
    const retry = isWaiting(findings) ? findings.survey.facts?.retry : null;
    const code = isWhy ? result.code : (retry?.code ?? after.survey.facts?.refused ?? null);
    if (code !== null) throw wiring.faults.recall(name, code);
    throw after.borrowed === null ? new AuthError("api_unauthorized", name) : readOnly(name, after.borrowed);
  };

  const renew: Demands["renew"] = async (force) => {
    const event = (): CredentialEvent =>
      force
        ? { type: "refresh.requested", force, now: now() }
        : { type: "token.demanded", minTtlMs: defaultMinTtlMs, now: now() };
    const demand = { minTtlMs: defaultMinTtlMs, force };
    const result = await renewal(look(wiring, provider, name.account), demand, event);
    if (result !== null) return result;
    const found = look(wiring, provider, name.account);
    const reason = unasked(found);
    if (reason !== null && found.borrowed !== null) clientOf(provider, wiring.host);
    return reason;
  };

  return {
    token,
    rejected,
    renew,
    forget: () => {
      inMemory = null;
    },
  };
}

/** Why nobody was asked for another token; null: there is one that lives. */
function unasked({ survey: { facts, now } }: Findings): Outcome {
  if (facts === null) return { kind: "signedOut", code: null };
  if (isFresh(facts.expiresAt, now, defaultMinTtlMs)) return null;
  return isRenewable(facts)
    ? { kind: "unavailable", code: facts.retry?.code ?? "backing_off" }
    : { kind: "rejected", code: facts.refused ?? "refresh_impossible" };
}

/** The next try to renew has its time, and that has not come. */
function isWaiting({ survey: { facts, now } }: Findings): boolean {
  return (facts?.retry?.at ?? 0) > now;
}

/** Whether the machine knows what stands in the file, and waits with it, if it does, for the next try. */
function isUpToDate({ value, context }: CredentialSnapshot, findings: Findings): boolean {
  const { facts } = findings.survey;
  const known = context.survey.facts;
  const same = (["lineage", "generation", "expiresAt", "refused"] as const).every(
    (member) => known?.[member] === facts?.[member],
  );
  return same && value !== "blocked" && (value === "backingOff") === isWaiting(findings);
}
