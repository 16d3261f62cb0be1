// Other programs write the token file, at rest and in the middle of an exchange: in place, without our part, an old backup,
// garbage, or not at all any more. Nothing crashes, no live refresh token is sent twice, and what was removed stays removed.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chanceOf } from "./chance.ts";
import {
  became,
  Bounds,
  type Circumstances,
  pause,
  type Part,
  type Size,
  sized,
  tallied,
  type Verdict,
} from "./part.ts";
import { command, type Ended } from "./processes.ts";
import { provider, World } from "./world.ts";

export const foreign: Part = {
  name: "foreign",
  shows: "other programs rewrite, restore or remove the token file while it is refreshed",
  size: { rounds: 2 },
  brief: { rounds: 0 },
  run,
};

interface Deed {
  readonly name: string;
  readonly act: (world: World, old: Buffer) => void | Promise<void>;
  /** `works`: tokens go on; `out`: stays signed out; `spent`: a spent token came back from a backup, which may end the login. */
  readonly afterwards: "works" | "out" | "spent" | "unreadable";
}

/** Opened, emptied, written: as careless programs do. */
const inPlace = (world: World, content: string | Buffer): void => writeFileSync(world.file, content);

const deeds: readonly Deed[] = [
  {
    name: "rewritten with a member of its own",
    act: (world) => inPlace(world, JSON.stringify({ ...world.stored, another_program: { was: "here" } })),
    afterwards: "works",
  },
  {
    name: "rewritten without our part",
    act: (world) => inPlace(world, JSON.stringify({ ...world.stored, llxprt_auth: undefined })),
    afterwards: "works",
  },
  { name: "removed", act: (world) => rmSync(world.file, { force: true }), afterwards: "out" },
  { name: "an old backup restored", act: (world, old) => inPlace(world, old), afterwards: "spent" },
  {
    name: "cut off",
    act: (world) => inPlace(world, readFileSync(world.file).subarray(0, 100)),
    afterwards: "unreadable",
  },
  { name: "emptied", act: (world) => inPlace(world, ""), afterwards: "unreadable" },
  { name: "filled with zeros", act: (world) => inPlace(world, Buffer.alloc(4096)), afterwards: "unreadable" },
  { name: "signed in again", act: (world) => world.signIn(), afterwards: "works" },
];

async function run(size: Size, { seed, say }: Circumstances): Promise<Verdict> {
  const rounds = sized(size, "rounds");
  const chance = chanceOf(seed);
  const bounds = new Bounds();
  const outcomes: string[] = [];
  const moments = ["at rest", "in the exchange"] as const;
  const all = deeds.flatMap((deed) => moments.map((moment) => ({ deed, moment })));
  // The short form takes some of them.
  const plans =
    rounds === 0 ? [chance.shuffled(all).slice(0, 4)] : Array.from({ length: rounds }, () => chance.shuffled(all));
  for (const plan of plans)
    for (const { deed, moment } of plan) {
      const outcome = await scene(deed, moment, bounds);
      outcomes.push(outcome);
      say(`${deed.name} ${moment}: ${outcome}`);
    }
  return { figures: { scenes: outcomes.length, outcomes: tallied(outcomes) }, broken: bounds.broken };
}

/** A home of its own: what one deed left must not explain another. */
async function scene(deed: Deed, moment: "at rest" | "in the exchange", bounds: Bounds): Promise<string> {
  const name = `${deed.name} ${moment}`;
  await using world = await World.open({ lifetimeS: 3600 });
  const ran: Ended[] = [];
  const token = async (): Promise<Ended> => {
    const ended = await command(world.house, [provider, "token"]).ended;
    ran.push(ended);
    return ended;
  };
  const old = readFileSync(world.file);
  for (let times = 0; times < 2; times += 1) {
    world.expire();
    await token();
  }
  const before = world.presentations().length;
  world.expire();
  if (moment === "in the exchange") {
    world.emulator.fault(provider, "refresh", { kind: "delay", ms: 500 });
    const first = token();
    await became(() => world.presentations().length > before, 10_000, 5);
    await deed.act(world, old);
    await first;
    await world.quiet();
  } else {
    await deed.act(world, old);
  }
  const written = existsSync(world.file) ? readFileSync(world.file) : null;
  const sent = world.presentations().length;
  const [second, third] = [await token(), await token()];
  await world.quiet();
  const more = world.presentations().length - sent;

  for (const { code, stderr } of ran) {
    const isCrash = code === null || /^ +at .+:\d+:\d+\)?$/m.test(stderr);
    bounds.holds(!isCrash, `${name}: crashed: ${stderr.slice(0, 300)}`);
  }
  const said = `exits ${ran.map(({ code }) => code).join(" ")}: ${third.stderr.trim().split("\n")[0]}`;
  const codes = [second.code, third.code];
  const ends = { works: [0], out: [3], spent: [0, 3], unreadable: [0, 6] }[deed.afterwards];
  bounds.holds(
    codes.every((code) => ends.includes(code ?? -1)),
    `${name}: ${said}`,
  );
  if (deed.afterwards === "works") {
    bounds.holds(world.isAlive, `${name}: the login is lost`);
    bounds.none(world.doubles().length, `refresh tokens were presented twice (${name})`);
  }
  if (deed.afterwards === "spent") bounds.holds(more <= 1, `${name}: ${more} requests with what a backup held`);
  if (deed.afterwards === "out") {
    await pause(300);
    bounds.holds(!existsSync(world.file), `${name}: the token file is there again`);
    bounds.none(more, `requests (${name})`);
  }
  if (deed.afterwards === "unreadable" && third.code === 6)
    bounds.holds(written !== null && readFileSync(world.file).equals(written), `${name}: the file was written over`);
  return `${ran.at(-1)?.code}${world.isAlive ? "" : " (ended)"}`;
}
