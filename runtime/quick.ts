// The short way into the runtime: what the files say, without an actor, the network or a library.
//
// For commands that scripts call all the time. It uses the same functions as everything else, and answers null whenever
// something is out of the ordinary, so that the long way decides: it may be slower, never different.
import { defaultMinTtlMs, isFresh } from "../machines/freshness.ts";
import { providers } from "../providers/index.ts";
import { homeFolder, userHome } from "./host.ts";
import type { Secret } from "./secret.ts";
import { readSettings } from "./settings/settings.ts";
import { precedenceOf } from "./sources.ts";
import { checkAccountName, defaultAccount, pathsIn } from "./store/names.ts";
import { createPendingStore } from "./store/pending.ts";
import { createStore } from "./store/store.ts";
import { look } from "./survey.ts";

export interface QuickToken {
  readonly provider: string;
  readonly account: string | undefined;
  readonly home: string | undefined;
  readonly minTtlMs: number | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The stored access token, if it wins, is fresh, and nothing needs to be said. Two files are opened. @throws AuthError */
export function quickToken({
  provider,
  account,
  home,
  minTtlMs,
  environment,
}: QuickToken): Secret<"access_token"> | null {
  const facts = Object.hasOwn(providers, provider) ? providers[provider as keyof typeof providers] : null;
  if (facts === null) return null;
  const paths = pathsIn(homeFolder(environment, home));
  const settings = readSettings(paths);
  // An entry may change any fact about the provider.
  if (Object.hasOwn(settings.providers, provider)) return null;
  const name = checkAccountName(account ?? (environment["LLXPRT_AUTH_ACCOUNT"] || defaultAccount));
  const host = { now: Date.now, userHome: userHome() };
  const grounds = { host, store: createStore(paths, host.now), pending: createPendingStore(paths) };
  const { credential, survey, loose, legacy } = look(grounds, facts, name, settings);
  const given = { environment, paths, keys: null, profile: null };
  const { winner } = precedenceOf(facts, name, settings, { survey }, given);
  if (winner?.kind !== "oauth" || credential === null || loose || legacy) return null;
  const isEnough = isFresh(credential.expiresAt, survey.now, minTtlMs ?? defaultMinTtlMs);
  return isEnough ? credential.accessToken : null;
}
