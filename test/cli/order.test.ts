// The order in which a refresher makes things last: what it needs for the reply, and the permit, are on the disk before the
// first byte leaves; the reply is on the disk before the token file is written; and only then is anything taken away
// (refresh protocol, steps 3 to 10; I4, I5). As the system saw it, and every rule shown to be one by a trace that breaks it.
import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { provider, World } from "../battery/world.ts";
import { type Call, canTrace, traced } from "../support/trace.ts";

/** What a call does, where it matters here; paths are within the folder `oauth`. */
function deedOf({ name, told, path, answer, failed }: Call, home: string): string | null {
  if (name === "connect") return /AF_INET6?/.test(told) ? "connect" : null;
  if (failed) return null;
  const short = (where: string): string => where.replace(join(home, "oauth"), "").replace(/^\//, "") || "oauth";
  const isOurs = path.startsWith(join(home, "oauth"));
  if (name.startsWith("rename")) {
    const to = /.*"([^"]*)"/.exec(told)?.[1] ?? "";
    return to.startsWith(home) ? `rename ${short(to)}` : null;
  }
  if (!isOurs) return null;
  if (name === "openat" || name === "open") {
    if (/\.spend\/[^/]+\/lock$/.test(path))
      return told.includes("O_EXCL") ? "make lock" : `open lock ${answer.split("<")[0]}`;
    return told.includes("O_CREAT") ? `create ${short(path)}` : null;
  }
  if (name === "close" && path.endsWith("/lock")) return `close lock ${told.split("<")[0]}`;
  if (name === "fcntl") return /F_SETLKW?, \{l_type=F_WRLCK/.test(told) && path.endsWith("/lock") ? "take lock" : null;
  return ["fsync", "fdatasync", "unlink", "write", "pwrite64", "mkdir"].includes(name)
    ? `${name} ${short(path)}`
    : null;
}

/** The names that differ from run to run, as what they are. */
const plain = (deed: string): string =>
  deed
    .replace(/[\w-]{22}\.\d+\.0\.next/, "ROOM")
    .replace(/[\w-]{22}\.\d+\.0\.sent/, "PERMIT")
    .replace(/\.[0-9a-f-]{36}\.tmp/, "TEMPORARY");

const folder = `.spend/${provider}`;
const file = `${provider}.json`;

/** What of the order does not hold. */
function broken(deeds: readonly string[]): string[] {
  const at = (deed: string, from = 0): number => {
    const found = deeds.indexOf(deed, from);
    return found < 0 ? Number.POSITIVE_INFINITY : found;
  };
  const last = (deed: string): number => deeds.lastIndexOf(deed);
  const sent = at("connect");
  const named = last(`rename ${file}`);
  const permitted = at(`fsync ${folder}/PERMIT`);
  const roomy = at(`fsync ${folder}/ROOM`);
  const sealed = at(`fdatasync ${folder}/ROOM`);
  const rules: Readonly<Record<string, boolean>> = {
    "the lock is taken before anything is made": at("take lock") < at(`create ${folder}/ROOM`),
    "what is spent is on the disk before it is spent": at(`fsync ${file}`) < sent && at("fsync oauth") < sent,
    "there is room, filled, before the permit":
      at(`write ${folder}/ROOM`) < roomy || at(`pwrite64 ${folder}/ROOM`) < roomy,
    "the room is on the disk before the permit is made": roomy < at(`create ${folder}/PERMIT`),
    "the permit is on the disk before anything is sent": permitted < sent,
    "its name is on the disk before anything is sent": at(`fsync ${folder}`, at(`create ${folder}/PERMIT`)) < sent,
    "the reply comes after that": sent < at(`pwrite64 ${folder}/ROOM`, sent),
    "and is on the disk before the token file is written":
      sealed < named && at(`pwrite64 ${folder}/ROOM`, sent) < sealed,
    "the token file is on the disk before it has its name": at("fsync TEMPORARY", sealed) < named,
    "its name is on the disk before anything is taken away":
      at("fsync oauth", named) < Math.min(at(`unlink ${folder}/PERMIT`), at(`unlink ${folder}/ROOM`)),
    "in the end nothing is left":
      Number.isFinite(at(`unlink ${folder}/PERMIT`)) && Number.isFinite(at(`unlink ${folder}/ROOM`)),
    "one presentation is one connection": deeds.filter((deed) => deed === "connect").length === 1,
  };
  return Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [rule]));
}

const refreshed = async (world: World): Promise<string[]> => {
  world.expire();
  const line = [process.execPath, resolve("dist/background.mjs"), "refresh", "--home", world.home, provider, "default"];
  const { code, calls } = await traced(line, world.house.environment());
  assert.equal(code, 0);
  return calls.flatMap((call) => {
    const deed = deedOf(call, world.home);
    return deed === null ? [] : [plain(deed)];
  });
};

describe("a refresher, as the system saw it,", { skip: canTrace ? false : "there is no strace(1)" }, () => {
  it("makes everything last in its order, and each rule of that would be missed", async () => {
    await using world = await World.open({ lifetimeS: 600 });
    const deeds = await refreshed(world);
    assert.deepEqual(broken(deeds), [], deeds.join("\n"));
    assert.equal(world.generation, 2);
    const without = (deed: string, from: string): string[] => {
      const start = deeds.lastIndexOf(from);
      assert.ok(start >= 0 && deeds.indexOf(deed, start) >= 0, `${deed} after ${from}`);
      return broken(deeds.filter((one, place) => one !== deed || place < start));
    };
    const [first = ""] = deeds;
    for (const [deed, from] of [
      ["take lock", first],
      [`fsync ${file}`, first],
      [`fsync ${folder}/ROOM`, first],
      [`fsync ${folder}/PERMIT`, first],
      [`fsync ${folder}`, first],
      [`fdatasync ${folder}/ROOM`, first],
      ["fsync TEMPORARY", `fdatasync ${folder}/ROOM`],
      ["fsync oauth", `rename ${file}`],
    ] as const)
      assert.notDeepEqual(without(deed, from), [], deed);
  });

  it("puts the names of new folders on the disk as well", async () => {
    await using world = await World.open({ lifetimeS: 600 });
    rmSync(join(world.home, "oauth", ".spend"), { recursive: true });
    const deeds = await refreshed(world);
    assert.deepEqual(broken(deeds), []);
    const sent = deeds.indexOf("connect");
    const made = deeds.indexOf(`mkdir ${folder}`);
    assert.ok(made >= 0 && made < sent);
    for (const deed of ["fsync .spend", "fsync oauth"]) {
      const place = deeds.indexOf(deed, made);
      assert.ok(place >= 0 && place < sent, deed);
    }
  });

  it("opens its lock by the lock's own means alone, and closes nothing of it while it has it", async () => {
    await using world = await World.open({ lifetimeS: 600 });
    const deeds = await refreshed(world);
    const about = deeds.filter((deed) => deed.endsWith("lock") || / lock \d/.test(deed));
    const [opened, taken] = [about.findIndex((deed) => deed.startsWith("open lock")), about.indexOf("take lock")];
    assert.ok(opened >= 0 && opened < taken);
    const held = about.slice(taken + 1).filter((deed) => deed !== "take lock");
    // POSIX drops a lock with any descriptor of its file: the last one to be closed is the one that has it.
    assert.deepEqual(held, [about[opened]?.replace("open", "close")]);
    assert.deepEqual(about.filter((deed) => deed.startsWith("open lock")).length, 1);
    assert.ok(readdirSync(join(world.home, "oauth", ".spend", provider)).includes("lock"));
  });
});
