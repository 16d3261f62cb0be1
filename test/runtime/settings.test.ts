// settings.json decides where tokens go and belongs to another program, too: every mistake names file and field, no secret
// leaves over plain http, and what is not ours is kept (contract, sections 3 and 9; T21, T33).
import assert from "node:assert/strict";
import fs, {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createAuth } from "../../runtime/auth.ts";
import { homeFolder, realHost } from "../../runtime/host.ts";
import { settingsIn } from "../../runtime/settings/home.ts";
import { writeImported } from "../../runtime/settings/imported.ts";
import { keyGiven } from "../../runtime/settings/keys.ts";
import { deleteProfile, listProfiles, readProfile, writeProfile } from "../../runtime/settings/profiles.ts";
import { readSettings, writeEnabled } from "../../runtime/settings/settings.ts";
import { providerNamed, providerTable } from "../../runtime/settings/table.ts";
import { Home, type Json, modeOf, plainTokens } from "../support/home.ts";
import { codeOf, stage } from "../support/stage.ts";

const none: ReadonlySet<string> = new Set();

/** The table that these settings make. */
function tableOf(content: object | string, reserved = none) {
  using home = new Home();
  home.settings(content);
  return providerTable(readSettings(home.paths), home.paths.settings, reserved);
}

/** The sentence that these settings are answered with. */
function wrongness(content: object | string, reserved = none): string {
  using home = new Home();
  home.settings(content);
  try {
    providerTable(readSettings(home.paths), home.paths.settings, reserved);
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error && error.code === "settings_invalid", String(error));
    assert.ok(error.message.includes(home.paths.settings), `it names the file: ${error.message}`);
    return error.message.replace(home.paths.settings, "FILE");
  }
  return assert.fail("nobody minded");
}

describe("a mistake in the file", () => {
  for (const [what, content] of [
    ["no JSON", "{"],
    ["nothing", ""],
    ["a list", "[]"],
    ["a text", '"x"'],
    ["UTF-16", Buffer.from("{}", "utf16le").toString("latin1")],
  ] as const) {
    it(`(${what}) is said`, () => {
      assert.match(wrongness(content), /^FILE: the file (is not JSON|must hold an object|is not readable)$/);
    });
  }

  it("(no folder to be in) is said", async () => {
    using home = new Home();
    writeFileSync(home.paths.home, "a file");
    assert.equal(await codeOf(() => createAuth({ host: home.host() })), "store_unsafe");
  });

  it("stops everything that would use it, and the file stays", async () => {
    using home = new Home();
    home.settings("{ broken");
    assert.equal(await codeOf(() => createAuth({ host: home.host() })), "settings_invalid");
    assert.throws(() => writeEnabled(home.paths, "codex", true), { code: "settings_invalid" });
    assert.equal(readFileSync(home.paths.settings, "utf8"), "{ broken");
  });

  it("that somebody makes while we run is told to who asks, and ends nothing", async () => {
    await using s = await stage();
    const auth = s.auth();
    const account = auth.account("gemini");
    await account.enable();
    const good = readFileSync(s.home.paths.settings, "utf8");
    s.home.settings("{");
    assert.equal(await codeOf(account.token()), "settings_invalid");
    assert.equal(await codeOf(account.login()), "settings_invalid");
    // The watch meets it: another program writes the login while the settings are broken.
    s.home.plant("gemini", plainTokens());
    await new Promise((resolve) => setTimeout(resolve, 700));
    s.home.settings(good);
    assert.equal((await account.token()).kind, "oauth");
  });
});

