// What the journal says about a sign-in's life: each change has one line, in whichever process it happened, and what
// changes nothing has none.
import assert from "node:assert/strict";
import { lstatSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readJournal } from "../../runtime/inspect/reading.ts";
import type { JournalRecord } from "../../runtime/inspect/record.ts";
import { answer, beginLogin, codeOf, signIn, type Stage, stage, until } from "../support/stage.ts";

/** The steps; what the statecharts did is beside them. */
const recordsOf = ({ home }: Stage): JournalRecord[] =>
  [...readJournal(home.paths)].filter(({ step }) => step !== "moved");
const stepsOf = (s: Stage) => recordsOf(s).map(({ step }) => step);

const codex = { provider: "codex", account: "default" };

/** A record without when and by whom. */
function told({ v: _, at: __, pid: ___, ...entry }: JournalRecord): object {
  return entry;
}

describe("a sign-in", () => {
  it("is told from its beginning to the logout, with what belongs together", async () => {
    await using s = await stage();
    const before = Date.now();
    const auth = s.auth();
    await signIn(s, auth, "codex", { account: "work", timeoutMs: 60_000 });
    const { lineage, generation } = s.home.tokens("codex", "work")["llxprt_auth"];
    const { expiry } = s.home.tokens("codex", "work");
    await auth.account("codex", "work").logout();
    const records = recordsOf(s);
    const [enabled, begun, signedIn, loggedOut, revocation, ...others] = records.map(told) as Record<string, unknown>[];
    const name = { provider: "codex", account: "work" };
    assert.deepEqual(others, []);
    assert.deepEqual(enabled, { step: "enabled", ...name });
    const { signIn: handle, deadlineAt } = begun as { signIn: string; deadlineAt: number };
    assert.deepEqual(begun, { step: "signInBegun", ...name, signIn: handle, grant: "loopback", deadlineAt });
    assert.ok(deadlineAt >= before + 60_000 && deadlineAt <= Date.now() + 60_000);
    const { expiresAt } = signedIn as { expiresAt: number };
    assert.deepEqual(signedIn, {
      step: "signedIn",
      ...name,
      lineage,
      generation,
      signIn: handle,
      grant: "loopback",
      expiresAt,
    });
    assert.equal(Math.floor(expiresAt / 1000), expiry);
    assert.deepEqual(loggedOut, { step: "loggedOut", ...name, lineage, generation });
    assert.deepEqual(revocation, { step: "revocation", ...name, lineage, generation, revocation: "revoked" });
    for (const { at, pid } of records) {
      assert.equal(pid, process.pid);
      assert.ok(Date.parse(at) >= before && Date.parse(at) <= Date.now());
    }
  });

  it("without tokens is told with the reason, once", async () => {
    await using s = await stage();
    const auth = s.auth();
    const denied = await beginLogin(auth, "codex", "loopback");
    await s.emulator.deny(denied.pending.url);
    assert.equal(await codeOf(denied.ended), "consent_denied");
    const { signIn: handle, ...failed } = recordsOf(s).at(-1) ?? assert.fail();
    assert.equal(handle, recordsOf(s).at(-2)?.signIn);
    assert.deepEqual(told(failed), { step: "signInFailed", ...codex, grant: "loopback", code: "consent_denied" });
    assert.deepEqual(stepsOf(s), ["enabled", "signInBegun", "signInFailed"]);
  });

  it("that could not even begin is told with the reason", async () => {
    await using s = await stage();
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    assert.equal(await codeOf(s.auth().account("codex").login({ grant: "loopback", port })), "port_busy");
    taken.close();
    const [, failed] = recordsOf(s).map(told);
    assert.deepEqual(failed, { step: "signInFailed", ...codex, grant: "loopback", code: "port_busy" });
  });

  for (const [who, another] of [
    ["the process that waits", false],
    ["another process", true],
  ] as const)
    it(`cancelled by ${who} is told once`, async () => {
      await using s = await stage();
      const auth = s.auth();
      const { ended } = await beginLogin(auth, "codex", "device");
      await (another ? s.auth() : auth).account("codex").cancel();
      assert.equal(await codeOf(ended), "sign_in_cancelled");
      assert.deepEqual(stepsOf(s), ["enabled", "signInBegun", "signInCancelled"]);
      const [, begun, cancelled] = recordsOf(s);
      assert.deepEqual(told(cancelled ?? assert.fail()), {
        step: "signInCancelled",
        ...codex,
        signIn: begun?.signIn,
        grant: "device",
      });
    });

  it("finished from another process is told by both", async () => {
    await using s = await stage();
    const begun = await beginLogin(s.auth(), "anthropic", "paste");
    const shown = (await answer(s.emulator, begun.pending)) ?? assert.fail();
    await s.auth().account("anthropic").complete(shown);
    await begun.ended;
    assert.deepEqual(stepsOf(s), ["enabled", "signInBegun", "signInJoined", "signedIn"]);
    assert.equal(new Set(recordsOf(s).flatMap(({ signIn: handle }) => handle ?? [])).size, 1);
  });

  it("whose tokens came too late is told as such", async () => {
    await using s = await stage();
    s.emulator.fault("codex", "token", { kind: "delay", ms: 200 });
    const { account, pending, ended } = await beginLogin(s.auth(), "codex", "loopback");
    const person = s.emulator.approve(pending.url);
    await until(() => s.emulator.counters("codex").exchanges === 1, "the code was exchanged");
    await account.cancel();
    assert.equal(await codeOf(ended), "sign_in_cancelled");
    await person;
    await until(() => stepsOf(s).length === 5, "what came too late was thrown away, and given back");
    assert.deepEqual(stepsOf(s), ["enabled", "signInBegun", "signInCancelled", "discarded", "discarded"]);
    assert.equal(recordsOf(s).at(-2)?.code, "sign_in_cancelled");
  });
});

