// The end of every run: everything is made well again, everybody goes on until nothing is under way, and then each machine
// has to stand where the facts are, and lead to a login.
import { describe } from "../../machines/describe.ts";
import { Broken, type watching } from "./invariants.ts";
import type { Scene } from "./scene.ts";
import type { Process, World } from "./world.ts";

const mostSteps = 2_000;

/** How a layer lets everybody go on. @returns how many steps that took */
export type GoOn = (world: World) => number | Promise<number>;

export function heal({ world }: Scene): void {
  Object.assign(world.vendor.mood, { is: "well", omitsRefresh: false, slowsDown: false, lifetimeS: 3600 });
  for (const account of world.accounts()) world.disk(account).state.isFull = false;
}

/** As generator, so that a layer of promises and one without can both carry it out: it yields where everybody goes on. */
export function* rest(scene: Scene, watch: ReturnType<typeof watching>): Generator<"go on", void, number> {
  const { world } = scene;
  const quiet = function* (): Generator<"go on", void, number> {
    // Whoever holds something back for a moment lets it go, and may have something else to hold then.
    for (let moment = 0; moment < 4; moment += 1) {
      if ((yield "go on") >= mostSteps) throw new Broken("13 it settles: there is no end of steps");
      world.advance(moment === 3 ? 0 : 400);
    }
  };
  const after = (says: string): void => {
    watch.after({ says, account: null, news: world.ledger.news(), changesBefore: new Map() });
  };

  heal(scene);
  yield* quiet();
  after("all is well");
  watch.atRest();
  for (const process of world.live()) isSettled(process);
  for (const process of world.live()) knowsTheStore(world, process);

  for (const { name, running } of world.live()) {
    world.disk(name.account).pending.removeAll();
    running?.actor.send({ type: "login.cancelled" });
  }
  yield* quiet();
  // Who looks may renew, and what came of that the others see when they look again: a failure is no news by itself.
  let astray: string | null = null;
  for (let round = 0; round < 4; round += 1) {
    for (const { running } of world.live()) running?.actor.send({ type: "system.resumed" });
    yield* quiet();
    astray = misplaced(world);
    if (astray === null) break;
  }
  after("everybody has looked");
  if (astray !== null) throw new Broken(`13 it settles: ${astray}`);

  yield* signsIn(scene, quiet);
  after("somebody has signed in");
  watch.atRest();
}

const valueOf = ({ running }: Process): unknown => running?.actor.getSnapshot().value;

function isSettled(process: Process): void {
  const value = valueOf(process);
  if (typeof value === "string" && ["deciding", "refreshing", "loggingOut"].includes(value))
    throw new Broken(`13 it settles: process ${process.id} stays in ${value}`);
  const login = process.running?.actor.getSnapshot().children.login?.getSnapshot();
  if (login === undefined) return;
  const within = JSON.stringify(login.value);
  if (/preparing|exchanging|polling/.test(within))
    throw new Broken(`13 it settles: process ${process.id} stays in ${within}`);
}

/** What a machine at rest knows is what is stored. While a person signs in, it is what will be read afterwards. */
function knowsTheStore(world: World, process: Process): void {
  const value = valueOf(process);
  const { facts } = world.disk(process.name.account).look();
  const known = process.running?.actor.getSnapshot().context.survey.facts ?? null;
  if (typeof value !== "string") {
    const isOther = facts !== null && facts.lineage !== null && facts.lineage !== known?.lineage;
    if (isOther && process.watchers.size > 0)
      throw new Broken(`13 it settles: process ${process.id} goes on signing in though another one has signed in`);
    return;
  }
  if (value === "blocked") return;
  const isSame = known?.lineage === facts?.lineage && known?.generation === facts?.generation;
  if (!isSame && process.watchers.size > 0)
    throw new Broken(
      `13 it settles: process ${process.id} knows ${known?.lineage} ${known?.generation}, stored is ${facts?.lineage} ${facts?.generation}`,
    );
}

/** Whoever does not stand where the facts are told to lead. */
function misplaced(world: World): string | null {
  for (const process of world.live()) {
    const { state } = describe(process.name, world.disk(process.name.account).look(), { kind: "oauth" });
    if (valueOf(process) !== state)
      return `process ${process.id} stands in ${JSON.stringify(valueOf(process))}, told is ${state}`;
  }
  return null;
}

function* signsIn(scene: Scene, quiet: () => Generator<"go on", void, number>): Generator<"go on", void, number> {
  const { world } = scene;
  // One of them: it takes longer than anything else here, and what differs from run to run is what was before.
  const all = world.live();
  for (const process of all.slice(world.turns.size % all.length).slice(0, 1)) {
    const send = (event: { readonly type: string }) => process.running?.actor.send(event as never);
    const { account } = process.name;
    // What is off may be unreadable besides, and what was unreadable may be off.
    for (let round = 0; round < 3; round += 1) {
      const way = { blocked: "account.reset", disabled: "account.enabled" }[String(valueOf(process))];
      if (way === undefined) break;
      send({ type: way });
      yield* quiet();
    }
    if (valueOf(process) === "authenticated") continue;
    const login = { type: "login.requested", grant: "loopback", port: null, timeoutMs: null, attempt: null };
    send(login);
    yield* quiet();
    world.answers(account);
    yield* quiet();
    if (valueOf(process) !== "authenticated")
      throw new Broken(
        `3 every wait has an end: process ${process.id} cannot be signed in, ${JSON.stringify(valueOf(process))}`,
      );
  }
}
