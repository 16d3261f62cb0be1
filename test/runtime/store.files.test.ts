// Tokens are readable by their owner alone, from the first moment and whatever the umask, and nothing that somebody put in
// the place of a file is followed, waited for or changed (threats T42 to T45). What cannot be read is never "signed out"
// and never overwritten.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs, {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { checkAccountName, checkProviderName, nameOfFile, stemOf } from "../../runtime/store/names.ts";
import { createPendingStore } from "../../runtime/store/pending.ts";
import { createStore } from "../../runtime/store/store.ts";
import { Home, modeOf, plainTokens } from "../support/home.ts";
import { intruders } from "../support/intruders.ts";
import { sampleAttempt, sampleCredential } from "../support/sample.ts";
import { codeOf, signIn, stage } from "../support/stage.ts";

const name = { provider: "codex", account: "default" };
const umask = process.umask();
afterEach(() => {
  process.umask(umask);
});

describe("modes", () => {
  for (const mask of [0o000, 0o022, 0o077, 0o777]) {
    it(`are 0600 and 0700 under umask ${mask.toString(8).padStart(3, "0")}`, async () => {
      using home = new Home();
      process.umask(mask);
      createPendingStore(home.paths).put(sampleAttempt());
      createStore(home.paths, home.now).write(name, () => sampleCredential());
      process.umask(umask);
      for (const folder of [home.paths.home, home.paths.oauth, home.paths.pending])
        assert.equal(modeOf(folder), "0700", folder);
      assert.equal(home.files().length, 2);
      for (const file of home.files()) assert.equal(modeOf(file), "0600", file);
    });
  }

  it("of a file that others could read are repaired, and that is said", async () => {
    await using s = await stage();
    const path = s.home.plant("codex", plainTokens(), 0o644);
    chmodSync(path, 0o644);
    const account = s.auth().account("codex");
    account.status();
    assert.equal(modeOf(path), "0644", "status writes nothing");
    await account.token();
    assert.equal(modeOf(path), "0600");
    assert.equal(s.notices.length, 1);
    assert.match(s.notices[0] ?? "", /codex\.json could be read by others; it is 0600 now$/);
  });

  for (const [what, folderOf] of [
    ["home", (home: Home) => home.paths.home],
    ["oauth", (home: Home) => home.paths.oauth],
  ] as const) {
    for (const mode of [0o777, 0o1777, 0o770]) {
      it(`a ${what} folder with ${mode.toString(8)} is refused`, async () => {
        await using s = await stage();
        await signIn(s, s.auth(), "gemini");
        const before = readFileSync(s.home.file("gemini"), "utf8");
        chmodSync(folderOf(s.home), mode);
        const account = s.auth().account("gemini");
        const { row, exitCode } = account.status();
        assert.deepEqual([row.state, row.usable, row.lastError, exitCode], ["blocked", "no", "store_unsafe", 6]);
        assert.equal(await codeOf(account.token()), "store_unsafe");
        assert.equal(await codeOf(account.login()), "store_unsafe");
        assert.equal(readFileSync(s.home.file("gemini"), "utf8"), before);
      });
    }
  }
});

for (const [what, put] of Object.entries(intruders)) {
  describe(`${what} in the place of a token file`, () => {
    it("blocks: nothing is read, followed or replaced, and nothing waits for it", async () => {
      await using s = await stage();
      mkdirSync(s.home.paths.oauth, { mode: 0o700 });
      const isUntouched = put(s.home, s.home.file("gemini"));
      s.home.settings({ ...s.home.read(s.home.paths.settings), oauthEnabledProviders: { gemini: true } });
      const account = s.auth().account("gemini");
      const { row, exitCode } = account.status();
      assert.deepEqual([row.state, row.present, row.lastError, exitCode], ["blocked", false, "store_unsafe", 6]);
      for (const work of [account.token(), account.login(), account.refresh(), account.logout()])
        assert.equal(await codeOf(work), "store_unsafe");
      isUntouched();
      assert.equal(s.emulator.requests.length, 0);
    });

    it("is put aside by reset, and a sign-in works again", async () => {
      await using s = await stage();
      mkdirSync(s.home.paths.oauth, { mode: 0o700 });
      put(s.home, s.home.file("gemini"));
      const auth = s.auth();
      const { row } = await auth.account("gemini").reset();
      assert.equal(row.present, false);
      const aside = s.home.list(s.home.paths.oauth).filter((path) => path.includes("gemini.json.aside-"));
      assert.equal(aside.length, 1);
      const { row: after } = await signIn(s, auth, "gemini");
      assert.equal(after.state, "authenticated");
    });
  });
}

