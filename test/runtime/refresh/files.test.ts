// What a refresh keeps on the disk is its owner's alone whatever the umask, and what somebody puts in its place is neither
// followed, waited for nor written to: it is an error that says where, it spends nothing, and it harms no other login
// (threats T42, T44).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import type { AuthError } from "../../../machines/errors.ts";
import type { Auth } from "../../../runtime/auth.ts";
import { createLocks } from "../../../runtime/refresh/locks.ts";
import { createPendingStore } from "../../../runtime/store/pending.ts";
import { createSpendStore } from "../../../runtime/store/spend.ts";
import { keepGranted } from "../../../runtime/store/granted.ts";
import { modeOf } from "../../support/home.ts";
import { sampleAttempt, sampleCredential } from "../../support/sample.ts";
import { codeOf, signIn, type Stage, stage, until } from "../../support/stage.ts";
import { edit, inFile, plantInterruption, presented, spendPath, traces } from "../../support/spending.ts";

const provider = "anthropic";
const name = { provider, account: "default" };
const umask = process.umask();
afterEach(() => {
  process.umask(umask);
});

async function signedIn(s: Stage, left = -5): Promise<Auth> {
  const auth = s.auth();
  await signIn(s, auth, provider, { grant: "loopback" });
  await auth.close();
  edit(s.home, provider, { expiry: Math.floor(Date.now() / 1000) + left });
  return s.auth();
}

const tokenOf = async (auth: Auth): Promise<string> =>
  (await auth.account(provider).token({ minTtlMs: 900_000 })).secret.reveal();
const trace = (s: Stage, ending: string): string => {
  const { lineage, generation } = inFile(s.home, provider).spent;
  return spendPath(s.home, provider, `${lineage}.${generation}.0.${ending}`);
};

describe("modes", () => {
  for (const mask of [0o000, 0o022, 0o077, 0o777]) {
    it(`in the folder of a refresh are 0600 under umask ${mask.toString(8).padStart(3, "0")}`, async () => {
      await using s = await stage();
      const auth = await signedIn(s);
      rmSync(join(s.home.paths.oauth, ".spend"), { recursive: true });
      s.emulator.fault(provider, "refresh", { kind: "delay", ms: 200 });
      process.umask(mask);
      const asked = tokenOf(auth);
      asked.catch(() => undefined);
      await until(() => presented(s, provider) === 1, "it is presented");
      keepGranted(s.home.paths, name, "another-sign-in", sampleCredential());
      const folder = s.home.paths.spend(name);
      const files = readdirSync(folder);
      // Room, permit, sign-in, and the lock with its note.
      assert.equal(files.length, 5, files.join(" "));
      for (const file of files) assert.equal(modeOf(join(folder, file)), "0600", file);
      for (const path of [folder, join(folder, "..")]) assert.equal(modeOf(path), "0700", path);
      rmSync(join(folder, "another-sign-in.granted"));
      await asked;
      assert.equal(modeOf(s.home.file(provider)), "0600");
    });
  }
});

/** @returns a check that what it leads to is untouched */
const intruders: Readonly<Record<string, (s: Stage, path: string) => () => void>> = {
  "a symbolic link": (s, path) => {
    const target = join(s.home.userHome, "target");
    writeFileSync(target, "theirs", { mode: 0o644 });
    symlinkSync(target, path);
    return () => assert.equal(readFileSync(target, "utf8"), "theirs");
  },
  "a link to nothing": (s, path) => {
    const target = join(s.home.userHome, "nothing");
    symlinkSync(target, path);
    return () => assert.equal(existsSync(target), false);
  },
  "a pipe": (_, path) => {
    execFileSync("mkfifo", ["-m", "600", path]);
    return () => assert.ok(lstatSync(path).isFIFO());
  },
  "a link to a device": (_, path) => {
    symlinkSync("/dev/zero", path);
    return () => assert.ok(lstatSync(path).isSymbolicLink());
  },
  "a folder": (_, path) => {
    mkdirSync(path);
    return () => assert.ok(lstatSync(path).isDirectory());
  },
};

