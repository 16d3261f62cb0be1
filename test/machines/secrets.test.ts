// No secret enters the actor system. Whole journeys are watched from outside, and every member's name that passes by,
// in contexts, events, inputs, outputs and saved snapshots, is on the list below: a new one has to be argued for here.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deviceLogin } from "../../machines/login/device.ts";
import { pasteLogin } from "../../machines/login/paste.ts";
import { catalogue } from "../../machines/catalogue.ts";
import { survey } from "./examples.ts";
import { journeys, standingIn } from "./journeys.ts";
import { live, type Living } from "./living.ts";
import { asked } from "./login/walk.ts";
import { begin } from "./step.ts";

const facts =
  "lineage generation expiresAt obtainedAt refreshable identity verifiedAt refused retry at code now enabled facts fault renewing pending";
const account =
  "provider account ahead jitter choice survey grant asked demand minTtlMs force revoke result seen revocation";
const signingIn =
  "port timeoutMs attempt serves deadlineAt handle lastError outcome intervalMs failures pollAt kind endedAt restsUntil retryAfterMs";
const plumbing =
  "type sends status input output error value historyValue context children snapshot src syncSnapshot actorId params storeWatch";
const allowed = new Set([facts, account, signingIn, plumbing].join(" ").split(" "));
// Names of effects and states, under which they stand among the children and in a state's value.
const places =
  /^(survey|ensureFresh|logOut|login|begin|exchange|poll|serving|deadline|pollAlarm|renewalAlarm|retryAlarm|pendingAuth|awaitingCode|awaitingPoll)$/;
const secretLike =
  /token|secret|verifier|challenge|nonce|password|cookie|authorization|bearer|(user|device|authorization)_?code|api_?key|^state$|^url$|^uri$/i;

function namesIn(found: unknown, names: Set<string>): void {
  if (typeof found !== "object" || found === null) return;
  for (const [name, member] of Object.entries(found)) {
    if (!Array.isArray(found)) names.add(name);
    namesIn(member, names);
    if (name === "code" && member !== null)
      assert.ok(Object.hasOwn(catalogue, String(member)), `a code that is no error code: ${String(member)}`);
  }
}

/** Every event that can come is sent, and every effect under way ends well. */
function livedThrough(world: Living): void {
  for (const event of [
    { type: "token.demanded", minTtlMs: 1, now: 0 },
    { type: "token.rejected", generation: 5 },
    { type: "poll.due" },
    { type: "store.changed", lineage: "second", generation: 5 },
  ] as const)
    world.actor.send(event as never);
  const outputs: Readonly<Record<string, unknown>> = {
    exchange: { kind: "granted" },
    ensureFresh: { kind: "refreshed", code: null, survey: survey() },
    logOut: { revocation: "revoked", survey: survey(null) },
    survey: survey(),
  };
  for (const { effect, ends, isOver } of world.started) if (effect in outputs && !isOver()) ends(outputs[effect]);
}

describe("no secret", () => {
  for (const name of Object.keys(journeys))
    it(`passes on the way to ${name} and on from there`, () => {
      const names = new Set<string>();
      const world = live({
        inspect(event) {
          if (event.type === "@xstate.event") namesIn(event.event, names);
          if (event.type !== "@xstate.snapshot") return;
          const { context, input, output } = event.snapshot as unknown as Record<string, unknown>;
          namesIn([context, input, output], names);
        },
      });
      using _ = standingIn(name, world);
      namesIn(JSON.parse(JSON.stringify(world.actor.getPersistedSnapshot())), names);
      livedThrough(world);
      assert.equal(world.actor.getSnapshot().status, "active");
      for (const seen of names) {
        assert.ok(allowed.has(seen) || places.test(seen), `${seen} is not on the list`);
        assert.doesNotMatch(seen, secretLike);
      }
    });

  it("has a place in a login's memory", () => {
    for (const machine of [pasteLogin, deviceLogin]) {
      const names = new Set<string>();
      namesIn(begin(machine, asked).context, names);
      for (const name of names) assert.ok(allowed.has(name), name);
    }
  });

  it("has a name on the list itself", () => {
    for (const name of allowed) assert.doesNotMatch(name, secretLike);
  });
});
