// A disk that takes no more: it is found out before the refresh token is spent, and what comes after is kept. The disk is
// played by a limit on the size of files, which the system puts on a process and on the refresher that it starts
// (threat T47; refresh protocol, steps 3, 6 and 8; I4, I5, I9).
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { command, commandLine, type Ended, started } from "../battery/processes.ts";
import { provider, World } from "../battery/world.ts";

/** Runs a command to which no file may become larger than so many KiB. */
async function limited(world: World, kib: number, ...words: readonly string[]): Promise<Ended> {
  const under = ["bash", "-c", `ulimit -f ${kib}; exec "$@"`, "bash"];
  const ended = await started(world.house, commandLine(...words), { under }).ended;
  assert.ok(await world.quiet());
  return ended;
}

/** A token file of this size, as other programs may make one by members of theirs. */
const fatten = (world: World, kib: number): void => world.edit((file) => ({ ...file, theirs: "x".repeat(kib * 1024) }));

describe("a disk that takes no more", { concurrency: 2 }, () => {
  it("is found out before anything is spent, and a token that lives goes on being used", async () => {
    await using world = await World.open({ lifetimeS: 600 });
    for (const kib of [0, 8, 32]) {
      const { code, stdout } = await limited(world, kib, provider, "token", "--min-ttl", "3600");
      assert.equal(code, 0, "a token that lives is better than none");
      assert.equal(world.emulator.standing(stdout.trim()), "live");
    }
    world.expire();
    for (const kib of [0, 8, 32]) {
      const { code, stderr } = await limited(world, kib, provider, "token");
      assert.equal(code, 6, stderr);
      assert.match(stderr, /could not be written \(.*: EFBIG\)/);
    }
    assert.equal(world.presentations().length, 0);
    assert.equal((await command(world.house, [provider, "token"]).ended).code, 0);
    assert.deepEqual([world.presentations().length, world.emulator.counters(provider).reuses], [1, 0]);
  });

  it("for the token file alone loses nothing: the reply is served from where it is, and put in its place later", async () => {
    await using world = await World.open({ lifetimeS: 600 });
    world.expire();
    fatten(world, 90);
    const { code, stdout, stderr } = await limited(world, 70, provider, "token");
    assert.equal(code, 0, stderr);
    assert.equal(world.emulator.standing(stdout.trim()), "live");
    assert.equal(world.generation, 1, "the token file is as it was");
    for (const words of [
      [provider, "token"],
      [provider, "token", "--min-ttl", "60"],
    ]) {
      const again = await limited(world, 70, ...words);
      assert.deepEqual([again.code, again.stdout], [0, stdout]);
    }
    const { providers } = JSON.parse((await command(world.house, ["status", "--json"]).ended).stdout) as {
      providers: readonly { provider: string; state: string; usable: string }[];
    };
    const row = providers.find((one) => one.provider === provider);
    assert.deepEqual([row?.state, row?.usable], ["authenticated", "yes"]);
    assert.equal(world.presentations().length, 1);

    const refreshed = await command(world.house, [provider, "refresh", "--force"]).ended;
    assert.equal(refreshed.code, 0, refreshed.stderr);
    assert.ok(await world.quiet());
    assert.equal(world.generation, 3);
    assert.deepEqual([world.presentations().length, world.emulator.counters(provider).reuses], [2, 0]);
    assert.deepEqual(
      readdirSync(join(world.home, "oauth", ".spend", provider)).filter((file) => /\.(next|sent)$/.test(file)),
      [],
    );
    assert.ok(String(world.stored?.["theirs"]).length > 90_000, "what is not ours is kept");
  });

  it("does not stand in the way of a logout", async () => {
    await using world = await World.open({ lifetimeS: 600 });
    const { code, stderr } = await limited(world, 0, provider, "logout");
    assert.equal(code, 0, stderr);
    assert.equal(world.stored, null);
    assert.equal(world.emulator.counters(provider).revocations, 1);
  });
});
