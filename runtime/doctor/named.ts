// Names in settings.json that nobody bears: a letter too many, and a switch or a file is for nothing.
//
// The file is shared with llxprt-code, which may know others: none of this is more than a notice. What is written there is
// anybody's, and is told in one harmless line.
import { providers as shipped } from "../../providers/index.ts";
import type { Auth } from "../auth.ts";
import { strangersIn } from "../settings/imported.ts";
import { readSettings } from "../settings/settings.ts";
import { hintOf } from "../settings/table.ts";
import type { Paths } from "../store/names.ts";
import { printable } from "../wire/text.ts";
import { type Finding, notice } from "./finding.ts";

/** @param auth null: the settings cannot be read @throws AuthError `settings_invalid`, `store_unsafe` */
export function named(paths: Paths, auth: Auth | null): Finding[] {
  if (auth === null) return [];
  const settings = readSettings(paths);
  const known = [...auth.providers.keys()].filter((name) => !bare(auth, name));
  const unknown = Object.keys(settings.enabled).filter((name) => !auth.providers.has(name));
  return [
    ...unknown.map((name) =>
      told(
        "provider_unknown",
        `oauthEnabledProviders.${name}`,
        `settings.json turns OAuth on or off for ${name}, and there is no such provider${hintOf(name, known)}`,
      ),
    ),
    ...[...auth.providers.keys()]
      .filter((name) => bare(auth, name))
      .map((name) => told("provider_bare", `providers.${name}`, `${name} ${isOwn}${hintOf(name, known)}`)),
    ...strangersIn(settings, paths.settings).map(({ provider, account }) =>
      told(
        "account_unknown",
        `providers.${provider}.importFrom`,
        `settings.json names a file for the account ${account} of ${provider}, and no account may be called that`,
      ),
    ),
  ];
}

const isOwn = "is a provider of your own that says neither where to sign in nor what to ask";

const told = (code: string, about: string, message: string): Finding =>
  notice(code, printable(about), printable(message));

/** Only a name, and perhaps a key: more likely a mistyped one than one of a person's own. */
function bare({ providers }: Auth, name: string): boolean {
  const { issuer, tokenEndpoint, api, keyApi } = providers.get(name) ?? {};
  return !Object.hasOwn(shipped, name) && [issuer, tokenEndpoint, api, keyApi].every((fact) => fact == null);
}
