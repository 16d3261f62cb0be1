// That `npm run removals` could be run: every text to remove stands in the sources, once, and every test is there. Whether
// the tests notice is seen by running it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { rows } from "./rows.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");

describe("a rule that can be removed", () => {
  for (const { rule, edits, noticedBy } of rows) {
    it(`${rule}: by texts that stand in the sources once`, () => {
      assert.ok(edits.length > 0);
      for (const { file, text, by } of edits) {
        assert.equal(read(file).split(text).length, 2, `${file}: ${text}`);
        assert.notEqual(text, by);
      }
    });

    it(`${rule}: is named with tests that are there`, () => {
      assert.ok(noticedBy.length > 0);
      for (const { file, title } of noticedBy) assert.ok(read(file).includes(`"${title}"`), `${file}: ${title}`);
    });
  }

  it("is told with its result", () => {
    const page = read("docs/reliability.md");
    for (const { rule } of rows) assert.ok(page.includes(`\n| ${rule} | `), rule);
  });

  it("is each rule of its own", () => {
    assert.equal(new Set(rows.map(({ rule }) => rule)).size, rows.length);
  });
});
