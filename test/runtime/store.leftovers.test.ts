// A temporary file of a killed writer may hold tokens: the next write removes it, and nobody else's.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { signIn, stage } from "../support/stage.ts";

it("what a killed writer left is removed by the next write, what may be in use is not", async () => {
  await using s = await stage();
  const auth = s.auth();
  await signIn(s, auth, "anthropic");
  const plant = (name: string, hoursOld: number): string => {
    const path = join(s.home.paths.oauth, name);
    writeFileSync(path, "plainly fake", { mode: 0o600 });
    const at = (Date.now() - hoursOld * 3_600_000) / 1000;
    utimesSync(path, at, at);
    return path;
  };
  const dead = plant(`.${crypto.randomUUID()}.tmp`, 2);
  const fresh = plant(`.${crypto.randomUUID()}.tmp`, 0);
  const foreign = plant(".editor-backup.tmp", 2);
  const folder = join(s.home.paths.oauth, `.${crypto.randomUUID()}.tmp`);
  mkdirSync(folder);
  utimesSync(folder, 0, 0);
  await auth.account("anthropic").refresh({ force: true });
  assert.deepEqual([dead, fresh, foreign, folder].map(existsSync), [false, true, true, true]);
});
