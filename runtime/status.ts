// The row of `status`: what the facts say about an account, in the words of the contract (section 7). Pure.
import { type Description, describe, isKey, type Source } from "../machines/describe.ts";
import { scopeDifference, type ScopeDifference } from "./scopes.ts";
import type { AccountName } from "./store/names.ts";
import type { Attempt } from "./store/pending.ts";
import type { Findings } from "./survey.ts";
import { printable } from "./wire/text.ts";

/** A sign-in under way, as it is shown to the person who began it. */
export interface PendingRow {
  readonly schema: 1;
  readonly provider: string;
  readonly account: string;
  readonly attempt: string;
  readonly kind: Attempt["kind"];
  readonly url: string;
  readonly urlComplete: string | null;
  readonly userCode: string | null;
  /** ISO 8601; null: waits without limit. */
  readonly expiresAt: string | null;
}

/** One account. Times are ISO 8601. */
export interface StatusRow {
  readonly provider: string;
  readonly account: string;
  readonly enabled: boolean;
  readonly state: Description["state"];
  readonly usable: Description["usable"];
  readonly source: Source;
  /** Tokens are stored. */
  readonly present: boolean;
  /** Their access token has not reached its end. */
  readonly unexpired: boolean;
  /** When the provider last accepted it. */
  readonly verifiedAt: string | null;
  readonly expiresAt: string | null;
  readonly refreshable: boolean;
  readonly identity: string | null;
  /** Another program's login, and the file in which it is read; absent: the login is one of our own. */
  readonly importedFrom?: { readonly tool: string; readonly file: string };
  readonly lastError: Description["lastError"];
  readonly pending: PendingRow | null;
  readonly nextCommand: string | null;
}

export interface Status {
  readonly row: StatusRow;
  /** What is wrong with the token file, or with the other program's that is read, in a sentence without its end. Null: nothing. */
  readonly fault: string | null;
  /** How what was granted differs from what the provider's data asks for. Null: not at all, or it was not we who asked. */
  readonly scopes: ScopeDifference | null;
  readonly exitCode: number;
  /** The provider will not renew these tokens any more, refresh token or not. */
  readonly renewalRefused: boolean;
  readonly nextTimerAt: number | null;
}

/** @param asked the scopes of the provider's data */
export function statusOf(name: AccountName, findings: Findings, source: Source, asked: readonly string[]): Status {
  const { survey, attempt, credential, borrowed } = findings;
  const { facts, now } = survey;
  const { exitCode, nextTimerAt, ...described } = describe(name, survey, source);
  const usesKey = isKey(source);
  return {
    row: {
      provider: name.provider,
      account: name.account,
      enabled: survey.enabled,
      state: described.state,
      usable: described.usable,
      source,
      present: facts !== null,
      unexpired: facts !== null && facts.expiresAt > now,
      verifiedAt: usesKey ? null : instant(facts?.verifiedAt ?? null),
      expiresAt: instant(facts?.expiresAt ?? null),
      refreshable: facts?.refreshable ?? false,
      identity: facts?.identity == null ? null : printable(facts.identity, 100),
      ...(borrowed === null ? {} : { importedFrom: { tool: borrowed.tool, file: borrowed.file } }),
      lastError: described.lastError,
      pending: attempt === null ? null : pendingRow(attempt),
      nextCommand: described.nextCommand,
    },
    fault: findings.fault?.message ?? borrowed?.trouble ?? null,
    scopes: credential?.lineage == null ? null : scopeDifference(asked, credential.scope),
    exitCode,
    renewalRefused: facts !== null && facts.refused !== null,
    nextTimerAt,
  };
}

export function pendingRow(attempt: Attempt): PendingRow {
  return {
    schema: 1,
    provider: attempt.provider,
    account: attempt.account,
    attempt: attempt.attempt,
    kind: attempt.kind,
    url: attempt.url,
    urlComplete: attempt.urlComplete,
    userCode: attempt.userCode,
    expiresAt: instant(attempt.expiresAt),
  };
}

function instant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
