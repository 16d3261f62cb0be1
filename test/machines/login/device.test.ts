// Device sign-in: when each poll is due (RFC 8628 3.5), what ends the waiting, and the dialect whose poll brings a code.
// The poll gap may never fall under the current interval, whatever the server and the network do.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Interim, Polled } from "../../../machines/login/login.ts";
import { deviceLogin } from "../../../machines/login/device.ts";
import { now } from "../examples.ts";
import { begin, breaks, ends, type Step, step } from "../step.ts";
import { asked, ready, waiting } from "./walk.ts";

const due = { type: "poll.due" };
const resting = waiting(deviceLogin);
const polling = step(deviceLogin, resting, due);
/** What a poll ended with; that the server asks for no pause goes without saying. */
type Outcome = Polled extends infer One
  ? One extends Interim
    ? Omit<One, "retryAfterMs"> & Partial<Interim>
    : One
  : never;
const polled = (from: Step, outcome: Outcome) =>
  step(deviceLogin, from, ends("poll", { retryAfterMs: null, ...outcome }));
const alarm = ({ inputs }: Step) => (inputs["pollAlarm"] as { at: number }).at;

describe("device: the beginning", () => {
  it("asks for a code, then rests for one interval before the first poll", () => {
    const preparing = begin(deviceLogin, asked);
    assert.deepEqual(preparing.effects, ["start begin"]);
    assert.deepEqual(preparing.inputs["begin"], { ...asked, grant: "device" });
    assert.ok(resting.effects.includes("start serving"));
    assert.equal(resting.at, "awaitingPoll.resting");
    assert.deepEqual(resting.inputs["pollAlarm"], { at: now + 5_000, sends: "poll.due" });
    assert.deepEqual(resting.inputs["deadline"], { at: ready.deadlineAt, sends: "deadline.passed" });
  });

  it("ends when there is no code", () => {
    const failed = step(
      deviceLogin,
      begin(deviceLogin, asked),
      ends("begin", { kind: "failed", code: "device_login_off" }),
    );
    assert.deepEqual(failed.output, { kind: "failed", code: "device_login_off", attempt: null });
    assert.deepEqual(step(deviceLogin, begin(deviceLogin, asked), breaks("begin")).output, {
      kind: "failed",
      code: "internal",
      attempt: null,
    });
  });
});

describe("device: an attempt that another process serves", () => {
  const joined = waiting(deviceLogin, { serves: false });

  it("is not polled for", () => {
    assert.equal(joined.at, "awaitingPoll.joined");
    assert.ok(joined.effects.includes("start serving"));
    assert.ok(!("pollAlarm" in joined.inputs));
    assert.equal(step(deviceLogin, joined, due).at, "awaitingPoll.joined");
  });

  it("is polled for once that process is gone, after a rest of the interval that holds by then", () => {
    const begun = { type: "serving.begun", at: now + 60_000, deadlineAt: null, intervalMs: 10_000, restsUntil: null };
    const reached = step(deviceLogin, joined, begun);
    assert.equal(reached.at, "awaitingPoll.resting");
    assert.equal(alarm(reached), now + 70_000);
    const next = polled(step(deviceLogin, reached, due), { kind: "pending", endedAt: now });
    assert.equal(alarm(next), now + 10_000);
    const limited = step(deviceLogin, joined, { ...begun, restsUntil: now + 90_000 });
    assert.equal(alarm(limited), now + 90_000, "the server wants no poll before");
  });

  it("ends by its deadline, by a cancel, and with what ended it there", () => {
    for (const [event, kind, code] of [
      [{ type: "deadline.passed" }, "failed", "device_code_expired"],
      [{ type: "login.cancelled" }, "cancelled", "sign_in_cancelled"],
      [{ type: "login.ended", code: "consent_denied" }, "failed", "consent_denied"],
    ] as const)
      assert.deepEqual(step(deviceLogin, joined, event).output, { kind, code, attempt: "a1" });
  });

  it("is left without ending it", () => {
    for (const from of [joined, resting, polling])
      assert.deepEqual(step(deviceLogin, from, { type: "login.left" }).output, {
        kind: "cancelled",
        code: "sign_in_cancelled",
        attempt: null,
      });
  });
});

