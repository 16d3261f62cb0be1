// A machine that is taken up by another process, from every state it may have been left in: nothing is asked, sent,
// deleted or decided a second time, and the first thing it does by itself is to read the facts.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { envelope, restorable } from "../../machines/migrations.ts";
import { input, now, survey } from "./examples.ts";
import { journeys, standingIn } from "./journeys.ts";
import { live } from "./living.ts";
import { path } from "./step.ts";

const settled = new Set(["disabled", "idle", "authenticated", "backingOff", "expired", "blocked"]);

/** What a process that stood in this state has left in the file. */
function savedIn(name: string): unknown {
  using world = standingIn(name);
  assert.equal(path(world.actor.getSnapshot().value), name.split("/")[0]);
  return JSON.parse(JSON.stringify(envelope(world.actor.getPersistedSnapshot(), now)));
}

for (const name of Object.keys(journeys))
  describe(`left in ${name}`, () => {
    it("repeats nothing when it is taken up", () => {
      const snapshot = restorable(savedIn(name), input);
      assert.equal(snapshot !== null, settled.has(name));
      using world = live(snapshot === null ? {} : { snapshot });
      const begun = world.started.map(({ effect }) => effect);
      assert.deepEqual(begun, snapshot === null ? ["storeWatch", "survey"] : ["storeWatch"]);
      assert.equal(world.actor.getSnapshot().status, "active");
    });

    it("reads the facts and goes where they say", () => {
      const snapshot = restorable(savedIn(name), input);
      using world = live(snapshot === null ? {} : { snapshot });
      world.actor.send({ type: "system.resumed" });
      assert.deepEqual(world.last("survey").input, { provider: "acme", account: "default", choice: null });
      world.last("survey").ends(survey());
      assert.equal(world.actor.getSnapshot().value, "authenticated");
      assert.equal((world.last("alarm").input as { at: number }).at > now, true);
    });

    it("stands every event before the facts are read", () => {
      const snapshot = restorable(savedIn(name), input);
      if (snapshot === null) return;
      for (const event of [
        { type: "store.changed", lineage: "x", generation: 1 },
        { type: "token.demanded", minTtlMs: 30_000, now },
        { type: "token.rejected", generation: 5 },
        { type: "renewal.due" },
        { type: "retry.due" },
      ] as const) {
        using world = live({ snapshot });
        world.actor.send(event);
        assert.equal(world.actor.getSnapshot().status, "active", event.type);
        assert.ok(!world.started.some(({ effect }) => effect === "ensureFresh"), event.type);
      }
    });
  });
