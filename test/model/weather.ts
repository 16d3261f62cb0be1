// What befalls the processes: they start and are killed at any step, the current fails, somebody removes the login or signs
// in anew, with our program or with one that knows no lock; and time passes.
import type { Removable } from "./bounds.ts";
import { stateNames } from "./chart.ts";
import { type Emit, nobody } from "./moves.ts";
import { dropBody, dropPermit } from "./disk.ts";
import {
  absent,
  access,
  ageIn,
  at,
  none,
  nothing,
  oldest,
  otherwise,
  permitBits,
  places,
  room,
  slot,
  stand,
  type State,
  truth,
} from "./layout.ts";
import type { World } from "./world.ts";

/** States between permit and seal, by their numbers in a process. */
const inWindow: ReadonlySet<string> = new Set(["permitted", "replied", "unsealed"]);
const windowStates = stateNames.map((name) => inWindow.has(name));
const locking = stateNames.indexOf("locking") + 1;
const permitted = stateNames.indexOf("permitted") + 1;

export function createWeather(world: World, emit: Emit) {
  const { bounds, processOf } = world;
  const has = (one: Removable): boolean => bounds.without.has(one);
  const scratch = new Uint8Array(world.bytes);
  const fork = (s: State): State => {
    scratch.set(s);
    return scratch;
  };
  const stateOf = (s: State, p: number): number => at(s, processOf(p) + stand.state);

  /** Who dies between permit and seal may take the login with him. */
  const excuseDeath = (n: State, p: number): void => {
    const state = stateOf(n, p);
    if (state === 0 || windowStates[state - 1] !== true) return;
    if (state === permitted && at(n, processOf(p) + stand.pc) === 0) return;
    const base = world.contentOf(at(n, processOf(p) + stand.base));
    if (base !== null) world.excuse(n, base.lineage, base.token);
  };

  const start = (s: State, p: number, isGood: boolean): void => {
    const n = fork(s);
    n[processOf(p) + stand.state] = locking;
    if (has("reread")) n[processOf(p) + stand.view] = at(s, world.fileAt);
    emit(n, "start", p, "starts", isGood);
  };

  const kill = (s: State, p: number): void => {
    const n = fork(s);
    excuseDeath(n, p);
    world.noteDeath(n, p);
    world.endProcess(n, p);
    emit(n, "kill", p, "is killed", false);
  };

  const dropEverything = (n: State): void => {
    for (let offset = world.slotsAt; offset < world.processesAt; offset += slot.size) {
      dropPermit(n, offset);
      dropBody(n, offset, nothing);
    }
  };

  const remove = (s: State): void => {
    const content = world.contentOf(at(s, world.fileAt));
    if (content === null) return;
    const n = fork(s);
    n[world.removedAt + content.lineage] = 1;
    world.setFile(n, absent);
    emit(n, "removal", nobody, "somebody removes the token file", false);
    world.syncFile(n);
    n[world.revokedAt + content.lineage] = 1;
    emit(n, "removal", nobody, "somebody logs out", false);
    if (at(s, world.lockAt) !== 0) return;
    dropEverything(n);
    emit(n, "removal", nobody, "somebody logs out, with the lock", false);
  };

  const signIn = (s: State): void => {
    const lineage = at(s, world.signInsAt) + 1;
    if (lineage >= world.lineages) return;
    const n = fork(s);
    const before = world.contentOf(at(s, world.fileAt));
    if (before !== null) n[world.removedAt + before.lineage] = 1;
    n[world.signInsAt] = lineage;
    n[world.issuedAt + lineage] = 1;
    n[world.ackedAt + lineage] = 1;
    n[world.fileAt] = world.codeOf(lineage, 1, 0);
    world.syncFile(n);
    emit(n, "signIn", nobody, "somebody signs in with a program that knows no lock", false);
    if (bounds.lock === "kernel" && at(s, world.lockAt) !== 0) return;
    dropEverything(n);
    emit(n, "signIn", nobody, "somebody signs in", false);
  };

  /** @returns whether anything grew older */
  const grow = (n: State): boolean => {
    let isOlder = false;
    for (let offset = world.slotsAt; offset < world.processesAt; offset += slot.size) {
      const bits = at(n, offset + slot.permit);
      if (bits === 0 || ageIn(bits) >= oldest) continue;
      n[offset + slot.permit] = bits + permitBits.age;
      isOlder = true;
    }
    for (let token = 0; token < world.lineages * world.tokens; token += 1) {
      const offset = world.tokenOf(0, token) + truth.since;
      const since = at(n, offset);
      if (since === 0 || since > oldest) continue;
      n[offset] = since + 1;
      isOlder = true;
    }
    return isOlder;
  };

  const age = (s: State, isGood: boolean): boolean => {
    const n = fork(s);
    if (!grow(n)) return false;
    emit(n, "time", nobody, "time passes", isGood);
    return true;
  };

  const expire = (s: State, isGood: boolean): boolean => {
    const content = world.contentOf(world.visible(s));
    const now = at(s, world.accessAt);
    if (content === null || now === access.dead || content.generation > bounds.generations) return false;
    const n = fork(s);
    n[world.accessAt] = now + 1;
    emit(n, "time", nobody, now === access.fresh ? "the access token is due" : "the access token is dead", isGood);
    return true;
  };

  /** Calls back with every disk that a power failure can leave. */
  const survivors = (n: State, offset: number, found: () => void): void => {
    for (; offset < world.processesAt; offset += slot.size) {
      const bits = at(n, offset + slot.permit);
      const other = at(n, offset + slot.other);
      if ((bits & permitBits.unsure) !== 0) {
        for (const seen of [0, permitBits.seen]) {
          n[offset + slot.permit] = (bits & ~(permitBits.unsure | permitBits.seen)) | seen;
          if (seen === 0) n[offset + slot.permit] = 0;
          survivors(n, offset, found);
        }
        n[offset + slot.permit] = bits;
        return;
      }
      if (other !== 0) {
        const body = at(n, offset + slot.next);
        const bodies = [body];
        if ((other & otherwise.absent) !== 0) bodies.push(nothing);
        if ((other & otherwise.room) !== 0) bodies.push(room);
        if ((other & otherwise.body) !== 0) bodies.push(at(n, offset + slot.otherBody));
        n[offset + slot.other] = 0;
        for (const left of bodies) {
          n[offset + slot.next] = left;
          survivors(n, offset + slot.size, found);
        }
        n[offset + slot.next] = body;
        n[offset + slot.other] = other;
        return;
      }
    }
    found();
  };

  const disk = new Uint8Array(world.bytes);
  const powerFails = (s: State): void => {
    disk.set(s);
    for (let p = 0; p < bounds.processes; p += 1) {
      excuseDeath(disk, p);
      world.noteDeath(disk, p);
      world.endProcess(disk, p);
    }
    disk[world.lockAt] = 0;
    for (let offset = world.slotsAt; offset < world.processesAt; offset += slot.size) {
      const bits = at(disk, offset + slot.permit);
      if (bits !== 0) disk[offset + slot.permit] = bits | permitBits.otherBoot;
    }
    for (let place = 0; place < places; place += 1) {
      const code = at(s, world.fileOrAt + place);
      if (code === none) continue;
      disk[world.fileAt] = code;
      world.syncFile(disk);
      survivors(disk, world.slotsAt, () => {
        const n = fork(disk);
        world.noteReturned(n, s);
        emit(n, "power", nobody, "the current fails", false);
      });
    }
    if (at(s, world.folderAt) !== 0) return;
    disk.fill(0, world.slotsAt, world.processesAt);
    emit(fork(disk), "power", nobody, "the current fails, and the folder was not on the disk", false);
  };

  return { start, kill, remove, signIn, age, expire, powerFails };
}
