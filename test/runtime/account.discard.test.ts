// What a cancelled sign-in gives back must not take the login with it that is kept: where refresh tokens do not rotate, a
// person's tokens are one grant.
import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { beginLogin, codeOf, signIn, stage, until } from "../support/stage.ts";

it("a cancelled second sign-in revokes nothing of the first one's grant", async () => {
  await using s = await stage();
  const auth = s.auth();
  await signIn(s, auth, "gemini");
  s.emulator.fault("gemini", "token", { kind: "delay", ms: 300 });
  const { account, pending, ended } = await beginLogin(auth, "gemini");
  const person = s.emulator.approve(pending.url);
  await until(() => s.emulator.counters("gemini").exchanges === 2, "the second code was exchanged");
  await account.cancel();
  assert.equal(await codeOf(ended), "sign_in_cancelled");
  await person;
  const { row } = await account.refresh({ force: true });
  assert.equal(row.state, "authenticated");
  // A revocation would come after the delayed reply.
  await setTimeout(600);
  assert.equal(s.emulator.counters("gemini").revocations, 0);
});
