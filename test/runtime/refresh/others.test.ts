// What others do to a login while its refresh token is on its way, or did before: a removal wins over everything, a new
// sign-in over a refresh, and programs that know nothing of all this keep what they wrote (I10, I12; threats T48, T49).
import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Auth } from "../../../runtime/auth.ts";
import { createLocks } from "../../../runtime/refresh/locks.ts";
import { refreshHere } from "../../../runtime/refresh/refresher.ts";
import { createSpendStore } from "../../../runtime/store/spend.ts";
import { createWiring } from "../../../runtime/wiring.ts";
import type { Json } from "../../support/home.ts";
import { codeOf, signIn, type Stage, stage, until } from "../../support/stage.ts";
import { edit, plantInterruption, plantSeal, presented, providerOf, reply, traces } from "../../support/spending.ts";

const provider = "codex";
const seconds = (): number => Math.floor(Date.now() / 1000);

async function signedIn(s: Stage, left = -5): Promise<Auth> {
  const auth = s.auth();
  await signIn(s, auth, provider, { grant: "loopback" });
  await auth.close();
  edit(s.home, provider, { expiry: seconds() + left });
  return s.auth();
}

const tokenOf = async (auth: Auth): Promise<string> =>
  (await auth.account(provider).token({ minTtlMs: 900_000 })).secret.reveal();

/** A refresh whose reply the server keeps back for so long. */
async function underWay(s: Stage, auth: Auth, ms: number): Promise<{ readonly asked: Promise<string> }> {
  s.emulator.fault(provider, "refresh", { kind: "delay", ms });
  const asked = tokenOf(auth);
  asked.catch(() => undefined);
  await until(() => s.emulator.counters(provider).refreshes > 0, "the server has rotated");
  return { asked };
}

/** A program that knows only the plain file writes it again, with the tokens that were in it. */
function rewrite({ home }: Stage): void {
  const { llxprt_auth: _, ...plain } = home.tokens(provider);
  home.plant(provider, plain);
}

/** Tokens that were given back, in the order of coming. */
const givenBack = (s: Stage): string[] =>
  s.emulator.requests
    .filter(({ endpoint }) => endpoint === "revoke")
    .map(({ body }) => (JSON.parse(body) as Json)["token"] as string);

describe("while the refresh token is on its way", { concurrency: 4 }, () => {
  it("rm signs out, and the new tokens are given back", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const { refresh_token: old } = s.home.tokens(provider);
    const { asked } = await underWay(s, auth, 300);
    rmSync(s.home.file(provider));
    assert.ok(["sign_in_needed", "oauth_disabled"].includes(await codeOf(asked)));
    await until(() => givenBack(s).length === 1, "they are given back");
    assert.notEqual(givenBack(s)[0], old);
    await until(() => traces(s.home, provider).length === 0, "nothing is left");
    assert.equal(existsSync(s.home.file(provider)), false);
    assert.equal(s.emulator.logins()[0]?.ended, "logout");
  });

  it("a logout is over before the exchange is, and both grants are given back", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const { refresh_token: old } = s.home.tokens(provider);
    const { asked } = await underWay(s, auth, 5_000);
    let isOver = false;
    void asked.catch(() => undefined).finally(() => (isOver = true));
    const report = await s.auth().account(provider).logout();
    assert.equal(isOver, false, "nobody waited for the exchange");
    assert.equal(existsSync(s.home.file(provider)), false);
    assert.equal(report.revocation, "revoked");
    assert.deepEqual(givenBack(s), [old]);
    await until(() => givenBack(s).length === 2, "the new tokens are given back as well", 10_000);
    assert.ok(["sign_in_needed", "oauth_disabled"].includes(await codeOf(asked)));
    assert.equal(existsSync(s.home.file(provider)), false);
    await until(() => traces(s.home, provider).length === 0, "nothing is left");
  });

  it("a sign-in wins, and is refreshed from then on", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const { lineage } = s.home.tokens(provider)["llxprt_auth"];
    const { asked } = await underWay(s, auth, 500);
    await signIn(s, s.auth(), provider, { grant: "loopback" });
    const file = s.home.tokens(provider);
    assert.notEqual(file["llxprt_auth"].lineage, lineage);
    await asked;
    assert.deepEqual(s.home.tokens(provider)["access_token"], file["access_token"]);
    assert.deepEqual(traces(s.home, provider), []);
    await s.auth().account(provider).refresh({ force: true });
    assert.equal(s.home.tokens(provider)["llxprt_auth"].generation, 2);
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses], [2, 0]);
  });

  it("a program that knows no lineage and writes the same tokens takes nothing away", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const { llxprt_auth: before } = s.home.tokens(provider);
    const { asked } = await underWay(s, auth, 300);
    rewrite(s);
    const token = await asked;
    assert.equal(s.emulator.standing(token), "live");
    const { access_token, llxprt_auth: now } = s.home.tokens(provider);
    assert.equal(access_token, token);
    assert.deepEqual([now.lineage, now.generation], [before.lineage, before.generation + 1]);
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses, givenBack(s).length], [1, 0, 0]);
  });

  it("nor does it when the process that refreshed has died: what is sealed is followed", async () => {
    await using s = await stage();
    await signedIn(s);
    plantSeal(s.home, provider, await reply(s, provider));
    rewrite(s);
    const { secret } = await s.auth().account(provider).token();
    assert.equal(s.emulator.standing(secret.reveal()), "live");
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses], [1, 0]);
  });

  it("a login without a lineage is renewed for good, though its refresh token stays", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    const { schema, issuer, client_id } = s.home.tokens("gemini")["llxprt_auth"];
    s.home.plant("gemini", { ...s.home.tokens("gemini"), llxprt_auth: { schema, issuer, client_id } });
    for (const generation of [1, 2, 3]) {
      await s.auth().account("gemini").refresh({ force: true });
      assert.equal(s.home.tokens("gemini")["llxprt_auth"].generation, generation);
    }
    assert.equal(presented(s, "gemini"), 3);
  });

  it("an older program that writes its own file keeps it, and its grant", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const { asked } = await underWay(s, auth, 300);
    const { llxprt_auth: _, ...plain } = s.home.tokens(provider);
    const theirs = {
      ...plain,
      access_token: "what-the-older-program-got",
      refresh_token: "its-own",
      expiry: seconds() + 900,
    };
    s.home.plant(provider, theirs);
    assert.equal(await asked, theirs.access_token);
    const { llxprt_auth: ours, ...kept } = s.home.tokens(provider);
    assert.deepEqual(kept, theirs);
    assert.equal(ours?.lineage ?? null, null);
    await auth.close();
    assert.deepEqual(givenBack(s), []);
  });

  it("another program that changes the tokens and keeps what it does not know keeps its tokens, too", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const { asked } = await underWay(s, auth, 300);
    edit(s.home, provider, { access_token: "another-token", refresh_token: "another-one", expiry: seconds() + 900 });
    assert.equal(await asked, "another-token");
    assert.equal(s.home.tokens(provider)["refresh_token"], "another-one");
    await auth.close();
    assert.deepEqual(givenBack(s), []);
  });

  it("a file that nobody can read is left as it is, and the reply is kept for it", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const whole = readFileSync(s.home.file(provider), "utf8");
    const { asked } = await underWay(s, auth, 300);
    writeFileSync(s.home.file(provider), "{ half a fi");
    assert.equal(await codeOf(asked), "store_corrupt");
    assert.equal(readFileSync(s.home.file(provider), "utf8"), "{ half a fi");
    // Who repairs the file by hand has lost nothing.
    writeFileSync(s.home.file(provider), whole);
    assert.equal(s.emulator.standing(await tokenOf(s.auth())), "live");
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses], [1, 0]);
  });
});

