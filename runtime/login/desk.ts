// What the effects of signing in share: the wiring, the vault, the open listeners, whose turn it is, and who wants to hear
// of an attempt.
import { AuthError } from "../../machines/errors.ts";
import type { Attempt } from "../store/pending.ts";
import { type AccountName, stemOf } from "../store/names.ts";
import type { Denied } from "../wire/redirect.ts";
import type { Wiring } from "../wiring.ts";
import type { Listener } from "./listener.ts";
import { createTurns, type Turns } from "./turns.ts";
import { steadyClock } from "../alarm.ts";
import { createVault, type Vault } from "./vault.ts";

/** How a process takes part in a sign-in. */
export interface Part {
  /** Another process serves it, and has shown it to somebody already. */
  readonly joined: boolean;
}

/** Told once an attempt's address may be shown: its listener, if it has one, is bound. */
export type Announce = (attempt: Attempt, part: Part) => void;

export interface Desk extends Wiring {
  readonly vault: Vault;
  /** Epoch milliseconds by which sign-ins of this process live, whatever the wall clock is set to. */
  readonly steady: () => number;
  /** By attempt. */
  readonly listeners: Map<string, Listener>;
  readonly turns: Turns;
  /** The attempt that waits in this process, by account. */
  readonly waiting: Map<string, string>;
  /** The accounts whose new login this process is storing. */
  readonly storing: Set<string>;
  /** Who is told of an account's attempts. */
  readonly announcements: Map<string, Announce>;
}

export function createDesk(wiring: Wiring): Desk {
  const { store, spend, pending } = wiring;
  return {
    ...wiring,
    vault: createVault(),
    steady: steadyClock(wiring.host),
    listeners: new Map(),
    turns: createTurns(store.paths, spend, pending),
    waiting: new Map(),
    storing: new Set(),
    announcements: new Map(),
  };
}

export function announce({ announcements }: Desk, name: AccountName, attempt: Attempt, part: Part): void {
  announcements.get(stemOf(name))?.(attempt, part);
}

/** Keeps the server's own word for a no: machines carry ours, and several of theirs share one (RFC 6749 4.1.2.1). */
export function noteDenial({ faults }: Desk, name: AccountName, { code, oauthError }: Denied): void {
  faults.note(name, new AuthError(code, { ...name, oauthError, detail: oauthError }));
}
