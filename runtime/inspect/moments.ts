// Moments and spans of time in the words of a story. Pure: now is passed in, and times are local.

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `09:12`; with its day when that is not today, and with the year when it is another one. */
export function moment(at: number, now: number): string {
  return [dayOf(at, now), timeOf(at)].filter((part) => part !== "").join(" ");
}

/** `at 09:12`, `on 22 Nov at 09:12` */
export function when(at: number, now: number): string {
  const day = dayOf(at, now);
  return `${day === "" ? "" : `on ${day} `}at ${timeOf(at)}`;
}

/** `40 s`, `5 min`, `3 h`, `12 days` */
export function span(ms: number): string {
  if (ms < minuteMs) return `${Math.round(ms / 1000)} s`;
  if (ms < hourMs) return `${Math.round(ms / minuteMs)} min`;
  return ms < 2 * dayMs ? `${Math.round(ms / hourMs)} h` : `${Math.round(ms / dayMs)} days`;
}

function dayOf(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  if (date.toDateString() === today.toDateString()) return "";
  const year = date.getFullYear() === today.getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${months[date.getMonth()] ?? ""}${year}`;
}

function timeOf(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}