describe("a mistake in a field", () => {
  for (const [field, content] of [
    ["oauthEnabledProviders", { oauthEnabledProviders: [] }],
    ["oauthEnabledProviders.codex", { oauthEnabledProviders: { codex: "yes" } }],
    ["providers", { providers: "x" }],
    ["providers.codex", { providers: { codex: 1 } }],
    ["providers.codex.nonsense", { providers: { codex: { nonsense: 1 } } }],
    ["providers.codex.loopback.nonsense", { providers: { codex: { loopback: { nonsense: 1 } } } }],
    ["providers.codex.scopes", { providers: { codex: { scopes: "openid" } } }],
    ["providers.codex.scopes.0", { providers: { codex: { scopes: [1] } } }],
    ["providers.codex.grants", { providers: { codex: { grants: [] } } }],
    ["providers.codex.grants.0", { providers: { codex: { grants: ["password"] } } }],
    ["providers.codex.clientId", { providers: { codex: { clientId: "" } } }],
    ["providers.codex.loopback.host", { providers: { codex: { loopback: { host: "0.0.0.0" } } } }],
    ["providers.codex.loopback.path", { providers: { codex: { loopback: { path: "callback" } } } }],
    ["providers.codex.loopback.ports.0", { providers: { codex: { loopback: { ports: [80_000] } } } }],
    ["providers.codex.loopback.ports.0", { providers: { codex: { loopback: { ports: [1.5] } } } }],
    ["providers.codex.loopback.ports.0", { providers: { codex: { loopback: { ports: ["80abc"] } } } }],
    ["providers.qwen.device.intervalS", { providers: { qwen: { device: { intervalS: 0 } } } }],
    ["providers.qwen.tokenEncoding", { providers: { qwen: { tokenEncoding: "xml" } } }],
    ["providers.codex.auth-key", { providers: { codex: { "auth-key": 7 } } }],
  ] as const) {
    it(`${field}: ${JSON.stringify(content)}`, async () => {
      if (field.endsWith("auth-key")) {
        await using s = await stage({ providers: { codex: { "auth-key": 7 } } });
        const error = (await s
          .auth()
          .account("codex")
          .token()
          .catch((reason: unknown) => reason)) as Json;
        assert.equal(error["code"], "settings_invalid");
        assert.match(error["message"], /settings\.json: providers\.codex\.auth-key must be/);
        return;
      }
      const sentence = wrongness(content);
      assert.ok(sentence.startsWith(`FILE: ${field}`), sentence);
      assert.ok(sentence.length > `FILE: ${field}: `.length, "and says what is wrong");
      assert.equal(sentence.trimEnd(), sentence);
    });
  }

  for (const endpoint of [
    "authorizationEndpoint",
    "tokenEndpoint",
    "deviceAuthorizationEndpoint",
    "revocationEndpoint",
    "userinfoEndpoint",
    "issuer",
  ]) {
    it(`${endpoint} is https, or http on loopback`, () => {
      for (const bad of [
        "http://example.com/token",
        "http://127.0.0.1.evil.example/",
        "http://localhost@evil.example/",
        "http://[::ffff:1.2.3.4]/",
        "http://169.254.169.254/",
        "ftp://127.0.0.1/",
        "javascript:alert(1)",
        "https://user:password@example.com/",
        "https://example.com/#fragment",
        "https://exa mple.com/",
        "//example.com/",
        "token",
        "",
        7,
      ])
        assert.match(
          wrongness({ providers: { codex: { [endpoint]: bad } } }),
          new RegExp(`^FILE: providers\\.codex\\.${endpoint}`),
        );
      for (const good of [
        "https://example.com/t",
        "http://127.0.0.1:4010/t",
        "http://localhost:1/t",
        "http://[::1]:1/t",
      ])
        assert.equal(
          tableOf({ providers: { codex: { [endpoint]: good } } }).get("codex")?.[endpoint as "issuer"],
          good,
        );
    });
  }
});

