// One account's life, from idle to a credential that renews itself.
//
// Facts decide, the snapshot advises: restore, enable, cancel, wake-up and another process's change all pass through
// `deciding`, which reads the facts afresh. No secret is in here, and nothing is lost when a state is left: the exchange
// of a refresh token lives outside every actor, and entering `refreshing` twice repeats nothing.
import type { Grant } from "../providers/provider.ts";
import type { Survey } from "./facts.ts";
import type { Choice, LoggedOut, LoginAsked, Renewed, Seen } from "./life.ts";
import { anyLifetimeMs, defaultMinTtlMs } from "./freshness.ts";
import { emptyMemory } from "./memory.ts";
import { chart, verdicts, wakesAt } from "./rules.ts";
import { signingIn } from "./signing-in.ts";

const choose = (choice: Choice) => ({ type: "noteChoice", params: { choice } }) as const;
const noteSeen = { type: "noteSeen", params: ({ event }: { event: Seen }) => event } as const;
const noteRenewal = { type: "noteDemand", params: { minTtlMs: anyLifetimeMs, force: false } } as const;
const renewal = [
  { guard: "isRenewedAhead", target: "#refreshing", actions: noteRenewal },
  { target: "#deciding" },
] as const;
const noteRejection = { type: "noteDemand", params: { minTtlMs: 0, force: true } } as const;
const requested = {
  target: "#refreshing",
  actions: {
    type: "noteDemand",
    params: ({ event }: { event: { readonly force: boolean } }) => ({
      minTtlMs: defaultMinTtlMs,
      force: event.force,
    }),
  },
} as const;

/**
 * The machine of an account whose provider offers these grants, the preferred one first.
 * Its effects have to be provided (`runtime/effects.ts`).
 */
