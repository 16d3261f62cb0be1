// The login of another tool that an account uses: read anew each time, never written, and never renewed here, because a
// refresh token with two owners is a login that is about to be lost (users R1.6).
//
// Which file it is stands in the settings, put there by `import`; a few are read without being asked for. Its refresh
// token is left behind at this door, so that nothing beyond could present it.
import { AuthError } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { ProviderEntry } from "../settings/settings.ts";
import { importedFile } from "../settings/imported.ts";
import type { StoredCredential } from "../store/codec.ts";
import { type AccountName, defaultAccount } from "../store/names.ts";
import { type Kind, kindOf } from "./kinds.ts";
import { type Looked, lookInto, placesOf, type Surroundings } from "./places.ts";

export interface Borrowed {
  /** The tool, as people call it. */
  readonly tool: string;
  readonly file: string;
  /** A person asked for it. */
  readonly isAsked: boolean;
  /** Null: see `trouble`. */
  readonly credential: StoredCredential | null;
  /** Why the file gives no login now, as a sentence without its end; null: it does. */
  readonly trouble: string | null;
}

/** The login that this account borrows; null: none. @throws AuthError `settings_invalid` */
export function borrowedBy(
  around: Surroundings,
  provider: Provider,
  account: string,
  entry: ProviderEntry | undefined,
): Borrowed | null {
  const file = importedFile(entry, provider.name, account, around.paths.settings);
  if (file !== null) return asked(around, provider, file);
  return account === defaultAccount ? unasked(around, provider) : null;
}

function asked(around: Surroundings, provider: Provider, file: string): Borrowed {
  const { source, looked } = kindOf(around, provider, file) ?? unknown(file);
  const credential = withoutRefreshToken(looked);
  const trouble = credential === null ? troubleOf(looked, file) : null;
  return { tool: source?.tool ?? "another program", file, isAsked: true, credential, trouble };
}

const unknown = (file: string): Kind => ({
  source: null,
  looked: { kind: "unreadable", trouble: `${file} holds no login`, loose: false, link: null },
});

function unasked(around: Surroundings, provider: Provider): Borrowed | null {
  for (const source of provider.imports) {
    if (source.unasked !== true) continue;
    for (const file of placesOf(around, source)) {
      const credential = withoutRefreshToken(lookInto(provider, source, file));
      // Somebody else's file in a state that we do not understand is not our login.
      if (credential !== null) return { tool: source.tool, file, isAsked: false, credential, trouble: null };
    }
  }
  return null;
}

/** Why a login that is borrowed is not renewed, and who can do it. */
export function readOnly(name: AccountName, { tool, file }: Borrowed): AuthError {
  return new AuthError("login_borrowed", { ...name, detail: `${tool} (${file})` });
}

/** Why there is none, where one was to be read. */
export function gone(name: AccountName, { tool, trouble }: Borrowed): AuthError {
  return new AuthError("import_unreadable", { ...name, detail: `${tool}: ${trouble ?? "unknown"}` });
}

function withoutRefreshToken(looked: Looked): StoredCredential | null {
  return looked.kind === "login" ? { ...looked.credential, refreshToken: null } : null;
}

/** Why a file gives no login. */
export function troubleOf(looked: Looked, file: string): string {
  if (looked.kind === "unreadable") return looked.trouble;
  if (looked.kind === "absent") return `${file} is not there`;
  return looked.kind === "key" ? `${file} holds an API key and no login` : `${file} holds no login`;
}