describe("a provider's entry", () => {
  it("changes what it names, member by member, and nothing else", () => {
    const table = tableOf({
      providers: { qwen: { tokenEndpoint: "http://127.0.0.1:4010/api/v1/oauth2/token", device: { intervalS: 1 } } },
    });
    const before = tableOf({}).get("qwen");
    const after = table.get("qwen");
    assert.equal(after?.tokenEndpoint, "http://127.0.0.1:4010/api/v1/oauth2/token");
    assert.deepEqual(after.device, { ...before?.device, intervalS: 1 });
    assert.equal(after.clientId, before?.clientId);
    assert.deepEqual(table.get("codex"), tableOf({}).get("codex"));
  });

  it("of one's own is whole when it says as little as the contract's example", () => {
    const acme = tableOf({
      oauthEnabledProviders: { acme: true },
      providers: {
        acme: {
          grants: ["loopback", "device"],
          issuer: "http://127.0.0.1:9000",
          clientId: "llxprt-auth",
          scopes: ["openid", "offline_access"],
        },
      },
    }).get("acme");
    assert.deepEqual(
      [acme?.name, acme?.title, acme?.grants, acme?.issuer, acme?.clientId, acme?.tokenEndpoint],
      ["acme", "acme", ["loopback", "device"], "http://127.0.0.1:9000", "llxprt-auth", null],
    );
  });

  it("that holds its key only leaves the facts as they are", () => {
    assert.equal(tableOf({ providers: { codex: { "auth-key": "k" } } }).get("codex"), tableOf({}).get("codex"));
  });

  it("bears a name that a file can have, and no command's", () => {
    for (const bad of ["a-b", "1a", "Acme", "a b", "", "x".repeat(33), "a/b", "..", "__proto__", "con"])
      assert.match(wrongness(`{"providers":{${JSON.stringify(bad)}:{"clientId":"c"}}}`), /^FILE: providers\./, bad);
    assert.match(
      wrongness({ providers: { status: {} } }, new Set(["status"])),
      /providers\.status bears the name of a command/,
    );
    for (const good of ["acme", "constructor", "tostring", "a_1"])
      assert.ok(tableOf({ providers: { [good]: { clientId: "c" } } }).has(good), good);
  });

  it("with the name of something that every object has is off until it is enabled", async () => {
    await using s = await stage({ providers: { constructor: { clientId: "c", issuer: "http://127.0.0.1:9" } } });
    const { row } = s.auth().account("constructor").status();
    assert.deepEqual([row.enabled, row.state], [false, "disabled"]);
  });

  it("without a client is told which field is missing, and in which file", async () => {
    await using s = await stage({ providers: { acme: { grants: ["loopback"], issuer: "http://127.0.0.1:9" } } });
    await assert.rejects(s.auth().account("acme").login(), {
      code: "settings_invalid",
      message: `${s.home.paths.settings}: providers.acme.clientId is missing`,
    });
  });

  it("cannot change what every object has", () => {
    tableOf('{"providers":{"codex":{}},"__proto__":{"polluted":1},"oauthEnabledProviders":{"__proto__":true}}');
    assert.match(wrongness('{"providers":{"codex":{"__proto__":{"polluted":1}}}}'), /FILE: providers\.codex/);
    assert.equal(({} as Json)["polluted"], undefined);
  });
});

describe("a provider's name", () => {
  it("is found in any case, and an unknown one names the nearest", () => {
    const table = tableOf({ providers: { acme: { clientId: "c" } } });
    assert.equal(providerNamed(table, "GEMINI").name, "gemini");
    assert.equal(providerNamed(table, "Acme").name, "acme");
    assert.throws(() => providerNamed(table, "gemnii"), { code: "unknown_provider", message: /did you mean gemini/ });
    assert.throws(() => providerNamed(table, "zzz"), { message: /known are gemini, anthropic, codex, qwen, acme/ });
    for (const trap of ["__proto__", "constructor", "toString"])
      assert.throws(() => providerNamed(tableOf({}), trap), { code: "unknown_provider" });
  });
});

