// The protocol chart as a table: which state an event leads to. It is filled in by the chart itself, once, so that what is
// searched is what runs, and a million states cost no million calls of XState.
import { refreshProtocol, type RefreshEvent, type RefreshState } from "../../machines/refresh.ts";
import { transition } from "../../machines/statechart.ts";

export type EventName = RefreshEvent["type"];

export const stateNames = Object.keys(refreshProtocol.states) as readonly (RefreshState | "done")[];
export const eventNames = refreshProtocol.events as readonly EventName[];

const verdict = { kind: "unavailable", code: "internal" } as const;

/** The state that an event leads to; null: the state does not know it. */
export function leadsTo(from: RefreshState | "done", event: EventName): RefreshState | "done" | null {
  const snapshot = refreshProtocol.resolveState({ value: from, context: { verdict } });
  const given = { type: event, verdict } as RefreshEvent;
  if (!snapshot.can(given)) return null;
  return transition(refreshProtocol, snapshot, given)[0].value;
}

export interface Edge {
  readonly from: RefreshState | "done";
  readonly event: EventName;
  readonly to: RefreshState | "done";
}

/** Every transition of the chart, in its order. */
export const edges: readonly Edge[] = stateNames.flatMap((from) =>
  eventNames.flatMap((event) => {
    const to = leadsTo(from, event);
    return to === null ? [] : [{ from, event, to }];
  }),
);

/** What is said of a state in the chart. */
export function descriptionOf(name: RefreshState | "done"): string {
  return refreshProtocol.states[name]?.description ?? "";
}
