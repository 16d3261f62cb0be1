// What loopback and paste have in common, as one suite: the code's way from the waiting to the one exchange.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { now } from "../examples.ts";
import { begin, breaks, ends, type Machine, step } from "../step.ts";
import { asked, ready, waiting } from "./walk.ts";

export function codeLoginSuite(machine: Machine, grant: "loopback" | "paste"): void {
  const awaiting = waiting(machine);
  const pasted = { type: "login.pasted", handle: "h1" };
  const exchanging = step(machine, awaiting, pasted);

  describe(`${grant}: the beginning`, () => {
    it("makes the attempt's record first", () => {
      const { at, effects, inputs } = begin(machine, asked);
      assert.equal(at, "preparing");
      assert.deepEqual(effects, ["start begin"]);
      assert.deepEqual(inputs["begin"], { ...asked, grant });
    });

    it("passes on how it was asked for", () => {
      const options = { ...asked, port: 1455, timeoutMs: 60_000, attempt: "a0" };
      assert.deepEqual(begin(machine, options).inputs["begin"], { ...options, grant });
    });

    it("waits until the deadline", () => {
      assert.equal(awaiting.at, "awaitingCode.serving");
      assert.equal(awaiting.context.attempt, "a1");
      assert.deepEqual(awaiting.inputs["deadline"], { at: ready.deadlineAt, sends: "deadline.passed" });
      assert.deepEqual(waiting(machine, { deadlineAt: null }).inputs["deadline"], {
        at: null,
        sends: "deadline.passed",
      });
    });

    it("ends when nothing could be prepared", () => {
      const failed = step(machine, begin(machine, asked), ends("begin", { kind: "failed", code: "port_busy" }));
      assert.equal(failed.status, "done");
      assert.deepEqual(failed.output, { kind: "failed", code: "port_busy", attempt: null });
      const broken = step(machine, begin(machine, asked), breaks("begin"));
      assert.deepEqual(broken.output, { kind: "failed", code: "internal", attempt: null });
    });

    it("that fails leaves the attempt alone that was to be taken up", () => {
      const preparing = begin(machine, { ...asked, attempt: "a0" });
      const failed = step(machine, preparing, ends("begin", { kind: "failed", code: "port_busy" }));
      assert.deepEqual(failed.output, { kind: "failed", code: "port_busy", attempt: null });
    });
  });

  describe(`${grant}: an attempt that another process serves`, () => {
    const joined = waiting(machine, { serves: false });
    const begun = { type: "serving.begun", at: now, deadlineAt: null, intervalMs: 0, restsUntil: null };

    it("is joined, and its turn is waited for", () => {
      assert.equal(joined.at, "awaitingCode.joined");
      assert.ok(joined.effects.includes("start serving"));
      assert.deepEqual(joined.inputs["serving"], { provider: "acme", account: "work", attempt: "a1" });
    });

    it("is served here once that process is gone", () => {
      assert.equal(step(machine, joined, begun).at, "awaitingCode.serving");
      const meanwhile = step(machine, step(machine, joined, pasted), begun);
      assert.equal(meanwhile.at, "exchanging");
      const again = step(machine, meanwhile, ends("exchange", { kind: "again", code: "pasted_truncated" }));
      assert.equal(again.at, "awaitingCode.serving");
      assert.ok(!again.effects.includes("start serving"), "it has its turn already");
    });

    it("can be finished by a paste all the same, and goes on after a wrong one", () => {
      const reached = step(machine, joined, pasted);
      assert.equal(reached.at, "exchanging");
      const again = step(machine, reached, ends("exchange", { kind: "again", code: "pasted_truncated" }));
      assert.equal(again.at, "awaitingCode.joined");
    });

    it("ends here with what ended it there", () => {
      const { output } = step(machine, joined, { type: "login.ended", code: "consent_denied" });
      assert.deepEqual(output, { kind: "failed", code: "consent_denied", attempt: "a1" });
    });

    it("is left without ending it", () => {
      for (const from of [joined, awaiting, exchanging]) {
        const { output, effects } = step(machine, from, { type: "login.left" });
        assert.deepEqual(output, { kind: "cancelled", code: "sign_in_cancelled", attempt: null });
        assert.ok(effects.includes("stop serving"));
      }
    });
  });

  describe(`${grant}: the waiting`, () => {
    for (const type of ["callback.arrived", "login.pasted"])
      it(`${type} is exchanged, by its handle`, () => {
        const reached = step(machine, awaiting, { type, handle: "h1" });
        assert.equal(reached.at, "exchanging");
        assert.deepEqual(reached.effects, ["stop deadline", "start exchange"]);
        assert.deepEqual(reached.inputs["exchange"], {
          provider: "acme",
          account: "work",
          attempt: "a1",
          handle: "h1",
        });
      });

    for (const [event, outcome] of [
      [
        { type: "callback.denied", code: "consent_denied" },
        { kind: "failed", code: "consent_denied" },
      ],
      [{ type: "deadline.passed" }, { kind: "failed", code: "sign_in_timeout" }],
      [{ type: "login.cancelled" }, { kind: "cancelled", code: "sign_in_cancelled" }],
    ] as const)
      it(`${event.type} ends it`, () => {
        const reached = step(machine, awaiting, event);
        assert.equal(reached.status, "done");
        assert.deepEqual(reached.output, { ...outcome, attempt: "a1" });
        assert.ok(reached.effects.includes("stop deadline"));
      });
  });

  describe(`${grant}: the exchange`, () => {
    it("grants", () => {
      const { status, output } = step(machine, exchanging, ends("exchange", { kind: "granted" }));
      assert.equal(status, "done");
      assert.deepEqual(output, { kind: "granted", attempt: "a1" });
    });

    it("goes on waiting, with the same deadline, when nothing was spent", () => {
      const again = step(machine, exchanging, ends("exchange", { kind: "again", code: "pasted_truncated" }));
      assert.equal(again.at, "awaitingCode.serving");
      assert.deepEqual([again.context.lastError, again.context.handle], ["pasted_truncated", null]);
      assert.deepEqual(again.inputs["deadline"], { at: ready.deadlineAt, sends: "deadline.passed" });
      const next = step(machine, again, { type: "login.pasted", handle: "h2" });
      assert.equal((next.inputs["exchange"] as { handle: string }).handle, "h2");
      assert.equal(next.context.lastError, null);
    });

    for (const code of ["code_refused", "network_timeout", "sign_in_interrupted"])
      it(`is never repeated after ${code}: the code may be spent`, () => {
        const { output } = step(machine, exchanging, ends("exchange", { kind: "failed", code }));
        assert.deepEqual(output, { kind: "failed", code, attempt: "a1" });
      });

    it("ends when it breaks", () => {
      const { output } = step(machine, exchanging, breaks("exchange"));
      assert.deepEqual(output, { kind: "failed", code: "internal", attempt: "a1" });
    });

    it("is disturbed by nothing but a person's cancel", () => {
      for (const event of [
        pasted,
        { type: "callback.arrived", handle: "h2" },
        { type: "callback.denied", code: "consent_denied" },
        { type: "deadline.passed" },
        { type: "poll.due" },
      ]) {
        const reached = step(machine, exchanging, event);
        assert.deepEqual([reached.at, reached.effects], ["exchanging", []], event.type);
        assert.deepEqual(reached.context, exchanging.context);
      }
      const cancelled = step(machine, exchanging, { type: "login.cancelled" });
      assert.deepEqual(cancelled.output, { kind: "cancelled", code: "sign_in_cancelled", attempt: "a1" });
      assert.ok(cancelled.effects.includes("stop exchange"));
    });
  });

  describe(`${grant}: while it prepares`, () => {
    const preparing = begin(machine, asked);
    it("can be cancelled, and nothing else moves it", () => {
      assert.equal(step(machine, preparing, { type: "login.cancelled" }).status, "done");
      for (const type of ["login.pasted", "callback.arrived", "callback.denied", "deadline.passed", "poll.due"]) {
        const { at, effects } = step(machine, preparing, { type, handle: "h", code: "internal" });
        assert.deepEqual([at, effects], ["preparing", []]);
      }
    });
  });
}
