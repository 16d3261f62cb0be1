// Whether somebody who wants to sign in begins a sign-in or joins one: of all processes one at a time decides, so that
// fifty which find no login at the same moment send one person to one page.
//
// What is joined has to be what was asked for, and worth it: an address that ends in a moment is not shown to anybody.
import { setTimeout } from "node:timers/promises";
import { AuthError } from "../../machines/errors.ts";
import { isOver } from "../../machines/facts.ts";
import type { Grant, Provider } from "../../providers/provider.ts";
import type { Lock } from "../refresh/lock.ts";
import { pauses } from "../refresh/locks.ts";
import { registrationOf } from "../registration.ts";
import type { AccountName } from "../store/names.ts";
import type { Attempt } from "../store/pending.ts";
import type { Findings } from "../survey.ts";
import type { Wiring } from "../wiring.ts";

/** Beginning a sign-in takes one exchange at most, with a deadline of its own. */
const patienceMs = 40_000;

/**
 * Waits for the turn to decide. A courtesy: after so long somebody who hangs is not waited for any more.
 * @returns null when it was not to be had in time. @throws the signal's reason; AuthError `store_*`
 */
export async function enter({ locks }: Wiring, name: AccountName, signal?: AbortSignal): Promise<Lock | null> {
  for (const pause of pauses(patienceMs)) {
    signal?.throwIfAborted();
    const lock = locks.tryTake(name, "entrance");
    if (lock !== null) return lock;
    await setTimeout(pause);
  }
  return null;
}

/** What is asked for: null, anything will do. */
export interface Wanted {
  readonly grant?: Grant | null | undefined;
  readonly port?: number | null | undefined;
}

const shortestLeftMs = 60_000;

/** The newest sign-in under way that can be joined; null: none is what is wanted. @param passed those that are of no use */
export async function openFor(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  wanted: Wanted,
  passed: ReadonlySet<string>,
): Promise<Attempt | null> {
  const { pending, host } = wiring;
  const fitting = pending
    .list(name, host.now())
    .filter((attempt) => !passed.has(attempt.attempt) && fits(attempt, provider, wanted, host.now()));
  if (fitting.length === 0) return null;
  const by = await clientNow(wiring, provider);
  return fitting.find(({ issuer, clientId }) => issuer === by?.issuer && clientId === by.clientId) ?? null;
}

export function fits(
  { kind, redirectUri, createdAt, expiresAt }: Attempt,
  { grants }: Provider,
  { grant = null, port = null }: Wanted,
  now: number,
): boolean {
  if (!grants.includes(kind) || (grant !== null && grant !== kind)) return false;
  if (port !== null && portOf({ kind, redirectUri }) !== port) return false;
  // Who gave it less than a minute in all is joined while half of that is left.
  return expiresAt === null || expiresAt - now >= Math.min(shortestLeftMs, (expiresAt - createdAt) / 2);
}

/** The port of its listener; null: it has none. */
export function portOf({ kind, redirectUri }: Pick<Attempt, "kind" | "redirectUri">): number | null {
  // An address leaves out http's own port.
  return kind !== "loopback" || redirectUri === null ? null : Number(new URL(redirectUri).port || 80);
}

/** To whom a sign-in would be sent now: one that was begun with another client or server could not be finished. */
async function clientNow({ host, sender }: Wiring, provider: Provider) {
  try {
    return (await registrationOf(provider, host, sender)).by;
  } catch (error) {
    // Why it cannot even begin is said by whoever begins it.
    if (error instanceof AuthError) return null;
    throw error;
  }
}

/** Whether there is a login that lives, or can be renewed: somebody else was faster. */
export function isSignedIn({ survey: { facts, now }, borrowed }: Findings): boolean {
  if (facts === null || facts.refused !== null) return false;
  return borrowed !== null ? facts.expiresAt > now : !isOver(facts, now);
}
