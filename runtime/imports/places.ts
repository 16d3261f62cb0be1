// Where other tools keep their logins on this machine, and what stands there. Reads, and never writes, follows nobody
// else's link, and waits on nothing.
import { basename, dirname, join, resolve, sep } from "node:path";
import { AuthError } from "../../machines/errors.ts";
import type { ImportSource } from "../../providers/fields/import-source.ts";
import type { Provider } from "../../providers/provider.ts";
import { expandHome, type Host } from "../host.ts";
import { readPrivate } from "../store/files.ts";
import { listFolder } from "../store/folders.ts";
import type { Paths } from "../store/names.ts";
import { behindLinks } from "../store/trust.ts";
import { memberAt, objectIn } from "../wire/claims.ts";
import { printable } from "../wire/text.ts";
import { type Foreign, readForeign } from "./foreign.ts";

/** What is looked around from. */
export interface Surroundings {
  readonly host: Pick<Host, "userHome" | "environment">;
  readonly paths: Paths;
}

/** A file that was looked at. `trouble`: why nothing can be read from it, as a sentence without its end. */
export type Looked = { readonly loose: boolean; readonly link: string | null } & (
  | Foreign
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly trouble: string }
);

const mostInFolder = 100;

/** Absolute paths of a kind of file. A file of our own is none: it is no other tool's, whoever wrote it once. */
export function placesOf({ host, paths }: Surroundings, source: ImportSource): string[] {
  const found = patternsOf(host, paths, source).flatMap((path) => matching(path));
  return [...new Set(found)].filter((file) => !isOurs(paths, file));
}

/** Whether a file lies among our own token files. */
export function isOurs({ oauth }: Paths, file: string): boolean {
  return file.startsWith(oauth + sep);
}

function matching(path: string): string[] {
  const [before = "", after] = basename(path).split("*", 2);
  if (after === undefined) return [path];
  return (
    filesIn(dirname(path))
      .filter((file) => file.startsWith(before) && file.endsWith(after) && file.length >= before.length + after.length)
      // Its name is shown to people, and whoever gave it may have meant something to their terminals.
      .filter((file) => printable(file, 2 * file.length + 2) === file.normalize("NFC"))
      .slice(0, mostInFolder)
      .map((file) => join(dirname(path), file))
  );
}

/** Our home folder may be elsewhere: what is served unasked is looked for there, what is asked for in both. */
function patternsOf({ environment, userHome }: Surroundings["host"], { home }: Paths, source: ImportSource): string[] {
  const { file, moved, unasked = false } = source;
  const folder = moved === undefined ? undefined : environment[moved.variable];
  if (moved !== undefined && folder !== undefined && folder !== "")
    return [resolve(expandHome(folder, userHome), moved.file)];
  const ours = "~/.llxprt/";
  const usual = expandHome(file, userHome);
  if (!file.startsWith(ours)) return [usual];
  const here = join(home, file.slice(ours.length));
  return unasked ? [here] : [here, usual];
}

function filesIn(folder: string): string[] {
  try {
    return listFolder(folder);
  } catch {
    // A folder that is not to be read holds nothing for us.
    return [];
  }
}

/** What stands in a file, if it is one of this kind. */
export function lookInto(provider: Provider, source: ImportSource, path: string): Looked {
  const found = textOf(path);
  if (found.kind !== "text") return found;
  const { text, modifiedAt, ...how } = found;
  return { ...how, ...readForeign(provider, source, text, modifiedAt, nameBeside(source, path)) };
}

type Text = Extract<Looked, { kind: "absent" | "unreadable" }> | (Omit<Looked, "kind"> & TextFound);
interface TextFound {
  readonly kind: "text";
  readonly text: string;
  readonly modifiedAt: number;
}

function textOf(path: string): Text {
  let link: string | null = null;
  try {
    // A person's own link is followed, and told: dotfiles are kept that way.
    const real = behindLinks(path, {});
    link = real === path ? null : real;
    const file = readPrivate(real, {});
    return file === null ? { kind: "absent", loose: false, link } : { kind: "text", link, ...file };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    return { kind: "unreadable", trouble: error.detail ?? error.message, loose: false, link };
  }
}

function nameBeside({ identity }: ImportSource, path: string): string | null {
  if (identity?.file === undefined) return null;
  const found = textOf(join(dirname(path), identity.file));
  return found.kind === "text" ? memberAt(objectIn(found.text), identity.at) : null;
}
