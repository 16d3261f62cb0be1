// The short way to a stored token: when nothing at all is out of the ordinary.
//
// It opens two files and asks as little as can be asked: whatever might make another source win, or might have to be said
// to a person, is answered with null, and the long way decides. It may be faster, never different.
import { defaultMinTtlMs, isFresh } from "../machines/freshness.ts";
import { providers } from "../providers/index.ts";
import type { Provider } from "../providers/provider.ts";
import { homeFolder } from "./host.ts";
import type { Secret } from "./secret.ts";
import { readSettings } from "./settings/settings.ts";
import { decode } from "./store/codec.ts";
import { markOf, readPrivate } from "./store/files.ts";
import { checkFolder, checkHome } from "./store/folders.ts";
import { checkAccountName, defaultAccount, pathsIn } from "./store/names.ts";
import { isTouched } from "./store/spend.ts";
import { isVschars } from "./wire/text.ts";

export interface QuickToken {
  readonly provider: string;
  readonly account: string | undefined;
  readonly home: string | undefined;
  readonly minTtlMs: number | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The access token, if it is fresh and nothing else could win. @throws AuthError */
export function quickToken({
  provider,
  account,
  home,
  minTtlMs,
  environment,
}: QuickToken): Secret<"access_token"> | null {
  const facts: Provider | null = Object.hasOwn(providers, provider)
    ? providers[provider as keyof typeof providers]
    : null;
  if (facts === null || facts.keyVariables.some(({ name }) => environment[name] !== undefined)) return null;
  const paths = pathsIn(homeFolder(environment, home));
  const settings = readSettings(paths);
  const isOrdinary = !Object.hasOwn(settings.providers, provider) && settings.enabled[provider] !== false;
  if (!isOrdinary || !checkHome(paths.home, {}) || !checkFolder(paths.oauth, {})) return null;
  const name = {
    provider,
    account: checkAccountName(account ?? (environment["LLXPRT_AUTH_ACCOUNT"] || defaultAccount)),
  };
  const path = paths.tokenFile(name);
  const mark = markOf(path);
  const file = readPrivate(path, name);
  if (file === null || file.loose) return null;
  const credential = decode(file.text, file.modifiedAt);
  // A refresh that left something may have left a newer token, and one that just ended has written it.
  if (credential !== null && (isTouched(paths, name, credential) || mark !== markOf(path))) return null;
  const isEnough = credential !== null && isFresh(credential.expiresAt, Date.now(), minTtlMs ?? defaultMinTtlMs);
  // RFC 6749 A.12: with anything else in it, it is not for printing, and the long way says so.
  return isEnough && isVschars(credential.accessToken.reveal()) ? credential.accessToken : null;
}
