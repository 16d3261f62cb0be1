// An account's life, one step at a time: where the facts lead, what every event does in every state (and that all others
// do nothing), and how each effect's outcome is judged.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { credentialMachine } from "../../machines/credential.ts";
import type { CredentialEvent, Renewed } from "../../machines/life.ts";
import { facts, hour, input, minute, now, survey, surveys } from "./examples.ts";
import { begin, breaks, ends, type Step, step, steps } from "./step.ts";

const machine = credentialMachine("acme", ["loopback", "paste", "device"]);
const login = { type: "login.requested", grant: null, port: null, timeoutMs: null, attempt: null } as const;
const refresh = { type: "refresh.requested", force: true, now } as const;
const logout = { type: "logout.requested", revoke: true } as const;
const news = { type: "store.changed", lineage: "second", generation: 1 } as const;

const deciding = begin(machine, input);
const decided = (found: unknown) => step(machine, deciding, ends("survey", found));
const authenticated = decided(surveys.authenticated);
const on = (from: Step, event: CredentialEvent) => step(machine, from, event);
const idle = decided(surveys.idle);

const states: Readonly<Record<string, Step>> = {
  deciding: steps(machine, authenticated, { type: "system.resumed" }),
  disabled: decided(surveys.disabled),
  idle,
  pendingAuth: on(authenticated, login),
  authenticated,
  refreshing: on(authenticated, refresh),
  backingOff: decided(surveys.backingOff),
  expired: decided(surveys.expired),
  loggingOut: on(authenticated, logout),
  blocked: decided(surveys.blocked),
};

describe("deciding", () => {
  const dead = now - 1;
  const retry = { at: now + minute, code: "rate_limited" } as const;
  const rows = [
    ["disabled outranks an unreadable file", survey(null, { enabled: false, fault: "store_corrupt" }), "disabled"],
    ["disabled outranks a good credential", survey({}, { enabled: false }), "disabled"],
    ["an unreadable file is not an absent one", survey(null, { fault: "store_corrupt" }), "blocked"],
    ["a fault outranks what was read beside it", survey({}, { fault: "store_unsafe" }), "blocked"],
    ["nothing stored", survey(null), "idle"],
    ["dead and refused", survey({ expiresAt: dead, refused: "refresh_refused" }), "expired"],
    ["dead without a refresh token", survey({ expiresAt: dead, refreshable: false }), "expired"],
    ["dies at this very moment", survey({ expiresAt: now, refreshable: false }), "expired"],
    ["dead for good outranks a retry", survey({ expiresAt: dead, refused: "refresh_refused", retry }), "expired"],
    ["waits for its retry, alive", survey({ retry }), "backingOff"],
    ["waits for its retry, dead", survey({ expiresAt: dead, retry }), "backingOff"],
    ["the retry's time has come", survey({ retry: { at: now, code: "rate_limited" } }), "authenticated"],
    ["dead and renewable: renewed when needed", survey({ expiresAt: dead }), "authenticated"],
    ["refused, alive still", survey({ refused: "refresh_refused" }), "authenticated"],
    ["alive without a refresh token", survey({ refreshable: false }), "authenticated"],
    ["another process signs in: facts decide", survey(null, { pending: pending() }), "idle"],
  ] as const;
  for (const [name, found, state] of rows)
    it(`${name}: ${state}`, () => {
      const reached = decided(found);
      assert.equal(reached.at, state);
      assert.deepEqual(reached.context.survey, found);
    });

  it("reads the facts at the start, watches the store, and asks nobody", () => {
    assert.deepEqual(deciding.effects, ["start storeWatch", "start survey"]);
    assert.deepEqual(deciding.inputs["survey"], { provider: "acme", account: "default", choice: null });
  });

  it("keeps the file and blocks when the facts cannot be read", () => {
    const reached = step(machine, deciding, breaks("survey"));
    assert.equal(reached.at, "blocked");
    assert.deepEqual(reached.context.result, { kind: "failed", code: "internal" });
  });

  it("hands a choice to the survey, once", () => {
    const asked = on(idle, { type: "account.reset" });
    assert.equal((asked.inputs["survey"] as { choice: unknown }).choice, "reset");
    const again = steps(machine, asked, ends("survey", surveys.idle), { type: "system.resumed" });
    assert.equal((again.inputs["survey"] as { choice: unknown }).choice, null);
  });

  it("does not carry out a choice later that failed now", () => {
    const later = steps(machine, idle, { type: "account.reset" }, breaks("survey"), { type: "system.resumed" });
    assert.equal((later.inputs["survey"] as { choice: unknown }).choice, null);
  });

  it("keeps a choice when it has to read again", () => {
    const again = steps(machine, idle, { type: "account.disabled" }, news);
    assert.deepEqual(again.effects, ["stop survey", "start survey"]);
    assert.equal((again.inputs["survey"] as { choice: unknown }).choice, "disable");
  });

  it("reads again when the store changes meanwhile, even back to what was known", () => {
    const again = step(machine, deciding, { type: "store.changed", lineage: null, generation: null });
    assert.deepEqual(again.effects, ["stop survey", "start survey"]);
  });
});

