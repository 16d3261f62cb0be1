// The short way to the rows of `status`: what the files say, without an actor, the network or a library.
//
// It uses the same functions as the long way, and answers null whenever a provider is not quite the one that ships: it may
// be faster, never different.
import { providers } from "../providers/index.ts";
import { sourceOf } from "./credentials.ts";
import { homeFolder, userHome } from "./host.ts";
import { readSettings } from "./settings/settings.ts";
import { precedenceOf } from "./sources.ts";
import { type Status, statusOf } from "./status.ts";
import { pathsIn } from "./store/names.ts";
import { createPendingStore } from "./store/pending.ts";
import { createSpendStore } from "./store/spend.ts";
import { accountsIn, createStore } from "./store/store.ts";
import { look } from "./survey.ts";

/** The rows of every account. @throws AuthError */
export function quickStatus(
  home: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly home: string; readonly statuses: readonly Status[] } | null {
  const paths = pathsIn(homeFolder(environment, home));
  const settings = readSettings(paths);
  if (Object.keys(settings.providers).length > 0) return null;
  const store = createStore(paths, Date.now);
  const pending = createPendingStore(paths);
  const spend = createSpendStore(paths);
  const grounds = { host: { now: Date.now, userHome: userHome(paths.home), environment }, store, pending, spend };
  const given = { environment, paths, keys: null, profile: null };
  const statuses = accountsIn(Object.keys(providers), store, pending).map((name) => {
    const provider = providers[name.provider as keyof typeof providers];
    const findings = look(grounds, provider, name.account, settings);
    const source = sourceOf(precedenceOf(provider, name.account, settings, findings, given));
    return statusOf(name, findings, source, provider.scopes);
  });
  return { home: paths.home, statuses };
}
