// What the fuzz found, each in its smallest form, so that it is never found again.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { AuthError } from "../../machines/errors.ts";
import { createAuth } from "../../runtime/auth.ts";
import { authorizedFetch, openAccess } from "../../runtime/fetch.ts";
import { quickToken } from "../../runtime/quick-token.ts";
import { Secret } from "../../runtime/secret.ts";
import { readSettings, writeEnabled } from "../../runtime/settings/settings.ts";
import { providerTable } from "../../runtime/settings/table.ts";
import { granted } from "../../runtime/store/granted.ts";
import { createPendingStore } from "../../runtime/store/pending.ts";
import { createSpendStore } from "../../runtime/store/spend.ts";
import { quickStatus } from "../../runtime/quick-status.ts";
import { createStore } from "../../runtime/store/store.ts";
import { keyCredential, oauthCredential } from "../../runtime/token.ts";
import { providers } from "../../providers/index.ts";
import { everythingOf } from "../support/canary.ts";
import { Home, plainTokens } from "../support/home.ts";
import { sampleAttempt, sampleCredential } from "../support/sample.ts";

const name = { provider: "codex", account: "default" };
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

describe("a file that is nested deeper than anything that means something", () => {
  // JSON.parse takes any depth. Writing it again overflows the stack, or, indented, fills more than we read.
  for (const depth of [1_500, 6_000]) {
    it(`by ${depth}: settings are refused, and stay as they are`, () => {
      using home = new Home();
      const text = `{"theirs":${nested(depth)}}`;
      home.settings(text);
      assert.throws(() => writeEnabled(home.paths, "codex", true), { code: "settings_invalid" });
      assert.equal(readFileSync(home.paths.settings, "utf8"), text);
    });

    it(`by ${depth}: a token file cannot be read, and stays as it is`, () => {
      using home = new Home();
      const text = `{"theirs":${nested(depth)},${JSON.stringify(plainTokens()).slice(1)}`;
      const path = home.plant("codex", text);
      const store = createStore(home.paths, home.now);
      assert.equal(store.read(name).kind, "unreadable");
      assert.throws(() => store.write(name, (current) => current && { ...current, verifiedAt: 1 }), {
        code: "store_corrupt",
      });
      assert.equal(readFileSync(path, "utf8"), text);
    });

    it(`by ${depth}: a snapshot costs no login`, () => {
      using home = new Home();
      const file = JSON.stringify({ ...plainTokens(), llxprt_auth: { schema: 1, generation: 3 } });
      home.plant("codex", `${file.slice(0, -2)},"snapshot":${nested(depth)}}}`);
      const store = createStore(home.paths, home.now);
      assert.equal(store.write(name, (current) => current && { ...current, verifiedAt: 1_000 })?.generation, 3);
      const again = store.read(name);
      assert.ok(again.kind === "stored" && again.credential.verifiedAt === 1_000);
    });
  }

  it("within what is read: what is written again can be read again", () => {
    using home = new Home();
    const wide = Array.from({ length: 100 }, () => nested(400)).join(",");
    home.settings(`{"theirs":[${wide}]}`);
    writeEnabled(home.paths, "codex", true);
    assert.equal(readSettings(home.paths).enabled["codex"], true);
  });
});

describe("a credential with a character that none may have", () => {
  const secret = "very-secret-0123456789\n";

  it("is not printed the short way: the long way says what is wrong with it (T26)", () => {
    using home = new Home();
    home.plant("codex", plainTokens(Date.now(), { access_token: `${secret}\u001B[2J` }));
    const asked = { provider: "codex", account: undefined, home: home.paths.home, minTtlMs: 0, environment: {} };
    assert.equal(quickToken(asked), null);
  });

  for (const text of [`${secret}x`, `${secret.trim()}\u4E00`, `${secret.trim()}\u0000`]) {
    for (const credential of [
      keyCredential(new Secret("api_key", text), { kind: "settings" }, "settings.json"),
      oauthCredential(sampleCredential({ accessToken: new Secret("access_token", text) }), "OAuth", false),
    ]) {
      it(`goes into no header, and into no message about that: ${JSON.stringify(text)} (${credential.kind})`, async () => {
        using home = new Home();
        const access = openAccess(
          {
            provider: providers.codex,
            account: { account: "default", rejected: () => assert.fail("nothing was sent") },
            sender: {
              exchange: () => assert.fail(),
              fetch: () => assert.fail("it is sent"),
              ready: async () => undefined,
              close: async () => undefined,
            },
            host: home.host(),
            obtain: async () => credential,
            accepted: () => undefined,
          },
          null,
        );
        const { api, keyApi } = providers.codex;
        const sent = authorizedFetch(() => access)(`${(credential.kind === "key" ? keyApi : api).base}/x`);
        const error: unknown = await sent.then(
          () => assert.fail("it was sent"),
          (reason: unknown) => reason,
        );
        assert.ok(error instanceof AuthError, String(error));
        assert.equal(error.code, "key_unreadable");
        assert.doesNotMatch(everythingOf(error), /very-secret/);
      });
    }
  }
});

