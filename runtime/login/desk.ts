// What the effects of signing in share: the wiring, the vault, the open listeners, and who wants to hear of an attempt.
import type { Attempt } from "../store/pending.ts";
import { type AccountName, stemOf } from "../store/names.ts";
import type { Wiring } from "../wiring.ts";
import type { Listener } from "./listener.ts";
import { createVault, type Vault } from "./vault.ts";

/** Told once an attempt's address may be shown: its listener, if it has one, is bound. */
export type Announce = (attempt: Attempt) => void;

export interface Desk extends Wiring {
  readonly vault: Vault;
  /** By attempt. */
  readonly listeners: Map<string, Listener>;
  /** The attempt that waits in this process, by account. */
  readonly waiting: Map<string, string>;
  /** Who is told of an account's attempts. */
  readonly announcements: Map<string, Announce>;
}

export function createDesk(wiring: Wiring): Desk {
  return { ...wiring, vault: createVault(), listeners: new Map(), waiting: new Map(), announcements: new Map() };
}

export function announce({ announcements }: Desk, name: AccountName, attempt: Attempt): void {
  announcements.get(stemOf(name))?.(attempt);
}
