// The refresher dies right before each system call that it makes, one call a run; afterwards an ordinary command asks for a
// token. Without a grace of the server's there is one call before which nothing can be done: the one that seals the reply.
import { type Chance, chanceOf } from "./chance.ts";
import { afterwards } from "./afterwards.ts";
import { Bounds, type Circumstances, type Part, type Size, sized, spread, type Verdict } from "./part.ts";
import { type Call, canTrace, mattering, refresherLine, traced } from "./strace.ts";
import { World } from "./world.ts";

/** Those by which it reads, writes, locks and speaks. */
const syscalls = [
  "openat",
  "read",
  "write",
  "pwrite64",
  "pread64",
  "fsync",
  "fdatasync",
  "rename",
  "unlink",
  "close",
  "connect",
  "writev",
  "fcntl",
  "ftruncate",
  "mkdir",
];

export const points: Part = {
  name: "points",
  shows: "the refresher dies before any system call: at most one loses",
  size: { rounds: 1, most: 60, all: 0 },
  brief: { rounds: 1, most: 3, all: 0 },
  run: (size, circumstances) => run(size, circumstances, 0),
};

export const pointsGraced: Part = {
  ...points,
  name: "points-graced",
  shows: "the refresher dies before any system call, 10 s of grace: none loses",
  brief: { rounds: 1, most: 2, all: 0 },
  run: (size, circumstances) => run(size, circumstances, 10_000),
};

async function run(size: Size, { seed, say }: Circumstances, graceMs: number): Promise<Verdict> {
  if (!canTrace()) return { figures: { skipped: "no strace here" }, broken: [] };
  const [rounds, most] = [sized(size, "rounds"), sized(size, "most")];
  const chance = chanceOf(seed);
  await using world = await World.open({ lifetimeS: 3600, graceMs });
  world.expire();
  const whole = await traced(world, refresherLine(world), syscalls);
  const all = mattering(whole.calls, sized(size, "all") > 0);
  const chosen = most === 0 ? all : sample(all, most, chance);
  say(
    `${all.length} points of ${new Set(all.map(({ syscall }) => syscall)).size} syscalls, ${chosen.length} are tried`,
  );

  const losing = new Map<string, Lost>();
  const wedged: string[] = [];
  const waits: number[] = [];
  let hits = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const { syscall, nth, text } of chosen) {
      await world.begin();
      const { ended, calls } = await traced(world, refresherLine(world), syscalls, {
        syscall,
        nth,
        what: "signal=SIGKILL",
      });
      if (ended.code !== null) {
        say(`not met: ${syscall} ${nth} ${text}`);
        continue;
      }
      hits += 1;
      const last = calls.findLast((call) => call.syscall === syscall && call.nth === nth);
      const point = `${syscall} ${last?.text ?? text}`;
      const { kind, ms, said } = await afterwards(world);
      waits.push(ms);
      if (kind === "fine" && ms > 5_000)
        say(`a token after ${Math.round(ms)} ms: ${point}: ${world.history(world.emulator.logins().length - 1)}`);
      if (kind === "fine") continue;
      say(`${kind} after ${point}: ${said}`);
      if (kind === "lost")
        losing.set(`${syscall} ${nth}`, { point, isFile: last?.isHome === true, isAtStake: isAtStake(calls) });
      else {
        wedged.push(`${point}: ${said}`);
        // The next point is to find a clean home.
        await world.signIn();
      }
    }
    say(`round ${round + 1}: ${losing.size} points lose so far`);
  }

  const bounds = new Bounds();
  bounds.holds(whole.ended.code === 0, `untouched it ended with ${whole.ended.code}: ${whole.ended.stderr.trim()}`);
  bounds.holds(hits > 0, "nothing was killed");
  const lost = [...losing.values()];
  const named = (list: readonly Lost[]): string => list.map(({ point }) => point).join("; ");
  const onDisk = lost.filter(({ isFile }) => isFile);
  const early = lost.filter((one) => !one.isAtStake);
  bounds.holds(onDisk.length <= (graceMs > 0 ? 0 : 1), `points at the disk lose: ${named(onDisk)}`);
  bounds.holds(graceMs === 0 || lost.length === 0, `points lose in spite of the grace: ${named(lost)}`);
  bounds.holds(early.length === 0, `points lose that are not between request and seal: ${named(early)}`);
  bounds.holds(wedged.length === 0, `points wedge: ${wedged.join("; ")}`);
  const doubles = world.doubles().filter(({ times }) => times.length > (graceMs > 0 ? 4 : 2));
  bounds.none(doubles.length, "refresh tokens were presented again and again");
  return {
    figures: {
      points: all.length,
      tried: chosen.length * rounds,
      killed: hits,
      "losing at the disk": onDisk.length,
      "losing at the socket": lost.length - onDisk.length,
      wedged: wedged.length,
      "afterwards p50/p99/most ms": spread(waits),
    },
    broken: bounds.broken,
  };
}

interface Lost {
  readonly point: string;
  /** A call on the home folder, and not one on the socket. */
  readonly isFile: boolean;
  /** The request was out, and its reply not sealed. */
  readonly isAtStake: boolean;
}

const isWrite = /^(write|writev|pwrite64|sendto|sendmsg)$/;

function isAtStake(calls: readonly Call[]): boolean {
  const sent = calls.findLastIndex(({ syscall, isSocket }) => isSocket && isWrite.test(syscall));
  if (sent < 0) return false;
  const sealed = calls.slice(sent).findIndex(({ syscall, text }) => isWrite.test(syscall) && text.includes(".next"));
  // The last call is the one before which it died.
  return sealed < 0 || sent + sealed === calls.length - 1;
}

const isHot = ({ text, isSocket }: Call): boolean => isSocket || /\.(next|sent)\b/.test(text);

/** Half of them where something is at stake. */
function sample(all: readonly Call[], most: number, chance: Chance): readonly Call[] {
  const hot = chance.shuffled(all.filter(isHot)).slice(0, Math.ceil(most / 2));
  const others = chance.shuffled(all.filter((call) => !hot.includes(call)));
  return [...hot, ...others].slice(0, most);
}
