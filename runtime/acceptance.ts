// That the API took a token, noted with the login, for people to read. A note is nice to have and no more: it is written at
// most once a minute, is let be when somebody else changes the login, and never fails a request.
import { AuthError } from "../machines/errors.ts";
import type { Desk } from "./login/desk.ts";
import { verified } from "./store/credential.ts";
import type { AccountName } from "./store/names.ts";
import type { Credential } from "./token.ts";

const verifiedEveryMs = 60_000;
/** When it was last looked whether a credential's acceptance is to be noted: an API call must not cost a file each. */
const lookedAt = new WeakMap<Credential, number>();

/** Notes that the API took the token. */
export function noteVerified(
  { store, host }: Pick<Desk, "store" | "host">,
  name: AccountName,
  credential: Credential,
): void {
  const isRecent = host.now() - (lookedAt.get(credential) ?? -Infinity) <= verifiedEveryMs;
  if (credential.kind === "key" || isRecent) return;
  lookedAt.set(credential, host.now());
  try {
    store.advise(name, (current) => {
      const isSame = current !== null && !current.newer && current.generation === credential.generation;
      const isOld = isSame && host.now() - (current.verifiedAt ?? 0) > verifiedEveryMs;
      return isOld ? verified(current, host.now()) : current;
    });
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
  }
}
