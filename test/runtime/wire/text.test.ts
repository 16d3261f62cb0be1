import assert from "node:assert/strict";
import { describe, it } from "node:test";

import * as fc from "fast-check";

import { isVschars, oauthErrorCode, printable } from "../../../runtime/wire/text.ts";
import { cpuMs } from "../../support/cpu.ts";

describe("text for a terminal (T28)", () => {
  it("keeps what people write", () => {
    for (const text of ["me@example.com", "Zoë Müller", "山田 太郎", "O'Neil & Söhne <x>", "€ 5 + 🙂"]) {
      assert.equal(printable(text), text);
    }
    assert.equal(printable("Zoe\u0308"), "Zoë");
  });

  it("is one line without anything that moves, hides, colours or copies", () => {
    for (const [text, shown] of [
      ["a\u001B[31mb", "a [31mb"],
      ["a\u009B2Jb", "a 2Jb"],
      ["a\r\nb\tc", "a b c"],
      ["a\u2028b\u2029c\u0085d", "a b c d"],
      ["\u001B]52;c;cm0=\u0007x", "]52;c;cm0= x"],
      ["\u001B]8;;https://evil\u001B\\y", "]8;;https://evil \\y"],
      ["a\u202Eb\u2066c", "abc"],
      ["a\u200Bb\u{FEFF}c\u00ADd", "abcd"],
      ["z\u0336\u0337\u0338a", "za"],
      ["a\u3164\u115Fb", "a b"],
      ["\u0000\u0007", ""],
      ["  a  ", "a"],
      ["\uD800x", "x"],
      ["\u{E0041}x", "x"],
    ] as const) {
      assert.equal(printable(text), shown, JSON.stringify(text));
    }
  });

  it("is at most as wide as asked", () => {
    assert.equal(printable("x".repeat(300), 10), "xxxxxxxxx…");
    assert.equal(printable("xxxxxxxxx", 10), "xxxxxxxxx");
    assert.equal(printable("山".repeat(300), 10), "山山山山…");
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 500 }), fc.integer({ min: 1, max: 80 }), (text, max) => {
        const line = printable(text, max);
        const width = Array.from(line).reduce(
          (sum, each) => sum + ((each.codePointAt(0) ?? 0) >= 0x11_00 && each !== "…" ? 2 : 1),
          0,
        );
        assert.ok(width <= max);
        assert.doesNotMatch(line, /\p{C}|\p{Zl}|\p{Zp}|\p{M}| {2}|^ | $/u);
        assert.equal(printable(line, max), line);
      }),
    );
  });

  it("takes no time over a megabyte (T34)", () => {
    for (const junk of ["\u001B", "e\u0301", "\u0301", " ", "\u200B", "x"]) {
      const text = junk.repeat(1_048_576 / junk.length);
      const spent = cpuMs(() => {
        printable(text);
        oauthErrorCode(text);
      });
      assert.ok(spent < 1_000, JSON.stringify(junk));
    }
  });
});

describe("an error code (RFC 6749 5.2)", () => {
  it("has the characters that it may have, and is not long", () => {
    assert.equal(oauthErrorCode("invalid_grant"), "invalid_grant");
    assert.equal(oauthErrorCode("odd code!"), "odd code!");
    assert.equal(oauthErrorCode('a"b\\c\u001B[2J\nü'), "abc[2J");
    assert.equal(oauthErrorCode("x".repeat(5000))?.length, 100);
    for (const none of ["", "\u0000", '"', " ", undefined, null, 400, {}, ["x"]])
      assert.equal(oauthErrorCode(none), null);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.match(oauthErrorCode(text) ?? "x", /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}$/);
      }),
    );
  });
});

describe("VSCHAR", () => {
  it("is visible ASCII and the space, at least one", () => {
    assert.ok(isVschars("a b~!"));
    for (const bad of ["", "\u001F", "\u007F", "é", "a\n", 5, null]) assert.ok(!isVschars(bad));
  });
});
