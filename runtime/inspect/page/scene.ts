// What the page is told: plain data, allow-listed. No address, code or token is among it, and no member of a file as it was
// read. Times are epoch milliseconds.
import type { Grant } from "../../../providers/provider.ts";
import type { JournalRecord } from "../record.ts";

/** The state of all that is watched, at one moment. */
export interface Scene {
  readonly schema: 1;
  readonly now: number;
  readonly home: string;
  /** The process that serves the page. */
  readonly pid: number;
  readonly accounts: readonly SceneAccount[];
  /** Of those processes that the journal names lately: the ones still there. */
  readonly alive: readonly number[];
}

export interface SceneAccount {
  readonly provider: string;
  /** As the journal shows it (`shownAccount`). */
  readonly account: string;
  readonly grants: readonly Grant[];
  /** As `status` has it: what the facts say. */
  readonly state: string;
  readonly usable: "yes" | "no" | "unknown";
  readonly enabled: boolean;
  /** What wins, in words, as `status` prints it. */
  readonly source: string;
  readonly expiresAt: number | null;
  /** When it is next due by itself. */
  readonly nextTimerAt: number | null;
  readonly lastError: string | null;
  readonly nextCommand: string | null;
  readonly pending: { readonly attempt: string; readonly kind: Grant; readonly expiresAt: number | null } | null;
  /** Who holds a lock of this account, read without taking it. */
  readonly locks: readonly SceneLock[];
}

export interface SceneLock {
  /** As the lock is named beside the token files; `turn` is that of who serves a sign-in. */
  readonly lock: "lock" | "door" | "entrance" | "exchange" | "background" | "turn";
  /** Null: a process that has no number here. */
  readonly pid: number | null;
  /** Null: nobody noted it. */
  readonly since: number | null;
  readonly presence: "here" | "stopped" | "gone" | "unknown";
}

/** One message of the stream (server-sent event `news`). */
export interface News {
  /** All of it again, whenever any of it changed; at first always. */
  readonly scene?: Scene;
  /** New records, numbered from 0 in the order in which they were read. */
  readonly records?: readonly (JournalRecord & { readonly n: number })[];
}