it("a character device in the place of a token file blocks", async (t) => {
  using home = new Home();
  mkdirSync(home.paths.oauth, { recursive: true, mode: 0o700 });
  try {
    execFileSync("mknod", [home.file("codex"), "c", "1", "5"], { stdio: "ignore" });
  } catch {
    t.skip("only root makes devices");
    return;
  }
  const found = createStore(home.paths, home.now).read(name);
  assert.equal(found.kind === "unreadable" ? found.error.code : found.kind, "store_unsafe");
});

describe("a hard link in the place of a token file", () => {
  it("is read, and a change leaves the other name as it was", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "gemini");
    const other = join(s.home.userHome, "other.json");
    linkSync(s.home.file("gemini"), other);
    const before = readFileSync(other, "utf8");
    await auth.account("gemini").refresh({ force: true });
    assert.equal(readFileSync(other, "utf8"), before);
    assert.notEqual(s.home.tokens("gemini")["access_token"], s.home.read(other)["access_token"]);
  });

  it("of a file that is meant for others: ours is taken away from them, theirs stays", async () => {
    await using s = await stage();
    const other = join(s.home.userHome, "other.json");
    writeFileSync(other, JSON.stringify(plainTokens()));
    chmodSync(other, 0o644);
    mkdirSync(s.home.paths.oauth, { mode: 0o700 });
    linkSync(other, s.home.file("codex"));
    await s.auth().account("codex").token();
    assert.equal(modeOf(s.home.file("codex")), "0600");
    assert.equal(modeOf(other), "0644");
  });

  it("is not what is put over a token that another process writes at that moment", (context) => {
    using home = new Home();
    const store = createStore(home.paths, home.now);
    home.plant("codex", plainTokens());
    linkSync(home.file("codex"), `${home.file("codex")}.copy`);
    chmodSync(home.file("codex"), 0o644);
    const fsync = fs.fsyncSync;
    context.after(syncBuiltinESMExports);
    const { mock } = context.mock.method(fs, "fsyncSync", (file: number) => {
      fsync(file);
      mock.restore();
      syncBuiltinESMExports();
      store.write(name, (before) => before && { ...before, generation: 7 });
    });
    syncBuiltinESMExports();
    store.tighten(name);
    assert.equal(home.tokens("codex")["llxprt_auth"]?.generation, 7);
    assert.equal(modeOf(home.file("codex")), "0600");
  });
});

describe("a file that cannot be removed", () => {
  it("is told with the system's own reason", () => {
    using home = new Home();
    mkdirSync(home.file("codex"), { recursive: true, mode: 0o700 });
    const store = createStore(home.paths, home.now);
    assert.throws(() => store.remove(name), /codex\.json: E[A-Z]+\)/);
  });
});

describe("links of a person's own", () => {
  it("a home folder that is one works", async () => {
    await using s = await stage();
    const real = join(s.home.userHome, "dotfiles");
    execFileSync("mv", [s.home.paths.home, real]);
    symlinkSync(real, s.home.paths.home);
    await signIn(s, s.auth(), "gemini");
    assert.ok(existsSync(join(real, "oauth", "gemini.json")));
    assert.ok(lstatSync(s.home.paths.home).isSymbolicLink());
  });

  it("an oauth folder that is one is refused", async () => {
    await using s = await stage();
    const real = join(s.home.userHome, "elsewhere");
    mkdirSync(real, { mode: 0o700 });
    symlinkSync(real, s.home.paths.oauth);
    assert.equal(await codeOf(s.auth().account("gemini").login()), "store_unsafe");
    assert.deepEqual(s.home.list(real), []);
  });
});

