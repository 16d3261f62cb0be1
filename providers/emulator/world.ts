// What one running emulator knows: its people, keys, tokens and tallies, and the knobs that a test turns. The dialects
// act on it and the server serves it. Every secret is minted here, so that `secrets()` can name them all; none is ever
// written into a log line.
import { createHash, randomBytes } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { type ProviderName, providers } from "../index.ts";
import { type Grants, emptyGrants } from "./grants.ts";
import { type Person, makePeople } from "./people.ts";
import { type DeadEnd, type Refusal, Refused } from "./refusals.ts";
import { type Ledger, emptyLedger } from "./tokens.ts";

export interface Counters {
  /** Authorization requests that came in. */
  authorize: number;
  /** Requests to the token endpoint, of any kind and outcome. */
  token: number;
  /** Codes that were exchanged. */
  exchanges: number;
  /** Refreshes that gave a token. */
  refreshes: number;
  /** Spent refresh tokens that came back, beyond any grace. */
  reuses: number;
  /** Spent refresh tokens that came back within the grace. */
  graced: number;
  /** Logins that the server ended because of a reuse or a replay. */
  revokedFamilies: number;
  /** Logins that ended on the client's request (RFC 7009). */
  revocations: number;
  /** Device requests that were begun. */
  device: number;
  polls: number;
  /** API requests, userinfo included. */
  api: number;
  /** API requests whose credential was refused with 401. */
  unauthorized: number;
}

export interface Knobs {
  readonly lenient: ReadonlySet<Refusal>;
  readonly reuseGraceMs: number;
  readonly deviceIntervalS: number | null;
  readonly deviceLifetimeS: number;
  readonly codeLifetimeS: number;
  /** Of access tokens, for all vendors; null: each vendor's own. */
  lifetimeS: number | null;
}

export interface World {
  readonly url: string;
  readonly knobs: Knobs;
  readonly people: readonly [Person, ...Person[]];
  readonly ledger: Ledger;
  readonly grants: Grants;
  readonly geminiClient: { readonly id: string; readonly secret: string };
  readonly apiKeys: Readonly<Record<ProviderName, string>>;
  readonly tallies: Readonly<Record<ProviderName, Counters>>;
  readonly secrets: Set<string>;
  /** Accounts that went through a vendor's onboarding, or are in it: operation name, and whether it is done. */
  readonly onboarding: Map<string, { readonly operation: string; done: boolean }>;
  now(): number;
  /** A fresh secret: prefix and `bytes` random bytes, base64url. */
  mint(prefix: string, bytes?: number): string;
  /** Any other text that was made here and has to stay secret, such as a JWT. */
  secret(text: string): string;
  /** The one gate of every refusal: throws what the vendor says, after its consequence, unless it is switched off. */
  refuses(reason: Refusal, consequence?: () => void): void;
  /** No way around this one. */
  deadEnd(reason: DeadEnd): never;
}

/** For whoever searches what a whole run of the tests left behind. */
const minted = channel("llxprt-auth:emulator:secret");

export function makeWorld(url: string, knobs: Knobs): World {
  const secrets = new Set<string>();
  const secret = (text: string): string => {
    secrets.add(text);
    minted.publish(text);
    return text;
  };
  const mint = (prefix: string, bytes = 32): string => secret(prefix + randomBytes(bytes).toString("base64url"));
  return {
    url,
    knobs,
    people: makePeople(),
    ledger: emptyLedger(),
    grants: emptyGrants(),
    geminiClient: {
      id: `${String(randomBytes(6).readUIntBE(0, 6))}-${randomBytes(16).toString("hex")}.apps.googleusercontent.com`,
      secret: mint("GOCSPX-", 21),
    },
    apiKeys: {
      gemini: mint("AIza", 26),
      anthropic: mint("sk-ant-api03-", 60),
      codex: mint("sk-proj-", 60),
      qwen: mint("sk-", 24),
    },
    tallies: { gemini: tally(), anthropic: tally(), codex: tally(), qwen: tally() },
    secrets,
    onboarding: new Map(),
    now: () => Date.now(),
    mint,
    secret,
    refuses(reason, consequence) {
      if (knobs.lenient.has(reason)) return;
      consequence?.();
      throw new Refused(reason);
    },
    deadEnd(reason) {
      throw new Refused(reason);
    },
  };
}

/** RFC 7636 4.6. */
export function fitsChallenge(challenge: string | null, verifier: string): boolean {
  return challenge === null || createHash("sha256").update(verifier).digest("base64url") === challenge;
}

export const names = Object.keys(providers) as readonly ProviderName[];

const tally = (): Counters => ({
  authorize: 0,
  token: 0,
  exchanges: 0,
  refreshes: 0,
  reuses: 0,
  graced: 0,
  revokedFamilies: 0,
  revocations: 0,
  device: 0,
  polls: 0,
  api: 0,
  unauthorized: 0,
});