describe("every event in every state", () => {
  // A state's name: goes there. `-`: nothing at all happens. `noted`: stays, and remembers. `told`: the sign-in is told.
  const table = `
    event                     deciding  disabled  idle      pendingAuth authenticated refreshing backingOff expired   loggingOut blocked
    account.enabled           deciding  deciding  deciding  noted       deciding      noted      deciding   deciding  noted      deciding
    account.disabled          deciding  deciding  deciding  deciding    deciding      deciding   deciding   deciding  noted      deciding
    account.reset             deciding  deciding  deciding  deciding    deciding      deciding   deciding   deciding  noted      deciding
    login.requested           -         -         signIn    -           signIn        -          signIn     signIn    -          -
    login.pasted              -         -         -         told        -             -          -          -         -          -
    login.cancelled           -         -         -         told        -             -          -          -         -          -
    login.left                -         -         -         told        -             -          -          -         -          -
    login.ended               -         -         -         told        -             -          -          -         -          -
    callback.arrived          -         -         -         told        -             -          -          -         -          -
    callback.denied           -         -         -         told        -             -          -          -         -          -
    logout.requested          logOut    logOut    logOut    logOut      logOut        logOut     logOut     logOut    -          logOut
    token.demanded/due        -         -         -         -           refreshing    -          -          -         -          -
    token.demanded/fresh      -         -         -         -           -             -          -          -         -          -
    token.rejected/this       -         -         -         -           refreshing    -          -          -         -          -
    token.rejected/older      -         -         -         -           -             -          -          -         -          -
    refresh.requested         -         -         -         -           refreshing    -          refreshing refreshing -         -
    renewal.due               -         -         -         -           refreshing    -          -          -         -          -
    retry.due                 -         -         -         -           -             -          refreshing -         -          -
    store.changed/signIn      deciding  deciding  deciding  deciding    deciding      noted      deciding   deciding  noted      deciding
    store.changed/renewed     deciding  deciding  deciding  -           deciding      noted      deciding   deciding  noted      deciding
    store.changed/gone        deciding  deciding  -         -           deciding      noted      deciding   deciding  noted      deciding
    store.changed/same        deciding  -         deciding  -           -             noted      -          -         noted      deciding
    system.resumed            deciding  deciding  deciding  -           deciding      -          deciding   deciding  -          deciding
  `;
  const events: Readonly<Record<string, CredentialEvent>> = {
    "account.enabled": { type: "account.enabled" },
    "account.disabled": { type: "account.disabled" },
    "account.reset": { type: "account.reset" },
    "login.requested": login,
    "login.pasted": { type: "login.pasted", handle: "h1" },
    "login.cancelled": { type: "login.cancelled" },
    "login.left": { type: "login.left" },
    "login.ended": { type: "login.ended", code: "consent_denied" },
    "callback.arrived": { type: "callback.arrived", handle: "h1" },
    "callback.denied": { type: "callback.denied", code: "consent_denied" },
    "logout.requested": logout,
    "token.demanded/due": { type: "token.demanded", minTtlMs: 2 * hour, now },
    "token.demanded/fresh": { type: "token.demanded", minTtlMs: minute, now },
    "token.rejected/this": { type: "token.rejected", generation: 5 },
    "token.rejected/older": { type: "token.rejected", generation: 4 },
    "refresh.requested": refresh,
    "renewal.due": { type: "renewal.due" },
    "retry.due": { type: "retry.due" },
    "store.changed/signIn": news,
    "store.changed/renewed": { type: "store.changed", lineage: "first", generation: 6 },
    "store.changed/gone": { type: "store.changed", lineage: null, generation: null },
    "store.changed/same": { type: "store.changed", lineage: "first", generation: 5 },
    "system.resumed": { type: "system.resumed" },
  };
  const [head = [], ...rows] = table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));

  it("has a row for every kind of event and a column for every state", () => {
    assert.deepEqual(head.slice(1), Object.keys(states));
    assert.deepEqual(
      rows.map(([name]) => name),
      Object.keys(events),
    );
    const kinds = new Set(machine.events.filter((type) => !type.startsWith("xstate.")));
    assert.deepEqual(new Set(Object.values(events).map(({ type }) => type)), kinds);
    assert.deepEqual(new Set(Object.keys(machine.states)), new Set(head.slice(1)));
  });

  for (const [name = "", ...cells] of rows)
    it(name, () => {
      for (const [index, cell] of cells.entries()) {
        const state = head[index + 1] ?? "";
        const from = states[state];
        const event = events[name];
        assert.ok(from !== undefined && event !== undefined);
        assert.equal(from.at.split(".")[0], state);
        check(`${name} in ${state}`, from, on(from, event), cell);
      }
    });
});

