// The parts of `npm run fuzz`, in the order in which they run. Who adds one adds a line.
import { wire } from "../fuzz/part.ts";
import { partOf } from "./batches.ts";
import { commands, interleavings } from "./layers.ts";
import type { Part } from "./part.ts";
import { runtime } from "./runtime/part.ts";

export const parts: readonly Part[] = [partOf(commands), partOf(interleavings), wire, runtime];
