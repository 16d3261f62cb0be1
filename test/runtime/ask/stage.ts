// What the tests of asking have in common: a person who is signed in everywhere, and a close look at the errors.
import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { ProviderName } from "../../../providers/index.ts";
import { type Auth, AuthError } from "../../../runtime/index.ts";
import { quickGrants, signIn, type Stage } from "../../support/stage.ts";

export const names = ["gemini", "anthropic", "codex", "qwen"] as const satisfies readonly ProviderName[];

export const hello = [{ role: "user", text: "Hello there" }] as const;

export async function signedIn(world: Stage, name: ProviderName, options: Parameters<Stage["auth"]>[0] = {}) {
  const auth = world.auth(options);
  await signIn(world, auth, name, { grant: quickGrants[name] });
  return auth;
}

export function withKey(world: Stage, name: ProviderName, key: string = world.emulator.apiKeys[name]): Auth {
  return world.auth({ keys: { provider: name, flags: { key } } });
}

/** The error with which `work` ends: one of ours, in which nothing secret and no text of a reply can be found. */
export async function refusalOf(world: Stage, work: Promise<unknown>, texts: readonly string[] = []) {
  const error = await work.then(
    () => assert.fail("it was not refused"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AuthError, inspect(error));
  const shown = `${inspect(error, { depth: 8, showHidden: true })} ${JSON.stringify(error)}`;
  for (const secret of [...world.emulator.secrets(), ...texts]) assert.ok(!shown.includes(secret), shown);
  return error;
}

/** The requests to the API since the last time that this was asked. */
export function apiRequests(world: Stage, name: ProviderName) {
  return world.emulator.requests.filter(({ provider, endpoint }) => provider === name && endpoint === "api");
}
