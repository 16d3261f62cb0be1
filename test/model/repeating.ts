// What a process makes of a permit without a seal: the facts as the disk tells them, and the real rule (`machines/doubt.ts`).
import { weigh, type Weighed } from "../../machines/doubt.ts";
import type { Acting } from "./acting.ts";
import { access, ageIn, at, interruptedBy, permitBits, slot, stand, type State } from "./layout.ts";
import type { World } from "./world.ts";

/** What a coarse age means to `weigh` (ms): an exchange may be under way, it is over, it is over wherever it was. */
const ages = [1_000, 61_000, 601_000] as const;
const graces = { none: 0, known: 90_000, lasting: Number.POSITIVE_INFINITY } as const;

export function createRepeating(world: World, { of, base }: Acting) {
  const { bounds } = world;
  const { without } = bounds;
  const provider = { rotation: "always", reuseGraceMs: graces[bounds.grace] } as const;

  /** A permit that stands says no more than that; the newest says when, by whom, and whether it is over. */
  const doubtAt = (s: State, p: number, attempt: number, isSeen: boolean, isOtherBoot: boolean) => {
    const { lineage, generation } = base(s, p);
    const newest = world.slotOf(lineage, generation, attempt);
    let first = newest;
    for (let k = attempt - 1; k >= 0; k -= 1) {
      const earlier = world.slotOf(lineage, generation, k);
      if ((at(s, earlier + slot.permit) & permitBits.seen) !== 0) first = earlier;
    }
    if (without.has("firstAge")) first = newest;
    const bits = at(s, newest + slot.permit);
    return {
      attempt,
      interrupted: interruptedBy(bits),
      ageMs: ages[ageIn(bits)] as number,
      sinceFirstMs: ages[ageIn(at(s, first + slot.permit))] as number,
      isOver: (bits & permitBits.ended) !== 0 || (isSeen && at(s, newest + slot.owner) === 0),
      isOtherBoot: isOtherBoot || (bits & permitBits.otherBoot) !== 0,
      isShared: bounds.lock === "lying",
      isUnusable: at(s, world.accessAt) === access.dead,
    };
  };

  const weighed = (s: State, p: number, attempt: number, isSeen: boolean, isOtherBoot: boolean): Weighed["kind"] =>
    without.has("doubt") ? "repeat" : weigh(doubtAt(s, p, attempt, isSeen, isOtherBoot), provider).kind;

  /** Making room may have taken long. */
  const isStillAllowed = (s: State, p: number): boolean => {
    const attempt = of(s, p, stand.attempt);
    return attempt === 0 || weighed(s, p, attempt - 1, true, false) === "repeat";
  };

  const interruptedBefore = (s: State, p: number): number => {
    const { lineage, generation } = base(s, p);
    const attempt = of(s, p, stand.attempt);
    return attempt === 0 ? 0 : interruptedBy(at(s, world.slotOf(lineage, generation, attempt - 1) + slot.permit));
  };

  return { weighed, isStillAllowed, interruptedBefore };
}
