// Folders of ours: 0700 from the start whatever the umask, and refused when others could put files of theirs in.
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import type { AuthErrorFacts } from "../../machines/errors.ts";
import { behindLinks, errnoOf, failed, isErrno, refuseForeign, unsafe } from "./trust.ts";

const privateFolder = 0o700;

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
    if (!isErrno(error, "EEXIST")) throw failed(path, who, error);
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

/** Our home folder, which a person may have put elsewhere and linked. As `checkFolder`. */
export function checkHome(path: string, who: AuthErrorFacts): boolean {
  return checkFolder(behindLinks(path, who), who);
}

/** As `ensureFolder`, for our home folder. */
export function ensureHome(path: string, who: AuthErrorFacts): void {
  ensureFolder(behindLinks(path, who), who);
}

/** The names in a folder, sorted; none when it is not there. */
export function listFolder(path: string): string[] {
  // Nearly always it is not there, and an exception costs more than a look.
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path).toSorted();
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return [];
    throw unsafe(path, `cannot be read: ${errnoOf(error)}`, {}, error);
  }
}
