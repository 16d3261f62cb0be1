// The one decision whether a token is good, and when to renew it early: at the edges, and as properties (never a storm,
// never after its end).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { defaultMinTtlMs, isFresh, renewAheadAt } from "../../machines/freshness.ts";
import { hour, minute, now } from "./examples.ts";

/** How long before its end a token of this lifetime is renewed. */
function renewedAt(lifetimeMs: number, jitter: number): number | null {
  const at = renewAheadAt(now + lifetimeMs, now, jitter);
  return at === null ? null : lifetimeMs - (at - now);
}

describe("isFresh", () => {
  it("is true up to the last millisecond that still fulfils the demand", () => {
    assert.equal(defaultMinTtlMs, 30_000);
    assert.equal(isFresh(now + 30_000, now, 30_000), true);
    assert.equal(isFresh(now + 29_999, now, 30_000), false);
  });

  it("is never true of a dead token, whatever is demanded", () => {
    for (const minTtlMs of [0, -1, -hour]) {
      assert.equal(isFresh(now, now, minTtlMs), false);
      assert.equal(isFresh(now - 1, now, minTtlMs), false);
      assert.equal(isFresh(now + 1, now, minTtlMs), true);
    }
  });

  it("calls garbage not fresh", () => {
    for (const [expiresAt, at] of [
      [Number.NaN, now],
      [now, Number.NaN],
    ] as const)
      assert.equal(isFresh(expiresAt, at, 0), false);
  });
});

describe("renewAheadAt", () => {
  it("is 10 % early, at least 5 minutes, and 30 s of jitter earlier", () => {
    assert.equal(renewedAt(10 * hour, 0), hour);
    assert.equal(renewedAt(hour, 0), 6 * minute);
    assert.equal(renewedAt(30 * minute, 0), 5 * minute);
    assert.equal(renewedAt(hour, 1), 6 * minute + 30_000);
  });

  it("waits for the last 30 s of a short life, and leaves a very short one alone", () => {
    assert.equal(renewedAt(10 * minute, 0), 30_000);
    assert.equal(renewedAt(minute + 1_000, 1), 30_000);
    assert.equal(renewedAt(minute, 0), null);
    assert.equal(renewedAt(0, 0), null);
    assert.equal(renewedAt(-hour, 0), null);
  });

  it("lies within the token's life, and at least 30 s after its beginning", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 400 * 24 * hour }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (life, jitter) => {
          const at = renewAheadAt(now + life, now, jitter);
          if (at === null) assert.ok(life < minute + 1_000);
          else assert.ok(at - now > 30_000 && now + life - at >= 30_000);
        },
      ),
    );
  });
});
