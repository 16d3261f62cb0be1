// What the page says: states, lines and errors in words. Pure; the words are tables of ours, and no text of a file's or of a
// server's gets in but what the journal's own list lets through.
import type { AccountState } from "../../../../machines/describe.ts";
import { AuthError } from "../../../../machines/errors.ts";
import { labelOf } from "../../labels.ts";
import { type Step, steps } from "../../record.ts";
import type { Numbered } from "./seen.ts";

/** The shape that stands beside a state, so that colour is not all that tells it. */
export type Mark = "full" | "half" | "wait" | "ring" | "cross" | "stop" | "dash" | "dot";
export type Tone = "good" | "busy" | "quiet" | "bad";

interface StateWords {
  readonly says: string;
  readonly mark: Mark;
  readonly tone: Tone;
}

const states: Readonly<Record<AccountState | "deciding", StateWords>> = {
  disabled: { says: "off", mark: "dash", tone: "quiet" },
  idle: { says: "nobody signed in", mark: "ring", tone: "quiet" },
  pendingAuth: { says: "sign-in under way", mark: "wait", tone: "busy" },
  awaitingCode: { says: "waits for the browser", mark: "wait", tone: "busy" },
  awaitingPoll: { says: "waits for approval", mark: "wait", tone: "busy" },
  authenticated: { says: "signed in", mark: "full", tone: "good" },
  refreshing: { says: "renewing", mark: "half", tone: "busy" },
  backingOff: { says: "waits to retry", mark: "wait", tone: "busy" },
  expired: { says: "login is over", mark: "cross", tone: "bad" },
  loggingOut: { says: "signing out", mark: "half", tone: "busy" },
  blocked: { says: "blocked", mark: "stop", tone: "bad" },
  deciding: { says: "looking", mark: "half", tone: "busy" },
};

/** @param state a word of `status`, or a path of the account's chart; null: no line tells */
export function stateWords(state: string | null): StateWords {
  const [outer = ""] = (state ?? "").split(".");
  return (states as Readonly<Record<string, StateWords>>)[outer] ?? { says: "not known", mark: "dot", tone: "quiet" };
}

export interface What {
  /** The step, or the event of a transition. */
  readonly head: string;
  readonly text: string;
  /** An error's code. */
  readonly code: string | null;
}

/** A line in words. */
export function whatOf(record: Numbered): What {
  const { step, move, code } = record;
  if (move === undefined) return { head: stepWords(step), text: steps[step], code: code ?? null };
  const head = move.event.type === "xstate.init" ? "began" : labelOf({ event: move.event.type, guard: null });
  return { head, text: `${chartWords[move.machine]}: ${wayOf(move)}`, code: codeIn(move.event) };
}

/** The error that an event brought. */
export function codeIn(event: object | undefined): string | null {
  const { code, output } = (event ?? {}) as { readonly code?: unknown; readonly output?: { readonly code?: unknown } };
  const found = code ?? output?.code;
  return typeof found === "string" ? found : null;
}

/** `signInBegun` → `sign in begun` */
function stepWords(step: Step): string {
  return step.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** `idle → pendingAuth.loopback`; only where it stands, if it stayed or began there. */
function wayOf({ taken, value }: NonNullable<Numbered["move"]>): string {
  const [from = ""] = (taken[0] ?? "").split(">");
  return from === "" || from === value || value.startsWith(`${from}.`) ? value : `${from} → ${value}`;
}

/** What stands for a chart. */
export const chartWords: Readonly<Record<string, string>> = {
  account: "account",
  loopback: "loopback sign-in",
  paste: "paste sign-in",
  device: "device sign-in",
  refresh: "refresh protocol",
};

export const timerWords: Readonly<Record<string, string>> = {
  renewalAlarm: "renews",
  retryAlarm: "tries again",
  deadline: "deadline",
  pollAlarm: "next poll",
};

/** The catalogue's sentence and command; null for a code of another version. */
export function errorWords(
  code: string,
  name: { readonly provider: string; readonly account: string },
): { readonly says: string; readonly next: string | null } | null {
  try {
    const { message, next } = new AuthError(code as never, name);
    return { says: `${message}.`, next };
  } catch {
    return null;
  }
}