describe("signing in", () => {
  it("takes the preferred way, and the one that was asked for", () => {
    assert.equal(on(idle, login).at, "pendingAuth.loopback");
    for (const grant of ["loopback", "paste", "device"] as const) {
      const reached = on(idle, { ...login, grant, port: 1455, timeoutMs: 9, attempt: "a1" });
      assert.equal(reached.at, `pendingAuth.${grant}`);
      assert.deepEqual(reached.effects, [`start login (${grant}Login)`]);
      assert.deepEqual(reached.inputs["login"], {
        provider: "acme",
        account: "default",
        port: 1455,
        timeoutMs: 9,
        attempt: "a1",
      });
    }
  });

  it("says so when the provider does not offer the way", () => {
    const one = credentialMachine("one", ["device"]);
    const reached = steps(one, begin(one, input), ends("survey", surveys.idle), { ...login, grant: "paste" });
    assert.equal(reached.at, "deciding");
    assert.deepEqual(reached.context.result, { kind: "failed", code: "grant_unsupported" });
  });

  const pendingAuth = on(idle, login);
  it("looks at the store again when it was granted", () => {
    const granted = step(machine, pendingAuth, ends("login", { kind: "granted", attempt: "a1" }));
    assert.equal(granted.at, "deciding");
    assert.deepEqual(granted.context.result, { kind: "granted", code: null });
    assert.equal(step(machine, granted, ends("survey", survey())).at, "authenticated");
  });

  for (const outcome of [
    { kind: "cancelled", code: "sign_in_cancelled" },
    { kind: "failed", code: "consent_denied" },
  ])
    it(`removes the attempt's record when it was ${outcome.kind}, and keeps what was stored`, () => {
      const from = on(authenticated, login);
      const reached = step(machine, from, ends("login", { ...outcome, attempt: "a1" }));
      assert.equal(reached.at, "deciding");
      assert.ok(reached.effects.includes(`dropAttempt ${JSON.stringify({ ...outcome, attempt: "a1" })}`));
      assert.deepEqual(reached.context.result, outcome);
      assert.deepEqual(reached.context.survey, surveys.authenticated);
    });

  it("survives a login machine that breaks", () => {
    const reached = step(machine, pendingAuth, breaks("login"));
    assert.equal(reached.at, "deciding");
    assert.deepEqual(reached.context.result, { kind: "failed", code: "internal" });
  });

  it("ends as granted when the same account is signed in from another terminal", () => {
    const reached = on(pendingAuth, news);
    assert.deepEqual(reached.effects, ["stop login", "start survey"]);
    assert.deepEqual(reached.context.result, { kind: "granted", code: null });
  });

  it("carries out a choice that was made meanwhile", () => {
    const later = steps(machine, pendingAuth, { type: "account.enabled" }, ends("login", { kind: "granted" }));
    assert.equal((later.inputs["survey"] as { choice: unknown }).choice, "enable");
  });
});

