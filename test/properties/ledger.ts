// What happened in a world, as facts that the invariants read. Whoever does something writes it down here and judges nothing.
import type { StoredCredential } from "../../runtime/store/codec.ts";

/** What a reader of an account sees. */
export interface Sight {
  readonly lineage: string | null;
  readonly generation: number;
  readonly isRenewable: boolean;
  readonly credential: StoredCredential;
}

export type Fact =
  /** What a reader sees has changed. `by`: the name of the step. */
  | {
      readonly kind: "seen";
      readonly account: string;
      readonly by: string;
      readonly before: Sight | null;
      readonly after: Sight | null;
    }
  /** A refresh token was presented. */
  | {
      readonly kind: "presented";
      readonly account: string;
      readonly token: string;
      readonly attempt: number;
      /** Earlier presentations of the same token whose process lives and still waits for the reply. */
      readonly awaited: number;
      /** A newer one had taken its place already, and that is on nobody's way any more. */
      readonly isSpent: boolean;
    }
  /** The tokens of a sign-in became a login. `isWanted`: its record had not been removed before. */
  | { readonly kind: "stored"; readonly account: string; readonly attempt: string; readonly isWanted: boolean }
  /** A person was told that the login is gone. */
  | { readonly kind: "loggedOut"; readonly account: string; readonly isGone: boolean }
  /** A process has begun; `effects`: what its machine started before anything else happened. */
  | { readonly kind: "started"; readonly isRestored: boolean; readonly effects: readonly string[] }
  /** A poll was sent, and by its attempt's last reply it was due at `dueAt`. */
  | { readonly kind: "polled"; readonly attempt: string; readonly at: number; readonly dueAt: number }
  /** Pasted text was judged. `wanted`: the code that is in it, if it belongs to a sign-in that waits; `sent`: what goes out. */
  | { readonly kind: "pasted"; readonly wanted: string | null; readonly sent: string | null }
  /** The clock was set some times, and everybody had gone on each time, while hardly any time passed. */
  | {
      readonly kind: "swung";
      readonly steps: number;
      readonly requests: ReadonlyMap<string, number>;
      readonly isOftenAllowed: boolean;
    }
  /** Text that left an actor: a snapshot that was saved, an output, an event. */
  | { readonly kind: "told"; readonly where: string; readonly text: string }
  /** A request for tokens, whatever the grant. */
  | { readonly kind: "request"; readonly account: string; readonly purpose: "code" | "refresh" | "poll" | "device" };

export interface Ledger {
  readonly note: (fact: Fact) => void;
  /** What was noted since this was last asked. */
  readonly news: () => readonly Fact[];
}

export function createLedger(): Ledger {
  let facts: Fact[] = [];
  return {
    note: (fact) => {
      facts.push(fact);
    },
    news: () => {
      const since = facts;
      facts = [];
      return since;
    },
  };
}
