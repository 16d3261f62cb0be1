// Spending a refresh token once, among processes that may die at any moment: the protocol as a pure statechart.
//
// A state is what is true on the disk; what is done in it, and what came of that, is an event. Whoever runs it (a process
// that nobody's Ctrl-C reaches) asks the chart what comes next after every step, so that code, journal and drawing have one
// set of names, and so that it can be checked over every order of steps, crash and answer (`test/model/`). It is never
// restored: who finds the traces of a dead process begins at the lock and decides by the files.
import type { ErrorCode } from "./errors.ts";
import { assign, initialTransition, setup, transition } from "./statechart.ts";

/** How it ended. `signedOut`: there is no login any more, and nothing was brought back. */
export interface RefreshVerdict {
  readonly kind: "refreshed" | "adopted" | "rejected" | "unavailable" | "signedOut";
  readonly code: ErrorCode | null;
}

type Judged = { readonly verdict: RefreshVerdict };

export type RefreshEvent =
  | { readonly type: "lock.taken" }
  /** Somebody else did it meanwhile, or the time is up. Nothing is held. */
  | ({ readonly type: "lock.spared" } & Judged)
  /** The file answers the demand: fresh, gone, refused before, or waiting for its next try. */
  | ({ readonly type: "file.answers" } & Judged)
  | { readonly type: "file.spendable" }
  | { readonly type: "seal.found" }
  | { readonly type: "permit.found" }
  | { readonly type: "repeat.allowed" }
  | ({ readonly type: "repeat.postponed" } & Judged)
  | ({ readonly type: "repeat.over" } & Judged)
  | { readonly type: "room.made" }
  | ({ readonly type: "room.refused" } & Judged)
  | { readonly type: "permit.written" }
  /** There is one already: the lock was not what it promised. */
  | { readonly type: "permit.taken" }
  | ({ readonly type: "permit.refused" } & Judged)
  | { readonly type: "reply.arrived" }
  | ({ readonly type: "reply.refused" } & Judged)
  | ({ readonly type: "reply.unprocessed" } & Judged)
  | ({ readonly type: "reply.lost" } & Judged)
  | { readonly type: "seal.written" }
  | { readonly type: "seal.failed" }
  | ({ readonly type: "file.written" } & Judged)
  /** The disk takes no token file now. The seal holds it. */
  | ({ readonly type: "file.postponed" } & Judged)
  /** Removed meanwhile (`rm`, a logout), or replaced by another login. */
  | ({ readonly type: "file.gone" } & Judged)
  | ({ readonly type: "reply.unusable" } & Judged)
  | ({ readonly type: "step.done" } & Partial<Judged>);

interface RefreshContext {
  readonly verdict: RefreshVerdict;
}

const chart = setup({
  types: {} as { context: RefreshContext; events: RefreshEvent; output: RefreshVerdict },
  actions: {
    noteVerdict: assign((_, { verdict }: Partial<Judged>) => (verdict === undefined ? {} : { verdict })),
  },
});

const judged = { type: "noteVerdict", params: ({ event }: { event: Partial<Judged> }) => event } as const;
const ending = { target: "releasing", actions: judged } as const;

