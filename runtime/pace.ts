// How often one process asks for new tokens, whatever its wall clock says.
//
// When a token ends and when a pause is over stands in the file, by the wall clock, since processes share it. A clock that
// jumps to and fro makes both wrong, over and over. So nothing that this process has just learned from the server is asked
// again within half a minute of a clock that nobody sets. Lifetimes that are that short are obeyed all the same, and so is
// who insists (contract, section 5).
import { type Facts, isRenewable, type Survey } from "../machines/facts.ts";
import { anyLifetimeMs, leastPauseMs } from "../machines/freshness.ts";
import type { RefreshDemand, Renewed } from "../machines/life.ts";
import type { EnsureFresh } from "./refresh/ensure-fresh.ts";
import { stemOf } from "./store/names.ts";
import { look } from "./survey.ts";
import type { Wiring } from "./wiring.ts";

/** What the server said lately. */
export interface Learned {
  /** By the clock that nobody sets. */
  readonly at: number;
  /** For so long it is not asked again. */
  readonly forMs: number;
  readonly verdict: Pick<Renewed, "kind" | "code">;
  readonly facts: Facts;
}

export function paced(ensureFresh: EnsureFresh, wiring: Wiring): EnsureFresh {
  const { monotonic } = wiring.host;
  const lately = new Map<string, Learned>();

  const ask: (...given: Parameters<EnsureFresh>) => Promise<Renewed> = async (name, demand) => {
    const learned = lately.get(stemOf(name)) ?? null;
    if (learned !== null && !demand.force) {
      const { survey } = look(wiring, wiring.provider(name.provider), name.account);
      const known = recalled(learned, survey, monotonic(), demand);
      if (known !== null) return known;
    }
    const renewed = await ensureFresh(name, demand);
    const news = learnedFrom(learned, renewed, monotonic());
    if (news !== null) lately.set(stemOf(name), news);
    return renewed;
  };
  return Object.assign(ask, { idle: ensureFresh.idle, close: ensureFresh.close });
}

/** What was learned, if it answers the demand still. @param at by the clock that nobody sets */
export function recalled(
  learned: Learned,
  survey: Survey,
  at: number,
  { force, minTtlMs }: RefreshDemand,
): Renewed | null {
  const age = at - learned.at;
  if (force || age >= learned.forMs || !holds(learned, survey.facts, age, minTtlMs)) return null;
  return { ...learned.verdict, survey };
}

/** Null: nothing new. @param at by the clock that nobody sets */
export function learnedFrom(before: Learned | null, renewed: Renewed, at: number): Learned | null {
  const { kind, code, survey } = renewed;
  const { facts } = survey;
  const isKnown = before !== null && isSameToken(before.facts, facts) && before.facts.retry?.at === facts?.retry?.at;
  if (!isFromTheServer(renewed) || isKnown || facts === null) return null;
  return { at, forMs: pauseAfter(survey), verdict: { kind, code }, facts };
}

/** Whether what was learned answers the demand still, after so long. Another token than that one is younger than it. */
function holds({ verdict, facts: then }: Learned, now: Facts | null, age: number, minTtlMs: number): boolean {
  if (now === null || !isRenewable(now)) return false;
  if (verdict.kind === "unavailable") return isSameToken(then, now);
  // There is none newer than one that was just obtained.
  return minTtlMs === anyLifetimeMs || now.expiresAt - now.obtainedAt - age >= minTtlMs;
}

/** A pause that another process has noted may be nearly over. */
function pauseAfter({ facts, now }: Survey): number {
  return Math.min((facts?.retry?.at ?? Infinity) - now, leastPauseMs);
}

function isFromTheServer({ kind, survey }: Renewed): boolean {
  return kind === "refreshed" || (kind === "unavailable" && survey.facts?.retry != null);
}

function isSameToken(one: Facts | null, other: Facts | null): boolean {
  return one?.lineage === other?.lineage && one?.generation === other?.generation;
}
