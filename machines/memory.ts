// What an account's machine remembers before it has read anything. Also what a restored one begins with: the facts are
// read again at once, and how something ended concerns only the process that asked for it.
import type { CredentialContext, CredentialInput } from "./life.ts";

export function emptyMemory({ provider, account, ahead, jitter }: CredentialInput): CredentialContext {
  return {
    provider,
    account,
    ahead,
    jitter,
    choice: null,
    survey: { now: 0, enabled: false, facts: null, fault: null, renewing: false, pending: null },
    grant: null,
    asked: null,
    demand: { minTtlMs: 0, force: false },
    revoke: true,
    result: null,
    seen: null,
  };
}
