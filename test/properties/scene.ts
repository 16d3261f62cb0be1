// A world with processes in it, on a machine that is built once: building one for every run would cost three times the run.
// The machine's effects look up the world that is being played in.
import { machineOf } from "../machines/living.ts";
import type { ProviderMachine } from "../../machines/provider.ts";
import type { Provider } from "../../providers/provider.ts";
import { acme } from "../runtime/wire/sample.ts";
import { everyGrant } from "./charts.ts";
import type { Coverage } from "./coverage.ts";
import { dropAttempt, effects, notice } from "./effects.ts";
import { restart, serve } from "./signing-in.ts";
import { createWorld, type Process, type Started, type World } from "./world.ts";

/** A provider by the book that offers everything. Another project puts its own data here. */
export const byTheBook: Provider = {
  ...acme,
  grants: everyGrant,
  scopes: [],
  rotation: "always",
  reuseGraceMs: 0,
  device: { ...acme.device, pkce: true, verificationHosts: [] } as Provider["device"],
};

/** The dialect in which a poll brings a code. */
export const userCode = {
  ...byTheBook.device,
  dialect: "user-code",
  pollEndpoint: "https://id.acme.example/poll",
  redirectUri: "https://id.acme.example/device/callback",
  pendingStatuses: [403],
} as Provider["device"];

export const startAt = 1_800_000_000_000;

/** The accounts of a scene, and how many processes each has. */
const cast = ["default", "default", "work"] as const;

export interface Scene {
  readonly world: World;
  /** In the order of the cast. One that has ended is followed by another in its place. */
  readonly processes: () => readonly Process[];
  readonly replace: (process: Process) => void;
}

/** How a machine is made whose effects are done in a world. */
export type Staging = (
  provider: Provider,
  begins: (system: object, started: Started) => void,
  drops: (account: string, outcome: Parameters<typeof dropAttempt>[2]) => void,
) => ProviderMachine;

/** Effects that end within the call that ends them. */
export const atOnce: Staging = (provider, begins, drops) =>
  machineOf(
    provider,
    ({ system, isOver, ...begun }) => {
      begins(system, { ...begun, isStopped: isOver });
    },
    drops,
  );

export function createStage(provider: Provider, staging: Staging, coverage: Coverage) {
  let playing: World | null = null;
  let scenes = 0;
  const here = (): World => {
    if (playing === null) throw new TypeError("nothing is being played");
    return playing;
  };
  const machine = staging(
    provider,
    (system, started) => {
      here().began(system, started);
    },
    (account, outcome) => {
      dropAttempt(here(), account, outcome);
    },
  );

  /** @param changes what this scene's server does otherwise: rotation, or the grace that it has for repeats */
  return (
    changes: Partial<Pick<Provider, "rotation" | "reuseGraceMs" | "device">> = {},
    before?: (world: World) => void,
  ): Scene => {
    restart();
    const world = createWorld({
      provider: { ...provider, ...changes },
      machine,
      effects: effects,
      notice,
      serve,
      startAt,
      isClose: (scenes += 1) % 10 === 0,
    });
    playing = world;
    before?.(world);
    const begin = (account: string): Process => {
      const process = world.begin({ provider: provider.name, account });
      process.running?.actor.system.inspect(coverage.inspect);
      return process;
    };
    for (const account of new Set(cast)) world.disk(account).enable(true);
    const processes = cast.map(begin);
    world.whenTaken(coverage.add);
    return {
      world,
      processes: () => processes,
      replace: (process) => {
        const place = processes.indexOf(process);
        if (place >= 0) processes[place] = begin(process.name.account);
      },
    };
  };
}
