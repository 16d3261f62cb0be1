// What another tool's file says about a login: its text, judged. Pure.
//
// Tools agree on what a login consists of and not on what to call it, so that every member is looked for under all of its
// names, and one reader serves them all. A file is somebody else's: what does not fit is no error of his, and nothing that
// stands in it gets into a message.
import type { ImportSource } from "../../providers/fields/import-source.ts";
import type { Provider } from "../../providers/provider.ts";
import { Secret } from "../secret.ts";
import type { StoredCredential } from "../store/codec.ts";
import { momentOf } from "../store/moment.ts";
import { isRecord, isShallow, type Json } from "../store/json.ts";
import { claimsOf, expiryOf, memberAt, objectIn } from "../wire/claims.ts";

/**
 * - `login`: with its refresh token, if the file holds one. `isEndTold`: the file or the token says when it ends.
 * - `key`: the tool uses an API key.
 * - `nothing`: not such a file, or one without a login.
 */
export type Foreign =
  | { readonly kind: "login"; readonly credential: StoredCredential; readonly isEndTold: boolean }
  | { readonly kind: "key" }
  | { readonly kind: "nothing" };

const nothing: Foreign = { kind: "nothing" };
const hourMs = 3_600_000;

const names = {
  accessToken: ["access_token", "accessToken", "access"],
  refreshToken: ["refresh_token", "refreshToken", "refresh"],
  idToken: ["id_token", "idToken"],
  tokenType: ["token_type", "type"],
  expiresAt: ["expiry", "expiry_date", "expiresAt", "expires", "expired"],
  scope: ["scope", "scopes"],
  accountId: ["account_id", "accountId"],
  resourceUrl: ["resource_url"],
  clientId: ["client_id"],
} as const;
const plain = new Set(["string", "number", "boolean"]);
const known = new Set<string>(Object.values(names).flat());

/**
 * Reads a file of this kind. @param modifiedAt epoch milliseconds of its last change
 * @param identity who the tool's other file says it is, if that is where it stands
 */
export function readForeign(
  provider: Provider,
  source: ImportSource,
  text: string,
  modifiedAt: number,
  identity: string | null,
): Foreign {
  const file = objectIn(text);
  if (file === null || (source.mark !== undefined && memberAt(file, source.mark.at) !== source.mark.says))
    return nothing;
  if (saysKey(source, file)) return { kind: "key" };
  const record = recordAt(file, source.at ?? []);
  const access = textIn(record, names.accessToken);
  const isKind = source.has === undefined || (record !== null && Object.hasOwn(record, source.has));
  if (record === null || access === null || !isKind) return nothing;
  const accessToken = new Secret("access_token", access);
  const toldAt = momentIn(record) ?? expiryOf(accessToken);
  return {
    kind: "login",
    isEndTold: toldAt !== null,
    credential: {
      ...whose(provider, source, file, record, identity),
      accessToken,
      refreshToken: secretIn("refresh_token", record, names.refreshToken),
      expiresAt: toldAt ?? modifiedAt + (source.lifetimeMs ?? hourMs),
      tokenType: "Bearer",
      scope: scopeIn(record),
      resourceUrl: textIn(record, names.resourceUrl),
      lineage: null,
      // Whoever has one that the tool has renewed since sees by this that there is another.
      generation: Math.max(0, Math.floor(modifiedAt)),
      issuer: null,
      clientId: textIn(record, names.clientId),
      obtainedAt: modifiedAt,
      verifiedAt: null,
      refused: null,
      retry: null,
      takenOver: null,
      snapshot: null,
      newer: false,
      ownRest: {},
      rest: isShallow(record) ? unknownOf(record) : {},
    },
  };
}

/** A mode that is told decides; without one, the key does. */
function saysKey({ key }: ImportSource, file: Json): boolean {
  if (key === undefined) return false;
  const mode = memberAt(file, [key.mode]);
  return mode === null ? memberAt(file, [key.member]) !== null : mode === key.says;
}

function whose(provider: Provider, source: ImportSource, file: Json, record: Json, beside: string | null) {
  const idToken = secretIn("id_token", record, names.idToken);
  const claims = idToken === null ? null : claimsOf(idToken);
  const own = source.identity === undefined || source.identity.file !== undefined ? null : source.identity.at;
  const inClaims = provider.identity.claims.map((path) => memberAt(claims, path)).find((found) => found !== null);
  return {
    idToken,
    accountId:
      textIn(record, names.accountId) ??
      (provider.accountClaim === null ? null : memberAt(claims, provider.accountClaim)),
    identity: (own === null ? beside : memberAt(file, own)) ?? inClaims ?? null,
  };
}

function momentIn(record: Json): number | null {
  for (const name of names.expiresAt) {
    const at = Math.trunc(endOf(Object.hasOwn(record, name) ? record[name] : undefined) ?? 0);
    if (at > 0) return at;
  }
  return null;
}

/** Null: none. A number, also as text, or a date (RFC 3339). */
function endOf(value: unknown): number | null {
  if (typeof value === "number") return momentOf(value);
  if (typeof value !== "string") return null;
  if (/^\d+$/.test(value)) return momentOf(Number(value));
  return /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : null;
}

function scopeIn(record: Json): string | null {
  const list = record["scopes"];
  const words = Array.isArray(list) ? list.filter((one) => typeof one === "string" && one !== "") : [];
  return textIn(record, names.scope) ?? (words.length === 0 ? null : words.join(" "));
}

function recordAt(file: Json, path: readonly string[]): Json | null {
  let here: unknown = file;
  for (const name of path) here = isRecord(here) && Object.hasOwn(here, name) ? here[name] : null;
  return isRecord(here) ? here : null;
}

function textIn(record: Json | null, under: readonly string[]): string | null {
  return under.map((name) => memberAt(record, [name])).find((found) => found !== null) ?? null;
}

function secretIn<Kind extends "refresh_token" | "id_token">(
  kind: Kind,
  record: Json,
  under: readonly string[],
): Secret<Kind> | null {
  const value = textIn(record, under);
  return value === null ? null : new Secret(kind, value);
}

/** What the tool keeps with its login and we know nothing of, a plan's name for example. */
function unknownOf(record: Json): Json {
  return Object.fromEntries(
    Object.entries(record).filter(([name, value]) => !known.has(name) && plain.has(typeof value)),
  );
}
