// A login that another program has rewritten without our part of the file, recognised by what a refresh has left.
//
// Programs that know neither lineage nor generation leave both out. While a refresh is under way, its permit names the
// refresh token by fingerprint: the same token is the same login, and what the server answers still belongs to it. Taken for
// another login, the answer would be thrown away, and with it the only refresh token that still works.
import { join } from "node:path";
import type { StoredCredential } from "./codec.ts";
import { decodePermit } from "./evidence.ts";
import { readPrivate } from "./files.ts";
import { listFolder } from "./folders.ts";
import type { AccountName, Paths } from "./names.ts";
import { partsOf } from "./spend.ts";

/** The credential, with the lineage and generation of the permit for its refresh token, if it has lost them and there is one. */
export function recognized(paths: Paths, name: AccountName, credential: StoredCredential): StoredCredential {
  const { lineage: known, generation: counted, refreshToken } = credential;
  // Where generations are counted our part is there, lineage or not: a refresh that left the refresh token is behind it.
  if (known !== null || counted > 0 || refreshToken === null) return credential;
  for (const file of listFolder(paths.spend(name))) {
    const parts = partsOf(file);
    if (parts?.ending !== "sent") continue;
    const permit = readPrivate(join(paths.spend(name), file), name, "latin1");
    if (permit === null || decodePermit(permit.text, parts.attempt).of !== refreshToken.fingerprint()) continue;
    const { lineage, generation } = parts;
    return { ...credential, lineage, generation };
  }
  return credential;
}
