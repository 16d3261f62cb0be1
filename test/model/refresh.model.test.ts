// The refresh protocol against everything that can happen to it, in a small world: `npm run model` searches the large ones.
// And the check itself: every transition of the chart is taken, and each step of the protocol is missed when it is left out.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { everything, removable } from "./bounds.ts";
import { descriptionOf, edges, eventNames, stateNames } from "./chart.ts";
import { invariants } from "./invariants.ts";
import { missed } from "./missed.ts";
import { search } from "./search.ts";
import { transitionOf } from "./acting.ts";
import { createSteps } from "./steps.ts";
import { createWorld } from "./world.ts";
import { small } from "./worlds.ts";

describe("the model", () => {
  const taken = new Uint32Array(stateNames.length * eventNames.length);

  it("does something in every state of the chart, and in no other", () => {
    const steps = createSteps(createWorld(everything), () => undefined, taken);
    assert.deepEqual([...Object.keys(steps), "done"].toSorted(), [...stateNames].toSorted());
  });

  it("goes by a chart that describes each of its states", () => {
    for (const name of stateNames) assert.match(descriptionOf(name), /^[A-Z].*\.$/, name);
  });

  for (const [name, { says, bounds }] of Object.entries(small))
    it(`keeps every promise: ${name}, ${says}`, () => {
      const found = search(bounds);
      assert.equal(found.broken, null, found.broken?.trace.join("\n"));
      assert.ok(found.isWhole);
      assert.ok(found.states > 1_000);
      for (const [index, count] of found.taken.entries()) taken[index] = (taken[index] as number) + count;
    });

  it("takes every transition of the chart, and with them reaches every state", () => {
    const never = edges.filter(
      ({ from, event }) => taken[transitionOf(stateNames.indexOf(from), eventNames.indexOf(event))] === 0,
    );
    assert.deepEqual(never, []);
    assert.ok(edges.length > 40);
    const reached = new Set(["locking", ...edges.map(({ to }) => to)]);
    assert.deepEqual(
      stateNames.filter((name) => !reached.has(name)),
      [],
    );
  });
});

describe("the check notices when nobody does this any more:", () => {
  for (const { without, breaks, bounds, steps } of missed)
    it(`${removable[without]} (${breaks})`, (t) => {
      const { broken } = search({ ...bounds, without: new Set([without]) }, 2_000_000, [breaks]);
      assert.equal(broken?.name, breaks);
      assert.equal(broken.trace.length, steps);
      t.diagnostic(broken.trace.map((step, index) => `${index + 1}. ${step}`).join("\n"));
    });

  it("and every step that can be left out is one of these", () => {
    assert.deepEqual(
      Object.keys(removable).filter((step) => !missed.some(({ without }) => without === step)),
      [],
    );
  });

  it("and every promise can be broken", () => {
    const promises = [...invariants.map(({ name }) => name), "no wedge"];
    assert.deepEqual(
      promises.filter((name) => !missed.some(({ breaks }) => breaks === name)),
      [],
    );
  });
});
