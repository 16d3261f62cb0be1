// A login machine brought to where a test begins: its attempt has a record, and it waits.
import type { Begun, Ready } from "../../../machines/login/login.ts";
import { begin, ends, type Machine, type Step, step } from "../step.ts";
import { now } from "../examples.ts";

export const asked = { provider: "acme", account: "work", port: null, timeoutMs: null, attempt: null };

export const ready = {
  kind: "ready",
  attempt: "a1",
  serves: true,
  at: now,
  deadlineAt: now + 900_000,
  intervalMs: 5_000,
  restsUntil: null,
} as const satisfies Begun;

export function waiting(machine: Machine, changes: Partial<Ready> = {}): Step {
  return step(machine, begin(machine, asked), ends("begin", { ...ready, ...changes }));
}
