// Who is meant by an account, and whether it is he who came back. A browser is signed in to whatever it is signed in to: a
// login that is stored under the wrong name is found out when it has been paid for (users R13.2).
//
// An account whose name is an address means that person. Any other means whoever its stored login is of; a first sign-in
// under such a name means anybody. What nobody tells cannot be compared, and is no reason to refuse.
import { AuthError } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { StoredCredential } from "../store/codec.ts";
import { type AccountName, defaultAccount } from "../store/names.ts";
import { printable } from "../wire/text.ts";

type Identified = Pick<StoredCredential, "identity" | "accountId">;

/** The address of the person who is meant; null: it is not known, or does not matter. */
export function addressOf({ account }: AccountName, stored: Identified | null): string | null {
  return addressIn(account) ?? addressIn(stored?.identity ?? null);
}

/** Whether it matters who it is that signs in. */
export function isSomebodyMeant(name: AccountName, stored: Identified | null): boolean {
  return addressIn(name.account) !== null || stored?.identity != null || stored?.accountId != null;
}

/** @throws AuthError `identity_changed` with who it is, when it is surely somebody else */
export function checkIdentity(name: AccountName, stored: Identified | null, found: Identified): void {
  if (!isSomebodyElse(name, stored, found)) return;
  throw new AuthError("identity_changed", { ...name, detail: printable(found.identity ?? "another account id", 100) });
}

function isSomebodyElse({ account }: AccountName, stored: Identified | null, found: Identified): boolean {
  const named = addressIn(account);
  const address = addressIn(found.identity);
  if (named !== null && address !== null) return !isSame(named, address);
  if (stored === null) return false;
  // A person may have several account ids at one vendor, as several workspaces: his name decides where it is known.
  if (stored.identity !== null && found.identity !== null) return !isSame(stored.identity, found.identity);
  return stored.accountId !== null && found.accountId !== null && stored.accountId !== found.accountId;
}

/**
 * What the authorization request adds, so that the page asks for the account that is meant: who is meant, where the vendor
 * takes a hint (OIDC Core 3.1.2.1, `login_hint`), and for a named account that it shall ask at all.
 */
export function choiceParameters(
  { accountChoice: { hint, ask } }: Pick<Provider, "accountChoice">,
  name: AccountName,
  stored: Identified | null,
): Readonly<Record<string, string>> {
  const address = addressOf(name, stored);
  return {
    ...(name.account === defaultAccount ? {} : ask),
    ...(hint === null || address === null ? {} : { [hint]: address }),
  };
}

/** As a vendor compares them: nobody has two that differ in case only. */
function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function addressIn(text: string | null): string | null {
  return text !== null && /^[^\s@]+@[^\s@]+$/.test(text) ? text : null;
}
