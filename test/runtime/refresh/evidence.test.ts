// A seal is believed only as a whole and only about what it names; whatever else lies in its place is none. Nothing that
// somebody writes into these files throws: that they are there is what counts (refresh protocol, step 6 and recovery).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  decodeHolder,
  decodePermit,
  decodeSeal,
  encodePermit,
  encodeSeal,
  type Permit,
  type Sealed,
} from "../../../runtime/store/evidence.ts";
import type { Spent } from "../../../runtime/store/spend.ts";

const moments = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
const spents: fc.Arbitrary<Spent> = fc.record({
  lineage: fc.option(fc.string(), { nil: null }),
  generation: fc.nat(),
  of: fc.string(),
});
const seals = fc.record({
  attempt: fc.nat({ max: 1_000 }),
  status: fc.integer({ min: 200, max: 299 }),
  contentType: fc.option(fc.string(), { nil: null }),
  receivedAt: moments,
  issuer: fc.string(),
  clientId: fc.string(),
  // A body is text that came as UTF-8: whole characters.
  body: fc.string({ unit: "binary", maxLength: 300 }),
});
const rooms = fc.uint8Array({ maxLength: 400 });

/** As it lies in the room that was made for it: one character a byte, and what was there before behind it. */
function laid(spent: Spent, sealed: Sealed, room = new Uint8Array()): { bytes: string; length: number } {
  const seal = Buffer.from(encodeSeal(spent, sealed));
  const file = Buffer.from(room);
  const whole = Buffer.concat([seal, file.subarray(Math.min(seal.byteLength, file.byteLength))]);
  return { bytes: whole.toString("latin1"), length: seal.byteLength };
}

const sealOf = (spent: Spent, facts: Omit<Sealed, "of">): Sealed => ({ ...facts, of: spent.of });