describe("refreshing", () => {
  const { refreshing } = states as { refreshing: Step };
  const renewed = (kind: Renewed["kind"], code: Renewed["code"], found = survey({ generation: 6 })) =>
    step(machine, refreshing, ends("ensureFresh", { kind, code, survey: found }));

  it("asks for what was demanded, of the generation that it knows", () => {
    const who = { provider: "acme", account: "default", generation: 5 };
    const demanded = on(authenticated, { type: "token.demanded", minTtlMs: 2 * hour, now });
    assert.deepEqual(demanded.inputs["ensureFresh"], { ...who, minTtlMs: 2 * hour, force: false });
    const rejected = on(authenticated, { type: "token.rejected", generation: 5 });
    assert.deepEqual(rejected.inputs["ensureFresh"], { ...who, minTtlMs: 0, force: true });
    const early = on(authenticated, { type: "renewal.due" });
    assert.deepEqual(early.inputs["ensureFresh"], { ...who, minTtlMs: Number.MAX_SAFE_INTEGER, force: false });
    for (const force of [true, false]) {
      const asked = on(authenticated, { ...refresh, force });
      assert.deepEqual(asked.inputs["ensureFresh"], { ...who, minTtlMs: 30_000, force });
    }
  });

  const outcomes = [
    ["refreshed", null, survey({ generation: 6 }), "authenticated"],
    ["adopted", null, survey({ generation: 7 }), "authenticated"],
    ["rejected", "refresh_refused", survey({ refused: "refresh_refused" }), "authenticated"],
    ["rejected", "refresh_refused", surveys.expired, "expired"],
    ["unavailable", "network_timeout", surveys.backingOff, "backingOff"],
    ["unavailable", "backing_off", survey(), "authenticated"],
    ["signedOut", null, surveys.idle, "idle"],
    ["adopted", null, surveys.disabled, "disabled"],
    ["unavailable", "store_corrupt", surveys.blocked, "blocked"],
  ] as const;
  for (const [kind, code, found, state] of outcomes)
    it(`${kind} leads to ${state}`, () => {
      const reached = renewed(kind, code, found);
      assert.equal(reached.at, state);
      assert.deepEqual(reached.context.result, { kind, code });
      assert.deepEqual(reached.context.survey, found);
    });

  it("is no logout when the effect breaks", () => {
    const reached = step(machine, refreshing, breaks("ensureFresh"));
    assert.equal(reached.at, "deciding");
    assert.deepEqual(reached.context.result, { kind: "failed", code: "internal" });
  });

  it("looks again when the store went on during the renewal", () => {
    const noted = steps(machine, refreshing, { type: "store.changed", lineage: "second", generation: 9 });
    const stale = step(machine, noted, ends("ensureFresh", { kind: "refreshed", code: null, survey: survey({}) }));
    assert.equal(stale.at, "deciding");
    assert.deepEqual(stale.context.result, { kind: "refreshed", code: null });
    const same = facts({ lineage: "second", generation: 9 });
    const current = step(machine, noted, ends("ensureFresh", { kind: "adopted", code: null, survey: survey(same) }));
    assert.equal(current.at, "authenticated");
    assert.equal(current.context.seen, null);
  });

  it("can be left by a person, who loses nothing", () => {
    for (const type of ["account.disabled", "account.reset"] as const)
      assert.deepEqual(on(refreshing, { type }).effects, ["stop ensureFresh", "start survey"]);
    assert.deepEqual(on(refreshing, logout).effects, ["stop ensureFresh", "start logOut"]);
  });
});

