// What the authorization server remembers about tokens: families of one login each, and what a refresh does to them.
// Pure: a ledger and a time go in, the ledger changes and an outcome comes out. No I/O, no clock, no randomness of its
// own (the strings arrive minted). It must never forget a refresh token: only a remembered one can be seen to be reused
// (RFC 9700 4.14.2).
import type { ProviderName } from "../index.ts";
import type { Provider } from "../provider.ts";

/** Everything that one sign-in gave: it lives and dies as one. */
export interface Family {
  readonly provider: ProviderName;
  readonly client: string;
  readonly account: string;
  readonly scope: string;
  /** Grows with every refresh that went through. */
  generation: number;
  /** Why it ended; null while it lives. */
  ended: "reuse" | "replay" | "logout" | null;
}

interface Refresh {
  readonly family: Family;
  /** Of the family, when this token was issued: it names the token without showing it. */
  readonly generation: number;
  readonly issuedAt: number;
  /** When a newer one took its place; null while it is the current one. */
  spentAt: number | null;
}

interface Access {
  readonly family: Family;
  expiresAt: number;
}

/** A refresh token that came in, in the order of coming. */
export interface Presentation {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Number of the login among all of this server, from 0. */
  readonly login: number;
  /** Which refresh token of that login: 0 came with the sign-in. */
  readonly generation: number;
  /** What it was worth on arrival. */
  readonly worth: Exclude<Presented["kind"], "unknown">;
}

export interface Ledger {
  readonly refresh: Map<string, Refresh>;
  readonly access: Map<string, Access>;
  readonly families: Family[];
  readonly presentations: Presentation[];
}

export const emptyLedger = (): Ledger => ({
  refresh: new Map(),
  access: new Map(),
  families: [],
  presentations: [],
});

export function openFamily(ledger: Ledger, of: Pick<Family, "provider" | "client" | "account" | "scope">): Family {
  const { provider, client, account, scope } = of;
  const family: Family = { provider, client, account, scope, generation: 0, ended: null };
  ledger.families.push(family);
  return family;
}

export function rememberAccess(ledger: Ledger, token: string, family: Family, expiresAt: number): void {
  ledger.access.set(token, { family, expiresAt });
}

export function rememberRefresh(ledger: Ledger, token: string, family: Family, issuedAt: number): void {
  ledger.refresh.set(token, { family, generation: family.generation, issuedAt, spentAt: null });
}

/** Ends a family; false if it had ended before. */
export function endFamily(family: Family, why: NonNullable<Family["ended"]>): boolean {
  if (family.ended !== null) return false;
  family.ended = why;
  return true;
}

export type Presented =
  | { readonly kind: "unknown" }
  | { readonly kind: "ended"; readonly family: Family }
  | { readonly kind: "reused"; readonly family: Family }
  /** The predecessor, within the grace: the reply repeats the current refresh token. */
  | { readonly kind: "graced"; readonly family: Family; readonly current: string }
  | { readonly kind: "current"; readonly family: Family };

/** What a refresh token is worth now. Changes nothing. */
export function present(ledger: Ledger, token: string, now: number, graceMs: number): Presented {
  const known = ledger.refresh.get(token);
  if (known === undefined) return { kind: "unknown" };
  const { family, spentAt } = known;
  if (spentAt !== null) {
    const current = currentRefresh(ledger, family);
    const graced = family.ended === null && graceMs > 0 && now - spentAt < graceMs && current !== null;
    return graced ? { kind: "graced", family, current } : { kind: "reused", family };
  }
  return family.ended === null ? { kind: "current", family } : { kind: "ended", family };
}

/** Notes that a token was presented, and what `present` said of it. */
export function notePresented(ledger: Ledger, token: string, { kind }: Presented, now: number): void {
  const known = ledger.refresh.get(token);
  if (known === undefined || kind === "unknown") return;
  const { family, generation } = known;
  ledger.presentations.push({ at: now, login: ledger.families.indexOf(family), generation, worth: kind });
}

export function spend(ledger: Ledger, token: string, now: number): void {
  const known = ledger.refresh.get(token);
  if (known !== undefined) known.spentAt ??= now;
}

/** Whether this refresh hands out a new refresh token. `sometimes` is every second time, so that a client meets both. */
export function rotates(rotation: Provider["rotation"], generation: number): boolean {
  return rotation === "always" || (rotation === "sometimes" && generation % 2 === 1);
}

export type Standing = "live" | "expired" | "ended" | "unknown";

export function standing(
  ledger: Ledger,
  token: string,
  now: number,
): { readonly standing: Standing; readonly family: Family | null; readonly expiresAt: number } {
  const known = ledger.access.get(token);
  if (known === undefined) return { standing: "unknown", family: null, expiresAt: 0 };
  const { family, expiresAt } = known;
  if (family.ended !== null) return { standing: "ended", family, expiresAt };
  return { standing: now < expiresAt ? "live" : "expired", family, expiresAt };
}

/** The family of any token, access or refresh. */
export function familyOf(ledger: Ledger, token: string): Family | null {
  return (ledger.refresh.get(token) ?? ledger.access.get(token))?.family ?? null;
}

export function expireAll(ledger: Ledger, provider: ProviderName, now: number): void {
  for (const access of ledger.access.values()) {
    if (access.family.provider === provider) access.expiresAt = Math.min(access.expiresAt, now);
  }
}

function currentRefresh(ledger: Ledger, family: Family): string | null {
  for (const [token, known] of ledger.refresh) {
    if (known.family === family && known.spentAt === null) return token;
  }
  return null;
}
