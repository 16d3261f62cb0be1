// Which credential is used, and why: the order of the contract (section 4), without a fall-through when the chosen one
// fails, and a key is never taken for a provider, or sent to a host, that it was not made for (R8; T35).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { providers } from "../../providers/index.ts";
import type { AuthOptions } from "../../runtime/auth.ts";
import { sourceName, sourceOf } from "../../runtime/credentials.ts";
import type { Host } from "../../runtime/host.ts";
import { isUnset, placeIn } from "../../runtime/settings/keys.ts";
import { readProfile } from "../../runtime/settings/profiles.ts";
import { everythingOf } from "../support/canary.ts";
import { type Json, plainTokens } from "../support/home.ts";
import { codeOf, signIn, type Stage, stage } from "../support/stage.ts";

/** A home in which everything that can be set is set; `without` takes sources away, the strongest first. */
async function everySource(
  s: Stage,
  without: readonly string[],
): Promise<Omit<AuthOptions, "host"> & { host: Partial<Host> }> {
  const has = (source: string) => !without.includes(source);
  s.point({ codex: has("settings") ? { "auth-key": "key-of-settings" } : {} });
  mkdirSync(s.home.paths.profiles, { mode: 0o700, recursive: true });
  writeFileSync(
    join(s.home.paths.profiles, "work.json"),
    JSON.stringify({ version: 1, provider: "codex", ephemeralSettings: { "auth-key": "key-of-profile" } }),
  );
  s.home.plant("codex", plainTokens());
  return {
    ...(has("flag") ? { keys: { provider: "codex", flags: { key: "key-of-flag" } } } : {}),
    ...(has("profile") ? { profile: "work" } : {}),
    host: { environment: has("env") ? { OPENAI_API_KEY: "key-of-env" } : {} },
  };
}

describe("why a source wins", () => {
  it("is told without the key, however it is printed (T37)", async () => {
    await using s = await stage();
    const account = s.auth(await everySource(s, [])).account("codex");
    const told = everythingOf(account.why()) + everythingOf(readProfile(s.home.paths, "work"));
    assert.doesNotMatch(told, /key-of-/);
  });
});

describe("the order", () => {
  const order = ["flag", "profile", "settings", "env", "oauth"] as const;
  for (const [index, kind] of order.entries()) {
    it(`gives ${kind} when nothing stronger is set`, async () => {
      await using s = await stage();
      const account = s.auth(await everySource(s, order.slice(0, index))).account("codex");
      const precedence = account.why();
      assert.equal(precedence.winner?.kind, kind);
      assert.deepEqual(
        precedence.candidates.map((candidate) => candidate.kind),
        ["flag", "profile", "settings", "env", "oauth"],
      );
      assert.deepEqual(
        precedence.candidates.map(({ isSet }) => isSet),
        order.map((_, at) => at >= index),
      );
      const credential = await account.token();
      assert.equal(credential.kind, kind === "oauth" ? "oauth" : "key");
      const expected = kind === "oauth" ? plainTokens()["access_token"] : `key-of-${kind}`;
      assert.equal(credential.secret.reveal(), expected);
      assert.deepEqual(credential.source, sourceOf(precedence));
      const { row, exitCode } = account.status();
      assert.deepEqual([row.source.kind, row.usable, exitCode], [kind, "yes", 0]);
      if (kind !== "oauth") assert.deepEqual([row.verifiedAt, row.nextCommand], [null, null]);
      assert.equal(s.emulator.requests.length, 0);
    });
  }

  it("says every origin in words", async () => {
    await using s = await stage();
    const account = s.auth(await everySource(s, [])).account("codex");
    const origins = account.why().candidates.map(({ origin }) => origin);
    for (const [index, words] of ["--key", "work", "settings.json", "OPENAI_API_KEY", "signed in"].entries())
      assert.ok(origins[index]?.includes(words), origins[index]);
    assert.equal(sourceName({ kind: "env", name: "X" }), "env X");
    assert.equal(sourceName({ kind: "flag" }), "key flag");
    assert.ok(!JSON.stringify(account.status()).includes("key-of-"), "no key is in a status");
  });

  it("with nothing set and OAuth off is an error that says what to do", async () => {
    await using s = await stage();
    const error = (await s
      .auth()
      .account("codex")
      .token()
      .catch((reason: unknown) => reason)) as Json;
    assert.deepEqual(
      [error["code"], error["exitCode"], error["next"]],
      ["oauth_disabled", 3, "llxprt-auth codex enable"],
    );
  });
});

