// What has to hold in every state that can be reached, and over every step from one to the next. Each has the name that the
// design gives it; what it says here is what is checked.
import type { Bounds } from "./bounds.ts";
import { stateNames } from "./chart.ts";
import type { Kind } from "./moves.ts";
import { isSpent } from "./server.ts";
import { access, at, factBits, firstToken, permitBits, slot, stand, type State, torn } from "./layout.ts";
import type { World } from "./world.ts";

export interface Step {
  readonly before: State;
  readonly after: State;
  readonly kind: Kind;
  /** Number of the process. */
  readonly actor: number;
}

export interface Invariant {
  readonly name: string;
  readonly says: string;
  /** Where it is promised. */
  readonly when: (bounds: Bounds) => boolean;
  readonly holds: (world: World, step: Step) => boolean;
}

const always = (): boolean => true;
const isKernel = ({ lock }: Bounds): boolean => lock === "kernel";

export const invariants: readonly Invariant[] = [
  {
    name: "I1",
    says: "A refresh token is presented once without doubt, even where the lock lies.",
    when: always,
    holds: (world, step) => {
      if (step.kind !== "present") return true;
      const { lineage, token, attempt } = presentation(world, step);
      return attempt > 0 || !world.is(step.before, lineage, token, factBits.first);
    },
  },
  {
    name: "I2 one each",
    says: "Each presentation is repeated at most once: never are there more of them than permits.",
    when: isKernel,
    holds: (world, step) => {
      if (step.kind !== "present") return true;
      const { lineage, token, attempt } = presentation(world, step);
      return world.presented(step.before, lineage, token) <= attempt;
    },
  },
  {
    name: "I2 doubt",
    says: "A repeat is sent only when nobody has the reply, nobody alive waits for it, and no refusal is noted.",
    when: isKernel,
    holds: (world, step) => {
      if (step.kind !== "present") return true;
      const { lineage, generation, attempt } = presentation(world, step);
      if (attempt === 0) return true;
      const seen = world.contentOf(at(step.before, world.fileAt));
      if (seen !== null && seen.lineage === lineage && seen.isRefused) return false;
      for (let earlier = 0; earlier < attempt; earlier += 1)
        if (isAwaited(step.before, world.slotOf(lineage, generation, earlier))) return false;
      return true;
    },
  },
  {
    name: "I2 free",
    says: "While the access token is good, only what the server forgives is repeated, and at most three times.",
    when: always,
    holds: (world, step) => {
      if (step.kind !== "permit" || at(step.before, world.accessAt) === access.dead) return true;
      const { lineage, token, attempt } = presentation(world, step);
      const seen = world.contentOf(world.visible(step.before));
      if (attempt === 0 || seen?.lineage !== lineage) return true;
      return attempt <= 3 && world.bounds.grace !== "none" && !isSpent(world, step.after, lineage, token);
    },
  },
  {
    name: "I3",
    says: "The generation never decreases for any reader; a power failure takes back nothing that was called durable.",
    when: isKernel,
    holds: (world, { before, after, kind }) => {
      const now = world.contentOf(world.visible(after));
      if (now === null) return true;
      if (kind === "power") {
        const isRemoved = at(before, world.removedAt + now.lineage) === 1;
        return isRemoved || now.generation >= at(before, world.ackedAt + now.lineage);
      }
      const then = world.contentOf(world.visible(before));
      return then === null || then.lineage !== now.lineage || now.generation >= then.generation;
    },
  },
  {
    name: "I6",
    says: "A live holder is never displaced: nobody takes the lock while a process that has it lives.",
    when: isKernel,
    holds: (world, { before, kind, actor }) => {
      if (kind !== "take") return true;
      for (let p = 0; p < world.bounds.processes; p += 1)
        if (p !== actor && at(before, world.processOf(p) + stand.state) > locking) return false;
      return true;
    },
  },
  {
    name: "I10",
    says: "A removed token file stays removed, and one of another sign-in stays; only a sign-in makes a login.",
    when: always,
    holds: (world, { before, after, kind }) => {
      if (kind === "signIn" || kind === "power") return true;
      const then = world.contentOf(world.visible(before));
      const now = world.contentOf(world.visible(after));
      if (now === null) return true;
      return now.lineage === then?.lineage;
    },
  },
  {
    name: "loss",
    says: "A login is lost only if whoever presented the token died, or lost the reply, between permit and seal.",
    when: isKernel,
    holds: (world, { after }) => {
      if (at(after, world.fileAt) === torn) return false;
      const seen = world.contentOf(world.visible(after));
      if (seen === null) return true;
      const { lineage, token } = seen;
      const isGood = at(after, world.revokedAt + lineage) === 0 && !isSpent(world, after, lineage, token);
      if (isGood && !seen.isRefused) return true;
      if (seen.isRefused && world.is(after, lineage, token, factBits.diedAgain)) return true;
      return isExcused(world, after, lineage, token) || isCarried(world, after, lineage, token);
    },
  },
];

const locking = stateNames.indexOf("locking") + 1;
const carrying: ReadonlySet<string> = new Set(["permitted", "replied", "unsealed", "sealed"]);
const carries = stateNames.map((name) => carrying.has(name));

function presentation(world: World, { before, actor }: Step) {
  const offset = world.processOf(actor);
  const base = world.contentOf(at(before, offset + stand.base));
  if (base === null) throw new TypeError("nothing is presented before it was read");
  return { ...base, attempt: at(before, offset + stand.attempt) };
}

/** Whether somebody alive may still hear of this presentation, or its reply is there. */
function isAwaited(s: State, offset: number): boolean {
  if (at(s, offset + slot.next) >= firstToken) return true;
  return at(s, offset + slot.owner) !== 0 && (at(s, offset + slot.permit) & permitBits.ended) === 0;
}

function isExcused(world: World, s: State, lineage: number, token: number): boolean {
  return at(s, world.removedAt + lineage) === 1 || world.isExcused(s, lineage, token);
}

/** Whether a process that lives has the reply, or waits for it. */
function isCarried(world: World, s: State, lineage: number, token: number): boolean {
  for (let p = 0; p < world.bounds.processes; p += 1) {
    const offset = world.processOf(p);
    const state = at(s, offset + stand.state);
    if (state === 0 || carries[state - 1] !== true) continue;
    const base = world.contentOf(at(s, offset + stand.base));
    if (base?.lineage === lineage && base.token === token) return true;
  }
  return false;
}