describe("a file of", { concurrency: 4 }, () => {
  it("an older program is spent by the same rules, without a lineage", async () => {
    await using s = await stage();
    const auth = await signedIn(s, 600);
    const { llxprt_auth: _, ...plain } = s.home.tokens(provider);
    s.home.plant(provider, plain);
    plantInterruption(s.home, provider);
    assert.deepEqual(traces(s.home, provider), ["none.0.0.next", "none.0.0.sent"]);
    assert.equal(await tokenOf(auth), plain["access_token"]);
    assert.equal(presented(s, provider), 0, "it is in doubt, and its token lives");
    edit(s.home, provider, { expiry: seconds() - 5 }, { retry: null });
    assert.equal(await tokenOf(s.auth()), s.home.tokens(provider)["access_token"]);
    const { lineage, generation } = s.home.tokens(provider)["llxprt_auth"];
    assert.deepEqual([lineage, generation], [null, 1]);
    assert.deepEqual(traces(s.home, provider), []);
  });

  it("a newer version is refreshed, and a copy of it is kept", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    edit(s.home, provider, {}, { schema: 999, lineage: { of: "another shape" }, generation: "seven" });
    const before = s.home.tokens(provider);
    assert.equal(await tokenOf(auth), s.home.tokens(provider)["access_token"]);
    assert.equal(presented(s, provider), 1);
    const copies = readdirSync(s.home.paths.oauth).filter((file) => file.startsWith(`${provider}.json.newer-`));
    assert.equal(copies.length, 1);
    assert.deepEqual(s.home.read(`${s.home.paths.oauth}/${copies[0]}`), before);
    assert.equal(s.home.tokens(provider)["llxprt_auth"].schema, 1);
  });

  it("last week, put back, costs one request and ends in a clear word", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const backup = readFileSync(s.home.file(provider), "utf8");
    await tokenOf(auth);
    await auth.close();
    writeFileSync(s.home.file(provider), backup);
    const before = presented(s, provider);
    for (let times = 0; times < 3; times += 1) assert.equal(await codeOf(tokenOf(s.auth())), "refresh_refused");
    assert.equal(presented(s, provider), before + 1);
  });
});

it("a refusal is one though the disk does not take the note of it", async () => {
  await using s = await stage();
  await signedIn(s);
  s.emulator.revokeAll(provider);
  s.emulator.fault(provider, "refresh", { kind: "delay", ms: 300 });
  const wiring = createWiring(s.home.host(), s.home.paths, (name) => providerOf(s.home, name));
  const demand = { minTtlMs: 30_000, force: false, generation: null };
  const ended = refreshHere(wiring, providerOf(s.home, provider), { provider, account: "default" }, demand);
  await until(() => presented(s, provider) === 1, "it is presented");
  // Nothing is written into a home that others can write to.
  chmodSync(s.home.paths.home, 0o777);
  assert.deepEqual(await ended, { kind: "rejected", code: "refresh_refused" });
  assert.equal(s.home.tokens(provider)["llxprt_auth"].refused, null);
  await wiring.sender.close();
});

it("a runtime that is closed waits for no refresher any more, and leaves it to others", async () => {
  await using s = await stage();
  await signedIn(s);
  const auth = s.auth({ host: { launch: async () => ({ said: new Promise(() => undefined) }) } });
  const locks = createLocks(createSpendStore(s.home.paths), s.home.now);
  const isWaitedFor = (): boolean => {
    const door = locks.tryTake({ provider, account: "default" }, "door");
    door?.release();
    return door === null;
  };
  const refused = codeOf(auth.account(provider).token());
  await until(isWaitedFor, "it waits for its refresher");
  await auth.close();
  assert.equal(await refused, "interrupted");
  await until(() => !isWaitedFor(), "it does not", 2_000);
});
