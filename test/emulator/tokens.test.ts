// The state model of families and refresh tokens, without a server and without a clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  emptyLedger,
  endFamily,
  expireAll,
  openFamily,
  present,
  rememberAccess,
  rememberRefresh,
  rotates,
  spend,
  standing,
} from "../../providers/emulator/tokens.ts";

const of = { provider: "codex", client: "app", account: "robin@example.com", scope: "openid" } as const;

test("a spent refresh token is remembered, and is a reuse when it comes back", () => {
  const ledger = emptyLedger();
  const family = openFamily(ledger, of);
  rememberRefresh(ledger, "first", family, 0);
  assert.equal(present(ledger, "first", 1, 0).kind, "current");
  spend(ledger, "first", 1);
  rememberRefresh(ledger, "second", family, 1);
  assert.equal(present(ledger, "first", 1_000_000_000, 0).kind, "reused");
  assert.equal(present(ledger, "second", 2, 0).kind, "current");
  assert.equal(present(ledger, "third", 2, 0).kind, "unknown");
});

test("the grace ends, and ends with the family", () => {
  const ledger = emptyLedger();
  const family = openFamily(ledger, of);
  rememberRefresh(ledger, "first", family, 0);
  spend(ledger, "first", 10);
  rememberRefresh(ledger, "second", family, 10);
  assert.deepEqual(present(ledger, "first", 19, 10), { kind: "graced", family, current: "second" });
  assert.equal(present(ledger, "first", 20, 10).kind, "reused");
  endFamily(family, "reuse");
  assert.equal(present(ledger, "first", 19, 10).kind, "reused");
  assert.equal(present(ledger, "second", 19, 10).kind, "ended");
});

test("a family ends once, with every token in it, and takes no other along", () => {
  const ledger = emptyLedger();
  const [one, two] = [openFamily(ledger, of), openFamily(ledger, of)];
  rememberAccess(ledger, "a", one, 100);
  rememberAccess(ledger, "b", two, 100);
  assert.equal(endFamily(one, "reuse"), true);
  assert.equal(endFamily(one, "logout"), false);
  assert.equal(one.ended, "reuse");
  assert.equal(standing(ledger, "a", 0).standing, "ended");
  assert.equal(standing(ledger, "b", 0).standing, "live");
});

test("an access token lives up to its expiry and not a millisecond longer", () => {
  const ledger = emptyLedger();
  const family = openFamily(ledger, of);
  rememberAccess(ledger, "a", family, 100);
  assert.equal(standing(ledger, "a", 99).standing, "live");
  assert.equal(standing(ledger, "a", 100).standing, "expired");
  expireAll(ledger, "gemini", 50);
  assert.equal(standing(ledger, "a", 99).standing, "live");
  expireAll(ledger, "codex", 50);
  assert.equal(standing(ledger, "a", 99).standing, "expired");
});

test("who rotates", () => {
  const generations = [1, 2, 3, 4];
  assert.deepEqual(
    generations.map((generation) => rotates("always", generation)),
    [true, true, true, true],
  );
  assert.deepEqual(
    generations.map((generation) => rotates("never", generation)),
    [false, false, false, false],
  );
  const sometimes = new Set(generations.map((generation) => rotates("sometimes", generation)));
  assert.equal(sometimes.size, 2);
});