describe("writing", () => {
  it("keeps what is not ours, and makes the file private", () => {
    using home = new Home();
    home.settings(
      '{"theme":"dark","nested":{"a":[1,{"b":null}],"__proto__":{"x":1}},"oauthEnabledProviders":{"qwen":false,"other":true}}',
    );
    writeEnabled(home.paths, "codex", true);
    writeEnabled(home.paths, "qwen", true);
    const text = readFileSync(home.paths.settings, "utf8");
    assert.deepEqual(JSON.parse(text), {
      ...(JSON.parse('{"theme":"dark","nested":{"a":[1,{"b":null}],"__proto__":{"x":1}}}') as Json),
      oauthEnabledProviders: { qwen: true, other: true, codex: true },
    });
    assert.ok(text.endsWith("}\n"));
    assert.equal(modeOf(home.paths.settings), "0600");
  });

  const changes: Readonly<Record<string, (home: Home) => void>> = {
    "that OAuth is on": ({ paths }) => writeEnabled(paths, "codex", true),
    "a file of another tool": ({ paths }) => writeImported(paths, { provider: "codex", account: "work" }, "/a/file"),
    "an entry": (home) => settingsIn(home.host()).saveProviders({ codex: { clientId: "c" } }),
  };
  for (const [what, change] of Object.entries(changes))
    it(`${what}: loses nothing that another process writes at that moment`, () => {
      using home = new Home();
      home.settings({});
      const { fsyncSync } = fs;
      fs.fsyncSync = (file) => {
        fs.fsyncSync = fsyncSync;
        syncBuiltinESMExports();
        fsyncSync(file);
        home.settings({ theme: "dark", oauthEnabledProviders: { qwen: true } });
      };
      syncBuiltinESMExports();
      change(home);
      const { enabled, providers } = readSettings(home.paths);
      assert.equal(enabled["qwen"], true);
      assert.ok(enabled["codex"] === true || providers["codex"] !== undefined);
    });

  it("begins a file that is not there yet", () => {
    using home = new Home();
    writeEnabled(home.paths, "codex", false);
    assert.deepEqual(home.read(home.paths.settings), { oauthEnabledProviders: { codex: false } });
    assert.equal(modeOf(home.paths.home), "0700");
  });

  it("a byte order mark is read over", () => {
    assert.equal(tableOf('\uFEFF{"providers":{"acme":{"clientId":"c"}}}').get("acme")?.clientId, "c");
  });
});

describe("a link in the place of settings.json", () => {
  it("of a person's own is read through, written behind, and stays", () => {
    using home = new Home();
    const dotfiles = join(home.userHome, "dotfiles");
    mkdirSync(dotfiles);
    const target = join(dotfiles, "llxprt-settings.json");
    writeFileSync(target, JSON.stringify({ theme: "dark", providers: { acme: { clientId: "c" } } }));
    mkdirSync(home.paths.home, { mode: 0o700 });
    symlinkSync("../dotfiles/llxprt-settings.json", home.paths.settings);
    assert.deepEqual(Object.keys(readSettings(home.paths).providers), ["acme"]);
    writeEnabled(home.paths, "acme", true);
    assert.ok(lstatSync(home.paths.settings).isSymbolicLink());
    assert.deepEqual(home.read(target)["oauthEnabledProviders"], { acme: true });
    assert.equal(home.read(target)["theme"], "dark");
  });

  it("to nothing is as if there were no file, until something is written", () => {
    using home = new Home();
    mkdirSync(home.paths.home, { mode: 0o700 });
    symlinkSync(join(home.userHome, "later.json"), home.paths.settings);
    assert.deepEqual(Object.keys(readSettings(home.paths).providers), []);
    writeEnabled(home.paths, "codex", true);
    assert.deepEqual(home.read(join(home.userHome, "later.json")), { oauthEnabledProviders: { codex: true } });
  });

  it("in a circle, to a device, or to a folder is an error and no endless wait", () => {
    for (const target of ["settings.json", "/dev/zero", "/tmp"]) {
      using home = new Home();
      mkdirSync(home.paths.home, { mode: 0o700 });
      symlinkSync(target, home.paths.settings);
      assert.throws(() => readSettings(home.paths), { code: "store_unsafe" }, target);
    }
  });

  it("of another user is not followed", (t) => {
    if (process.geteuid?.() !== 0) {
      t.skip("only root makes links of others");
      return;
    }
    // Root trusts everybody's links, since they are as easily its own: an ordinary user does not.
    using home = new Home();
    mkdirSync(home.paths.home, { mode: 0o755 });
    writeFileSync(join(home.userHome, "target.json"), "{}", { mode: 0o644 });
    symlinkSync(join(home.userHome, "target.json"), home.paths.settings);
    lchownSync(home.paths.settings, 12_345, 12_345);
    chmodSync(home.userHome, 0o755);
    process.seteuid?.(65_534);
    try {
      assert.throws(() => readSettings(home.paths), { code: "store_unsafe" });
    } finally {
      process.seteuid?.(0);
    }
  });
});

