// Other tools' logins: found without being touched, read while they live, followed when their own tool renews them, never
// renewed here, and copied only when a person says so.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { providers } from "../../providers/index.ts";
import type { Found } from "../../runtime/imports/found.ts";
import { failingDisk } from "../support/failing.ts";
import { Home, type Json } from "../support/home.ts";
import { codeOf, quickGrants, signIn, stage, type Stage } from "../support/stage.ts";
import { jwt, keep, type Kept, type Tool, tools } from "../support/vendors.ts";

const inAnHour = (): number => Math.ceil(Date.now() / 1000) * 1000 + 3_600_000;
const made = (changes: Partial<Kept> = {}): Kept => ({
  access: "an-access-token-of-another-tool",
  refresh: "a-refresh-token-of-another-tool",
  expiresAt: inAnHour(),
  email: "me@example.com",
  ...changes,
});

/** Of a person who signed in with the tool: what the server gave, and our own file of it gone. */
async function lent(s: Stage, tool: Tool): Promise<{ readonly kept: Kept; readonly path: string }> {
  const { provider, file, content } = tools[tool];
  const auth = s.auth();
  await signIn(s, auth, provider, { grant: quickGrants[provider] });
  await auth.close();
  const tokens = s.home.tokens(provider);
  rmSync(s.home.file(provider));
  s.home.settings({ ...s.home.read(s.home.paths.settings), oauthEnabledProviders: {} });
  const kept = {
    access: tokens["access_token"],
    refresh: tokens["refresh_token"],
    expiresAt: tokens["expiry"] * 1000,
    email: "robin@example.com",
    idToken: tokens["id_token"],
    accountId: tokens["account_id"],
  };
  return { kept, path: keep(s.home.userHome, file, content(kept)) };
}

const only = (found: readonly Found[]): Found => {
  assert.equal(found.length, 1, JSON.stringify(found));
  return found[0] as Found;
};

