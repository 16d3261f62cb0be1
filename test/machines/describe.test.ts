// What a person is told: every row of the contract's status table with its exit code, keys that outrank OAuth, sign-ins
// under way, and that the words agree with where the machine itself would go.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { credentialMachine } from "../../machines/credential.ts";
import { describe as told, type Description, type Source } from "../../machines/describe.ts";
import type { AttemptFacts, Facts, Survey } from "../../machines/facts.ts";
import { hour, input, minute, now, survey } from "./examples.ts";
import { begin, ends, step } from "./step.ts";

const name = { provider: "codex", account: "default" };
const oauth: Source = { kind: "oauth" };
const dead = { expiresAt: now - 1 };
const refused = { refused: "refresh_refused" } as const;
const retry = { retry: { at: now + minute, code: "network_timeout" } } as const;

function attempt(kind: AttemptFacts["kind"], expiresAt: number | null = now + minute): Partial<Survey> {
  return { pending: { attempt: "a1", kind, expiresAt } };
}

interface Row {
  readonly situation: string;
  readonly survey: Survey;
  /** state · usable · exit code · next command · next timer · last error */
  readonly says: string;
}

const at = { [now + hour]: "expiry", [now + minute]: "soon", [now + 2 * hour]: "later" };

function line({ state, usable, exitCode, nextCommand, nextTimerAt, lastError }: Description): string {
  const timer = nextTimerAt === null ? "-" : (at[nextTimerAt] ?? String(nextTimerAt));
  return [state, usable, exitCode, nextCommand?.replace("llxprt-auth ", "") ?? "-", timer, lastError ?? "-"].join(
    " · ",
  );
}

const rows: readonly Row[] = [
  {
    situation: "not enabled",
    survey: survey(null, { enabled: false }),
    says: "disabled · no · 3 · codex enable · - · -",
  },
  {
    situation: "not enabled, tokens kept",
    survey: survey({}, { enabled: false }),
    says: "disabled · no · 3 · codex enable · expiry · -",
  },
  { situation: "no tokens", survey: survey(null), says: "idle · no · 3 · codex login · - · -" },
  {
    situation: "a sign-in waits for the listener",
    survey: survey(null, attempt("loopback")),
    says: "awaitingCode · no · 3 · codex wait · soon · -",
  },
  {
    situation: "a sign-in waits for pasted text",
    survey: survey(null, attempt("paste")),
    says: "awaitingCode · no · 3 · codex complete · soon · -",
  },
  {
    situation: "a sign-in waits without limit",
    survey: survey(null, attempt("paste", null)),
    says: "awaitingCode · no · 3 · codex complete · - · -",
  },
  {
    situation: "a device code waits, over a dead login",
    survey: survey({ ...dead, ...refused }, attempt("device")),
    says: "awaitingPoll · no · 3 · codex wait · soon · refresh_refused",
  },
  {
    situation: "a sign-in that nobody finished in time",
    survey: survey(null, attempt("device", now)),
    says: "idle · no · 3 · codex login · - · -",
  },
  {
    situation: "a sign-in is under way, and the token is usable",
    survey: survey({}, attempt("device")),
    says: "authenticated · yes · 0 · - · soon · -",
  },
  {
    situation: "a sign-in is under way, and the token can be renewed",
    survey: survey(dead, attempt("device")),
    says: "authenticated · unknown · 0 · - · soon · -",
  },
  { situation: "token fresh", survey: survey(), says: "authenticated · yes · 0 · - · expiry · -" },
  {
    situation: "token fresh, not renewable",
    survey: survey({ refreshable: false }),
    says: "authenticated · yes · 0 · - · expiry · -",
  },
  {
    situation: "token past expiry, can be refreshed",
    survey: survey(dead),
    says: "authenticated · unknown · 0 · - · - · -",
  },
  {
    situation: "refresh refused, access token still alive",
    survey: survey(refused),
    says: "authenticated · yes · 0 · codex login · expiry · refresh_refused",
  },
  {
    situation: "refresh refused, token dead",
    survey: survey({ ...dead, ...refused }),
    says: "expired · no · 3 · codex login · - · refresh_refused",
  },
  {
    situation: "refresh impossible, token dead",
    survey: survey({ ...dead, refreshable: false }),
    says: "expired · no · 3 · codex login · - · -",
  },
  {
    situation: "refresh failing for now, token alive",
    survey: survey(retry),
    says: "backingOff · yes · 0 · - · soon · network_timeout",
  },
  {
    situation: "refresh failing for now, token dead",
    survey: survey({ ...dead, ...retry }),
    says: "backingOff · no · 5 · - · soon · network_timeout",
  },
  {
    situation: "refresh failed, and may be tried again",
    survey: survey({ retry: { at: now, code: "network_timeout" } }),
    says: "authenticated · yes · 0 · - · expiry · network_timeout",
  },
  {
    situation: "retry after the expiry",
    survey: survey({ retry: { at: now + 2 * hour, code: "rate_limited" } }),
    says: "backingOff · yes · 0 · - · expiry · rate_limited",
  },
  {
    situation: "file unreadable",
    survey: survey(null, { fault: "store_corrupt" }),
    says: "blocked · no · 6 · codex reset · - · store_corrupt",
  },
  {
    situation: "folder unsafe",
    survey: survey(null, { fault: "store_unsafe" }),
    says: "blocked · no · 6 · doctor · - · store_unsafe",
  },
  {
    situation: "file unreadable, not enabled",
    survey: survey(null, { fault: "store_corrupt", enabled: false }),
    says: "disabled · no · 3 · codex enable · - · store_corrupt",
  },
  {
    situation: "being renewed, alive",
    survey: survey({}, { renewing: true }),
    says: "refreshing · yes · 0 · - · expiry · -",
  },
  {
    situation: "being renewed, dead",
    survey: survey(dead, { renewing: true }),
    says: "refreshing · unknown · 0 · - · - · -",
  },
  {
    situation: "was being renewed when somebody logged out",
    survey: survey(null, { renewing: true }),
    says: "idle · no · 3 · codex login · - · -",
  },
];

