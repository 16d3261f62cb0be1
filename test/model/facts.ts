// What is true of every refresh token, whoever knows it: what the server has seen and issued, how often it was presented, and
// whether somebody died with it between permit and seal.
import { stand, at, factBits, firstToken, type Layout, permitBits, slot, type State, truth } from "./layout.ts";

const mostPresented = 7;

export function createFacts(layout: Layout) {
  const { bounds, lineages, tokens, fileAt, issuedAt, tokenOf, slotOf, processOf, contentOf } = layout;
  const { generations, attempts } = bounds;

  const addFact = (n: State, lineage: number, token: number, bit: number): void => {
    const offset = tokenOf(lineage, token) + truth.facts;
    n[offset] = at(n, offset) | bit;
  };

  const dropFact = (n: State, lineage: number, token: number, bit: number): void => {
    const offset = tokenOf(lineage, token) + truth.facts;
    n[offset] = at(n, offset) & ~bit;
  };

  const presented = (s: State, lineage: number, token: number): number =>
    Math.floor(at(s, tokenOf(lineage, token) + truth.facts) / factBits.presented);

  /** Who dies with a permit and without a seal on the disk leaves the token in doubt. */
  const noteDeath = (n: State, p: number): void => {
    for (let lineage = 0; lineage < lineages; lineage += 1)
      for (let offset = slotOf(lineage, 1, 0); offset < slotOf(lineage + 1, 1, 0); offset += slot.size) {
        if (at(n, offset + slot.owner) !== p + 1 || (at(n, offset + slot.permit) & permitBits.ended) !== 0) continue;
        if (at(n, offset + slot.next) >= firstToken && at(n, offset + slot.other) === 0) continue;
        const base = contentOf(at(n, processOf(p) + stand.base));
        if (base === null) continue;
        countDeath(n, lineage, base.token);
      }
  };

  const countDeath = (n: State, lineage: number, token: number): void => {
    addFact(n, lineage, token, is(n, lineage, token, factBits.died) ? factBits.diedAgain : factBits.died);
  };

  /** A power failure that undoes a withdrawal leaves a permit of which nobody knows what came of it. */
  const noteReturned = (n: State, before: State): void => {
    const content = contentOf(at(n, fileAt));
    if (content === null || content.generation > generations) return;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const offset = slotOf(content.lineage, content.generation, attempt) + slot.permit;
      const isBack = (at(n, offset) & ~at(before, offset) & permitBits.seen) !== 0;
      if (isBack && (at(n, offset) & permitBits.ended) === 0) countDeath(n, content.lineage, content.token);
    }
  };

  const addPresented = (n: State, lineage: number, token: number, by: 1 | -1): void => {
    const offset = tokenOf(lineage, token);
    const count = Math.min(mostPresented, presented(n, lineage, token) + by);
    n[offset + truth.facts] = (at(n, offset + truth.facts) % factBits.presented) + count * factBits.presented;
  };

  const is = (s: State, lineage: number, token: number, bit: number): boolean =>
    (at(s, tokenOf(lineage, token) + truth.facts) & bit) !== 0;

  /** The server takes the token for spent, from now on. */
  const consume = (n: State, lineage: number, token: number): void => {
    if (is(n, lineage, token, factBits.consumed)) return;
    addFact(n, lineage, token, factBits.consumed);
    if (bounds.grace === "known") n[tokenOf(lineage, token) + truth.since] = 1;
  };

  /** From here on nobody but the server can be blamed for losing what it makes of this token. */
  const excuse = (n: State, lineage: number, token: number): void => {
    addFact(n, lineage, token, factBits.excused);
  };

  const isExcused = (s: State, lineage: number, token: number): boolean => is(s, lineage, token, factBits.excused);

  /** The check ends where the server would have to make more tokens than there are numbers for. */
  const canIssue = (s: State, lineage: number): boolean => at(s, issuedAt + lineage) < tokens;

  /** Coarse age of a token that is spent. */
  const spentFor = (s: State, lineage: number, token: number): number =>
    Math.max(0, at(s, tokenOf(lineage, token) + truth.since) - 1);

  const counting = { presented, addPresented, noteDeath, noteReturned };
  return { addFact, dropFact, is, consume, spentFor, excuse, isExcused, canIssue, ...counting };
}
