// The real runtime over real files, with everything that is in truth beyond control under a scheduler's: when a request
// arrives, when its reply comes, when the clock goes on, and who dies meanwhile.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { playAll } from "./interleavings.ts";

/** INTERLEAVINGS_MS gives it more time, on a machine that has other work. */
const patienceMs = Number(process.env["INTERLEAVINGS_MS"] ?? 25_000);
/** What has to have happened, or nothing was tried. */
const expected = ["refreshes", "rotations", "tokens", "signedIn", "discarded", "loggedOut", "revocations"] as const;

describe("the runtime, several processes on one home", () => {
  it("spends once, forgets nothing, and stays logged out, whatever comes first", async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const counts = await playAll({ seed, numRuns: 500, interruptAfterTimeLimit: patienceMs });
    t.diagnostic(`seed ${seed}: ${[...counts].map((pair) => pair.join(" ")).join(", ")}`);
    for (const name of expected) assert.ok((counts.get(name) ?? 0) > 0, name);
  });
});
