// Signing in through a listener on this machine: the suite of every redirect, and that the listener is bound before the
// waiting, hands over, and is closed at every end.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loopbackLogin } from "../../../machines/login/loopback.ts";
import { breaks, ends, step } from "../step.ts";
import { codeLoginSuite } from "./redirect.ts";
import { waiting } from "./walk.ts";

codeLoginSuite(loopbackLogin, "loopback");

describe("loopback: the listener", () => {
  const awaiting = waiting(loopbackLogin);

  it("hands over from when the record is made, for this attempt", () => {
    assert.ok(awaiting.effects.includes("start serving"));
    assert.deepEqual(awaiting.inputs["serving"], { provider: "acme", account: "work", attempt: "a1" });
  });

  it("stays open while a code is exchanged: the page has to be answered", () => {
    const exchanging = step(loopbackLogin, awaiting, { type: "callback.arrived", handle: "h1" });
    assert.ok(!exchanging.effects.includes("stop serving"));
    const again = step(loopbackLogin, exchanging, ends("exchange", { kind: "again", code: "pasted_unreadable" }));
    assert.ok(!again.effects.some((effect) => effect.endsWith("serving")));
  });

  it("is closed at every end", () => {
    const exchanging = step(loopbackLogin, awaiting, { type: "callback.arrived", handle: "h1" });
    for (const over of [
      step(loopbackLogin, awaiting, { type: "login.cancelled" }),
      step(loopbackLogin, awaiting, { type: "deadline.passed" }),
      step(loopbackLogin, exchanging, ends("exchange", { kind: "granted" })),
      step(loopbackLogin, exchanging, breaks("exchange")),
    ])
      assert.ok(over.effects.includes("stop serving"), over.effects.join());
  });
});
