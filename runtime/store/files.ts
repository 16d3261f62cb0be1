// Files that hold secrets: read without being led astray, written so that a reader sees the old content or the new one.
//
// Reading never follows a link, never waits on a pipe and never writes. Writing goes temporary file → fsync → rename →
// fsync of the directory, with 0600 from the first moment, whatever the umask.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { AuthError, type AuthErrorFacts } from "../../machines/errors.ts";

export interface FileText {
  readonly text: string;
  readonly modifiedAt: number;
  /** Others may read it: repair it (`tighten`) and say so. */
  readonly loose: boolean;
}

const privateFile = 0o600;
const privateFolder = 0o700;
const largest = 4 * 1024 * 1024;

/**
 * The text of a file of ours; null when there is none. Changes nothing.
 * @throws AuthError `store_unsafe` for a link, pipe, device, folder, somebody else's file; `store_corrupt` when too large.
 */
export function readPrivate(path: string, who: AuthErrorFacts): FileText | null {
  let file: number;
  try {
    // O_NONBLOCK: opening a pipe must not wait for its writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw unsafe(
      path,
      isErrno(error, "ELOOP") ? "is a symbolic link" : `cannot be opened: ${errnoOf(error)}`,
      who,
      error,
    );
  }
  try {
    const stat = fstatSync(file);
    refuseForeign(path, stat, who);
    if (!stat.isFile()) throw unsafe(path, "is not a regular file", who);
    if (stat.size > largest) throw new AuthError("store_corrupt", { ...who, detail: `${path} is too large` });
    return { text: readFileSync(file, "utf8"), modifiedAt: stat.mtimeMs, loose: (stat.mode & 0o077) !== 0 };
  } finally {
    closeSync(file);
  }
}

/** Takes a file away from everybody else. */
export function tighten(path: string): void {
  chmodSync(path, privateFile);
}

/**
 * Replaces a file as a whole, or creates it.
 * @throws AuthError `store_failed` when the disk does not take it; the old content then still stands.
 */
export function writePrivate(path: string, text: string, who: AuthErrorFacts): void {
  const folder = dirname(path);
  const temporary = join(folder, `.${crypto.randomUUID()}.tmp`);
  try {
    createPrivate(temporary, text);
    renameSync(temporary, path);
    syncFolder(folder);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new AuthError("store_failed", { ...who, detail: `${path}: ${errnoOf(error)}`, cause: error });
  }
}

/** Creates a file that must not exist yet, 0600 whatever the umask, and waits until it is on the disk. */
function createPrivate(path: string, text: string): void {
  const file = openSync(path, "wx", privateFile);
  try {
    fchmodSync(file, privateFile);
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Removes a file for good; that it was there is the answer. */
export function removePrivate(path: string, who: AuthErrorFacts): boolean {
  try {
    rmSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw new AuthError("store_failed", { ...who, detail: `${path}: ${errnoOf(error)}`, cause: error });
  }
  syncFolder(dirname(path));
  return true;
}

/**
 * Creates a folder, 0700 whatever the umask, with the folders above it.
 * @throws AuthError `store_unsafe` when one that is there is not a folder, belongs to another user, or can be written by others.
 */
export function ensureFolder(path: string, who: AuthErrorFacts): void {
  if (checkFolder(path, who)) return;
  try {
    mkdirSync(dirname(path), { recursive: true });
    mkdirSync(path, privateFolder);
    chmodSync(path, privateFolder);
  } catch (error) {
    if (!isErrno(error, "EEXIST")) {
      throw new AuthError("store_failed", { ...who, detail: `${path}: ${errnoOf(error)}`, cause: error });
    }
    checkFolder(path, who);
  }
}

/** Whether the folder is there. @throws AuthError `store_unsafe` when it cannot be trusted. */
export function checkFolder(path: string, who: AuthErrorFacts): boolean {
  let stat: Stats;
  try {
    stat = lstatSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw unsafe(path, errnoOf(error), who, error);
  }
  if (!stat.isDirectory()) throw unsafe(path, "is not a folder", who);
  refuseForeign(path, stat, who);
  if ((stat.mode & 0o022) !== 0) throw unsafe(path, "can be written by others", who);
  return true;
}

/** The names in a folder, sorted; none when it is not there. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path).toSorted();
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return [];
    throw unsafe(path, `cannot be read: ${errnoOf(error)}`, {}, error);
  }
}

/** The code of a system error, such as ENOSPC. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
}

export function isErrno(error: unknown, code: string): boolean {
  return errnoOf(error) === code;
}

function refuseForeign(path: string, stat: Stats, who: AuthErrorFacts): void {
  const me = process.getuid?.() ?? 0;
  if (me !== 0 && stat.uid !== me) throw unsafe(path, "belongs to another user", who);
}

function unsafe(path: string, why: string, who: AuthErrorFacts, cause?: unknown): AuthError {
  return new AuthError("store_unsafe", { ...who, detail: `${path} ${why}`, cause });
}

function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
