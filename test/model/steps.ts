// What is done in each state of the chart, one step on the disk at a time: the model's half of `runtime/refresh/`. Where a
// step can end in several ways, each of them is a successor. A process can die between any two of them (`weather.ts`).
import type { Weighed } from "../../machines/doubt.ts";
import type { RefreshState } from "../../machines/refresh.ts";
import { createActing } from "./acting.ts";
import type { Emit } from "./moves.ts";
import { createRepeating } from "./repeating.ts";
import { serve } from "./server.ts";
import { createStoring } from "./storing.ts";
import { createPermit, createRoom, dropBody, dropPermit, syncBody, writeBody } from "./disk.ts";
import {
  access,
  ageIn,
  at,
  factBits,
  firstToken,
  nothing,
  permitBits,
  room,
  slot,
  stand,
  type State,
} from "./layout.ts";
import type { World } from "./world.ts";

export type Steps = Readonly<Record<RefreshState, (s: State, p: number) => void>>;

/** @param taken counts the transitions of the chart */
export function createSteps(world: World, emit: Emit, taken: Uint32Array): Steps {
  const { bounds } = world;
  const { without } = bounds;
  const acting = createActing(world, emit, taken);
  const { fork, of, put, base, slotAt, answer, next, step, isBase } = acting;
  const { weighed, isStillAllowed, interruptedBefore } = createRepeating(world, acting);
  const { checkpoint, checkpointOrPostpone, clean, noteEnd } = createStoring(world, acting);

  const withdraw = (n: State, p: number): void => {
    dropPermit(n, slotAt(n, p));
    dropBody(n, slotAt(n, p), nothing);
  };

  const isUnrefused = (s: State, p: number): boolean =>
    isBase(s, p) && world.contentOf(at(s, world.fileAt))?.isRefused === false;

  const take = (s: State, p: number, what: string): void => {
    const n = fork(s);
    if (bounds.lock === "kernel") n[world.lockAt] = p + 1;
    emit(answer(n, p, "lock.taken"), "take", p, what, true);
  };

  /** A lock that goes by age, for the check of the check: whoever has an old permit is taken for dead. */
  const looksDead = (s: State): boolean => {
    const holder = at(s, world.lockAt);
    for (let offset = world.slotsAt; offset < world.processesAt; offset += slot.size)
      if (at(s, offset + slot.owner) === holder && ageIn(at(s, offset + slot.permit)) > 0) return true;
    return false;
  };

  return {
    locking: (s, p) => {
      const isFree = bounds.lock === "lying" || at(s, world.lockAt) === 0;
      if (isFree || (without.has("kernelLock") && looksDead(s))) take(s, p, "lock.taken");
      step(answer(fork(s), p, "lock.spared"), p, "leaves: lock.spared", false);
    },
    rereading: (s, p) => {
      const code = without.has("reread") ? of(s, p, stand.view) : at(s, world.fileAt);
      const content = world.contentOf(code);
      const n = fork(s);
      put(n, p, stand.base, code);
      if (content === null) return step(answer(n, p, "file.answers"), p, "no login: file.answers");
      const { lineage, generation, isRefused } = content;
      if (without.has("reread") && generation <= bounds.generations)
        return step(answer(n, p, "file.spendable"), p, "goes by what was read before the lock: file.spendable");
      const sealed = world.sealedAttempt(s, lineage, generation);
      if (sealed >= 0) {
        put(n, p, stand.attempt, sealed);
        put(n, p, stand.memory, at(s, world.slotOf(lineage, generation, sealed) + slot.next));
        return step(answer(n, p, "seal.found"), p, "seal.found");
      }
      const isFresh = at(s, world.accessAt) === access.fresh || generation > bounds.generations;
      if (isRefused || isFresh) return step(answer(n, p, "file.answers"), p, "file.answers");
      const permitted = world.permittedAttempt(s, lineage, generation);
      put(n, p, stand.attempt, Math.max(0, permitted));
      if (permitted >= 0) step(answer(n, p, "permit.found"), p, "permit.found");
      else step(answer(n, p, "file.spendable"), p, "file.spendable");
    },
    weighing: (s, p) => {
      const attempt = of(s, p, stand.attempt);
      const kinds = new Set<Weighed["kind"]>();
      for (const isSeen of [true, false])
        for (const isOtherBoot of bounds.lock === "lying" ? [true, false] : [false]) {
          const kind = weighed(s, p, attempt, isSeen, isOtherBoot);
          kinds.add(kind === "repeat" && attempt + 1 >= bounds.attempts ? "later" : kind);
        }
      const best = kinds.has("repeat") ? "repeat" : kinds.has("over") ? "over" : "later";
      if (kinds.has("repeat")) {
        const n = fork(s);
        put(n, p, stand.attempt, attempt + 1);
        step(answer(n, p, "repeat.allowed"), p, `repeat.allowed (attempt ${attempt + 1})`);
      }
      if (kinds.has("over")) step(answer(fork(s), p, "repeat.over"), p, "repeat.over", best === "over");
      if (kinds.has("later")) step(answer(fork(s), p, "repeat.postponed"), p, "repeat.postponed", best === "later");
    },
    preparing: (s, p) => {
      const offset = slotAt(s, p);
      const n = fork(s);
      if (at(s, offset + slot.next) !== nothing) {
        dropBody(n, offset, nothing);
        step(n, p, "removes room that was left");
      } else {
        createRoom(n, offset);
        if (!without.has("baseSync")) world.syncFile(n);
        step(answer(n, p, "room.made"), p, "makes room: room.made");
      }
      if (bounds.diskFaults) step(answer(fork(s), p, "room.refused"), p, "the disk is full: room.refused", false);
    },
    prepared: (s, p) => {
      const offset = slotAt(s, p);
      const pc = of(s, p, stand.pc);
      const refuse = (): void => {
        if (!bounds.diskFaults) return;
        const n = fork(s);
        if (pc > 0) dropPermit(n, offset);
        step(answer(n, p, "permit.refused"), p, "the disk takes no permit: permit.refused", false);
      };
      if (pc === 0) {
        const isTaken = (at(s, offset + slot.permit) & permitBits.seen) !== 0;
        const n = fork(s);
        if (without.has("permit")) return step(answer(n, p, "permit.written"), p, "permit.written, but there is none");
        if (isTaken && !without.has("exclusive"))
          return step(answer(n, p, "permit.taken"), p, "finds a permit: permit.taken");
        createPermit(n, offset, p, interruptedBefore(s, p));
        step(next(n, p, 1), p, "writes the permit");
        refuse();
      } else if (pc === 1) {
        const n = fork(s);
        if (!without.has("folderSync")) world.syncFolder(n);
        if (!without.has("parentSync")) n[world.folderAt] = 1;
        step(next(n, p, 2), p, "the names of permit and room are on the disk");
        refuse();
      } else if (without.has("recheck") || without.has("reread") || (isUnrefused(s, p) && isStillAllowed(s, p))) {
        const n = fork(s);
        if (without.has("keepPermits")) {
          const { lineage, generation } = base(s, p);
          for (let k = 0; k < of(s, p, stand.attempt); k += 1) dropPermit(n, world.slotOf(lineage, generation, k));
        }
        emit(answer(n, p, "permit.written"), "permit", p, "permit.written", true);
      } else {
        const n = fork(s);
        withdraw(n, p);
        step(answer(n, p, "permit.taken"), p, "finds that time or the token file has moved on: permit.taken");
      }
    },
    permitted: (s, p) => {
      const { lineage, generation, token } = base(s, p);
      const pc = of(s, p, stand.pc);
      if (pc === 0) {
        const n = fork(s);
        const attempt = of(s, p, stand.attempt);
        world.addPresented(n, lineage, token, 1);
        if (attempt === 0) world.addFact(n, lineage, token, factBits.first);
        const what = `the request leaves (generation ${generation}, attempt ${attempt})`;
        emit(next(n, p, 1), "present", p, what, true);
        return;
      }
      if (pc === 1) {
        serve(world, fork, s, lineage, token, (n, body, what, isGood) => {
          put(n, p, stand.memory, body);
          step(next(n, p, 2), p, what, isGood);
        });
        const n = fork(s);
        world.addPresented(n, lineage, token, -1);
        if (of(s, p, stand.attempt) === 0) world.dropFact(n, lineage, token, factBits.first);
        step(answer(n, p, "reply.unprocessed"), p, "not processed: reply.unprocessed", !world.canIssue(s, lineage));
      } else if (of(s, p, stand.memory) === world.refusal) {
        step(answer(fork(s), p, "reply.refused"), p, "reply.refused");
        if (bounds.oddReplies)
          step(answer(fork(s), p, "reply.arrived"), p, "a refusal that looks like a success: reply.arrived", false);
      } else step(answer(fork(s), p, "reply.arrived"), p, "reply.arrived");
      const n = fork(s);
      world.excuse(n, lineage, token);
      step(answer(n, p, "reply.lost"), p, "the reply is lost: reply.lost", false);
    },
    replied: (s, p) => {
      const { lineage, generation } = base(s, p);
      const offset = slotAt(s, p);
      const body = of(s, p, stand.memory);
      const written = (n: State): void => {
        if (world.isToken(body)) n[world.ackedAt + lineage] = Math.max(at(n, world.ackedAt + lineage), generation + 1);
        step(answer(n, p, "seal.written"), p, "seal.written");
      };
      const n = fork(s);
      if (without.has("seal")) return step(answer(n, p, "seal.written"), p, "seal.written, but it is not");
      if (of(s, p, stand.pc) === 1) {
        syncBody(n, offset);
        written(n);
      } else if (at(s, offset + slot.next) === nothing)
        return step(answer(n, p, "seal.failed"), p, "the room is gone: seal.failed");
      else {
        writeBody(n, offset, body);
        if (without.has("sealSync")) written(n);
        else step(next(n, p, 1), p, "writes the reply into the room");
      }
      if (bounds.diskFaults) step(answer(fork(s), p, "seal.failed"), p, "the disk takes no seal: seal.failed", false);
    },
    unsealed: (s, p) => {
      if (!checkpoint(s, p)) return;
      if (bounds.diskFaults) {
        step(answer(fork(s), p, "file.postponed"), p, "nor a token file: file.postponed", false);
        const { lineage, token } = base(s, p);
        const n = fork(s);
        world.excuse(n, lineage, token);
        step(answer(n, p, "step.done"), p, "has tried for long enough: step.done", false);
      }
    },
    sealed: checkpointOrPostpone,
    salvaging: checkpointOrPostpone,
    checkpointed: (s, p) => {
      const n = fork(s);
      if (of(s, p, stand.pc) === 0 && !without.has("renameSync")) {
        world.syncFile(n);
        return step(next(n, p, 1), p, "waits until the token file is on the disk");
      }
      clean(n, p, false);
      step(answer(n, p, "step.done"), p, "removes what is left of the old generation: step.done");
      if (bounds.diskFaults)
        step(answer(fork(s), p, "step.done"), p, "the disk does not say so, and nothing is removed: step.done", false);
    },
    refused: (s, p) => {
      // Answered, and noted, so that nothing is in doubt any more.
      if (without.has("noteFirst") && of(s, p, stand.pc) === 0) {
        const n = fork(s);
        withdraw(n, p);
        step(next(n, p, 1), p, "takes the permit back");
      } else if (without.has("noteFirst")) noteEnd(s, p, 1, () => undefined);
      else noteEnd(s, p, 0, (n) => withdraw(n, p));
    },
    interrupted: (s, p) => {
      noteEnd(s, p, 0, () => undefined);
    },
    blocked: (s, p) => {
      noteEnd(s, p, 0, () => undefined);
    },
    unprocessed: (s, p) => {
      const n = fork(s);
      withdraw(n, p);
      step(answer(n, p, "step.done"), p, "takes the permit back: step.done");
    },
    unanswered: (s, p) => {
      const offset = slotAt(s, p);
      const n = fork(s);
      if (at(s, offset + slot.next) >= firstToken && !without.has("unseal")) {
        dropBody(n, offset, room);
        return step(n, p, "takes the seal off a reply that was none");
      }
      const bits = at(s, offset + slot.permit);
      if ((bits & permitBits.seen) !== 0) n[offset + slot.permit] = bits | permitBits.ended;
      step(answer(n, p, "step.done"), p, "notes in the permit that it is over: step.done");
      if (bounds.diskFaults) step(answer(fork(s), p, "step.done"), p, "cannot note that it is over: step.done", false);
    },
    discarding: (s, p) => {
      const n = fork(s);
      const pc = of(s, p, stand.pc);
      if (pc === 0 && !without.has("removalSync")) {
        world.syncFile(n);
        return step(next(n, p, 1), p, "waits until the other login, or none, is on the disk");
      }
      if (pc < 2) {
        clean(n, p, without.has("ownFiles"));
        return step(next(n, p, 2), p, "removes what is left of the login");
      }
      n[world.revokedAt + base(s, p).lineage] = 1;
      step(answer(n, p, "step.done"), p, "gives the tokens back: step.done");
    },
    releasing: (s, p) => step(answer(fork(s), p, "step.done"), p, "gives the lock back: step.done"),
  };
}
