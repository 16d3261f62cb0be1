// No rule goes without a test: each has one that it holds and one that its breach is refused. And docs/conformance.md says
// what is tested now.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { ids } from "./ids.ts";
import { titles } from "./page.ts";
import { declarations } from "./declarations.ts";

const declared = await declarations();
const root = new URL("../../", import.meta.url);

describe("the rules", () => {
  it("are all declared, once", () => {
    const all = declared.map(({ id }) => id);
    assert.deepEqual([...new Set(all)], all);
    assert.deepEqual(all.toSorted(), [...ids].toSorted());
  });

  for (const { id, holds, refuses, also } of declared)
    it(`${id} has what shows it`, () => {
      assert.ok(holds.length > 0 && refuses.length > 0, "one test that holds, one that refuses");
      for (const { file, words } of also)
        assert.ok(readFileSync(new URL(file, root), "utf8").includes(words), `${file} has: ${words}`);
    });

  it("are tested in files whose names end so that they are run", () => {
    const files = readdirSync(import.meta.dirname).filter((name) => /\brule\(\{/.test(read(name)));
    assert.deepEqual(
      files.filter((name) => !name.endsWith(".test.ts")),
      [],
    );
  });
});

describe("docs/conformance.md", () => {
  it("lists what is tested now (npm run conformance)", () => {
    const page = readFileSync(new URL("docs/conformance.md", root), "utf8");
    for (const title of titles(declared)) assert.ok(page.includes(title), title);
  });
});

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}
