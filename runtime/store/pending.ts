// Sign-ins under way: one record per issued address, so that any process can finish what another began.
//
// A record holds what the exchange will need (verifier, state, device code), so it is 0600, single use, and removed at
// its end or deadline. Its file name says whose it is and nothing else.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AuthError } from "../../machines/errors.ts";
import type { AttemptFacts } from "../../machines/facts.ts";
import type { Grant } from "../../providers/provider.ts";
import { Secret } from "../secret.ts";
import { removeIfPossible } from "./durable.ts";
import { readPrivate, removePrivate, writePrivate } from "./files.ts";
import { checkFolder, ensureFolder, ensureHome, listFolder } from "./folders.ts";
import { isRecord, type Json, own } from "./json.ts";
import { lastMoment } from "./moment.ts";
import type { IssuedBy } from "./credential.ts";
import { type AccountName, nameOfFile, type Paths, stemOf } from "./names.ts";

/** A sign-in under way. Times are epoch milliseconds. */
export interface Attempt extends AccountName, IssuedBy {
  /** Random handle. */
  readonly attempt: string;
  readonly kind: Grant;
  /** What the person opens. */
  readonly url: string;
  /** The same with the code filled in (RFC 8628 3.3.1). */
  readonly urlComplete: string | null;
  readonly userCode: string | null;
  readonly redirectUri: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly intervalMs: number;
  /** A poll before that was not wanted by the server (RFC 9110 10.2.3); null: it did not say. */
  readonly restsUntil: number | null;
  /** Expected `iss` of the callback (RFC 9207); `issSent`: its absence is a refusal. */
  readonly iss: string | null;
  readonly issSent: boolean;
  readonly state: Secret<"state"> | null;
  readonly verifier: Secret<"code_verifier"> | null;
  readonly nonce: Secret<"nonce"> | null;
  readonly deviceCode: Secret<"device_code"> | null;
}

export interface PendingStore {
  put(attempt: Attempt): void;
  /** Replaces a record that is still there. One that is gone stays gone. */
  revise(attempt: Attempt): void;
  /** Live attempts of an account, the newest first. Unreadable and overdue records are passed over. */
  list(name: AccountName, now: number): readonly Attempt[];
  get(name: AccountName, attempt: string): Attempt | null;
  /** Whether the record is still there, whatever is in it. */
  has(name: AccountName, attempt: string): boolean;
  remove(name: AccountName, attempt: string): void;
  removeAll(name: AccountName): number;
  /** Removes every record whose deadline has passed. */
  sweep(now: number): void;
  /** The accounts that have a record. */
  names(): readonly AccountName[];
}

export function createPendingStore(paths: Paths): PendingStore {
  const fileOf = (name: AccountName, attempt: string) => join(paths.pending, `${stemOf(name)}~${attempt}.json`);

  // A folder that others can write holds nothing of ours, and one that cannot be read nothing that could be used.
  const files = (): string[] => {
    try {
      return checkFolder(paths.pending, {}) ? listFolder(paths.pending) : [];
    } catch (error) {
      if (error instanceof AuthError) return [];
      throw error;
    }
  };

  const attemptsOf = (name: AccountName): string[] => {
    const start = `${stemOf(name)}~`;
    return files()
      .filter((file) => file.startsWith(start) && file.endsWith(".json"))
      .map((file) => file.slice(start.length, -".json".length));
  };

  const get = (name: AccountName, attempt: string): Attempt | null => {
    if (!/^[\w-]+$/.test(attempt)) return null;
    return readRecord(fileOf(name, attempt), whoseBy(name, attempt));
  };

  const remove = (name: AccountName, attempt: string): void => {
    removePrivate(fileOf(name, attempt), name);
    removeIfPossible(paths.turn(name, attempt));
  };

  return {
    put: (attempt) => {
      ensureHome(paths.home, attempt);
      ensureFolder(paths.oauth, attempt);
      ensureFolder(paths.pending, attempt);
      writePrivate(fileOf(attempt, attempt.attempt), encode(attempt), attempt);
    },
    revise: (attempt) => {
      const path = fileOf(attempt, attempt.attempt);
      writePrivate(path, encode(attempt), attempt, () => existsSync(path));
    },
    list: (name, now) =>
      attemptsOf(name)
        .flatMap((attempt) => readIfPossible(fileOf(name, attempt), whoseBy(name, attempt)) ?? [])
        .filter((attempt) => !isOverdue(attempt, now))
        .toSorted((a, b) => b.createdAt - a.createdAt),
    get,
    has: (name, attempt) => existsSync(fileOf(name, attempt)),
    remove,
    removeAll: (name) => {
      const attempts = attemptsOf(name);
      for (const attempt of attempts) remove(name, attempt);
      return attempts.length;
    },
    sweep: (now) => {
      for (const file of files()) {
        const whose = whoseIs(file);
        const record = whose === null ? null : readIfPossible(join(paths.pending, file), whose);
        if (whose !== null && record !== null && isOverdue(record, now)) remove(whose, whose.attempt);
      }
    },
    names: () => {
      const names = files().flatMap((file) => whoseIs(file) ?? []);
      return [...new Map(names.map((name) => [stemOf(name), name])).values()];
    },
  };
}

