// Logging out ends the login here first, whatever the provider says to it, and tells what became of the grant and what still
// authenticates (R26).
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { describe, it } from "node:test";
import { plainTokens } from "../support/home.ts";
import { plantSeal, reply, spendPath, traces } from "../support/spending.ts";
import { beginLogin, codeOf, signIn, stage, until } from "../support/stage.ts";

describe("logging out", { concurrency: 4 }, () => {
  for (const [provider, grant, revocation] of [
    ["gemini", "loopback", "revoked"],
    ["codex", "loopback", "revoked"],
    ["anthropic", "loopback", "unsupported"],
    ["qwen", "device", "unsupported"],
  ] as const) {
    it(`of ${provider}: the tokens are gone, and the grant is ${revocation}`, async () => {
      await using s = await stage();
      const auth = s.auth();
      await signIn(s, auth, provider, { grant });
      const account = auth.account(provider);
      const { access_token: access } = s.home.tokens(provider);
      const report = await account.logout();
      assert.equal(report.revocation, revocation);
      assert.deepEqual(report.remaining.winner?.kind, "oauth");
      assert.ok(!existsSync(s.home.file(provider)));
      assert.equal(s.emulator.counters(provider).revocations, revocation === "revoked" ? 1 : 0);
      const { row, exitCode } = account.status();
      assert.deepEqual([row.state, row.present, row.usable, row.enabled, exitCode], ["idle", false, "no", true, 3]);
      assert.equal(await codeOf(account.token()), "sign_in_needed");
      assert.ok(s.home.files().every((path) => !path.includes(access)));
    });
  }

  it("deletes before it tells the provider", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    s.emulator.fault("gemini", "revoke", { kind: "delay", ms: 300 });
    const ended = auth.account("gemini").logout();
    await until(() => s.emulator.counters("gemini").revocations === 1, "the provider was told");
    assert.ok(!existsSync(s.home.file("gemini")));
    assert.equal((await ended).revocation, "revoked");
  });

  for (const [what, fault] of [
    ["fails", { kind: "status", status: 503 }],
    ["breaks the connection", { kind: "drop-connection" }],
    ["answers with a page", { kind: "html", status: 500 }],
  ] as const) {
    it(`works when the provider ${what}`, async () => {
      await using s = await stage();
      const auth = s.auth();
      await signIn(s, auth, "gemini");
      s.emulator.fault("gemini", "revoke", fault);
      assert.equal((await auth.account("gemini").logout()).revocation, "failed");
      assert.ok(!existsSync(s.home.file("gemini")));
      assert.equal(auth.account("gemini").status().row.state, "idle");
    });
  }

  it("tells nobody when that was asked for", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    assert.equal((await auth.account("gemini").logout({ revoke: false })).revocation, "skipped");
    assert.equal(s.emulator.counters("gemini").revocations, 0);
    assert.ok(!existsSync(s.home.file("gemini")));
  });

  it("without a login does nothing, twice", async () => {
    await using s = await stage();
    const account = s.auth().account("gemini");
    assert.equal((await account.logout()).revocation, "nothing");
    assert.equal((await account.logout()).revocation, "nothing");
    assert.equal(s.emulator.requests.length, 0);
  });

  it("is one logout for all who ask at once", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    const account = auth.account("gemini");
    const reports = await Promise.all([account.logout(), account.logout(), account.logout()]);
    assert.ok(reports.some(({ revocation }) => revocation === "revoked"));
    assert.equal(s.emulator.counters("gemini").revocations, 1);
  });

  it("of one account leaves the others", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    await signIn(s, auth, "gemini", { account: "work" });
    await auth.account("gemini").logout();
    assert.ok(existsSync(s.home.file("gemini", "work")));
    assert.equal(auth.account("gemini", "work").status().row.usable, "yes");
  });

  it("ends a sign-in that is under way as well", async () => {
    await using s = await stage();
    const { account, ended } = await beginLogin(s.auth(), "gemini");
    await account.logout();
    await assert.rejects(ended);
    assert.deepEqual(s.home.pending(), []);
  });

  it("is noticed by other processes within a second or so", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    const other = s.auth().account("gemini");
    await other.token();
    await auth.account("gemini").logout();
    await until(() => other.actor.getSnapshot().value === "idle", "it is noticed", 1_500);
    assert.equal(await codeOf(other.token()), "sign_in_needed");
  });

  it("says what still authenticates", async () => {
    await using s = await stage();
    const auth = s.auth({ host: { environment: { GEMINI_API_KEY: "a-key" } } });
    await signIn(s, s.auth(), "gemini");
    const { remaining } = await auth.account("gemini").logout();
    assert.deepEqual([remaining.winner?.kind, remaining.winner?.name], ["env", "GEMINI_API_KEY"]);
    assert.equal((await auth.account("gemini").token()).kind, "key");
  });

  it("of what another server issued tells this one nothing", async () => {
    await using s = await stage();
    await using other = await stage();
    const first = s.auth();
    await signIn(s, first, "gemini");
    await first.close();
    s.point({
      gemini: { tokenEndpoint: `${other.emulator.url}/token`, revocationEndpoint: `${other.emulator.url}/revoke` },
    });
    assert.equal((await s.auth().account("gemini").logout()).revocation, "failed");
    assert.equal(other.emulator.requests.length, 0);
    assert.ok(!existsSync(s.home.file("gemini")));
  });

  it("works though the client is not known any more", async () => {
    await using s = await stage();
    const first = s.auth();
    await signIn(s, first, "gemini");
    await first.close();
    s.point({ gemini: { clientFile: null } });
    const { revocation } = await s.auth().account("gemini").logout();
    assert.equal(revocation, "failed");
    assert.ok(!existsSync(s.home.file("gemini")));
  });

  it("of an older program's file, and of another version's, takes them away", async () => {
    await using s = await stage();
    for (const members of [{}, { llxprt_auth: { schema: 999 } }]) {
      s.home.plant("anthropic", plainTokens(Date.now(), members));
      await s.auth().account("anthropic").logout();
      assert.ok(!existsSync(s.home.file("anthropic")));
    }
  });

  it("and signing in again works at once", async () => {
    await using s = await stage();
    const auth = s.auth();
    for (let round = 0; round < 3; round += 1) {
      assert.equal((await signIn(s, auth, "gemini")).row.state, "authenticated");
      await auth.account("gemini").logout();
    }
    rmSync(s.home.paths.oauth, { recursive: true });
    assert.equal((await signIn(s, auth, "gemini")).row.state, "authenticated");
  });
});

it("takes away what a refresh has left of a login whose file somebody removed", async () => {
  await using s = await stage();
  await signIn(s, s.auth(), "codex", { grant: "loopback" });
  plantSeal(s.home, "codex", await reply(s, "codex"));
  rmSync(s.home.file("codex"));
  assert.equal((await s.auth().account("codex").logout()).revocation, "nothing");
  assert.deepEqual(traces(s.home, "codex"), []);
});

it("tells the provider though something is in the way of its sweeping, and says what", async () => {
  await using s = await stage();
  const auth = s.auth();
  await signIn(s, auth, "codex", { grant: "loopback" });
  mkdirSync(spendPath(s.home, "codex", "somebodys.granted"));
  assert.equal(await codeOf(auth.account("codex").logout()), "store_unsafe");
  assert.equal(existsSync(s.home.file("codex")), false);
  assert.equal(s.emulator.counters("codex").revocations, 1);
});

it("makes nothing where nobody was signed in", async () => {
  await using s = await stage();
  assert.equal((await s.auth().account("codex").logout()).revocation, "nothing");
  assert.equal(existsSync(s.home.paths.oauth), false);
});
