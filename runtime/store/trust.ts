// Whom to trust with a path, and the system's errors as ours.
import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, resolve } from "node:path";
import { AuthError, type AuthErrorFacts } from "../../machines/errors.ts";

/**
 * The file itself behind a name that a person may have made a link (dotfiles, mounted secrets). A link of somebody else's
 * is refused; what it leads to is judged by `readPrivate`.
 */
export function behindLinks(path: string, who: AuthErrorFacts): string {
  let at = path;
  for (let hops = 0; hops < 8; hops += 1) {
    const stat = lookAt(at, who);
    if (stat?.isSymbolicLink() !== true) return at;
    refuseForeign(at, stat, who);
    at = resolve(dirname(at), readlinkSync(at));
  }
  throw unsafe(path, "leads through too many links", who);
}

/** The name itself, not what it leads to; undefined: nothing has it. @throws AuthError `store_unsafe` */
export function lookAt(path: string, who: AuthErrorFacts): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw unsafe(path, `cannot be read: ${errnoOf(error)}`, who, error);
  }
}

/** The code of a system error, such as ENOSPC. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
}

export function isErrno(error: unknown, code: string): boolean {
  return errnoOf(error) === code;
}

/** @throws AuthError `store_unsafe` for what belongs neither to this user nor to root */
export function refuseForeign(path: string, stat: Stats, who: AuthErrorFacts): void {
  const me = process.geteuid?.() ?? 0;
  // Who is root can do anything here anyway.
  if (me !== 0 && stat.uid !== me && stat.uid !== 0) throw unsafe(path, "belongs to another user", who);
}

/** `why` goes on where the path ends. */
export function unsafe(path: string, why: string, who: AuthErrorFacts, cause?: unknown): AuthError {
  return new AuthError("store_unsafe", { ...who, detail: `${path} ${why}`, cause });
}

/** The disk did not take it. */
export function failed(path: string, who: AuthErrorFacts, cause: unknown): AuthError {
  return new AuthError("store_failed", { ...who, detail: `${path}: ${errnoOf(cause)}`, cause });
}
