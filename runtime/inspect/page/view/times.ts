// Moments and spans as the page shows them: to the second where one waits for it. Pure; now is passed in, times are local.
import { moment, span } from "../../moments.ts";

const minuteMs = 60_000;
const closeMs = 10 * minuteMs;
const dayMs = 1_440 * minuteMs;

/** `32 s`, `4 min 05 s`, `52 min`, `3 h 12 min`, `12 days` */
export function lasting(ms: number): string {
  if (ms < minuteMs) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  const seconds = String(Math.floor(ms / 1000) % 60).padStart(2, "0");
  if (ms < closeMs) return `${Math.floor(ms / minuteMs)} min ${seconds} s`;
  const minutes = Math.floor(ms / minuteMs);
  if (minutes < 60) return `${minutes} min`;
  if (ms >= 2 * dayMs) return span(ms);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** `in 4 min 05 s`, `now`, `12 s ago`, `4 min ago` */
export function away(at: number, now: number): string {
  const ms = at - now;
  if (Math.abs(ms) < 1000) return "now";
  if (ms > 0) return `in ${lasting(ms)}`;
  // What is over needs no seconds once it is a minute ago.
  return `${lasting(ms > -minuteMs ? -ms : Math.floor(-ms / minuteMs) * minuteMs).replace(" 00 s", "")} ago`;
}

/** `22:36:21`, with its day when that is not today. */
export function clock(at: number, now: number): string {
  const seconds = String(new Date(at).getSeconds()).padStart(2, "0");
  return `${moment(at, now)}:${seconds}`;
}
