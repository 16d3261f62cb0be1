// What other tools keep on this machine for our providers, told without their secrets: reads files and contacts nobody.
import { resolve } from "node:path";
import { AuthError } from "../../machines/errors.ts";
import type { ImportSource } from "../../providers/fields/import-source.ts";
import type { Provider } from "../../providers/provider.ts";
import { expandHome } from "../host.ts";
import { readSettings } from "../settings/settings.ts";
import { importedFile, importingAccounts } from "../settings/imported.ts";
import type { AccountName } from "../store/names.ts";
import { printable } from "../wire/text.ts";
import { troubleOf } from "./borrowed.ts";
import { kindOf, ownersOf } from "./kinds.ts";
import { isOurs, type Looked, lookInto, placesOf, type Surroundings } from "./places.ts";

/** A file of another tool, and what it holds for a provider. */
export interface Found {
  readonly provider: string;
  /** The tool, as people call it. */
  readonly tool: string;
  readonly file: string;
  readonly kind: "login" | "key" | "unreadable";
  /** Why it cannot be used, as a sentence without its end; null: it can. */
  readonly trouble: string | null;
  /** Where else the tool may keep its login: the end of a sentence. */
  readonly elsewhere: string | null;
  readonly identity: string | null;
  /** Epoch milliseconds; null: nothing tells its end. */
  readonly expiresAt: number | null;
  /** The file holds a refresh token. */
  readonly refreshable: boolean;
  /** Others can read the file. */
  readonly loose: boolean;
  /** Where the file really is, if its name is a link. */
  readonly link: string | null;
  /** The accounts that read it. */
  readonly accounts: readonly string[];
}

/** All that was found, and where nothing was. */
export interface Imports {
  readonly found: readonly Found[];
  readonly searched: readonly { readonly tool: string; readonly file: string; readonly elsewhere: string | null }[];
}

/**
 * Looks at every place that the providers' data names, or into one file.
 * @param wanted null: any provider will do. @param file as it was typed
 * @throws AuthError `settings_invalid`, `import_elsewhere`, `import_unreadable`
 */
export function findImports(
  around: Surroundings,
  providers: readonly Provider[],
  wanted: Provider | null,
  file: string | undefined,
): Imports {
  if (file !== undefined) return { found: findIn(around, providers, wanted, file), searched: [] };
  return findEverywhere(around, wanted === null ? providers : [wanted]);
}

function findEverywhere(around: Surroundings, providers: readonly Provider[]): Imports {
  const readers = readersIn(around, providers);
  const places = providers.flatMap((provider) =>
    provider.imports.flatMap((source) =>
      placesOf(around, source).map((file) => ({ provider, source, file, looked: lookInto(provider, source, file) })),
    ),
  );
  const found = places.flatMap(({ provider, source, file, looked }) =>
    isSilent(source, looked) ? [] : [foundOf(provider, source, file, looked, readers)],
  );
  const searched = providers.flatMap(({ imports }) =>
    imports.map((source) => {
      const [file = source.file] = source.file.includes("*") ? [] : placesOf(around, source);
      return { tool: source.tool, file, elsewhere: source.elsewhere ?? null };
    }),
  );
  // Some tools keep all their logins in one place.
  return { found, searched: [...new Map(searched.map((one) => [one.file, one])).values()] };
}

/** What a file that a person names holds, for this provider or for whichever it is. */
function findIn(
  around: Surroundings,
  providers: readonly Provider[],
  wanted: Provider | null,
  file: string,
): readonly Found[] {
  const path = resolve(expandHome(file, around.host.userHome));
  if (isOurs(around.paths, path))
    throw new AuthError("import_elsewhere", { detail: `${path} is a token file of this home, and is used as it is` });
  const readers = readersIn(around, providers);
  const owners = ownersOf(around, providers, path);
  if (wanted !== null && owners.length > 0 && !owners.includes(wanted)) {
    const others = owners.map(({ name }) => name).join(" or ");
    throw new AuthError("import_elsewhere", { detail: `${path} is a file for ${others}, not for ${wanted.name}` });
  }
  return (wanted === null ? owners : [wanted]).map((provider) => {
    const { source, looked } = kindOf(around, provider, path) ?? { source: null, looked: null };
    if (looked === null) {
      throw new AuthError("import_unreadable", { provider: provider.name, detail: `${path}: it is no such file` });
    }
    return foundOf(provider, source, path, looked, readers);
  });
}

/** Told by their own word, such files say nothing when they are others'; and a place where nothing is says nothing. */
function isSilent({ mark, has }: ImportSource, { kind }: Looked): boolean {
  return kind === "absent" || (kind === "nothing" && (mark !== undefined || has !== undefined));
}

type Readers = ReadonlyMap<string, readonly AccountName[]>;

/** Which accounts read which file. */
function readersIn({ paths }: Surroundings, providers: readonly Provider[]): Readers {
  const settings = readSettings(paths);
  const readers = new Map<string, AccountName[]>();
  for (const name of importingAccounts(settings, paths.settings)) {
    if (!providers.some((provider) => provider.name === name.provider)) continue;
    const file = importedFile(settings.providers[name.provider], name.provider, name.account, paths.settings);
    if (file !== null) readers.set(file, [...(readers.get(file) ?? []), name]);
  }
  return readers;
}

function foundOf(
  provider: Provider,
  source: ImportSource | null,
  file: string,
  looked: Looked,
  readers: Readers,
): Found {
  const login = looked.kind === "login" ? looked : null;
  const kind = looked.kind === "login" || looked.kind === "key" ? looked.kind : "unreadable";
  const identity = login?.credential.identity ?? null;
  return {
    provider: provider.name,
    tool: source?.tool ?? "another program",
    file,
    kind,
    trouble: kind === "login" ? null : troubleOf(looked, file),
    elsewhere: source?.elsewhere ?? null,
    identity: identity === null ? null : printable(identity, 100),
    expiresAt: login?.isEndTold === true ? login.credential.expiresAt : null,
    refreshable: login?.credential.refreshToken != null,
    loose: looked.loose,
    link: looked.link,
    accounts: (readers.get(file) ?? []).filter((name) => name.provider === provider.name).map(({ account }) => account),
  };
}
