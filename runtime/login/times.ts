// The times of a sign-in in this process, from its record.
//
// A record has times of the wall clock, since any process may take it up. That clock may have been set meanwhile, so none of
// them is further away than it ever was; from here on the sign-in lives by a clock that nobody sets.
import type { Times } from "../../machines/login/login.ts";
import type { Attempt } from "../store/pending.ts";
import { longestWaitMs } from "../wire/response.ts";
import type { Desk } from "./desk.ts";

export function timesOf(
  { host, steady }: Pick<Desk, "host" | "steady">,
  { createdAt, expiresAt, intervalMs, restsUntil }: Attempt,
): Times {
  const now = host.now();
  const at = steady();
  const lifetimeMs = (expiresAt ?? createdAt) - createdAt;
  return {
    at,
    deadlineAt: expiresAt === null ? null : at + Math.min(expiresAt - now, lifetimeMs),
    intervalMs,
    restsUntil: restsUntil === null ? null : at + Math.min(restsUntil - now, longestWaitMs),
  };
}