describe("what other tools keep", () => {
  for (const [tool, { provider, file, content }] of Object.entries(tools))
    it(`is found: ${tool}`, async () => {
      await using s = await stage();
      const expiresAt = inAnHour();
      const access = tool === "Codex CLI" ? jwt({ exp: expiresAt / 1000 }) : "an-access-token-of-another-tool";
      const path = keep(s.home.userHome, file, content(made({ access, expiresAt })));
      const { mtimeMs } = statSync(path);
      // Files of llxprt-code in our own home are no others' files.
      const home = join(s.home.userHome, "elsewhere");
      const one = only(s.auth({ host: { home } }).imports(provider).found);
      assert.deepEqual(
        [one.provider, one.file, one.kind, one.expiresAt, one.refreshable, one.loose, one.link, one.accounts],
        [provider, path, "login", expiresAt, true, false, null, []],
      );
      assert.equal(one.tool, tool.split(",")[0]);
      assert.equal(one.identity, tool.startsWith("CLIProxyAPI") ? "me@example.com" : null);
      assert.equal(statSync(path).mtimeMs, mtimeMs);
      assert.equal(s.emulator.requests.length, 0);
      assert.ok(!existsSync(home));
    });

  it("is told with who it is, where the file or the one beside it says so", async () => {
    await using s = await stage();
    const { userHome } = s.home;
    keep(userHome, ".gemini/google_accounts.json", { active: "g@example.com", old: [] });
    keep(userHome, tools["Gemini CLI"].file, tools["Gemini CLI"].content(made()));
    const idToken = jwt({ email: "c@example.com" });
    keep(userHome, tools["Codex CLI"].file, tools["Codex CLI"].content(made({ idToken })));
    const { found } = s.auth().imports();
    assert.deepEqual(
      found.map(({ provider, identity }) => [provider, identity]),
      [
        ["gemini", "g@example.com"],
        ["codex", "c@example.com"],
      ],
    );
  });

  it("is looked for where the tool's own variable says", async () => {
    await using s = await stage();
    const path = keep(s.home.userHome, "elsewhere/auth.json", tools["Codex CLI"].content(made()));
    const auth = s.auth({ host: { environment: { CODEX_HOME: join(s.home.userHome, "elsewhere") } } });
    assert.equal(only(auth.imports("codex").found).file, path);
    assert.deepEqual(s.auth().imports("codex").found, []);
  });

  const bad: Readonly<Record<string, readonly [string | Json, Found["kind"], RegExp]>> = {
    "half a file": ['{"tokens":{"access_token":"canary-to', "unreadable", /auth\.json holds no login$/],
    "a list": ["[1]", "unreadable", /holds no login/],
    "tokens that are no texts": [{ tokens: { access_token: 7 } }, "unreadable", /holds no login/],
    "tokens that are no record": [{ tokens: "canary-tokens" }, "unreadable", /holds no login/],
    "a key": [{ OPENAI_API_KEY: "canary-key" }, "key", /holds an API key and no login/],
    "a key by its mode": [{ auth_mode: "apikey", tokens: { access_token: "canary-left" } }, "key", /API key/],
  };
  for (const [what, [content, kind, trouble]] of Object.entries(bad))
    it(`may be of no use: ${what}`, async () => {
      await using s = await stage();
      keep(s.home.userHome, tools["Codex CLI"].file, content);
      const one = only(s.auth().imports("codex").found);
      assert.equal(one.kind, kind);
      assert.match(one.trouble ?? "", trouble);
      assert.doesNotMatch(JSON.stringify(one), /canary/);
      assert.equal(await codeOf(s.auth().account("codex").borrow(one)), "import_unreadable");
      const code = kind === "key" ? "import_is_key" : "import_unreadable";
      assert.equal(await codeOf(s.auth().account("codex").takeOver(one)), code);
    });

  it("is a login where the mode says so, whatever key is beside it", async () => {
    await using s = await stage();
    const content = { ...tools["Codex CLI"].content(made()), auth_mode: "chatgpt", OPENAI_API_KEY: "left-over" };
    keep(s.home.userHome, tools["Codex CLI"].file, content);
    assert.equal(only(s.auth().imports("codex").found).kind, "login");
  });

  it("is told to be readable by others, and to be a link; nobody's pipe is waited for", async () => {
    await using s = await stage();
    const { userHome } = s.home;
    const path = keep(userHome, tools["Qwen Code"].file, tools["Qwen Code"].content(made()), 0o644);
    chmodSync(path, 0o644);
    assert.equal(only(s.auth().imports("qwen").found).loose, true);
    const real = keep(userHome, "dotfiles/codex.json", tools["Codex CLI"].content(made()));
    mkdirSync(join(userHome, ".codex"));
    symlinkSync(real, join(userHome, ".codex/auth.json"));
    const one = only(s.auth().imports("codex").found);
    assert.deepEqual([one.kind, one.link], ["login", real]);
    mkdirSync(join(userHome, ".claude"));
    execFileSync("mkfifo", [join(userHome, ".claude/.credentials.json")]);
    assert.match(only(s.auth().imports("anthropic").found).trouble ?? "", /is not a regular file/);
  });

  it("is known by what it is when a person names it, and refused for another provider", async () => {
    await using s = await stage();
    const auth = s.auth();
    const codex = keep(s.home.userHome, "copies/one.json", tools["Codex CLI"].content(made()));
    assert.deepEqual(
      auth.imports(undefined, codex).found.map(({ provider, tool }) => [provider, tool]),
      [["codex", "Codex CLI"]],
    );
    assert.equal(await codeOf(() => auth.imports("anthropic", codex)), "import_elsewhere");
    const proxied = keep(s.home.userHome, "copies/two.json", tools["CLIProxyAPI, qwen"].content(made()));
    assert.deepEqual(
      auth.imports(undefined, proxied).found.map(({ provider }) => provider),
      ["qwen"],
    );
    assert.equal(await codeOf(() => auth.imports("gemini", proxied)), "import_elsewhere");
    // At its own place a file is its own tool's, though others have the same shape.
    const qwen = keep(s.home.userHome, tools["Qwen Code"].file, tools["Qwen Code"].content(made()));
    assert.equal(await codeOf(() => auth.imports("gemini", qwen)), "import_elsewhere");
    assert.match(
      only(auth.imports("codex", join(s.home.userHome, "nothing.json")).found).trouble ?? "",
      /is not there$/,
    );
    const picture = keep(s.home.userHome, "picture.json", "{}");
    assert.equal(await codeOf(() => auth.imports("codex", picture)), "import_unreadable");
  });

  it("is not told under a name that is made for terminals", async () => {
    await using s = await stage();
    const content = tools["CLIProxyAPI, codex"].content(made());
    keep(s.home.userHome, ".cli-proxy-api/codex-\u001B[2J.json", content);
    assert.deepEqual(s.auth().imports("codex").found, []);
    keep(s.home.userHome, ".cli-proxy-api/codex-me@example.com - größer 大.json", content);
    assert.equal(only(s.auth().imports("codex").found).kind, "login");
  });

  it("is no token file of our own, whoever wrote it", async () => {
    await using s = await stage();
    const path = s.home.plant("codex", { access_token: "a", refresh_token: "r", expiry: 4_000_000_000 });
    assert.deepEqual(s.auth().imports().found, []);
    assert.equal(await codeOf(() => s.auth().imports("codex", path)), "import_elsewhere");
  });

  it("is an older llxprt-code's own file, too, when a person names one of another home", async () => {
    await using s = await stage();
    using other = new Home();
    const { access_token, refresh_token, expiry } = {
      access_token: "a",
      refresh_token: "r",
      expiry: inAnHour() / 1000,
    };
    const path = other.plant("qwen", { access_token, refresh_token, expiry, token_type: "Bearer" });
    const one = only(s.auth().imports("qwen", path).found);
    assert.deepEqual([one.kind, one.expiresAt, one.refreshable], ["login", expiry * 1000, true]);
  });

  it("lives for an hour from its last change when nothing tells its end, and for a year where such are made to last", async () => {
    await using s = await stage();
    for (const [tool, lifetimeMs] of [
      ["Qwen Code", 3_600_000],
      ["Claude Code", 31_536_000_000],
    ] as const) {
      const { provider, file, content } = tools[tool];
      const path = keep(s.home.userHome, file, content(made({ expiresAt: null })));
      utimesSync(path, 1_800_000_000, 1_800_000_000);
      const auth = s.auth();
      const one = only(auth.imports(provider).found);
      assert.equal(one.expiresAt, null, "nothing tells it");
      const { row } = await auth.account(provider).borrow(one);
      assert.equal(Date.parse(row.expiresAt ?? ""), 1_800_000_000_000 + lifetimeMs);
    }
  });
});

