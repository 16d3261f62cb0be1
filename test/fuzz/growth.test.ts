// No parser does more than so much for each byte, and none does more for a byte because there are more of them (T34). What is
// counted are steps of ours and characters handed to what is built in; time is looked at in the long run only.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Counter, openCounter } from "./growth.ts";
import { parsers, units } from "./lengthy.ts";

const few = 1_000;
const times = 8;
/** A parser looks at its text more than once, and some are given it in five places. */
const mostPerByte = 250;
const besides = 4_000;

const quadratic = (text: string): unknown => Array.from(text, (_, index) => text.slice(index));

describe("the work of", () => {
  let counter: Counter;
  before(async () => {
    counter = await openCounter();
  });
  after(() => {
    counter.close();
  });

  it("what grows with the square is seen: else nothing would be", async () => {
    const [small, large] = [
      await counter.of(() => quadratic("x".repeat(few))),
      await counter.of(() => quadratic("x".repeat(few * times))),
    ];
    assert.ok(large > small * times * 2);
  });

  for (const [name, parse] of Object.entries(parsers))
    it(`${name} grows with its text, and no faster`, async () => {
      for (const unit of units) {
        const text = unit.repeat(few / unit.length);
        parse(text);
        const small = await counter.of(() => parse(text));
        const large = await counter.of(() => parse(text.repeat(times)));
        const what = `${JSON.stringify(unit)}: ${small} for ${text.length}, ${large} for ${text.length * times}`;
        assert.ok(large <= small * times * 1.3 + besides, what);
        assert.ok(large <= text.length * times * mostPerByte + besides, what);
      }
    });
});
