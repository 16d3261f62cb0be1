// What a refresh keeps on the disk while it is under way: room for the reply, the permit, the sealed reply.
//
// One name per lineage, generation and attempt, made exclusively, so that a refresh token has at most one permit for each
// presentation, even where a lock lies. All of them name the refresh token that they are about by its fingerprint: another
// program may have put another one into the token file. A seal is the reply as it came, before anybody has read it.
import { closeSync, fdatasyncSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { AuthError } from "../../machines/errors.ts";
import type { StoredCredential } from "./codec.ts";
import { createDurably, isNamed, openDurably, overwrite, removeIfPossible, writeAll } from "./durable.ts";
import { readPrivate, syncNames, writePrivate } from "./files.ts";
import { checkFolder, ensureFolder, ensureHome, listFolder } from "./folders.ts";
import { decodePermit, decodeSeal, encodePermit, encodeSeal, type Permit, type Sealed } from "./evidence.ts";
import type { AccountName, Paths } from "./names.ts";
import { failed, isErrno, lookAt, unsafe } from "./trust.ts";

/** The refresh token that is spent. */
export interface Spent {
  readonly lineage: string | null;
  readonly generation: number;
  /** Its fingerprint. */
  readonly of: string;
}

export interface SpendStore {
  /** The folder of an account; made, and its name on the disk, when it is not there. @throws AuthError `store_*` */
  ensure(name: AccountName): string;
  /** The newest sealed reply to this refresh token. */
  sealed(name: AccountName, spent: Spent): Sealed | null;
  /** The permits for this refresh token, that of its last presentation first. */
  permits(name: AccountName, spent: Spent): readonly Permit[];
  /** Number of the next presentation: no name is used twice, whatever it was used for. */
  nextAttempt(name: AccountName, spent: Spent): number;
  permitPath(name: AccountName, spent: Spent, attempt: number): string;
  /** Takes room for the reply, filled and on the disk. @throws AuthError `store_failed` */
  makeRoom(name: AccountName, spent: Spent, attempt: number): void;
  /** Writes a permit to the disk. @returns false: there is one already. @throws AuthError `store_failed` */
  allow(name: AccountName, spent: Spent, permit: Permit): boolean;
  /** Notes in the permit that its process will not hear of it any more. @throws AuthError `store_failed` */
  end(name: AccountName, spent: Spent, permit: Permit): void;
  /** Writes the reply to the disk, into the room that was made. @throws AuthError `store_failed` */
  seal(name: AccountName, spent: Spent, attempt: number, sealed: Sealed): void;
  /** Closes the rooms that were made for this account. */
  leave(name: AccountName): void;
  /** Takes room and permit of one presentation away: it is known to have changed nothing. */
  withdraw(name: AccountName, spent: Spent, attempt: number): void;
  /** Takes a seal away whose reply was none; its permit stays. */
  unseal(name: AccountName, spent: Spent, attempt: number): void;
  /** Removes what is about other refresh tokens than this one; null: everything. */
  clean(name: AccountName, kept: Spent | null): void;
}

/** What would be spent; null: there is no refresh token. */
export function spentBy({ lineage, generation, refreshToken }: StoredCredential): Spent | null {
  return refreshToken === null ? null : { lineage, generation, of: refreshToken.fingerprint() };
}

/**
 * Whether a refresh of this generation has left anything, whatever that is. One look and no file opened: so cheap that
 * everybody who reads a token can afford it. @throws AuthError `store_unsafe` when the folder cannot be looked into
 */
export function isTouched(paths: Paths, name: AccountName, { lineage, generation }: Omit<Spent, "of">): boolean {
  const first = join(paths.spend(name), `${prefixOf(lineage, generation)}.0.next`);
  return lookAt(first, name) !== undefined;
}

const roomBytes = 64 * 1024;

export function createSpendStore(paths: Paths): SpendStore {
  const pathOf = (name: AccountName, { lineage, generation }: Spent, attempt: number, ending: Ending): string =>
    join(paths.spend(name), `${prefixOf(lineage, generation)}.${attempt}.${ending}`);

  /** Whether the account's folder is there. @throws AuthError `store_unsafe` when it, or the one above it, is not ours */
  const isThere = (name: AccountName): boolean =>
    checkFolder(dirname(paths.spend(name)), name) && checkFolder(paths.spend(name), name);

  /** Attempts that left a file of this kind, the last one first. */
  const attempts = (name: AccountName, spent: Spent, ending: Ending): number[] => {
    if (!isThere(name)) return [];
    const prefix = prefixOf(spent.lineage, spent.generation);
    return listFolder(paths.spend(name))
      .flatMap((file) => partsOf(file) ?? [])
      .filter((parts) => parts.prefix === prefix && parts.ending === ending)
      .map(({ attempt }) => attempt)
      .toSorted((a, b) => b - a);
  };

  /** Open rooms, by path. */
  const rooms = new Map<string, number>();

  return {
    ensure: (name) => {
      const folder = paths.spend(name);
      if (isThere(name)) return folder;
      ensureHome(paths.home, name);
      ensureFolder(paths.oauth, name);
      ensureFolder(dirname(folder), name);
      ensureFolder(folder, name);
      // A permit whose folder is gone after a power failure has never been.
      attempted(folder, name, () => {
        syncNames(dirname(folder));
        syncNames(paths.oauth);
      });
      return folder;
    },
    sealed: (name, spent) => {
      for (const attempt of attempts(name, spent, "next")) {
        const file = readPrivate(pathOf(name, spent, attempt, "next"), name, "latin1");
        const sealed = file === null ? null : decodeSeal(file.text, spent, attempt);
        if (sealed !== null) return sealed;
      }
      return null;
    },
    permits: (name, spent) =>
      attempts(name, spent, "sent").flatMap((attempt) => {
        const file = readPrivate(pathOf(name, spent, attempt, "sent"), name, "latin1");
        const permit = file === null ? null : decodePermit(file.text, attempt);
        return permit !== null && (permit.of === null || permit.of === spent.of) ? [permit] : [];
      }),
    nextAttempt: (name, spent) => {
      const next = (attempts(name, spent, "sent")[0] ?? -1) + 1;
      // Nobody gets here by presenting: a name that could not be found again would be no permit.
      if (next > lastAttempt) throw unsafe(pathOf(name, spent, lastAttempt, "sent"), "is not one of ours", name);
      return next;
    },
    permitPath: (name, spent, attempt) => pathOf(name, spent, attempt, "sent"),
    makeRoom: (name, spent, attempt) => {
      const path = pathOf(name, spent, attempt, "next");
      // The first stays: by its name one sees that there is something to look at.
      for (const other of attempts(name, spent, "next"))
        if (other > 0) removeIfPossible(pathOf(name, spent, other, "next"));
      attempted(path, name, () => {
        const before = rooms.get(path);
        if (before !== undefined) closeSync(before);
        rooms.delete(path);
        rmSync(path, { force: true });
        // Zeros may be compressed away, and take no room.
        const filling = crypto.getRandomValues(new Uint8Array(roomBytes));
        rooms.set(path, openDurably(path, filling));
      });
    },
    allow: (name, spent, permit) => {
      const path = pathOf(name, spent, permit.attempt, "sent");
      try {
        createDurably(path, Buffer.from(encodePermit(spent, permit)));
      } catch (error) {
        if (isErrno(error, "EEXIST")) return false;
        removeIfPossible(path);
        throw failed(path, name, error);
      }
      try {
        syncNames(paths.spend(name));
      } catch (error) {
        removeIfPossible(path);
        throw failed(path, name, error);
      }
      return true;
    },
    end: (name, spent, permit) => {
      writePrivate(pathOf(name, spent, permit.attempt, "sent"), encodePermit(spent, permit), name);
    },
    seal: (name, spent, attempt, sealed) => {
      const path = pathOf(name, spent, attempt, "next");
      const bytes = Buffer.from(encodeSeal(spent, sealed));
      const write = (file: number): void => {
        writeAll(file, bytes, 0);
        fdatasyncSync(file);
      };
      attempted(path, name, () => {
        const room = rooms.get(path);
        // Between the reply and this write there is nothing else that could be the last thing that happened.
        if (room !== undefined) write(room);
        if (room === undefined || !isNamed(room, path)) overwrite(path, name, write);
      });
    },
    leave: (name) => {
      for (const [path, room] of rooms) {
        if (dirname(path) !== paths.spend(name)) continue;
        rooms.delete(path);
        closeSync(room);
      }
    },
    withdraw: (name, spent, attempt) => {
      // The permit first: a room without a permit is nobody's.
      removeIfPossible(pathOf(name, spent, attempt, "sent"));
      removeIfPossible(pathOf(name, spent, attempt, "next"));
    },
    unseal: (name, spent, attempt) => {
      const path = pathOf(name, spent, attempt, "next");
      attempted(path, name, () => {
        overwrite(path, name, (file) => {
          writeAll(file, Buffer.alloc(1), 0);
        });
      });
    },
    clean: (name, kept) => {
      const prefix = kept === null ? null : prefixOf(kept.lineage, kept.generation);
      for (const file of listFolder(paths.spend(name))) {
        const parts = partsOf(file);
        if (parts !== null && parts.prefix !== prefix) removeIfPossible(join(paths.spend(name), file));
      }
    },
  };
}

type Ending = "next" | "sent";

const lastAttempt = 999_999;
const none = "none";

/** Lineages of ours are random words; what somebody wrote by hand is not made part of a path. */
function prefixOf(lineage: string | null, generation: number): string {
  const word = lineage !== null && /^[\w-]{1,64}$/.test(lineage) ? lineage : none;
  return `${word}.${generation}`;
}

interface Parts {
  readonly prefix: string;
  readonly lineage: string | null;
  readonly generation: number;
  readonly attempt: number;
  readonly ending: Ending;
}

/** What the name of a file says; null: it is none of ours. */
export function partsOf(file: string): Parts | null {
  const [, word = "", generation, attempt, ending] =
    /^([\w-]{1,64})\.(\d{1,16})\.(\d{1,6})\.(next|sent)$/.exec(file) ?? [];
  if (ending === undefined) return null;
  return {
    prefix: `${word}.${generation}`,
    lineage: word === none ? null : word,
    generation: Number(generation),
    attempt: Number(attempt),
    ending: ending as Ending,
  };
}

function attempted(path: string, who: AccountName, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof AuthError) throw error;
    throw failed(path, who, error);
  }
}