describe("a login that is borrowed", { concurrency: 4 }, () => {
  for (const tool of ["Claude Code", "Codex CLI", "Qwen Code", "Gemini CLI"] as const) {
    const { provider, file, content } = tools[tool];
    it(`is read, followed, and never renewed here: ${tool}`, async () => {
      await using s = await stage();
      const { kept, path } = await lent(s, tool);
      const before = { ...s.emulator.counters(provider), requests: s.emulator.requests.length };
      const text = readFileSync(path, "utf8");
      const auth = s.auth();
      const account = auth.account(provider);
      const { row } = await account.borrow(only(auth.imports(provider).found));
      assert.deepEqual(
        [row.state, row.usable, row.enabled, row.refreshable, row.importedFrom],
        ["authenticated", "yes", true, false, { tool, file: path }],
      );
      assert.equal((await account.token()).secret.reveal(), kept.access);
      assert.ok(!existsSync(s.home.file(provider)), "nothing is copied");
      assert.deepEqual(s.home.read(s.home.paths.settings)["providers"][provider]["importFrom"], { default: path });
      assert.match(account.why().winner?.origin ?? "", new RegExp(`the login of ${tool}`));

      // Its end: nobody here can help it.
      const dead = provider === "codex" ? jwt({ exp: 1 }) : "a-token-that-ended";
      keep(s.home.userHome, file, content({ ...kept, access: dead, expiresAt: Date.now() - 1000 }));
      const later = s.auth().account(provider);
      const error = (await later.token().catch((reason: unknown) => reason)) as Json;
      assert.deepEqual([error["code"], error["exitCode"]], ["login_borrowed", 3]);
      assert.match(error["message"], new RegExp(`${tool}.*--take-over`));
      assert.equal(await codeOf(later.refresh({ force: true })), "login_borrowed");
      assert.deepEqual([later.status().row.state, later.status().row.usable], ["expired", "no"]);
      assert.match(later.explain().sentences.at(-1) ?? "", new RegExp(`that of ${tool}, and it ended`));

      // Its tool renews it: at once that is what is used, by who runs already as well.
      const renewed = provider === "codex" ? jwt({ exp: inAnHour() / 1000 }) : "a-token-that-was-renewed";
      keep(s.home.userHome, file, content({ ...kept, access: renewed, expiresAt: inAnHour() }));
      assert.equal((await later.token()).secret.reveal(), renewed);
      assert.equal((await s.auth().account(provider).token()).secret.reveal(), renewed);

      assert.deepEqual({ ...s.emulator.counters(provider), requests: s.emulator.requests.length }, before);
      assert.deepEqual(s.emulator.presentations(), []);
      assert.notEqual(readFileSync(path, "utf8"), text);
    });
  }

  it("is none that could be renewed here, whatever its file holds", async () => {
    await using s = await stage();
    await lent(s, "Codex CLI");
    const auth = s.auth();
    const account = auth.account("codex");
    const { row } = await account.borrow(only(auth.imports("codex").found));
    assert.equal(row.refreshable, false);
    assert.equal(await codeOf(account.refresh({ force: true })), "login_borrowed");
    assert.deepEqual(s.emulator.presentations(), []);
  });

  it("gives the renewed token to who was refused with the old one", async () => {
    await using s = await stage();
    const { kept } = await lent(s, "Claude Code");
    const { file, content } = tools["Claude Code"];
    const auth = s.auth();
    const account = auth.account("anthropic");
    await account.borrow(only(auth.imports("anthropic").found));
    const old = await account.token();
    assert.equal(await codeOf(account.rejected(old)), "login_borrowed");
    utimesSync(keep(s.home.userHome, file, content({ ...kept, access: "its-successor" })), 1, 2_000_000_000);
    assert.equal((await account.rejected(old)).secret.reveal(), "its-successor");
  });

  it("gives way to a login of our own, and is no hindrance to one", async () => {
    await using s = await stage();
    await lent(s, "Claude Code");
    const auth = s.auth();
    const account = auth.account("anthropic");
    const found = only(auth.imports("anthropic").found);
    await account.borrow(found);
    const { row } = await signIn(s, auth, "anthropic", { grant: "loopback" });
    assert.deepEqual([row.importedFrom, row.refreshable], [undefined, true]);
    assert.equal((await account.token()).secret.reveal(), s.home.tokens("anthropic")["access_token"]);
    assert.equal(await codeOf(account.borrow(found)), "import_shadowed");
    assert.equal(await codeOf(account.takeOver(found)), "import_shadowed");
  });

  it("is let go by a logout and by a reset, and not taken back from its tool", async () => {
    await using s = await stage();
    const { path } = await lent(s, "Codex CLI");
    const before = readFileSync(path, "utf8");
    for (const end of ["logout", "reset"] as const) {
      const auth = s.auth();
      const account = auth.account("codex");
      await account.borrow(only(auth.imports("codex").found));
      await account[end]();
      assert.deepEqual([account.status().row.state, account.status().row.importedFrom], ["idle", undefined]);
      await auth.close();
    }
    assert.equal(s.emulator.counters("codex").revocations, 0);
    assert.equal(readFileSync(path, "utf8"), before);
  });

  it("does not keep a login of our own from being given back, when settings.json cannot be written", async () => {
    await using s = await stage();
    await lent(s, "Codex CLI");
    const auth = s.auth();
    const account = auth.account("codex");
    await account.borrow(only(auth.imports("codex").found));
    await signIn(s, auth, "codex", { grant: "device" });
    // A person's dotfiles, on a disk of its own.
    const dotfiles = join(s.home.userHome, "dotfiles");
    mkdirSync(dotfiles);
    renameSync(s.home.paths.settings, join(dotfiles, "settings.json"));
    symlinkSync(join(dotfiles, "settings.json"), s.home.paths.settings);
    using _disk = failingDisk(dotfiles, "EROFS");
    assert.equal(await codeOf(account.logout()), "store_failed");
    assert.ok(!existsSync(s.home.file("codex")));
    assert.equal(s.emulator.counters("codex").revocations, 1);
  });

  it("is one account among several, each with its own file", async () => {
    await using s = await stage();
    const one = keep(s.home.userHome, tools["Codex CLI"].file, tools["Codex CLI"].content(made({ access: "one" })));
    const two = keep(s.home.userHome, "work/auth.json", tools["Codex CLI"].content(made({ access: "two" })));
    const auth = s.auth();
    await auth.account("codex").borrow(only(auth.imports("codex", one).found));
    await auth.account("codex", "work").borrow(only(auth.imports("codex", two).found));
    assert.equal((await auth.account("codex").token()).secret.reveal(), "one");
    assert.equal((await auth.account("codex", "work").token()).secret.reveal(), "two");
    const listed = s
      .auth()
      .accounts()
      .filter(({ provider }) => provider === "codex");
    assert.deepEqual(
      listed.map(({ account }) => account),
      ["default", "work"],
    );
    assert.deepEqual(only(auth.imports("codex", two).found).accounts, ["work"]);
    await auth.account("codex", "work").logout();
    assert.equal((await s.auth().account("codex").token()).secret.reveal(), "one");
  });

  it("that its tool has taken away is told, and comes back with its file", async () => {
    await using s = await stage();
    const { path } = await lent(s, "Claude Code");
    const auth = s.auth();
    await auth.account("anthropic").borrow(only(auth.imports("anthropic").found));
    const text = readFileSync(path, "utf8");
    rmSync(path);
    const later = s.auth().account("anthropic");
    const error = (await later.token().catch((reason: unknown) => reason)) as Json;
    assert.equal(error["code"], "import_unreadable");
    assert.match(error["message"], /Claude Code: .*credentials\.json is not there/);
    assert.equal(later.status().row.state, "idle");
    assert.match(later.status().fault ?? "", /is not there$/);
    keep(s.home.userHome, tools["Claude Code"].file, text);
    assert.equal((await later.token()).kind, "oauth");
  });
});

