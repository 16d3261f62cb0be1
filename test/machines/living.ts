// Machines that run, with stand-ins for every effect: they start when the machine starts them, are listed, and end when
// the test says so, within the call that says it. Same snapshots, restore and cancelling as the real ones; no promise.
import { type AnyActorRef, createActor, type InspectionEvent } from "xstate";
import { credentialActors, type CredentialInput } from "../../machines/life.ts";
import { loginActors, type LoginOutcome } from "../../machines/login/login.ts";
import { type ProviderMachine, providerMachine } from "../../machines/provider.ts";
import type { Grant } from "../../providers/provider.ts";
import { input } from "./examples.ts";

export interface Started {
  readonly effect: string;
  readonly input: unknown;
  readonly ends: (output: unknown) => void;
  readonly breaks: (error: unknown) => void;
  /** It ended, or the machine has left it. */
  readonly isOver: () => boolean;
}

/** What a stand-in lets its test do besides. */
export interface Begun extends Started {
  /** Of the actor system that it belongs to. */
  readonly system: object;
  readonly tells: (event: { readonly type: string }) => void;
  readonly onStop: (stop: () => void) => void;
}

interface StandInSnapshot {
  readonly status: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: unknown;
}

interface StandInEvent {
  readonly type: string;
  readonly output?: unknown;
  readonly error?: unknown;
}

function standIn(effect: string, begins: (begun: Begun) => void) {
  const stops = new WeakMap<object, () => void>();
  return {
    config: undefined,
    getInitialSnapshot: (_: unknown, given: unknown): StandInSnapshot => ({
      status: "active",
      input: given,
      output: undefined,
      error: undefined,
    }),
    transition(
      snapshot: StandInSnapshot,
      { type, output, error }: StandInEvent,
      { self }: { readonly self: AnyActorRef },
    ): StandInSnapshot {
      if (snapshot.status !== "active") return snapshot;
      if (type === "stand-in.ends") return { ...snapshot, status: "done", output };
      if (type === "stand-in.breaks") return { ...snapshot, status: "error", error };
      if (type !== "xstate.stop") return snapshot;
      stops.get(self)?.();
      return { ...snapshot, status: "stopped" };
    },
    start(snapshot: StandInSnapshot, { self, system }: { readonly self: AnyActorRef; readonly system: object }) {
      begins({
        effect,
        system,
        input: snapshot.input,
        ends: (output) => self.send({ type: "stand-in.ends", output }),
        breaks: (error) => self.send({ type: "stand-in.breaks", error }),
        tells: (event) => self._parent?.send(event),
        isOver: () => self.getSnapshot().status !== "active",
        onStop: (stop) => stops.set(self, stop),
      });
    },
    getPersistedSnapshot: (snapshot: StandInSnapshot) => snapshot,
    restoreSnapshot: (snapshot: StandInSnapshot) => snapshot,
  };
}

const isMachine = (name: string) => name.endsWith("Login");

type Drops = (account: string, outcome: LoginOutcome) => void;

/** An account's machine whose effects, and whose login machines' effects, are stand-ins. */
export function machineOf(
  provider: { readonly name: string; readonly grants: readonly Grant[] },
  begins: (begun: Begun) => void,
  drops: Drops,
): ProviderMachine {
  const standIns = (names: object) =>
    Object.fromEntries(
      Object.keys(names)
        .filter((name) => !isMachine(name))
        .map((name) => [name, standIn(name, begins)]),
    ) as never;
  const { loopbackLogin, pasteLogin, deviceLogin } = credentialActors;
  return providerMachine(provider).provide({
    actors: {
      ...(standIns(credentialActors) as object),
      loopbackLogin: loopbackLogin.provide({ actors: standIns(loginActors) }),
      pasteLogin: pasteLogin.provide({ actors: standIns(loginActors) }),
      deviceLogin: deviceLogin.provide({ actors: standIns(loginActors) }),
    },
    actions: {
      dropAttempt: ({ context }, outcome) => {
        drops(context.account, outcome);
      },
    },
  });
}

/** One that offers every way to sign in; `started` lists what began. */
export function livingMachine() {
  const started: Started[] = [];
  const dropped: unknown[] = [];
  const acme = { name: "acme", grants: ["loopback", "paste", "device"] } as const;
  const machine = machineOf(
    acme,
    (begun) => started.push(begun),
    (_, { attempt }) => dropped.push(attempt),
  );
  return { machine, started, dropped };
}

export interface Living extends Disposable {
  readonly actor: ReturnType<typeof createActor<ReturnType<typeof livingMachine>["machine"]>>;
  readonly started: Started[];
  readonly dropped: unknown[];
  /** The effect of this name that began last. */
  readonly last: (effect: string) => Started;
}

/** A running actor, from the beginning or from a snapshot. */
export function live(
  options: {
    readonly snapshot?: unknown;
    readonly input?: CredentialInput;
    readonly inspect?: (event: InspectionEvent) => void;
  } = {},
): Living {
  const { machine, started, dropped } = livingMachine();
  const { snapshot, inspect } = options;
  const actor = createActor(machine, {
    input: options.input ?? input,
    ...(snapshot === undefined ? {} : { snapshot: snapshot as never }),
    ...(inspect === undefined ? {} : { inspect }),
  });
  actor.subscribe({ error: () => undefined });
  actor.start();
  return {
    actor,
    started,
    dropped,
    last(effect) {
      const found = started.findLast((one) => one.effect === effect);
      if (found === undefined) throw new Error(`${effect} has not begun; ${started.map((one) => one.effect).join()}`);
      return found;
    },
    [Symbol.dispose]: () => void actor.stop(),
  };
}