export function credentialMachine(id: string, grants: readonly [Grant, ...Grant[]]) {
  const askedOrPreferred = ({ event }: { event: { readonly type: "login.requested" } & LoginAsked }) => ({
    grant: event.grant ?? grants[0],
    port: event.port,
    timeoutMs: event.timeoutMs,
    attempt: event.attempt,
  });
  const login = { target: "#pendingAuth", actions: { type: "noteLogin", params: askedOrPreferred } } as const;

  return chart.createMachine({
    id,
    description: "One account's life with its provider.",
    context: ({ input }) => emptyMemory(input),
    invoke: {
      id: "storeWatch",
      src: "storeWatch",
      input: ({ context: { provider, account } }) => ({ provider, account }),
      onError: { actions: { type: "noteResult", params: { kind: "failed", code: "internal" } } },
    },
    on: {
      "system.resumed": "#deciding",
      "store.changed": { guard: { type: "isNews", params: ({ event }) => event }, target: "#deciding" },
      "account.enabled": { target: "#deciding", actions: choose("enable") },
      "account.disabled": { target: "#deciding", actions: choose("disable") },
      "account.reset": { target: "#deciding", actions: choose("reset") },
      "logout.requested": {
        target: "#loggingOut",
        actions: { type: "noteLogout", params: ({ event }) => ({ revoke: event.revoke }) },
      },
    },
    initial: "deciding",
    states: {
      deciding: {
        id: "deciding",
        description: "Reads the facts and goes where they say.",
        tags: ["busy"],
        invoke: {
          id: "survey",
          src: "survey",
          input: ({ context: { provider, account, choice } }) => ({ provider, account, choice }),
          onDone: verdicts((event: { output: Survey }) => event.output),
          onError: {
            target: "#blocked",
            actions: ["forgetChoice", { type: "noteResult", params: { kind: "failed", code: "internal" } }],
          },
        },
        // What is being read may be older than this.
        on: { "store.changed": { target: "#deciding", reenter: true } },
      },
      disabled: { id: "disabled", description: "OAuth is off here: tokens are kept and not used." },
      idle: {
        id: "idle",
        description: "No credential. Nobody has been contacted.",
        tags: ["needsPerson"],
        on: { "login.requested": login },
      },
      pendingAuth: {
        id: "pendingAuth",
        description: "A sign-in is under way. What was stored before stays until the new grant is stored.",
        tags: ["busy"],
        initial: "choosing",
        on: {
          "login.cancelled": { actions: "tellLogin" },
          "login.left": { actions: "tellLogin" },
          "login.ended": { actions: "tellLogin" },
          "login.pasted": { actions: "tellLogin" },
          "callback.arrived": { actions: "tellLogin" },
          "callback.denied": { actions: "tellLogin" },
          // Finished from another terminal, or just stored by this one. A mere renewal does not end a sign-in.
          "store.changed": [
            {
              guard: { type: "isOtherSignIn", params: ({ event }) => event },
              target: "#deciding",
              actions: { type: "noteResult", params: { kind: "granted", code: null } },
            },
            {},
          ],
          "account.enabled": { actions: choose("enable") },
          "system.resumed": {},
        },
        states: {
          choosing: {
            description: "Takes the way that was asked for.",
            always: [
              ...grants.map((grant) => ({ guard: { type: "isAskedFor", params: { grant } } as const, target: grant })),
              {
                target: "#deciding",
                actions: { type: "noteResult", params: { kind: "failed", code: "grant_unsupported" } },
              },
            ],
          },
          ...Object.fromEntries(grants.map((grant) => [grant, signingIn(grant)])),
        },
      },
      authenticated: {
        id: "authenticated",
        description: "A credential is stored that is alive, or can be renewed when it is needed.",
        invoke: {
          id: "renewalAlarm",
          src: "alarm",
          input: ({ context }) => ({ at: wakesAt(context), sends: "renewal.due" as const }),
          onError: "#blocked",
        },
        on: {
          "login.requested": login,
          "renewal.due": renewal,
          "token.demanded": {
            guard: { type: "isDue", params: ({ event }) => event },
            target: "#refreshing",
            actions: { type: "noteDemand", params: ({ event }) => ({ minTtlMs: event.minTtlMs, force: false }) },
          },
          "token.rejected": {
            guard: { type: "isAboutThisToken", params: ({ event }) => event },
            target: "#refreshing",
            actions: noteRejection,
          },
          "refresh.requested": requested,
        },
      },
      refreshing: {
        id: "refreshing",
        description: "Waits until the store holds a newer token or a verdict.",
        tags: ["busy"],
        invoke: {
          id: "ensureFresh",
          src: "ensureFresh",
          input: ({ context: { provider, account, demand, survey } }) => ({
            provider,
            account,
            ...demand,
            generation: survey.facts?.generation ?? null,
          }),
          onDone: verdicts(
            (event: { output: Renewed }) => event.output.survey,
            ({ output: { kind, code } }) => ({ kind, code }),
          ),
          onError: {
            target: "#deciding",
            actions: { type: "noteResult", params: { kind: "failed", code: "internal" } },
          },
        },
        on: {
          "store.changed": { actions: noteSeen },
          "account.enabled": { actions: choose("enable") },
          "system.resumed": {},
        },
      },
      backingOff: {
        id: "backingOff",
        description: "Renewing failed for now; the token is used while it lives. The next try has its time.",
        invoke: {
          id: "retryAlarm",
          src: "alarm",
          input: ({ context }) => ({ at: context.survey.facts?.retry?.at ?? null, sends: "retry.due" as const }),
          onError: "#blocked",
        },
        on: {
          "login.requested": login,
          "retry.due": renewal,
          "token.rejected": {
            guard: { type: "isAboutThisTokenInDoubt", params: ({ event }) => event },
            target: "#refreshing",
            actions: noteRejection,
          },
          "refresh.requested": requested,
        },
      },
      expired: {
        id: "expired",
        description: "The token is dead and cannot be renewed. The file is kept; a person has to sign in.",
        tags: ["needsPerson"],
        on: { "login.requested": login, "refresh.requested": requested },
      },
      loggingOut: {
        id: "loggingOut",
        description: "Deletes the tokens here, then revokes them at the provider.",
        tags: ["busy"],
        invoke: {
          id: "logOut",
          src: "logOut",
          input: ({ context: { provider, account, revoke } }) => ({ provider, account, revoke }),
          onDone: verdicts(
            (event: { output: LoggedOut }) => event.output.survey,
            ({ output: { revocation } }) => ({ kind: "loggedOut", code: null, revocation }),
          ),
          onError: {
            target: "#deciding",
            actions: { type: "noteResult", params: { kind: "failed", code: "internal" } },
          },
        },
        // A logout that has begun is not left: it could be left before anything was deleted.
        on: {
          "logout.requested": {},
          "store.changed": { actions: noteSeen },
          "account.enabled": { actions: choose("enable") },
          "account.disabled": { actions: choose("disable") },
          "account.reset": { actions: choose("reset") },
          "system.resumed": {},
        },
      },
      blocked: {
        id: "blocked",
        description: "The token file cannot be used as it is. It is kept; `reset` puts it aside.",
        tags: ["needsPerson"],
      },
    },
  });
}
