// What is drawn, and how it is played: actions, the two halves of every request and the clock, each when the scheduler lets
// it. At the end everybody leaves, hours pass, and a last process asks for a token: whoever still has a login gets one.
import * as fc from "fast-check";
import { inspect } from "node:util";
import { AuthError } from "../../../machines/errors.ts";
import { readJournal } from "../../../runtime/inspect/reading.ts";
import { fates, type Order } from "./network.ts";
import { accounts, type Action, type Beginning, slots, World } from "./world.ts";
import { processes } from "./time.ts";

const slot = fc.integer({ min: 0, max: slots - 1 });
// Most of what can go wrong needs several processes at one account.
const account = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });
const back = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });
const at = { slot, account };

function kinds<const Kind extends Action["kind"]>(...names: readonly Kind[]) {
  return { kind: fc.constantFrom(...names) };
}

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ...kinds("token"), ...at, minTtlMs: fc.constantFrom(0, 30_000, 10_000_000) }) },
  { weight: 6, arbitrary: fc.record({ ...kinds("refresh", "rejected"), ...at }) },
  { weight: 4, arbitrary: fc.record({ ...kinds("login"), ...at, grant: fc.constantFrom("paste", "device") }) },
  { weight: 4, arbitrary: fc.record({ ...kinds("paste"), ...at, back }) },
  { weight: 3, arbitrary: fc.record({ ...kinds("approve"), back, yes: fc.nat(9).map((drawn) => drawn > 0) }) },
  { weight: 3, arbitrary: fc.record({ ...kinds("cancel", "wait"), ...at }) },
  { weight: 2, arbitrary: fc.record({ ...kinds("logout"), ...at, revoke: fc.nat(4).map((drawn) => drawn > 0) }) },
  { weight: 1, arbitrary: fc.record({ ...kinds("rm", "foreign"), account }) },
  { weight: 1, arbitrary: fc.record({ ...kinds("overtake"), account }) },
  { weight: 2, arbitrary: fc.record({ ...kinds("kill"), slot, arrives: fc.boolean(), seen: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ ...kinds("leave"), slot }) },
  { weight: 1, arbitrary: fc.record({ ...kinds("enable", "disable"), ...at }) },
  { weight: 1, arbitrary: fc.record({ ...kinds("disown"), account }) },
  { weight: 1, arbitrary: fc.record({ ...kinds("set"), ms: fc.constantFrom(3_600_000, -3_600_000, 3e11, -3e11) }) },
  { weight: 4, arbitrary: fc.record({ ...kinds("pass"), ms: fc.constantFrom(50, 300, 1_000, 6_000, 20_000) }) },
  { weight: 2, arbitrary: fc.record({ ...kinds("sleep"), ms: fc.constantFrom(5_000, 65_000, 700_000, 4_000_000) }) },
  { weight: 2, arbitrary: fc.record({ ...kinds("weather"), fate: fc.constantFrom(...fates) }) },
);

/** What belongs together: by chance alone hardly anybody pastes what was just shown, or dies in the middle of a refresh. */
const scene: fc.Arbitrary<readonly Action[]> = fc
  .tuple(slot, slot, account, fc.boolean())
  .chain(([one, other, whose, flag]) => {
    const here = { slot: one, account: whose };
    const there = { slot: other, account: whose };
    const paste = [
      { kind: "login", ...here, grant: "paste" },
      { kind: "paste", ...there, back: 0 },
    ] as const;
    const device = [
      { kind: "login", ...here, grant: "device" },
      { kind: "approve", back: 0, yes: true },
      { kind: "pass", ms: 6_000 },
    ] as const;
    const endings: readonly Action[] = [
      { kind: "cancel", ...there },
      { kind: "cancel", ...here },
      { kind: "logout", ...there, revoke: true },
      { kind: "kill", slot: one, arrives: flag, seen: true },
      { kind: "rm", account: whose },
      { kind: "foreign", account: whose },
      { kind: "overtake", account: whose },
      { kind: "refresh", ...there },
      { kind: "token", ...there, minTtlMs: 10_000_000 },
    ];
    return fc
      .tuple(
        fc.constantFrom<readonly Action[]>([], paste, device, [{ kind: "refresh", ...here }]),
        fc.subarray([...endings], { maxLength: 2 }),
      )
      .map((parts) => parts.flat());
  });

interface Run {
  readonly beginning: Beginning;
  readonly actions: readonly Action[];
}

const runs: fc.Arbitrary<Run> = fc.record({
  beginning: fc.record({
    seed: fc.nat(),
    signedIn: fc.tuple(
      fc.nat(9).map((drawn) => drawn > 0),
      fc.boolean(),
    ),
    ahead: fc.boolean(),
    lifetimeS: fc.constantFrom(45, 600, 3_600),
    omittedOfTen: fc.constantFrom(0, 0, 5),
    graceMs: fc.constantFrom(0, 0, 15_000),
    slowedOfTen: fc.constantFrom(0, 3),
  }),
  actions: fc
    .array(fc.oneof({ weight: 3, arbitrary: action.map((one) => [one]) }, { weight: 2, arbitrary: scene }), {
      minLength: 2,
      maxLength: 14,
      size: "max",
    })
    .map((scenes) => scenes.flat()),
});

