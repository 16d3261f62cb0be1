// The layer of interleavings: the same world and the same deeds, but with effects that are promises, and a scheduler that
// decides after each step which of all that is under way goes on. A request and its reply are two steps, so what arrives
// at the server and what is heard of it may each be overtaken.
import * as fc from "fast-check";
import { credentialActors } from "../../machines/life.ts";
import { loginActors } from "../../machines/login/login.ts";
import { providerMachine } from "../../machines/provider.ts";
import { fromCallback, fromPromise } from "../../machines/statechart.ts";
import { createCoverage } from "./coverage.ts";
import { anyDeed, type Deed, goesOn, openings } from "./deeds.ts";
import { watching } from "./invariants.ts";
import { rest } from "./resting.ts";
import { byTheBook, createStage, type Scene, type Staging } from "./scene.ts";
import { anySetting, plain, type Setting, staged } from "./settings.ts";
import type { Task } from "./task.ts";
import { traced, type World } from "./world.ts";

type Begins = Parameters<Staging>[1];

const nothing = (): void => undefined;

function promised(effect: string, begins: Begins) {
  return fromPromise<unknown, unknown>(
    ({ input, signal, system }) =>
      new Promise((ends, breaks) => {
        begins(system, {
          effect,
          input,
          ends,
          breaks,
          isStopped: () => signal.aborted,
          onStop: (stop) => {
            signal.addEventListener("abort", stop, { once: true });
          },
          tells: nothing,
        });
      }),
  );
}

function called(effect: string, begins: Begins) {
  return fromCallback<{ type: "nothing" }, unknown>(({ input, sendBack, system }) => {
    const stops: (() => void)[] = [];
    let isOver = false;
    begins(system, {
      effect,
      input,
      ends: nothing,
      // A callback breaks only while it begins.
      breaks: nothing,
      isStopped: () => isOver,
      onStop: (stop) => void stops.push(stop),
      tells: sendBack,
    });
    return () => {
      isOver = true;
      for (const stop of stops) stop();
    };
  });
}

const callbacks: ReadonlySet<string> = new Set(["alarm", "storeWatch", "serving"]);

/** Effects that are promises, as those of the runtime are. */
const asPromises: Staging = (provider, begins, drops) => {
  const of = (names: object) =>
    Object.fromEntries(
      Object.keys(names)
        .filter((name) => !name.endsWith("Login"))
        .map((name) => [name, callbacks.has(name) ? called(name, begins) : promised(name, begins)]),
    ) as never;
  const { loopbackLogin, pasteLogin, deviceLogin } = credentialActors;
  return providerMachine(provider).provide({
    actors: {
      ...(of(credentialActors) as object),
      loopbackLogin: loopbackLogin.provide({ actors: of(loginActors) }),
      pasteLogin: pasteLogin.provide({ actors: of(loginActors) }),
      deviceLogin: deviceLogin.provide({ actors: of(loginActors) }),
    },
    actions: {
      dropAttempt: ({ context }, outcome) => {
        drops(context.account, outcome);
      },
    },
  });
};

export const interleavingsCoverage = createCoverage(byTheBook.name);
const stage = createStage(byTheBook, asPromises, interleavingsCoverage);

/** Lets what has been decided be heard: a promise that settled is passed on by some others. */
async function heard(): Promise<void> {
  for (let hop = 0; hop < 8; hop += 1) await Promise.resolve();
}

/** Everybody goes on, the oldest first. @returns how many steps that took */
async function goOn(world: World, most: number): Promise<number> {
  let steps = 0;
  await heard();
  for (; steps < most; steps += 1) {
    const task = world.tasks().find((one) => one.isReady());
    if (task === undefined) break;
    task.step();
    await heard();
  }
  return steps;
}

interface Playing {
  readonly scene: Scene;
  readonly watch: ReturnType<typeof watching>;
  /** The first thing that did not hold. */
  broken: unknown;
}

function judged(playing: Playing, says: string, act: () => void): void {
  if (playing.broken !== null) return;
  traced.on?.(says);
  try {
    act();
    const news = playing.scene.world.ledger.news();
    playing.watch.after({ says, account: null, news, changesBefore: new Map() });
  } catch (error) {
    playing.broken = error;
  }
}

/** One task, step by step, each when the scheduler says so. */
async function follow(playing: Playing, scheduler: fc.Scheduler, task: Task): Promise<void> {
  const { world } = playing.scene;
  while (!task.isOver() && playing.broken === null) {
    await scheduler.schedule(Promise.resolve(), `${task.name} of ${task.account}: ${task.at()}`);
    if (task.isReady())
      judged(playing, `${task.name} of ${task.account}: ${task.at()}`, () => {
        task.step();
      });
    else if (!task.isOver()) await world.turn();
  }
}

async function perform(playing: Playing, scheduler: fc.Scheduler, deeds: readonly Deed[]): Promise<void> {
  for (const deed of deeds) {
    await scheduler.schedule(Promise.resolve(), deed.says);
    judged(playing, deed.says, () => {
      deed.run(playing.scene);
    });
  }
}

/** Begins a world, has something done in it, and lets it come to rest. */
async function played(setting: Setting, act: (playing: Playing) => Promise<void>): Promise<void> {
  const scene = staged(stage, setting);
  const { world } = scene;
  const watch = watching(world, "interleavings");
  const one: Playing = { scene, watch, broken: null };
  try {
    await inTurn(one, openings[setting.opening]);
    await act(one);
    const resting = rest(scene, watch);
    for (let next = resting.next(); one.broken === null && next.done !== true;)
      next = resting.next(await goOn(world, 2_000));
  } finally {
    world.stop();
  }
  if (one.broken !== null) throw one.broken;
}

/** One deed after the other, and everybody goes on when it says so. */
async function inTurn(one: Playing, deeds: readonly Deed[]): Promise<void> {
  for (const deed of deeds) {
    if (deed === goesOn) await goOn(one.scene.world, 400);
    else
      judged(one, deed.says, () => {
        deed.run(one.scene);
      });
    await heard();
  }
}

const play = (scheduler: fc.Scheduler, setting: Setting, deeds: readonly Deed[]): Promise<void> =>
  played(setting, async (one) => {
    const { world } = one.scene;
    world.whenTask((task) => void follow(one, scheduler, task));
    for (const task of world.tasks()) void follow(one, scheduler, task);
    void perform(one, scheduler, deeds);
    await scheduler.waitIdle();
    world.whenTask(nothing);
  });

/** Deeds that are written down, one after the other. */
export const playInTurn = (deeds: readonly Deed[], setting: Partial<Setting> = {}): Promise<void> =>
  played({ ...plain, ...setting }, (one) => inTurn(one, deeds));

const mostDeeds = 10;

export const interleavingsProperty = () =>
  fc.asyncProperty(
    fc.scheduler(),
    anySetting,
    fc.array(fc.oneof(...anyDeed), { maxLength: mostDeeds, size: "max" }),
    play,
  );
