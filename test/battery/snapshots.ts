// Token files whose snapshot says that something was under way: restored by many processes at once, they present nothing as
// long as the token is good, and one refresh token once when it has ended.
import { chanceOf } from "./chance.ts";
import { Bounds, type Circumstances, type Part, pause, type Size, sized, tallied, type Verdict } from "./part.ts";
import { command, worker } from "./processes.ts";
import { provider, World } from "./world.ts";

export const snapshots: Part = {
  name: "snapshots",
  shows: "restored snapshots that were refreshing, signing in or out: restoring presents nothing",
  size: { processes: 4, most: 0 },
  brief: { processes: 2, most: 1 },
  run,
};

const values = [
  "deciding",
  "refreshing",
  "authenticated",
  "backingOff",
  "expired",
  "loggingOut",
  "blocked",
  { pendingAuth: "choosing" },
  { pendingAuth: "loopback" },
  { pendingAuth: "device" },
];

/** As the machine's own snapshots look, with effects under way that it never had. */
const bomb = (value: unknown): object => ({
  schema: 1,
  machine: "credential",
  version: 1,
  saved_at: Math.floor(Date.now() / 1000),
  state: {
    status: "active",
    value,
    context: { demand: { minTtlMs: 1e15, force: true }, choice: "login", revoke: true },
    children: {
      ensureFresh: { src: "ensureFresh", snapshot: { status: "active", input: { provider, account: "default" } } },
      logOut: { src: "logOut", snapshot: { status: "active", input: { provider, revoke: true } } },
    },
  },
});

async function run(size: Size, { seed, say }: Circumstances): Promise<Verdict> {
  const [processes, most] = [sized(size, "processes"), sized(size, "most")];
  const shuffled = chanceOf(seed).shuffled(values);
  const chosen = most === 0 ? shuffled : ["refreshing", ...shuffled].slice(0, most);
  const bounds = new Bounds();
  const exits: string[] = [];
  await using world = await World.open({ lifetimeS: 3600 });
  for (const value of chosen) {
    const name = JSON.stringify(value);
    for (const [kind, expected] of [
      ["good", 0],
      ["ended", 1],
    ] as const) {
      if (!world.isAlive) await world.signIn();
      if (kind === "ended") world.expire();
      const saved = bomb(value);
      world.edit((file) => ({ ...file, llxprt_auth: { ...file["llxprt_auth"], snapshot: saved } }));
      const before = world.presentations().length;
      const failures: string[] = [];
      const workers = Array.from({ length: processes }, () =>
        worker(world.house, { provider, minTtlMs: 1, pauseMs: 100 }, (told) => {
          if (told.kind === "failed") failures.push(told.code);
        }),
      );
      const status = await command(world.house, ["status"]).ended;
      const asked = await Promise.all(Array.from({ length: 2 }, () => command(world.house, [provider, "token"]).ended));
      await pause(700);
      for (const each of workers) each.stop();
      await Promise.all(workers.map(({ ended }) => ended));
      await world.quiet();
      const presented = world.presentations().length - before;
      exits.push(...[status, ...asked].map(({ code }) => String(code)));
      bounds.holds(
        presented === expected,
        `${name}, the token ${kind}: ${presented} presentations instead of ${expected}`,
      );
      bounds.holds(failures.length === 0, `${name}, the token ${kind}: ${tallied(failures)}`);
      bounds.holds(
        asked.every(({ code }) => code === 0),
        `${name}, the token ${kind}: ${tallied(exits)}`,
      );
      bounds.holds(world.isAlive, `${name}, the token ${kind}: the login is lost`);
    }
    say(`${name} was restored`);
  }
  return {
    figures: { snapshots: chosen.length, exits: tallied(exits), double: world.doubles().length },
    broken: bounds.broken,
  };
}
