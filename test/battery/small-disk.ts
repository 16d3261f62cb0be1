// A real disk of a megabyte below the home folder, in a mount namespace of its own, that is filled up and made read-only at
// the wrong moments.
import { fork, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { became, type Bounds, type Circumstances, type Verdict } from "./part.ts";
import { provider, World } from "./world.ts";

/** What `inside.ts` can be told, and what it answers. */
export type Order =
  | { readonly kind: "run"; readonly words: readonly string[] }
  /** Fills the disk up to this many free bytes. */
  | { readonly kind: "fill"; readonly leave: number }
  | { readonly kind: "free" }
  | { readonly kind: "mount"; readonly how: "ro" | "rw" }
  /** Dates the token back, with a disk that has room. */
  | { readonly kind: "expire" };

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whether there are mount namespaces for everybody here. */
const canMount = (): boolean => spawnSync("unshare", ["-rm", "true"]).status === 0;

export async function realDisk(bounds: Bounds, say: Circumstances["say"]): Promise<Verdict["figures"]> {
  if (!canMount()) return { "real disk": "no mount namespaces here" };
  await using world = await World.open({ lifetimeS: 3600 });
  const child = fork(fileURLToPath(new URL("inside.ts", import.meta.url)), [world.home], {
    execPath: "unshare",
    execArgv: ["-rm", process.execPath],
    cwd: world.house.folder,
    env: world.house.environment(),
  });
  const died = new Promise<never>((_, reject) => {
    child.once("exit", () => reject(new Error("The process on the small disk ended.")));
  });
  died.catch(() => undefined);
  const tell = (what: Order): Promise<Answer> =>
    new Promise((resolve) => {
      child.once("message", (answer) => resolve(answer as Answer));
      child.send(what);
    });
  const order = (what: Order): Promise<Answer> => Promise.race([tell(what), died]);
  const token = () => order({ kind: "run", words: [provider, "token"] });
  const sent = () => world.presentations().length;
  const outcomes: string[] = [];

  const outOfRoom = async (name: string, spoil: () => Promise<unknown>, mend: () => Promise<unknown>) => {
    await order({ kind: "expire" });
    await spoil();
    const before = sent();
    const { code, stderr } = await token();
    bounds.holds(sent() === before, `${name}: the refresh token was sent all the same`);
    bounds.holds(code === 6, `${name}: exit ${code} instead of 6: ${stderr.trim()}`);
    await mend();
    const after = await token();
    bounds.holds(
      after.code === 0 && world.isAlive,
      `${name}, and then mended: exit ${after.code}: ${after.stderr.trim()}`,
    );
    outcomes.push(`${name} ${code}→${after.code}`);
    say(outcomes.at(-1) ?? "");
  };
  const free = () => order({ kind: "free" });
  await outOfRoom("full", () => order({ kind: "fill", leave: 0 }), free);
  await outOfRoom("nearly full", () => order({ kind: "fill", leave: 8_192 }), free);
  await outOfRoom(
    "read-only",
    () => order({ kind: "mount", how: "ro" }),
    () => order({ kind: "mount", how: "rw" }),
  );

  const during = async (name: string, spoil: () => Promise<unknown>, mend: () => Promise<unknown>) => {
    await order({ kind: "expire" });
    const before = sent();
    world.emulator.fault(provider, "refresh", { kind: "delay", ms: 1_500 });
    const first = token();
    await became(() => sent() > before, 10_000);
    await spoil();
    const { code } = await first;
    const later = await token();
    await mend();
    await order({ kind: "expire" });
    const last = await token();
    const codes = `${code}→${later.code}→${last.code}`;
    bounds.holds(later.code === 0, `${name} during the exchange: exit ${codes}: ${later.stderr.trim()}`);
    bounds.holds(
      last.code === 0 && world.isAlive,
      `${name} during the exchange, then mended: exit ${codes}: ${last.stderr.trim()}`,
    );
    outcomes.push(`${name} during the exchange ${codes}`);
    say(outcomes.at(-1) ?? "");
  };
  await during("full", () => order({ kind: "fill", leave: 0 }), free);
  child.disconnect();
  bounds.holds(world.doubles().length === 0, "a refresh token was presented twice on the small disk");
  return { "real disk": outcomes.join(", ") };
}