describe("settings of one's own provider", () => {
  it("with a member `__proto__` are refused for that, and not for what it lends them (T33)", () => {
    using home = new Home();
    home.settings(`{"providers":{"mine":{"clientId":"c","__proto__":{"lent":1}}}}`);
    assert.throws(
      () => providerTable(readSettings(home.paths), "settings.json", new Set()),
      /providers\.mine\.__proto__: there is no/,
    );
  });

  for (const [what, headers] of [
    ["name", { "a b": "x" }],
    ["value", { a: "x\ny" }],
  ] as const) {
    it(`with a header of no possible ${what} are refused before anything is sent`, () => {
      using home = new Home();
      const { name: _name, ...codex } = providers.codex;
      home.settings({ providers: { mine: { ...codex, api: { ...codex.api, headers } } } });
      assert.throws(() => providerTable(readSettings(home.paths), "settings.json", new Set()), {
        code: "settings_invalid",
      });
    });
  }
});

/** The record of a sign-in: good, but for these members. */
function planted(home: Home, changes: object): ReturnType<typeof createPendingStore> {
  const pending = createPendingStore(home.paths);
  pending.put(sampleAttempt());
  const [path = ""] = home.pending();
  writeFileSync(path, JSON.stringify({ ...home.read(path), ...changes }));
  return pending;
}

describe("the record of a sign-in", () => {
  it("is read as it was written", () => {
    using home = new Home();
    assert.deepEqual(
      planted(home, {})
        .list(name, Date.now())
        .map(({ attempt }) => attempt),
      ["sample-attempt"],
    );
    // A caller's name is often a part of something larger.
    const larger = { ...name, grant: "loopback", timeoutMs: null };
    assert.equal(createPendingStore(home.paths).get(larger, "sample-attempt")?.attempt, "sample-attempt");
  });

  for (const [what, changes] of Object.entries({
    "a deadline that is no moment": { expiresAt: "soon" },
    "a deadline beyond all time": { expiresAt: 1e300 },
    "a beginning that is none": { createdAt: null },
    "a redirect that is no address": { redirectUri: "nowhere" },
    "an address that moves the cursor": { url: "https://id.example/\u001b[2J" },
    "a way that there is not": { kind: "carrier pigeon" },
    "another account": { account: "work" },
    "a handle that leads elsewhere": { attempt: "../../codex" },
    "an interval that is none": { intervalMs: -1 },
    "a code that nobody could type": { userCode: "x".repeat(101) },
  }))
    it(`with ${what} is passed over, and stays`, () => {
      using home = new Home();
      home.plant("codex", plainTokens());
      const pending = planted(home, changes);
      assert.deepEqual(pending.list(name, Date.now()), []);
      assert.equal(pending.get(name, "sample-attempt"), null);
      pending.sweep(Date.now() + 1e12);
      assert.equal(home.pending().length, 1);
      assert.notEqual(quickStatus(home.paths.home, {}), null);
    });

  it("that is no text is one that cannot be read, for who asks for it as for who looks round", () => {
    using home = new Home();
    const pending = planted(home, {});
    writeFileSync(home.pending()[0] ?? "", Buffer.from([0xff, 0xfe, 0x7b]));
    assert.equal(pending.get(name, "sample-attempt"), null);
  });
});

describe("tokens that wait for the lock", () => {
  it("that are no text are as much or little use as those that are no JSON", () => {
    using home = new Home();
    home.plant("codex", plainTokens());
    const folder = createSpendStore(home.paths).ensure(name);
    writeFileSync(join(folder, "a.granted"), Buffer.from([0xff, 0xfe, 0x7b]), { mode: 0o600 });
    assert.deepEqual(granted(home.paths, name), [{ attempt: "a", credential: null }]);
  });
});

describe("a file whose name is no account's", () => {
  for (const file of ["codex-con.json", "codex-work..json", "codex-...json", "codex-nul.x.json", "con.json"])
    it(`is none: ${file}`, async () => {
      using home = new Home();
      home.plant("codex", plainTokens());
      writeFileSync(join(home.paths.oauth, file), JSON.stringify(plainTokens()), { mode: 0o600 });
      const auth = createAuth({ host: home.host() });
      const rows = auth.accounts().map(({ provider, account }) => auth.account(provider, account).status().row.account);
      assert.deepEqual([...new Set(rows)], ["default"]);
      await auth.close();
    });
});
