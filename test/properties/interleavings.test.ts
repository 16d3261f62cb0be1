// The properties in 5,000 orders of deeds and of what they set in motion, over effects that are promises.
import { describe } from "node:test";
import { interleavings } from "./layers.ts";
import { runs } from "./running.ts";

describe("the properties, whoever overtakes whom,", () => {
  runs(interleavings, 10, 0.85);
});