describe("what somebody puts in the place of", { concurrency: 4 }, () => {
  const places = {
    "the sealed reply": (s: Stage) => trace(s, "next"),
    "the permit": (s: Stage) => trace(s, "sent"),
    "the tokens of a sign-in": (s: Stage) => spendPath(s.home, provider, "somebodys-attempt.granted"),
  };
  for (const [where, pathOf] of Object.entries(places)) {
    for (const [what, put] of Object.entries(intruders)) {
      it(`${where}: ${what} is an error, and nothing is spent`, async () => {
        await using s = await stage();
        const auth = await signedIn(s);
        const path = pathOf(s);
        const isUntouched = put(s, path);
        const error = (await tokenOf(auth).catch((reason: unknown) => reason)) as AuthError;
        assert.deepEqual([error.code, error.exitCode], ["store_unsafe", 6]);
        assert.ok(error.message.includes(path), error.message);
        assert.equal(await codeOf(s.auth().account(provider).refresh({ force: true })), "store_unsafe");
        isUntouched();
        assert.equal(presented(s, provider), 0);
        assert.equal(s.auth().account("codex").status().exitCode, 3, "other logins do not mind");
        rmSync(path, { recursive: true });
        assert.equal(await tokenOf(s.auth()), s.home.tokens(provider)["access_token"]);
      });
    }

    it(`${where} is shown as what it is, by a status that neither waits nor breaks`, async () => {
      await using s = await stage();
      const auth = await signedIn(s, 300);
      execFileSync("mkfifo", [pathOf(s)]);
      const { row, exitCode } = auth.account(provider).status();
      // Only the seal is anything to a reader.
      const isRead = where === "the sealed reply";
      assert.deepEqual(
        [row.state, row.lastError, exitCode],
        isRead ? ["blocked", "store_unsafe", 6] : ["authenticated", null, 0],
      );
    });
  }

  for (const [what, put] of Object.entries(intruders)) {
    it(`the room while the reply is on its way: ${what} does not stop the reply from being stored`, async () => {
      await using s = await stage();
      const auth = await signedIn(s);
      s.emulator.fault(provider, "refresh", { kind: "delay", ms: 300 });
      const asked = tokenOf(auth);
      asked.catch(() => undefined);
      await until(() => presented(s, provider) === 1, "it is presented");
      const path = trace(s, "next");
      rmSync(path);
      const isUntouched = put(s, path);
      await until(() => s.home.tokens(provider)["llxprt_auth"].generation === 2, "it is stored");
      assert.equal(await asked, s.home.tokens(provider)["access_token"]);
      if (!what.includes("pipe") && !what.includes("device") && what !== "a folder") isUntouched();
    });
  }
});

describe("the folder of refreshes", { concurrency: 4 }, () => {
  for (const [where, pathOf] of [
    ["of all accounts", (s: Stage) => join(s.home.paths.oauth, ".spend")],
    ["of the account", (s: Stage) => s.home.paths.spend(name)],
  ] as const) {
    it(`${where} that is a link elsewhere is an error, and nothing is put there`, async () => {
      await using s = await stage();
      const auth = await signedIn(s);
      const target = join(s.home.userHome, "elsewhere");
      renameSync(pathOf(s), target);
      symlinkSync(target, pathOf(s));
      const before = readdirSync(target, { recursive: true });
      assert.equal(await codeOf(tokenOf(auth)), "store_unsafe");
      assert.deepEqual(readdirSync(target, { recursive: true }), before);
      assert.equal(presented(s, provider), 0);
    });

    it(`${where} that others can write is an error`, async () => {
      await using s = await stage();
      const auth = await signedIn(s);
      execFileSync("chmod", ["0777", pathOf(s)]);
      assert.equal(await codeOf(tokenOf(auth)), "store_unsafe");
      assert.equal(presented(s, provider), 0);
    });
  }

  it("names no more attempts than it can find again", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const { lineage, generation } = inFile(s.home, provider).spent;
    const last = spendPath(s.home, provider, `${lineage}.${generation}.999999.sent`);
    writeFileSync(last, '{"ended":true}', { mode: 0o600 });
    assert.equal(await codeOf(tokenOf(auth)), "store_unsafe");
    assert.equal(presented(s, provider), 0);
  });

  it("is empty after a refresh, however many there were before it that died", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    for (const attempt of [0, 1, 2]) plantInterruption(s.home, provider, { attempt, interrupted: 0 });
    const rooms = traces(s.home, provider).filter((file) => file.endsWith(".next"));
    assert.deepEqual(
      rooms.map((file) => file.split(".").at(-2)),
      ["0", "2"],
      "two rooms are the most",
    );
    await tokenOf(auth);
    assert.deepEqual(traces(s.home, provider), []);
  });

  it("loses what a killed writer left in it, when nobody can be writing it any more", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    const [old, young] = [".00000000-0000-0000-0000-000000000000.tmp", ".00000000-0000-0000-0000-000000000001.tmp"].map(
      (file) => spendPath(s.home, provider, file),
    );
    assert.ok(old !== undefined && young !== undefined);
    for (const path of [old, young]) writeFileSync(path, "half of a sign-in's tokens");
    const then = new Date(Date.now() - 2 * 3_600_000);
    utimesSync(old, then, then);
    await tokenOf(auth);
    assert.deepEqual([existsSync(old), existsSync(young)], [false, true]);
  });
});

