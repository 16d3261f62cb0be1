// Collecting what may name a credential: flags, profile, settings, environment and the login itself.
// Reads files, decides nothing: the order is in `credentials.ts`.
import { AuthError } from "../machines/errors.ts";
import type { Provider } from "../providers/provider.ts";
import { type KeyFlags, type Precedence, precedence } from "./credentials.ts";
import { expandHome, type Host } from "./host.ts";
import { Secret } from "./secret.ts";
import { type KeyPlace, placeIn } from "./settings/keys.ts";
import type { Settings } from "./settings/settings.ts";
import { readPrivate } from "./store/files.ts";
import { behindLinks } from "./store/trust.ts";
import type { Paths } from "./store/names.ts";
import type { Findings } from "./survey.ts";

/** Keys given for one run, and the one provider they are for. */
export interface GivenKeys {
  readonly provider: string;
  readonly flags: KeyFlags;
}

/** A profile in use, already read. */
export interface GivenProfile {
  readonly name: string;
  readonly provider: string;
  readonly place: KeyPlace;
}

/** The order of credentials for an account. @throws AuthError `settings_invalid` */
export function precedenceOf(
  provider: Provider,
  account: string,
  settings: Settings,
  findings: Pick<Findings, "survey" | "borrowed">,
  given: {
    readonly environment: Host["environment"];
    readonly paths: Paths;
    readonly keys: GivenKeys | null;
    readonly profile: GivenProfile | null;
  },
): Precedence {
  const { keys, profile, environment, paths } = given;
  const entry = settings.providers[provider.name] ?? {};
  return precedence(provider, {
    flags: keys?.provider === provider.name ? keys.flags : {},
    // A key belongs to one provider: a profile says which.
    profile: profile?.provider === provider.name ? profile : null,
    settings: placeIn(entry, `${paths.settings}: providers.${provider.name}`),
    environment,
    oauth: {
      enabled: findings.survey.enabled,
      account,
      present: findings.survey.facts !== null,
      lender: findings.borrowed?.tool ?? null,
    },
  });
}

/** The key itself. @throws AuthError `key_unreadable` for a key file that is missing, empty or not readable */
export function keyAt(place: NonNullable<KeyPlace>, provider: string, userHome: string): Secret<"api_key"> {
  if ("key" in place) return place.key;
  const path = expandHome(place.keyFile, userHome);
  const text = keyFileText(path, provider);
  if (text === "") throw new AuthError("key_unreadable", { provider, detail: `${path} is missing or empty` });
  return new Secret("api_key", text);
}

function keyFileText(path: string, provider: string): string {
  try {
    return readPrivate(behindLinks(path, { provider }), { provider })?.text.trim() ?? "";
  } catch (error) {
    throw new AuthError("key_unreadable", { provider, detail: path, cause: error });
  }
}
