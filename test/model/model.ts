// All that can happen next in a state of the world: a step of any process, the death of any, and the weather.
import { stateNames } from "./chart.ts";
import type { Emit } from "./moves.ts";
import { createSteps } from "./steps.ts";
import { createWeather } from "./weather.ts";
import { access, at, permitBits, slot, stand, type State, torn } from "./layout.ts";
import type { World } from "./world.ts";

/**
 * Tells every successor of a state. At most one of them is good: what happens next when nothing goes wrong any more, one
 * process after the other, in a world that gives them the time they need.
 */
export type Expand = (s: State, emit: Emit) => void;

export function createModel(world: World, taken: Uint32Array): Expand {
  const { bounds, processOf } = world;
  let told: Emit | null = null;
  // The one whose turn it is when all goes well.
  let turn = -1;
  let before = world.initial();
  const relay: Emit = (n, kind, actor, what, isGood) => {
    world.renewAccess(before, n);
    world.settle(n);
    told?.(n, kind, actor, what, isGood && (actor < 0 || actor === turn));
  };
  const steps = createSteps(world, relay, taken);
  const weather = createWeather(world, relay);
  const doing = stateNames.map((name) => (name === "done" ? null : steps[name]));

  return (s, emit) => {
    told = emit;
    before = s;
    turn = turnOf(world, s);
    for (let p = 0; p < bounds.processes; p += 1) {
      const state = at(s, processOf(p) + stand.state);
      if (state === 0) continue;
      doing[state - 1]?.(s, p);
      weather.kill(s, p);
    }
    const isCalm = turn < 0 && !isSettled(world, s);
    const isOlder = weather.age(s, isCalm);
    const isNearer = weather.expire(s, isCalm && !isOlder);
    if (isCalm && !isOlder && !isNearer) turn = 0;
    for (let p = 0; p < bounds.processes; p += 1)
      if (at(s, processOf(p) + stand.state) === 0) weather.start(s, p, p === turn && isCalm);
    if (bounds.removal) weather.remove(s);
    if (bounds.signIn) weather.signIn(s);
    if (bounds.powerLoss) weather.powerFails(s);
  };
}

/** Who goes on when all goes well: the holder of the lock, else the first; -1: nobody is there. */
function turnOf({ bounds, lockAt, processOf }: World, s: State): number {
  if (at(s, lockAt) !== 0) return at(s, lockAt) - 1;
  for (let p = 0; p < bounds.processes; p += 1) if (at(s, processOf(p) + stand.state) !== 0) return p;
  return -1;
}

/** Whether there is nothing left to wait for: a token, a verdict that lasts, or the edge of the check. */
export function isSettled(world: World, s: State): boolean {
  const { bounds } = world;
  const code = world.visible(s);
  const seen = world.contentOf(code);
  if (seen === null) return code !== torn;
  const { lineage, generation, isRefused } = seen;
  if (isRefused || generation > bounds.generations || at(s, world.accessAt) === access.fresh) return true;
  const last = world.slotOf(lineage, generation, bounds.attempts - 1);
  const isWornOut = (at(s, last + slot.permit) & permitBits.seen) !== 0;
  const sealed = world.sealedAttempt(s, lineage, generation);
  const isBlocked = sealed >= 0 && at(s, world.slotOf(lineage, generation, sealed) + slot.next) === world.garbled;
  return isWornOut || isBlocked || !world.canIssue(s, lineage);
}
