// A presentation whose reply never came: what is known of it, and how `machines/doubt.ts` judges that.
import { setTimeout } from "node:timers/promises";
import { type Doubt, weigh, type Weighed } from "../../machines/doubt.ts";
import { AuthError } from "../../machines/errors.ts";
import { isFresh } from "../../machines/freshness.ts";
import type { Provider } from "../../providers/provider.ts";
import type { StoredCredential } from "../store/codec.ts";
import type { Permit } from "../store/evidence.ts";
import type { AccountName } from "../store/names.ts";
import type { Spent } from "../store/spend.ts";
import type { Wiring } from "../wiring.ts";
import type { FreshDemand } from "./answers.ts";
import { ageOf, isOtherBoot, isShared, presenceOf } from "./holder.ts";
import { pauses } from "./locks.ts";
import type { Way } from "./way.ts";

/** The kernel gives a dying process's lock back some moments before the process is seen to be gone. */
const lastBreathMs = 2_000;

/** May it be presented again? Asked by who holds the lock. */
export async function judged(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  { spent, permit, credential, demand }: Presentation,
): Promise<Weighed> {
  const isThere = (): boolean => !permit.ended && permit.holder !== null && presenceOf(permit.holder) === "here";
  for (const pause of pauses(lastBreathMs)) {
    if (!isThere()) break;
    await setTimeout(pause);
  }
  // Who forces it has been refused by the API, or wants it so.
  const isUnusable = demand.force || !isFresh(credential.expiresAt, wiring.host.now(), 1);
  return weigh(doubtAbout(wiring, name, spent, permit, isUnusable), provider);
}

/**
 * How many presentations died with their process, this one included. A permit that cannot be read is not one of them: it is
 * on the disk, whole, before anything is sent.
 */
export function interruptedBy({ interrupted, ended, holder }: Permit): number {
  return interrupted + (ended || holder === null ? 0 : 1);
}

/** Nobody waits for a reply any more. Where tokens do not rotate, nothing is in doubt. */
export function leftInDoubt(
  { spend }: Wiring,
  { rotation }: Provider,
  name: AccountName,
  spent: Spent,
  { attempt, sealed }: Pick<Way, "attempt" | "sealed">,
): void {
  if (rotation === "never") {
    spend.withdraw(name, spent, attempt);
    return;
  }
  try {
    if (sealed !== null) spend.unseal(name, spent, attempt);
    const [permit] = spend.permits(name, spent);
    if (permit !== undefined) spend.end(name, spent, { ...permit, ended: true });
  } catch (error) {
    // Then it is over when its process is gone, or after a minute.
    if (!(error instanceof AuthError)) throw error;
  }
}

/** Whether it could be presented again at this moment though the access token is good. */
export function isForgiven(wiring: Wiring, provider: Provider, name: AccountName, spent: Spent): boolean {
  const [permit] = provider.rotation === "never" ? [] : wiring.spend.permits(name, spent);
  return permit !== undefined && weigh(doubtAbout(wiring, name, spent, permit, false), provider).kind === "repeat";
}

interface Presentation {
  readonly spent: Spent;
  readonly permit: Permit;
  readonly credential: StoredCredential;
  readonly demand: FreshDemand;
}

function doubtAbout(
  { spend, store }: Wiring,
  name: AccountName,
  spent: Spent,
  permit: Permit,
  isUnusable: boolean,
): Doubt {
  const folder = store.paths.spend(name);
  const ageBy = (one: Permit): number => ageOf(one.holder, spend.permitPath(name, spent, one.attempt), folder);
  // Without a holder: its process died before it could send. Where the lock may lie, it may still be writing.
  const { holder, attempt, ended } = permit;
  const ageMs = ageBy(permit);
  const mayBeShared = isShared(folder);
  return {
    interrupted: interruptedBy(permit),
    attempt,
    ageMs,
    sinceFirstMs: Math.max(ageMs, ageBy(spend.permits(name, spent).at(-1) ?? permit)),
    isOver: ended || (holder === null ? !mayBeShared : presenceOf(holder) === "gone"),
    isOtherBoot: holder === null || isOtherBoot(holder),
    isShared: mayBeShared,
    isUnusable,
  };
}
