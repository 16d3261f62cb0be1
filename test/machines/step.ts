// One step of a machine as a pure function, told in plain words: where it stands, what it remembers, what it starts,
// stops and says. No actor runs.
import type { CredentialEvent } from "../../machines/life.ts";
import { initialTransition, transition } from "xstate";

/** Any event: what it may carry is checked where a machine's events are typed. */
export interface Event {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** The part of a machine that a step needs; its own types are checked where it is made. */
export type Machine = Parameters<typeof transition>[0];

export interface Step {
  /** Names of the active states, outermost first, joined by dots. */
  readonly at: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- one shape for the contexts of all machines
  readonly context: any;
  /** `start survey`, `stop login`, `tell login login.cancelled`, or a named action with its parameters. */
  readonly effects: readonly string[];
  /** What each effect that starts is given. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly status: string;
  readonly output: unknown;
  readonly snapshot: unknown;
}

export function begin(machine: Machine, input: unknown): Step {
  return told(initialTransition(machine, input as never) as never);
}

export function step(machine: Machine, from: Step, event: Event | CredentialEvent): Step {
  return told(transition(machine, from.snapshot as never, event as never) as never);
}

export function steps(machine: Machine, from: Step, ...events: readonly (Event | CredentialEvent)[]): Step {
  let reached = from;
  for (const event of events) reached = step(machine, reached, event);
  return reached;
}

/** The event by which an effect says how it ended. */
export function ends(id: string, output: unknown): Event {
  return { type: `xstate.done.actor.${id}`, output, actorId: id };
}

/** The event by which an effect says that it broke. */
export function breaks(id: string): Event {
  return { type: `xstate.error.actor.${id}`, error: new Error("broken"), actorId: id };
}

interface Snapshot {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
  readonly output: unknown;
}

interface Action {
  readonly type: string;
  readonly params: {
    readonly id?: string;
    readonly src?: string;
    readonly input?: unknown;
    readonly targetId?: string;
    readonly event?: Event;
  };
}

function told([snapshot, actions]: readonly [Snapshot, readonly Action[]]): Step {
  const inputs: Record<string, unknown> = {};
  const effects = actions.map(({ type, params }) => {
    if (type === "xstate.spawnChild") {
      inputs[params.id ?? ""] = params.input;
      return params.id === params.src ? `start ${params.id}` : `start ${params.id} (${params.src})`;
    }
    if (type === "xstate.stopChild") return `stop ${params.id}`;
    if (type === "xstate.sendTo") return `tell ${params.targetId} ${params.event?.type}`;
    return `${type} ${JSON.stringify(params)}`;
  });
  const { context, status, output } = snapshot;
  return { at: path(snapshot.value), context, effects, inputs, status, output, snapshot };
}

/** A state value as one name. */
export function path(value: unknown): string {
  if (typeof value === "string") return value;
  return Object.entries(value as object)
    .map(([name, rest]) => `${name}.${path(rest)}`)
    .join(" ");
}
