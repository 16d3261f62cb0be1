// From records of the journal to the messages of the hosted Stately inspector, by `createInspector` of its own package.
//
// What is made here leaves this machine. Of a record that passed the journal's list, a shorter list passes here: states, types
// of events, times, and what `actors.ts` says of who acts. Every message is built anew from these, so that nothing else can
// come along with what the package adds. A context is always empty.
import { createInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import type { Move } from "../move.ts";
import type { JournalRecord } from "../record.ts";
import { type Actor, createActors, type GrantsOf } from "./actors.ts";

/** What XState calls a value: the name of a state, or `{ outer: inner }`. */
type Value = string | { readonly [outer: string]: Value };

/** Our charts are ten levels deep, and by itself the package goes no deeper. */
const deepest = 32;

/**
 * For one page that listens: it begins with nothing, and tells of a chart before it tells what the chart does. Only `moved`
 * is told. Fed by hand, the package sends at once; what it is fed through XState it sends a timer later.
 * @returns what a record comes to, in order: JSON
 */
export function createFeed(grantsOf: GrantsOf): (record: JournalRecord) => readonly string[] {
  const actorOf = createActors(grantsOf);
  const sent: StatelyInspectionEvent[] = [];
  const inspector = createInspector(
    { send: (message) => void sent.push(message) },
    { serializationDepthLimit: deepest },
  );
  let count = 0;

  return (record) => {
    const { step, move } = record;
    const found = step === "moved" && move !== undefined ? actorOf(record, move) : null;
    if (found === null || move === undefined) return [];
    const { actor, isNew } = found;
    const happening = happeningOf(move, actor, Date.parse(record.at));
    const { event, snapshot } = happening;
    if (isNew) inspector.actor(actor, snapshot);
    inspector.event(actor, event);
    inspector.snapshot(actor, snapshot, { event });
    return sent.splice(0).map((message) => JSON.stringify(rebuilt(message, happening, (count += 1))));
  };
}

/** What of a transition is shown to others. */
interface Happening {
  readonly actor: Actor;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly event: { readonly type: string };
  readonly snapshot: { readonly status: Move["status"]; readonly value: Value; readonly context: object } & {
    readonly output: undefined;
    readonly error: undefined;
  };
}

function happeningOf({ event, status, value }: Move, actor: Actor, at: number): Happening {
  const snapshot = { status, value: valueOf(value), context: {}, output: undefined, error: undefined };
  return { actor, at, event: { type: event.type }, snapshot };
}

/** `{ a: "b" }` of `a.b`. */
function valueOf(path: string): Value {
  const [name = "", ...inner] = path.split(".");
  return inner.length === 0 ? name : { [name]: valueOf(inner.join(".")) };
}

/**
 * A message of the package's, made anew. Fed by hand it knows no root ("anonymous") and no time but its own, and gives no
 * `id`, though its types have one; none of them says what may come along one day.
 */
function rebuilt(
  message: StatelyInspectionEvent,
  { actor, at, event, snapshot }: Happening,
  number: number,
): StatelyInspectionEvent {
  const { sessionId, name, _parent: parent } = actor;
  const rootId = (parent ?? actor).sessionId;
  const own = { sessionId, rootId, createdAt: String(at), id: String(number), _version: message._version };
  if (message.type === "@xstate.actor") {
    const { type, definition } = message;
    return { ...own, type, name, parentId: parent?.sessionId, definition, snapshot };
  }
  const { type } = message;
  return type === "@xstate.event" ? { ...own, type, event, sourceId: undefined } : { ...own, type, event, snapshot };
}
