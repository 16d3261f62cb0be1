// Saved snapshots are advice from a file that anybody may have edited: what is foreign, newer, broken or mid-effect is
// dropped, and of the rest nothing but the state's name gets back into a machine.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { envelope, restorable, snapshotVersion } from "../../machines/migrations.ts";
import { emptyMemory } from "../../machines/memory.ts";
import { input, now } from "./examples.ts";

const settled = ["disabled", "idle", "authenticated", "backingOff", "expired", "blocked"];

/** What an actor would persist in this state. */
function persisted(value: unknown): Record<string, unknown> {
  return {
    status: "active",
    value,
    historyValue: {},
    context: { ...emptyMemory({ ...input, account: "other" }), choice: "reset" },
    children: {
      storeWatch: {
        src: "storeWatch",
        syncSnapshot: false,
        snapshot: { status: "active", input: { account: "other" } },
      },
      renewalAlarm: { src: "alarm", syncSnapshot: false, snapshot: { status: "active", input: { at: now } } },
    },
  };
}

const saved = (value: unknown, changes: object = {}) =>
  JSON.parse(JSON.stringify({ ...envelope(persisted(value), now), ...changes })) as Record<string, unknown>;

describe("restorable", () => {
  for (const state of settled)
    it(`takes up ${state}, with this process's own memory and watch`, () => {
      assert.deepEqual(restorable(saved(state), input), {
        status: "active",
        value: state,
        historyValue: {},
        context: emptyMemory(input),
        children: {
          storeWatch: {
            src: "storeWatch",
            syncSnapshot: false,
            snapshot: { status: "active", input: { provider: "acme", account: "default" } },
          },
        },
      });
    });

  it("takes nothing else from the file: no other effect, no choice, no other account", () => {
    const hostile = saved("idle");
    const state = hostile["state"] as Record<string, unknown>;
    state["children"] = { storeWatch: { src: "logOut" }, logOut: { src: "logOut", snapshot: { status: "active" } } };
    state["output"] = "x";
    assert.deepEqual(restorable(hostile, input), restorable(saved("idle"), input));
  });

  const dropped: Readonly<Record<string, unknown>> = {
    nothing: undefined,
    null: null,
    "a text": "authenticated",
    "a list": [envelope(persisted("idle"), now)],
    "an empty object": {},
    "another schema": saved("idle", { schema: 2 }),
    "another machine": saved("idle", { machine: "door" }),
    "a newer version": saved("idle", { version: snapshotVersion + 1 }),
    "version 0": saved("idle", { version: 0 }),
    "a version as text": saved("idle", { version: "1" }),
    "a broken version": saved("idle", { version: 1.5 }),
    "no version": saved("idle", { version: undefined }),
    "no state": saved("idle", { state: null }),
    "a state that is a list": saved("idle", { state: [] }),
    "a state that has ended": saved("idle", { state: { ...persisted("idle"), status: "done" } }),
    "a state that has failed": saved("idle", { state: { ...persisted("idle"), status: "error" } }),
    "a state of no machine of ours": saved("flying"),
    "a number for a state": saved(42),
    "an object for a state": saved({}),
    "deciding, an effect": saved("deciding"),
    "refreshing, an effect": saved("refreshing"),
    "loggingOut, an effect": saved("loggingOut"),
    "pendingAuth, an effect": saved({ pendingAuth: "device" }),
    "pendingAuth as a text": saved("pendingAuth"),
    "a key of every object's prototype": saved("constructor"),
    "the prototype itself": saved("__proto__"),
    "members by way of a prototype": JSON.parse(`{"__proto__":${JSON.stringify(saved("idle"))}}`),
    "a state by way of a prototype": saved("idle", {
      state: JSON.parse('{"__proto__":{"status":"active","value":"idle"}}'),
    }),
  };
  for (const [what, found] of Object.entries(dropped))
    it(`drops ${what}`, () => assert.equal(restorable(found, input), null));

  it("does not let a file reach any prototype", () => {
    const text = JSON.stringify(saved("idle")).replace('"context":{', '"context":{"__proto__":{"polluted":true},');
    const restored = restorable(JSON.parse(text), input) as { context: Record<string, unknown> };
    assert.equal(restored.context["polluted"], undefined);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
    assert.deepEqual(Object.keys(restored.context), Object.keys(emptyMemory(input)));
  });
});

describe("the envelope", () => {
  it("says what it holds, and when, in whole seconds", () => {
    assert.deepEqual(envelope("x", 1_999), {
      schema: 1,
      machine: "credential",
      version: snapshotVersion,
      saved_at: 1,
      state: "x",
    });
  });
});