describe("settings are read from the home folder only", () => {
  it("not from where one stands", async () => {
    using home = new Home();
    const elsewhere = join(home.userHome, "project");
    mkdirSync(join(elsewhere, ".llxprt"), { recursive: true });
    const evil = JSON.stringify({ providers: { codex: { tokenEndpoint: "https://evil.example/" } } });
    writeFileSync(join(elsewhere, "settings.json"), evil);
    writeFileSync(join(elsewhere, ".llxprt", "settings.json"), evil);
    const before = process.cwd();
    process.chdir(elsewhere);
    try {
      const auth = createAuth({ host: home.host() });
      assert.notEqual(auth.providers.get("codex")?.tokenEndpoint, "https://evil.example/");
      await auth.close();
    } finally {
      process.chdir(before);
    }
    assert.ok(!existsSync(home.paths.home), "and nothing is made by looking");
  });
});

/** A profile as llxprt-code, or somebody by hand, wrote it. */
const profile = (home: Home, name: string, content: object | string): void => {
  mkdirSync(home.paths.profiles, { recursive: true, mode: 0o700 });
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(join(home.paths.profiles, `${name}.json`), text);
};

describe("profiles", () => {
  it("of llxprt-code are read", () => {
    using home = new Home();
    const ephemeralSettings = { "auth-keyfile": "~/key", temperature: 0.5 };
    profile(home, "work", { version: 1, provider: "Gemini", model: "m", modelParams: {}, ephemeralSettings });
    assert.deepEqual(readProfile(home.paths, "work"), {
      name: "work",
      provider: "gemini",
      place: { keyFile: "~/key" },
      account: null,
    });
  });

  it("are written so that others' members stay, private, and listed", () => {
    using home = new Home();
    profile(home, "work", {
      version: 1,
      provider: "gemini",
      model: "m",
      ephemeralSettings: { "auth-keyfile": "~/old", temperature: 0.5 },
    });
    writeProfile(home.paths, { name: "work", provider: "codex", place: keyGiven("k"), account: null });
    const path = join(home.paths.profiles, "work.json");
    assert.deepEqual(home.read(path), {
      version: 1,
      provider: "codex",
      model: "m",
      ephemeralSettings: { temperature: 0.5, "auth-key": "k" },
    });
    assert.equal(modeOf(path), "0600");
    writeProfile(home.paths, { name: "b", provider: "codex", place: null, account: null });
    assert.deepEqual(listProfiles(home.paths), ["b", "work"]);
    deleteProfile(home.paths, "b");
    assert.deepEqual(listProfiles(home.paths), ["work"]);
    assert.throws(() => deleteProfile(home.paths, "b"), { code: "profile_unknown" });
  });

  it("that are not there, or not right, are errors which say so", () => {
    using home = new Home();
    assert.throws(() => readProfile(home.paths, "none"), { code: "profile_unknown" });
    for (const name of ["../settings", "", "a/b", ".."])
      assert.throws(() => readProfile(home.paths, name), { code: "name_invalid" }, name);
    for (const [content, field] of [
      ["{", "the file"],
      [{}, "provider"],
      [{ provider: 7 }, "provider"],
      [{ provider: "codex", ephemeralSettings: [] }, "ephemeralSettings"],
      [{ provider: "codex", ephemeralSettings: { "auth-key": 7 } }, "ephemeralSettings.auth-key"],
    ] as const) {
      profile(home, "bad", content);
      assert.throws(
        () => readProfile(home.paths, "bad"),
        (error: Json) => {
          assert.equal(error["code"], "settings_invalid");
          assert.ok(error["message"].includes(join(home.paths.profiles, "bad.json")));
          assert.ok(error["message"].includes(field), error["message"]);
          return true;
        },
      );
    }
  });
});

describe("the home folder", () => {
  for (const home of ["", "relative", "./x"])
    it(`is never in the current folder, as with HOME=${home}`, (context) => {
      context.mock.method(os, "homedir", () => home);
      assert.equal(homeFolder({}), join(os.userInfo().homedir, ".llxprt"));
    });

  it("is asked for where nobody knows it, and only if it is needed", (context) => {
    for (const name of ["homedir", "userInfo"] as const) context.mock.method(os, name, () => assert.fail());
    assert.throws(() => homeFolder({}), { code: "home_missing", exitCode: 6 });
    const { home, userHome } = realHost({ home: "/somewhere" });
    assert.deepEqual([home, userHome], ["/somewhere", "/somewhere"]);
  });
});
