// Device authorization (RFC 8628, and dialects): preparing → awaitingPoll.{resting ⇄ polling} → exchanging? → done.
//
// The wait before each poll counts from the end of the previous reply, grows by 5 s for good at every slow_down (3.5),
// doubles while the server cannot be reached, and is never shorter than the server asks for (RFC 9110 10.2.3). The deadline
// is the server's. Of all processes that wait for one code one polls; who takes its place rests first, for the last poll may
// have been a moment ago.
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
  type Polled,
  type Ready,
  type ServingBroke,
  type Times,
  unfinished,
} from "./login.ts";

export interface DeviceContext extends LoginInput {
  readonly deadlineAt: number | null;
  /** This process serves the attempt: it polls. */
  readonly serves: boolean;
  readonly intervalMs: number;
  /** Polls in a row that reached nobody. */
  readonly failures: number;
  readonly pollAt: number | null;
  readonly handle: string | null;
  readonly lastError: ErrorCode | null;
  readonly outcome: Conclusion;
}

/** By how much the interval grows, for good (RFC 8628 3.5). */
export const slowDownMs = 5_000;
const longestPauseMs = 60_000;

type Resting = Extract<Polled, { endedAt: number }>;
type Brought = Extract<Polled, { kind: "code" }>;

const chart = setup({
  types: {} as {
    context: DeviceContext;
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
      intervalMs: begun.intervalMs,
      pollAt: firstPollAt(begun),
    })),
    noteServing: assign((_, begun: Times) => ({
      serves: true,
      intervalMs: begun.intervalMs,
      pollAt: firstPollAt(begun),
    })),
    planPoll: assign(({ context }, polled: Resting) => {
      const intervalMs = context.intervalMs + (polled.kind === "slowDown" ? slowDownMs : 0);
      const failures = polled.kind === "unavailable" ? context.failures + 1 : 0;
      const pause =
        failures === 0 ? intervalMs : Math.max(intervalMs, Math.min(intervalMs * 2 ** failures, longestPauseMs));
      return {
        intervalMs,
        failures,
        pollAt: polled.endedAt + Math.max(pause, polled.retryAfterMs ?? 0),
        lastError: polled.kind === "unavailable" ? polled.code : null,
      };
    }),
    noteHandle: assign((_, { handle }: { handle: string }) => ({ handle })),
    conclude: assign((_, outcome: Conclusion) => ({ handle: null, outcome })),
    /** The attempt's record, if there is one, is none of this process's business. */
    leave: assign((_, outcome: Conclusion) => ({ attempt: null, handle: null, outcome })),
    serve: spawnChild("serving", {
      id: "serving",
      input: ({ context }: { context: DeviceContext }) => attemptOf(context),
    }),
  },
  guards: {
    isReady: (_, begun: Begun) => begun.kind === "ready",
    isServing: ({ context }) => context.serves,
    isGranted: (_, result: Polled | Exchanged) => result.kind === "granted",
    isCode: (_, polled: Polled) => polled.kind === "code",
    isToBePolledAgain: (_, polled: Polled) => "endedAt" in polled,
  },
});

function firstPollAt({ at, intervalMs, restsUntil }: Times): number {
  return Math.max(at + intervalMs, restsUntil ?? 0);
}

export const deviceLogin = chart.createMachine({
  id: "device",
  description: "Sign in with a code typed on any other device.",
  context: ({ input }) => ({
    ...input,
    deadlineAt: null,
    serves: false,
    intervalMs: slowDownMs,
    failures: 0,
    pollAt: null,
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
    "serving.begun": { actions: { type: "noteServing", params: ({ event }) => event } },
    // Who polls goes on polling.
    "xstate.error.actor.serving": {},
  },
  states: {
    preparing: {
      description: "Ask for a device code, make the attempt's record, show code and address.",
      tags: ["pendingAuth"],
      invoke: {
        id: "begin",
        src: "begin",
        input: ({ context }) => ({ ...askedOf(context), grant: "device" as const }),
        onDone: [
          {
            guard: { type: "isReady", params: ({ event }) => event.output },
            target: "awaitingPoll",
            actions: [{ type: "noteAttempt", params: ({ event }) => event.output as Ready }, "serve"],
          },
          { target: "done", actions: { type: "leave", params: ({ event }) => failure(event.output) } },
        ],
        onError: { target: "done", actions: { type: "leave", params: unfinished } },
      },
    },
    awaitingPoll: {
      description: "The person types the code on another device; the server is asked now and then.",
      tags: ["awaitingPoll"],
      invoke: {
        id: "deadline",
        src: "alarm",
        input: ({ context }) => ({ at: context.deadlineAt, sends: "deadline.passed" as const }),
        onError: { target: "done", actions: { type: "conclude", params: unfinished } },
      },
      on: {
        "deadline.passed": {
          target: "done",
          actions: { type: "conclude", params: { kind: "failed", code: "device_code_expired" } },
        },
      },
      initial: "joined",
      states: {
        joined: {
          description: "Another process polls; this one takes its place when it is gone.",
          always: { guard: "isServing", target: "resting" },
        },
        resting: {
          description: "Waits for the next poll.",
          invoke: {
            id: "pollAlarm",
            src: "alarm",
            input: ({ context }) => ({ at: context.pollAt, sends: "poll.due" as const }),
            onError: { target: "#device.done", actions: { type: "conclude", params: unfinished } },
          },
          on: { "poll.due": "polling" },
        },
        polling: {
          description: "One poll is on its way.",
          invoke: {
            id: "poll",
            src: "poll",
            input: ({ context }) => attemptOf(context),
            onDone: [
              {
                guard: { type: "isToBePolledAgain", params: ({ event }) => event.output },
                target: "resting",
                actions: { type: "planPoll", params: ({ event }) => event.output as Resting },
              },
              {
                guard: { type: "isCode", params: ({ event }) => event.output },
                target: "#device.exchanging",
                actions: { type: "noteHandle", params: ({ event }) => event.output as Brought },
              },
              {
                guard: { type: "isGranted", params: ({ event }) => event.output },
                target: "#device.done",
                actions: { type: "conclude", params: { kind: "granted" } },
              },
              { target: "#device.done", actions: { type: "conclude", params: ({ event }) => failure(event.output) } },
            ],
            onError: { target: "#device.done", actions: { type: "conclude", params: unfinished } },
          },
        },
      },
    },
    exchanging: {
      description: "A dialect whose poll yields a code: it goes to the token endpoint, once.",
      tags: ["awaitingPoll"],
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
          { target: "done", actions: { type: "conclude", params: ({ event }) => failure(event.output) } },
        ],
        onError: { target: "done", actions: { type: "conclude", params: unfinished } },
      },
    },
    done: { type: "final", description: "Granted, cancelled or failed; the record is gone." },
  },
});
