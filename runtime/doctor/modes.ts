// Whom the files and folders of a home belong to, and who may look at them.
//
// Reading sets most of this right by itself or refuses; here it is said beforehand. Repairing means modes and nothing else: no
// content is changed, nothing is moved or removed, nobody but root touches what is another user's, and no link is followed
// but the person's own to the home, the settings and the profiles. Folders come before what is in them, so that nobody can
// put something else there meanwhile.
import { chmodSync, lstatSync, type Stats } from "node:fs";
import { join } from "node:path";
import { AuthError } from "../../machines/errors.ts";
import { tighten } from "../store/files.ts";
import { listFolder } from "../store/folders.ts";
import { mountedAlone } from "../store/mounted.ts";
import type { Paths } from "../store/names.ts";
import { behindLinks, errnoOf } from "../store/trust.ts";
import { type Finding, fine, notice, problem } from "./finding.ts";

interface Thing {
  readonly path: string;
  readonly stat: Stats;
  /** It holds, or may hold, what nobody else may read. */
  readonly isSecret: boolean;
}

/** @param fix sets modes right */
export function modes(paths: Paths, fix: boolean): Finding[] {
  const findings: Finding[] = [];
  const isMountedAlone = mountedAlone();
  let things = 0;
  for (const thing of within(paths, findings)) {
    things += 1;
    findings.push(...judged(thing, fix, isMountedAlone));
  }
  const isFine = findings.every(({ level }) => level === "ok");
  if (things > 0 && isFine)
    findings.push(fine("modes_fine", paths.home, "Nobody else can read or change what is kept here"));
  return findings;
}

/** Everything of ours that is there, from the home down. What cannot be looked at is a finding. */
function* within(paths: Paths, findings: Finding[]): Generator<Thing> {
  const home = lookedAt(() => behindLinks(paths.home, {}), findings);
  if (home === null) return;
  const thing = (path: string, isSecret: boolean): Thing | null => {
    const stat = lookedAt(() => lstatSync(path, { throwIfNoEntry: false }) ?? null, findings);
    return stat === null ? null : { path, stat, isSecret };
  };
  const folder = thing(home, false);
  if (folder === null) return;
  yield folder;
  const { settings, profiles, oauth } = paths;
  for (const path of [settings, profiles, ...namesIn(profiles, findings)]) {
    // A person's own link (dotfiles) is read through.
    const found = lookedAt(() => thing(behindLinks(path, {}), false), findings);
    if (found !== null) yield found;
  }
  const waiting = [oauth];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const found = thing(path, true);
    if (found === null) continue;
    yield found;
    // Looked into after its mode was set right, if it was to be.
    if (found.stat.isDirectory()) waiting.push(...namesIn(path, findings));
  }
}

const namesIn = (folder: string, findings: Finding[]): string[] =>
  (lookedAt(() => listFolder(folder), findings) ?? []).map((name) => join(folder, name));

function lookedAt<Found>(look: () => Found, findings: Finding[]): Found | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof AuthError) findings.push(problem(error.code, null, error.message));
    else findings.push(problem("store_unsafe", null, `A file or folder cannot be looked at (${errnoOf(error)})`));
    return null;
  }
}

function* judged(
  { path, stat, isSecret }: Thing,
  fix: boolean,
  isMountedAlone: (path: string) => boolean,
): Generator<Finding> {
  if (stat.isSymbolicLink()) {
    yield problem("link_refused", path, `${path} is a link, and token files are not read through links`);
    return;
  }
  if (!stat.isDirectory() && !stat.isFile()) {
    yield problem("file_odd", path, `${path} is neither a file nor a folder`);
    return;
  }
  if (isSecret && stat.isFile() && isMountedAlone(path))
    yield problem(
      "file_mounted",
      path,
      `${path} is mounted by itself, and cannot be renewed: mount the folder that it is in`,
    );
  // Windows has rights of another kind.
  if (process.getuid === undefined) return;
  const me = process.geteuid?.() ?? 0;
  // Who is root can use anything anyway, and what is root's is accepted.
  if (me !== 0 && stat.uid !== me) {
    const says = `${path} belongs to ${stat.uid === 0 ? "root" : `user ${stat.uid}`}`;
    yield stat.uid === 0 ? notice("owner_root", path, says) : problem("owner_foreign", path, says);
    return;
  }
  const wanted = stat.isDirectory() ? 0o700 : 0o600;
  const wrong = wrongOf({ path, stat, isSecret });
  if (wrong !== null) yield fix ? repaired(path, stat, wanted) : wrong;
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, "0");

function wrongOf({ path, stat, isSecret }: Thing): Finding | null {
  const next = "doctor --fix";
  const has = `${path} has mode ${octal(stat.mode)}`;
  const least = stat.isDirectory() ? 0o700 : 0o400;
  if ((stat.mode & least) !== least)
    return problem("mode_useless", path, `${has}: not even its owner can use it`, next);
  if ((stat.mode & 0o022) !== 0) return problem("mode_unsafe", path, `${has}: others can change it`, next);
  if ((stat.mode & 0o077) === 0) return null;
  if (isSecret && stat.isFile()) return problem("mode_loose", path, `${has}: others can read it`, next);
  // Where others may only look in, each file protects itself.
  return notice("mode_loose", path, `${has}: others can look into it`, next);
}

function repaired(path: string, stat: Stats, wanted: number): Finding {
  try {
    // Another name of the same file may be meant for others: ours becomes a file of its own. Not so a lock, a journal or a
    // sealed reply, which other processes have open: a second inode would split the lock, and lose the reply.
    if (stat.isFile() && stat.nlink > 1 && path.endsWith(".json")) tighten(path, {});
    else chmodSync(path, wanted);
  } catch (error) {
    const why = error instanceof AuthError ? error.message : errnoOf(error);
    return problem("mode_stays", path, `The mode of ${path} could not be set right (${why})`);
  }
  return fine("mode_repaired", path, `${path} had mode ${octal(stat.mode)} and has ${octal(wanted)} now`);
}
