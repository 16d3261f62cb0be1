// Several accounts of one provider: each is the person that it is meant to be, or nothing is stored; and the vendor's page
// is asked for that person where it can be.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { ProviderName } from "../../providers/index.ts";
import type { Grant } from "../../providers/provider.ts";
import { granted, keepGranted } from "../../runtime/store/granted.ts";
import { checkIdentity, choiceParameters } from "../../runtime/login/identity.ts";
import type { Json } from "../support/home.ts";
import { sampleCredential } from "../support/sample.ts";
import { beginLogin, codeOf, quickGrants, signIn, stage, type Stage } from "../support/stage.ts";
import { keep, tools } from "../support/vendors.ts";

const ways: readonly (readonly [ProviderName, Grant])[] = [
  ["gemini", "loopback"],
  ["anthropic", "loopback"],
  ["anthropic", "paste"],
  ["codex", "loopback"],
  ["codex", "device"],
];

const people = ({ emulator }: Stage): [string, string] => {
  const [one = "", other = ""] = emulator.accounts;
  return [one, other];
};
const failed = async (work: Promise<unknown>): Promise<Json> =>
  work.then(
    () => assert.fail("it ended well"),
    (error: unknown) => error as Json,
  );
const journalOf = (s: Stage): string => readFileSync(s.home.paths.journal, "utf8");

const asked = async (s: Stage, provider: ProviderName, account?: string) => {
  const { pending } = await beginLogin(
    s.auth(),
    provider,
    quickGrants[provider],
    account === undefined ? {} : { account },
  );
  return new URL(pending.url).searchParams;
};

const profile = (s: Stage, content: Json): void => {
  s.home.settings(s.home.read(s.home.paths.settings));
  keep(s.home.paths.home, "profiles/work.json", { version: 1, provider: "codex", ephemeralSettings: {}, ...content });
};

describe("a sign-in that comes back as somebody else", { concurrency: 3 }, () => {
  for (const [provider, grant] of ways) {
    it(`than is stored stores nothing: ${provider} by ${grant}`, async () => {
      await using s = await stage();
      const [one, other] = people(s);
      const auth = s.auth();
      await signIn(s, auth, provider, { grant, person: one });
      const before = readFileSync(s.home.file(provider), "utf8");
      const { access_token: token, refresh_token: refresh } = s.home.tokens(provider);
      const error = await failed(signIn(s, auth, provider, { grant, person: other }));
      assert.deepEqual([error["code"], error["exitCode"]], ["identity_changed", 4]);
      assert.ok((error["message"] as string).includes(`(${other})`), "it says who came back");
      const after = s.home.tokens(provider);
      assert.deepEqual([after["access_token"], after["refresh_token"]], [token, refresh], before);
      const { row } = auth.account(provider).status();
      assert.deepEqual([row.identity, row.state, row.pending], [one, "authenticated", null]);
      assert.match(journalOf(s), /"step":"signInFailed"[^\n]*"code":"identity_changed"/);
      assert.ok(!journalOf(s).includes("@"), "and the journal names nobody");
      // The login that is there goes on, and the same person may sign in again.
      await auth.account(provider).refresh({ force: true });
      await signIn(s, auth, provider, { grant, person: one });
    });

    it(`than the account is named after stores nothing: ${provider} by ${grant}`, async () => {
      await using s = await stage();
      const [one, other] = people(s);
      const auth = s.auth();
      // One person's grant at a vendor may be another account's login here: it must not go with what is thrown away.
      await signIn(s, auth, provider, { grant, person: other });
      const error = await failed(signIn(s, auth, provider, { grant, account: one, person: other }));
      assert.equal(error["code"], "identity_changed");
      assert.equal(error["next"], `llxprt-auth ${provider} login --account ${one}`);
      assert.ok(!existsSync(s.home.file(provider, one)));
      await auth.account(provider).refresh({ force: true });
      const { row } = await signIn(s, auth, provider, { grant, account: one, person: one });
      assert.deepEqual([row.identity, row.state], [one, "authenticated"]);
    });
  }

  it("is found out where only a question to the vendor tells, and before anything is stored", async () => {
    const identity = { reply: [], claims: [], userinfo: [["email"]] };
    await using s = await stage({ providers: { gemini: { identity } } });
    const [one, other] = people(s);
    const questions = () => s.emulator.requests.filter(({ path }) => path.includes("userinfo")).length;
    const error = await failed(signIn(s, s.auth(), "gemini", { account: one, person: other }));
    assert.deepEqual(
      [error["code"], questions(), existsSync(s.home.file("gemini", one))],
      ["identity_changed", 1, false],
    );
    const { row } = await signIn(s, s.auth(), "gemini", { account: one, person: one });
    assert.deepEqual([row.identity, questions()], [one, 2]);
  });

  it("ends no grant that is another account's login", async () => {
    await using s = await stage();
    const [one, other] = people(s);
    await signIn(s, s.auth(), "gemini", { person: other });
    assert.equal(
      (await failed(signIn(s, s.auth(), "gemini", { account: one, person: other })))["code"],
      "identity_changed",
    );
    assert.equal(s.emulator.counters("gemini").revocations, 0);
  });

  it("cannot be told where the vendor names nobody, and is then no reason to refuse", async () => {
    await using s = await stage();
    const [one, other] = people(s);
    const auth = s.auth();
    const { row } = await signIn(s, auth, "qwen", { account: one, person: other });
    assert.deepEqual([row.state, row.identity], ["authenticated", null]);
  });

  it("is found out by whoever puts the tokens into the file, when their own process is gone", async () => {
    await using s = await stage();
    const [one, other] = people(s);
    await signIn(s, s.auth(), "codex", { person: one, grant: "loopback" });
    const { pending, account } = await beginLogin(s.auth(), "codex", "loopback");
    const name = { provider: "codex", account: "default" };
    const theirs = sampleCredential({ identity: other, lineage: "a-lineage-of-its-own-1" });
    keepGranted(s.home.paths, name, pending.attempt, theirs);
    // Its actor settles what others left as soon as it starts.
    await s.auth().account("codex").enable();
    assert.equal(s.auth().account("codex").status().row.identity, one);
    assert.deepEqual(granted(s.home.paths, name), []);
    assert.equal(account.status().row.pending, null);
    assert.match(journalOf(s), /"step":"signInFailed"[^\n]*"code":"identity_changed"/);
  });

  it("with another account id and no name is found out as well", () => {
    const stored = sampleCredential({ accountId: "one" });
    const name = { provider: "codex", account: "default" };
    assert.throws(() => checkIdentity(name, stored, { identity: null, accountId: "two" }), {
      code: "identity_changed",
    });
    for (const found of [
      { identity: null, accountId: "one" },
      { identity: null, accountId: null },
      { identity: "me@example.com", accountId: "one" },
    ])
      checkIdentity(name, stored, found);
    // The same person in another workspace, or spelled otherwise.
    const me = sampleCredential({ identity: "Me@example.com", accountId: "one" });
    checkIdentity(name, me, { identity: "me@Example.com", accountId: "two" });
    checkIdentity({ provider: "codex", account: "ME@example.com" }, null, {
      identity: "me@example.com",
      accountId: null,
    });
    // A name that is no address says nothing about who it is.
    checkIdentity({ provider: "codex", account: "work" }, null, { identity: "me@example.com", accountId: null });
    assert.throws(
      () =>
        checkIdentity({ provider: "codex", account: "a@b.c" }, null, { identity: "\u001B[31mx@y.z", accountId: null }),
      (error: Json) => error["code"] === "identity_changed" && !(error["message"] as string).includes("\u001B"),
    );
  });

  it("is no login to import under that name either", async () => {
    await using s = await stage();
    const content = tools["CLIProxyAPI, codex"].content({
      access: "a",
      refresh: "r",
      expiresAt: Date.now() + 600_000,
      email: "sam@example.org",
    });
    keep(s.home.userHome, tools["CLIProxyAPI, codex"].file, content);
    const auth = s.auth();
    const [found] = auth.imports("codex").found;
    assert.ok(found !== undefined);
    for (const way of ["borrow", "takeOver"] as const) {
      assert.equal(await codeOf(auth.account("codex", "robin@example.com")[way](found)), "identity_changed");
      assert.equal(auth.account("codex", "robin@example.com").status().row.present, false);
    }
    assert.equal((await auth.account("codex", "sam@example.org").takeOver(found)).row.state, "authenticated");
  });
});

