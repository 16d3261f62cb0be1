// How large the world of the check is, what may happen in it, and what the protocol may be robbed of to see that it is missed.

/** Steps and rules that can be left out, and what then is no longer done. */
export const removable = {
  reread: "read everything again under the lock",
  baseSync: "wait until the token file that is spent is on the disk itself",
  permit: "write a permit before the request",
  exclusive: "make the permit's name exclusively",
  recheck: "look once more when the permit stands: at the token file, and at the doubt",
  keepPermits: "keep the permits of earlier presentations until their generation is over",
  noteFirst: "keep the permit of a presentation that was refused, until the refusal is noted",
  seal: "seal the reply before it is read",
  sealSync: "wait until the seal is on the disk",
  unseal: "take the seal off a reply that was none",
  folderSync: "wait until the names of permit and room are on the disk",
  parentSync: "wait until the name of the folder itself is on the disk",
  fileSync: "wait until the new token file's content is on the disk",
  renameSync: "wait until the token file's new name is on the disk, before the seal is removed",
  removalSync: "wait until the removal of the token file is on the disk, before what belongs to it goes",
  baseCheck: "write the token file only where what was spent still stands",
  oneMoment: "look at the token file and replace it in one moment",
  lineage: "match a seal by the sign-in too, not by the generation alone",
  doubt: "weigh before repeating",
  firstAge: "measure the server's forgiveness from the first presentation",
  ownFiles: "remove only files of the sign-in that is given up",
  kernelLock: "leave the lock with a live holder, however old",
} as const;

export type Removable = keyof typeof removable;

export interface Bounds {
  readonly processes: number;
  /** How often one login can be renewed. */
  readonly generations: number;
  /** Permits for one refresh token. */
  readonly attempts: number;
  /** `known`: forgiven for a while, then not; `lasting`: always. */
  readonly grace: "none" | "known" | "lasting";
  /** `kernel`: excludes, and is released by death. `lying`: everybody gets it. */
  readonly lock: "kernel" | "lying";
  readonly powerLoss: boolean;
  /** `rm` and logout. */
  readonly removal: boolean;
  /** One more sign-in, also by a program that knows no lock. */
  readonly signIn: boolean;
  /** The disk refuses any write. */
  readonly diskFaults: boolean;
  /** Successes that are none: a refusal, an error page, something that cannot be read. */
  readonly oddReplies: boolean;
  readonly without: ReadonlySet<Removable>;
}

export const everything: Bounds = {
  processes: 3,
  generations: 2,
  attempts: 2,
  grace: "none",
  lock: "kernel",
  powerLoss: true,
  removal: true,
  signIn: true,
  diskFaults: true,
  oddReplies: true,
  without: new Set(),
};
