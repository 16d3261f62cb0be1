// Server-sent events, by the rules of the HTML standard, however the network cuts them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { eventReader } from "../../../runtime/wire/ask/events.ts";

function read(bytes: Uint8Array, cuts: readonly number[] = []): string[] {
  const reader = eventReader();
  const ends = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].toSorted((a, b) => a - b);
  let from = 0;
  return ends.flatMap((end) => {
    const found = reader.feed(bytes.subarray(from, end));
    from = end;
    assert.ok(found !== null);
    return found;
  });
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("events", () => {
  const cases: Readonly<Record<string, readonly [string, readonly string[]]>> = {
    "end with an empty line": ["data: one\n\ndata: two\n\n", ["one", "two"]],
    "may end lines in three ways": ["data: a\r\n\r\ndata: b\r\rdata: c\n\n", ["a", "b", "c"]],
    "may have several lines of data": ["data: a\ndata:b\ndata\n\n", ["a\nb\n"]],
    "lose one space only": ["data:  a\n\n", [" a"]],
    "may be named, which says nothing here": ["event: x\nid: 1\nretry: 5\ndata: a\n\n", ["a"]],
    "are none without data": ["event: x\n\n: a comment\n\n", []],
    "are none when they break off": ["data: a\n\ndata: b\n", ["a"]],
    "may follow a byte order mark": ["\u{FEFF}data: a\n\n", ["a"]],
    "may hold any character": ["data: żółw ✓ 🐢\n\n", ["żółw ✓ 🐢"]],
  };
  for (const [what, [stream, expected]] of Object.entries(cases)) {
    it(what, () => {
      assert.deepEqual(read(utf8(stream)), expected);
      const every = Array.from({ length: utf8(stream).length }, (_, index) => index);
      assert.deepEqual(read(utf8(stream), every), expected, "byte by byte");
    });
  }

  it("come out the same wherever the stream is cut", () => {
    const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n\u{FEFF}]/u.test(text) && text.isWellFormed());
    const end = fc.constantFrom("\n", "\r\n", "\r");
    fc.assert(
      fc.property(
        fc.array(fc.array(line, { minLength: 1, maxLength: 3 })),
        end,
        fc.array(fc.nat(500)),
        (list, stop, cuts) => {
          const stream = list.map((lines) => lines.map((text) => `data: ${text}${stop}`).join("") + stop).join("");
          assert.deepEqual(
            read(utf8(stream), cuts),
            list.map((lines) => lines.join("\n")),
          );
        },
      ),
    );
  });

  it("may be anything without harm", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300)), (bytes, cuts) => void read(bytes, cuts)),
    );
  });

  it("are not waited for when they grow without end, in one line or in many", () => {
    for (const chunk of ["x".repeat(65_536), `data: ${"x".repeat(65_000)}\n`]) {
      const reader = eventReader();
      reader.feed(utf8("data: "));
      let fed = 0;
      while (reader.feed(utf8(chunk)) !== null && fed < 40) fed += 1;
      assert.ok(fed < 20, `${fed} chunks were kept`);
      assert.equal(reader.feed(utf8("\n\n")), null, "and nothing more comes of it");
    }
  });
});
