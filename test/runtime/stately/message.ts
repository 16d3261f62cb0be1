// A message of the hosted inspector's protocol as the package's own types have it, and nothing that is not on the list of what
// may leave this machine.
import assert from "node:assert/strict";
import type {
  StatelyActorEvent,
  StatelyEventEvent,
  StatelyInspectionEvent,
  StatelySnapshotEvent,
} from "@statelyai/inspect";

type Members = Readonly<Record<string, (value: unknown) => boolean>>;

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isMaybe = (is: (value: unknown) => boolean) => (value: unknown) => value === undefined || is(value);
const isValue = (value: unknown): boolean =>
  typeof value === "string"
    ? /^[a-zA-Z]+$/.test(value)
    : Object.entries(value as object).length === 1 &&
      Object.entries(value as object).every(([name, inner]) => isValue(name) && isValue(inner));
const isShape = (members: Members) => (value: unknown) => {
  const given = value as Readonly<Record<string, unknown>>;
  return (
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).every((name) => Object.hasOwn(members, name)) &&
    Object.entries(members).every(([name, is]) => is(given[name]))
  );
};

const isSnapshot = isShape({
  status: (value) => value === "active" || value === "done" || value === "error",
  value: isValue,
  context: isShape({}),
});
const isEvent = isShape({ type: isText });

const always = {
  sessionId: isText,
  rootId: isText,
  createdAt: (value: unknown) => /^\d{13}$/.test(String(value)),
  id: isText,
  _version: (value: unknown) => value === "0.7.2",
  type: isText,
};

const shapes = {
  "@xstate.actor": { ...always, name: isText, parentId: isMaybe(isText), definition: isText, snapshot: isSnapshot },
  "@xstate.event": { ...always, event: isEvent },
  "@xstate.snapshot": { ...always, event: isEvent, snapshot: isSnapshot },
} as const satisfies {
  // Each member is one of the package's type, so that a renamed one does not compile.
  "@xstate.actor": Partial<Record<keyof StatelyActorEvent, unknown>>;
  "@xstate.event": Partial<Record<keyof StatelyEventEvent, unknown>>;
  "@xstate.snapshot": Partial<Record<keyof StatelySnapshotEvent, unknown>>;
};

/** @throws AssertionError for anything else */
export function checkedMessage(value: unknown): StatelyInspectionEvent {
  const { type } = value as StatelyInspectionEvent;
  assert.ok(Object.hasOwn(shapes, type), `type ${type}`);
  assert.ok(isShape(shapes[type])(value), JSON.stringify(value));
  return value as StatelyInspectionEvent;
}

/** `actor device`, `event login.requested`, `snapshot pendingAuth.device`, with the session's chart before it. */
export function wordsOf(message: StatelyInspectionEvent): string {
  const { type, sessionId } = message;
  const says = type === "@xstate.event" ? message.event.type : pathOf((message.snapshot as { value: unknown }).value);
  return `${sessionId} ${type.slice("@xstate.".length)} ${says}`;
}

function pathOf(value: unknown): string {
  if (typeof value === "string") return value;
  return Object.entries(value as object)
    .map(([name, inner]) => `${name}.${pathOf(inner)}`)
    .join(",");
}
