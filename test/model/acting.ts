// How a process of the check acts: it makes a copy of the world, changes one thing in it, and asks the chart what comes next.
import { eventNames, type EventName, leadsTo, stateNames } from "./chart.ts";
import type { Emit } from "./moves.ts";
import { at, stand, type State } from "./layout.ts";
import type { World } from "./world.ts";

/** Number of a transition of the chart, for counting. */
export function transitionOf(state: number, event: number): number {
  return state * eventNames.length + event;
}

const table: readonly number[] = stateNames.flatMap((from) =>
  eventNames.map((event) => {
    const to = leadsTo(from, event);
    return to === null ? -1 : stateNames.indexOf(to);
  }),
);
const [rereading, releasing, done] = (["rereading", "releasing", "done"] as const).map((name) =>
  stateNames.indexOf(name),
);
const numberOf = new Map(eventNames.map((name, index) => [name, index]));

export type Acting = ReturnType<typeof createActing>;

/** @param taken counts the transitions of the chart */
export function createActing(world: World, emit: Emit, taken: Uint32Array) {
  const scratch = new Uint8Array(world.bytes);

  const fork = (s: State): State => {
    scratch.set(s);
    return scratch;
  };
  const of = (s: State, p: number, field: number): number => at(s, world.processOf(p) + field);
  const put = (n: State, p: number, field: number, value: number): void => {
    n[world.processOf(p) + field] = value;
  };
  const base = (s: State, p: number) => {
    const content = world.contentOf(of(s, p, stand.base));
    if (content === null) throw new TypeError("nothing is spent before it was read");
    return content;
  };
  const slotAt = (s: State, p: number): number => {
    const { lineage, generation } = base(s, p);
    return world.slotOf(lineage, generation, of(s, p, stand.attempt));
  };

  /** The chart is told what came of a state, and says where that leads. */
  const answer = (n: State, p: number, event: EventName): State => {
    const from = of(n, p, stand.state) - 1;
    const index = transitionOf(from, numberOf.get(event) as number);
    const to = table[index] as number;
    if (to < 0) throw new TypeError(`${event} is no answer in ${stateNames[from]}`);
    taken[index] = (taken[index] as number) + 1;
    if (to === done) world.endProcess(n, p);
    else {
      if (to === rereading || to === releasing) {
        const view = of(n, p, stand.view);
        const offset = world.processOf(p);
        n.fill(0, offset, offset + stand.size);
        if (to === rereading) put(n, p, stand.view, view);
      }
      put(n, p, stand.state, to + 1);
      put(n, p, stand.pc, 0);
    }
    return n;
  };
  const next = (n: State, p: number, pc: number): State => {
    put(n, p, stand.pc, pc);
    return n;
  };
  const step = (n: State, p: number, what: string, isGood = true): void => emit(n, "step", p, what, isGood);

  const isBase = (s: State, p: number): boolean => {
    const now = world.contentOf(at(s, world.fileAt));
    const { lineage, generation, token } = base(s, p);
    return now !== null && now.lineage === lineage && now.generation === generation && now.token === token;
  };

  return { fork, of, put, base, slotAt, answer, next, step, isBase };
}
