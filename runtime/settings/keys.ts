// Where an API key stands: in a profile, in a provider's entry, or in a file that one of them names.
import { AuthError } from "../../machines/errors.ts";
import { Secret } from "../secret.ts";

/** Where a key is: in the setting itself, or in a file that the setting names. */
export type KeyPlace = { readonly key: Secret<"api_key"> } | { readonly keyFile: string } | null;

/** The key settings of a profile or of a provider's entry. Empty and `none` mean unset. */
export function placeIn(settings: Readonly<Record<string, unknown>>, where: string): KeyPlace {
  for (const member of ["auth-key", "auth-keyfile"] as const) {
    const value = settings[member];
    if (value === undefined || value === null) continue;
    if (typeof value !== "string")
      throw new AuthError("settings_invalid", { detail: `${where}.${member} must be a text` });
    if (isUnset(value)) continue;
    return member === "auth-key" ? keyGiven(value) : { keyFile: value.trim() };
  }
  return null;
}

/** The place of a key that is given as itself. From here on nothing that is printed shows it. */
export function keyGiven(text: string): { readonly key: Secret<"api_key"> } {
  return { key: new Secret("api_key", text.trim()) };
}

/** Empty and `none` in any case mean that no key is set. */
export function isUnset(value: string | undefined): boolean {
  const text = value?.trim().toLowerCase() ?? "";
  return text === "" || text === "none";
}
