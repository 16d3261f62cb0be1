// The refresh protocol against everything that can happen to it, in a small world: `npm run model` searches the large ones.
// And the check itself: every transition of the chart is taken, and each step of the protocol is missed when it is left out.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Bounds, everything, type Removable, removable } from "./bounds.ts";
import { descriptionOf, edges, eventNames, stateNames } from "./chart.ts";
import { invariants } from "./invariants.ts";
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

const quiet = { powerLoss: false, removal: false, signIn: false, diskFaults: false, oddReplies: false };
const calm: Bounds = { ...everything, ...quiet, processes: 1 };
const dark: Bounds = { ...calm, powerLoss: true };
const crowded: Bounds = { ...calm, processes: 2 };
const lying: Bounds = { ...crowded, lock: "lying", generations: 1 };
const forgiving: Bounds = { ...calm, grace: "known", generations: 1 };

interface Missed {
  readonly without: Removable;
  readonly breaks: string;
  readonly bounds: Bounds;
  /** The shortest way to it. */
  readonly steps: number;
}

/** What goes wrong where a step is left out. The last one of each trace breaks the promise. */
const missed: readonly Missed[] = [
  { without: "reread", breaks: "I1", bounds: crowded, steps: 24 },
  { without: "baseSync", breaks: "I3", bounds: { ...dark, diskFaults: true }, steps: 27 },
  { without: "permit", breaks: "I1", bounds: calm, steps: 13 },
  { without: "permit", breaks: "I2 one each", bounds: calm, steps: 13 },
  { without: "keepRoom", breaks: "I3", bounds: lying, steps: 15 },
  { without: "exclusive", breaks: "I1", bounds: lying, steps: 16 },
  { without: "recheck", breaks: "I1", bounds: lying, steps: 23 },
  { without: "recheck", breaks: "I2 free", bounds: forgiving, steps: 20 },
  { without: "keepPermits", breaks: "I1", bounds: calm, steps: 30 },
  { without: "keepRefused", breaks: "I1", bounds: { ...lying, processes: 3 }, steps: 32 },
  { without: "seal", breaks: "loss", bounds: calm, steps: 12 },
  { without: "sealSync", breaks: "loss", bounds: dark, steps: 12 },
  { without: "unseal", breaks: "no wedge", bounds: { ...calm, oddReplies: true, generations: 1 }, steps: 9 },
  { without: "folderSync", breaks: "I1", bounds: dark, steps: 17 },
  { without: "folderSync", breaks: "loss", bounds: dark, steps: 13 },
  { without: "parentSync", breaks: "I1", bounds: dark, steps: 17 },
  { without: "fileSync", breaks: "loss", bounds: dark, steps: 14 },
  { without: "renameSync", breaks: "loss", bounds: dark, steps: 16 },
  { without: "removalSync", breaks: "I1", bounds: { ...dark, removal: true }, steps: 25 },
  { without: "baseCheck", breaks: "I10", bounds: { ...calm, removal: true }, steps: 14 },
  { without: "oneMoment", breaks: "I10", bounds: { ...calm, removal: true }, steps: 15 },
  { without: "lineage", breaks: "I10", bounds: { ...calm, signIn: true }, steps: 12 },
  { without: "doubt", breaks: "I2 free", bounds: calm, steps: 14 },
  { without: "firstAge", breaks: "I2 free", bounds: { ...forgiving, attempts: 3 }, steps: 27 },
  { without: "ownFiles", breaks: "I1", bounds: { ...lying, signIn: true, attempts: 1 }, steps: 33 },
  { without: "kernelLock", breaks: "I6", bounds: crowded, steps: 8 },
  { without: "kernelLock", breaks: "I2 doubt", bounds: crowded, steps: 16 },
];

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
