// What the three ways to sign in have in common: input, events, outcomes, and the effects they name.
// A login machine knows an attempt by its handle only. Addresses, codes and verifiers live in the attempt's record, pasted
// text and callback codes in the runtime's memory: none of them may enter a context, an event or an output.
import type { Grant } from "../../providers/provider.ts";
import type { ErrorCode } from "../errors.ts";
import { fromCallback, fromPromise } from "../statechart.ts";

/** How this sign-in was asked for. */
export interface LoginOptions {
  /** Listen on this port instead of the registered or a free one. */
  readonly port: number | null;
  /** Give up after so long (ms); null: wait without limit, a device code as long as the server says. */
  readonly timeoutMs: number | null;
  /** Take up this sign-in instead of beginning one. */
  readonly attempt: string | null;
}

export interface LoginInput extends LoginOptions {
  readonly provider: string;
  readonly account: string;
}

export type Conclusion =
  | { readonly kind: "granted" }
  | { readonly kind: "cancelled"; readonly code: ErrorCode }
  | { readonly kind: "failed"; readonly code: ErrorCode };

/** How a login ended, and the attempt whose record that concerns (null: none was made). */
export type LoginOutcome = Conclusion & { readonly attempt: string | null };

/** XState's own event. A child that was spawned has no `onError`, and unanswered it would break the machine. */
export interface ServingBroke {
  readonly type: "xstate.error.actor.serving";
}

export type LoginEvent =
  /** The browser came back with a code that fits this attempt. */
  | { readonly type: "callback.arrived"; readonly handle: string }
  /** The browser came back with a refusal that fits this attempt. */
  | { readonly type: "callback.denied"; readonly code: ErrorCode }
  /** A person pasted something; it waits under the handle. */
  | { readonly type: "login.pasted"; readonly handle: string }
  | { readonly type: "login.cancelled" }
  /** This process does not take part any more; the attempt goes on. */
  | { readonly type: "login.left" }
  /** Another process ended the attempt without tokens. */
  | { readonly type: "login.ended"; readonly code: ErrorCode }
  /** The process that served the attempt is gone, and this one serves it from `at` on, polling no oftener than that. */
  | ({ readonly type: "serving.begun" } & Times)
  /** The attempt has lived as long as it may. */
  | { readonly type: "deadline.passed" }
  | { readonly type: "poll.due" };

export interface BeginInput extends LoginInput {
  readonly grant: Grant;
}

/** By a clock that nobody sets while the sign-in lasts, in this process (epoch ms). */
export interface Times {
  /** Now. */
  readonly at: number;
  readonly deadlineAt: number | null;
  /** Pause between polls; no meaning without a device code. */
  readonly intervalMs: number;
  /** No poll before that; null: the server did not say. */
  readonly restsUntil: number | null;
}

/** The attempt has a record, and somebody serves it. */
export interface Ready extends Times {
  readonly kind: "ready";
  readonly attempt: string;
  /** This process serves it: its listener, if it has one, is bound. Otherwise another process does. */
  readonly serves: boolean;
}

export type Begun = Ready | { readonly kind: "failed"; readonly code: ErrorCode };

export interface ExchangeInput {
  readonly provider: string;
  readonly account: string;
  readonly attempt: string;
  readonly handle: string;
}

/** `again`: nothing was spent, the attempt goes on waiting. */
export type Exchanged =
  | { readonly kind: "granted" }
  | { readonly kind: "again"; readonly code: ErrorCode }
  | { readonly kind: "failed"; readonly code: ErrorCode };

export interface PollInput {
  readonly provider: string;
  readonly account: string;
  readonly attempt: string;
}

/** A poll that ended nothing. */
export interface Interim {
  /** When the reply ended: the next interval counts from there (RFC 8628 3.5). */
  readonly endedAt: number;
  /** How long the server asks to wait (RFC 9110 10.2.3); null: it does not say. */
  readonly retryAfterMs: number | null;
}

/** One poll. */
export type Polled =
  | ({ readonly kind: "pending" } & Interim)
  | ({ readonly kind: "slowDown" } & Interim)
  | ({ readonly kind: "unavailable"; readonly code: ErrorCode } & Interim)
  | { readonly kind: "code"; readonly handle: string }
  | { readonly kind: "granted" }
  | { readonly kind: "failed"; readonly code: ErrorCode };

const missing = async (): Promise<never> => {
  throw new Error("This effect is provided by the runtime");
};

/** Sends an event at `at` (epoch ms), by the wall clock, or by that of the sign-in; null: never. */
export interface AlarmInput {
  readonly at: number | null;
  readonly sends: "deadline.passed" | "poll.due" | "renewal.due" | "retry.due";
}

/** A timer that survives restarts and sleep: an absolute time, compared with a clock. */
export const alarm = fromCallback<{ type: "nothing" }, AlarmInput>(() => undefined);

/** The effects a login machine names. The runtime provides every one of them. */
export const loginActors = {
  begin: fromPromise<Begun, BeginInput>(missing),
  exchange: fromPromise<Exchanged, ExchangeInput>(missing),
  poll: fromPromise<Polled, PollInput>(missing),
  /**
   * Serves the attempt, or waits for its turn to: of all processes one listens or polls. Hands over what reaches the
   * listener; gives everything back when stopped.
   */
  serving: fromCallback<{ type: "nothing" }, PollInput>(() => undefined),
  alarm,
};

/** What a login ends with when an effect broke off without an outcome. */
export const unfinished: Conclusion = { kind: "failed", code: "internal" };

/** What it ends with when this process does not take part any more. */
export const left: Conclusion = { kind: "cancelled", code: "sign_in_cancelled" };

/** The failure inside an effect's result that a guard found to be no success. */
export function failure(result: Begun | Exchanged | Polled): Extract<Conclusion, { kind: "failed" }> {
  return { kind: "failed", code: "code" in result ? result.code : "internal" };
}

/** What a login machine was asked for, without what it has learned since. */
export function askedOf({ provider, account, port, timeoutMs, attempt }: LoginInput): LoginInput {
  return { provider, account, port, timeoutMs, attempt };
}

/** The attempt that an effect is about. */
export function attemptOf({ provider, account, attempt }: LoginInput): PollInput {
  return { provider, account, attempt: attempt ?? "" };
}
