// The table of parts, in the order in which they run.
import { contention } from "./contention.ts";
import { commands, everything, graced } from "./killing.ts";
import type { Part } from "./part.ts";

export const parts: readonly Part[] = [contention, commands, everything, graced];