/** Contents that are no token file. */
const corrupt: Readonly<Record<string, string | Buffer>> = {
  empty: "",
  "only blanks": "  \n",
  truncated: JSON.stringify(plainTokens()).slice(0, 60),
  "a list": "[]",
  "a text": '"access_token"',
  null: "null",
  "without a token": '{"refresh_token":"r"}',
  "with an empty token": '{"access_token":""}',
  "with a token that is no text": '{"access_token":{"$":1}}',
  "UTF-16": Buffer.from(`\uFEFF${JSON.stringify(plainTokens())}`, "utf16le"),
  "not UTF-8": Buffer.concat([Buffer.from('{"access_token":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}')]),
  "a page": "<!doctype html>",
  "larger than any": "x".repeat(5 * 1024 * 1024),
};

for (const [what, content] of Object.entries(corrupt)) {
  it(`a file that is ${what} is kept, reported, and never overwritten`, async () => {
    await using s = await stage();
    const path = s.home.plant("gemini", content);
    const before = readFileSync(path);
    const account = s.auth().account("gemini");
    const { row, exitCode } = account.status();
    assert.deepEqual(
      [row.enabled, row.state, row.present, row.usable, row.lastError, row.nextCommand, exitCode],
      [true, "blocked", false, "no", "store_corrupt", "llxprt-auth gemini reset", 6],
    );
    for (const work of [
      () => account.login(),
      () => account.token(),
      () => account.refresh({ force: true }),
      () => account.logout(),
      () => account.complete("code#state"),
    ])
      assert.equal(await codeOf(work()), "store_corrupt", String(work));
    assert.deepEqual(readFileSync(path), before);
    assert.equal(s.emulator.requests.length, 0);

    const reset = await account.reset();
    assert.equal(reset.row.state, "idle");
    const kept = s.home.list(s.home.paths.oauth).find((file) => file.startsWith(`${path}.`));
    assert.deepEqual(readFileSync(kept ?? ""), before);
  });
}

for (const where of ["oauth", ".spend"] as const)
  it(`a folder that may not be looked into (${where}) is an error that names it`, async (context) => {
    await using s = await stage();
    await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
    const look = fs.lstatSync;
    context.mock.method(fs, "lstatSync", (path: string, options?: object) => {
      const isInside = where === "oauth" ? path === s.home.file("anthropic") : path.endsWith(".0.next");
      if (isInside) throw Object.assign(new Error("EACCES"), { code: "EACCES" });
      return look(path, options);
    });
    syncBuiltinESMExports();
    try {
      const account = s.auth().account("anthropic");
      const { row, exitCode } = account.status();
      assert.deepEqual([row.state, row.lastError, exitCode], ["blocked", "store_unsafe", 6]);
      assert.equal(await codeOf(account.token()), "store_unsafe");
    } finally {
      context.mock.restoreAll();
      syncBuiltinESMExports();
    }
  });

