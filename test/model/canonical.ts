// One row of bytes for what is one and the same: what no later step can depend on is zero, and processes, which are all
// alike, stand in an order of their own.
import {
  stand,
  at,
  firstToken,
  type Layout,
  none,
  otherwise,
  permitBits,
  places,
  slot,
  type State,
  truth,
} from "./layout.ts";

export function createCanonical(layout: Layout) {
  const { bounds, lineages, tokens, lockAt, fileAt, fileOrAt, ackedAt, removedAt, issuedAt, revokedAt } = layout;
  const { slotsAt, processesAt, slotOf, tokenOf, processOf, contentOf, isToken } = layout;
  const { processes, generations, attempts } = bounds;

  const lowest = new Uint8Array(lineages);
  const known = new Uint8Array(lineages * tokens);

  const refer = (code: number): void => {
    const content = contentOf(code);
    if (content === null) return;
    const { lineage, generation, token } = content;
    lowest[lineage] = Math.min(at(lowest, lineage), generation);
    known[lineage * tokens + token] = 1;
  };

  const keys = new Float64Array(processes);
  const order = new Uint8Array(processes);
  const renamed = new Uint8Array(processes + 1);
  const blocks = new Uint8Array(processes * stand.size);

  const keyOf = (n: State, p: number): number => {
    let key = 0;
    for (let field = 0; field < stand.size; field += 1) key = key * 256 + at(n, processOf(p) + field);
    return key;
  };

  /** Processes are alike: what matters is how many stand where, not which. Those that are off come last. */
  const line = (n: State): void => {
    let isInLine = true;
    for (let p = 0; p < processes; p += 1) {
      keys[p] = keyOf(n, p);
      let place = p;
      for (; place > 0 && (keys[order[place - 1] as number] as number) < (keys[p] as number); place -= 1)
        order[place] = order[place - 1] as number;
      order[place] = p;
      isInLine &&= place === p;
    }
    if (isInLine) return;
    blocks.set(n.subarray(processesAt, processesAt + blocks.length));
    for (let place = 0; place < processes; place += 1) {
      const p = order[place] as number;
      renamed[p + 1] = place + 1;
      n.set(blocks.subarray(p * stand.size, (p + 1) * stand.size), processOf(place));
    }
    n[lockAt] = renamed[at(n, lockAt)] as number;
    for (let offset = slotsAt; offset < processesAt; offset += slot.size)
      n[offset + slot.owner] = renamed[at(n, offset + slot.owner)] as number;
  };

  /** Sets to zero what nothing that can still happen depends on. */
  const settle = (n: State): void => {
    lowest.fill(none);
    known.fill(0);
    refer(at(n, fileAt));
    n.subarray(fileOrAt, fileOrAt + places).sort();
    for (let place = 0; place < places; place += 1)
      if (at(n, fileOrAt + place) !== none) refer(at(n, fileOrAt + place));
    for (let p = 0; p < processes; p += 1) {
      const offset = processOf(p);
      refer(at(n, offset + stand.base));
      refer(at(n, offset + stand.view));
      const base = contentOf(at(n, offset + stand.base));
      const memory = at(n, offset + stand.memory);
      if (base !== null && isToken(memory)) known[base.lineage * tokens + memory - firstToken] = 1;
    }
    const keepAll = bounds.without.has("lineage");
    for (let lineage = 0; lineage < lineages; lineage += 1) {
      for (let generation = 1; generation <= generations; generation += 1)
        for (let attempt = 0; attempt < attempts; attempt += 1) {
          const offset = slotOf(lineage, generation, attempt);
          if (generation < at(lowest, lineage) && !keepAll) n.fill(0, offset, offset + slot.size);
          if ((at(n, offset + slot.permit) & (permitBits.seen | permitBits.unsure)) === 0) n[offset + slot.permit] = 0;
          if ((at(n, offset + slot.other) & otherwise.body) === 0) n[offset + slot.otherBody] = 0;
          for (const body of [at(n, offset + slot.next), at(n, offset + slot.otherBody)])
            if (isToken(body)) known[lineage * tokens + body - firstToken] = 1;
        }
      if (at(lowest, lineage) === none && !keepAll) {
        n[ackedAt + lineage] = 0;
        n[removedAt + lineage] = 0;
        n[issuedAt + lineage] = 0;
        n[revokedAt + lineage] = 0;
      }
      for (let token = 0; token < tokens; token += 1)
        if (known[lineage * tokens + token] === 0)
          n.fill(0, tokenOf(lineage, token), tokenOf(lineage, token) + truth.size);
    }
  };

  return { settle, line };
}
