// Moments and durations as people read them. Pure: now is passed in.

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** `in 52 min`, `3 h ago`, `now`. */
export function relative(at: number, now: number): string {
  const distance = Math.abs(at - now);
  if (distance < 1000) return "now";
  const amount = roughly(distance);
  return at > now ? `in ${amount}` : `${amount} ago`;
}

/** `52 min left`; null: nothing is. */
export function left(until: number, now: number): string | null {
  return until > now ? `${roughly(until - now)} left` : null;
}

/** `23 Nov 16:00`, local time; with the year when it is another one than now. */
export function dateOf(at: number, now: number): string {
  const date = new Date(at);
  const year = date.getFullYear() === new Date(now).getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${months[date.getMonth()] ?? ""}${year} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `23 Nov 16:00 (in 52 min)` */
export function moment(at: number, now: number): string {
  return `${dateOf(at, now)} (${relative(at, now)})`;
}

/** `1:05`, `1:02:03`. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const rest = `${Math.floor(seconds / 60) % 60}:${two(seconds % 60)}`;
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)}:${rest.padStart(5, "0")}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function roughly(ms: number): string {
  if (ms < minuteMs) return `${Math.floor(ms / 1000)} s`;
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min`;
  if (ms < 2 * dayMs) return `${Math.floor(ms / hourMs)} h`;
  return `${Math.floor(ms / dayMs)} days`;
}
