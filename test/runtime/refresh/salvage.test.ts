// A reply that was sealed by a process that died before it wrote the token file: whoever reads follows it, without a lock
// and without a write, and whoever has the lock next puts it where it belongs (refresh protocol, "read" and step 8; I3, I5,
// I10, I11).
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Auth } from "../../../runtime/auth.ts";
import { successorOf } from "../../../runtime/refresh/successor.ts";
import type { StoredCredential } from "../../../runtime/store/codec.ts";
import type { Sealed } from "../../../runtime/store/evidence.ts";
import { spentBy } from "../../../runtime/store/spend.ts";
import { type Json, modeOf } from "../../support/home.ts";
import { codeOf, signIn, type Stage, stage, until } from "../../support/stage.ts";
import { edit, inFile, plantSeal, presented, providerOf, reply, spendPath, traces } from "../../support/spending.ts";

const provider = "anthropic";
const seconds = (): number => Math.floor(Date.now() / 1000);

async function signedIn(s: Stage, left = -5): Promise<Auth> {
  const auth = s.auth();
  await signIn(s, auth, provider, { grant: "loopback" });
  await auth.close();
  edit(s.home, provider, { expiry: seconds() + left });
  return s.auth();
}

const accessIn = (body: string): string => (JSON.parse(body) as Json)["access_token"] as string;
const generationOf = (s: Stage): number => s.home.tokens(provider)["llxprt_auth"].generation as number;
const tokenOf = async (auth: Auth): Promise<string> =>
  (await auth.account(provider).token({ minTtlMs: 900_000 })).secret.reveal();

