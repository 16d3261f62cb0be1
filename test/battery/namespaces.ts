// Processes in PID and network namespaces of their own, as in containers, and plain ones, over one home folder: nobody can look
// at everybody, and still only one refreshes.
import { spawnSync } from "node:child_process";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { premature } from "./contention.ts";
import { connectTo } from "./forward.ts";
import { became, Bounds, type Circumstances, type Part, type Size, sized, tallied, type Verdict } from "./part.ts";
import { type Told, type Worker, worker } from "./processes.ts";
import { provider, World } from "./world.ts";

const lifetimeS = 2;

export const namespaces: Part = {
  name: "namespaces",
  shows: "own PID and network namespaces on one home: one refresh per expiry",
  size: { processes: 3, expiries: 10 },
  brief: { processes: 1, expiries: 2 },
  run,
};

const works = (program: string, ...words: readonly string[]): boolean => spawnSync(program, words).status === 0;

async function run(size: Size, { say }: Circumstances): Promise<Verdict> {
  const ownProcesses = ["unshare", "-rpf", "--kill-child", "--mount-proc"];
  if (!works("unshare", ...ownProcesses.slice(1), "true"))
    return { figures: { skipped: "no namespaces here" }, broken: [] };
  const hasNetworks = works("unshare", "-rn", "ip", "link", "set", "lo", "up");
  const [processes, expiries] = [sized(size, "processes"), sized(size, "expiries")];
  await using world = await World.open({ lifetimeS });
  const before = world.generation;
  const failures: string[] = [];
  let useless = 0;
  const hear = (told: Told): void => {
    if (told.kind === "failed") failures.push(told.code);
    if (told.kind === "got" && ["ended", "unknown"].includes(world.emulator.standing(told.token))) useless += 1;
  };
  const port = new URL(world.emulator.url).port;
  const socket = join(world.house.folder, "way-out");
  const wayOut = await listenAt(socket, Number(port));
  // Inside, the emulator's address is a door to the socket, which knows no namespaces. The channel to this process (3) is the
  // worker's alone.
  const ownNetwork = [
    ...ownProcesses,
    "-n",
    "sh",
    "-c",
    'ip link set lo up; env -u NODE_CHANNEL_FD "$1" "$2" "$3" "$4" 3>&- & shift 4; exec "$@"',
    "sh",
    process.execPath,
    fileURLToPath(new URL("forward.ts", import.meta.url)),
    port,
    socket,
  ];
  const kinds = [[], ownProcesses, ...(hasNetworks ? [ownNetwork] : [])];
  const workers: Worker[] = kinds.flatMap((under) =>
    Array.from({ length: processes }, () =>
      worker(world.house, { provider, minTtlMs: 1, pauseMs: 25 }, hear, { under }),
    ),
  );
  await Promise.all(workers.map(({ ready }) => ready));
  say(`${workers.length} processes in ${kinds.length} kinds of surroundings ask`);
  const count = () => world.presentations().length;
  const isDone = await became(() => count() >= expiries, 60_000 + expiries * (world.lifetimeMs + 3_000), 100);
  // With the first process of a namespace everything in it ends: no refresher may be under way then.
  for (const each of workers) each.rest();
  const isQuiet = await world.quiet();
  for (const each of workers) each.stop();
  await Promise.all(workers.map(({ ended }) => ended));
  wayOut.close();

  const { refreshes, reuses } = world.emulator.counters(provider);
  const bounds = new Bounds();
  bounds.holds(isDone, `only ${count()} of ${expiries} expiries came to a refresh in time`);
  bounds.holds(isQuiet, "a refresher stays");
  bounds.holds(
    refreshes === world.generation - before,
    `${refreshes} refreshes, ${world.generation - before} generations`,
  );
  bounds.none(world.doubles().length, "refresh tokens were presented twice");
  bounds.none(reuses, "spent refresh tokens came back");
  bounds.none(premature(world), "refreshes came while the token was still good");
  bounds.none(useless, "tokens that were handed out are of no login that lives");
  bounds.holds(failures.length === 0, `calls failed: ${tallied(failures)}`);
  bounds.holds(world.isAlive, "the login is lost");
  return {
    figures: {
      surroundings: hasNetworks ? "plain, own PIDs, own PIDs and network" : "plain, own PIDs",
      processes: workers.length,
      refreshes,
      double: world.doubles().length,
      failed: failures.length,
    },
    broken: bounds.broken,
  };
}

async function listenAt(path: string, port: number): Promise<Server> {
  const server = createServer((inside) => connectTo(inside, { port, host: "127.0.0.1" }));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}
