// Which other tool's login an account reads: `importFrom` of the provider's entry in settings.json, an account's name and a
// file each. A path and no copy, so that what the tool renews is what is used.
import { isAbsolute } from "node:path";
import { isRecord, own } from "../store/json.ts";
import { type AccountName, nameOfFile, type Paths, stemOf } from "../store/names.ts";
import { invalid, type ProviderEntry, type Settings, writeProviders } from "./settings.ts";

/** The file whose login an account reads; null: none. @throws AuthError `settings_invalid` */
export function importedFile(
  entry: ProviderEntry | undefined,
  provider: string,
  account: string,
  settings: string,
): string | null {
  const file = own(filesIn(entry, provider, settings), account);
  if (file === undefined || file === null) return null;
  if (typeof file !== "string" || !isAbsolute(file))
    throw invalid(settings, `providers.${provider}.importFrom.${account}`, "must be the whole path of a file");
  return file;
}

/** The accounts that read another tool's login. @throws AuthError `settings_invalid` */
export function importingAccounts({ providers }: Settings, settings: string): AccountName[] {
  return Object.entries(providers).flatMap(([provider, entry]) =>
    // An account that is told has to be one that can be asked for.
    Object.keys(filesIn(entry, provider, settings)).flatMap(
      (account) => nameOfFile(`${stemOf({ provider, account })}.json`) ?? [],
    ),
  );
}

/** Accounts that an entry names and none may be called; their files are not read. @throws AuthError `settings_invalid` */
export function strangersIn({ providers }: Settings, settings: string): AccountName[] {
  return Object.entries(providers).flatMap(([provider, entry]) =>
    Object.keys(filesIn(entry, provider, settings))
      .map((account) => ({ provider, account }))
      .filter((name) => nameOfFile(`${stemOf(name)}.json`) === null),
  );
}

/** Notes the file that an account reads from now on; null: none any more. @throws AuthError `settings_invalid`, `store_*` */
export function writeImported(paths: Paths, { provider, account }: AccountName, file: string | null): void {
  writeProviders(paths, { provider }, (providers) => {
    const entry = providers[provider];
    const before = filesIn(entry, provider, paths.settings);
    if ((own(before, account) ?? null) === file) return null;
    const { [account]: _, ...others } = before;
    const importFrom = file === null ? others : { ...others, [account]: file };
    const { importFrom: _before, ...rest } = entry ?? {};
    const next = Object.keys(importFrom).length === 0 ? rest : { ...rest, importFrom };
    const { [provider]: _entry, ...elsewhere } = providers;
    return Object.keys(next).length === 0 ? elsewhere : { ...elsewhere, [provider]: next };
  });
}

function filesIn(
  entry: ProviderEntry | undefined,
  provider: string,
  settings: string,
): Readonly<Record<string, unknown>> {
  const files = entry?.["importFrom"] ?? {};
  if (!isRecord(files)) throw invalid(settings, `providers.${provider}.importFrom`, "must be an object");
  return files;
}