/** Signed in, with a token that has ended. */
async function overdue(s: Stage, members: object = {}, ours: object = {}): Promise<void> {
  const auth = s.auth();
  await signIn(s, auth, "codex");
  await auth.close();
  const file = s.home.tokens("codex");
  s.home.plant("codex", { ...file, expiry: 1, ...members, llxprt_auth: { ...file["llxprt_auth"], ...ours } });
}

/** What the next request for a token leaves, and the one after it, by another process. */
async function asked(s: Stage): Promise<JournalRecord[]> {
  const before = recordsOf(s).length;
  for (const _ of [1, 2]) await codeOf(s.auth().account("codex").token());
  return recordsOf(s).slice(before);
}

describe("a refresh", () => {
  it("that cannot be begun is told with the reason, and once, however often it is tried", async () => {
    await using s = await stage();
    await overdue(s, {}, { client_id: "another" });
    const left = await asked(s);
    assert.deepEqual(
      left.map(({ step, code }) => [step, code]),
      [["hindered", "credential_elsewhere"]],
    );
  });

  it("whose reply is lost is told as such", async () => {
    await using s = await stage();
    await overdue(s);
    s.emulator.fault("codex", "refresh", { kind: "drop-reply" });
    assert.deepEqual(
      (await asked(s)).slice(0, 3).map(({ step, code }) => [step, code]),
      [
        ["permitted", undefined],
        ["unanswered", "network_broken"],
        ["putOff", "network_broken"],
      ],
    );
  });

  it("that is refused is told with the server's word, if that is a known one", async () => {
    for (const [word, known] of [
      ["refresh_token_invalidated", "refresh_token_invalidated"],
      ["refresh_token_canary", undefined],
    ]) {
      await using s = await stage();
      await overdue(s);
      const body = JSON.stringify({ error: { code: word, message: "canary" } });
      s.emulator.fault("codex", "refresh", { kind: "reply", status: 401, body });
      const refused = (await asked(s)).find(({ step }) => step === "refused");
      assert.deepEqual([refused?.code, refused?.word], ["refresh_refused", known]);
    }
  });

  it("is told with the generation that is spent, and its end with the one that came of it", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "codex");
    s.home.plant("codex", { ...s.home.tokens("codex"), expiry: 1 });
    await auth.account("codex").token();
    assert.deepEqual(
      recordsOf(s)
        .slice(-3)
        .map(({ step, generation }) => [step, generation]),
      [
        ["permitted", 1],
        ["sealed", 1],
        ["checkpointed", 2],
      ],
    );
  });
});

describe("an account", () => {
  it("whose file cannot be read is told when that is found, and once", async () => {
    await using s = await stage();
    await overdue(s);
    s.home.plant("codex", "no token file");
    const left = await asked(s);
    assert.deepEqual(
      left.map(({ step, code }) => [step, code]),
      [["unreadable", "store_corrupt"]],
    );
  });

  it("turned on, off and back is told when that changes something", async () => {
    await using s = await stage();
    const account = s.auth().account("qwen");
    for (const turn of ["enable", "enable", "disable", "disable"] as const) await account[turn]();
    await account.reset();
    assert.deepEqual(stepsOf(s), ["enabled", "disabled"]);
    s.home.plant("qwen", "no token file");
    await account.reset();
    assert.deepEqual(stepsOf(s), ["enabled", "disabled", "reset"]);
  });

  it("logged out without asking the provider is told so, and a logout of nobody is not", async () => {
    await using s = await stage();
    const account = s.auth().account("anthropic");
    await account.logout();
    assert.deepEqual(stepsOf(s), []);
    await signIn(s, s.auth(), "anthropic");
    await account.logout({ revoke: false });
    assert.deepEqual(stepsOf(s).slice(-2), ["signedIn", "loggedOut"]);
    assert.equal(recordsOf(s).at(-1)?.revocation, "skipped");
  });

  it("that is only looked at or used leaves the home folder as it is", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "anthropic");
    const marks = (): string[] =>
      readdirSync(s.home.paths.home, { recursive: true }).map((path) => {
        const { ino, size, mtimeNs } = lstatSync(join(s.home.paths.home, String(path)), { bigint: true });
        return `${String(path)} ${ino} ${size} ${mtimeNs}`;
      });
    // Its snapshot is written at the end of the first one.
    await s.auth().account("anthropic").token();
    const before = marks();
    const auth = s.auth();
    auth.account("anthropic").status();
    await auth.account("anthropic").token();
    auth.account("anthropic").why();
    await auth.close();
    assert.deepEqual(marks(), before);
  });
});