export const refreshProtocol = chart.createMachine({
  id: "refresh",
  description: "One refresh token, presented once, whoever dies.",
  context: { verdict: { kind: "unavailable", code: "internal" } },
  initial: "locking",
  output: ({ context }) => context.verdict,
  states: {
    locking: {
      description: "Nothing is held. Wait for the account's lock; leave as soon as somebody else's result is there.",
      on: { "lock.taken": "rereading", "lock.spared": { target: "done", actions: judged } },
    },
    rereading: {
      description: "The lock is held. Read everything again: only what is seen now counts.",
      on: {
        "file.answers": ending,
        "file.spendable": "preparing",
        "seal.found": "salvaging",
        "permit.found": "weighing",
      },
    },
    weighing: {
      description: "A permit without a seal: the token may be spent. Repeat it, or wait until that can cost nothing.",
      on: {
        "repeat.allowed": "preparing",
        "repeat.postponed": ending,
        "repeat.over": { target: "interrupted", actions: judged },
      },
    },
    preparing: {
      description: "Nothing is spent. Make room for the reply, filled and on the disk.",
      on: { "room.made": "prepared", "room.refused": ending },
    },
    prepared: {
      description: "There is room. Write the permit, and its name in the folder, to the disk.",
      on: { "permit.written": "permitted", "permit.taken": "rereading", "permit.refused": ending },
    },
    permitted: {
      description: "The permit is on the disk. Present the refresh token; from here on nobody can call it back.",
      on: {
        "reply.arrived": "replied",
        "reply.refused": { target: "refused", actions: judged },
        "reply.unprocessed": { target: "unprocessed", actions: judged },
        "reply.lost": { target: "unanswered", actions: judged },
      },
    },
    replied: {
      description: "The reply is in memory only. Seal it, as it came, before anything else can fail.",
      on: { "seal.written": "sealed", "seal.failed": "unsealed" },
    },
    unsealed: {
      description: "The disk does not take the seal. Try the token file itself, keep the lock, and go on trying.",
      on: {
        "file.written": { target: "checkpointed", actions: judged },
        "file.postponed": "replied",
        "file.gone": { target: "discarding", actions: judged },
        "reply.unusable": { target: "blocked", actions: judged },
        "reply.refused": { target: "refused", actions: judged },
        "reply.lost": { target: "unanswered", actions: judged },
        "step.done": ending,
      },
    },
    sealed: {
      description:
        "The reply is durable. Read it, and write the token file if it still has the generation that was spent.",
      on: {
        "file.written": { target: "checkpointed", actions: judged },
        "file.postponed": ending,
        "file.gone": { target: "discarding", actions: judged },
        "reply.unusable": { target: "blocked", actions: judged },
        "reply.refused": { target: "refused", actions: judged },
        "reply.lost": { target: "unanswered", actions: judged },
      },
    },
    salvaging: {
      description: "A dead process left a sealed reply. Write the token file from it, then look again.",
      on: {
        "file.written": "rereading",
        "file.postponed": ending,
        "file.gone": { target: "discarding", actions: judged },
        "reply.unusable": { target: "blocked", actions: judged },
        "reply.refused": { target: "refused", actions: judged },
        "reply.lost": { target: "unanswered", actions: judged },
      },
    },
    checkpointed: {
      description: "The token file holds the new generation. Remove what is left of the old one.",
      on: { "step.done": "releasing" },
    },
    refused: {
      description: "The server's last word. Read once more; note it for this generation only. Nothing is deleted.",
      on: { "step.done": ending },
    },
    interrupted: {
      description: "The repeat died as well. Note that the login can be renewed no more; the tokens stay.",
      on: { "step.done": ending },
    },
    blocked: {
      description: "The sealed reply cannot be read. It is kept, and the refresh token is never sent again.",
      on: { "step.done": ending },
    },
    unprocessed: {
      description: "Proven unsent, or answered without being processed. Take the permit back and note the pause.",
      on: { "step.done": ending },
    },
    unanswered: {
      description: "It may have been processed. The permit stays; note when it may be repeated.",
      on: { "step.done": ending },
    },
    discarding: {
      description: "Nobody wants these tokens any more. Remove them, and give them back to the provider.",
      on: { "step.done": ending },
    },
    releasing: {
      description: "Give the lock back.",
      on: { "step.done": "done" },
    },
    done: { type: "final", description: "There is a verdict, and nothing is held." },
  },
});

/** The states in which something is done. */
export type RefreshState = Exclude<ReturnType<typeof refreshProtocol.getInitialSnapshot>["value"], "done">;

/** What is done in each state, and what came of it. */
export type RefreshSteps = Readonly<Record<RefreshState, () => RefreshEvent | Promise<RefreshEvent>>>;

/**
 * Carries the protocol out: one step after the other, as the chart says. @returns the verdict
 * @throws TypeError when a step answers what its state does not know; whatever a step throws
 */
export async function follow(steps: RefreshSteps): Promise<RefreshVerdict> {
  let [snapshot] = initialTransition(refreshProtocol);
  while (snapshot.status === "active") {
    const state = snapshot.value as RefreshState;
    const event = await steps[state]();
    if (!snapshot.can(event)) throw new TypeError(`${event.type} is no answer in ${state}`);
    [snapshot] = transition(refreshProtocol, snapshot, event);
  }
  return snapshot.context.verdict;
}
