// A credential at rest: the one place where tokens become text, and text becomes tokens.
//
// The file is the plain JSON that llxprt-code used, with one key of ours beside it (contract, section 3). What we do not
// know we keep. What we cannot read is not "signed out": it is an error, and the file stays as it is.
import { type ErrorCode, knownCode } from "../../machines/errors.ts";
import type { Facts } from "../../machines/facts.ts";
import { Secret } from "../secret.ts";
import { fileText, isRecord, isShallow, type Json, own } from "./json.ts";
import { aMoment, momentOf } from "./moment.ts";

/** A credential as it stands in its file. Times are epoch milliseconds. */
export interface StoredCredential {
  readonly accessToken: Secret<"access_token">;
  readonly refreshToken: Secret<"refresh_token"> | null;
  readonly idToken: Secret<"id_token"> | null;
  readonly expiresAt: number;
  readonly tokenType: string;
  readonly scope: string | null;
  readonly accountId: string | null;
  readonly resourceUrl: string | null;
  readonly identity: string | null;
  /** Null in a file of an older program. */
  readonly lineage: string | null;
  readonly generation: number;
  /** Host (and port) of the token endpoint that issued it; null: the provider's own. */
  readonly issuer: string | null;
  /** Null: the provider's published client. */
  readonly clientId: string | null;
  readonly obtainedAt: number;
  readonly verifiedAt: number | null;
  readonly refused: { readonly generation: number; readonly code: ErrorCode } | null;
  readonly retry: Retry | null;
  /** Fingerprint of the refresh token that this login was taken over with; null: it began here. */
  readonly takenOver: string | null;
  /** The machine's snapshot in its envelope (`machines/migrations.ts`). */
  readonly snapshot: unknown;
  /** Our own member is of a newer version: before the file is replaced, a copy is put aside. */
  readonly newer: boolean;
  /** Members of our own part that this version does not know. */
  readonly ownRest: Readonly<Record<string, unknown>>;
  /** Members of the file that are not ours. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** Renewing failed for now. */
interface Retry {
  /** Not before this. */
  readonly at: number;
  readonly code: ErrorCode;
  /** In a row. */
  readonly failures: number;
  /** When it was noted; null: that is not known. */
  readonly since: number | null;
}

const ourSchema = 1;
const assumedLifetimeMs = 3_600_000;

/** Token file → credential. Null: not one. `modifiedAt` dates a file that does not say when its token ends. */
export function decode(text: string, modifiedAt: number): StoredCredential | null {
  const file = parsed(text);
  const accessToken = textIn(file, "access_token");
  if (file === null || accessToken === null) return null;
  const ours = recordIn(file, "llxprt_auth");
  // What a newer version wrote about itself may mean something else; its tokens do not.
  const known = ours !== null && ours["schema"] === ourSchema ? ours : null;
  const rest = without(file, ownMembers);
  const ownRest = known === null ? {} : without(known, knownMembers);
  // It could not be written again, and a refresh has to write it.
  if (!isShallow([rest, ownRest])) return null;
  const secret = <Kind extends "refresh_token" | "id_token">(kind: Kind): Secret<Kind> | null => {
    const value = textIn(file, kind);
    return value === null ? null : new Secret(kind, value);
  };
  return {
    accessToken: new Secret("access_token", accessToken),
    refreshToken: secret("refresh_token"),
    idToken: secret("id_token"),
    expiresAt: expiryIn(file) ?? modifiedAt + assumedLifetimeMs,
    tokenType: textIn(file, "token_type") ?? "Bearer",
    scope: textIn(file, "scope"),
    accountId: textIn(file, "account_id"),
    resourceUrl: textIn(file, "resource_url"),
    identity: textIn(known, "identity"),
    lineage: textIn(known, "lineage"),
    generation: countIn(known, "generation") ?? 0,
    issuer: textIn(ours, "issuer"),
    clientId: textIn(ours, "client_id"),
    obtainedAt: secondsIn(known, "obtained_at") ?? modifiedAt,
    verifiedAt: secondsIn(known, "verified_at"),
    refused: refusedIn(known),
    retry: retryIn(known),
    takenOver: textIn(known, "taken_over"),
    snapshot: isShallow(known?.["snapshot"]) ? (known?.["snapshot"] ?? null) : null,
    newer: ours !== null && known === null,
    ownRest,
    rest,
  };
}

/** Credential → token file. */
export function encode(credential: StoredCredential): string {
  const file = {
    ...credential.rest,
    access_token: credential.accessToken.reveal(),
    ...(credential.refreshToken === null ? {} : { refresh_token: credential.refreshToken.reveal() }),
    expiry: Math.floor(credential.expiresAt / 1000),
    token_type: credential.tokenType,
    ...(credential.scope === null ? {} : { scope: credential.scope }),
    ...(credential.idToken === null ? {} : { id_token: credential.idToken.reveal() }),
    ...(credential.accountId === null ? {} : { account_id: credential.accountId }),
    ...(credential.resourceUrl === null ? {} : { resource_url: credential.resourceUrl }),
    llxprt_auth: {
      ...credential.ownRest,
      schema: ourSchema,
      lineage: credential.lineage,
      generation: credential.generation,
      issuer: credential.issuer,
      client_id: credential.clientId,
      identity: credential.identity,
      obtained_at: Math.floor(credential.obtainedAt / 1000),
      verified_at: credential.verifiedAt === null ? null : Math.floor(credential.verifiedAt / 1000),
      refused: credential.refused,
      retry: credential.retry === null ? null : retryAtRest(credential.retry),
      ...(credential.takenOver === null ? {} : { taken_over: credential.takenOver }),
      snapshot: credential.snapshot,
    },
  };
  return fileText(file);
}

/** What machines may know of it. */
export function factsOf(credential: StoredCredential): Facts {
  const { lineage, generation, expiresAt, obtainedAt, identity, verifiedAt, refused, retry } = credential;
  return {
    lineage,
    generation,
    expiresAt,
    obtainedAt,
    refreshable: credential.refreshToken !== null,
    identity,
    verifiedAt,
    refused: refused?.generation === generation ? refused.code : null,
    retry: retry === null ? null : { at: retry.at, code: retry.code },
  };
}

const ownMembers = new Set([
  "access_token",
  "refresh_token",
  "expiry",
  "token_type",
  "scope",
  "id_token",
  "account_id",
  "resource_url",
  "llxprt_auth",
]);

const knownMembers = new Set([
  "schema",
  "lineage",
  "generation",
  "issuer",
  "client_id",
  "identity",
  "obtained_at",
  "verified_at",
  "refused",
  "retry",
  "taken_over",
  "snapshot",
]);

function parsed(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function expiryIn(file: Json): number | null {
  const value = numberIn(file, "expiry") ?? numberIn(file, "expiry_date");
  return value === null ? null : momentOf(value);
}

function refusedIn(ours: Json | null): StoredCredential["refused"] {
  const refused = recordIn(ours, "refused");
  const generation = countIn(refused, "generation");
  const code = textIn(refused, "code");
  return generation === null || code === null ? null : { generation, code: knownCode(code, "refresh_refused") };
}

function retryIn(ours: Json | null): StoredCredential["retry"] {
  const retry = recordIn(ours, "retry");
  const at = secondsIn(retry, "at");
  const code = textIn(retry, "code");
  if (at === null || code === null) return null;
  const failures = countIn(retry, "failures") ?? 1;
  return { at, code: knownCode(code, "backing_off"), failures, since: secondsIn(retry, "since") };
}

function retryAtRest({ at, code, failures, since }: Retry): Json {
  return { at: Math.ceil(at / 1000), code, failures, since: since === null ? null : Math.floor(since / 1000) };
}

function textIn(record: Json | null, member: string): string | null {
  const value = own(record, member);
  return typeof value === "string" && value !== "" ? value : null;
}

function numberIn(record: Json | null, member: string): number | null {
  const value = own(record, member);
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

function countIn(record: Json | null, member: string): number | null {
  const value = own(record, member);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function secondsIn(record: Json | null, member: string): number | null {
  const value = numberIn(record, member);
  return value === null ? null : aMoment(value * 1000);
}

function recordIn(record: Json | null, member: string): Json | null {
  const value = own(record, member);
  return isRecord(value) ? value : null;
}

function without(record: Json, members: ReadonlySet<string>): Json {
  return Object.fromEntries(Object.entries(record).filter(([member]) => !members.has(member)));
}
