// Names of providers and accounts, and the files that bear them.
//
// A name becomes part of a path, so what may be in one is decided here, once. The hyphen separates provider from account,
// which is why no provider's name has one.
import { join } from "node:path";
import { AuthError } from "../../machines/errors.ts";

/** One account with one provider. */
export interface AccountName {
  readonly provider: string;
  readonly account: string;
}

export const defaultAccount = "default";

const providerPattern = /^[a-z][a-z0-9_]{0,31}$/;
const accountPattern = /^[a-z0-9._@-]{1,64}$/i;
// Device names of Windows, with any ending (learn.microsoft.com, "Naming files").
const reserved = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?$/i;

function isProvider(name: string): boolean {
  return providerPattern.test(name) && !reserved.test(name);
}

function isAccount(name: string): boolean {
  return accountPattern.test(name) && !name.endsWith(".") && !reserved.test(name);
}

/** @throws AuthError `name_invalid` */
export function checkProviderName(name: string): string {
  const lower = name.toLowerCase();
  if (!isProvider(lower)) {
    throw new AuthError("name_invalid", {
      detail: "a provider's name is a letter, then letters, digits or _, at most 32 in all",
    });
  }
  return lower;
}

/** @param whose what bears the name: accounts and profiles follow one rule. @throws AuthError `name_invalid` */
export function checkAccountName(name: string, whose = "an account"): string {
  if (!isAccount(name)) {
    throw new AuthError("name_invalid", {
      detail: `${whose}'s name is 1 to 64 letters, digits or . _ @ -, and not a name that Windows reserves`,
    });
  }
  return name;
}

/** Where things are, for one home folder. */
export function pathsIn(home: string) {
  const oauth = join(home, "oauth");
  return {
    home,
    oauth,
    pending: join(oauth, ".pending"),
    journal: join(oauth, "journal.jsonl"),
    /** What a refresh under way keeps: lock, permit, sealed reply. */
    spend: (name: AccountName) => join(oauth, ".spend", stemOf(name)),
    /** Lock of who serves a sign-in. */
    turn: (name: AccountName, attempt: string) => join(oauth, ".spend", stemOf(name), `${attempt}.turn`),
    settings: join(home, "settings.json"),
    profiles: join(home, "profiles"),
    tokenFile: (name: AccountName) => join(oauth, `${stemOf(name)}.json`),
  };
}

export type Paths = ReturnType<typeof pathsIn>;

/** File name without ending: `acme`, or `acme-work` for another account than the default one. */
export function stemOf({ provider, account }: AccountName): string {
  return account === defaultAccount ? provider : `${provider}-${account}`;
}

/** The account that a token file's name stands for; null for other files. */
export function nameOfFile(file: string): AccountName | null {
  if (!file.endsWith(".json")) return null;
  const stem = file.slice(0, -".json".length);
  const hyphen = stem.indexOf("-");
  const provider = (hyphen < 0 ? stem : stem.slice(0, hyphen)).toLowerCase();
  const account = hyphen < 0 ? defaultAccount : stem.slice(hyphen + 1);
  // By the same rules: an account that is told has to be one that can be asked for.
  return isProvider(provider) && isAccount(account) ? { provider, account } : null;
}