export type Counts = Map<string, number>;

const mostTicks = 40;

/** One run. @throws with everything that did not hold */
async function play({ beginning, actions }: Run, s: fc.Scheduler, counts: Counts): Promise<void> {
  const order: Order = async (what) => {
    await s.schedule(Promise.resolve(), what);
  };
  await using world = new World(beginning, order);
  const left = new Set(actions);
  void s.scheduleSequence(
    actions.map((one) => ({
      label: JSON.stringify(one),
      builder: async () => {
        left.delete(one);
        if (one.kind === "pass") await world.time.pass(one.ms, () => world.watched.look());
        else world.do(one);
      },
    })),
  );
  let ticks = 0;
  const tick = async (): Promise<void> => {
    for (; ticks < mostTicks && (left.size > 0 || !world.isIdle); ticks += 1) {
      await order("the clock");
      world.tick();
    }
  };
  void tick();
  await follow(world, s, () => s.count() === 0);
  world.network.weather.length = 0;
  world.closeAll();
  await follow(world, s, () => world.isIdle);
  await judge(world, s);
  world.watched.search();
  fail(world);
  count(world, counts);
}

const mostSteps = 20_000;

/** Step by step, whatever is due, or else the clock, until it is enough. */
async function follow(world: World, s: fc.Scheduler, isEnough: () => boolean): Promise<void> {
  await world.settled();
  for (let steps = 0; !isEnough(); steps += 1) {
    if (steps > mostSteps) throw new Error("it comes to no end");
    if (s.count() > 0) await s.waitNext(1);
    else world.tick();
    await world.settled();
    fail(world);
  }
}

/** Hours later, another process: whoever has a login that lives gets a token, and whoever has lost his was told why. */
async function judge(world: World, s: fc.Scheduler): Promise<void> {
  world.time.asleepMs += 3 * 3_600_000;
  const { vendor, watched } = world;
  const last = world.open("last");
  for (const name of accounts) {
    const ended: { readonly error: unknown }[] = [];
    const ask = async (): Promise<void> => {
      try {
        const whose = last.auth.account(name.provider, name.account);
        await whose.enable();
        const { secret } = await whose.token();
        // Not before: a sign-in whose process died with the tokens on the disk may have become the login just now.
        if (vendor.familyOf(secret.reveal()) !== watched.familyIn(name)) watched.wrongs.push("another login's token");
        ended.push({ error: null });
      } catch (error) {
        ended.push({ error });
      }
    };
    void processes.run("last", ask);
    await follow(world, s, () => ended.length > 0);
    const error = ended[0]?.error ?? null;
    const family = watched.familyIn(name);
    const code = error instanceof AuthError ? error.code : inspect(error);
    const wrong = family === null ? error === null || code !== "sign_in_needed" : error !== null;
    const isExplained =
      family !== null && (family.end === "disowned" || (family.isDoubtful && family.end !== "revoked"));
    if (wrong && !isExplained)
      watched.wrongs.push(`at the end ${name.account} ends with ${code}, its family with ${family?.end ?? "no end"}`);
    if (wrong && isExplained) watched.counts.lost += 1;
  }
  world.close(last);
  await follow(world, s, () => world.isIdle);
}

function fail({ watched, vendor }: World): void {
  const wrongs = [...watched.wrongs, ...vendor.wrongs];
  if (wrongs.length > 0) throw new Error(wrongs.join("; "));
}

/** What happened, by the vendor's books and by the journal. */
function count({ home, watched, vendor, network }: World, counts: Counts): void {
  const add = (name: string, value: number): void => void counts.set(name, (counts.get(name) ?? 0) + value);
  const all = { ...network.counts, ...vendor.counts, ...watched.counts };
  for (const [name, value] of Object.entries(all)) add(name, value);
  for (const { step } of readJournal(home.paths)) add(step, 1);
}

/** Plays as many as are asked for, or as time allows. @throws with the seed and the shortest way to what does not hold */
export async function playAll(given: {
  seed: number;
  numRuns: number;
  interruptAfterTimeLimit: number;
}): Promise<Counts> {
  const counts: Counts = new Map([["runs", 0]]);
  let last: Promise<void> = Promise.resolve();
  const property = fc.asyncProperty(runs, fc.scheduler(), async (run, s) => {
    last = play(run, s, counts);
    await last;
    counts.set("runs", (counts.get("runs") ?? 0) + 1);
  });
  try {
    await fc.assert(property, given);
  } finally {
    // When the time is up, nobody waits for the run that is under way; but it has our clock.
    await last.catch(() => undefined);
  }
  return counts;
}
