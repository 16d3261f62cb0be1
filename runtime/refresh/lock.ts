// The lock of an account among all processes: a transaction on an empty SQLite database, which the kernel gives back when
// its holder dies, at once and whatever killed it.
//
// The file is made first, with 0600, and from then on never opened, read, copied or deleted by us: POSIX drops a process's
// locks when any descriptor of the file is closed, and a second file of that name would be a second lock. Nothing is ever
// written in the transaction. SQLite's own waiting would stop the event loop, so it is told not to wait.
import { closeSync, fchmodSync, openSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { AuthError } from "../../machines/errors.ts";
import type { AccountName } from "../store/names.ts";
import { errnoOf, failed, isErrno, lookAt, refuseForeign, unsafe } from "../store/trust.ts";

export interface Lock {
  /** Gives it back; more than once does no harm. */
  readonly release: () => void;
}

/** Takes the lock if nobody has it. @throws AuthError `store_failed`, `store_unsafe` */
export function tryLock(path: string, who: AccountName): Lock | null {
  const before = inodeOf(path, who) ?? create(path, who);
  const database = open(path, who);
  try {
    // Without a journal on the disk, a disk that is full can be locked as well.
    database.exec("PRAGMA journal_mode=MEMORY; BEGIN IMMEDIATE");
  } catch (error) {
    database.close();
    const code = codeIn(error);
    if (code === busy) return null;
    throw code === noDatabase ? unsafe(path, damaged, who, error) : failed(path, who, error);
  }
  const release = (): void => {
    if (!database.isOpen) return;
    try {
      database.exec("ROLLBACK");
    } finally {
      database.close();
    }
  };
  let isOurs = false;
  try {
    // Somebody has removed the folder meanwhile: this is a lock that nobody else will ask for.
    isOurs = inodeOf(path, who) === before;
  } finally {
    if (!isOurs) release();
  }
  return isOurs ? { release } : null;
}

function create(path: string, who: AccountName): bigint {
  try {
    const file = openSync(path, "wx", 0o600);
    try {
      // A umask may take from the owner, too.
      fchmodSync(file, 0o600);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw failed(path, who, error);
  }
  const inode = inodeOf(path, who);
  if (inode === null) throw unsafe(path, "went away", who);
  return inode;
}

function inodeOf(path: string, who: AccountName): bigint | null {
  const stat = lookAt(path, who);
  if (stat === undefined) return null;
  if (!stat.isFile()) throw unsafe(path, "is not a regular file", who);
  refuseForeign(path, stat, who);
  return BigInt(stat.ino);
}

function open(path: string, who: AccountName): DatabaseSync {
  const { DatabaseSync: Database } = sqlite();
  try {
    return new Database(path, { timeout: 0 });
  } catch (error) {
    throw failed(path, who, error);
  }
}

let loaded: typeof import("node:sqlite") | null = null;

/** Loaded when a lock is first wanted, and without the warning that some versions print for everybody's eyes. */
function sqlite(): typeof import("node:sqlite") {
  if (loaded !== null) return loaded;
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    const found = process.getBuiltinModule("node:sqlite");
    // Bun, and Node built without it.
    if (found === undefined) throw new AuthError("internal", { detail: "this runtime has no node:sqlite" });
    loaded = found;
    return found;
  } finally {
    process.emitWarning = emitWarning;
  }
}

// https://sqlite.org/rescode.html: the low byte is the primary code.
const busy = 5;
const noDatabase = 26;
const damaged = "is damaged; remove it when no process uses this login";

function codeIn(error: unknown): number | null {
  return errnoOf(error) === "ERR_SQLITE_ERROR" ? Number((error as { errcode?: unknown }).errcode) & 0xff : null;
}
