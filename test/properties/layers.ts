// The two layers that run effects, as `npm test` and `npm run fuzz` know them.
import type { Layer } from "./batches.ts";
import { commandsCoverage, commandsProperty } from "./commands.ts";
import { interleavingsCoverage, interleavingsProperty } from "./interleavings.ts";

export const commands: Layer = {
  name: "commands",
  tries: "deeds in any order over machines whose effects end at once",
  coverage: commandsCoverage,
  property: commandsProperty,
  batch: 1_000,
};

export const interleavings: Layer = {
  name: "interleavings",
  tries: "deeds and promises in any order",
  coverage: interleavingsCoverage,
  property: interleavingsProperty,
  batch: 500,
};
