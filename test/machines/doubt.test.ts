// Whether a refresh token that was let go may be presented again: at the edges, and what holds for every doubt.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { type Doubt, exchangeOverMs, weigh } from "../../machines/doubt.ts";
import { minute } from "./examples.ts";

const strict = { rotation: "always", reuseGraceMs: 0 } as const;
const forgiving = { rotation: "always", reuseGraceMs: 90_000 } as const;
const repeat = { kind: "repeat" } as const;
const whenDead = { kind: "later", inMs: null } as const;
const over = { kind: "over" } as const;

/** Sent a second ago by a process that is still there; the access token is good. */
const sent: Doubt = {
  interrupted: 1,
  attempt: 0,
  ageMs: 1_000,
  sinceFirstMs: 1_000,
  isOver: false,
  isOtherBoot: false,
  isShared: false,
  isUnusable: false,
};
/** Nobody waits for it any more. */
const gone: Doubt = { ...sent, isOver: true };

describe("weigh", () => {
  for (const [says, changes, provider, expected] of [
    ["waits while the exchange can be under way", {}, strict, { kind: "later", inMs: 59_000 }],
    ["waits for it though the access token is dead", { isUnusable: true }, strict, { kind: "later", inMs: 59_000 }],
    ["waits for it though the server would forgive", {}, forgiving, { kind: "later", inMs: 59_000 }],
    ["waits to the last millisecond", { ageMs: exchangeOverMs - 1 }, strict, { kind: "later", inMs: 1 }],
    ["then until the access token is dead", { ageMs: exchangeOverMs }, strict, whenDead],
    ["then repeats", { ageMs: exchangeOverMs, isUnusable: true }, strict, repeat],
    ["takes a machine that was started anew for the end", { isOtherBoot: true, isUnusable: true }, strict, repeat],
    [
      "waits ten minutes for another machine",
      { isOtherBoot: true, isShared: true, isUnusable: true, ageMs: 9 * minute },
      strict,
      { kind: "later", inMs: minute },
    ],
    ["and no longer", { isOtherBoot: true, isShared: true, isUnusable: true, ageMs: 10 * minute }, strict, repeat],
    ["waits a minute on a disk that is merely shared", { isShared: true, ageMs: exchangeOverMs }, strict, whenDead],
  ] as const)
    it(says, () => {
      assert.deepEqual(weigh({ ...sent, ...changes }, provider), expected);
    });

  for (const [says, changes, provider, expected] of [
    ["spares the access token", {}, strict, whenDead],
    ["repeats when it is dead", { isUnusable: true }, strict, repeat],
    ["repeats what the server forgives", {}, forgiving, repeat],
    ["repeats it to the last millisecond", { sinceFirstMs: 89_999 }, forgiving, repeat],
    ["no longer after that", { sinceFirstMs: 90_000 }, forgiving, whenDead],
    ["measures that from the first presentation", { ageMs: 10, sinceFirstMs: 90_000, attempt: 1 }, forgiving, whenDead],
    ["repeats three times", { attempt: 2, interrupted: 3 }, forgiving, repeat],
    ["and not a fourth time", { attempt: 3, interrupted: 1 }, forgiving, whenDead],
    ["ends after a second death", { interrupted: 2, attempt: 1, isUnusable: true }, strict, over],
    ["ends then, be the access token good or not", { interrupted: 2, attempt: 1 }, strict, over],
    [
      "goes on after failures that somebody lived to see",
      { interrupted: 0, attempt: 9, isUnusable: true },
      strict,
      repeat,
    ],
  ] as const)
    it(`when it is over: ${says}`, () => {
      assert.deepEqual(weigh({ ...gone, ...changes }, provider), expected);
    });

  it("repeats at once where a refresh token does not change", () => {
    assert.deepEqual(weigh({ ...sent, interrupted: 9 }, { rotation: "never", reuseGraceMs: 0 }), repeat);
    assert.deepEqual(weigh(gone, { rotation: "sometimes", reuseGraceMs: 0 }), whenDead);
  });
});

describe("every doubt", () => {
  const doubts: fc.Arbitrary<Doubt> = fc.tuple(fc.nat(20 * minute), fc.nat(20 * minute)).chain(([ageMs, more]) =>
    fc.record({
      interrupted: fc.nat(4),
      attempt: fc.nat(5),
      ageMs: fc.constant(ageMs),
      sinceFirstMs: fc.constant(ageMs + more),
      isOver: fc.boolean(),
      isOtherBoot: fc.boolean(),
      isShared: fc.boolean(),
      isUnusable: fc.boolean(),
    }),
  );
  const providers = fc.record({
    rotation: fc.constantFrom("always", "sometimes"),
    reuseGraceMs: fc.constantFrom(0, 10_000, 90_000, 10 * minute),
  });

  it("costs no access token that is good: what is repeated then is forgiven", () => {
    fc.assert(
      fc.property(doubts, providers, (doubt, provider) => {
        if (weigh(doubt, provider).kind !== "repeat" || doubt.isUnusable) return;
        assert.ok(doubt.sinceFirstMs < provider.reuseGraceMs && doubt.attempt < 3);
      }),
    );
  });

  it("repeats nothing that can still be under way", () => {
    fc.assert(
      fc.property(doubts, providers, (doubt, provider) => {
        if (weigh(doubt, provider).kind !== "repeat" || doubt.isOver) return;
        assert.ok(doubt.ageMs >= exchangeOverMs || (doubt.isOtherBoot && !doubt.isShared));
      }),
    );
  });

  it("is resolved by time and the death of the access token alone", () => {
    fc.assert(
      fc.property(doubts, providers, (doubt, provider) => {
        const later = { ...doubt, ageMs: doubt.ageMs + 10 * minute, sinceFirstMs: doubt.sinceFirstMs + 10 * minute };
        assert.notEqual(weigh({ ...later, isUnusable: true }, provider).kind, "later");
      }),
    );
  });

  it("says how long to wait, and is then no longer waited for", () => {
    fc.assert(
      fc.property(doubts, providers, (doubt, provider) => {
        const weighed = weigh(doubt, provider);
        if (weighed.kind !== "later" || weighed.inMs === null) return;
        assert.ok(weighed.inMs > 0 && weighed.inMs <= 10 * minute);
        const then = { ...doubt, ageMs: doubt.ageMs + weighed.inMs, sinceFirstMs: doubt.sinceFirstMs + weighed.inMs };
        const next = weigh(then, provider);
        assert.ok(next.kind !== "later" || next.inMs === null);
      }),
    );
  });
});