describe("the page of a sign-in", () => {
  it("is asked for who is meant, where the vendor takes a hint, and to ask at all for a named account", async () => {
    await using s = await stage();
    const [one] = people(s);
    const hints = async (provider: ProviderName, account?: string) => {
      const found = await asked(s, provider, account);
      return [found.get("login_hint"), found.get("prompt")];
    };
    assert.deepEqual(await hints("gemini"), [null, "consent"]);
    assert.deepEqual(await hints("gemini", one), [one, "select_account consent"]);
    assert.deepEqual(await hints("gemini", "work"), [null, "select_account consent"]);
    assert.deepEqual(await hints("anthropic", one), [one, null]);
    assert.deepEqual(await hints("codex"), [null, null]);
    assert.deepEqual(await hints("codex", one), [null, "login"]);
  });

  it("is asked for the person whose login is stored", async () => {
    await using s = await stage();
    const [one] = people(s);
    await signIn(s, s.auth(), "anthropic", { grant: "loopback", person: one });
    assert.equal((await asked(s, "anthropic")).get("login_hint"), one);
  });

  it("of a provider of one's own gets the standard hint, and nothing that could fail it", () => {
    const plain = { accountChoice: { hint: "login_hint", ask: {} } };
    const name = { provider: "acme", account: "me@example.com" };
    assert.deepEqual(choiceParameters(plain, name, null), { login_hint: "me@example.com" });
    const stored = { identity: "not an address", accountId: null };
    assert.deepEqual(choiceParameters(plain, { ...name, account: "work" }, stored), {});
  });
});

describe("the account of a profile", () => {
  it("is llxprt-code's first bucket, and is used for that provider only", async () => {
    await using s = await stage();
    profile(s, { auth: { type: "oauth", buckets: ["work", "spare"] } });
    const auth = s.auth({ profile: "work" });
    assert.equal(auth.account("codex").account, "work");
    assert.equal(auth.account("codex", "other").account, "other");
    assert.equal(auth.account("anthropic").account, "default");
    assert.equal(s.auth().account("codex").account, "default");
  });

  for (const [what, auth] of Object.entries({
    "none is named": undefined,
    "no buckets": { type: "oauth" },
    "an empty list": { type: "oauth", buckets: [] },
    "a key": { type: "apikey", buckets: ["work"] },
  }))
    it(`is the default one: ${what}`, async () => {
      await using s = await stage();
      profile(s, { auth });
      assert.equal(s.auth({ profile: "work" }).account("codex").account, "default");
    });

  it("has to be a name", async () => {
    await using s = await stage();
    profile(s, { auth: { type: "oauth", buckets: ["../up"] } });
    assert.equal(await codeOf(() => s.auth({ profile: "work" })), "name_invalid");
  });
});
