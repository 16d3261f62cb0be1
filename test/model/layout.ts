// Where everything is in a state of the world, which is one row of bytes: what is seen on the disk, what a power failure
// could leave of it, what the server knows, and where every process stands.
import type { Bounds } from "./bounds.ts";

export type State = Uint8Array;

/** What a token file can hold. */
export interface Content {
  readonly lineage: number;
  readonly generation: number;
  readonly token: number;
  readonly isRefused: boolean;
}

export const absent = 0;
/** A name without its content, after a power failure. */
export const torn = 1;
const firstContent = 2;

/** Access tokens. */
export const access = { fresh: 0, due: 1, dead: 2 } as const;

/** Bodies of `.next` files, and what a process has in memory: nothing, room, a token (from `firstToken` on), or no token. */
export const nothing = 0;
export const room = 1;
export const firstToken = 2;

/** Fields of what belongs to one attempt. `other`: what else a power failure could leave of the `.next` file. */
export const slot = { permit: 0, owner: 1, next: 2, other: 3, otherBody: 4, size: 5 } as const;
/**
 * Of a permit: what is seen, whether the disk may say otherwise, and what it says about its process; two bits of age, and
 * two of how many presentations before it died with their process.
 */
export const permitBits = { seen: 1, unsure: 2, ended: 4, otherBoot: 8, age: 16, interrupted: 64 } as const;
export const oldest = 2;
export const otherwise = { absent: 1, room: 2, body: 4 } as const;

/** Fields of a process. `view`: what it read before the lock. */
export const stand = { state: 0, pc: 1, base: 2, attempt: 3, memory: 4, view: 5, size: 6 } as const;

/** Fields of a refresh token, at the server and in truth. */
export const truth = { facts: 0, since: 1, size: 2 } as const;
export const factBits = { consumed: 1, excused: 2, first: 4, died: 8, diedAgain: 16, presented: 32 } as const;

/** How many contents the token file's name can have on the disk, and a place that has none. */
export const places = 6;
export const none = 255;

/** How old a permit is, coarsely. */
export function ageIn(permit: number): number {
  return Math.floor(permit / permitBits.age) % 4;
}

/** How many presentations died with their process, this one included if it did. */
export function interruptedBy(permit: number): number {
  return Math.floor(permit / permitBits.interrupted) + ((permit & permitBits.ended) === 0 ? 1 : 0);
}

/** Reads a byte. */
export function at(s: State, offset: number): number {
  return s[offset] as number;
}

export type Layout = ReturnType<typeof layoutOf>;

export function layoutOf(bounds: Bounds) {
  const { processes, generations, attempts } = bounds;
  const lineages = bounds.signIn ? 2 : 1;
  const tokens = generations + (bounds.grace === "none" ? 1 : attempts);
  // Bodies that are no tokens.
  const refusal = firstToken + tokens;
  const unclear = refusal + 1;
  const garbled = refusal + 2;

  let size = 0;
  const take = (bytes: number): number => {
    size += bytes;
    return size - bytes;
  };
  const lockAt = take(1);
  const fileAt = take(1);
  const fileOrAt = take(places);
  const folderAt = take(1);
  const accessAt = take(1);
  const signInsAt = take(1);
  const ackedAt = take(lineages);
  const removedAt = take(lineages);
  const issuedAt = take(lineages);
  const revokedAt = take(lineages);
  const tokensAt = take(lineages * tokens * truth.size);
  const slotsAt = take(lineages * generations * attempts * slot.size);
  const processesAt = take(processes * stand.size);
  const bytes = Math.ceil(size / 4) * 4;

  const codeOf = (lineage: number, generation: number, token: number, isRefused = false): number =>
    firstContent + ((lineage * (generations + 1) + generation - 1) * tokens + token) * 2 + (isRefused ? 1 : 0);
  const contents: (Content | null)[] = [null, null];
  for (let lineage = 0; lineage < lineages; lineage += 1)
    for (let generation = 1; generation <= generations + 1; generation += 1)
      for (let token = 0; token < tokens; token += 1)
        for (const isRefused of [false, true])
          contents[codeOf(lineage, generation, token, isRefused)] = { lineage, generation, token, isRefused };

  const contentOf = (code: number): Content | null => contents[code] as Content | null;
  const slotOf = (lineage: number, generation: number, attempt: number): number =>
    slotsAt + ((lineage * generations + generation - 1) * attempts + attempt) * slot.size;
  const tokenOf = (lineage: number, token: number): number => tokensAt + (lineage * tokens + token) * truth.size;
  const processOf = (p: number): number => processesAt + p * stand.size;
  const isToken = (body: number): boolean => body >= firstToken && body < refusal;

  const sizes = { bounds, bytes, lineages, tokens, refusal, unclear, garbled };
  const globals = { lockAt, fileAt, fileOrAt, folderAt, accessAt, signInsAt, ackedAt, removedAt, issuedAt, revokedAt };
  return { ...sizes, ...globals, slotsAt, processesAt, codeOf, contentOf, slotOf, tokenOf, processOf, isToken };
}
