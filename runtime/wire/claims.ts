// What a token says about itself, read without checking any signature.
//
// Good for a display name, an account id and a first guess at the expiry, because the token came straight from the token
// endpoint over TLS (OIDC Core 3.1.3.7, 6). Never good for deciding whom to trust. Nothing here throws.
import type { Secret } from "../secret.ts";

const largestToken = 64 * 1024;

/** Payload of a JWS (RFC 7519 3, RFC 7515 3.1). Null for anything else, or over 64 KiB. */
export function claimsOf(token: Secret<"id_token" | "access_token">): Record<string, unknown> | null {
  const text = token.reveal();
  if (text.length > largestToken) return null;
  const parts = text.split(".", 4);
  const [, payload] = parts;
  // Buffer would also take plain base64 and skip what it does not know.
  if (parts.length !== 3 || payload === undefined || !/^[\w-]+$/.test(payload)) return null;
  return objectIn(Buffer.from(payload, "base64url").toString());
}

/** The non-empty string at a path of literal member names, outermost first. Inherited members are not members. */
export function memberAt(value: unknown, path: readonly string[]): string | null {
  let here = value;
  for (const name of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, name)) return null;
    here = (here as Record<string, unknown>)[name];
  }
  return typeof here === "string" && here !== "" ? here : null;
}

/** When a JWT says that it expires (RFC 7519 4.1.4), in epoch ms. Null when it does not say. */
export function expiryOf(token: Secret<"id_token" | "access_token">): number | null {
  return instant(claimsOf(token)?.["exp"]);
}

/** A NumericDate (RFC 7519 2) in epoch ms; null when it is none, or beyond what a date can hold. */
export function instant(seconds: unknown): number | null {
  if (typeof seconds !== "number" || !(seconds > 0)) return null;
  const at = Math.trunc(seconds * 1000);
  return at <= 8.64e15 ? at : null;
}

/** A JSON object; null for every other text. */
export function objectIn(text: string): Record<string, unknown> | null {
  try {
    // RFC 8259 8.1 lets a parser ignore a byte order mark.
    const value: unknown = JSON.parse(text.startsWith("\u{FEFF}") ? text.slice(1) : text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
