// Every sequence that once broke a property, as a plain test; and three errors of the first design of the machines, which
// sequences like these found. A seed is worth nothing once the list of deeds has changed: these stay.
import { describe, it } from "node:test";
import { playDeeds } from "./commands.ts";
import {
  breaksAlarm,
  browser,
  cancels,
  type Deed,
  does,
  event,
  feels,
  goesOn,
  hears,
  joins,
  kills,
  login,
  omits,
  other,
  passes,
  pastes,
  reaches,
  setsClock,
  swings,
} from "./deeds.ts";
import { playInTurn } from "./interleavings.ts";
import type { Setting } from "./settings.ts";

const hour = 3_600_000;

interface Pinned {
  readonly deeds: readonly Deed[];
  readonly setting?: Partial<Setting>;
}

const signsIn = other("default", "another process signs in");

/** Errors of the first design: each of them broke a property in a few deeds. */
const design: Readonly<Record<string, Pinned>> = {
  "what another process stores while a person signs in is heard of": {
    deeds: [goesOn, login(0, "loopback"), signsIn, feels("unreachable"), goesOn],
  },
  "what another process stores while a token is renewed is heard of": {
    deeds: [
      goesOn,
      signsIn,
      goesOn,
      event(0, "token.demanded, for long"),
      other("default", "another process renews"),
      feels("unreachable"),
      goesOn,
    ],
  },
  "a removal that is heard of just before the verdict of a renewal is not forgotten": {
    setting: { opening: "wanting a new token" },
    deeds: [
      reaches("default", "the verdict is told"),
      other("default", "somebody removes the file"),
      hears(0),
      hears(0),
      goesOn,
    ],
  },
  "a sign-in that was cancelled while its code was exchanged stores nothing": {
    deeds: [goesOn, login(0, "loopback"), goesOn, browser("default", "agrees"), does(0, 2), cancels(0), goesOn],
  },
  "a device sign-in that was cancelled while it polled stores nothing": {
    setting: { opening: "agreed at the device" },
    deeds: [does(0, 1), cancels(0), goesOn],
  },
  "a login stays gone when the provider takes nothing back": {
    deeds: [
      goesOn,
      signsIn,
      goesOn,
      passes(1_000),
      event(0, "logout.requested"),
      feels("unreachable"),
      other("default", "another process begins to renew"),
      goesOn,
    ],
  },
  "a login stays gone when it is renewed meanwhile": {
    setting: { opening: "renewing, half-way" },
    deeds: [event(1, "logout.requested"), goesOn],
  },
};

/** What runs have found since. */
const found: Readonly<Record<string, Pinned>> = {
  // Asked for a new token each time, whatever had just been obtained.
  "a clock that swings makes who renews ahead ask once": {
    deeds: [other("work", "another process signs in"), swings(hour)],
  },
  "a clock that swings while the server fails": {
    setting: { reuseGraceMs: 60_000 },
    deeds: [signsIn, feels("failing (processed)"), swings(2 * hour)],
  },
  // Errors of the harness itself, so that they do not come back as findings.
  "a sign-in that was given up here is heard of a moment later": {
    deeds: [goesOn, login(0, "loopback"), signsIn, setsClock(40 * 24 * hour)],
  },
  "a refused renewal is seen by who looks again": {
    setting: { opening: "a disk that is full, and an empty reply" },
    deeds: [breaksAlarm(0), passes(40 * 24 * hour), goesOn],
  },
  "a paste is read though its sign-in is overdue": {
    setting: { opening: "two signing in by loopback" },
    deeds: [pastes(0, "agrees", "as it is"), pastes(1, "agrees", "as it is"), passes(40 * 24 * hour), goesOn],
  },
  "what is off may be unreadable besides": {
    deeds: [other("default", "another process turns it off"), other("default", "somebody spoils the file")],
  },
  "an older program may write twice": {
    deeds: [
      other("default", "an older program signs in"),
      passes(2 * hour),
      goesOn,
      other("default", "an older program signs in"),
      goesOn,
    ],
  },
  "a reply without a refresh token keeps the one that is there": {
    setting: { opening: "wanting a new token" },
    deeds: [omits(true), goesOn],
  },
  "a process that serves a sign-in is killed, and another goes on": {
    deeds: [goesOn, login(0, "device"), goesOn, joins(1), goesOn, kills(0), goesOn, passes(5_000), goesOn],
  },
  "a seal is written over no newer login": {
    setting: { opening: "wanting a new token" },
    deeds: [reaches("default", "sealed"), other("default", "an older program signs in"), goesOn],
  },
};

for (const [what, pinned] of Object.entries({ "the first design": design, "since then": found }))
  describe(`what was found: ${what}`, () => {
    for (const [name, { deeds, setting }] of Object.entries(pinned)) {
      it(name, () => {
        playDeeds(deeds, setting);
      });

      it(`${name}, with promises`, async () => {
        await playInTurn(deeds, setting);
      });
    }
  });