describe("a source that is not for this", () => {
  it("provider is none: flag and profile name theirs", async () => {
    await using s = await stage();
    const options = await everySource(s, ["settings", "env"]);
    const { winner } = s.auth(options).account("anthropic").why();
    assert.equal(winner, null);
    const unset = s
      .auth(options)
      .account("anthropic")
      .why()
      .candidates.filter(({ isSet }) => isSet);
    assert.deepEqual(unset, []);
  });

  it("is unset when it is empty or says none", async () => {
    for (const value of ["", "  ", "none", "NONE", " None\n"]) {
      assert.ok(isUnset(value), JSON.stringify(value));
      await using s = await stage({ providers: { codex: { "auth-key": value, "auth-keyfile": value } } });
      const flags = { key: value, keyFile: value, keyStdin: value };
      const auth = s.auth({ keys: { provider: "codex", flags }, host: { environment: { OPENAI_API_KEY: value } } });
      assert.equal(auth.account("codex").why().winner, null);
    }
    assert.ok(!isUnset("nonesuch"));
    assert.equal(placeIn({ "auth-key": "none", "auth-keyfile": "~/key" }, "x") === null, false);
  });

  for (const [base, counts] of [
    [undefined, false],
    ["", false],
    ["not a URL", false],
    ["https://api.openai.com/v1", false],
    ["https://dashscope.aliyuncs.com.evil.example/v1", false],
    ["https://evil.example/?dashscope.aliyuncs.com", false],
    ["https://dashscope.aliyuncs.com@evil.example/", false],
    ["https://dashscope.aliyuncs.com/compatible-mode/v1", true],
    ["https://portal.qwen.ai/v1", true],
    ["https://DASHSCOPE-INTL.aliyuncs.com/x", true],
  ] as const) {
    it(`host: OPENAI_API_KEY with OPENAI_BASE_URL ${base ?? "unset"} ${counts ? "is" : "is not"} for qwen`, async () => {
      await using s = await stage();
      const environment = { OPENAI_API_KEY: "k", ...(base === undefined ? {} : { OPENAI_BASE_URL: base }) };
      const auth = s.auth({ host: { environment } });
      const { winner } = auth.account("qwen").why();
      assert.equal(winner?.name ?? null, counts ? "OPENAI_API_KEY" : null);
      assert.equal(auth.account("codex").why().winner?.name, "OPENAI_API_KEY");
    });
  }

  it("of two variables the first one counts", async () => {
    await using s = await stage();
    const environment = { GEMINI_API_KEY: "first", GOOGLE_API_KEY: "second" };
    const credential = await s.auth({ host: { environment } }).account("gemini").token();
    assert.equal(credential.secret.reveal(), "first");
    const [first, second] = providers.gemini.keyVariables;
    assert.deepEqual([first.name, second.name], ["GEMINI_API_KEY", "GOOGLE_API_KEY"]);
  });
});

describe("a chosen source that fails", () => {
  for (const [what, prepare] of [
    ["is missing", () => undefined],
    ["is empty", (path: string) => writeFileSync(path, " \n")],
    ["is a folder", (path: string) => mkdirSync(path)],
    ["is a pipe", (path: string) => execFileSync("mkfifo", [path])],
    ["is a device without end", (path: string) => symlinkSync("/dev/zero", path)],
    ["is no text", (path: string) => writeFileSync(path, Buffer.of(0xff, 0xfe, 0xfd))],
  ] as const) {
    it(`is an error and no fall-through: a key file that ${what}`, async () => {
      await using s = await stage();
      s.home.plant("codex", plainTokens());
      const path = join(s.home.userHome, "key");
      prepare(path);
      const auth = s.auth({
        keys: { provider: "codex", flags: { keyFile: "~/key" } },
        host: { environment: { OPENAI_API_KEY: "k" } },
      });
      const error = (await auth
        .account("codex")
        .token()
        .catch((reason: unknown) => reason)) as Json;
      assert.deepEqual([error["code"], error["exitCode"]], ["key_unreadable", 6]);
      assert.ok(error["message"].includes(path), error["message"]);
    });
  }

  it("at the API is an error, and names its source", async () => {
    await using s = await stage();
    const auth = s.auth(await everySource(s, []));
    const credential = await auth.account("codex").token();
    const error = (await auth
      .account("codex")
      .rejected(credential)
      .catch((reason: unknown) => reason)) as Json;
    assert.deepEqual([error["code"], error["exitCode"]], ["key_rejected", 4]);
    assert.match(error["message"], /--key/);
    assert.ok(!error["message"].includes("key-of-flag"));
  });
});

describe("a key file", () => {
  it("is found through a person's own link, and blanks around the key do not count", async () => {
    await using s = await stage({ providers: { codex: { "auth-keyfile": "~/key" } } });
    writeFileSync(join(s.home.userHome, "real"), "  the-key \n\n");
    chmodSync(join(s.home.userHome, "real"), 0o400);
    symlinkSync("real", join(s.home.userHome, "key"));
    assert.equal((await s.auth().account("codex").token()).secret.reveal(), "the-key");
  });

  it("is read when the key is asked for, and not before", async () => {
    await using s = await stage({ providers: { codex: { "auth-keyfile": "~/key" } } });
    const account = s.auth().account("codex");
    assert.equal(account.status().row.usable, "yes");
    assert.equal(account.why().winner?.kind, "settings");
    writeFileSync(join(s.home.userHome, "key"), "now");
    assert.equal((await account.token()).secret.reveal(), "now");
  });
});

