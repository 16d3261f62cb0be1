// The rules of an account's life: what its machine remembers, the questions it asks of the facts, and where the answers
// lead. The chart that uses them is `credential.ts`.
import type { Grant } from "../providers/provider.ts";
import { isOver, isRenewable, type Survey } from "./facts.ts";
import { isFresh, leastPauseMs, renewAheadAt } from "./freshness.ts";
import {
  type Choice,
  credentialActors,
  type CredentialContext,
  type CredentialEvent,
  type CredentialInput,
  type LoginAsked,
  type RefreshDemand,
  type Result,
  type Seen,
} from "./life.ts";
import type { LoginOutcome } from "./login/login.ts";
import { assign, sendTo, setup } from "./statechart.ts";

export const chart = setup({
  types: {} as {
    context: CredentialContext;
    input: CredentialInput;
    events: CredentialEvent;
    tags: "busy" | "needsPerson";
    children: {
      login: "loopbackLogin" | "pasteLogin" | "deviceLogin";
      storeWatch: "storeWatch";
      survey: "survey";
      ensureFresh: "ensureFresh";
      logOut: "logOut";
      renewalAlarm: "alarm";
      retryAlarm: "alarm";
    };
  },
  actors: credentialActors,
  actions: {
    noteChoice: assign((_, { choice }: { choice: Choice }) => ({ choice, result: null })),
    noteSurvey: assign((_, { survey }: { survey: Survey }) => ({ survey, choice: null, seen: null })),
    forgetChoice: assign({ choice: null }),
    noteSeen: assign((_, { lineage, generation }: Seen) => ({ seen: { lineage, generation } })),
    noteLogin: assign((_, asked: LoginAsked & { grant: Grant }) => ({ asked, grant: asked.grant, result: null })),
    noteDemand: assign((_, demand: RefreshDemand) => ({ demand, result: null })),
    noteLogout: assign((_, { revoke }: { revoke: boolean }) => ({ revoke, result: null })),
    noteResult: assign((_, result: Result) => ({ result })),
    /** Provided by the runtime: removes the record of an attempt that ended without a grant. */
    dropAttempt: (_, _outcome: LoginOutcome) => undefined,
    tellLogin: sendTo("login", ({ event }) => event),
  },
  guards: {
    isDisabled: (_, { survey }: { survey: Survey }) => !survey.enabled,
    isUnreadable: (_, { survey }: { survey: Survey }) => survey.fault !== null,
    hasNoCredential: (_, { survey }: { survey: Survey }) => survey.facts === null,
    isOver: (_, { survey }: { survey: Survey }) => survey.facts !== null && isOver(survey.facts, survey.now),
    isWaitingToRetry: (_, { survey }: { survey: Survey }) => (survey.facts?.retry?.at ?? 0) > survey.now,
    isGranted: (_, outcome: LoginOutcome) => outcome.kind === "granted",
    isAskedFor: ({ context }, { grant }: { grant: Grant }) => context.grant === grant,
    isRenewedAhead: ({ context }) =>
      context.ahead && context.survey.facts !== null && isRenewable(context.survey.facts),
    isDue: ({ context: { survey } }, demand: { now: number; minTtlMs: number }) =>
      survey.facts !== null &&
      isRenewable(survey.facts) &&
      !isFresh(survey.facts.expiresAt, demand.now, demand.minTtlMs),
    isAboutThisToken: ({ context: { survey } }, { generation }: { generation: number }) =>
      isRenewableOf(generation, survey),
    // A pause that lasts for as long as the token is one of doubt: not while it can be used. The file counts in seconds.
    isAboutThisTokenInDoubt: ({ context: { survey } }, { generation }: { generation: number }) =>
      isRenewableOf(generation, survey) &&
      survey.facts?.retry != null &&
      Math.abs(survey.facts.retry.at - survey.facts.expiresAt) <= 1_000,
    // An unreadable file looks like none, so whatever comes after it is news.
    isNews: ({ context: { survey } }, seen: Seen) => survey.fault !== null || isOther(seen, survey),
    isOtherSignIn: ({ context: { survey } }, { lineage }: Seen) =>
      lineage !== null && lineage !== survey.facts?.lineage,
    isOvertaken: ({ context: { choice, seen } }, { survey }: { survey: Survey }) =>
      choice !== null || (seen !== null && isOther(seen, survey)),
  },
});

function isOther({ lineage, generation }: Seen, { facts }: Survey): boolean {
  return generation !== (facts?.generation ?? null) || lineage !== (facts?.lineage ?? null);
}

function isRenewableOf(generation: number, { facts }: Survey): boolean {
  return facts !== null && isRenewable(facts) && facts.generation === generation;
}

/** When `authenticated` has something to do by itself: renew early, or notice the end of what cannot be renewed. */
export function wakesAt({ ahead, jitter, result, survey: { facts, now } }: CredentialContext): number | null {
  if (facts === null) return null;
  if (!isRenewable(facts)) return facts.expiresAt;
  const planned = ahead ? renewAheadAt(facts.expiresAt, facts.obtainedAt, jitter) : null;
  // Obtained later than now: the clock was set back since, and the token lives no longer for that.
  const at = planned === null ? null : Math.min(planned, now + (planned - facts.obtainedAt));
  // However the last try ended, the next one by itself is not at once: a failure that stays would be a busy loop.
  return at === null || result === null ? at : Math.max(at, now + leastPauseMs);
}

/** Where an account belongs, by its facts. The order is the meaning. `resultOf`: what else to note, if anything. */
export function verdicts<Event>(surveyOf: (event: Event) => Survey, resultOf?: (event: Event) => Result) {
  const params = ({ event }: { event: Event }) => ({ survey: surveyOf(event) });
  const result =
    resultOf === undefined
      ? []
      : [{ type: "noteResult", params: ({ event }: { event: Event }) => resultOf(event) } as const];
  const actions = [{ type: "noteSurvey", params } as const, ...result];
  return [
    // Something was noted while an effect ran, and its survey may be from before that.
    ...(resultOf === undefined
      ? []
      : [{ guard: { type: "isOvertaken", params }, target: "#deciding", actions: result } as const]),
    { guard: { type: "isDisabled", params }, target: "#disabled", actions },
    { guard: { type: "isUnreadable", params }, target: "#blocked", actions },
    { guard: { type: "hasNoCredential", params }, target: "#idle", actions },
    { guard: { type: "isOver", params }, target: "#expired", actions },
    { guard: { type: "isWaitingToRetry", params }, target: "#backingOff", actions },
    { target: "#authenticated", actions },
  ] as const;
}