type Whose = Pick<Attempt, "provider" | "account" | "attempt">;

/** A name is often given as a part of something larger. */
function whoseBy({ provider, account }: AccountName, attempt: string): Whose {
  return { provider, account, attempt };
}

/** What a record's file name says. */
function whoseIs(file: string): Whose | null {
  const [, stem = "", attempt = ""] = /^(.*?)~([\w-]+)\.json$/.exec(file) ?? [];
  const name = nameOfFile(`${stem}.json`);
  return name === null ? null : whoseBy(name, attempt);
}

const longestWaitMs = 24 * 3_600_000;

/** Who waits without limit waits for a day: a record that nobody came back to is not kept for ever. */
function isOverdue({ createdAt, expiresAt }: Attempt, now: number): boolean {
  return (expiresAt ?? createdAt + longestWaitMs) <= now;
}

function readIfPossible(path: string, whose: Whose): Attempt | null {
  try {
    return readRecord(path, whose);
  } catch (error) {
    if (error instanceof AuthError) return null;
    throw error;
  }
}

/** Null as well: what is there is none of our records. @throws AuthError `store_unsafe` */
function readRecord(path: string, whose: Whose): Attempt | null {
  try {
    const file = readPrivate(path, whose);
    return file === null ? null : decode(file.text, whose);
  } catch (error) {
    if (error instanceof AuthError && error.code === "store_corrupt") return null;
    throw error;
  }
}

/** What machines may know of it. */
export function attemptFactsOf({ attempt, kind, expiresAt }: Attempt): AttemptFacts {
  return { attempt, kind, expiresAt };
}

const secrets = ["state", "verifier", "nonce", "deviceCode"] as const;
const kinds = { state: "state", verifier: "code_verifier", nonce: "nonce", deviceCode: "device_code" } as const;

function encode(attempt: Attempt): string {
  const revealed = Object.fromEntries(secrets.map((member) => [member, attempt[member]?.reveal() ?? null]));
  return `${JSON.stringify({ schema: 1, ...attempt, ...revealed }, null, 2)}\n`;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
// As in the reply that it came from.
const isCode: Check = (value) => typeof value === "string" && /^[\x20-\x7e]{1,100}$/.test(value);
const isAddress: Check = (value) => typeof value === "string" && /^[\x21-\x7e]+$/.test(value) && URL.canParse(value);
const isMoment: Check = (value) => typeof value === "number" && Math.abs(value) <= lastMoment;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const checks: Readonly<Record<Exclude<keyof Attempt, keyof Whose>, Check>> = {
  kind: (value) => value === "loopback" || value === "paste" || value === "device",
  url: isAddress,
  urlComplete: orNull(isAddress),
  userCode: orNull(isCode),
  redirectUri: orNull(isAddress),
  createdAt: isMoment,
  expiresAt: orNull(isMoment),
  intervalMs: (value) => isMoment(value) && (value as number) >= 0,
  restsUntil: (value) => value === undefined || orNull(isMoment)(value),
  issuer: isText,
  clientId: isText,
  iss: orNull(isText),
  issSent: (value) => typeof value === "boolean",
  state: orNull(isText),
  verifier: orNull(isText),
  nonce: orNull(isText),
  deviceCode: orNull(isText),
};

// Only we write these files; one of another shape, or under another one's name, is not ours and is left alone.
function decode(text: string, whose: Whose): Attempt | null {
  const record = parsed(text);
  if (record === null || own(record, "schema") !== 1) return null;
  const isOurs = Object.entries(whose).every(([member, value]) => own(record, member) === value);
  const isWhole = Object.entries(checks).every(([member, check]) => check(own(record, member)));
  if (!isOurs || !isWhole) return null;
  const known = Object.keys(checks).map((member) => [member, own(record, member) ?? null]);
  const hidden = secrets.map((member) => {
    const value = own(record, member);
    return [member, typeof value === "string" ? new Secret(kinds[member], value) : null];
  });
  return { ...whose, ...Object.fromEntries([...known, ...hidden]) } as Attempt;
}

function parsed(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
