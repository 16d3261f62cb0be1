// A record of a sign-in that nobody came back to is not kept for ever, though its sign-in had no deadline.
import assert from "node:assert/strict";
import { it } from "node:test";
import { beginLogin, stage } from "../support/stage.ts";

it("a sign-in without a deadline can be taken up for a day", async () => {
  await using s = await stage();
  const auth = s.auth();
  const { ended } = await beginLogin(auth, "anthropic");
  await auth.close();
  await ended.catch(() => undefined);
  const status = () => s.auth().account("anthropic").status().row;
  s.home.ahead = 23 * 3_600_000;
  assert.equal(status().state, "awaitingCode");
  s.home.ahead = 25 * 3_600_000;
  assert.deepEqual([status().state, status().pending], ["idle", null]);
});
