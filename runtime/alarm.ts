// Waiting for a moment of the wall clock.
//
// Timers count in a clock that stands still while a machine sleeps, and overflow after 24.8 days. So nobody waits for
// longer than 30 s at a time, and the wall clock is asked again each time.
const longestChunkMs = 30_000;

/**
 * Calls `ring` once `now()` has reached `at`; never when `at` is null. @returns how to stop waiting
 * @param awake keeps the process alive meanwhile
 */
export function waitUntil(at: number | null, now: () => number, ring: () => void, awake: boolean): () => void {
  if (at === null) return () => undefined;
  let timer: NodeJS.Timeout;
  const step = (): void => {
    const left = at - now();
    timer = left <= 0 ? setTimeout(ring, 0) : setTimeout(step, Math.min(left, longestChunkMs));
    if (!awake) timer.unref();
  };
  step();
  return () => {
    clearTimeout(timer);
  };
}
