// The world of the check: its bytes, and what can be done with them. Only the steps, the weather and the server change it.
import type { Bounds } from "./bounds.ts";
import { createCanonical } from "./canonical.ts";
import { createDisk } from "./disk.ts";
import { createFacts } from "./facts.ts";
import { access, stand, at, layoutOf, slot, type State } from "./layout.ts";

export type World = ReturnType<typeof createWorld>;

export function createWorld(bounds: Bounds) {
  const layout = layoutOf(bounds);
  const disk = createDisk(layout);
  const canonical = createCanonical(layout);
  const { lockAt, slotsAt, processesAt, processOf } = layout;

  /** A signed-in account whose access token is due. */
  const initial = (): State => {
    const s = new Uint8Array(layout.bytes);
    s[layout.fileAt] = layout.codeOf(0, 1, 0);
    disk.syncFile(s);
    s[layout.accessAt] = access.due;
    s[layout.issuedAt] = 1;
    s[layout.ackedAt] = 1;
    s[layout.folderAt] = bounds.without.has("parentSync") ? 0 : 1;
    canonical.settle(s);
    return s;
  };

  /** It ends, or is ended: the kernel gives its lock back. */
  const endProcess = (n: State, p: number): void => {
    n.fill(0, processOf(p), processOf(p) + stand.size);
    for (let offset = slotsAt; offset < processesAt; offset += slot.size)
      if (at(n, offset + slot.owner) === p + 1) n[offset + slot.owner] = 0;
    if (at(n, lockAt) === p + 1) n[lockAt] = 0;
  };

  /** With what readers see, the access token is another one. */
  const renewAccess = (before: State, n: State): void => {
    const then = layout.contentOf(disk.visible(before));
    const now = layout.contentOf(disk.visible(n));
    if (now === null || now.generation > bounds.generations) n[layout.accessAt] = access.fresh;
    else if (then?.lineage !== now.lineage || then.generation < now.generation) n[layout.accessAt] = access.fresh;
    else if (then.generation > now.generation) n[layout.accessAt] = access.due;
  };

  return { ...layout, ...disk, ...createFacts(layout), ...canonical, initial, renewAccess, endProcess };
}
