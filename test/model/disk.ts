// The disk of the check. A name or a content that nobody has waited for has alternatives; a power failure chooses among them,
// for every file on its own (`weather.ts`).
import {
  absent,
  at,
  firstToken,
  type Layout,
  none,
  nothing,
  otherwise,
  permitBits,
  places,
  room,
  slot,
  type State,
} from "./layout.ts";

const mostInterrupted = 3;

export function createRoom(n: State, offset: number): void {
  n[offset + slot.next] = room;
  n[offset + slot.other] = (at(n, offset + slot.other) | otherwise.absent) & ~otherwise.room;
}

export function writeBody(n: State, offset: number, body: number): void {
  n[offset + slot.next] = body;
  n[offset + slot.other] = (at(n, offset + slot.other) | otherwise.room) & ~otherwise.body;
}

export function syncBody(n: State, offset: number): void {
  n[offset + slot.other] = at(n, offset + slot.other) & otherwise.absent;
}

/** Takes the name, or only the content, of a `.next` file away. */
export function dropBody(n: State, offset: number, to: typeof nothing | typeof room): void {
  const body = at(n, offset + slot.next);
  if (body === nothing || body === to) return;
  let others = at(n, offset + slot.other);
  if (body >= firstToken) {
    others |= otherwise.body;
    n[offset + slot.otherBody] = body;
  } else others |= otherwise.room;
  n[offset + slot.next] = to;
  n[offset + slot.other] = others & ~(to === nothing ? otherwise.absent : otherwise.room);
}

/** @param interrupted how many presentations before this one died with their process */
export function createPermit(n: State, offset: number, p: number, interrupted: number): void {
  n[offset + slot.permit] =
    permitBits.seen | permitBits.unsure | (Math.min(interrupted, mostInterrupted) * permitBits.interrupted);
  n[offset + slot.owner] = p + 1;
}

export function dropPermit(n: State, offset: number): void {
  const bits = at(n, offset + slot.permit);
  if ((bits & permitBits.seen) === 0) return;
  n[offset + slot.permit] = (bits & ~permitBits.seen) | permitBits.unsure;
  n[offset + slot.owner] = 0;
}

/** The newest `.next` file and permit, what readers see, and the token file. */
export function createDisk(layout: Layout) {
  const { bounds, lineages, fileAt, fileOrAt, slotsAt, processesAt, slotOf, codeOf, contentOf, isToken } = layout;
  const { generations, attempts } = bounds;

  /** The newest attempt that left a sealed reply of any kind; -1: none. */
  const sealedAttempt = (s: State, lineage: number, generation: number): number => {
    if (generation > generations) return -1;
    for (let attempt = attempts - 1; attempt >= 0; attempt -= 1)
      if (at(s, slotOf(lineage, generation, attempt) + slot.next) >= firstToken) return attempt;
    return -1;
  };

  const permittedAttempt = (s: State, lineage: number, generation: number): number => {
    if (generation > generations) return -1;
    for (let attempt = attempts - 1; attempt >= 0; attempt -= 1)
      if ((at(s, slotOf(lineage, generation, attempt) + slot.permit) & permitBits.seen) !== 0) return attempt;
    return -1;
  };

  const successor = (s: State, lineage: number, generation: number): number => {
    const attempt = sealedAttempt(s, lineage, generation);
    if (attempt < 0) return absent;
    const body = at(s, slotOf(lineage, generation, attempt) + slot.next);
    return isToken(body) ? codeOf(lineage, generation + 1, body - firstToken) : absent;
  };

  /** What somebody sees who only reads: the token file, or what is sealed as its successor. A code. */
  const visible = (s: State): number => {
    let code = at(s, fileAt);
    for (;;) {
      const content = contentOf(code);
      if (content === null) return code;
      const { lineage, generation } = content;
      let next = successor(s, lineage, generation);
      if (next === absent && bounds.without.has("lineage"))
        for (let other = 0; other < lineages; other += 1)
          next = next === absent ? successor(s, other, generation) : next;
      if (next === absent) return code;
      code = next;
    }
  };

  /** Another content for the token file's name; until the folder is synced, a power failure may leave any earlier one. */
  const setFile = (n: State, code: number): void => {
    n[fileAt] = code;
    addPlace(n, code);
  };

  const addPlace = (n: State, code: number): void => {
    for (let place = 0; place < places; place += 1) {
      const there = at(n, fileOrAt + place);
      if (there === code) return;
      if (there === none) {
        n[fileOrAt + place] = code;
        return;
      }
    }
    throw new RangeError("a name has more alternatives than there are places for");
  };

  const syncFile = (n: State): void => {
    n.fill(none, fileOrAt, fileOrAt + places);
    n[fileOrAt] = at(n, fileAt);
  };

  const syncFolder = (n: State): void => {
    for (let offset = slotsAt; offset < processesAt; offset += slot.size) {
      n[offset + slot.permit] = at(n, offset + slot.permit) & ~permitBits.unsure;
      const kept = at(n, offset + slot.next) >= firstToken ? otherwise.room : 0;
      n[offset + slot.other] = at(n, offset + slot.other) & kept;
    }
  };

  return { sealedAttempt, permittedAttempt, visible, setFile, addPlace, syncFile, syncFolder };
}
