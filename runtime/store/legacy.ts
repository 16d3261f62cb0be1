// Logins that older tools left elsewhere: read, served until they expire, never written and never renewed here, because
// the other tool still owns them.
import { decode, type StoredCredential } from "./codec.ts";
import { readPrivate } from "./files.ts";

/** The first readable one of these files. @param files absolute paths */
export function readLegacy(files: readonly string[]): StoredCredential | null {
  for (const path of files) {
    try {
      const file = readPrivate(path, {});
      const credential = file === null ? null : decode(file.text, file.modifiedAt);
      if (credential !== null) return { ...credential, refreshToken: null };
    } catch {
      // Somebody else's file in a state that we do not understand is not our login.
    }
  }
  return null;
}
