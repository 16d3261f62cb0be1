// Sign-ins under way: one record per issued address, so that any process can finish what another began.
//
// A record holds what the exchange will need (verifier, state, device code), so it is 0600, single use, and removed at
// its end or deadline. Its file name says whose it is and nothing else.
import { join } from "node:path";
import type { AttemptFacts } from "../../machines/facts.ts";
import type { Grant } from "../../providers/provider.ts";
import { Secret } from "../secret.ts";
import { readPrivate, removePrivate, writePrivate } from "./files.ts";
import { ensureFolder, listFolder } from "./folders.ts";
import type { IssuedBy } from "./credential.ts";
import { type AccountName, type Paths, stemOf } from "./names.ts";

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
  /** Live attempts of an account, the newest first. Unreadable and overdue records are passed over. */
  list(name: AccountName, now: number): readonly Attempt[];
  get(name: AccountName, attempt: string): Attempt | null;
  remove(name: AccountName, attempt: string): void;
  removeAll(name: AccountName): number;
}

export function createPendingStore(paths: Paths): PendingStore {
  const fileOf = (name: AccountName, attempt: string) => join(paths.pending, `${stemOf(name)}~${attempt}.json`);

  const attemptsOf = (name: AccountName): string[] => {
    const start = `${stemOf(name)}~`;
    return listFolder(paths.pending)
      .filter((file) => file.startsWith(start) && file.endsWith(".json"))
      .map((file) => file.slice(start.length, -".json".length));
  };

  const get = (name: AccountName, attempt: string): Attempt | null => {
    if (!/^[\w-]+$/.test(attempt)) return null;
    const file = readPrivate(fileOf(name, attempt), name);
    return file === null ? null : decode(file.text);
  };

  const remove = (name: AccountName, attempt: string): void => {
    removePrivate(fileOf(name, attempt), name);
  };

  return {
    put: (attempt) => {
      ensureFolder(paths.home, attempt);
      ensureFolder(paths.oauth, attempt);
      ensureFolder(paths.pending, attempt);
      writePrivate(fileOf(attempt, attempt.attempt), encode(attempt), attempt);
    },
    list: (name, now) =>
      attemptsOf(name)
        .flatMap((attempt) => get(name, attempt) ?? [])
        .filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
        .toSorted((a, b) => b.createdAt - a.createdAt),
    get,
    remove,
    removeAll: (name) => {
      const attempts = attemptsOf(name);
      for (const attempt of attempts) remove(name, attempt);
      return attempts.length;
    },
  };
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

// Only we write these files; one of another shape is not ours and is left alone.
function decode(text: string): Attempt | null {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (record?.["schema"] !== 1 || typeof record["attempt"] !== "string" || typeof record["url"] !== "string")
    return null;
  const hidden = Object.fromEntries(
    secrets.map((member) => {
      const value = record[member];
      return [member, typeof value === "string" ? new Secret(kinds[member], value) : null];
    }),
  );
  return { ...record, ...hidden } as unknown as Attempt;
}
