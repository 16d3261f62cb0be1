// The shortest way to a state, told step by step: it is gone again from the beginning, with processes that keep their numbers.
import { eventNames, stateNames } from "./chart.ts";
import type { Invariant } from "./invariants.ts";
import type { State } from "./layout.ts";
import { createModel } from "./model.ts";
import { type Kind, nobody } from "./moves.ts";
import { type Seen, unknown } from "./seen.ts";
import type { World } from "./world.ts";

export function createTracer(world: World, seen: Seen) {
  const expand = createModel(world, new Uint32Array(stateNames.length * eventNames.length));

  /** @param promise what is broken by one more step; null: the way ends at the state */
  const trace = (target: number, promise: Invariant | null): readonly string[] => {
    const way: number[] = [];
    for (let one = target; one !== unknown; one = seen.parent(one)) way.unshift(one);
    const told: string[] = [];
    let from = world.initial();
    const go = (isIt: (n: State, kind: Kind, actor: number) => boolean): void => {
      const reached: State[] = [];
      expand(from, (n, kind, actor, what) => {
        if (reached.length > 0 || !isIt(n, kind, actor)) return;
        told.push(actor === nobody ? what : `process ${actor + 1}: ${what}`);
        reached.push(n.slice());
      });
      from = reached[0] ?? from;
    };
    const goal = new Uint8Array(world.bytes);
    const lined = new Uint8Array(world.bytes);
    for (const one of way.slice(1)) {
      seen.read(one, goal);
      go((n) => {
        lined.set(n);
        world.line(lined);
        return Buffer.compare(lined, goal) === 0;
      });
    }
    if (promise !== null) go((after, kind, actor) => !promise.holds(world, { before: from, after, kind, actor }));
    return told;
  };

  return { trace };
}
