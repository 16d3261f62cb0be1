// The table of parts, in the order in which they run.
import { clock } from "./clock.ts";
import { contention } from "./contention.ts";
import { disk } from "./disk.ts";
import { foreign } from "./foreign.ts";
import { issuer } from "./issuer.ts";
import { commands, everything, graced } from "./killing.ts";
import { namespaces } from "./namespaces.ts";
import type { Part } from "./part.ts";
import { points, pointsGraced } from "./points.ts";
import { snapshots } from "./snapshots.ts";
import { stopped } from "./stopped.ts";

export const parts: readonly Part[] = [
  contention,
  commands,
  everything,
  graced,
  points,
  pointsGraced,
  disk,
  stopped,
  namespaces,
  foreign,
  clock,
  snapshots,
  issuer,
];
