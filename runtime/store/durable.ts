// Writing what a refresh relies on: not replaced as a whole, as other files of ours are, but made once and written over in
// place, since after the request nothing may be needed that the disk could refuse. Never through a link, never into what
// is no file, and 0600 from the first moment whatever the umask.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import type { AuthErrorFacts } from "../../machines/errors.ts";
import { unsafe } from "./trust.ts";

/** A new file, 0600 whatever the umask, on the disk before this returns. */
export function createDurably(path: string, content: Uint8Array): void {
  closeSync(openDurably(path, content));
}

/** The same, left open: what is written to it later needs no name and no descriptor that the system could refuse. */
export function openDurably(path: string, content: Uint8Array): number {
  const file = openSync(path, "wx", 0o600);
  try {
    fchmodSync(file, 0o600);
    writeAll(file, content, 0);
    fsyncSync(file);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Whether this open file still has its name: somebody may have removed it, or put another one in its place. */
export function isNamed(file: number, path: string): boolean {
  const [open, named] = [fstatSync(file), lstatSync(path, { throwIfNoEntry: false })];
  return named !== undefined && open.ino === named.ino && open.dev === named.dev;
}

/** Writes over a file of ours. A pipe or a device in its place is neither waited for nor written to. */
export function overwrite(path: string, who: AuthErrorFacts, write: (file: number) => void): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw unsafe(path, "is not a regular file", who);
    write(file);
  } finally {
    closeSync(file);
  }
}

/** A disk that is nearly full takes a part, and says so with the next one. */
export function writeAll(file: number, content: Uint8Array, at: number): void {
  for (let done = 0; done < content.byteLength;) {
    done += writeSync(file, content, done, content.byteLength - done, at + done);
  }
}

/**
 * Best effort: a permit that stays is a doubt, and costs a wait; what is about another generation is not looked at; what
 * holds nothing is swept up later.
 */
export function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The disk shows it where it matters.
  }
}
