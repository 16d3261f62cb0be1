// Reading while another process ends a refresh: it writes the token file and then removes the sealed reply. Who read the file
// before the one, and looked for the reply after the other, must not take the spent generation for the newest.
import assert from "node:assert/strict";
import fs, { readFileSync, renameSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { afterEach, it } from "node:test";
import { quickToken } from "../../../runtime/quick-token.ts";
import { signIn, stage } from "../../support/stage.ts";

const { lstatSync } = fs;
afterEach(() => {
  Object.assign(fs, { lstatSync });
  syncBuiltinESMExports();
});

/** Calls `work` once, when somebody looks for the first sealed reply. */
function atTheLook(work: () => void): () => boolean {
  let isDone = false;
  const looking = (...given: Parameters<typeof lstatSync>): unknown => {
    if (!isDone && String(given[0]).endsWith(".0.next")) {
      isDone = true;
      work();
    }
    return lstatSync(...given);
  };
  Object.assign(fs, { lstatSync: looking });
  syncBuiltinESMExports();
  return () => isDone;
}

it("a token file that is replaced between two looks is read again", async () => {
  await using s = await stage();
  await signIn(s, s.auth(), "codex");
  const path = s.home.file("codex");
  const before = readFileSync(path, "utf8");
  await s.auth().account("codex").refresh({ force: true });
  const after = readFileSync(path, "utf8");
  const { access_token: newest } = JSON.parse(after) as { readonly access_token: string };
  const checkpoint = (): void => {
    writeFileSync(`${path}.new`, after, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };

  writeFileSync(path, before);
  const wasLooked = atTheLook(checkpoint);
  assert.equal((await s.auth().account("codex").token()).secret.matches(newest), true);
  assert.ok(wasLooked());

  // The short way of `token` reads settings of its own, in a home where nothing is out of the ordinary.
  writeFileSync(path, before);
  s.home.settings({ oauthEnabledProviders: { codex: true } });
  const wasLookedAgain = atTheLook(checkpoint);
  const { home } = s.home.paths;
  const asked = { provider: "codex", account: undefined, home, minTtlMs: undefined, environment: {} };
  assert.equal(quickToken(asked), null, "the long way decides");
  assert.ok(wasLookedAgain());
  assert.equal(quickToken(asked)?.matches(newest), true, "and when nothing happens meanwhile, the short one");
});
