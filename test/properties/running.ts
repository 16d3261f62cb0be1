// A layer as a test: so many batches, whose seeds are told, and a floor for the share of transitions that they take.
import assert from "node:assert/strict";
import { it } from "node:test";
import { batch, type Layer } from "./batches.ts";
import { allTransitions, covered, unreachable } from "./coverage.ts";

/** The same in every run of the tests, so that they say the same twice; `npm run fuzz` draws others. */
const firstSeed = 20_261_123;

/** @param floor the least share of all transitions that there are, those included that no run can take */
export function runs(layer: Layer, batches: number, floor: number): void {
  for (let number = 0; number < batches; number += 1)
    it(`hold in ${layer.batch} runs (batch ${number + 1} of ${batches})`, async (t) => {
      const seed = firstSeed + number;
      t.diagnostic(`seed ${seed}`);
      assert.equal(await batch(layer, seed, layer.batch), null);
    });

  it(`take at least ${Math.round(floor * 100)} % of all transitions`, (t) => {
    const all = allTransitions();
    const { taken, missing } = covered(layer.coverage.taken);
    t.diagnostic(`${taken} of ${all.length} transitions, ${Object.keys(unreachable).length} cannot be taken`);
    for (const name of missing) t.diagnostic(`not taken: ${name}`);
    // What has become reachable is to be taken off the list of what is not.
    for (const name of Object.keys(unreachable)) {
      assert.ok(all.includes(name), `${name} is no transition`);
      assert.ok(!layer.coverage.taken.has(name), `${name} was taken after all`);
    }
    assert.ok(taken >= floor * all.length, missing.join("\n"));
  });
}