describe("device: the next poll", () => {
  const endedAt = now + 7_000;

  it("is sent for the attempt, without touching the deadline", () => {
    assert.equal(polling.at, "awaitingPoll.polling");
    assert.deepEqual(polling.effects, ["stop pollAlarm", "start poll"]);
    assert.deepEqual(polling.inputs["poll"], { provider: "acme", account: "work", attempt: "a1" });
  });

  it("is due one interval after the end of the reply", () => {
    const next = polled(polling, { kind: "pending", endedAt });
    assert.equal(next.at, "awaitingPoll.resting");
    assert.equal(alarm(next), endedAt + 5_000);
  });

  it("comes 5 s later after slow_down, for good", () => {
    const once = polled(polling, { kind: "slowDown", endedAt });
    assert.equal(alarm(once), endedAt + 10_000);
    const pending = polled(step(deviceLogin, once, due), { kind: "pending", endedAt });
    assert.equal(alarm(pending), endedAt + 10_000);
    const twice = polled(step(deviceLogin, pending, due), { kind: "slowDown", endedAt });
    assert.equal(alarm(twice), endedAt + 15_000);
  });

  it("doubles while nobody can be reached, up to a minute", () => {
    let from = polling;
    const pauses = [];
    for (let failures = 0; failures < 6; failures += 1) {
      const next = polled(from, { kind: "unavailable", endedAt, code: "network_name" });
      assert.equal(next.context.lastError, "network_name");
      pauses.push((alarm(next) - endedAt) / 1000);
      from = step(deviceLogin, next, due);
    }
    assert.deepEqual(pauses, [10, 20, 40, 60, 60, 60]);
    const answered = polled(from, { kind: "pending", endedAt });
    assert.equal(alarm(answered), endedAt + 5_000);
    assert.equal(answered.context.lastError, null);
  });

  it("waits for as long as the server asks, that once", () => {
    for (const kind of ["pending", "slowDown", "unavailable"] as const) {
      const outcome = { kind, endedAt, code: "rate_limited", retryAfterMs: 100_000 } as const;
      const asked100 = polled(polling, outcome);
      assert.equal(alarm(asked100), endedAt + 100_000, kind);
      const next = polled(step(deviceLogin, asked100, due), { kind: "pending", endedAt });
      assert.equal(alarm(next), endedAt + (kind === "slowDown" ? 10_000 : 5_000), kind);
      assert.ok(alarm(polled(polling, { ...outcome, retryAfterMs: 1_000 })) >= endedAt + 5_000, kind);
    }
  });

  it("waits for as long as was asked of the process before", () => {
    assert.equal(alarm(waiting(deviceLogin, { restsUntil: now + 40_000 })), now + 40_000);
    assert.equal(alarm(waiting(deviceLogin, { restsUntil: now + 1_000 })), now + 5_000);
  });

  it("keeps to an interval longer than the cap", () => {
    const slow = step(deviceLogin, waiting(deviceLogin, { intervalMs: 90_000 }), due);
    assert.equal(alarm(polled(slow, { kind: "unavailable", endedAt, code: "network_name" })), endedAt + 90_000);
  });

  it("never comes under the current interval", () => {
    const reply = fc.record({
      kind: fc.constantFrom("pending", "slowDown", "unavailable"),
      tookMs: fc.integer({ min: 0, max: 40_000 }),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 3_600_000 })),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.array(reply, { maxLength: 25 }), (interval, replies) => {
        let intervalMs = interval * 1000;
        let at = resting;
        at = waiting(deviceLogin, { intervalMs });
        for (const { kind, tookMs, retryAfterMs } of replies) {
          const ended = alarm(at) + tookMs;
          const outcome = { kind, endedAt: ended, code: "network_name", retryAfterMs } as Polled;
          at = polled(step(deviceLogin, at, due), outcome);
          if (kind === "slowDown") intervalMs += 5_000;
          assert.ok(alarm(at) - ended >= Math.max(intervalMs, retryAfterMs ?? 0));
          assert.ok(alarm(at) - ended <= Math.max(intervalMs, 60_000, retryAfterMs ?? 0));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("device: the end", () => {
  for (const from of [resting, polling])
    it(`comes by the deadline and by a cancel while ${from.at}`, () => {
      const late = step(deviceLogin, from, { type: "deadline.passed" });
      assert.deepEqual(late.output, { kind: "failed", code: "device_code_expired", attempt: "a1" });
      const cancelled = step(deviceLogin, from, { type: "login.cancelled" });
      assert.deepEqual(cancelled.output, { kind: "cancelled", code: "sign_in_cancelled", attempt: "a1" });
      for (const { effects } of [late, cancelled]) assert.ok(effects.includes("stop deadline"));
    });

  it("is what the server says", () => {
    assert.deepEqual(polled(polling, { kind: "granted" }).output, { kind: "granted", attempt: "a1" });
    for (const code of ["consent_denied", "device_code_expired"] as const)
      assert.deepEqual(polled(polling, { kind: "failed", code }).output, { kind: "failed", code, attempt: "a1" });
    assert.deepEqual(step(deviceLogin, polling, breaks("poll")).output, {
      kind: "failed",
      code: "internal",
      attempt: "a1",
    });
  });

  it("is not brought about by what belongs to other ways, nor by a second alarm", () => {
    for (const event of [
      { type: "login.pasted", handle: "h" },
      { type: "callback.arrived", handle: "h" },
      { type: "callback.denied", code: "consent_denied" },
    ])
      for (const from of [resting, polling]) {
        const reached = step(deviceLogin, from, event);
        assert.deepEqual([reached.at, reached.effects], [from.at, []]);
      }
    assert.deepEqual(step(deviceLogin, polling, due).effects, []);
  });
});

describe("device: a poll that brings a code", () => {
  const exchanging = polled(polling, { kind: "code", handle: "h1" });

  it("is followed by one exchange", () => {
    assert.equal(exchanging.at, "exchanging");
    assert.ok(exchanging.effects.includes("stop deadline"));
    assert.deepEqual(exchanging.inputs["exchange"], {
      provider: "acme",
      account: "work",
      attempt: "a1",
      handle: "h1",
    });
    assert.deepEqual(step(deviceLogin, exchanging, { type: "deadline.passed" }).effects, []);
  });

  it("ends as the exchange ends; there is no second try", () => {
    const over = (outcome: object) => step(deviceLogin, exchanging, ends("exchange", outcome)).output;
    assert.deepEqual(over({ kind: "granted" }), { kind: "granted", attempt: "a1" });
    for (const kind of ["failed", "again"])
      assert.deepEqual(over({ kind, code: "code_refused" }), { kind: "failed", code: "code_refused", attempt: "a1" });
    assert.deepEqual(step(deviceLogin, exchanging, breaks("exchange")).output, {
      kind: "failed",
      code: "internal",
      attempt: "a1",
    });
    assert.equal(
      (step(deviceLogin, exchanging, { type: "login.cancelled" }).output as { kind: string }).kind,
      "cancelled",
    );
  });
});
