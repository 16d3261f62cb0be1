// Reading the facts of an account: what the files say at this moment. No request, no lock, no write.
import { AuthError } from "../machines/errors.ts";
import type { Survey } from "../machines/facts.ts";
import type { Provider } from "../providers/provider.ts";
import type { Host } from "./host.ts";
import { type Borrowed, borrowedBy } from "./imports/borrowed.ts";
import { readSettings, type Settings } from "./settings/settings.ts";
import { isBeingSpent, latest } from "./refresh/successor.ts";
import { factsOf, type StoredCredential } from "./store/codec.ts";
import { credible } from "./store/credential.ts";
import { markOf } from "./store/files.ts";
import type { AccountName, Paths } from "./store/names.ts";
import { type Attempt, attemptFactsOf, type PendingStore } from "./store/pending.ts";
import type { SpendStore } from "./store/spend.ts";
import type { Store, Stored } from "./store/store.ts";

/** What a survey reads from. */
export interface Grounds {
  readonly host: Pick<Host, "now" | "userHome" | "environment">;
  readonly store: Pick<Store, "read" | "paths">;
  readonly pending: Pick<PendingStore, "list">;
  readonly spend: Pick<SpendStore, "sealed" | "permits">;
}

/** A survey, and what it was made of. */
export interface Findings {
  readonly survey: Survey;
  readonly credential: StoredCredential | null;
  readonly attempt: Attempt | null;
  readonly fault: AuthError | null;
  /** The token file can be read by others. */
  readonly loose: boolean;
  /** The credential is another tool's, or would be if its file held one. */
  readonly borrowed: Borrowed | null;
}

/** @throws AuthError `settings_invalid`, `store_unsafe` */
export function look(grounds: Grounds, provider: Provider, account: string, settings?: Settings): Findings {
  const { host, store, pending, spend } = grounds;
  const name: AccountName = { provider: provider.name, account };
  const now = host.now();
  const { stored, own, renewing, fault } = read({ store, spend }, provider, name, now);
  const chosen = settings ?? readSettings(store.paths);
  const around = { host, paths: store.paths };
  // A login of our own always wins.
  const borrowed =
    stored.kind === "absent" ? borrowedBy(around, provider, account, chosen.providers[provider.name]) : null;
  const credential = own ?? borrowed?.credential ?? null;
  const [attempt = null] = pending.list(name, now);
  // A token file without a decision about it is one of an older program: it counts as enabled.
  const enabled = chosen.enabled[provider.name] ?? stored.kind !== "absent";
  return {
    survey: {
      now,
      enabled,
      facts: credential === null ? null : factsOf(credential),
      fault: fault?.code ?? null,
      renewing,
      pending: attempt === null ? null : attemptFactsOf(attempt),
    },
    credential,
    attempt,
    fault,
    loose: stored.kind === "stored" && stored.loose,
    borrowed,
  };
}

/** The login alone, for who waits for it to change: one file opened, and nothing else looked at. */
export function loginIn(
  { host, store, spend }: Omit<Grounds, "pending">,
  provider: Provider,
  name: AccountName,
): Followed {
  return read({ store, spend }, provider, name, host.now());
}

export interface Followed {
  readonly own: StoredCredential | null;
  readonly renewing: boolean;
  readonly fault: AuthError | null;
}

const mostLooks = 10;

/**
 * The token file, and what a refresh has left beside it. Who ends one writes the file and then removes the sealed reply: if
 * there was none for a file that has been replaced meanwhile, both are looked at again.
 */
function read(
  { store, spend }: Pick<Grounds, "store" | "spend">,
  provider: Provider,
  name: AccountName,
  now: number,
): Followed & { readonly stored: Stored } {
  const path = store.paths.tokenFile(name);
  for (let looks = 1; ; looks += 1) {
    const mark = markOf(path);
    const stored = store.read(name);
    const found = followed({ paths: store.paths, spend }, provider, name, stored, now);
    const isEnough = stored.kind !== "stored" || found.own?.generation !== stored.credential.generation;
    if (isEnough || mark === markOf(path) || looks === mostLooks) return { stored, ...found };
  }
}

/** The login as a refresh has left it. What cannot be trusted beside the token file is a fault of that login alone. */
function followed(
  evidence: { readonly paths: Paths; readonly spend: Grounds["spend"] },
  provider: Provider,
  name: AccountName,
  stored: Stored,
  now: number,
): Followed {
  if (stored.kind !== "stored")
    return { own: null, renewing: false, fault: stored.kind === "unreadable" ? stored.error : null };
  try {
    const own = credible(latest(evidence, provider, name, stored.credential), now);
    return { own, renewing: isBeingSpent(evidence, name, own), fault: null };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    return { own: null, renewing: false, fault: error };
  }
}
