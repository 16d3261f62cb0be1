// Lengths of time that a server claims: lifetimes, poll intervals, waits.
//
// A hostile or careless number must neither loop (0, negative), nor overflow a timer (huge), nor poison arithmetic (NaN),
// while a valid one must be obeyed to the letter.

const tenYearsS = 10 * 365 * 24 * 3600;
const hourMs = 3_600_000;

/** No server makes anybody wait for longer at a time. */
export const longestWaitMs = hourMs;

/**
 * Seconds as a server may write them: a finite number above zero, or a string of digits (RFC 6749 A.14; some send text).
 *
 * Null: garbage. Zero and negative count as garbage, not as "expired already": a token that was just issued is not
 * expired, and believing it would ask for the next one at once. So does anything beyond ten years.
 */
export function secondsIn(value: unknown): number | null {
  const seconds = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof seconds === "number" && seconds > 0 && seconds <= tenYearsS ? seconds : null;
}

/** A poll interval in ms (RFC 8628 3.2), between one second and one hour. Null: the server named none that makes sense. */
export function intervalMs(value: unknown): number | null {
  const seconds = secondsIn(value);
  return seconds === null ? null : Math.min(Math.max(seconds * 1000, 1000), hourMs);
}

// RFC 9110 5.6.7, the only form that may still be sent. Date.parse alone would take "1" for a year.
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** How long the server asks to wait (RFC 9110 10.2.3: seconds or an HTTP date), at most one hour. Null: it does not say. */
export function retryAfterMs(headers: Readonly<Record<string, string>>, now: number): number | null {
  const value = headers["retry-after"]?.trim() ?? "";
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, longestWaitMs);
  const at = httpDate.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : Math.min(Math.max(at - now, 0), longestWaitMs);
}
