// Finding one's way in a stranger's JSON: members that may be absent or of any kind. Pure.
import { own } from "../reply.ts";

export type Members = Readonly<Record<string, unknown>>;

/** A member of its own that is an object. */
export function objectAt(value: unknown, name: string): Members | null {
  const member = at(value, name);
  return isObject(member) ? member : null;
}

/** The objects in a list; what is none is left out. */
export function objectsAt(value: unknown, name: string): readonly Members[] {
  const member = at(value, name);
  return Array.isArray(member) ? member.filter(isObject) : [];
}

/** A member that is text, and not empty. */
export function textAt(value: unknown, name: string): string | null {
  const member = at(value, name);
  return typeof member === "string" && member !== "" ? member : null;
}

/** The texts of a list of parts, put together. Null: there are none. */
export function joined(texts: readonly (string | null)[]): string | null {
  const text = texts.join("");
  return text === "" ? null : text;
}

function at(value: unknown, name: string): unknown {
  return isObject(value) ? own(value, name) : undefined;
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
