// What a person is told about an account: a pure function of facts and the moment.
//
// Nothing is started, asked or written to answer "what is the state?", so the answer may be given by a process that does
// nothing else. "Present", "unexpired" and "accepted by the server" are three different things and stay so.
import { accountOption, AuthError, type ErrorCode, exitCodes } from "./errors.ts";
import { isOver, type Survey } from "./facts.ts";

export type AccountState =
  | "disabled"
  | "idle"
  | "pendingAuth"
  | "awaitingCode"
  | "awaitingPoll"
  | "authenticated"
  | "refreshing"
  | "backingOff"
  | "expired"
  | "loggingOut"
  | "blocked";

/** Which credential would be used. `name` is the environment variable. */
export interface Source {
  readonly kind: "oauth" | "flag" | "profile" | "settings" | "env" | "none";
  readonly name?: string;
}

export interface Description {
  readonly state: AccountState;
  readonly usable: "yes" | "no" | "unknown";
  readonly lastError: ErrorCode | null;
  /** The command that makes sense now, whole; null: none is needed. */
  readonly nextCommand: string | null;
  /** When something happens by itself (epoch ms): expiry, retry or deadline. */
  readonly nextTimerAt: number | null;
  /** Exit code of `status` for this account. */
  readonly exitCode: number;
}

interface Name {
  readonly provider: string;
  readonly account: string;
}

/** Whether a key wins, so that the login, if there is one, is not used. */
export function isKey({ kind }: Source): boolean {
  return kind !== "oauth" && kind !== "none";
}

/** Describes an account as the contract's status table does (section 7). */
export function describe(name: Name, survey: Survey, source: Source): Description {
  const state = stateOf(survey);
  const lastError = survey.fault ?? survey.facts?.refused ?? survey.facts?.retry?.code ?? null;
  const hasKey = isKey(source);
  const usable = hasKey ? "yes" : usableOf(survey, state);
  return {
    state,
    usable,
    lastError,
    nextCommand: hasKey ? null : nextOf(name, survey, state),
    nextTimerAt: nextTimerOf(survey),
    exitCode: usable === "no" ? exitOf(state) : exitCodes.done,
  };
}

function stateOf({ enabled, fault, facts, renewing, pending, now }: Survey): AccountState {
  if (!enabled) return "disabled";
  if (fault !== null) return "blocked";
  if (renewing && facts !== null) return "refreshing";
  if (facts === null || isOver(facts, now)) {
    if (pending !== null && !isPast(pending.expiresAt, now))
      return pending.kind === "device" ? "awaitingPoll" : "awaitingCode";
    return facts === null ? "idle" : "expired";
  }
  return facts.retry !== null && facts.retry.at > now ? "backingOff" : "authenticated";
}

function usableOf({ facts, now }: Survey, state: AccountState): Description["usable"] {
  if (state === "disabled" || state === "blocked" || facts === null) return "no";
  if (facts.expiresAt > now) return "yes";
  return state === "authenticated" || state === "refreshing" ? "unknown" : "no";
}

function nextOf(name: Name, survey: Survey, state: AccountState): string | null {
  // Who is blocked is told what the error itself would tell.
  if (state === "blocked") return survey.fault === null ? null : new AuthError(survey.fault, name).next;
  const verb = verbOf(survey, state);
  return verb === null ? null : `llxprt-auth ${name.provider} ${verb}${accountOption(name.account)}`;
}

function verbOf({ facts, pending }: Survey, state: AccountState): string | null {
  switch (state) {
    case "disabled":
      return "enable";
    case "idle":
    case "expired":
      return "login";
    case "pendingAuth":
    case "awaitingPoll":
      return "wait";
    case "awaitingCode":
      return pending?.kind === "loopback" ? "wait" : "complete";
    default:
      return facts?.refused == null ? null : "login";
  }
}

function nextTimerOf({ facts, pending, now }: Survey): number | null {
  let next: number | null = null;
  for (const at of [facts?.retry?.at, pending?.expiresAt, facts?.expiresAt])
    if (at != null && at > now && (next === null || at < next)) next = at;
  return next;
}

function isPast(at: number | null, now: number): boolean {
  return at !== null && at <= now;
}

function exitOf(state: AccountState): number {
  if (state === "blocked") return exitCodes.misconfigured;
  return state === "backingOff" ? exitCodes.tryLater : exitCodes.signInNeeded;
}
