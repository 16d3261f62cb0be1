// Logins of other programs that accounts read: whether their files still give one.
//
// The files are somebody else's: each is read as a command would read it, is never judged by its mode, and is never mended.
import type { Auth } from "../auth.ts";
import type { StatusRow } from "../status.ts";
import { type Finding, fine, notice, problem } from "./finding.ts";
import { called, commandFor, outrankedBy } from "./logins.ts";

/** @param auth null: the settings cannot be read, so that it is not known what is read */
export function borrowed(auth: Auth | null): Finding[] {
  if (auth === null) return [];
  return auth.accounts().flatMap((name) => {
    const { row, fault } = auth.account(name.provider, name.account).status();
    if (row.importedFrom === undefined) return [];
    const outranked = row.enabled && fault === null ? outrankedBy(row, `The login that ${called(name)} reads`) : [];
    return outranked.concat(standing(row, row.importedFrom, fault));
  });
}

function standing(
  row: StatusRow,
  { file, tool }: NonNullable<StatusRow["importedFrom"]>,
  fault: string | null,
): Finding {
  const who = `${called(row)} reads the login of ${tool}`;
  const next = (verb: string): string => commandFor(row, verb);
  if (!row.enabled) return notice("login_disabled", file, `${who}, which is not used: OAuth is off`, next("enable"));
  // With a key that wins, nothing fails because of it.
  const say = row.usable === "no" ? problem : notice;
  if (fault !== null) return say("import_unreadable", file, `${who}: ${fault}`, next("login"));
  if (row.unexpired) return fine("login_borrowed", file, `${who}, good until ${row.expiresAt}`);
  return say(
    "login_ended",
    file,
    `${who}, which has ended: use ${tool} once, so that it is renewed there`,
    next("login"),
  );
}
