// A disk that fails: each call on the home folder that a refresher makes fails once, with each error; and a real small disk that
// is full, fills up during the exchange, or becomes read-only. What failed before the request must cost nothing, and what
// failed after it nothing either, as long as the reply can be sealed.
import { afterwards } from "./afterwards.ts";
import { chanceOf } from "./chance.ts";
import { Bounds, type Circumstances, type Part, type Size, sized, tallied, type Verdict } from "./part.ts";
import { realDisk } from "./small-disk.ts";
import { canTrace, mattering, refresherLine, traced } from "./strace.ts";
import { World } from "./world.ts";

const errors = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EMFILE"];

/** Those that can fail for the disk's sake. */
const syscalls = [
  "openat",
  "write",
  "pwrite64",
  "fsync",
  "fdatasync",
  "rename",
  "link",
  "unlink",
  "ftruncate",
  "mkdir",
];

export const disk: Part = {
  name: "disk",
  shows: "calls on the disk fail, the disk is full or read-only: nothing is lost while the reply can be sealed",
  size: { most: 60, real: 1 },
  brief: { most: 3, real: 0 },
  run,
};

async function run(size: Size, { seed, say }: Circumstances): Promise<Verdict> {
  const bounds = new Bounds();
  const injected = await withInjection(sized(size, "most"), seed, bounds, say);
  const real = sized(size, "real") > 0 ? await realDisk(bounds, say) : {};
  return { figures: { ...injected, ...real }, broken: bounds.broken };
}

async function withInjection(
  most: number,
  seed: number,
  bounds: Bounds,
  say: Circumstances["say"],
): Promise<Verdict["figures"]> {
  if (!canTrace()) return { injected: "no strace here" };
  await using world = await World.open({ lifetimeS: 3600 });
  world.expire();
  const whole = await traced(world, refresherLine(world), syscalls);
  const calls = mattering(whole.calls, false).filter(({ isHome }) => isHome);
  const all = errors.flatMap((error) => calls.map((call) => ({ ...call, error })));
  const chance = chanceOf(seed);
  const chosen = most === 0 ? all : chance.shuffled(all).slice(0, most);
  say(`${calls.length} calls × ${errors.length} errors, ${chosen.length} are tried`);

  const lost: Record<"before" | "after" | "sealing", string[]> = { before: [], after: [], sealing: [] };
  const [wedged, crashed, exits]: [string[], string[], string[]] = [[], [], []];
  let hits = 0;
  for (const { syscall, nth, error } of chosen) {
    await world.begin();
    const before = world.presentations().length;
    const tampering = { syscall, nth, what: `error=${error}` };
    const { ended, calls: made } = await traced(world, refresherLine(world), syscalls, tampering);
    const hit = made.find(({ wasTamperedWith }) => wasTamperedWith);
    if (hit?.isHome !== true) continue;
    hits += 1;
    const presented = world.presentations().length - before;
    const point = `${error} at ${syscall} ${nth} ${hit.text} (exit ${ended.code}, ${presented} requests)`;
    exits.push(String(ended.code));
    if (ended.code === null || /^ +at .+:\d+:\d+\)?$/m.test(ended.stderr))
      crashed.push(`${point}: ${ended.stderr.slice(0, 300)}`);
    const { kind, said } = await afterwards(world);
    if (kind !== "fine") say(`${kind} after ${point}: ${said}`);
    if (kind === "lost")
      lost[presented === 0 ? "before" : isSealing(hit.text, syscall) ? "sealing" : "after"].push(point);
    if (kind === "wedged") {
      wedged.push(`${point}: ${said}`);
      // The next fault is to find a clean home.
      await world.signIn();
    }
    await world.quiet();
  }
  // What could not be removed for the fault's sake is removed by the next refresh.
  await world.begin();
  await afterwards(world);
  await world.quiet();
  const leftovers = world.spentLeftovers();
  bounds.holds(hits > 0, "no call failed");
  bounds.holds(lost.before.length === 0, `lost though nothing had been sent: ${lost.before.join("; ")}`);
  bounds.holds(lost.after.length === 0, `lost though the reply could be sealed: ${lost.after.join("; ")}`);
  bounds.holds(wedged.length === 0, `wedged: ${wedged.join("; ")}`);
  bounds.holds(crashed.length === 0, `crashed: ${crashed.join("; ")}`);
  bounds.holds(leftovers.length === 0, `left behind: ${leftovers.join(" ")}`);
  return {
    calls: calls.length,
    faults: hits,
    exits: tallied(exits),
    "lost before/after the request": `${lost.before.length}/${lost.after.length}`,
    "lost where the seal itself failed": lost.sealing.length,
  };
}

/** The one write that there is no second place for. */
const isSealing = (text: string, syscall: string): boolean => text.includes(".next") && syscall !== "unlink";
