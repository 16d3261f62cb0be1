// A running machine: started when it is first needed, its snapshot kept in the token file, stopped without a trace.
//
// The snapshot is advice for the next process. It is written beside the tokens when the machine has come to another state,
// if nobody else is at work there, and that it could not be written is no reason to fail.
import { AuthError } from "../machines/errors.ts";
import { envelope, restorable } from "../machines/migrations.ts";
import type { CredentialInput, Result } from "../machines/life.ts";
import type { ProviderMachine } from "../machines/provider.ts";
import { started } from "./effects.ts";
import { projector } from "./inspect/projection.ts";
import type { AccountName } from "./store/names.ts";
import type { Wiring } from "./wiring.ts";

export type CredentialActor = ReturnType<typeof started>;
export type CredentialSnapshot = ReturnType<CredentialActor["getSnapshot"]>;

export interface Running {
  readonly actor: CredentialActor;
  /**
   * Waits until nothing is under way, or `enough` says that it need not.
   * Keeps the process alive meanwhile. @throws the signal's reason when aborted; AuthError `interrupted` after `stop`
   */
  readonly settled: (
    signal?: AbortSignal,
    enough?: (snapshot: CredentialSnapshot) => boolean,
  ) => Promise<CredentialSnapshot>;
  /** Stops. What is under way is left for another process to finish. */
  readonly stop: () => void;
}

export function run(
  machine: ProviderMachine,
  input: CredentialInput,
  { store, journal, host: { now } }: Pick<Wiring, "store" | "journal" | "host">,
): Running {
  const name: AccountName = { provider: input.provider, account: input.account };
  const stored = store.read(name);
  const saved = stored.kind === "stored" ? stored.credential.snapshot : null;
  const snapshot = restorable(saved, input);
  const actor = revived(machine, input, snapshot, projector(journal.trace));
  // What stands in the file already need not be written again.
  let last: string | null =
    stored.kind === "stored" && snapshot !== null
      ? mark((saved as { state: { value: unknown } }).state.value, stored.credential.generation)
      : null;

  const save = (current: CredentialSnapshot): void => {
    const mine = mark(current.value, current.context.survey.facts?.generation ?? null);
    if (typeof current.value !== "string" || current.value === "deciding" || mine === last) return;
    const next = envelope(actor.getPersistedSnapshot(), now());
    try {
      // Advice is no reason to take a file away from a newer version, nor to wait for a lock.
      const isSaved = store.advise(name, (credential) =>
        credential?.newer === false ? { ...credential, snapshot: next } : credential,
      );
      if (isSaved) last = mine;
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
    }
  };
  const stopped = new AbortController();
  const subscription = actor.subscribe({ next: save, error: () => undefined });
  if (snapshot !== null) actor.send({ type: "system.resumed" });

  return {
    actor,
    settled: async (signal, enough = () => false) => {
      const awake = setInterval(() => undefined, 1_000_000);
      try {
        const ending = signal === undefined ? stopped.signal : AbortSignal.any([stopped.signal, signal]);
        return await reached(actor, (current) => !current.hasTag("busy") || enough(current), ending);
      } finally {
        clearInterval(awake);
      }
    },
    stop: () => {
      subscription.unsubscribe();
      actor.stop();
      // Whoever waits would wait for ever, and keep the process alive.
      stopped.abort(new AuthError("interrupted", name));
    },
  };
}

/** Waits for a state of the machine or of the sign-in inside it: a step of the one is none of the other's. */
function reached(
  actor: CredentialActor,
  isThere: (snapshot: CredentialSnapshot) => boolean,
  signal: AbortSignal,
): Promise<CredentialSnapshot> {
  return new Promise((resolve, reject) => {
    let watched: CredentialSnapshot["children"]["login"];
    const subscriptions: { unsubscribe(): void }[] = [];
    const finish = (settle: () => void): void => {
      for (const one of subscriptions) one.unsubscribe();
      signal.removeEventListener("abort", aborted);
      settle();
    };
    const aborted = (): void => {
      finish(() => {
        reject(signal.reason);
      });
    };
    const failed = (error: unknown): void => {
      finish(() => {
        reject(error);
      });
    };
    const look = (): void => {
      const current = actor.getSnapshot();
      const { login } = current.children;
      if (isThere(current)) {
        finish(() => {
          resolve(current);
        });
      } else if (login !== undefined && login !== watched) {
        watched = login;
        subscriptions.push(login.subscribe({ next: look, error: () => undefined }));
      }
    };
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) {
      aborted();
      return;
    }
    subscriptions.push(actor.subscribe({ next: look, error: failed }));
    look();
  });
}

/** The login machine's snapshot while a sign-in is under way. */
export function loginOf(snapshot: CredentialSnapshot) {
  return snapshot.children.login?.getSnapshot() ?? null;
}

export function isSigningIn(snapshot: CredentialSnapshot): boolean {
  return loginOf(snapshot) !== null;
}

/** How the last thing that was asked of the machine ended. */
export function resultOf(snapshot: CredentialSnapshot): Result | null {
  return snapshot.context.result;
}

function revived(
  machine: ProviderMachine,
  input: CredentialInput,
  snapshot: unknown,
  inspect: ReturnType<typeof projector>,
): CredentialActor {
  try {
    return started(machine, input, snapshot, inspect);
  } catch {
    // A snapshot that the machine cannot take is dropped; the facts decide.
    return started(machine, input, null, inspect);
  }
}

function mark(value: unknown, generation: number | null): string {
  return `${JSON.stringify(value)} ${generation}`;
}
