// The saved snapshot of an account's machine: advice that helps to go on, and never more than that.
//
// A snapshot that is foreign, of an unknown version, or that stood in a state with an effect under way is dropped, and the
// machine decides from the facts instead. So restoring repeats no request, and a bad snapshot costs no login.
import type { CredentialInput } from "./life.ts";

/** How a snapshot stands in the token file. */
export interface Envelope {
  readonly schema: 1;
  readonly machine: "credential";
  readonly version: number;
  /** Unix seconds. */
  readonly saved_at: number;
  readonly state: unknown;
}

/** Grows with every change of the machine that older snapshots do not fit. */
export const snapshotVersion = 1;

/** Snapshot of version n → n + 1, as plain JSON. Null: it cannot be carried over. */
const migrations: Readonly<Record<number, (state: unknown) => unknown>> = {};

const settled = new Set(["disabled", "idle", "authenticated", "backingOff", "expired", "blocked"]);

/** Wraps what the actor persisted. */
export function envelope(state: unknown, now: number): Envelope {
  return { schema: 1, machine: "credential", version: snapshotVersion, saved_at: Math.floor(now / 1000), state };
}

/**
 * A snapshot to restore from, or null when there is none that may be.
 * Timers are left out: they are set again when the machine has decided.
 */
export function restorable(saved: unknown, input: CredentialInput): unknown {
  const state = migrated(saved);
  if (!isRecord(state) || state["status"] !== "active" || !isSettled(state["value"])) return null;
  const { context, children } = state;
  if (!isRecord(context) || !isRecord(children) || !isRecord(children["storeWatch"])) return null;
  return { ...state, context: { ...context, ...input }, children: { storeWatch: children["storeWatch"] } };
}

/** What an actor was doing when its snapshot was saved, if that was less than `withinMs` ago. */
export function activityIn(saved: unknown, now: number, withinMs: number): "refreshing" | "loggingOut" | null {
  if (!isRecord(saved) || typeof saved["saved_at"] !== "number" || now - saved["saved_at"] * 1000 > withinMs)
    return null;
  const state = migrated(saved);
  const value = isRecord(state) ? state["value"] : null;
  return value === "refreshing" || value === "loggingOut" ? value : null;
}

function migrated(saved: unknown): unknown {
  if (!isRecord(saved) || saved["schema"] !== 1 || saved["machine"] !== "credential") return null;
  const { version } = saved;
  if (typeof version !== "number" || !Number.isInteger(version) || version < 1 || version > snapshotVersion)
    return null;
  let state = saved["state"];
  for (let from = version; from < snapshotVersion; from += 1) state = migrations[from]?.(state) ?? null;
  return state;
}

function isSettled(value: unknown): boolean {
  return typeof value === "string" && settled.has(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
