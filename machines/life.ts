// The vocabulary of an account's life: what goes into its machine, what happens to it, and the effects it names.
// Everything here survives JSON and holds no secret.
import type { Grant } from "../providers/provider.ts";
import type { ErrorCode } from "./errors.ts";
import type { Survey } from "./facts.ts";
import { alarm, type LoginOptions } from "./login/login.ts";
import { deviceLogin } from "./login/device.ts";
import { loopbackLogin } from "./login/loopback.ts";
import { pasteLogin } from "./login/paste.ts";
import { fromCallback, fromPromise } from "./statechart.ts";

export interface CredentialInput {
  readonly provider: string;
  readonly account: string;
  /** Renew before expiry. For processes that live on; a command that ends at once renews on demand only. */
  readonly ahead: boolean;
  /** Between 0 and 1: spreads the renewals of processes that know the same expiry. */
  readonly jitter: number;
}

/** What a person decided; it is carried out by the next survey. `reset` puts an unreadable file aside. */
export type Choice = "enable" | "disable" | "reset";

export interface LoginAsked extends LoginOptions {
  /** Null: the provider's preferred way. */
  readonly grant: Grant | null;
}

export interface CredentialContext extends CredentialInput {
  readonly choice: Choice | null;
  readonly survey: Survey;
  readonly grant: Grant | null;
  readonly asked: LoginAsked | null;
  readonly demand: RefreshDemand;
  readonly revoke: boolean;
  /** How the last thing that was asked for ended. */
  readonly result: Result | null;
  /** What the store showed while something was under way that is not interrupted for it. */
  readonly seen: Seen | null;
}

/** Which credential the store holds: nulls, none. */
export interface Seen {
  readonly lineage: string | null;
  readonly generation: number | null;
}

export interface RefreshDemand {
  readonly minTtlMs: number;
  /** Renew even what is fresh, waits for a retry, or was refused before. */
  readonly force: boolean;
}

export interface Result {
  readonly kind: "granted" | "cancelled" | "failed" | Renewed["kind"] | "loggedOut";
  readonly code: ErrorCode | null;
  readonly revocation?: Revocation;
}

/** The refresh token's fate at the provider when a person logs out. `unsupported`: the provider has no endpoint for it. */
export type Revocation = "revoked" | "failed" | "unsupported" | "skipped" | "nothing";

/** How a wait for a fresh token ended; `survey` is what the store holds now. */
export interface Renewed {
  readonly kind: "refreshed" | "adopted" | "rejected" | "unavailable" | "signedOut";
  readonly code: ErrorCode | null;
  readonly survey: Survey;
}

export interface LoggedOut {
  readonly revocation: Revocation;
  readonly survey: Survey;
}

export type CredentialEvent =
  | { readonly type: "account.enabled" }
  | { readonly type: "account.disabled" }
  | { readonly type: "account.reset" }
  | ({ readonly type: "login.requested" } & LoginAsked)
  /** Pasted text waits under the handle. */
  | { readonly type: "login.pasted"; readonly handle: string }
  | { readonly type: "login.cancelled" }
  | { readonly type: "login.left" }
  | { readonly type: "login.ended"; readonly code: ErrorCode }
  | { readonly type: "callback.arrived"; readonly handle: string }
  | { readonly type: "callback.denied"; readonly code: ErrorCode }
  | { readonly type: "logout.requested"; readonly revoke: boolean }
  /** Somebody needs a token that lives for `minTtlMs` from `now`. */
  | { readonly type: "token.demanded"; readonly minTtlMs: number; readonly now: number }
  /** The API refused the token of this generation: the server's word outranks our clock. */
  | { readonly type: "token.rejected"; readonly generation: number }
  | { readonly type: "refresh.requested"; readonly force: boolean; readonly now: number }
  | { readonly type: "renewal.due" }
  | { readonly type: "retry.due" }
  /** The store shows another lineage or generation than before (null: no credential). */
  | ({ readonly type: "store.changed" } & Seen)
  | { readonly type: "system.resumed" };

const missing = async (): Promise<never> => {
  throw new Error("This effect is provided by the runtime");
};

export interface AccountReference {
  readonly provider: string;
  readonly account: string;
}

/** The effects the credential machine names, and the login machines it invokes. */
export const credentialActors = {
  loopbackLogin,
  pasteLogin,
  deviceLogin,
  alarm,
  /** Carries out the choice, if there is one, then reads the facts. No request, and no write without a choice. */
  survey: fromPromise<Survey, AccountReference & { readonly choice: Choice | null }>(missing),
  /** Waits until the store holds a fresh token or a verdict. The exchange itself is outside any actor. */
  ensureFresh: fromPromise<Renewed, AccountReference & RefreshDemand & { readonly generation: number | null }>(missing),
  /** Deletes here first, then revokes at the provider. */
  logOut: fromPromise<LoggedOut, AccountReference & { readonly revoke: boolean }>(missing),
  /** Sends `store.changed` when another process signed in, renewed or logged out. */
  storeWatch: fromCallback<{ type: "nothing" }, AccountReference>(() => undefined),
};
