// Which transitions of the machines were taken by the layers that run effects, out of all that there are.
import type { AnyTransitionDefinition, InspectionEvent } from "xstate";
import { charts, takenName, transitionsOf } from "./charts.ts";

export interface Coverage {
  readonly taken: ReadonlySet<string>;
  /** What an actor system tells of itself. */
  readonly inspect: (event: InspectionEvent) => void;
  readonly add: (name: string) => void;
}

export function createCoverage(credentialId: string): Coverage {
  const taken = new Set<string>();
  const known = new WeakSet<AnyTransitionDefinition>();
  return {
    taken,
    add: (name) => taken.add(name),
    inspect: (event) => {
      if (event.type !== "@xstate.microstep") return;
      for (const one of event._transitions) {
        if (known.has(one)) continue;
        known.add(one);
        taken.add(takenName(one, credentialId));
      }
    },
  };
}

export function allTransitions(): string[] {
  return Object.entries(charts).flatMap(([name, chart]) => Array.from(transitionsOf(name, chart).keys()));
}

/** What no run can take, and why. */
export const unreachable: Readonly<Record<string, string>> = {
  "credential.pendingAuth.choosing always (4)":
    "the machine here offers every grant, so that none is asked for in vain; test/machines/credential.test.ts does that",
  ...Object.fromEntries(
    ["loopback", "paste", "device"].map((grant) => [
      `credential.pendingAuth.${grant} xstate.error.actor.login`,
      "a sign-in has an answer to every failure of its effects, so that it never breaks itself",
    ]),
  ),
};

export interface Covered {
  readonly all: number;
  readonly taken: number;
  readonly missing: readonly string[];
}

export function covered(taken: ReadonlySet<string>): Covered {
  const all = allTransitions().filter((name) => !(name in unreachable));
  const missing = all.filter((name) => !taken.has(name));
  return { all: all.length, taken: all.length - missing.length, missing };
}