describe("a seal", () => {
  it("says what was sealed, whatever the room held before", () => {
    fc.assert(
      fc.property(spents, seals, rooms, (spent, facts, room) => {
        const sealed = sealOf(spent, facts);
        assert.deepEqual(decodeSeal(laid(spent, sealed, room).bytes, spent, facts.attempt), sealed);
      }),
    );
  });

  it("that is cut off anywhere is none", () => {
    fc.assert(
      fc.property(spents, seals, fc.nat(), (spent, facts, at) => {
        const { bytes, length } = laid(spent, sealOf(spent, facts));
        assert.equal(decodeSeal(bytes.slice(0, at % length), spent, facts.attempt), null);
      }),
      { numRuns: 500 },
    );
  });

  it("of which only the beginning was written over the room is none", () => {
    fc.assert(
      fc.property(
        spents,
        seals,
        fc.uint8Array({ minLength: 2_000, maxLength: 4_000 }),
        fc.nat(),
        (spent, facts, room, at) => {
          const { bytes, length } = laid(spent, sealOf(spent, facts));
          const half = bytes.slice(0, at % length);
          const file = half + Buffer.from(room).toString("latin1").slice(half.length);
          fc.pre(file.slice(0, length) !== bytes);
          assert.equal(decodeSeal(file, spent, facts.attempt), null);
        },
      ),
    );
  });

  it("with a single other bit is none", () => {
    fc.assert(
      fc.property(spents, seals, rooms, fc.nat(), fc.nat({ max: 7 }), (spent, facts, room, at, bit) => {
        const { bytes, length } = laid(spent, sealOf(spent, facts), room);
        const file = Buffer.from(bytes, "latin1");
        file[at % length] = (file[at % length] ?? 0) ^ (1 << bit);
        assert.equal(decodeSeal(file.toString("latin1"), spent, facts.attempt), null);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is none for another lineage, generation, refresh token or attempt, under whatever name it lies", () => {
    const other = fc.record({ lineage: fc.string(), generation: fc.nat(), of: fc.string() }, { requiredKeys: [] });
    fc.assert(
      fc.property(spents, seals, other, fc.nat({ max: 1_000 }), (spent, facts, changes, attempt) => {
        const asked = { ...spent, ...changes };
        const isSame =
          asked.lineage === spent.lineage &&
          asked.generation === spent.generation &&
          asked.of === spent.of &&
          attempt === facts.attempt;
        const found = decodeSeal(laid(spent, sealOf(spent, facts)).bytes, asked, attempt);
        assert.equal(found !== null, isSame);
      }),
    );
  });

  it("whose digest is right and whose facts are anything else than facts is none", () => {
    const wrong = fc.constantFrom<[string, unknown]>(
      ["status", "200"],
      ["status", null],
      ["receivedAt", "now"],
      ["receivedAt", 1e300],
      ["receivedAt", {}],
      ["issuer", 1],
      ["issuer", undefined],
      ["clientId", ["x"]],
      ["attempt", "0/../../../elsewhere"],
      ["attempt", -1],
      ["of", null],
      ["of", {}],
    );
    fc.assert(
      fc.property(spents, seals, wrong, (spent, facts, [member, value]) => {
        const sealed = { ...sealOf(spent, facts), [member]: value } as Sealed;
        assert.equal(decodeSeal(laid(spent, sealed).bytes, spent, facts.attempt), null);
      }),
    );
  });
});

describe("whatever bytes lie there", () => {
  const spent: Spent = { lineage: "a", generation: 1, of: "b" };
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    fc.string({ unit: "binary" }),
    fc.json(),
    fc
      .array(fc.constantFrom("\n", "{", "}", "0".repeat(64), '"size":5', "[]", "null"), { maxLength: 9 })
      .map((parts) => parts.join("")),
  );

  it("they throw nothing, and are no seal", () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        assert.equal(decodeSeal(bytes, spent, 0), null);
      }),
      { numRuns: 2_000 },
    );
  });

  it("they are a permit, about which nothing is known", () => {
    fc.assert(
      fc.property(anything, fc.nat(), (bytes, attempt) => {
        const permit = decodePermit(bytes, attempt);
        assert.equal(permit.attempt, attempt);
        assert.equal(permit.ended, false);
      }),
      { numRuns: 2_000 },
    );
  });

  it("a holder in them is one that can be shown and asked after", () => {
    const value = fc.oneof(fc.anything({ withNullPrototype: false }), fc.integer(), fc.double(), fc.string());
    const holder = fc.record(
      { pid: value, startTicks: value, pidNamespace: value, bootId: value, uptimeMs: value, at: value },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(holder, value), value, value, (given, of, interrupted) => {
        const text = JSON.stringify({ v: 1, holder: given, of, interrupted }, (_, member: unknown) =>
          typeof member === "bigint" ? null : member,
        );
        const permit = decodePermit(text, 0);
        const again = decodeHolder(
          JSON.stringify(given, (_, member: unknown) => (typeof member === "bigint" ? null : member)) ?? "",
        );
        assert.deepEqual(permit.holder, again);
        assert.ok(Number.isSafeInteger(permit.interrupted) && permit.interrupted >= 0);
        assert.ok(permit.of === null || typeof permit.of === "string");
        if (permit.holder === null) return;
        assert.ok(Number.isSafeInteger(permit.holder.pid));
        assert.equal(typeof new Date(permit.holder.at).toISOString(), "string");
        for (const member of ["startTicks", "pidNamespace", "bootId"] as const)
          assert.ok(permit.holder[member] === null || typeof permit.holder[member] === "string");
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a permit", () => {
  it("says what was permitted, and to whom", () => {
    const permits: fc.Arbitrary<Permit> = fc.record({
      attempt: fc.nat({ max: 1_000 }),
      holder: fc.option(
        fc.record(
          {
            pid: fc.nat(),
            startTicks: fc.option(fc.string(), { nil: null }),
            pidNamespace: fc.option(fc.string(), { nil: null }),
            bootId: fc.option(fc.string(), { nil: null }),
            uptimeMs: fc.nat(),
            at: moments,
          },
          { noNullPrototype: true },
        ),
        { nil: null },
      ),
      of: fc.constant(null),
      ended: fc.boolean(),
      interrupted: fc.nat({ max: 5 }),
    });
    fc.assert(
      fc.property(spents, permits, (spent, permit) => {
        const text = Buffer.from(encodePermit(spent, permit)).toString("utf8");
        assert.deepEqual(decodePermit(text, permit.attempt), { ...permit, of: spent.of });
      }),
    );
  });
});