describe("a required source", () => {
  it("that does not win fails closed, whatever there is", async () => {
    await using s = await stage();
    const options = await everySource(s, []);
    assert.equal(
      await codeOf(
        s
          .auth({ ...options, requireSource: "oauth" })
          .account("codex")
          .token(),
      ),
      "source_required",
    );
    assert.equal(
      await codeOf(
        s
          .auth({ ...options, requireSource: "env" })
          .account("codex")
          .token(),
      ),
      "source_required",
    );
    assert.equal(
      (
        await s
          .auth({ ...options, requireSource: "flag" })
          .account("codex")
          .token()
      ).kind,
      "key",
    );
    assert.equal(await codeOf(s.auth({ requireSource: "oauth" }).account("gemini").token()), "source_required");
  });

  it("that wins is used", async () => {
    await using s = await stage();
    const options = await everySource(s, ["flag", "profile", "settings", "env"]);
    assert.equal(
      (
        await s
          .auth({ ...options, requireSource: "oauth" })
          .account("codex")
          .token()
      ).kind,
      "oauth",
    );
  });
});

describe("enabling", () => {
  it("contacts nobody and says what outranks it", async () => {
    await using s = await stage();
    const auth = s.auth({ host: { environment: { GEMINI_API_KEY: "k" } } });
    const { winner } = await auth.account("gemini").enable();
    assert.equal(winner?.name, "GEMINI_API_KEY");
    assert.equal(s.home.read(s.home.paths.settings)["oauthEnabledProviders"].gemini, true);
    assert.equal(s.emulator.requests.length, 0);
  });

  it("and disabling keeps the tokens; other sources go on", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "gemini");
    const before = s.home.tokens("gemini")["refresh_token"];
    const auth = s.auth({ host: { environment: { GEMINI_API_KEY: "k" } } });
    await auth.account("gemini").disable();
    assert.equal(s.home.tokens("gemini")["refresh_token"], before);
    assert.equal((await auth.account("gemini").token()).kind, "key");
    const other = s.auth();
    assert.equal(await codeOf(other.account("gemini").token()), "oauth_disabled");
    const { row, exitCode } = other.account("gemini").status();
    assert.deepEqual([row.state, row.present, row.usable, exitCode], ["disabled", true, "no", 3]);
    await other.account("gemini").enable();
    assert.equal((await other.account("gemini").token()).kind, "oauth");
    assert.equal(s.emulator.counters("gemini").exchanges, 1);
  });
});

const legacy = (s: Stage, content: object, file = ".gemini/oauth_creds.json"): string => {
  const path = join(s.home.userHome, file);
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return path;
};
const google = (left: number): Json => ({
  access_token: "token-of-another-tool",
  refresh_token: "its-refresh-token",
  expiry_date: Date.now() + left,
  token_type: "Bearer",
  scope: "s",
});

describe("another tool's login", () => {
  for (const file of [".gemini/oauth_creds.json", ".llxprt/oauth_creds.json"]) {
    it(`in ~/${file} is served while it lives, and never renewed or written`, async () => {
      await using s = await stage();
      const path = legacy(s, google(600_000), file);
      const before = s.home.read(path);
      const auth = s.auth();
      await auth.account("gemini").enable();
      const { row } = auth.account("gemini").status();
      assert.deepEqual([row.state, row.usable, row.refreshable], ["authenticated", "yes", false]);
      assert.equal((await auth.account("gemini").token()).secret.reveal(), "token-of-another-tool");
      assert.deepEqual(s.home.read(path), before);
      assert.equal(s.emulator.requests.length, 0);
    });
  }

  it("that ran out, without a client of one's own, names what is missing", async () => {
    await using s = await stage({ providers: { gemini: { clientFile: null } } });
    legacy(s, google(-5_000));
    const auth = s.auth();
    await auth.account("gemini").enable();
    const error = (await auth
      .account("gemini")
      .token()
      .catch((reason: unknown) => reason)) as Json;
    assert.deepEqual([error["code"], error["exitCode"]], ["client_missing", 6]);
    assert.match(error["message"], /clientFile/);
    assert.equal(s.emulator.requests.length, 0);
  });

  it("that is damaged is none of ours", async () => {
    await using s = await stage();
    writeFileSync(legacy(s, {}), "{");
    const auth = s.auth();
    await auth.account("gemini").enable();
    assert.equal(auth.account("gemini").status().row.state, "idle");
  });

  it("gives way to a login of our own", async () => {
    await using s = await stage();
    legacy(s, google(600_000));
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    assert.equal((await auth.account("gemini").token()).secret.reveal(), s.home.tokens("gemini")["access_token"]);
  });
});

it("a client file is the same from every folder: its name counts from the folder of the settings", async () => {
  await using s = await stage({ providers: { gemini: { clientFile: "own/client.json" } } });
  mkdirSync(join(s.home.paths.home, "own"), { mode: 0o700 });
  writeFileSync(join(s.home.paths.home, "own", "client.json"), JSON.stringify(s.emulator.geminiClient), {
    mode: 0o600,
  });
  const { row } = await signIn(s, s.auth(), "gemini", { grant: "loopback" });
  assert.equal(row.state, "authenticated");
});