/** What is in the home folder, and when it was written. */
function photograph(s: Stage): string[] {
  return readdirSync(s.home.paths.home, { recursive: true, encoding: "utf8" }).map((name) => {
    const { mtimeMs, ctimeMs, size, ino } = statSync(join(s.home.paths.home, name));
    return `${name} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  });
}

/** A generation after the other, each sealed and none in the token file. */
async function plantChain(s: Stage, links: number): Promise<Sealed[]> {
  const chain: Sealed[] = [];
  let { credential }: { credential: StoredCredential } = inFile(s.home, provider);
  for (let link = 0; link < links; link += 1) {
    const sealed = await reply(s, provider, credential);
    const spent = spentBy(credential);
    assert.ok(spent !== null);
    plantSeal(s.home, provider, sealed, spent);
    const next = successorOf(providerOf(s.home, provider), credential, sealed);
    assert.ok(next.kind === "successor");
    ({ credential } = next);
    chain.push(sealed);
  }
  return chain;
}

const sealPath = (s: Stage): string =>
  spendPath(s.home, provider, traces(s.home, provider).find((name) => name.endsWith(".next")) ?? "");

/** What the server said, changed, under a seal. */
const plant = async (s: Stage, change: (body: string) => Partial<Sealed>): Promise<Sealed> => {
  const sealed = await reply(s, provider);
  const changed = { ...sealed, ...change(sealed.body) };
  plantSeal(s.home, provider, changed);
  return changed;
};

describe("a sealed reply", { concurrency: 4 }, () => {
  it("is what everybody reads, and nobody writes for that", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const before = s.home.tokens(provider);
    const [sealed] = await plantChain(s, 1);
    const { requests } = s.emulator;
    const [asked, picture] = [requests.length, photograph(s)];
    const { row, exitCode } = auth.account(provider).status();
    assert.deepEqual([row.state, row.usable, row.unexpired, exitCode], ["authenticated", "yes", true, 0]);
    assert.deepEqual(photograph(s), picture);
    assert.equal(await tokenOf(auth), accessIn(sealed?.body ?? ""));
    assert.equal(requests.length, asked, "nobody was asked");
    assert.equal(s.home.tokens(provider)["access_token"], before["access_token"]);
    assert.equal(generationOf(s), 1);
  });

  it("is put into the token file by the next who refreshes, and that goes on from there", async () => {
    await using s = await stage({ lifetimeS: 20 });
    const auth = await signedIn(s);
    const lineage: unknown = s.home.tokens(provider)["llxprt_auth"].lineage;
    const [sealed] = await plantChain(s, 1);
    const { secret } = await auth.account(provider).token({ minTtlMs: 25_000 });
    assert.notEqual(secret.reveal(), accessIn(sealed?.body ?? ""));
    const { llxprt_auth: ours, ...file } = s.home.tokens(provider);
    assert.deepEqual([ours.generation, ours.lineage], [3, lineage]);
    assert.equal(file["access_token"], secret.reveal());
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses], [2, 0]);
    assert.deepEqual(traces(s.home, provider), []);
    const all = [...readFileSync(s.home.paths.journal, "utf8").matchAll(/"step":"(\w+)"/g)].map(([, step]) => step);
    const steps = all.filter((step) => step !== "moved");
    assert.deepEqual(steps.slice(steps.indexOf("checkpointed")), [
      "checkpointed",
      "salvaged",
      "permitted",
      "sealed",
      "checkpointed",
    ]);
  });

  it("of a generation that is sealed itself is followed, link by link", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const chain = await plantChain(s, 3);
    assert.equal(await tokenOf(auth), accessIn(chain[2]?.body ?? ""));
    assert.equal(generationOf(s), 1);
    await s.auth().account(provider).refresh({ force: true });
    assert.equal(generationOf(s), 5);
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses], [4, 0]);
    assert.deepEqual(traces(s.home, provider), []);
  });

  it("is nothing without a token file", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    await plantChain(s, 1);
    rmSync(s.home.file(provider));
    const account = auth.account(provider);
    await account.enable();
    assert.equal(account.status().row.state, "idle");
    assert.equal(await codeOf(account.token()), "sign_in_needed");
    assert.equal(await codeOf(account.refresh({ force: true })), "sign_in_needed");
    assert.equal(s.home.list(s.home.paths.oauth).includes(s.home.file(provider)), false);
  });

  it("to a refresh token that is not in the file any more is nothing", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    await plantChain(s, 1);
    edit(s.home, provider, { refresh_token: "another-program-was-here-0123456789" });
    assert.equal(auth.account(provider).status().row.unexpired, false);
    assert.equal(await codeOf(auth.account(provider).token()), "refresh_refused");
  });

  it("of another sign-in is nothing, and a new sign-in takes it away", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    await plantChain(s, 1);
    await signIn(s, auth, provider, { grant: "loopback" });
    assert.deepEqual(traces(s.home, provider), []);
    assert.equal(await tokenOf(auth), s.home.tokens(provider)["access_token"]);
  });

  it("goes with a logout, and it is what is given back", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "codex", { grant: "loopback" });
    const sealed = await reply(s, "codex");
    plantSeal(s.home, "codex", sealed);
    assert.equal((await s.auth().account("codex").logout()).revocation, "revoked");
    assert.deepEqual(traces(s.home, "codex"), []);
    assert.equal(s.emulator.standing(accessIn(sealed.body)), "ended");
    const sent = s.emulator.requests.find(({ endpoint }) => endpoint === "revoke");
    assert.equal((JSON.parse(sent?.body ?? "") as Json)["token"], (JSON.parse(sealed.body) as Json)["refresh_token"]);
  });

  it("that is half written is none: the refresh is in doubt", async () => {
    await using s = await stage();
    const auth = await signedIn(s, 600);
    await plantChain(s, 1);
    const path = sealPath(s);
    writeFileSync(path, readFileSync(path).subarray(0, 300));
    assert.equal((await auth.account(provider).token({ minTtlMs: 900_000 })).shortLived, true);
    assert.equal(auth.account(provider).status().row.lastError, "refresh_uncertain");
    assert.equal(presented(s, provider), 1);
  });
});

describe("a sealed reply that holds no successor", { concurrency: 4 }, () => {
  it("is kept when it cannot be used, and its refresh token is never sent again, force or not", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    await plant(s, (body) => ({ body: body.replace(/"access_token":"[^"]*"/, '"access_token":7') }));
    const account = auth.account(provider);
    for (let times = 0; times < 2; times += 1) {
      assert.equal(await codeOf(account.token()), "reply_unusable");
      assert.equal(await codeOf(s.auth().account(provider).refresh({ force: true })), "reply_unusable");
    }
    assert.equal(presented(s, provider), 1);
    const { row, exitCode } = account.status();
    assert.deepEqual([row.state, row.usable, row.lastError, exitCode], ["expired", "no", "reply_unusable", 3]);
    const path = sealPath(s);
    assert.equal(modeOf(path), "0600");
    assert.match(readFileSync(path, "latin1"), /"access_token":7/);
    await signIn(s, auth, provider, { grant: "loopback" });
    assert.deepEqual(traces(s.home, provider), []);
  });

  for (const [what, change] of [
    ["a page", () => ({ body: "<html>Sign in to the network</html>", contentType: "text/html" })],
    ["nothing", () => ({ body: "" })],
    ["half of a reply", (body: string) => ({ body: body.slice(0, 40) })],
  ] as const) {
    it(`is no reply when it is ${what}: it is repeated when the token is dead`, async () => {
      await using s = await stage();
      const auth = await signedIn(s, 600);
      await plant(s, change);
      assert.equal((await auth.account(provider).token({ minTtlMs: 900_000 })).shortLived, true);
      assert.equal(auth.account(provider).status().row.state, "backingOff");
      assert.equal(presented(s, provider), 1);
      edit(s.home, provider, { expiry: seconds() - 5 }, { retry: null });
      assert.equal(await codeOf(s.auth().account(provider).token()), "refresh_interrupted");
      assert.equal(presented(s, provider), 2);
    });
  }

  it("for another account is refused, and what is there stays", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "codex", { grant: "loopback" });
    edit(s.home, "codex", { expiry: seconds() - 5 });
    const before = s.home.tokens("codex");
    const sealed = await reply(s, "codex");
    const body = JSON.parse(sealed.body) as Json;
    const [head, payload, tail] = (body["id_token"] as string).split(".");
    const claims = JSON.parse(Buffer.from(payload ?? "", "base64url").toString()) as Json;
    claims["https://api.openai.com/auth"].chatgpt_account_id = "somebody-else";
    body["id_token"] = [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), tail].join(".");
    plantSeal(s.home, "codex", { ...sealed, body: JSON.stringify(body) });
    const account = s.auth().account("codex");
    assert.equal(account.status().row.unexpired, false, "no reader follows it");
    assert.equal(await codeOf(account.token()), "identity_changed");
    const after = s.home.tokens("codex");
    for (const member of ["access_token", "refresh_token", "account_id", "id_token"])
      assert.equal(after[member], before[member], member);
  });
});

describe("while a refresh is under way", { concurrency: 4 }, () => {
  it("readers see the old token, and that it is being renewed", async () => {
    await using s = await stage();
    const auth = await signedIn(s, 600);
    const before = s.home.tokens(provider)["access_token"];
    s.emulator.fault(provider, "refresh", { kind: "delay", ms: 400 });
    const asked = tokenOf(auth);
    await until(() => presented(s, provider) === 1, "it is presented");
    const other = s.auth().account(provider);
    const { row, exitCode } = other.status();
    assert.deepEqual([row.state, row.usable, exitCode], ["refreshing", "yes", 0]);
    assert.equal((await other.token({ minTtlMs: 5_000 })).secret.reveal(), before);
    assert.notEqual(await asked, before);
    assert.equal(presented(s, provider), 1);
  });

  it("and its folder is removed, the reply goes to the token file all the same", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault(provider, "refresh", { kind: "delay", ms: 300 });
    const asked = tokenOf(auth);
    await until(() => presented(s, provider) === 1, "it is presented");
    rmSync(spendPath(s.home, provider, ""), { recursive: true });
    assert.equal(await asked, s.home.tokens(provider)["access_token"]);
    assert.equal(generationOf(s), 2);
  });

  it("and its lock is removed, nobody else presents the token", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    s.emulator.fault(provider, "refresh", { kind: "delay", ms: 6_000 });
    const asked = tokenOf(auth);
    await until(() => presented(s, provider) === 1, "it is presented");
    rmSync(spendPath(s.home, provider, "lock"));
    // Another runtime gets a lock, and sees the permit.
    assert.equal(await codeOf(tokenOf(s.auth())), "refresh_uncertain");
    assert.equal(await asked, s.home.tokens(provider)["access_token"]);
    assert.deepEqual([presented(s, provider), s.emulator.counters(provider).reuses], [1, 0]);
  });
});
