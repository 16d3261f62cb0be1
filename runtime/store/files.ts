// Files that hold secrets: read without being led astray, written so that a reader sees the old content or the new one.
//
// Reading never follows a link, never waits on a pipe and never writes. Writing goes temporary file → fsync → rename →
// fsync of the directory, with 0600 from the first moment, whatever the umask. A second name of a file (a hard link) is
// left as it is: what is written gets our name only.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { AuthError, type AuthErrorFacts } from "../../machines/errors.ts";
import { removeIfPossible } from "./durable.ts";
import { errnoOf, failed, isErrno, lookAt, refuseForeign, unsafe } from "./trust.ts";

export interface FileText {
  readonly text: string;
  readonly modifiedAt: number;
  /** Others may read it: repair it (`tighten`) and say so. */
  readonly loose: boolean;
}

const privateFile = 0o600;
const largest = 4 * 1024 * 1024;

/**
 * The text of a file of ours; null when there is none. Changes nothing.
 * @param encoding `latin1`: one character a byte, for what is not text throughout
 * @throws AuthError `store_unsafe` for a link, pipe, device, folder, somebody else's file; `store_corrupt` when it is too
 *   large or no UTF-8.
 */
export function readPrivate(path: string, who: AuthErrorFacts, encoding: "utf8" | "latin1" = "utf8"): FileText | null {
  const file = openPrivate(path, who);
  if (file === null) return null;
  try {
    const stat = fstatSync(file);
    refuseForeign(path, stat, who);
    if (!stat.isFile()) throw unsafe(path, "is not a regular file", who);
    if (stat.size > largest) throw new AuthError("store_corrupt", { ...who, detail: `${path} is too large` });
    const bytes = readFileSync(file);
    const text = encoding === "utf8" ? textOf(path, bytes, who) : bytes.toString(encoding);
    return { text, modifiedAt: stat.mtimeMs, loose: (stat.mode & 0o077) !== 0 };
  } catch (error) {
    if (error instanceof AuthError) throw error;
    throw unsafe(path, `cannot be read: ${errnoOf(error)}`, who, error);
  } finally {
    closeSync(file);
  }
}

function openPrivate(path: string, who: AuthErrorFacts): number | null {
  // A file that is not there is no exception, and an exception takes longer than a look.
  if (lookAt(path, who) === undefined) return null;
  try {
    // O_NONBLOCK: opening a pipe must not wait for its writer.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    const why = isErrno(error, "ELOOP") ? "is a symbolic link" : `cannot be opened: ${errnoOf(error)}`;
    throw unsafe(path, why, who, error);
  }
}

function textOf(path: string, bytes: Buffer, who: AuthErrorFacts): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new AuthError("store_corrupt", { ...who, detail: `${path} is not UTF-8` });
  }
}

/** Takes a file away from everybody else. @throws AuthError `store_failed`, `store_unsafe` */
export function tighten(path: string, who: AuthErrorFacts): void {
  const before = markOf(path);
  const file = openPrivate(path, who);
  if (file === null) return;
  try {
    const stat = fstatSync(file);
    // Another name of the same file may be meant for others. Whoever has written it meanwhile has made it his own anyway.
    const still = () => markOf(path) === before;
    if (stat.nlink > 1) writePrivate(path, textOf(path, readFileSync(file), who), who, still);
    else fchmodSync(file, privateFile);
  } catch (error) {
    if (error instanceof AuthError) throw error;
    throw failed(path, who, error);
  } finally {
    closeSync(file);
  }
}

/** What changes whenever a file is replaced or written. */
export function markOf(path: string): string {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? "absent" : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  } catch (error) {
    return errnoOf(error);
  }
}

/**
 * Replaces a file as a whole, or creates it.
 * @param still asked once the new content is on the disk: false, and nothing is replaced
 * @returns false when it was not `still` to be done.
 * @throws AuthError `store_failed` when the disk does not take it; the old content then still stands.
 */
export function writePrivate(path: string, text: string, who: AuthErrorFacts, still = () => true): boolean {
  const folder = dirname(path);
  const temporary = temporaryIn(folder);
  // Whoever reads it would refuse it.
  if (Buffer.byteLength(text) > largest) throw new AuthError("store_failed", { ...who, detail: `${path}: too large` });
  try {
    fillPrivate(temporary, text);
    if (!rename(temporary, path, still)) {
      removeIfPossible(temporary);
      return false;
    }
  } catch (error) {
    removeIfPossible(temporary);
    throw failed(path, who, error);
  }
  syncFolder(folder);
  return true;
}

// Editors, virus scanners and cloud drives hold a file for a moment, and some systems let nobody replace it meanwhile.
const held = new Set(process.platform === "win32" ? ["EBUSY", "EPERM", "EACCES"] : ["EBUSY"]);
const pausesMs = [5, 10, 20, 40, 80, 160, 320, 640];

/** Gives a file its name, as soon as nobody holds the old one. @returns false when it was not `still` to be done */
function rename(temporary: string, path: string, still: () => boolean): boolean {
  for (let tries = 0; still(); tries += 1) {
    try {
      renameSync(temporary, path);
      return true;
    } catch (error) {
      const pauseMs = pausesMs[tries];
      if (pauseMs === undefined || !held.has(errnoOf(error))) throw error;
      // Nothing else of this process may come in between: what is being written was made from what was read.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
  return false;
}

const tokenFileBytes = 64 * 1024;

/** @throws AuthError `store_failed` when the disk would not take a file as large as a token file may be */
export function checkRoom(path: string, who: AuthErrorFacts): void {
  const temporary = temporaryIn(dirname(path));
  try {
    fillPrivate(temporary, " ".repeat(tokenFileBytes));
  } catch (error) {
    throw failed(path, who, error);
  } finally {
    removeIfPossible(temporary);
  }
}

/** Waits until a file of ours, as it is, and its name are on the disk, or that there is none. @throws AuthError `store_failed`, `store_unsafe` */
export function syncPrivate(path: string, who: AuthErrorFacts): void {
  const file = openPrivate(path, who);
  try {
    if (file !== null) fsyncSync(file);
    syncNames(dirname(path));
  } catch (error) {
    // Windows wants to write for this.
    if (!unsupported.has(errnoOf(error))) throw failed(path, who, error);
  } finally {
    if (file !== null) closeSync(file);
  }
}

function temporaryIn(folder: string): string {
  return join(folder, `.${crypto.randomUUID()}.tmp`);
}

/** Writes a file that has no name yet, 0600 whatever the umask, and waits until it is on the disk. */
function fillPrivate(path: string, text: string): void {
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
    // Not rmSync: its errors bear no code where the file is held, and one of Node's own where it is a folder.
    unlinkSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw failed(path, who, error);
  }
  syncFolder(dirname(path));
  return true;
}

/** Makes a rename last. What was renamed stands already, so that a disk which fails here fails nothing. */
function syncFolder(path: string): void {
  try {
    syncNames(path);
  } catch {
    // Told by whoever writes next.
  }
}

const unsupported = new Set(["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EBADF"]);

/** Waits until the names in a folder are on the disk. Windows opens no folders, and some network disks sync none. */
export function syncNames(path: string): void {
  let folder: number | null = null;
  try {
    folder = openSync(path, constants.O_RDONLY);
    fsyncSync(folder);
  } catch (error) {
    if (!unsupported.has(errnoOf(error))) throw error;
  } finally {
    if (folder !== null) closeSync(folder);
  }
}
