// The short way into the runtime: what the files say, without an actor, the network or a library.
//
// For commands that scripts call all the time. It uses the same functions as everything else, and answers null whenever
// something is out of the ordinary, so that the long way decides: it may be slower, never different.
import { defaultMinTtlMs, isFresh } from "../machines/freshness.ts";
import { providers } from "../providers/index.ts";
import type { Provider } from "../providers/provider.ts";
import { sourceOf } from "./credentials.ts";
import { homeFolder, userHome } from "./host.ts";
import type { Secret } from "./secret.ts";
import { readSettings, type Settings } from "./settings/settings.ts";
import { precedenceOf } from "./sources.ts";
import { type Status, statusOf } from "./status.ts";
import { checkAccountName, defaultAccount, type Paths, pathsIn } from "./store/names.ts";
import { createPendingStore, type PendingStore } from "./store/pending.ts";
import { accountsIn, createStore, type Store } from "./store/store.ts";
import { type Findings, type Grounds, look } from "./survey.ts";

export interface Quick {
  readonly account: string | undefined;
  readonly home: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The stored access token, if it wins, lives long enough, and nothing needs to be said. Two files are opened.
 * @throws AuthError
 */
export function quickToken(
  asked: Quick & { readonly provider: string; readonly minTtlMs: number | undefined },
): Secret<"access_token"> | null {
  const provider = shipped(asked.provider);
  const ground = groundOf(asked);
  // An entry may change any fact about the provider.
  if (provider === null || Object.hasOwn(ground.settings.providers, provider.name)) return null;
  const { findings, source } = seen(ground, provider, accountIn(asked));
  const { credential, survey, loose, legacy } = findings;
  if (source.kind !== "oauth" || credential === null || loose || legacy) return null;
  return isFresh(credential.expiresAt, survey.now, asked.minTtlMs ?? defaultMinTtlMs) ? credential.accessToken : null;
}

/** The rows of `status`, for every account. @throws AuthError */
export function quickStatus(asked: Quick): { readonly home: string; readonly statuses: readonly Status[] } | null {
  const ground = groundOf(asked);
  if (Object.keys(ground.settings.providers).length > 0) return null;
  const statuses = accountsIn(Object.keys(providers), ground.store, ground.pending).flatMap((name) => {
    const provider = shipped(name.provider);
    if (provider === null) return [];
    const { findings, source } = seen(ground, provider, name.account);
    return [statusOf(name, findings, source, null)];
  });
  return { home: ground.paths.home, statuses };
}

interface Ground extends Grounds {
  readonly paths: Paths;
  readonly settings: Settings;
  readonly store: Store;
  readonly pending: PendingStore;
  readonly environment: Quick["environment"];
}

function groundOf({ home, environment }: Quick): Ground {
  const paths = pathsIn(homeFolder(environment, home));
  const host = {
    now: Date.now,
    get userHome() {
      return userHome();
    },
  };
  return {
    paths,
    host,
    environment,
    settings: readSettings(paths),
    store: createStore(paths, host.now),
    pending: createPendingStore(paths),
  };
}

function seen(ground: Ground, provider: Provider, account: string) {
  const findings: Findings = look(ground, provider, account, ground.settings);
  const { environment, paths, settings } = ground;
  const given = { environment, paths, keys: null, profile: null };
  return { findings, source: sourceOf(precedenceOf(provider, account, settings, findings, given)) };
}

function shipped(name: string): Provider | null {
  return Object.hasOwn(providers, name) ? providers[name as keyof typeof providers] : null;
}

function accountIn({ account, environment }: Quick): string {
  return checkAccountName(account ?? (environment["LLXPRT_AUTH_ACCOUNT"] || defaultAccount));
}