describe("a login that is taken over", { concurrency: 4 }, () => {
  for (const tool of ["Claude Code", "Codex CLI", "Qwen Code"] as const) {
    const { provider } = tools[tool];
    it(`is one of our own, which is renewed here: ${tool}`, async () => {
      await using s = await stage();
      const { kept, path } = await lent(s, tool);
      const text = readFileSync(path, "utf8");
      const auth = s.auth();
      const account = auth.account(provider);
      const found = only(auth.imports(provider).found);
      await account.borrow(found);
      const { row } = await account.takeOver(found);
      assert.deepEqual([row.state, row.refreshable, row.importedFrom], ["authenticated", true, undefined]);
      const stored = s.home.tokens(provider);
      assert.deepEqual([stored["access_token"], stored["refresh_token"]], [kept.access, kept.refresh]);
      assert.deepEqual([stored["llxprt_auth"]["generation"], stored["account_id"]], [1, kept.accountId]);
      assert.equal(s.home.read(s.home.paths.settings)["providers"][provider]["importFrom"], undefined);
      assert.equal(s.emulator.counters(provider).refreshes, 0, "nobody was asked");
      assert.equal(readFileSync(path, "utf8"), text, "the tool's file is as it was");
      if (tool === "Claude Code") assert.equal(stored["subscriptionType"], "max");

      await account.refresh({ force: true });
      assert.equal(s.emulator.counters(provider).refreshes, 1);
      const after = s.home.tokens(provider);
      assert.notEqual(after["access_token"], kept.access);
      if (providers[provider].rotation === "always") assert.notEqual(after["refresh_token"], kept.refresh);
      assert.deepEqual(
        [after["llxprt_auth"]["generation"], after["llxprt_auth"]["lineage"]],
        [2, stored["llxprt_auth"]["lineage"]],
      );
      assert.match(account.explain().sentences.join("\n"), /copied here .*renewed here[^]*Refreshed/);
    });
  }

  it("takes the place of one that is dead, and of none that lives", async () => {
    await using s = await stage();
    await lent(s, "Claude Code");
    const auth = s.auth();
    const found = only(auth.imports("anthropic").found);
    s.home.plant("anthropic", { access_token: "dead", expiry: 1, token_type: "Bearer", a_key_of_theirs: "kept" });
    await auth.account("anthropic").takeOver(found);
    assert.equal(s.home.tokens("anthropic")["a_key_of_theirs"], "kept");
    const mine = readFileSync(s.home.file("anthropic"), "utf8");
    assert.equal(await codeOf(s.auth().account("anthropic").takeOver(found)), "import_shadowed");
    assert.equal(readFileSync(s.home.file("anthropic"), "utf8"), mine);
  });

  it("has one owner among our accounts, spent or not", async () => {
    await using s = await stage();
    await lent(s, "Codex CLI");
    const auth = s.auth();
    const found = only(auth.imports("codex").found);
    const first = auth.account("codex");
    await first.takeOver(found);
    for (const isSpent of [false, true]) {
      if (isSpent) await first.refresh({ force: true });
      await assert.rejects(auth.account("codex", "work").takeOver(found), {
        code: "import_taken",
        message: new RegExp(`^Account default of codex has taken over the login in ${found.file} already`),
        next: "llxprt-auth codex status",
      });
      assert.ok(!existsSync(s.home.file("codex", "work")), "nothing of it is kept");
    }
    assert.equal(s.emulator.counters("codex").reuses, 0);
    await first.refresh({ force: true });
    await first.logout();
    await auth.account("codex", "work").takeOver(found);
  });

  it("is nobody's when two accounts take it in the same moment", async () => {
    await using s = await stage();
    const { file, content } = tools["Claude Code"];
    keep(s.home.userHome, file, content(made()));
    let asked = 0;
    const theirs = { access_token: "theirs", refresh_token: made().refresh, expiry: 4e9, token_type: "Bearer" };
    const now = (): number => {
      // Asked for the lock, as it is decided what to store, and as that is being written.
      const isBefore = existsSync(s.home.paths.oauth) && !existsSync(s.home.file("anthropic"));
      if (isBefore) asked += 1;
      if (asked > 2) s.home.plant("anthropic", theirs, 0o600, "work");
      return Date.now();
    };
    const auth = s.auth({ host: { now } });
    const found = only(auth.imports("anthropic").found);
    assert.equal(await codeOf(auth.account("anthropic").takeOver(found)), "import_taken");
    assert.ok(!existsSync(s.home.file("anthropic")));
  });

  it("is what the file holds in the end, though its tool renews it at that moment", async () => {
    await using s = await stage();
    const { file, content } = tools["Claude Code"];
    keep(s.home.userHome, file, content(made()));
    let renewals = 0;
    const now = (): number => {
      // Asked once the file was read, and before it is stored.
      if (existsSync(s.home.paths.oauth) && !existsSync(s.home.file("anthropic"))) {
        renewals += 1;
        keep(s.home.userHome, file, content(made({ refresh: `the-tool's-token-number-${renewals}` })));
      }
      return Date.now();
    };
    const auth = s.auth({ host: { now } });
    await auth.account("anthropic").takeOver(only(auth.imports("anthropic").found));
    assert.ok(renewals > 0);
    assert.equal(s.home.tokens("anthropic")["refresh_token"], `the-tool's-token-number-${renewals}`);
  });

  for (const [what, before] of [
    ["leaves nothing", null],
    ["leaves the dead one that was there", { access_token: "dead", expiry: 1, token_type: "Bearer" }],
  ] as const)
    it(`${what} when its file cannot be read any more, since what was read may be spent`, async () => {
      await using s = await stage();
      const { file, content } = tools["Claude Code"];
      keep(s.home.userHome, file, content(made()));
      const auth = s.auth();
      const found = only(auth.imports("anthropic").found);
      if (before !== null) s.home.plant("anthropic", before);
      const path = s.home.file("anthropic");
      const text = before === null ? null : readFileSync(path, "utf8");
      let isNamed = false;
      let isHalf = false;
      const host = {
        // For the lineage: the tool's file is read next, and then the time is asked.
        randomBytes: (size: number) => {
          isNamed ||= size === 16 && existsSync(s.home.paths.oauth);
          return randomBytes(size);
        },
        // The tool writes in place: for a moment there is half of a file.
        now: () => {
          if (isNamed && !isHalf) keep(s.home.userHome, file, '{"claudeAiOauth":{"accessToken":"hal');
          isHalf = isNamed;
          return Date.now();
        },
      };
      assert.equal(await codeOf(s.auth({ host }).account("anthropic").takeOver(found)), "import_unreadable");
      assert.ok(isHalf);
      if (text === null) assert.ok(!existsSync(path));
      else assert.equal(s.home.tokens("anthropic")["access_token"], "dead");
    });

  it("is refused without a refresh token, with an unreadable file of ours, and for another client", async () => {
    await using s = await stage();
    const { file, content } = tools["Qwen Code"];
    keep(s.home.userHome, file, content(made({ refresh: null })));
    const auth = s.auth();
    assert.equal(await codeOf(auth.account("qwen").takeOver(only(auth.imports("qwen").found))), "import_unreadable");
    keep(s.home.userHome, file, content(made()));
    s.home.plant("qwen", "{");
    assert.equal(
      await codeOf(
        s
          .auth()
          .account("qwen")
          .takeOver(only(auth.imports("qwen").found)),
      ),
      "store_corrupt",
    );
    assert.equal(readFileSync(s.home.file("qwen"), "utf8"), "{");
    // A person's own client cannot renew what was issued to the tool's.
    keep(s.home.userHome, tools["Gemini CLI"].file, tools["Gemini CLI"].content(made()));
    const gemini = s.auth();
    assert.equal(
      await codeOf(gemini.account("gemini").takeOver(only(gemini.imports("gemini").found))),
      "credential_elsewhere",
    );
    assert.ok(!existsSync(s.home.file("gemini")));
  });

  it("waits for the lock of whoever changes the account", async () => {
    await using s = await stage();
    await lent(s, "Claude Code");
    const auth = s.auth();
    const found = only(auth.imports("anthropic").found);
    const other = s.auth();
    // A refresh of nothing creates the folder of the lock.
    await codeOf(other.account("anthropic").refresh());
    const [first, second] = await Promise.allSettled([
      auth.account("anthropic").takeOver(found),
      other.account("anthropic").takeOver(found),
    ]);
    const outcomes = [first, second].map((one) =>
      one.status === "fulfilled" ? "taken" : (one.reason as Json)["code"],
    );
    assert.deepEqual(new Set(outcomes), new Set(["taken", "import_shadowed"]));
  });
});
