// What is held and known on the way through the refresh protocol, and how it is noted: in the journal, and in the token file
// when nothing came of it. It lives as long as one run does; what must survive a crash is in files.
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import type { RefreshDemand } from "../../machines/life.ts";
import type { RefreshVerdict } from "../../machines/refresh.ts";
import type { Entry, Step, Word } from "../inspect/record.ts";
import type { Registration } from "../registration.ts";
import type { StoredCredential } from "../store/codec.ts";
import type { Permit, Sealed } from "../store/evidence.ts";
import type { AccountName } from "../store/names.ts";
import { type Spent, spentBy } from "../store/spend.ts";
import type { Wiring } from "../wiring.ts";
import { isSame } from "./answers.ts";
import type { Lock } from "./lock.ts";
import type { Presented } from "./presentation.ts";

export interface Way {
  /** Who asks has been refused by the API, or insists: the access token is of no use to him. */
  readonly forced: boolean;
  lock: Lock | null;
  credential: StoredCredential | null;
  /** Of the presentation that is in doubt. */
  doubted: Permit | null;
  /** Number of this presentation. */
  attempt: number;
  registration: Registration | null;
  presented: Presented | null;
  sealed: Sealed | null;
  /** Lets signals through again that were held up. */
  letGo: (() => void) | null;
}

export function beginning({ force }: Pick<RefreshDemand, "force">): Way {
  return {
    forced: force,
    lock: null,
    credential: null,
    doubted: null,
    attempt: 0,
    registration: null,
    presented: null,
    sealed: null,
    letGo: null,
  };
}

/** What is spent. */
export function spending({ credential }: Way): { readonly credential: StoredCredential; readonly spent: Spent } {
  const spent = credential === null ? null : spentBy(credential);
  if (credential === null || spent === null) throw new TypeError("nothing is spent before it was read");
  return { credential, spent };
}

export interface Noting {
  /** Writes a line of the journal. */
  readonly note: (step: Step, more?: Note) => void;
  /** The same for what would be the same line again and again. */
  readonly noteNews: (step: Step, more?: Note) => void;
  /** Changes the token file, if what is spent still stands there. That the disk does not take it is the lesser trouble. */
  readonly noted: (change: Change) => StoredCredential | null;
  /** The same, for a pause before the next try. */
  readonly paused: (code: ErrorCode, change: Change) => RefreshVerdict;
}

type Change = (before: StoredCredential) => StoredCredential;

interface Note {
  readonly code?: ErrorCode | null;
  /** The server's own. */
  readonly word?: string | null;
  readonly retryAt?: number | null;
  /** Of the process that was interrupted. */
  readonly permit?: Permit | null;
}

export function noting(way: Way, { store, journal }: Wiring, { provider, account }: AccountName): Noting {
  const entryOf = (step: Step, { permit, word, ...rest }: Note = {}): Entry => {
    const { lineage, generation } = spending(way).credential;
    const holder = permit?.holder ?? undefined;
    const known = word as Word | null | undefined;
    return { step, provider, account, lineage, generation, attempt: way.attempt, holder, word: known, ...rest };
  };
  const note: Noting["note"] = (step, more) => {
    journal.note(entryOf(step, more));
  };
  const noteNews: Noting["noteNews"] = (step, more) => {
    journal.noteNews(entryOf(step, more));
  };
  const noted: Noting["noted"] = (change) => {
    const { credential } = spending(way);
    try {
      return store.write({ provider, account }, (now) => (isSame(now, credential) ? change(now) : now));
    } catch (error) {
      if (error instanceof AuthError) return credential;
      throw error;
    }
  };
  const paused: Noting["paused"] = (code, change) => {
    const now = noted(change);
    if (now === null) return { kind: "signedOut", code: null };
    note("putOff", { code, retryAt: now.retry?.at ?? null });
    return { kind: "unavailable", code };
  };
  return { note, noteNews, noted, paused };
}
