// The machines as they run, parent and child together: what goes down to a login machine, what comes back up, what is
// stopped when a state is left, and that no effect's end or failure takes the machine with it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { survey } from "./examples.ts";
import { standingIn } from "./journeys.ts";
import { path } from "./step.ts";

describe("a sign-in inside an account's life", () => {
  it("is granted, and the new facts decide", () => {
    using world = standingIn("pendingAuth.loopback/exchanging");
    assert.deepEqual(world.last("exchange").input, {
      provider: "acme",
      account: "default",
      attempt: "a1",
      handle: "h1",
    });
    world.last("exchange").ends({ kind: "granted" });
    assert.deepEqual(world.actor.getSnapshot().context.result, { kind: "granted", code: null });
    world.last("survey").ends(survey());
    assert.equal(world.actor.getSnapshot().value, "authenticated");
    assert.deepEqual(world.dropped, []);
  });

  it("takes pasted text and a denial from its parent", () => {
    using pasted = standingIn("pendingAuth.loopback/awaitingCode");
    pasted.actor.send({ type: "login.pasted", handle: "h2" });
    assert.equal((pasted.last("exchange").input as { handle: string }).handle, "h2");

    using denied = standingIn("pendingAuth.loopback/awaitingCode");
    denied.actor.send({ type: "callback.denied", code: "consent_denied" });
    assert.deepEqual(denied.actor.getSnapshot().context.result, { kind: "failed", code: "consent_denied" });
    assert.deepEqual(denied.dropped, ["a1"]);
  });

  it("is cancelled once, and its exchange is told to stop", () => {
    using world = standingIn("pendingAuth.paste/exchanging");
    world.actor.send({ type: "login.cancelled" });
    world.actor.send({ type: "login.cancelled" });
    assert.deepEqual(world.dropped, ["a1"]);
    assert.ok(world.last("exchange").isOver());
    world.last("survey").ends(survey(null));
    assert.equal(world.actor.getSnapshot().value, "idle");
    assert.deepEqual(world.actor.getSnapshot().context.result, { kind: "cancelled", code: "sign_in_cancelled" });
  });

  it("fails when its listener breaks, unless the code is here already", () => {
    using world = standingIn("pendingAuth.loopback/awaitingCode");
    world.last("serving").breaks(new Error("gone"));
    assert.deepEqual(world.actor.getSnapshot().context.result, { kind: "failed", code: "listener_lost" });
    assert.deepEqual(world.dropped, ["a1"]);

    using late = standingIn("pendingAuth.loopback/exchanging");
    late.last("serving").breaks(new Error("gone"));
    late.last("exchange").ends({ kind: "granted" });
    assert.deepEqual(late.actor.getSnapshot().context.result, { kind: "granted", code: null });
  });

  it("by device code goes on polling when its turn breaks", () => {
    using world = standingIn("pendingAuth.device/awaitingPoll.resting");
    world.last("serving").breaks(new Error("gone"));
    assert.equal(path(world.actor.getSnapshot().value), "pendingAuth.device");
    assert.deepEqual(world.dropped, []);
  });

  it("is left to others without dropping its record", () => {
    using world = standingIn("pendingAuth.loopback/awaitingCode");
    world.actor.send({ type: "login.left" });
    assert.deepEqual(world.dropped, [null]);
    assert.ok(world.last("serving").isOver());
  });

  it("survives a wake-up and a renewal by another process", () => {
    using world = standingIn("pendingAuth.device/awaitingPoll.resting");
    world.actor.send({ type: "system.resumed" });
    world.actor.send({ type: "store.changed", lineage: null, generation: 6 });
    assert.equal(path(world.actor.getSnapshot().value), "pendingAuth.device");
    assert.deepEqual(world.dropped, []);
  });
});

describe("an effect under way", () => {
  for (const [name, effect] of [
    ["refreshing", "ensureFresh"],
    ["deciding", "survey"],
    ["pendingAuth.device/awaitingPoll.resting", "alarm"],
    ["pendingAuth.loopback/awaitingCode", "serving"],
  ] as const)
    it(`${effect} is stopped when a person logs out in ${name}`, () => {
      using world = standingIn(name);
      assert.ok(!world.last(effect).isOver());
      world.actor.send({ type: "logout.requested", revoke: true });
      assert.ok(world.last(effect).isOver());
      assert.equal(world.actor.getSnapshot().value, "loggingOut");
      world.last("logOut").ends({ revocation: "revoked", survey: survey(null) });
      assert.equal(world.actor.getSnapshot().value, "idle");
    });

  it("logOut is not left: what comes meanwhile waits", () => {
    using world = standingIn("loggingOut");
    world.actor.send({ type: "account.disabled" });
    world.actor.send({ type: "system.resumed" });
    assert.ok(!world.last("logOut").isOver());
    world.last("logOut").ends({ revocation: "revoked", survey: survey(null) });
    assert.deepEqual(world.last("survey").input, { provider: "acme", account: "default", choice: "disable" });
  });
});

describe("every effect that breaks", () => {
  for (const [name, effect] of [
    ["deciding", "survey"],
    ["authenticated", "alarm"],
    ["backingOff", "alarm"],
    ["refreshing", "ensureFresh"],
    ["loggingOut", "logOut"],
    ["idle", "storeWatch"],
    ["pendingAuth.loopback/preparing", "begin"],
    ["pendingAuth.loopback/awaitingCode", "alarm"],
    ["pendingAuth.paste/exchanging", "exchange"],
    ["pendingAuth.device/awaitingPoll.resting", "alarm"],
  ] as const)
    it(`${effect} in ${name} leaves the machine alive`, () => {
      using world = standingIn(name);
      world.last(effect).breaks(new Error("broken"));
      const { status, context } = world.actor.getSnapshot();
      assert.equal(status, "active");
      if (effect !== "alarm") assert.deepEqual(context.result, { kind: "failed", code: "internal" });
    });
});