/** Where this demand leads an account with these facts. */
const demand = (found: object, minTtlMs: number) =>
  on(decided(survey(found)), { type: "token.demanded", minTtlMs, now }).at;

describe("a token that is demanded or rejected", () => {
  it("is renewed when it lives too short for the demand", () => {
    assert.equal(demand({ expiresAt: now + 30_000 }, 30_000), "authenticated");
    assert.equal(demand({ expiresAt: now + 29_999 }, 30_000), "refreshing");
    assert.equal(demand({ expiresAt: now - 1 }, 0), "refreshing");
  });

  it("is not renewed when it cannot be", () => {
    assert.equal(demand({ expiresAt: now + 1, refreshable: false }, 30_000), "authenticated");
    assert.equal(demand({ expiresAt: now + 1, refused: "refresh_refused" }, 30_000), "authenticated");
    const refused = decided(survey({ refused: "refresh_refused" }));
    assert.equal(on(refused, { type: "token.rejected", generation: 5 }).at, "authenticated");
  });

  it("is renewed in spite of a pause that was only to last while it can be used", () => {
    for (const [late, state] of [
      [0, "refreshing"],
      [1_000, "refreshing"],
      [-1_000, "refreshing"],
      [1_001, "backingOff"],
    ] as const) {
      const waiting = decided(survey({ retry: { at: now + hour + late, code: "network_broken" } }));
      const reached = on(waiting, { type: "token.rejected", generation: 5 });
      assert.equal(reached.at, state);
      assert.equal(on(waiting, { type: "token.rejected", generation: 4 }).at, "backingOff");
      if (state === "refreshing")
        assert.equal(
          (reached.inputs["ensureFresh"] as { force: boolean }).force,
          true,
          "the server's word outranks it",
        );
    }
  });

  it("is judged by the moment of the demand, not of the survey", () => {
    const later = { type: "token.demanded", minTtlMs: 30_000, now: now + hour } as const;
    assert.equal(on(authenticated, later).at, "refreshing");
  });
});

/** When a signed-in account with these facts acts by itself, at once or after a renewal that ended so. */
const alarm = (found: object, result: unknown = null, ahead = true) => {
  const from = begin(machine, { ...input, ahead });
  const reached =
    result === null
      ? step(machine, from, ends("survey", survey(found)))
      : steps(
          machine,
          from,
          ends("survey", survey()),
          refresh,
          ends("ensureFresh", { ...(result as object), survey: survey(found) }),
        );
  assert.equal(reached.at, "authenticated");
  return (reached.inputs["renewalAlarm"] as { at: number | null }).at;
};

describe("renewing ahead", () => {
  const early = now + hour - (6 * minute + 15_000);

  it("is for long-lived processes; the others renew on demand", () => {
    assert.equal(alarm({}), early);
    assert.equal(alarm({}, null, false), null);
  });

  it("notices the end of what cannot be renewed, in every process", () => {
    for (const ahead of [true, false]) assert.equal(alarm({ refreshable: false }, null, ahead), now + hour);
    const over = steps(machine, decided(survey({ refreshable: false })), { type: "renewal.due" });
    assert.equal(over.at, "deciding");
  });

  it("knows that a token lives no longer because the clock was set back", () => {
    const years = 10 * 365 * 24 * hour;
    assert.equal(alarm({ obtainedAt: now + years, expiresAt: now + years + hour }), early);
    assert.equal(
      alarm({ obtainedAt: now + years, expiresAt: now + years + hour }, { kind: "adopted", code: null }),
      early,
    );
  });

  it("does not begin at once after a try that changed nothing: no busy loop", () => {
    const stale = { obtainedAt: now - hour, expiresAt: now + minute };
    assert.ok((alarm(stale) ?? 0) < now);
    for (const kind of ["unavailable", "refreshed", "adopted"])
      assert.equal(alarm(stale, { kind, code: null }), now + 30_000);
    assert.equal(alarm({}, { kind: "refreshed", code: null }), early);
    const broken = steps(machine, decided(survey()), refresh, breaks("ensureFresh"), ends("survey", survey(stale)));
    assert.deepEqual(broken.inputs["renewalAlarm"], { at: now + 30_000, sends: "renewal.due" });
  });

  it("tries again when the retry's time has come; a short-lived process only looks", () => {
    const waiting = decided(surveys.backingOff);
    assert.deepEqual(waiting.inputs["retryAlarm"], { at: now + minute, sends: "retry.due" });
    assert.equal(on(waiting, { type: "retry.due" }).at, "refreshing");
    const short = steps(machine, begin(machine, { ...input, ahead: false }), ends("survey", surveys.backingOff));
    assert.equal(on(short, { type: "retry.due" }).at, "deciding");
  });
});

