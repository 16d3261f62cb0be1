// Whose turn it is to serve a sign-in: of all processes that wait for it one listens or polls, by a lock that the kernel
// gives back when its holder dies, whatever killed it. Who finds it free goes on in the place of who is gone.
//
// Each attempt has a lock of its own. Its file goes after the record and never before: whoever gets a lock then finds
// that there is nothing left to serve, so that a second file of that name does no harm.
import { join } from "node:path";
import { type Lock, tryLock } from "../refresh/lock.ts";
import { removeIfPossible } from "../store/durable.ts";
import { listFolder } from "../store/folders.ts";
import type { AccountName, Paths } from "../store/names.ts";
import type { PendingStore } from "../store/pending.ts";
import type { SpendStore } from "../store/spend.ts";
import { lookAt } from "../store/trust.ts";

export interface Turns {
  /** Takes the turn if nobody has it. @returns whether this process serves the attempt now. @throws AuthError `store_*` */
  take(name: AccountName, attempt: string): boolean;
  /** Whether this process serves the attempt. */
  has(attempt: string): boolean;
  /** Gives the turn back; nothing, when it is somebody else's. */
  give(name: AccountName, attempt: string): void;
  /** Removes what processes left that were killed before their attempt had a record. */
  sweep(name: AccountName): void;
}

const certainlyDeadMs = 3_600_000;

export function createTurns(
  paths: Paths,
  spend: Pick<SpendStore, "ensure">,
  pending: Pick<PendingStore, "has">,
): Turns {
  const taken = new Map<string, Lock>();
  return {
    take: (name, attempt) => {
      if (taken.has(attempt)) return true;
      spend.ensure(name);
      const lock = tryLock(paths.turn(name, attempt), name);
      if (lock !== null) taken.set(attempt, lock);
      return lock !== null;
    },
    has: (attempt) => taken.has(attempt),
    give: (name, attempt) => {
      taken.get(attempt)?.release();
      if (taken.delete(attempt) && !pending.has(name, attempt)) removeIfPossible(paths.turn(name, attempt));
    },
    sweep: (name) => {
      const ending = paths.turn(name, "").slice(paths.spend(name).length + 1);
      for (const file of listFolder(paths.spend(name))) {
        const path = join(paths.spend(name), file);
        if (!file.endsWith(ending) || pending.has(name, file.slice(0, -ending.length))) continue;
        const bornAt = lookAt(path, name)?.mtimeMs ?? Date.now();
        if (Date.now() - bornAt > certainlyDeadMs) removeIfPossible(path);
      }
    },
  };
}
