// What goes wrong, and how soon, where one step of the protocol is left out: the check of the check.
import { type Bounds, everything, type Removable } from "./bounds.ts";

const quiet = { powerLoss: false, removal: false, signIn: false, diskFaults: false, oddReplies: false };
const calm: Bounds = { ...everything, ...quiet, processes: 1 };
const dark: Bounds = { ...calm, powerLoss: true };
const crowded: Bounds = { ...calm, processes: 2 };
const lying: Bounds = { ...crowded, lock: "lying", generations: 1 };
const forgiving: Bounds = { ...calm, grace: "known", generations: 1 };

export interface Missed {
  readonly without: Removable;
  readonly breaks: string;
  readonly bounds: Bounds;
  /** The shortest way to it. */
  readonly steps: number;
}

/** What goes wrong where a step is left out. The last one of each trace breaks the promise. */
export const missed: readonly Missed[] = [
  { without: "reread", breaks: "I1", bounds: crowded, steps: 25 },
  { without: "baseSync", breaks: "I3", bounds: { ...dark, diskFaults: true }, steps: 27 },
  { without: "permit", breaks: "I1", bounds: calm, steps: 14 },
  { without: "permit", breaks: "I2 one each", bounds: calm, steps: 14 },
  { without: "exclusive", breaks: "I1", bounds: lying, steps: 17 },
  { without: "recheck", breaks: "I1", bounds: lying, steps: 24 },
  { without: "recheck", breaks: "I2 free", bounds: forgiving, steps: 20 },
  { without: "keepPermits", breaks: "I1", bounds: calm, steps: 31 },
  { without: "noteFirst", breaks: "I2 one each", bounds: calm, steps: 33 },
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
