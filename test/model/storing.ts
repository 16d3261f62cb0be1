// What a process writes when it is over, for better or worse: the token file, and what it leaves or takes away beside it.
import type { Acting } from "./acting.ts";
import { stateNames } from "./chart.ts";
import { dropBody, dropPermit } from "./disk.ts";
import { at, firstToken, nothing, stand, type State, torn } from "./layout.ts";
import type { World } from "./world.ts";

const unsealed = stateNames.indexOf("unsealed") + 1;

export function createStoring(world: World, { fork, of, base, answer, next, step, isBase }: Acting) {
  const { bounds } = world;
  const { without } = bounds;

  /** What was renamed stands already; whoever removes something because of it waits for the disk himself. */
  const syncFails = (s: State, p: number): void => {
    const n = fork(s);
    const { lineage, token } = base(s, p);
    // Without a seal there is nothing to come back to.
    if (of(s, p, stand.state) === unsealed) world.excuse(n, lineage, token);
    step(answer(n, p, "file.written"), p, "the disk does not confirm the token file's name: file.written", false);
  };

  /** Writing the token file from what is in memory: `sealed`, `salvaging`, and `unsealed` for want of a seal. */
  const checkpoint = (s: State, p: number): boolean => {
    const { lineage, generation } = base(s, p);
    const body = of(s, p, stand.memory);
    const pc = of(s, p, stand.pc);
    if (pc === 1) {
      const n = fork(s);
      if (!without.has("renameSync")) world.syncFile(n);
      n[world.ackedAt + lineage] = Math.max(at(n, world.ackedAt + lineage), generation + 1);
      step(answer(n, p, "file.written"), p, "the token file's name is on the disk: file.written");
      if (bounds.diskFaults) syncFails(s, p);
      return false;
    }
    const code = world.codeOf(lineage, generation + 1, body - firstToken);
    const replace = (): void => {
      const n = fork(s);
      world.setFile(n, code);
      if (without.has("fileSync")) world.addPlace(n, torn);
      step(next(n, p, 1), p, `replaces the token file: generation ${generation + 1}`);
    };
    if (pc === 2) {
      replace();
      return false;
    }
    if (body === world.refusal) step(answer(fork(s), p, "reply.refused"), p, "reads a refusal: reply.refused");
    else if (body === world.unclear) step(answer(fork(s), p, "reply.lost"), p, "reads an error page: reply.lost");
    else if (body === world.garbled) step(answer(fork(s), p, "reply.unusable"), p, "cannot read it: reply.unusable");
    else {
      const now = world.contentOf(at(s, world.fileAt));
      if (isBase(s, p) || without.has("baseCheck")) {
        if (without.has("oneMoment")) step(next(fork(s), p, 2), p, "sees that the token file is as it was");
        else replace();
      } else if (now === null || now.lineage !== lineage)
        step(answer(fork(s), p, "file.gone"), p, "finds another login, or none: file.gone");
      else step(answer(fork(s), p, "file.written"), p, "finds a newer generation: file.written");
      return true;
    }
    return false;
  };

  const checkpointOrPostpone = (s: State, p: number): void => {
    if (checkpoint(s, p) && bounds.diskFaults)
      step(answer(fork(s), p, "file.postponed"), p, "the disk takes no token file: file.postponed", false);
  };

  /** Removes what is left of this sign-in, up to the generation that was spent. */
  const clean = (n: State, p: number, all: boolean): void => {
    const mine = base(n, p);
    for (let lineage = 0; lineage < world.lineages; lineage += 1)
      for (let generation = 1; generation <= bounds.generations; generation += 1) {
        if (!all && (lineage !== mine.lineage || generation > mine.generation)) continue;
        for (let attempt = 0; attempt < bounds.attempts; attempt += 1) {
          const offset = world.slotOf(lineage, generation, attempt);
          dropPermit(n, offset);
          dropBody(n, offset, nothing);
        }
      }
  };

  /**
   * `refused`, `interrupted`, `blocked`: the login is not renewed any more, and the token file says so.
   * @param begin number of the first of its steps
   * @param last what is done when the disk has it
   */
  const noteEnd = (s: State, p: number, begin: number, last: (n: State) => void): void => {
    const pc = of(s, p, stand.pc) - begin;
    const n = fork(s);
    if (pc === 0 && isBase(s, p)) {
      const { lineage, generation, token } = base(s, p);
      world.setFile(n, world.codeOf(lineage, generation, token, true));
      step(next(n, p, begin + 1), p, "notes in the token file that it is over");
      if (bounds.diskFaults) step(answer(fork(s), p, "step.done"), p, "cannot note that it is over: step.done", false);
    } else if (pc === 0) step(answer(n, p, "step.done"), p, "finds another login, or none: step.done");
    else {
      world.syncFile(n);
      last(n);
      step(answer(n, p, "step.done"), p, "the note is on the disk: step.done");
    }
  };

  return { checkpoint, checkpointOrPostpone, clean, noteEnd };
}
