// Taking an account's lock, and waiting for it without holding anything up.
//
// Waiters come back at growing, uneven intervals: on a small machine those who ask all the time lengthen what they wait for.
// Nobody's lock is ever taken away; who has waited long enough says who holds it.
import { closeSync, fchmodSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AuthError } from "../../machines/errors.ts";
import { decodeHolder, type Holder } from "../store/evidence.ts";
import { readPrivate } from "../store/files.ts";
import type { AccountName } from "../store/names.ts";
import type { SpendStore } from "../store/spend.ts";
import { ourselves, presenceOf } from "./holder.ts";
import { type Lock, tryLock } from "./lock.ts";

/**
 * `lock`: who changes the account. `door`: who has a refresh done; a mere courtesy, so that not everybody starts one.
 * `entrance`: who decides whether a sign-in begins. `exchange`: who presents a code. `background`: the process that serves sign-ins for those that ended.
 */
export type LockName = "lock" | "door" | "entrance" | "exchange" | "background";

export interface Locks {
  /** Takes it if nobody has it. @throws AuthError `store_*` */
  readonly tryTake: (name: AccountName, which?: LockName) => Lock | null;
  /** Waits for it. @returns null when it was not to be had in time. @throws AuthError `store_*` */
  take(name: AccountName, patienceMs: number): Promise<Lock | null>;
  /** Whether nobody has it at this moment. @throws AuthError `store_*` */
  isFree(name: AccountName): boolean;
  /** Why it was not to be had, with who holds it, since when, and whether he is stopped. */
  busy(name: AccountName): AuthError;
}

export function createLocks(spend: Pick<SpendStore, "ensure">, now: () => number): Locks {
  const tryTake: Locks["tryTake"] = (name, which = "lock") => {
    const folder = spend.ensure(name);
    const lock = tryLock(join(folder, which), name);
    if (lock !== null && which === "lock") noteHolder(folder, now());
    return lock;
  };
  return {
    tryTake,
    take: async (name, patienceMs) => {
      for (const pause of pauses(patienceMs)) {
        const lock = tryTake(name);
        if (lock !== null) return lock;
        await setTimeout(pause);
      }
      return null;
    },
    isFree: (name) => {
      const lock = tryLock(join(spend.ensure(name), "lock"), name);
      lock?.release();
      return lock !== null;
    },
    busy: (name) => {
      const holder = holderIn(spend.ensure(name));
      return new AuthError("lock_busy", { ...name, detail: holder === null ? "unknown" : described(holder, now()) });
    },
  };
}

const firstPauseMs = 25;
const longestPauseMs = 250;

/** A machine with more to do than it can holds a try up for so long, and no longer. */
const longestTryMs = 1_000;

/**
 * How long to wait before each next try, until `patienceMs` are over by a clock that nobody sets. Time in which this process
 * was stopped, or its machine slept, is none in which it has waited. After the last pause there is another try.
 */
export function* pauses(patienceMs: number): Generator<number> {
  let left = patienceMs;
  for (let pause = firstPauseMs; left > 0; pause = Math.min(pause * 1.5, longestPauseMs)) {
    const begun = performance.now();
    yield pause * (0.5 + Math.random() / 2);
    left -= Math.min(performance.now() - begun, longestTryMs);
  }
  yield 0;
}

/** Best effort: it is for a message. Made anew each time: what somebody put in its place is not written to. */
function noteHolder(folder: string, at: number): void {
  const path = join(folder, "holder");
  try {
    rmSync(path, { force: true });
    const file = openSync(path, "wx", 0o600);
    try {
      fchmodSync(file, 0o600);
      writeSync(file, JSON.stringify(ourselves(at)));
    } finally {
      closeSync(file);
    }
  } catch {
    // A disk that takes nothing shows where it matters.
  }
}

/** Who took the lock of this folder last; null: nobody, or it is not known. */
export function holderIn(folder: string): Holder | null {
  try {
    const file = readPrivate(join(folder, "holder"), {});
    return file === null ? null : decodeHolder(file.text);
  } catch {
    return null;
  }
}

function described(holder: Holder, now: number): string {
  const words = { here: "", stopped: ", which is stopped", gone: ", which is gone", unknown: " of another system" };
  const seconds = Math.max(0, Math.round((now - holder.at) / 1000));
  return `process ${holder.pid}${words[presenceOf(holder)]}, for ${seconds} s`;
}
