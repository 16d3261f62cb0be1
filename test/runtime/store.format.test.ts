// The token file is shared with other programs and outlives versions of this one: what it holds, what is kept that we do
// not know, and what counts as a login (contract, section 3). A mistake here loses somebody's login or another
// program's data.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { describe, it } from "node:test";
import { Secret } from "../../runtime/secret.ts";
import { decode, encode } from "../../runtime/store/codec.ts";
import { signedIn } from "../../runtime/store/credential.ts";
import { createStore } from "../../runtime/store/store.ts";
import { Home, type Json, plainTokens } from "../support/home.ts";
import { signIn, stage, until } from "../support/stage.ts";

const name = { provider: "codex", account: "default" };

/** A change that touches nothing but our own part. */
async function touch(home: Home): Promise<void> {
  const store = createStore(home.paths, home.now);
  store.write(name, (current) => (current === null ? null : { ...current, verifiedAt: home.now() }));
}

describe("the file of a sign-in", () => {
  it("holds the members of the contract, times in seconds", async () => {
    await using s = await stage();
    const before = Math.floor(Date.now() / 1000);
    await signIn(s, s.auth(), "codex");
    const file = s.home.tokens("codex");
    assert.deepEqual(Object.keys(file).toSorted(), [
      "access_token",
      "account_id",
      "expiry",
      "id_token",
      "llxprt_auth",
      "refresh_token",
      "scope",
      "token_type",
    ]);
    for (const member of ["access_token", "refresh_token", "id_token"])
      assert.ok(s.emulator.secrets().includes(file[member]), member);
    assert.ok(Number.isInteger(file["expiry"]));
    const tenDays = 10 * 24 * 3600;
    assert.ok(file["expiry"] >= before + tenDays && file["expiry"] <= before + tenDays + 30);
    const own = file["llxprt_auth"] as Json;
    for (const member of [
      "schema",
      "lineage",
      "generation",
      "issuer",
      "client_id",
      "obtained_at",
      "verified_at",
      "snapshot",
    ])
      assert.ok(member in own, member);
    assert.equal(own["schema"], 1);
    assert.equal(own["generation"], 1);
    assert.equal(own["issuer"], new URL(s.emulator.url).host);
    assert.ok(Math.abs(own["obtained_at"] - before) <= 30);
    assert.match(own["lineage"], /^[\w-]{20,}$/);
  });

  it("names where the API is, if the provider said so", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "qwen");
    assert.equal(s.home.tokens("qwen")["resource_url"], s.emulator.url);
  });

  it("has a lineage of its own each time", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    const { lineage } = s.home.tokens("gemini")["llxprt_auth"];
    await signIn(s, auth, "gemini");
    assert.notEqual(s.home.tokens("gemini")["llxprt_auth"].lineage, lineage);
    assert.equal(s.home.tokens("gemini")["llxprt_auth"].generation, 1);
  });
});

describe("what we do not know", () => {
  const unknown =
    '"zeta": 1, "nested": {"deep": [{"a": null}], "__proto__": {"b": 2}}, "__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}, "toString": "text", "empty": ""';

  it("is kept, nested and with dangerous names, and changes no prototype", async () => {
    using home = new Home();
    const plain = JSON.stringify(plainTokens()).slice(1, -1);
    home.plant("codex", `{${unknown}, ${plain}}`);
    await touch(home);
    const text = readFileSync(home.file("codex"), "utf8");
    const file = JSON.parse(text) as Json;
    const expected = JSON.parse(`{${unknown}}`) as Json;
    for (const member of Object.keys(expected)) {
      assert.ok(Object.hasOwn(file, member), member);
      assert.deepEqual(Object.getOwnPropertyDescriptor(file, member)?.value, expected[member], member);
    }
    assert.equal(({} as Json)["polluted"], undefined);
    assert.equal(Object.getPrototypeOf(file), Object.prototype);
  });

  it("is kept by a refresh and by another sign-in", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    s.home.plant("gemini", { ...s.home.tokens("gemini"), theirs: { keep: "me" } });
    await auth.account("gemini").refresh({ force: true });
    assert.deepEqual(s.home.tokens("gemini")["theirs"], { keep: "me" });
    await signIn(s, auth, "gemini");
    assert.deepEqual(s.home.tokens("gemini")["theirs"], { keep: "me" });
  });

  it("is kept inside our own part as well", async () => {
    using home = new Home();
    home.plant("codex", plainTokens(Date.now(), { llxprt_auth: { schema: 1, generation: 4, later: { x: 1 } } }));
    await touch(home);
    const { later, generation } = home.tokens("codex")["llxprt_auth"];
    assert.deepEqual(later, { x: 1 });
    assert.equal(generation, 4);
  });
});

describe("a file of an older program", () => {
  it("works, and counts as enabled without a word in the settings", async () => {
    using home = new Home();
    home.plant("codex", plainTokens());
    const { createAuth } = await import("../../runtime/auth.ts");
    const auth = createAuth({ host: home.host(), ahead: false });
    try {
      const { row, exitCode } = auth.account("codex").status();
      assert.equal(row.enabled, true);
      assert.equal(row.state, "authenticated");
      assert.equal(row.usable, "yes");
      assert.deepEqual(row.source, { kind: "oauth" });
      assert.equal(row.refreshable, true);
      assert.equal(exitCode, 0);
      const { secret } = await auth.account("codex").token();
      assert.equal(secret.reveal(), plainTokens()["access_token"]);
    } finally {
      await auth.close();
    }
  });

  it("without a word in the settings and without a file it is off", async () => {
    await using s = await stage();
    const { row, exitCode } = s.auth().account("codex").status();
    assert.deepEqual([row.enabled, row.state, row.usable, exitCode], [false, "disabled", "no", 3]);
  });

  it("is issued by the provider's own host to its published client", () => {
    const credential = decode(JSON.stringify(plainTokens()), 0);
    assert.equal(credential?.issuer, null);
    assert.equal(credential.clientId, null);
    assert.equal(credential.lineage, null);
    assert.equal(credential.generation, 0);
  });
});

