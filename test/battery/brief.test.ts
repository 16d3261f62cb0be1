// Each part of the battery in its short form, on the built program, so that the ordinary test command notices when a bound
// breaks. The sizes that mean something are run by `npm run battery`.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parts } from "./parts.ts";

const seed = 7;

// Most of the time they wait for something to end.
describe("the battery, in short", { concurrency: 3 }, () => {
  for (const { name, shows, brief, run } of parts)
    it(`${name}: ${shows}`, async () => {
      const { broken } = await run(brief, { seed, isTimed: false, say: () => undefined });
      assert.deepEqual(broken, []);
    });
});
