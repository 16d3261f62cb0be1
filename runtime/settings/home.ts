// The home folder's own files as commands change them: profiles, and entries of providers in settings.json.
import type { Provider } from "../../providers/provider.ts";
import type { Host } from "../host.ts";
import { clientOf } from "../registration.ts";
import { pathsIn } from "../store/names.ts";
import { deleteProfile, listProfiles, type Profile, readProfile, writeProfile } from "./profiles.ts";
import { type ProviderEntry, writeProviders } from "./settings.ts";

export interface HomeSettings {
  /** Names. */
  profiles(): readonly string[];
  /** @throws AuthError `profile_unknown`, `settings_invalid`, `name_invalid` */
  profile(name: string): Profile;
  /** @throws AuthError `name_invalid`, `settings_invalid`, `store_failed` */
  saveProfile(profile: Profile): void;
  /** @throws AuthError `profile_unknown`, `name_invalid` */
  deleteProfile(name: string): void;
  /** Merges entries of providers over those that are there. @throws AuthError `settings_invalid`, `store_failed` */
  saveProviders(entries: Readonly<Record<string, ProviderEntry>>): void;
  /**
   * Checks a client file and makes it the provider's.
   * @throws AuthError `settings_invalid` for a file that holds no client
   */
  useClientFile(provider: Provider, file: string): void;
}

/** The files in a home folder. Reads and writes when called, never before. */
export function settingsIn(host: Host): HomeSettings {
  const paths = pathsIn(host.home);
  const saveProviders: HomeSettings["saveProviders"] = (entries) => {
    writeProviders(paths, {}, (providers) => {
      const merged = Object.entries(entries).map(([name, entry]) => [name, { ...providers[name], ...entry }]);
      return { ...providers, ...Object.fromEntries(merged) };
    });
  };
  return {
    profiles: () => listProfiles(paths),
    profile: (name) => readProfile(paths, name),
    saveProfile: (profile) => {
      writeProfile(paths, profile);
    },
    deleteProfile: (name) => {
      deleteProfile(paths, name);
    },
    saveProviders,
    useClientFile: (provider, file) => {
      clientOf({ ...provider, clientSource: null, clientFile: file }, host);
      saveProviders({ [provider.name]: { clientFile: file } });
    },
  };
}
