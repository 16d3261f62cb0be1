// The shape of one entry of a provider's `imports`: where another tool keeps its login, as plain data.
//
// Tools agree on what a login is and not on where it stands, so that an entry says where, and no more: the members of the
// record are told by their names (`runtime/imports/foreign.ts`).

/** A file in which another tool keeps a login. What stands in it is told by its members' names; this says where. */
export interface ImportSource {
  /** The tool, as people call it. */
  readonly tool: string;
  /** Its file: `~` is the user's home, and one `*` in the last part stands for anything. */
  readonly file: string;
  /** Environment variable that names a folder, and the path of the file in it then. */
  readonly moved?: { readonly variable: string; readonly file: string };
  /** Literal member names that lead to the record with the tokens. Absent: the file itself is the record. */
  readonly at?: readonly string[];
  /** A text by which such a file is told from others: where it stands, and what it says. */
  readonly mark?: { readonly at: readonly string[]; readonly says: string };
  /** A member that the record of such a file always has, and those of others have not. */
  readonly has?: string;
  /** How the file says that it holds an API key instead: by a mode, or where none is told, by the key. */
  readonly key?: { readonly mode: string; readonly says: string; readonly member: string };
  /** Where the account's name stands, in this file or in another one of its folder. Absent: the provider's `identity` tells. */
  readonly identity?: { readonly file?: string; readonly at: readonly string[] };
  /** How long (ms) after the file's last change a token is taken to live when nothing tells its end. Absent: an hour. */
  readonly lifetimeMs?: number;
  /** Served until it expires, without having been imported, to the default account. */
  readonly unasked?: boolean;
  /** Where else the tool may keep its login, so that it cannot be read: the end of a sentence. */
  readonly elsewhere?: string;
}
