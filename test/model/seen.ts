// The states that were found: one after the other in blocks, in the order of their finding, which is the queue of the search
// as well. A hash table holds their numbers. Nothing is thrown away and nothing is compared by its hash alone.
import type { State } from "./layout.ts";

/** No state. */
export const unknown = 0xffff_ffff;

const blockBits = 16;
const blockStates = 1 << blockBits;

export interface Seen {
  /** Number of the state, new or not. */
  add(s: State, parent: number): number;
  read(index: number, into: State): void;
  size(): number;
  parent(index: number): number;
  good(index: number): number;
  setGood(index: number, good: number): void;
}

/** @param bytes length of a state, a multiple of four */
export function createSeen(bytes: number): Seen {
  const words = bytes / 4;
  const blocks: Uint32Array[] = [];
  let parents = new Uint32Array(blockStates);
  let goods = new Uint32Array(blockStates);
  let table = new Uint32Array(1 << 18).fill(unknown);
  let count = 0;

  const hashOf = (block: Uint32Array, start: number): number => {
    let hash = 0x9e37_79b9;
    for (let word = start; word < start + words; word += 1) {
      hash = Math.imul(hash ^ (block[word] as number), 0x85eb_ca6b);
      hash ^= hash >>> 13;
    }
    hash = Math.imul(hash, 0xc2b2_ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  };
  const blockOf = (index: number): Uint32Array => blocks[index >>> blockBits] as Uint32Array;
  const startOf = (index: number): number => (index & (blockStates - 1)) * words;

  const grow = (): void => {
    const larger = new Uint32Array(table.length * 2).fill(unknown);
    const mask = larger.length - 1;
    for (let index = 0; index < count; index += 1) {
      let place = hashOf(blockOf(index), startOf(index)) & mask;
      while (larger[place] !== unknown) place = (place + 1) & mask;
      larger[place] = index;
    }
    table = larger;
  };

  const words32 = new Uint32Array(words);
  const bytes8 = new Uint8Array(words32.buffer);

  return {
    add: (s, parent) => {
      bytes8.set(s);
      const mask = table.length - 1;
      let place = hashOf(words32, 0) & mask;
      for (; table[place] !== unknown; place = (place + 1) & mask) {
        const index = table[place] as number;
        const block = blockOf(index);
        const start = startOf(index);
        let word = 0;
        while (word < words && block[start + word] === words32[word]) word += 1;
        if (word === words) return index;
      }
      if (count >>> blockBits >= blocks.length) blocks.push(new Uint32Array(blockStates * words));
      if (count >= parents.length) {
        parents = lengthen(parents);
        goods = lengthen(goods);
      }
      blockOf(count).set(words32, startOf(count));
      parents[count] = parent;
      table[place] = count;
      count += 1;
      if (count * 2 > table.length) grow();
      return count - 1;
    },
    read: (index, into) => {
      const start = startOf(index);
      words32.set(blockOf(index).subarray(start, start + words));
      into.set(bytes8);
    },
    size: () => count,
    parent: (index) => parents[index] as number,
    good: (index) => goods[index] as number,
    setGood: (index, good) => {
      goods[index] = good;
    },
  };
}

function lengthen(before: Uint32Array): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(before.length * 2);
  longer.set(before);
  return longer;
}
