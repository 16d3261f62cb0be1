// Small things that are pure: durations, numbers, a line's words, harmless text; and what is not loaded to say them.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { portIn, secondsIn } from "../../cli/numbers.ts";
import { shellWord } from "../../cli/output.ts";
import { plainText } from "../../cli/plain-text.ts";
import { isCi } from "../../cli/terminal.ts";
import { clock, moment, relative } from "../../cli/when.ts";
import { wordsOf } from "../../cli/words.ts";
import { surroundingsHere } from "../../runtime/index.ts";
import { House } from "./program.ts";

const minute = 60_000;

describe("durations", () => {
  it("are said in one unit, rounded down", () => {
    const said = [0, 999, 1000, 59_999, minute, 59.9 * minute, 60 * minute, 47.9 * 60 * minute, 48 * 60 * minute];
    assert.deepEqual(
      said.map((ms) => relative(ms, 0)),
      ["now", "now", "in 1 s", "in 59 s", "in 1 min", "in 59 min", "in 1 h", "in 47 h", "in 2 days"],
    );
    assert.equal(relative(0, 3 * 60 * minute), "3 h ago");
  });

  it("count like a clock", () => {
    assert.deepEqual([-5, 0, 65_000, 3_725_000].map(clock), ["0:00", "0:00", "1:05", "1:02:05"]);
  });

  it("name the year only when it is another", () => {
    const now = new Date(2026, 10, 23, 15, 8).getTime();
    assert.equal(moment(now + 52 * minute, now), "23 Nov 16:00 (in 52 min)");
    assert.equal(moment(new Date(2027, 0, 2, 3, 4).getTime(), now), "2 Jan 2027 03:04 (in 39 days)");
  });
});

describe("numbers", () => {
  it("are the plain decimals of their range, and their own text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (text) => {
        const port = portIn(text);
        if (port !== null) assert.ok(String(port) === text && port >= 1 && port <= 65_535);
        const ms = secondsIn(text, 0);
        if (ms !== null) assert.match(text, /^\d{1,9}$/);
      }),
    );
    assert.deepEqual([portIn("1"), portIn("65535"), secondsIn("090", 1), secondsIn("0", 1)], [1, 65_535, 90_000, null]);
  });
});

describe("words of a line", () => {
  it("hold together in quotes", () => {
    assert.deepEqual(wordsOf(`auth codex ask "two words" 'and "these"' x`), [
      "auth",
      "codex",
      "ask",
      "two words",
      'and "these"',
      "x",
    ]);
  });

  it("come back from a shell as they went in", () => {
    assert.equal(shellWord("plain/path-1.txt"), "plain/path-1.txt");
    assert.equal(shellWord("it's $HOME"), `'it'\\''s $HOME'`);
  });
});

it("text for a terminal holds nothing that a terminal obeys", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const plain = plainText(text);
      assert.doesNotMatch(plain, /[\u202A-\u202E\u2066-\u2069\u200B-\u200F\u2028\u2029]/);
      assert.doesNotMatch(plain.replaceAll(/[\n\t]/g, ""), /\p{Cc}/u);
    }),
  );
  assert.equal(plainText("ü\n\tx\u001B[31m"), "ü\n\tx[31m");
});

it("a variable says no to the command line where it does to the library", () => {
  const values = [undefined, "", "0", "false", "FALSE", "1", "true", "no", "00", " "];
  const here = values.map((CI) => isCi({ environment: { CI } }));
  const there = values.map((CI) => surroundingsHere({ CI }).some(({ name }) => name === "ci"));
  assert.deepEqual(here, there);
  assert.equal(here.filter((isSo) => isSo).length, 5);
});

it("help loads neither the machines nor the network", async () => {
  using house = new House();
  const folder = mkdtempSync(join(tmpdir(), "llxprt-loaded-"));
  try {
    await house.run("--help", { env: { NODE_V8_COVERAGE: folder } });
    const loaded = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
    assert.ok(
      loaded.some((text) => text.includes("cli/help.ts")),
      "it does see what is loaded",
    );
    assert.doesNotMatch(loaded.join("\n"), /node_modules\/(xstate|ky|undici|@clack)\/|runtime\/index\.ts/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
