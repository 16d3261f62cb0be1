// settings.json of the home folder: shared with llxprt-code, so what is not ours is kept as it is.
//
// Ours are `oauthEnabledProviders` and `providers` (contract, section 9). Read from the home folder only, never from the
// current one: a changed endpoint steals tokens. The file may be a person's own link (dotfiles): it is read through the
// link, and written behind it. A mistake names the file and the field, and nothing is guessed.
import { AuthError, type AuthErrorFacts } from "../../machines/errors.ts";
import { markOf, readPrivate, writePrivate } from "../store/files.ts";
import { ensureHome } from "../store/folders.ts";
import { behindLinks } from "../store/trust.ts";
import { fileText, isRecord, isShallow } from "../store/json.ts";
import type { Paths } from "../store/names.ts";

/** A provider's entry: overrides of its fields, and its key. */
export type ProviderEntry = Readonly<Record<string, unknown>>;

export interface Settings {
  /** What a person decided about OAuth; a provider without an entry has not been decided about. */
  readonly enabled: Readonly<Record<string, boolean>>;
  readonly providers: Readonly<Record<string, ProviderEntry>>;
}

type Json = Record<string, unknown>;

/** @throws AuthError `settings_invalid`, `store_unsafe` */
export function readSettings({ settings }: Paths): Settings {
  return settingsOf(readJson(settings), settings);
}

function settingsOf(file: Json, path: string): Settings {
  const enabled = section(file, "oauthEnabledProviders", path);
  for (const [name, value] of Object.entries(enabled)) {
    if (typeof value !== "boolean") throw invalid(path, `oauthEnabledProviders.${name}`, "must be true or false");
  }
  const providers = section(file, "providers", path);
  for (const [name, value] of Object.entries(providers)) {
    if (!isRecord(value)) throw invalid(path, `providers.${name}`, "must be an object");
  }
  // Without a prototype: a provider may be called "constructor".
  return {
    enabled: Object.assign(Object.create(null), enabled) as Record<string, boolean>,
    providers: Object.assign(Object.create(null), providers) as Record<string, ProviderEntry>,
  };
}

/** Records that OAuth is on or off for a provider. @throws AuthError `settings_invalid`, `store_unsafe`, `store_failed` */
export function writeEnabled(paths: Paths, provider: string, on: boolean): void {
  const path = paths.settings;
  changeJson(paths, { provider }, (file) => {
    const enabled = section(file, "oauthEnabledProviders", path);
    return { ...file, oauthEnabledProviders: { ...enabled, [provider]: on } };
  });
}

type Providers = Settings["providers"];

/**
 * Changes the entries of the providers. @param change is given what is there now; null: nothing is to be changed
 * @throws AuthError `settings_invalid`, `store_unsafe`, `store_failed`
 */
export function writeProviders(
  paths: Paths,
  who: AuthErrorFacts,
  change: (providers: Providers) => Providers | null,
): void {
  changeJson(paths, who, (file) => {
    const providers = change(settingsOf(file, paths.settings).providers);
    return providers === null ? null : { ...file, providers };
  });
}

/** Many processes share the file, and no lock: what one makes of it is made again when another was faster. */
function changeJson(paths: Paths, who: AuthErrorFacts, change: (file: Json) => Json | null): void {
  for (;;) {
    const path = behindLinks(paths.settings, who);
    const before = markOf(path);
    const next = change(readJson(paths.settings));
    if (next === null) return;
    ensureHome(paths.home, who);
    if (writePrivate(path, fileText(next), who, () => markOf(path) === before)) return;
  }
}

/** Error of a field, with the file that has it. */
export function invalid(file: string, field: string, what: string): AuthError {
  return new AuthError("settings_invalid", { detail: `${file}: ${field} ${what}`.trimEnd() });
}

/** A JSON object from a file; an absent file is an empty one. @throws AuthError `settings_invalid`, `store_unsafe` */
export function readJson(path: string): Json {
  const file = textIn(path);
  if (file === null) return {};
  let value: unknown;
  try {
    value = JSON.parse(file);
  } catch {
    throw invalid(path, "the file", "is not JSON");
  }
  if (!isRecord(value)) throw invalid(path, "the file", "must hold an object");
  if (!isShallow(value)) throw invalid(path, "the file", "is nested too deeply");
  return value;
}

function textIn(path: string): string | null {
  try {
    return readPrivate(behindLinks(path, {}), {})?.text ?? null;
  } catch (error) {
    if (error instanceof AuthError && error.code === "store_corrupt")
      throw invalid(path, "the file", "is not readable");
    throw error;
  }
}

function section(file: Json, name: string, path: string): Json {
  const value = Object.hasOwn(file, name) ? file[name] : {};
  if (!isRecord(value)) throw invalid(path, name, "must be an object");
  return value;
}
