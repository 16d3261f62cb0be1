// The worlds that are searched. One world with everything in it would be too large: what has no bearing on each other is
// looked at apart.
import { type Bounds, everything } from "./bounds.ts";

const calm = { powerLoss: false, removal: false, signIn: false, diskFaults: false, oddReplies: false } as const;

export interface Named {
  readonly says: string;
  readonly bounds: Bounds;
}

/** In the test command: a few seconds. */
export const small: Readonly<Record<string, Named>> = {
  everything: {
    says: "all that can happen to three processes and one refresh",
    bounds: { ...everything, generations: 1, attempts: 1 },
  },
  doubt: {
    says: "all that can happen to one process, and a repeat",
    bounds: { ...everything, processes: 1, generations: 1, signIn: false, diskFaults: false, removal: false },
  },
  forgiving: {
    says: "a server that forgives a repeat for a while",
    bounds: { ...everything, ...calm, processes: 2, generations: 1, attempts: 3, grace: "known" },
  },
  lasting: {
    says: "a server that forgives for ever",
    bounds: { ...everything, ...calm, processes: 2, generations: 1, grace: "lasting", powerLoss: true },
  },
  lying: {
    says: "a lock that everybody gets",
    bounds: { ...everything, ...calm, processes: 2, generations: 1, attempts: 1, lock: "lying", removal: true },
  },
};

/** In the command of its own. */
export const large: Readonly<Record<string, Named>> = {
  everything: { says: "all that can happen to two generations", bounds: everything },
  forgiving: {
    says: "a server that forgives a repeat for a while",
    bounds: {
      ...everything,
      generations: 1,
      attempts: 3,
      grace: "known",
      signIn: false,
      oddReplies: false,
      diskFaults: false,
    },
  },
  often: {
    says: "one that is presented again and again, forgiven and not",
    bounds: { ...everything, ...calm, generations: 1, attempts: 5, grace: "known" },
  },
  lasting: {
    says: "a server that forgives for ever",
    bounds: {
      ...everything,
      generations: 1,
      attempts: 3,
      grace: "lasting",
      signIn: false,
      oddReplies: false,
      diskFaults: false,
    },
  },
  lying: {
    says: "a lock that everybody gets",
    bounds: { ...everything, ...calm, generations: 1, attempts: 1, lock: "lying", removal: true },
  },
  "lying and doubtful": {
    says: "the same lock, and repeats",
    bounds: { ...everything, ...calm, processes: 2, generations: 1, lock: "lying", removal: true },
  },
  "lying and forgiving": {
    says: "the same lock, and a server that forgives for a while",
    bounds: { ...everything, ...calm, processes: 2, generations: 1, lock: "lying", grace: "known" },
  },
  "lying and dark": {
    says: "the same lock, and the current fails",
    bounds: {
      ...everything,
      ...calm,
      processes: 2,
      generations: 1,

      lock: "lying",
      powerLoss: true,
      diskFaults: true,
    },
  },
  "lying and moving": {
    says: "the same lock, more generations and another sign-in",
    bounds: { ...everything, ...calm, processes: 2, attempts: 1, lock: "lying", signIn: true },
  },
};
