// The journal is followed whole and in order, each record once, while others write, rotate, tear and empty it; and it never
// fails, nor grows here without end.
import assert from "node:assert/strict";
import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createJournal, rotatedIn } from "../../../runtime/inspect/journal.ts";
import { createTail, type Tail } from "../../../runtime/inspect/page/tail.ts";
import { lineOf } from "../../../runtime/inspect/record.ts";
import { Home, type Json } from "../../support/home.ts";

const line = (generation: number, pid = process.pid): string =>
  `${lineOf({ step: "checkpointed", provider: "codex", account: "default", generation }, 1_700_000_000_000, pid)}\n`;
const told = (tail: Tail, from = 0): Json[] => tail.from(from).map((text) => JSON.parse(text) as Json);
const generations = (tail: Tail, from = 0): number[] => told(tail, from).map(({ generation }) => generation as number);

function followed(): { home: Home; tail: Tail; write: (text: string) => void; [Symbol.dispose](): void } {
  const home = new Home();
  mkdirSync(home.paths.oauth, { recursive: true, mode: 0o700 });
  return {
    home,
    tail: createTail(home.paths),
    write: (text) => appendFileSync(home.paths.journal, text, { mode: 0o600 }),
    [Symbol.dispose]: () => home[Symbol.dispose](),
  };
}

