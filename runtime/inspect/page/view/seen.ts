// What the page has been told so far, put together from the messages of the stream. Pure.
//
// A reconnection brings what was missed, or everything from the beginning when the server forgot which of it we have: the
// number of a record says which, and one that is told again takes the place of the first.
import type { JournalRecord } from "../../record.ts";
import type { News, Scene, SceneAccount } from "../scene.ts";

/** A record with its place in the order of reading. */
export type Numbered = JournalRecord & { readonly n: number };

export interface Seen {
  readonly scene: Scene | null;
  /** By rising number, without gaps. */
  readonly records: readonly Numbered[];
}

export const nothing: Seen = { scene: null, records: [] };

/** What is known after one more message. */
export function heard(seen: Seen, { scene, records = [] }: News): Seen {
  const [first] = records;
  if (first === undefined) return { ...seen, scene: scene ?? seen.scene };
  const kept = seen.records.findLastIndex(({ n }) => n < first.n) + 1;
  return { scene: scene ?? seen.scene, records: seen.records.slice(0, kept).concat(records) };
}

/** What an account is called throughout the page. */
export function keyOf({ provider, account }: Pick<SceneAccount, "provider" | "account">): string {
  return `${provider} ${account}`;
}

/** Of one account, up to one record or to the newest. @param key as `keyOf` gives it; null: of all */
export function recordsUpTo(records: readonly Numbered[], chosen: number | null, key: string | null): Numbered[] {
  return records.filter((one) => (chosen === null || one.n <= chosen) && (key === null || keyOf(one) === key));
}

/** The one that a look starts with: where a sign-in waits, else where something happened last, else where somebody is signed in. */
export function firstLook({ scene, records }: Seen): string | null {
  const accounts = scene?.accounts ?? [];
  const last = records.at(-1);
  const found =
    accounts.find(({ pending }) => pending !== null) ??
    accounts.find((one) => last !== undefined && keyOf(one) === keyOf(last)) ??
    accounts.find(({ usable }) => usable !== "no") ??
    accounts[0];
  return found === undefined ? null : keyOf(found);
}
