// Authorization code with PKCE (RFC 6749 4.1, RFC 7636): preparing → awaitingCode → exchanging → done.
//
// Loopback and paste are this one chart; they differ in whether a listener hands over what the browser brings. While it
// waits, every route of the one issued address is live, and only what the effects have judged to fit the attempt
// gets here. A code is exchanged at most once: an exchange that may have reached the server is never repeated.
import type { ErrorCode } from "../errors.ts";
import { assign, setup, spawnChild } from "../statechart.ts";
import {
  askedOf,
  attemptOf,
  type Begun,
  type Conclusion,
  type Exchanged,
  failure,
  loginActors,
  type LoginEvent,
  type LoginInput,
  type LoginOutcome,
  type Ready,
  unfinished,
} from "./login.ts";

export interface CodeContext extends LoginInput {
  readonly deadlineAt: number | null;
  /** What was pasted or brought back, waiting for its exchange. */
  readonly handle: string | null;
  /** Why the last try did not end the waiting. */
  readonly lastError: ErrorCode | null;
  readonly outcome: Conclusion;
}

/** XState's own event. A child that was spawned has no `onError`, and unanswered it would break the machine. */
export interface ListenerBroke {
  readonly type: "xstate.error.actor.listener";
}

const chart = setup({
  types: {} as {
    context: CodeContext;
    input: LoginInput;
    events: LoginEvent | ListenerBroke;
    output: LoginOutcome;
    children: { listener: "listener" };
  },
  actors: loginActors,
  actions: {
    noteAttempt: assign((_, begun: Ready) => ({
      attempt: begun.attempt,
      deadlineAt: begun.deadlineAt,
    })),
    noteHandle: assign((_, { handle }: { handle: string }) => ({ handle, lastError: null })),
    noteError: assign((_, { code }: { code: ErrorCode }) => ({ handle: null, lastError: code })),
    conclude: assign((_, outcome: Conclusion) => ({ handle: null, outcome })),
    listen: spawnChild("listener", {
      id: "listener",
      input: ({ context }: { context: CodeContext }) => ({ attempt: context.attempt ?? "" }),
    }),
  },
  guards: {
    isReady: (_, begun: Begun) => begun.kind === "ready",
    isGranted: (_, exchanged: Exchanged) => exchanged.kind === "granted",
    isWorthAnotherTry: (_, exchanged: Exchanged) => exchanged.kind === "again",
  },
});

/** A login machine for one redirect. `listens`: the redirect leads to a listener on this machine. */
export function codeLogin(id: "loopback" | "paste", description: string, { listens }: { readonly listens: boolean }) {
  return chart.createMachine({
    id,
    description,
    context: ({ input }) => ({ ...input, deadlineAt: null, handle: null, lastError: null, outcome: unfinished }),
    initial: "preparing",
    output: ({ context }) => ({ ...context.outcome, attempt: context.attempt }),
    on: {
      "login.cancelled": {
        target: ".done",
        actions: { type: "conclude", params: { kind: "cancelled", code: "sign_in_cancelled" } },
      },
    },
    states: {
      preparing: {
        description: "Make the attempt's record, bind the listener, show the address.",
        tags: ["pendingAuth"],
        invoke: {
          id: "begin",
          src: "begin",
          input: ({ context }) => ({ ...askedOf(context), grant: id }),
          onDone: [
            {
              guard: { type: "isReady", params: ({ event }) => event.output },
              target: "awaitingCode",
              actions: [
                { type: "noteAttempt", params: ({ event }) => event.output as Ready },
                ...(listens ? (["listen"] as const) : []),
              ],
            },
            { target: "done", actions: { type: "conclude", params: ({ event }) => failure(event.output) } },
          ],
          onError: { target: "done", actions: { type: "conclude", params: unfinished } },
        },
      },
      awaitingCode: {
        description: "The person signs in; a code comes back through the listener or is pasted.",
        tags: ["awaitingCode"],
        invoke: {
          id: "deadline",
          src: "alarm",
          input: ({ context }) => ({ at: context.deadlineAt, sends: "deadline.passed" as const }),
          onError: { target: "done", actions: { type: "conclude", params: unfinished } },
        },
        on: {
          "callback.arrived": {
            target: "exchanging",
            actions: { type: "noteHandle", params: ({ event }) => ({ handle: event.handle }) },
          },
          "login.pasted": {
            target: "exchanging",
            actions: { type: "noteHandle", params: ({ event }) => ({ handle: event.handle }) },
          },
          "callback.denied": {
            target: "done",
            actions: { type: "conclude", params: ({ event }) => ({ kind: "failed", code: event.code }) },
          },
          "deadline.passed": {
            target: "done",
            actions: { type: "conclude", params: { kind: "failed", code: "sign_in_timeout" } },
          },
          "xstate.error.actor.listener": {
            target: "done",
            actions: { type: "conclude", params: { kind: "failed", code: "listener_lost" } },
          },
        },
      },
      exchanging: {
        description: "The code goes to the token endpoint, once; the tokens are stored before anything else happens.",
        tags: ["awaitingCode"],
        invoke: {
          id: "exchange",
          src: "exchange",
          input: ({ context }) => ({ ...attemptOf(context), handle: context.handle ?? "" }),
          onDone: [
            {
              guard: { type: "isGranted", params: ({ event }) => event.output },
              target: "done",
              actions: { type: "conclude", params: { kind: "granted" } },
            },
            {
              guard: { type: "isWorthAnotherTry", params: ({ event }) => event.output },
              target: "awaitingCode",
              actions: { type: "noteError", params: ({ event }) => failure(event.output) },
            },
            { target: "done", actions: { type: "conclude", params: ({ event }) => failure(event.output) } },
          ],
          onError: { target: "done", actions: { type: "conclude", params: unfinished } },
        },
        // The code is here already.
        on: { "xstate.error.actor.listener": {} },
      },
      done: { type: "final", description: "Granted, cancelled or failed; the record is gone, the listener closed." },
    },
  });
}