const expiryOf = (members: Json) =>
  decode(JSON.stringify({ access_token: "a", ...members }), 1_700_000_000_000)?.expiresAt;

describe("expiry", () => {
  for (const [what, members, expected] of [
    ["in seconds", { expiry: 1_800_000_000 }, 1_800_000_000_000],
    ["in seconds as text", { expiry: "1800000000" }, 1_800_000_000_000],
    ["in milliseconds", { expiry: 1_800_000_000_000 }, 1_800_000_000_000],
    ["in milliseconds under the name of other tools", { expiry_date: 1_800_000_000_000 }, 1_800_000_000_000],
    ["missing: an hour from the file's date", {}, 1_700_003_600_000],
    ["null", { expiry: null }, 1_700_003_600_000],
    ["zero", { expiry: 0 }, 1_700_003_600_000],
    ["negative", { expiry: -5 }, 1_700_003_600_000],
    ["no number", { expiry: "soon" }, 1_700_003_600_000],
    ["beyond all clocks", { expiry: 1e300 }, 1_700_003_600_000],
    ["of a nested kind", { expiry: { at: 1 } }, 1_700_003_600_000],
  ] as const) {
    it(what, () => {
      assert.equal(expiryOf(members), expected);
    });
  }

  it("never breaks status, whatever the numbers are", async () => {
    await using s = await stage();
    const wild = { schema: 1, generation: 1, obtained_at: 1e300, verified_at: -1e300, retry: { at: 1e300, code: "x" } };
    s.home.plant("codex", plainTokens(Date.now(), { expiry: 1e300, llxprt_auth: wild }));
    const { row } = s.auth().account("codex").status();
    assert.equal(row.present, true);
    assert.equal(row.verifiedAt, null);
  });

  it("survives a rewrite to the second", () => {
    const now = 1_700_000_000_789;
    const issued = {
      accessToken: new Secret("access_token", "a"),
      refreshToken: null,
      idToken: null,
      tokenType: "Bearer",
      expiresAt: now + 3_600_000,
      expiryFrom: "server",
      scope: null,
      accountId: null,
      identity: null,
      extra: {},
    } as const;
    const credential = signedIn(null, issued, { issuer: "h", clientId: "c" }, "lineage", now);
    const again = decode(encode(credential), 0);
    // Never later than the truth.
    assert.equal(again?.expiresAt, Math.floor((now + 3_600_000) / 1000) * 1000);
    assert.ok(!("refresh_token" in (JSON.parse(encode(credential)) as Json)));
  });
});

const ours = (members: Json) =>
  decode(JSON.stringify({ access_token: "a", llxprt_auth: { schema: 1, ...members } }), 0) ?? assert.fail();

describe("what we wrote about ourselves", () => {
  it("of the wrong type is as if it were not there", () => {
    const odd = ours({
      generation: "7",
      lineage: 5,
      issuer: [],
      client_id: {},
      obtained_at: "x",
      refused: 1,
      retry: [],
    });
    assert.deepEqual(
      [odd.generation, odd.lineage, odd.issuer, odd.clientId, odd.refused, odd.retry],
      [0, null, null, null, null, null],
    );
    assert.equal(ours({ generation: -1 }).generation, 0);
    assert.equal(ours({ generation: 2 ** 60 }).generation, 0);
    assert.equal(ours({ generation: 1.5 }).generation, 0);
  });

  it("with error codes of another version says something that we know", () => {
    assert.equal(ours({ refused: { generation: 0, code: "made_up" } }).refused?.code, "refresh_refused");
    assert.equal(ours({ retry: { at: 5, code: "made_up", failures: 1 } }).retry?.code, "backing_off");
  });

  it("of a newer version is kept aside when the file is changed, and its tokens work", async () => {
    using home = new Home();
    const newer = plainTokens(Date.now(), { llxprt_auth: { schema: 999, generation: "many", snapshot: "?" } });
    const path = home.plant("codex", newer);
    const store = createStore(home.paths, home.now);
    const found = store.read(name);
    assert.equal(found.kind, "stored");
    assert.equal(found.credential.accessToken.reveal(), newer["access_token"]);
    assert.deepEqual(home.tokens("codex"), newer, "reading changes nothing");
    await touch(home);
    const kept = home.list(home.paths.oauth).filter((file) => file.startsWith(`${path}.newer-`));
    assert.equal(kept.length, 1);
    assert.deepEqual(home.read(kept[0] ?? ""), newer);
    assert.equal(statSync(kept[0] ?? "").mode & 0o777, 0o600);
    assert.equal(home.tokens("codex")["llxprt_auth"].schema, 1);
    assert.equal(home.tokens("codex")["access_token"], newer["access_token"]);
  });

  it("of a newer version is not touched by handing out its token", async () => {
    await using s = await stage();
    const newer = plainTokens(Date.now(), { llxprt_auth: { schema: 999 } });
    s.home.plant("codex", newer);
    const auth = s.auth();
    await auth.account("codex").token();
    await until(() => auth.actor("codex").getSnapshot().value === "authenticated", "its machine has settled");
    await auth.close();
    assert.deepEqual(s.home.tokens("codex"), newer);
  });
});
