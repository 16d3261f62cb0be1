// Waiting for a moment of a clock: of the wall clock for what is written in files and shared, of a steady one for a person
// who is waited for.
//
// Timers count in a clock that stands still while a machine sleeps, and overflow after 24.8 days. So nobody waits for
// longer than 30 s at a time, and the clock that is meant is asked again each time.
import type { Host } from "./host.ts";

/**
 * What the wall clock would show if nobody had set it since: the same as long as nobody does. A sign-in lives by it, so
 * that a clock that is set neither ends it nor keeps it for ever, nor stops its polls.
 */
export function steadyClock({ now, monotonic }: Pick<Host, "now" | "monotonic">): () => number {
  const offset = now() - monotonic();
  return () => monotonic() + offset;
}

const longestChunkMs = 30_000;
/** Clocks move in steps of up to so much: nobody is to be early because of it. */
const clockStepMs = 10;

/**
 * Calls `ring` once `now()` has reached `at`; never when `at` is null. @returns how to stop waiting
 * @param awake keeps the process alive meanwhile
 */
export function waitUntil(at: number | null, now: () => number, ring: () => void, awake: boolean): () => void {
  if (at === null) return () => undefined;
  let timer: NodeJS.Timeout;
  const step = (): void => {
    const left = at + clockStepMs - now();
    timer = left <= 0 ? setTimeout(ring, 0) : setTimeout(step, Math.min(left, longestChunkMs));
    if (!awake) timer.unref();
  };
  step();
  return () => {
    clearTimeout(timer);
  };
}
