// The layer of commands: deeds in any order over the real machines, whose effects end within the call that ends them. No
// promise and no timer, so that a run is a function of its deeds, and the stack of what breaks is whole.
import * as fc from "fast-check";
import { createCoverage } from "./coverage.ts";
import { anyDeed, anyProgress, type Deed, openings } from "./deeds.ts";
import { watching } from "./invariants.ts";
import { rest } from "./resting.ts";
import { atOnce, byTheBook, createStage, type Scene } from "./scene.ts";
import { anySetting, plain, type Setting, staged } from "./settings.ts";
import { traced } from "./world.ts";

export const commandsCoverage = createCoverage(byTheBook.name);
const stage = createStage(byTheBook, atOnce, commandsCoverage);

interface Real {
  readonly scene: Scene;
  readonly watch: ReturnType<typeof watching>;
}

export function done({ scene, watch }: Real, deed: Deed): void {
  const { world } = scene;
  const account = deed.account(scene);
  const changesBefore = new Map(world.accounts().map((name) => [name, world.changes(name)]));
  traced.on?.(deed.says);
  deed.run(scene);
  watch.after({ says: deed.says, account, news: world.ledger.news(), changesBefore });
}

/** A deed as fast-check wants it. Whether it makes sense only the world knows, so it is never refused. */
class Command implements fc.Command<object, Real> {
  readonly deed: Deed;

  constructor(deed: Deed) {
    this.deed = deed;
  }

  check(): boolean {
    return true;
  }

  run(_: object, real: Real): void {
    done(real, this.deed);
  }

  toString(): string {
    return this.deed.says;
  }
}

/** @throws Broken when a property does not hold */
function play(setting: Setting, deeds: Iterable<fc.Command<object, Real>>): void {
  const scene = staged(stage, setting);
  const { world } = scene;
  const watch = watching(world, "commands");
  try {
    for (const deed of openings[setting.opening]) done({ scene, watch }, deed);
    fc.modelRun(() => ({ model: {}, real: { scene, watch } }), deeds);
    const resting = rest(scene, watch);
    for (let next = resting.next(); next.done !== true;) next = resting.next(world.goOn(2_000));
  } finally {
    world.stop();
  }
}

/** The same for deeds that are written down. */
export function playDeeds(deeds: readonly Deed[], setting: Partial<Setting> = {}): void {
  play(
    { ...plain, ...setting },
    deeds.map((deed) => new Command(deed)),
  );
}

const mostCommands = 30;

export const commandsProperty = () =>
  fc.property(
    anySetting,
    fc.commands(
      [...anyDeed, ...anyProgress].map((deed) => deed.map((one) => new Command(one))),
      { maxCommands: mostCommands, size: "max" },
    ),
    play,
  );
