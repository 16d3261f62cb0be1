// The properties in 20,000 sequences of deeds, over machines whose effects end at once.
import { describe } from "node:test";
import { commands } from "./layers.ts";
import { runs } from "./running.ts";

describe("the properties, whatever is done in whatever order,", () => {
  runs(commands, 20, 0.95);
});