describe("following the journal", () => {
  it("reads the rotated files and the current one, in their order, and then what comes behind", () => {
    using one = followed();
    writeFileSync(join(one.home.paths.oauth, "journal-000002-00000000.jsonl"), line(1));
    writeFileSync(join(one.home.paths.oauth, "journal-000001-00000000.jsonl"), line(0));
    one.write(line(2));
    one.tail.read();
    assert.deepEqual(
      told(one.tail).map(({ n, generation }) => [n, generation]),
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    );
    one.write(line(3) + line(4));
    one.tail.read();
    one.tail.read();
    assert.deepEqual([one.tail.count, generations(one.tail, 3)], [5, [3, 4]]);
  });

  it("finds nothing where there is nothing, and follows what comes there", () => {
    using home = new Home();
    const tail = createTail(home.paths);
    tail.read();
    assert.equal(tail.count, 0);
    createJournal(home.paths.journal, home.now).note({ step: "enabled", provider: "codex", account: "default" });
    tail.read();
    assert.equal(tail.count, 1);
  });

  it("goes on with a file that was rotated, also when something is written to it afterwards, and misses none between", () => {
    using one = followed();
    const { journal, oauth } = one.home.paths;
    one.write(line(0));
    one.tail.read();
    one.write(line(1));
    const first = join(oauth, "journal-000001-00000000.jsonl");
    renameSync(journal, first);
    one.write(line(2));
    renameSync(journal, join(oauth, "journal-000002-00000000.jsonl"));
    one.write(line(3));
    one.tail.read();
    assert.deepEqual(generations(one.tail), [0, 1, 2, 3]);
    appendFileSync(first, line(4));
    one.tail.read();
    assert.deepEqual(generations(one.tail, 4), [4]);
  });

  it("tells nothing twice of a file that had no name for a moment", () => {
    using one = followed();
    const { journal, home } = one.home.paths;
    one.write(line(0));
    one.tail.read();
    renameSync(journal, join(home, "elsewhere"));
    one.tail.read();
    renameSync(join(home, "elsewhere"), join(one.home.paths.oauth, "journal-000001-00000000.jsonl"));
    one.tail.read();
    assert.deepEqual(generations(one.tail), [0]);
  });

  it("waits for the end of a line, takes a record that never gets one, and passes over what is none", () => {
    using one = followed();
    const text = line(0);
    one.write(text.slice(0, 20));
    one.tail.read();
    assert.equal(one.tail.count, 0);
    one.write(text.slice(20));
    one.tail.read();
    one.write(line(1).trimEnd());
    one.tail.read();
    assert.equal(one.tail.count, 2);
    one.write(`\n${line(2).slice(0, 30)}\nnoise\n{"v":2}\n${line(3)}`);
    one.tail.read();
    assert.deepEqual(generations(one.tail), [0, 1, 3]);
  });

  it("begins anew with a file that was emptied, or removed and made again", () => {
    using one = followed();
    one.write(line(0) + line(1));
    one.tail.read();
    truncateSync(one.home.paths.journal);
    one.write(line(2));
    one.tail.read();
    assert.deepEqual(generations(one.tail), [0, 1, 2]);
    rmSync(one.home.paths.journal);
    one.write(line(3) + line(4) + line(5));
    one.tail.read();
    assert.deepEqual(generations(one.tail, 3), [3, 4, 5]);
  });

  it("is not led astray by what somebody put in its place", () => {
    using one = followed();
    mkdirSync(one.home.paths.journal);
    one.tail.read();
    rmSync(one.home.paths.journal, { recursive: true });
    const other = join(one.home.userHome, "other");
    writeFileSync(other, line(0));
    one.write(line(1));
    // Two names of one file are one file.
    linkSync(one.home.paths.journal, join(one.home.paths.oauth, "journal-000001-00000000.jsonl"));
    one.tail.read();
    assert.deepEqual(generations(one.tail), [1]);
  });

  it("keeps the newest only, under the numbers that they had", () => {
    using one = followed();
    for (let file = 0; file < 3; file += 1)
      writeFileSync(
        join(one.home.paths.oauth, `journal-00000${file + 1}-00000000.jsonl`),
        Array.from({ length: 8_000 }, (_, index) => line(file * 8_000 + index)).join(""),
      );
    one.tail.read();
    assert.equal(one.tail.count, 24_000);
    const kept = told(one.tail);
    assert.equal(kept.length, 20_000);
    assert.deepEqual([kept[0]?.["n"], kept[0]?.["generation"]], [4_000, 4_000]);
    assert.deepEqual(generations(one.tail, 23_998), [23_998, 23_999]);
    assert.equal(one.tail.from(3).length, 20_000);
  });

  it("knows who wrote lately, and when last", () => {
    using one = followed();
    one.write(Array.from({ length: 600 }, (_, index) => line(index, 1_000 + index)).join(""));
    one.write(line(0, 1_100));
    one.tail.read();
    assert.equal(one.tail.writers.size, 500);
    assert.equal([...one.tail.writers.keys()].at(-1), 1_100);
    assert.ok(one.tail.writers.has(1_599) && !one.tail.writers.has(1_000));
    assert.equal(one.tail.writers.get(1_599), 1_700_000_000_000);
  });

  it("tells every record once, however it is cut into writes, rotations and looks", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constant("rotate"), fc.constant("look")), {
          maxLength: 40,
        }),
        (actions) => {
          using one = followed();
          const text = Array.from({ length: 30 }, (_, index) => line(index)).join("");
          let written = 0;
          for (const action of actions) {
            if (action === "look") one.tail.read();
            else if (action === "rotate") {
              // Whoever rotates does so between lines.
              if (text[written - 1] !== "\n" || rotatedIn(one.home.paths.oauth).length > 8) continue;
              const name = `journal-${String(rotatedIn(one.home.paths.oauth).length + 1).padStart(6, "0")}-00000000.jsonl`;
              try {
                renameSync(one.home.paths.journal, join(one.home.paths.oauth, name));
              } catch {
                continue;
              }
            } else {
              one.write(text.slice(written, written + action));
              written = Math.min(text.length, written + action);
            }
          }
          one.tail.read();
          const whole = text
            .slice(0, written)
            .split("\n")
            .filter((found) => found.endsWith("}")).length;
          assert.deepEqual(
            generations(one.tail),
            Array.from({ length: whole }, (_, index) => index),
          );
        },
      ),
      { numRuns: 100 },
    );
  });
});
