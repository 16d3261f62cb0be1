// Breadth-first search through everything that can happen, so that the first trace that breaks a promise is a shortest one.
//
// Of each state it is kept what happens to it when nothing goes wrong any more: from everywhere that has to end in a
// verdict.
import type { Bounds } from "./bounds.ts";
import { eventNames, stateNames } from "./chart.ts";
import { type Invariant, invariants, type Step } from "./invariants.ts";
import { createModel, isSettled } from "./model.ts";
import { createSeen, unknown } from "./seen.ts";
import { createTracer } from "./trace.ts";
import { createWorld } from "./world.ts";

export interface Found {
  readonly states: number;
  readonly transitions: number;
  /** Steps on the longest of all shortest ways. */
  readonly depth: number;
  /** False: the limit was reached first. */
  readonly isWhole: boolean;
  /** Null: everything holds. */
  readonly broken: Broken | null;
  /** How often each transition of the chart was taken, by its number. */
  readonly taken: Uint32Array;
  readonly checked: readonly string[];
}

export interface Broken {
  readonly name: string;
  readonly says: string;
  readonly trace: readonly string[];
}

const noWedge = {
  name: "no wedge",
  says: "From every state, when nothing goes wrong any more, the processes get to a verdict.",
} as const;

/**
 * @param limit most states to look at
 * @param only names of invariants; all that are promised there, if there are none
 */
export function search(bounds: Bounds, limit = Number.POSITIVE_INFINITY, only: readonly string[] = []): Found {
  const world = createWorld(bounds);
  const taken = new Uint32Array(stateNames.length * eventNames.length);
  const expand = createModel(world, taken);
  const seen = createSeen(world.bytes);
  const promised = invariants.filter(({ name, when }) => when(bounds) && (only.length === 0 || only.includes(name)));
  const current = new Uint8Array(world.bytes);
  const broken: (Pick<Broken, "name" | "says"> & { readonly at: number; readonly promise: Invariant | null })[] = [];
  let transitions = 0;
  let depth = 0;
  let edge = 1;
  let index = 0;
  seen.add(world.initial(), unknown);
  for (; index < seen.size() && seen.size() < limit && broken.length === 0; index += 1) {
    if (index === edge) {
      edge = seen.size();
      depth += 1;
    }
    seen.read(index, current);
    let good = unknown;
    expand(current, (after, kind, actor, _what, isGood) => {
      transitions += 1;
      const step: Step = { before: current, after, kind, actor };
      for (const promise of promised) if (!promise.holds(world, step)) broken.push({ ...promise, at: index, promise });
      world.line(after);
      const reached = seen.add(after, index);
      if (isGood) good = reached;
    });
    seen.setGood(index, good);
  }
  const isWhole = index === seen.size() && broken.length === 0;
  if (isWhole) wedge();
  const { trace } = createTracer(world, seen);
  const [first] = broken;
  const told =
    first === undefined ? null : { name: first.name, says: first.says, trace: trace(first.at, first.promise) };
  const checked = [...promised, ...(isWhole ? [noWedge] : [])].map(({ name }) => name);
  return { states: seen.size(), transitions, depth, isWhole, broken: told, taken, checked };

  /** Looks for a state from which nobody ever gets to a verdict, although nothing goes wrong any more. */
  function wedge(): void {
    const [fresh, onTheWay, clear] = [0, 1, 2];
    const looked = new Uint8Array(seen.size());
    for (let from = 0; from < looked.length; from += 1) {
      const way: number[] = [];
      let to = from;
      while (to !== unknown && looked[to] === fresh) {
        looked[to] = onTheWay;
        way.push(to);
        to = seen.good(to);
      }
      if (to === unknown) seen.read(way.at(-1) as number, current);
      // It ends without a verdict, or goes round for ever.
      const isWedged = to === unknown ? !isSettled(world, current) : looked[to] === onTheWay;
      if (isWedged) {
        broken.push({ ...noWedge, at: from, promise: null });
        return;
      }
      for (const one of way) looked[one] = clear;
    }
  }
}