describe("status", () => {
  for (const { situation, survey: found, says } of rows)
    it(`${situation}: ${says}`, () => assert.equal(line(told(name, found, oauth)), says));

  it("needs no command and is usable when a key outranks OAuth, whatever the state", () => {
    for (const source of [
      { kind: "flag" },
      { kind: "profile" },
      { kind: "settings" },
      { kind: "env", name: "OPENAI_API_KEY" },
    ] as const)
      for (const { survey: found, says } of rows) {
        const { state, usable, exitCode, nextCommand } = told(name, found, source);
        assert.equal(state, says.split(" ")[0]);
        assert.deepEqual([usable, exitCode, nextCommand], ["yes", 0, null]);
      }
  });

  it("is not made usable by the lack of any source", () => {
    assert.equal(told(name, survey(null), { kind: "none" }).usable, "no");
  });

  it("names the account in the command, unless it is the default one", () => {
    const work = { provider: "codex", account: "work" };
    assert.equal(told(work, survey(null), oauth).nextCommand, "llxprt-auth codex login --account work");
    const blocked = survey(null, { fault: "store_corrupt" });
    assert.equal(told(work, blocked, oauth).nextCommand, "llxprt-auth codex reset --account work");
  });
});

describe("status and machine", () => {
  const machine = credentialMachine("acme", ["device"]);
  const deciding = begin(machine, input);
  const moment = fc.constantFrom(now - hour, now - 1, now, now + 1, now + hour);
  const found: fc.Arbitrary<Survey> = fc.record({
    now: fc.constant(now),
    enabled: fc.boolean(),
    fault: fc.constantFrom(null, "store_corrupt" as const),
    renewing: fc.constant(false),
    pending: fc.constant(null),
    facts: fc.option(
      fc.record<Facts>({
        lineage: fc.constant("l"),
        generation: fc.constant(1),
        expiresAt: moment,
        obtainedAt: fc.constant(now - hour),
        refreshable: fc.boolean(),
        identity: fc.constant(null),
        verifiedAt: fc.constant(null),
        refused: fc.constantFrom(null, "refresh_refused" as const),
        retry: fc.option(fc.record({ at: moment, code: fc.constant("rate_limited" as const) })),
      }),
    ),
  });

  it("say the same of the same facts", () => {
    fc.assert(
      fc.property(found, (facts) => {
        assert.equal(told(name, facts, oauth).state, step(machine, deciding, ends("survey", facts)).at);
      }),
    );
  });

  it("never call usable what is dead, nor name a timer that is past", () => {
    fc.assert(
      fc.property(found, (facts) => {
        const { usable, nextTimerAt, exitCode } = told(name, facts, oauth);
        if (usable === "yes") assert.ok((facts.facts?.expiresAt ?? 0) > now);
        if (nextTimerAt !== null) assert.ok(nextTimerAt > now);
        assert.equal(exitCode === 0, usable !== "no");
      }),
    );
  });
});
