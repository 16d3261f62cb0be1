// From XState's inspection to plain records: what a statechart did, without anything that is not on the list of `move.ts`.
//
// It stands in front of every sink, is synchronous, since what it looks at changes, and never throws into an actor. Of an
// effect it tells nothing: what comes of it is an event of the chart that asked for it.
import type { AnyActorRef, InspectionEvent } from "../../machines/statechart.ts";
import type { Entry } from "./record.ts";
import type { Move } from "./move.ts";

/** The part of a chart's snapshot that is looked at. */
interface Seen {
  readonly value: unknown;
  readonly status: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly children: Readonly<Record<string, AnyActorRef>>;
}

interface Node {
  readonly path: readonly string[];
}

/** XState keeps what it took under a name of its own; a test notices when that changes. */
interface Transition {
  readonly source: Node;
  readonly target?: readonly Node[] | undefined;
}

/** @param tell gets an entry for every transition. @returns what XState's `inspect` takes */
export function projector(tell: (entry: Entry) => void): (event: InspectionEvent) => void {
  const numbers = new Map<string, number>();
  const underWay = new Map<string, string[]>();

  const project = (inspected: InspectionEvent): void => {
    const { actorRef, type, rootId } = inspected;
    const logic = (actorRef as { readonly logic?: { readonly id?: unknown; readonly root?: unknown } }).logic;
    if (typeof logic?.root !== "object") return;
    const { sessionId } = actorRef as AnyActorRef;
    if (type === "@xstate.microstep") {
      const { _transitions } = inspected as unknown as { readonly _transitions: readonly Transition[] };
      underWay.set(sessionId, [...(underWay.get(sessionId) ?? []), ..._transitions.map(stepOf)]);
    }
    if (type !== "@xstate.snapshot") return;
    const taken = underWay.get(sessionId) ?? [];
    underWay.delete(sessionId);
    const isBeginning = inspected.event.type === "xstate.init";
    if (taken.length === 0 && !isBeginning) return;
    const number = numbers.get(sessionId) ?? numbers.size + 1;
    numbers.set(sessionId, number);
    const { value, status, context, children } = inspected.snapshot as unknown as Seen;
    const machine = (sessionId === rootId ? "account" : logic.id) as Move["machine"];
    const event = isBeginning ? { ...context, type: "xstate.init" } : inspected.event;
    const move = { machine, actor: number, event, value: pathOf(value), status: status as Move["status"], taken };
    const { provider, account } = context as { readonly provider: string; readonly account: string };
    tell({ step: "moved", provider, account, move: { ...move, timers: timersOf(children) } });
  };
  return (event) => {
    try {
      project(event);
    } catch {
      // What is being watched must not notice.
    }
  };
}

/** `a.b` of `{ a: "b" }`. No chart here has parallel states. */
export function pathOf(value: unknown): string {
  if (typeof value === "string") return value;
  const [[name, inner] = ["", ""]] = Object.entries(value as object) as [string, unknown][];
  return `${name}.${pathOf(inner)}`;
}

const stepOf = ({ source, target = [] }: Transition): string =>
  `${source.path.join(".")}>${target.map((node) => node.path.join(".")).join(",")}`;

/** Of the effects under way, those that are alarms and will ring. */
function timersOf(children: Seen["children"]): Move["timers"] {
  return Object.entries(children).flatMap(([id, child]) => {
    const { input, status } = child.getSnapshot() as { readonly input?: unknown; readonly status: string };
    const at = (input as { readonly at?: unknown } | undefined)?.at;
    return status === "active" && typeof at === "number" ? [{ id, at }] : [];
  });
}
