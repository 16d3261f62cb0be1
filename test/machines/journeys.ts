// A running machine brought to each of its states, a login's inner states included.
import type { Survey } from "../../machines/facts.ts";
import { survey, surveys } from "./examples.ts";
import { live, type Living } from "./living.ts";
import { ready } from "./login/walk.ts";

const login = { type: "login.requested", port: null, timeoutMs: null, attempt: null } as const;

function decided(world: Living, found: Survey): Living {
  world.last("survey").ends(found);
  return world;
}

function signingIn(world: Living, grant: "loopback" | "paste" | "device"): Living {
  decided(world, survey(null)).actor.send({ ...login, grant });
  return world;
}

function awaiting(world: Living, grant: "loopback" | "paste" | "device"): Living {
  signingIn(world, grant).last("begin").ends(ready);
  return world;
}

/** Brings a machine that has just begun to the state of that name. */
export const journeys: Readonly<Record<string, (world: Living) => Living>> = {
  deciding: (world) => world,
  ...Object.fromEntries(
    Object.entries(surveys).map(([name, found]) => [name, (world: Living) => decided(world, found)]),
  ),
  "pendingAuth.loopback/preparing": (world) => signingIn(world, "loopback"),
  "pendingAuth.loopback/awaitingCode": (world) => awaiting(world, "loopback"),
  "pendingAuth.loopback/exchanging": (world) => {
    awaiting(world, "loopback").actor.send({ type: "callback.arrived", handle: "h1" });
    return world;
  },
  "pendingAuth.paste/awaitingCode": (world) => awaiting(world, "paste"),
  "pendingAuth.paste/exchanging": (world) => {
    awaiting(world, "paste").actor.send({ type: "login.pasted", handle: "h1" });
    return world;
  },
  "pendingAuth.device/awaitingPoll.resting": (world) => awaiting(world, "device"),
  refreshing: (world) => {
    decided(world, survey()).actor.send({ type: "refresh.requested", force: true, now: 0 });
    return world;
  },
  loggingOut: (world) => {
    decided(world, survey()).actor.send({ type: "logout.requested", revoke: true });
    return world;
  },
};

/** A running machine in the state of that name. */
export function standingIn(name: string, world: Living = live()): Living {
  return (journeys[name] as (world: Living) => Living)(world);
}