describe("logging out", () => {
  const { loggingOut } = states as { loggingOut: Step };

  it("revokes unless told not to", () => {
    for (const revoke of [true, false])
      assert.deepEqual(on(authenticated, { type: "logout.requested", revoke }).inputs["logOut"], {
        provider: "acme",
        account: "default",
        revoke,
      });
  });

  for (const revocation of ["revoked", "failed", "unsupported", "skipped", "nothing"])
    it(`is done when the revocation ended with: ${revocation}`, () => {
      const reached = step(machine, loggingOut, ends("logOut", { revocation, survey: surveys.idle }));
      assert.equal(reached.at, "idle");
      assert.deepEqual(reached.context.result, { kind: "loggedOut", code: null, revocation });
    });

  it("is not left before it is done, and carries out what was chosen meanwhile", () => {
    const disabled = on(loggingOut, { type: "account.disabled" });
    assert.deepEqual(disabled.effects, []);
    const done = step(machine, disabled, ends("logOut", { revocation: "revoked", survey: surveys.idle }));
    assert.equal(done.at, "deciding");
    assert.equal((done.inputs["survey"] as { choice: unknown }).choice, "disable");
    assert.equal(done.context.result.kind, "loggedOut");
  });

  it("sees a sign-in of another process that came during the revocation", () => {
    const reached = steps(machine, loggingOut, news, ends("logOut", { revocation: "revoked", survey: surveys.idle }));
    assert.equal(reached.at, "deciding");
  });

  it("decides by the facts when it broke", () => {
    const reached = step(machine, loggingOut, breaks("logOut"));
    assert.equal(reached.at, "deciding");
    assert.deepEqual(reached.context.result, { kind: "failed", code: "internal" });
  });
});

describe("the store's watch", () => {
  it("lives as long as the machine, and its end ends nothing", () => {
    for (const [name, from] of Object.entries(states)) {
      const reached = step(machine, from, breaks("storeWatch"));
      assert.equal(reached.at, from.at, name);
      assert.equal(reached.status, "active", name);
    }
    for (const from of Object.values(states)) assert.ok(!from.effects.includes("stop storeWatch"));
  });
});

function pending() {
  return { attempt: "a1", kind: "device", expiresAt: null } as const;
}

function check(what: string, from: Step, reached: Step, cell: string): void {
  assert.equal(reached.status, "active", what);
  if (cell === "-") {
    assert.equal(reached.at, from.at, what);
    assert.deepEqual([reached.context, reached.effects], [from.context, []], what);
  } else if (cell === "noted") {
    assert.equal(reached.at, from.at, what);
    assert.deepEqual(reached.effects, [], what);
    assert.notDeepEqual(reached.context, from.context, what);
  } else if (cell === "told") {
    assert.equal(reached.at, from.at, what);
    assert.match(reached.effects.join(), /^tell login /, what);
  } else {
    const goal = { signIn: "pendingAuth.loopback", logOut: "loggingOut" }[cell] ?? cell;
    assert.equal(reached.at, goal, what);
    const starts = {
      deciding: "survey",
      refreshing: "ensureFresh",
      logOut: "logOut",
      signIn: "login (loopbackLogin)",
    };
    assert.ok(reached.effects.includes(`start ${starts[cell as keyof typeof starts]}`), what);
  }
}
