// What machines name, done: the one place where an effect of a statechart meets its implementation.
import type { CredentialInput } from "../machines/life.ts";
import { deviceLogin } from "../machines/login/device.ts";
import { loopbackLogin } from "../machines/login/loopback.ts";
import { pasteLogin } from "../machines/login/paste.ts";
import { type ProviderMachine, providerMachine } from "../machines/provider.ts";
import { createActor, fromCallback, fromPromise } from "../machines/statechart.ts";
import type {
  AlarmInput,
  Begun,
  BeginInput,
  Exchanged,
  ExchangeInput,
  Polled,
  PollInput,
} from "../machines/login/login.ts";
import type { AccountReference, Choice, LoggedOut, RefreshDemand, Renewed } from "../machines/life.ts";
import type { Survey } from "../machines/facts.ts";
import type { Provider } from "../providers/provider.ts";
import { waitUntil } from "./alarm.ts";
import type { Desk } from "./login/desk.ts";
import { begin } from "./login/begin.ts";
import { exchange } from "./login/exchange.ts";
import { failedPage } from "./login/pages.ts";
import { poll } from "./login/poll.ts";
import { logOut } from "./logout.ts";
import type { EnsureFresh } from "./refresh/ensure-fresh.ts";
import { writeEnabled } from "./settings/settings.ts";
import { watchFile } from "./store/watch.ts";
import { look } from "./survey.ts";

/** The provider's machine with everything it names. */
export function provided(provider: Provider, desk: Desk, ensureFresh: EnsureFresh): ProviderMachine {
  const alarm = alarmBy(desk.host.now);
  const logins = loginEffects(desk, alarm);
  return providerMachine(provider).provide({
    actors: {
      alarm,
      loopbackLogin: loopbackLogin.provide({ actors: logins }),
      pasteLogin: pasteLogin.provide({ actors: logins }),
      deviceLogin: deviceLogin.provide({ actors: logins }),
      survey: fromPromise<Survey, AccountReference & { readonly choice: Choice | null }>(async ({ input }) => {
        carryOut(desk, input, input.choice);
        return look(desk, provider, input.account).survey;
      }),
      ensureFresh: fromPromise<Renewed, AccountReference & RefreshDemand & { readonly generation: number | null }>(
        ({ input }) => ensureFresh(input, input),
      ),
      logOut: fromPromise<LoggedOut, AccountReference & { readonly revoke: boolean }>(async ({ input }) => {
        const revocation = await logOut(desk, input, input.revoke);
        return { revocation, survey: look(desk, provider, input.account).survey };
      }),
      storeWatch: fromCallback<{ type: "nothing" }, AccountReference>(({ input, sendBack }) =>
        watchFile(desk.store.paths.tokenFile(input), () => {
          const { facts } = look(desk, provider, input.account).survey;
          sendBack({
            type: "store.changed",
            lineage: facts?.lineage ?? null,
            generation: facts?.generation ?? null,
          });
        }),
      ),
    },
    actions: {
      dropAttempt: ({ context }, { attempt }) => {
        if (attempt !== null) desk.pending.remove(context, attempt);
      },
    },
  });
}

/** Starts an actor. @param snapshot advice of an earlier process, already found to be usable */
export function started(machine: ProviderMachine, input: CredentialInput, snapshot: unknown) {
  const options = snapshot === null ? { input } : { input, snapshot };
  const actor = createActor(
    machine,
    options as Parameters<typeof createActor<ProviderMachine>>[1] & { input: CredentialInput },
  );
  // Without an observer, an error inside an actor would end the process.
  actor.subscribe({ error: () => undefined });
  return actor.start();
}

function carryOut(desk: Desk, name: AccountReference, choice: Choice | null): void {
  if (choice === "reset") {
    desk.pending.removeAll(name);
    desk.store.putAside(name);
  } else if (choice !== null) {
    writeEnabled(desk.store.paths, name.provider, choice === "enable");
    // Nobody may finish a sign-in that is not wanted any more.
    if (choice === "disable") desk.pending.removeAll(name);
  }
}

function alarmBy(now: () => number) {
  return fromCallback<{ type: "nothing" }, AlarmInput>(({ input, sendBack }) =>
    // A renewal can wait until something else keeps the process going; a person who signs in cannot.
    waitUntil(
      input.at,
      now,
      () => {
        sendBack({ type: input.sends });
      },
      ["deadline.passed", "poll.due"].includes(input.sends),
    ),
  );
}

function loginEffects(desk: Desk, alarm: ReturnType<typeof alarmBy>) {
  return {
    alarm,
    begin: fromPromise<Begun, BeginInput>(({ input }) => begin(desk, input)),
    exchange: fromPromise<Exchanged, ExchangeInput>(({ input, signal }) => exchange(desk, input, signal)),
    poll: fromPromise<Polled, PollInput>(({ input, signal }) => poll(desk, input, signal)),
    listener: fromCallback<{ type: "nothing" }, { readonly attempt: string }>(({ input: { attempt }, sendBack }) => {
      const listener = desk.listeners.get(attempt);
      listener?.deliver((arrival) => {
        if (arrival.kind === "code") {
          sendBack({ type: "callback.arrived", handle: desk.vault.put({ ...arrival, verifier: null }) });
          return;
        }
        listener.show(failedPage(arrival.code), true);
        sendBack({ type: "callback.denied", code: arrival.code });
      });
      return () => {
        desk.listeners.delete(attempt);
        void listener?.close();
      };
    }),
  };
}
