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
  LoginOutcome,
  Polled,
  PollInput,
} from "../machines/login/login.ts";
import type {
  AccountReference,
  Choice,
  CredentialContext,
  LoggedOut,
  RefreshDemand,
  Renewed,
} from "../machines/life.ts";
import { AuthError, type ErrorCode } from "../machines/errors.ts";
import type { Survey } from "../machines/facts.ts";
import type { Provider } from "../providers/provider.ts";
import { waitUntil } from "./alarm.ts";
import { follow } from "./following.ts";
import type { projector } from "./inspect/projection.ts";
import type { Desk } from "./login/desk.ts";
import { begin } from "./login/begin.ts";
import { exchange } from "./login/exchange.ts";
import { poll } from "./login/poll.ts";
import { serve } from "./login/serving.ts";
import { logOut } from "./logout.ts";
import type { EnsureFresh } from "./refresh/ensure-fresh.ts";
import { writeImported } from "./settings/imported.ts";
import { readSettings, writeEnabled } from "./settings/settings.ts";
import { look } from "./survey.ts";

/** The provider's machine with everything it names. */
export function provided(provider: Provider, desk: Desk, ensureFresh: EnsureFresh): ProviderMachine {
  const alarm = alarmBy(desk);
  const logins = loginEffects(desk, alarm);
  return providerMachine(provider).provide({
    actors: {
      alarm,
      loopbackLogin: loopbackLogin.provide({ actors: logins }),
      pasteLogin: pasteLogin.provide({ actors: logins }),
      deviceLogin: deviceLogin.provide({ actors: logins }),
      survey: fromPromise<Survey, AccountReference & { readonly choice: Choice | null }>(({ input }) =>
        explained(desk, input, async () => {
          carryOut(desk, input, input.choice);
          const { survey } = look(desk, provider, input.account);
          if (survey.fault !== null) noteFault(desk, input, survey.fault);
          return survey;
        }),
      ),
      ensureFresh: fromPromise<Renewed, AccountReference & RefreshDemand & { readonly generation: number | null }>(
        ({ input }) => explained(desk, input, () => ensureFresh(input, input)),
      ),
      logOut: fromPromise<LoggedOut, AccountReference & { readonly revoke: boolean }>(({ input }) =>
        explained(desk, input, async () => {
          const revocation = await logOut(desk, input, input.revoke);
          return { revocation, survey: look(desk, provider, input.account).survey };
        }),
      ),
      storeWatch: fromCallback<{ type: "nothing" }, AccountReference>(({ input, sendBack }) =>
        follow(desk, provider, input, sendBack),
      ),
    },
    actions: {
      dropAttempt: ({ context }, outcome) => {
        drop(desk, context, outcome);
      },
    },
  });
}

type Inspect = ReturnType<typeof projector>;

/** An effect that breaks off leaves its reason to whoever asked for it. */
async function explained<Result>(desk: Desk, name: AccountReference, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AuthError) desk.faults.broke(name, error);
    throw error;
  }
}

/** Starts an actor. @param snapshot advice of an earlier process, already found to be usable. @param inspect sees all it does */
export function started(machine: ProviderMachine, input: CredentialInput, snapshot: unknown, inspect: Inspect) {
  const options = snapshot === null ? { input, inspect } : { input, inspect, snapshot };
  const actor = createActor(
    machine,
    options as Parameters<typeof createActor<ProviderMachine>>[1] & { input: CredentialInput },
  );
  // Without an observer, an error inside an actor would end the process.
  actor.subscribe({ error: () => undefined });
  return actor.start();
}

function carryOut({ store, pending, journal }: Desk, { provider, account }: AccountReference, choice: Choice | null) {
  if (choice === null) return;
  const name = { provider, account };
  const before = readSettings(store.paths).enabled[provider];
  if (choice === "reset") {
    const removed = pending.removeAll(name);
    const aside = store.putAside(name);
    writeImported(store.paths, name, null);
    // Who was enabled by the file alone is to be idle afterwards, and not off.
    if (aside !== null && before === undefined) writeEnabled(store.paths, provider, true);
    if (removed > 0 || aside !== null) journal.note({ step: "reset", ...name });
    return;
  }
  const isOn = choice === "enable";
  writeEnabled(store.paths, provider, isOn);
  if (before !== isOn) journal.note({ step: isOn ? "enabled" : "disabled", ...name });
  // Nobody may finish a sign-in that is not wanted any more.
  if (!isOn) pending.removeAll(name);
}

/** When it was found, and by whom: what the file itself does not say. */
function noteFault({ journal }: Desk, { provider, account }: AccountReference, code: ErrorCode): void {
  journal.noteNews({ step: "unreadable", provider, account, code });
}

/** Removes the record of a sign-in that brought no tokens. Who finds it gone already has nothing to tell. */
function drop(
  { pending, journal }: Desk,
  { provider, account, grant }: CredentialContext,
  outcome: LoginOutcome,
): void {
  if (outcome.kind === "granted") return;
  const { attempt, code } = outcome;
  // Its tokens are on the disk and wait for the account's lock: without the record they would be nobody's.
  if (outcome.kind === "failed" && code === "lock_busy") return;
  const name = { provider, account };
  const isNews = attempt === null ? outcome.kind === "failed" : pending.has(name, attempt);
  const step = outcome.kind === "failed" ? "signInFailed" : "signInCancelled";
  // First: who finds the record gone looks there for the reason.
  if (isNews) journal.note({ step, ...name, signIn: attempt ?? undefined, grant: grant ?? undefined, code });
  if (attempt !== null) pending.remove(name, attempt);
}

function alarmBy({ host, steady }: Desk) {
  return fromCallback<{ type: "nothing" }, AlarmInput>(({ input, sendBack }) => {
    // A renewal can wait until something else keeps the process going; a person who signs in cannot.
    const isAwaited = ["deadline.passed", "poll.due"].includes(input.sends);
    const ring = (): void => {
      sendBack({ type: input.sends });
    };
    return waitUntil(input.at, isAwaited ? steady : host.now, ring, isAwaited);
  });
}

function loginEffects(desk: Desk, alarm: ReturnType<typeof alarmBy>) {
  return {
    alarm,
    begin: fromPromise<Begun, BeginInput>(({ input, signal }) => begin(desk, input, signal)),
    exchange: fromPromise<Exchanged, ExchangeInput>(({ input, signal }) => exchange(desk, input, signal)),
    poll: fromPromise<Polled, PollInput>(({ input, signal }) => poll(desk, input, signal)),
    serving: fromCallback<{ type: "nothing" }, PollInput>(({ input, sendBack }) => serve(desk, input, sendBack)),
  };
}
