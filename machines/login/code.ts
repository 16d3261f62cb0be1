// Authorization code with PKCE (RFC 6749 4.1, RFC 7636): preparing → awaitingCode → exchanging → done.
//
// Loopback and paste are this one chart; they differ in whether a listener hands over what the browser brings. While it
// waits, every route of the one issued address is live, in every process that waits for it, and only what the effects
// have judged to fit the attempt gets here. A code is exchanged at most once: an exchange that may have reached the server
// is never repeated.
import type { ErrorCode } from "../errors.ts";
import { assign, setup, spawnChild } from "../statechart.ts";
import {
  askedOf,
  attemptOf,
  type Begun,
  type Conclusion,
  type Exchanged,
  failure,
  left,
  loginActors,
  type LoginEvent,
  type LoginInput,
  type LoginOutcome,
  type Ready,
  type ServingBroke,
  unfinished,
} from "./login.ts";

export interface CodeContext extends LoginInput {
  readonly deadlineAt: number | null;
  /** This process serves the attempt. */
  readonly serves: boolean;
  /** What was pasted or brought back, waiting for its exchange. */
  readonly handle: string | null;
  /** Why the last try did not end the waiting. */
  readonly lastError: ErrorCode | null;
  readonly outcome: Conclusion;
}

const chart = setup({
  types: {} as {
    context: CodeContext;
    input: LoginInput;
    events: LoginEvent | ServingBroke;
    output: LoginOutcome;
    children: { serving: "serving" };
  },
  actors: loginActors,
  actions: {
    noteAttempt: assign((_, begun: Ready) => ({
      attempt: begun.attempt,
      deadlineAt: begun.deadlineAt,
      serves: begun.serves,
    })),
    noteServing: assign({ serves: true }),
    noteHandle: assign((_, { handle }: { handle: string }) => ({ handle, lastError: null })),
    noteError: assign((_, { code }: { code: ErrorCode }) => ({ handle: null, lastError: code })),
    conclude: assign((_, outcome: Conclusion) => ({ handle: null, outcome })),
    /** The attempt's record, if there is one, is none of this process's business. */
    leave: assign((_, outcome: Conclusion) => ({ attempt: null, handle: null, outcome })),
    serve: spawnChild("serving", {
      id: "serving",
      input: ({ context }: { context: CodeContext }) => attemptOf(context),
    }),
  },
  guards: {
    isReady: (_, begun: Begun) => begun.kind === "ready",
    isServing: ({ context }) => context.serves,
    isGranted: (_, exchanged: Exchanged) => exchanged.kind === "granted",
    isWorthAnotherTry: (_, exchanged: Exchanged) => exchanged.kind === "again",
  },
});

/** A login machine for one redirect. */
export function codeLogin(id: "loopback" | "paste", description: string) {
  return chart.createMachine({
    id,
    description,
    context: ({ input }) => ({
      ...input,
      deadlineAt: null,
      serves: false,
      handle: null,
      lastError: null,
      outcome: unfinished,
    }),
    initial: "preparing",
    output: ({ context }) => ({ ...context.outcome, attempt: context.attempt }),
    on: {
      "login.cancelled": {
        target: ".done",
        actions: { type: "conclude", params: { kind: "cancelled", code: "sign_in_cancelled" } },
      },
      "login.ended": {
        target: ".done",
        actions: { type: "conclude", params: ({ event }) => ({ kind: "failed", code: event.code }) },
      },
      "login.left": { target: ".done", actions: { type: "leave", params: left } },
      "serving.begun": { actions: "noteServing" },
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
              actions: [{ type: "noteAttempt", params: ({ event }) => event.output as Ready }, "serve"],
            },
            { target: "done", actions: { type: "leave", params: ({ event }) => failure(event.output) } },
          ],
          onError: { target: "done", actions: { type: "leave", params: unfinished } },
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
          "xstate.error.actor.serving": {
            target: "done",
            actions: { type: "conclude", params: { kind: "failed", code: "listener_lost" } },
          },
        },
        initial: "joined",
        states: {
          joined: {
            description: "Another process serves the attempt; this one takes its place when it is gone.",
            always: { guard: "isServing", target: "serving" },
          },
          serving: { description: "This process serves the attempt: what reaches its listener comes here." },
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
        on: { "xstate.error.actor.serving": {} },
      },
      done: { type: "final", description: "Granted, cancelled or failed; nothing of it is kept open here." },
    },
  });
}
