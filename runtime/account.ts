// One account, as a program sees it: what can be asked of it, and what comes back.
import type { Revocation } from "../machines/life.ts";
import type { Grant } from "../providers/provider.ts";
import type { CredentialActor } from "./actor.ts";
import type { Precedence } from "./credentials.ts";
import type { TokenDemand } from "./demand.ts";
import type { Found } from "./imports/found.ts";
import type { Story } from "./inspect/story.ts";
import type { Part } from "./login/desk.ts";
import type { PendingRow, Status } from "./status.ts";
import type { AccountName } from "./store/names.ts";
import type { Credential } from "./token.ts";

export interface LoginRequest {
  /** Null or absent: the provider's preferred way. */
  readonly grant?: Grant | null | undefined;
  readonly port?: number | null | undefined;
  /** Give up after so long (ms). Absent: as long as the server allows. */
  readonly timeoutMs?: number | null | undefined;
  /** Called once the address may be shown. Who has `joined` opens no page: another process has done so. */
  readonly onPending?: ((pending: PendingRow, part: Part) => void) | undefined;
  /** Leave the sign-in to a process of its own as soon as it may be shown; for 15 minutes, unless another time is given. */
  readonly detach?: boolean | undefined;
  /** A login that another process has brought meanwhile will do. */
  readonly ifNeeded?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LogoutReport {
  readonly revocation: Revocation;
  /** Order of credentials without this login: what still authenticates. */
  readonly remaining: Precedence;
}

export interface Account extends AccountName {
  /** The statechart itself. */
  readonly actor: CredentialActor;
  /** Turns OAuth on for the provider. Contacts nobody. @returns what outranks it, if anything does */
  enable(): Promise<Precedence>;
  /** Turns OAuth off. Tokens are kept and not used. */
  disable(): Promise<void>;
  /**
   * Signs in. A sign-in that is under way already, in this process or another, is joined, unless another grant or port is
   * asked for. @throws AuthError how it ended otherwise
   */
  login(request?: LoginRequest): Promise<Status>;
  /** Finishes a sign-in, whoever began it, with what was pasted. @throws AuthError `pasted_*` when the sign-in goes on waiting */
  complete(text: string, signal?: AbortSignal): Promise<Status>;
  /**
   * Waits for a sign-in that is under way to end, or tells how the newest one has ended.
   * @throws AuthError how it ended otherwise; `no_pending_sign_in` when there was none that is known
   */
  wait(request?: Pick<LoginRequest, "onPending" | "signal">): Promise<Status>;
  /** Ends a sign-in that is under way. */
  cancel(): Promise<void>;
  /**
   * Reads another program's login from now on, in its file, and turns OAuth on. Nothing is copied, and nothing renewed.
   * @throws AuthError `import_shadowed`, `import_unreadable`
   */
  borrow(found: Found): Promise<Status>;
  /** Copies another program's login, to renew it here from now on. That program's file is left as it is. @throws AuthError */
  takeOver(found: Found): Promise<Status>;
  logout(options?: { readonly revoke?: boolean }): Promise<LogoutReport>;
  /** Renews the token; without `force` only if it is about to end. @throws AuthError when that failed */
  refresh(options?: { readonly force?: boolean }): Promise<Status>;
  /** What is known, from the files alone. */
  status(): Status;
  /** A credential that lives for at least `minTtlMs` (30 s). @throws AuthError */
  token(demand?: TokenDemand): Promise<Credential>;
  /** The API refused this credential: renews it once. @throws AuthError */
  rejected(credential: Credential): Promise<Credential>;
  /** Every source of a credential, in order, and the winner. */
  why(): Precedence;
  /** What happened to this login lately, in sentences, from the journal and the files. Contacts nobody, writes nothing. */
  explain(): Story;
  /** Back to `idle` from any state; an unreadable file is put aside. */
  reset(): Promise<Status>;
}
