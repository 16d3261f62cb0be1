// The saved snapshot of an account's machine: advice that helps to go on, and never more than that.
//
// A snapshot that is foreign, of an unknown version, or that stood in a state with an effect under way is dropped, and the
// machine decides from the facts instead. Of what remains only the state is taken: a file may have been copied, edited or
// made up, so what the machine remembers and which effects live come from here. So restoring repeats no request, carries
// out no old choice, and a bad snapshot costs no login.
import type { CredentialInput } from "./life.ts";
import { emptyMemory } from "./memory.ts";

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
 * A snapshot to restore from, or null when there is none that may be. Its timers and facts are left out: `system.resumed`
 * has to follow, and the machine decides anew.
 */
export function restorable(saved: unknown, input: CredentialInput): unknown {
  const state = migrated(saved);
  if (!isRecord(state) || state["status"] !== "active" || !isSettled(state["value"])) return null;
  const { provider, account } = input;
  return {
    status: "active",
    value: state["value"],
    historyValue: {},
    context: emptyMemory(input),
    children: {
      storeWatch: {
        src: "storeWatch",
        syncSnapshot: false,
        snapshot: { status: "active", input: { provider, account } },
      },
    },
  };
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
