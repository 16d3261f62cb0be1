// llxprt-code's profiles: named key settings, or the account whose login is used, `profiles/<name>.json`. Keys that are not ours are kept.
import { AuthError } from "../../machines/errors.ts";
import { removePrivate, writePrivate } from "../store/files.ts";
import { ensureFolder, ensureHome, listFolder } from "../store/folders.ts";
import { behindLinks } from "../store/trust.ts";
import { checkAccountName, type Paths } from "../store/names.ts";
import { join } from "node:path";
import { type KeyPlace, placeIn } from "./keys.ts";
import { invalid, readJson } from "./settings.ts";
import { fileText, isRecord } from "../store/json.ts";

export interface Profile {
  readonly name: string;
  /** The one provider whose key this is. */
  readonly provider: string;
  readonly place: KeyPlace;
  /** The account whose login is used: llxprt-code's first bucket. Null: none is named. */
  readonly account: string | null;
}

/** @throws AuthError `profile_unknown`, `settings_invalid`, `name_invalid` */
export function readProfile(paths: Paths, name: string): Profile {
  const path = pathOf(paths, name);
  if (!listProfiles(paths).includes(name)) throw new AuthError("profile_unknown", { detail: name });
  const file = readJson(path);
  const { provider } = file;
  if (typeof provider !== "string") throw invalid(path, "provider", "must be a provider's name");
  const settings = file["ephemeralSettings"] ?? {};
  if (!isRecord(settings)) throw invalid(path, "ephemeralSettings", "must be an object");
  return {
    name,
    provider: provider.toLowerCase(),
    place: placeIn(settings, `${path}: ephemeralSettings`),
    account: accountIn(file["auth"]),
  };
}

/** @see https://github.com/vybestack/llxprt-code docs/reference/profiles.md, "Auth Configuration" */
function accountIn(auth: unknown): string | null {
  const buckets = isRecord(auth) && auth["type"] === "oauth" ? auth["buckets"] : null;
  const [first = null]: unknown[] = Array.isArray(buckets) ? buckets : [];
  return typeof first === "string" ? checkAccountName(first, "the account of a profile") : null;
}

/** Writes a profile; other keys of one that is there are kept. @throws AuthError `name_invalid`, `settings_invalid`, `store_failed` */
export function writeProfile(paths: Paths, { name, provider, place, account }: Profile): void {
  const path = pathOf(paths, name);
  const file = readJson(path);
  const before = isRecord(file["ephemeralSettings"]) ? file["ephemeralSettings"] : {};
  const { "auth-key": _key, "auth-keyfile": _keyFile, ...others } = before;
  const key =
    place === null ? {} : "key" in place ? { "auth-key": place.key.reveal() } : { "auth-keyfile": place.keyFile };
  const auth = isRecord(file["auth"]) ? file["auth"] : {};
  const named = account === null ? {} : { auth: { ...auth, type: "oauth", buckets: [account] } };
  const next = { version: 1, ...file, provider, ephemeralSettings: { ...others, ...key }, ...named };
  ensureHome(paths.home, {});
  ensureFolder(paths.profiles, {});
  writePrivate(behindLinks(path, {}), fileText(next), {});
}

/** @throws AuthError `profile_unknown`, `name_invalid` */
export function deleteProfile(paths: Paths, name: string): void {
  if (!removePrivate(pathOf(paths, name), {})) throw new AuthError("profile_unknown", { detail: name });
}

export function listProfiles(paths: Paths): string[] {
  return listFolder(paths.profiles).flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : []));
}

function pathOf(paths: Paths, name: string): string {
  return join(paths.profiles, `${checkAccountName(name, "a profile")}.json`);
}