describe("tokens of a sign-in that wait on the disk", { concurrency: 4 }, () => {
  it("and that nobody can read change nothing, and take no evidence away", async () => {
    await using s = await stage();
    const auth = await signedIn(s, 600);
    plantInterruption(s.home, provider);
    createPendingStore(s.home.paths).put(sampleAttempt({ provider, attempt: "an-attempt" }));
    writeFileSync(spendPath(s.home, provider, "an-attempt.granted"), "no tokens", { mode: 0o600 });
    const before = s.home.tokens(provider);
    await tokenOf(auth);
    assert.equal(s.home.tokens(provider)["refresh_token"], before["refresh_token"]);
    assert.equal(presented(s, provider), 0, "it is in doubt as before");
    assert.ok(!traces(s.home, provider).includes("an-attempt.granted"));
  });

  it("become the login by whoever has the lock next, once", async () => {
    await using s = await stage();
    const auth = await signedIn(s, 300);
    const { credential } = inFile(s.home, provider);
    const granted = { ...credential, lineage: "a-lineage-of-its-own-1", generation: 1 };
    const pending = createPendingStore(s.home.paths);
    for (let times = 0; times < 2; times += 1) {
      pending.put(sampleAttempt({ provider, attempt: "an-attempt" }));
      keepGranted(s.home.paths, name, "an-attempt", granted);
      await s.auth().account(provider).refresh({ force: true });
      const { lineage, generation } = s.home.tokens(provider)["llxprt_auth"];
      assert.deepEqual([lineage, generation], ["a-lineage-of-its-own-1", 2 + times], "and is refreshed from there");
      assert.deepEqual([s.home.pending(), traces(s.home, provider)], [[], []]);
    }
    await auth.close();
  });

  it("are the login of whoever starts next, though nothing was stored before", async () => {
    await using s = await stage();
    const auth = await signedIn(s, 300);
    const { credential } = inFile(s.home, provider);
    await auth.account(provider).enable();
    await auth.close();
    rmSync(s.home.paths.tokenFile(name));
    createPendingStore(s.home.paths).put(sampleAttempt({ provider, attempt: "an-attempt" }));
    keepGranted(s.home.paths, name, "an-attempt", { ...credential, lineage: "a-lineage-of-its-own-1", generation: 1 });
    assert.equal(s.auth().account(provider).status().row.state, "awaitingCode", "who only looks changes nothing");
    const { generation, secret } = await s.auth().account(provider).token();
    assert.deepEqual([generation, secret.reveal() === credential.accessToken.reveal()], [1, true]);
    assert.deepEqual([s.home.pending(), traces(s.home, provider)], [[], []]);
  });

  it("and that nobody wants any more become nothing", async () => {
    await using s = await stage();
    const auth = await signedIn(s);
    keepGranted(s.home.paths, name, "cancelled", sampleCredential());
    const { lineage } = s.home.tokens(provider)["llxprt_auth"];
    await tokenOf(auth);
    assert.equal(s.home.tokens(provider)["llxprt_auth"].lineage, lineage);
    assert.deepEqual(traces(s.home, provider), []);
  });
});

it("a sign-in that waited for the lock in vain is the login once that is free", async (context) => {
  await using s = await stage();
  const lock = createLocks(createSpendStore(s.home.paths), s.home.now).tryTake(name);
  assert.ok(lock !== null);
  // 45 s by a clock that runs fast.
  const now = performance.now.bind(performance);
  context.mock.method(performance, "now", () => now() * 100);
  context.mock.method(Math, "random", () => 0);
  assert.equal(await codeOf(signIn(s, s.auth(), provider, { grant: "loopback" })), "lock_busy");
  context.mock.restoreAll();
  assert.equal(s.home.pending().length, 1, "without its record the tokens would be nobody's");
  lock.release();
  const { secret } = await s.auth().account(provider).token();
  assert.equal(s.emulator.standing(secret.reveal()), "live");
  assert.deepEqual([s.home.pending(), traces(s.home, provider)], [[], []]);
});

it("a store of evidence makes nothing before something is spent", async () => {
  await using s = await stage();
  await signedIn(s, 300);
  rmSync(join(s.home.paths.oauth, ".spend"), { recursive: true });
  const spend = createSpendStore(s.home.paths);
  const { spent } = inFile(s.home, provider);
  assert.equal(spend.sealed(name, spent), null);
  assert.deepEqual([spend.permits(name, spent), spend.nextAttempt(name, spent)], [[], 0]);
  spend.clean(name, null);
  spend.withdraw(name, spent, 0);
  assert.equal(existsSync(join(s.home.paths.oauth, ".spend")), false);
});