it("a file whose disk fails while it is read is an error that names it", async (context) => {
  await using s = await stage();
  await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
  const auth = s.auth();
  const read = fs.readFileSync;
  const { ino } = statSync(s.home.file("anthropic"));
  context.mock.method(fs, "readFileSync", (file: number, ...more: []) => {
    if (typeof file === "number" && fs.fstatSync(file).ino === ino)
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    return read(file, ...more);
  });
  syncBuiltinESMExports();
  try {
    assert.deepEqual(auth.account("anthropic").status().row.lastError, "store_unsafe");
    assert.equal(await codeOf(auth.account("anthropic").token()), "store_unsafe");
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

it("a byte order mark is no reason to refuse a file", () => {
  using home = new Home();
  home.plant("codex", `\uFEFF${JSON.stringify(plainTokens())}`);
  assert.equal(createStore(home.paths, home.now).read(name).kind, "stored");
});

it("a file that turns bad while a sign-in waits stays as it is, and the sign-in fails", async () => {
  await using s = await stage();
  const account = s.auth().account("codex");
  let page: Promise<string> | undefined;
  const code = await codeOf(
    account.login({
      grant: "loopback",
      onPending: ({ url }) => {
        s.home.plant("codex", "{");
        page = s.emulator.approve(url).then(({ body }) => body);
      },
    }),
  );
  assert.equal(code, "store_corrupt");
  assert.equal(readFileSync(s.home.file("codex"), "utf8"), "{");
  assert.match((await page) ?? "", /Not signed in.*store_corrupt/s);
  assert.equal(s.emulator.counters("codex").revocations, 1, "nobody keeps what could not be stored");
});

describe("names", () => {
  it("of providers: a letter, then letters, digits or _, at most 32", () => {
    for (const good of ["a", "acme", "a_1", "x".repeat(32)]) assert.equal(checkProviderName(good), good);
    assert.equal(checkProviderName("AcMe"), "acme");
    for (const bad of ["", "1a", "_a", "a-b", "a.b", "a/b", "..", "a b", "é", "x".repeat(33), "con", "nul", "a\0"])
      assert.throws(() => checkProviderName(bad), { code: "name_invalid" }, bad);
  });

  it("of accounts: nothing that could be a path, or that Windows cannot store", () => {
    for (const good of ["default", "me", "me@example.com", "a-b", "A.b_c", "0", "..a", "x".repeat(64)])
      assert.equal(checkAccountName(good), good);
    for (const bad of [
      ...'/\\:*?"<>| \0%'.split("").map((character) => `a${character}b`),
      "",
      ".",
      "..",
      "../x",
      "%2e",
      "a/../b",
      "x".repeat(65),
      "trailing.",
      "é",
      "CON",
      "nul.json",
      "com1",
      "LPT9.x",
    ])
      assert.throws(() => checkAccountName(bad), { code: "name_invalid" }, JSON.stringify(bad));
  });

  it("never meet: provider and account are told apart by the file's name", () => {
    assert.deepEqual(nameOfFile("acme-b.json"), { provider: "acme", account: "b" });
    assert.deepEqual(nameOfFile("acme.json"), { provider: "acme", account: "default" });
    for (const other of ["acme-.json", "acme.json.aside-1", ".acme.json", "journal.jsonl", "-a.json", "a b.json"])
      assert.equal(nameOfFile(other), null, other);
    for (const account of ["default", "a-b", "me@x.y"]) {
      const one = { provider: "acme", account };
      assert.deepEqual(nameOfFile(`${stemOf(one)}.json`), one);
    }
  });

  it("that lead out of the folder are refused before any file is opened", async () => {
    await using s = await stage();
    const auth = s.auth();
    for (const bad of ["../../settings", "..", "a/b", "", "x".repeat(65)])
      assert.throws(() => auth.account("codex", bad), { code: "name_invalid" });
    assert.throws(() => auth.account("../codex"), { code: "unknown_provider" });
  });

  it("that differ in case only are refused: some disks would take them for one", async () => {
    await using s = await stage();
    s.home.plant("codex", plainTokens(), 0o600, "Work");
    const auth = s.auth();
    assert.throws(() => auth.account("codex", "work"), { code: "name_invalid" });
    assert.throws(() => auth.account("codex", "Default"), { code: "name_invalid" });
    assert.equal(auth.account("codex", "Work").status().row.present, true);
    assert.equal(auth.account("CODEX", "other").provider, "codex");
    assert.throws(() => auth.account("codex", "Other"), { code: "name_invalid" }, "also within one process");

    const later = s.home.plant("codex", plainTokens(), 0o600, "Later");
    assert.throws(() => auth.account("codex", "later"), { code: "name_invalid" }, "also one that came meanwhile");
    rmSync(later);
    assert.equal(auth.account("codex", "later").account, "later", "and not when it has gone again");
  });

  it("of the accounts that have tokens or a sign-in under way are listed, the default ones always", async () => {
    await using s = await stage();
    s.home.plant("codex", plainTokens(), 0o600, "work");
    createPendingStore(s.home.paths).put(sampleAttempt({ provider: "qwen", account: "side", kind: "device" }));
    const names = s
      .auth()
      .accounts()
      .map(({ provider, account }) => `${provider} ${account}`);
    assert.deepEqual(names.toSorted(), [
      "anthropic default",
      "codex default",
      "codex work",
      "gemini default",
      "qwen default",
      "qwen side",
    ]);
  });
});

it("statSync of what is missing is no error", () => {
  using home = new Home();
  assert.equal(statSync(home.paths.home, { throwIfNoEntry: false }), undefined);
  assert.deepEqual(createStore(home.paths, home.now).read(name), { kind: "absent" });
  assert.equal(existsSync(home.paths.home), false, "reading makes no folder");
  rmSync(home.userHome, { recursive: true });
});
