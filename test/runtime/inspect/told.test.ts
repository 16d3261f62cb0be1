// What the page is told of an account is on a list, whatever `status` knows; who holds its lock is seen without touching it;
// and a page that does not listen makes nothing grow.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createAudience } from "../../../runtime/inspect/page/audience.ts";
import { heldLocks } from "../../../runtime/inspect/page/held.ts";
import { createOverview } from "../../../runtime/inspect/page/overview.ts";
import type { SceneLock } from "../../../runtime/inspect/page/scene.ts";
import { sceneAccount } from "../../../runtime/inspect/page/shown.ts";
import { isThereSince, presenceOfProcess } from "../../../runtime/refresh/holder.ts";
import { createLocks } from "../../../runtime/refresh/locks.ts";
import type { Status } from "../../../runtime/status.ts";
import { createPendingStore } from "../../../runtime/store/pending.ts";
import { createSpendStore } from "../../../runtime/store/spend.ts";
import { Home, plainTokens } from "../../support/home.ts";
import { sampleAttempt } from "../../support/sample.ts";

const name = { provider: "codex", account: "default" };
const handle = "a".repeat(27);
const iso = "2026-05-06T07:08:09.000Z";

const row: Status["row"] = {
  provider: "codex",
  account: "work",
  enabled: true,
  state: "awaitingPoll",
  usable: "no",
  source: { kind: "oauth" },
  present: false,
  unexpired: false,
  verifiedAt: null,
  expiresAt: iso,
  refreshable: false,
  identity: "person@canary.example",
  lastError: "network_timeout",
  pending: {
    schema: 1,
    provider: "codex",
    account: "work",
    attempt: handle,
    kind: "device",
    url: "https://canary.example/authorize?state=canary",
    urlComplete: "https://canary.example/device?user_code=CANARY",
    userCode: "CANA-RYXX",
    expiresAt: iso,
  },
  nextCommand: "llxprt-auth codex wait --account work",
};
const shown = (changes: Partial<Status["row"]>) =>
  sceneAccount({ row: { ...row, ...changes }, nextTimerAt: 5 }, ["device"], []);

describe("an account, as it is shown", () => {
  it("has its state, its times and its way, and neither address, code nor person", () => {
    const account = shown({});
    assert.deepEqual(account, {
      provider: "codex",
      account: "work",
      grants: ["device"],
      state: "awaitingPoll",
      usable: "no",
      enabled: true,
      source: "oauth",
      expiresAt: Date.parse(iso),
      nextTimerAt: 5,
      lastError: "network_timeout",
      nextCommand: "llxprt-auth codex wait --account work",
      pending: { attempt: handle, kind: "device", expiresAt: Date.parse(iso) },
      locks: [],
    });
    assert.doesNotMatch(JSON.stringify(account), /canary/i);
  });

  it("is shown by its digest when its name is as long as a token, and its command with it not at all", () => {
    const long = "x".repeat(40);
    const account = shown({ account: long, nextCommand: `llxprt-auth codex wait --account ${long}` });
    assert.match(account?.account ?? "", /^sha256:[0-9a-f]{16}$/);
    assert.equal(account?.nextCommand, null);
  });

  it("says which credential wins in a word or two", () => {
    for (const [source, words] of [
      [{ kind: "flag" }, "key flag"],
      [{ kind: "env", name: "OPENAI_API_KEY" }, "env OPENAI_API_KEY"],
      [{ kind: "profile", name: "work@home" }, "profile work@home"],
      [{ kind: "none" }, "none"],
      [{ kind: "env", name: "a secret" }, "none"],
      [{ kind: "profile", name: "k".repeat(40) }, "none"],
    ] as const)
      assert.equal(shown({ source })?.source, words);
  });

  it("leaves out whatever is not on its list, in every member", () => {
    const canary = "canary-0123456789-abcdefghijklmnopqrstuvwxyz";
    const texts = [
      canary,
      `llxprt-auth ${canary} https://x`,
      `llxprt-auth codex login ${canary.repeat(3)}`,
      `${canary}\n`,
    ];
    for (const text of texts) {
      for (const member of Object.keys(row)) {
        if (member === "source" || member === "pending") continue;
        const told = sceneAccount({ row: { ...row, [member]: text }, nextTimerAt: null }, ["device"], []);
        assert.ok(!(JSON.stringify(told) ?? "").includes("canary"), member);
        const isNeeded = ["provider", "account", "enabled", "state", "usable"].includes(member);
        assert.equal(told === null, isNeeded && !(member === "account" && text === canary), member);
      }
      for (const source of [{ kind: text }, { kind: "env", name: text }] as unknown as Status["row"]["source"][])
        assert.equal(shown({ source })?.source, "none");
      const { pending } = row;
      assert.ok(pending !== null);
      for (const changes of [{ attempt: text }, { kind: text as "device" }, { expiresAt: text }])
        assert.equal(shown({ pending: { ...pending, ...changes } })?.pending, null);
      const lock = { lock: "lock", pid: 1, since: 1, presence: "here" } as const;
      const held = (one: object) => sceneAccount({ row, nextTimerAt: 1 }, ["device"], [one as SceneLock])?.locks;
      assert.deepEqual(held(lock), [lock]);
      for (const member of Object.keys(lock)) assert.deepEqual(held({ ...lock, [member]: text }), []);
      assert.deepEqual(held({ ...lock, more: text }), [lock]);
      assert.equal(sceneAccount({ row, nextTimerAt: text as unknown as number }, ["device"], [])?.nextTimerAt, null);
      assert.equal(sceneAccount({ row, nextTimerAt: 1 }, [text as "device"], []), null);
    }
  });
});

/** A process that holds the account's lock; killed at the end. */
async function holding(
  home: Home,
): Promise<AsyncDisposable & { readonly pid: number; kill: (signal: NodeJS.Signals) => void }> {
  const program = fileURLToPath(new URL("../refresh/holding.ts", import.meta.url));
  const child = spawn(process.execPath, [program, home.paths.home], { stdio: ["ignore", "pipe", "inherit"] });
  assert.equal(String(((await once(child.stdout, "data")) as [Buffer])[0]), "taken\n");
  return {
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

describe("who holds a lock", { skip: process.platform !== "linux" }, () => {
  it("is told with his process and since when, as long as he does", async () => {
    using home = new Home();
    assert.deepEqual(heldLocks(home.paths)(name), []);
    const before = Date.now();
    {
      await using holder = await holding(home);
      const [lock, ...others] = heldLocks(home.paths)(name);
      assert.deepEqual(others, []);
      assert.deepEqual([lock?.lock, lock?.pid, lock?.presence], ["lock", holder.pid, "here"]);
      assert.ok((lock?.since ?? 0) >= before && (lock?.since ?? 0) <= Date.now());
      assert.deepEqual(heldLocks(home.paths)({ ...name, account: "other" }), []);
      // Seen from here again and again, it is his still.
      const locks = createLocks(createSpendStore(home.paths), home.now);
      for (let looks = 0; looks < 20; looks += 1) heldLocks(home.paths)(name);
      assert.equal(locks.isFree(name), false);
    }
    assert.deepEqual(heldLocks(home.paths)(name), [], "the note of him is there still, and he is not");
  });

  it("is told of every lock of the account, and of one that this process holds: it goes on holding it", () => {
    using home = new Home();
    const locks = createLocks(createSpendStore(home.paths), home.now);
    const taken = (["lock", "door", "entrance", "exchange", "background"] as const).map((which) =>
      locks.tryTake(name, which),
    );
    const held = heldLocks(home.paths)(name);
    assert.deepEqual(held.map(({ lock }) => lock).toSorted(), ["background", "door", "entrance", "exchange", "lock"]);
    assert.ok(held.every(({ pid, since, lock }) => pid === process.pid && (since === null) === (lock !== "lock")));
    for (const lock of taken) lock?.release();
    assert.deepEqual(heldLocks(home.paths)(name), []);
  });

  it("is called stopped when he is", async () => {
    using home = new Home();
    await using holder = await holding(home);
    holder.kill("SIGSTOP");
    while (presenceOfProcess(holder.pid) === "here") await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(heldLocks(home.paths)(name)[0]?.presence, "stopped");
  });

  it("is a process of its number since then, and not a later one", () => {
    assert.ok(isThereSince(process.pid, Date.now()));
    assert.ok(!isThereSince(process.pid, Date.now() - 3_600_000 - process.uptime() * 1_000));
    assert.ok(!isThereSince(2 ** 22 + 5, Date.now()));
  });
});

const overviewOf = (home: Home, changes: Partial<Parameters<typeof createOverview>[0]> = {}) =>
  createOverview({
    host: home.host(),
    paths: home.paths,
    reserved: new Set(),
    keys: null,
    profile: null,
    ...changes,
  });
const states = (look: ReturnType<typeof createOverview>) =>
  Object.fromEntries(
    look().map(({ name: { provider, account }, status }) => [`${provider} ${account}`, status.row.state]),
  );

describe("all accounts, looked at again", () => {
  it("are those that status shows, with the same words, as the files change", () => {
    using home = new Home();
    const look = overviewOf(home);
    assert.deepEqual(Object.values(states(look)), ["disabled", "disabled", "disabled", "disabled"]);
    home.plant("codex", plainTokens(), 0o600, "work");
    home.settings({ oauthEnabledProviders: { codex: true } });
    assert.deepEqual([states(look)["codex work"], states(look)["codex default"]], ["authenticated", "idle"]);
    createPendingStore(home.paths).put(
      sampleAttempt({ attempt: handle, kind: "device", expiresAt: home.now() + 60_000 }),
    );
    assert.equal(states(look)["codex default"], "awaitingPoll");
    home.plant("codex", "{ this is no JSON", 0o600, "work");
    assert.equal(states(look)["codex work"], "blocked");
    rmSync(home.file("codex", "work"));
    assert.equal(states(look)["codex work"], undefined);
  });

  it("change with the time that passes, though no file does", () => {
    using home = new Home();
    home.settings({ oauthEnabledProviders: { codex: true } });
    home.plant("codex", plainTokens(Date.now(), { refresh_token: undefined }));
    const look = overviewOf(home);
    assert.equal(states(look)["codex default"], "authenticated");
    home.ahead = 3_700_000;
    assert.equal(states(look)["codex default"], "expired");
  });

  it("are not read again while nothing changes", () => {
    using home = new Home();
    home.settings({ oauthEnabledProviders: { codex: true } });
    const path = home.plant("codex", plainTokens());
    const look = overviewOf(home);
    const first = look().find(({ status }) => status.row.present);
    assert.equal(look().find(({ status }) => status.row.present)?.status, first?.status);
    writeFileSync(path, JSON.stringify(plainTokens(Date.now(), { scope: "other" })));
    assert.notEqual(look().find(({ status }) => status.row.present)?.status, first?.status);
  });

  it("stand as they were seen while their folder cannot be read", () => {
    using home = new Home();
    const path = home.plant("codex", plainTokens());
    const look = overviewOf(home);
    const before = states(look);
    rmSync(home.paths.oauth, { recursive: true });
    writeFileSync(home.paths.oauth, "not a folder");
    assert.equal(states(look)["codex default"], "blocked");
    rmSync(home.paths.oauth);
    mkdirSync(home.paths.oauth, { mode: 0o700 });
    writeFileSync(path, JSON.stringify(plainTokens()), { mode: 0o600 });
    assert.deepEqual(states(look), before);
  });

  it("are as they are without anything being written, locked or asked", () => {
    using home = new Home();
    home.plant("codex", plainTokens());
    const stamps = () => home.files().map((path) => `${path} ${statSync(path).ctimeMs} ${readFileSync(path).length}`);
    const before = stamps();
    const look = overviewOf(home);
    look();
    look();
    assert.deepEqual(stamps(), before);
    assert.ok(!home.files().some((path) => path.startsWith(join(home.paths.oauth, ".spend"))));
  });
});

describe("a page that does not listen", () => {
  /** A connection whose other end reads when it is told to. */
  class Deaf extends Writable {
    readonly pieces: string[] = [];
    #read: (() => void) | null = null;

    constructor() {
      super({ highWaterMark: 16, decodeStrings: false });
    }

    override _write(piece: string, _encoding: string, done: () => void): void {
      this.pieces.push(piece);
      this.#read = done;
    }

    hear(): void {
      this.#read?.();
    }
  }

  it("is told nothing more until it does, then all of it; and has to go when it never does", async () => {
    const records: string[] = [];
    let now = 0;
    const told = { count: 0, from: (number: number) => records.slice(number), scene: { number: 1, text: "{}" } };
    const audience = createAudience(
      () => ({ ...told, count: records.length }),
      () => now,
    );
    const deaf = new Deaf();
    assert.ok(audience.add(deaf as unknown as ServerResponse, 0));
    for (let tick = 0; tick < 50; tick += 1) {
      records.push(`{"n":${tick}}`);
      audience.tell();
      audience.greet();
    }
    assert.ok(deaf.writableLength < 200, `${deaf.writableLength} characters wait for it`);
    deaf.hear();
    await new Promise((resolve) => setImmediate(resolve));
    audience.tell();
    assert.deepEqual(JSON.parse(deaf.pieces.at(-1)?.split("data: ")[1] ?? ""), {
      records: records.map((record) => JSON.parse(record) as unknown),
    });
    records.push("{}");
    audience.tell();
    now = 19_000;
    audience.tell();
    assert.ok(!deaf.destroyed);
    now = 21_000;
    audience.tell();
    assert.ok(deaf.destroyed);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(audience.size, 0);
  });

  it("keeps a place that a sixty-fifth page does not get", () => {
    const audience = createAudience(
      () => ({ count: 0, from: () => [], scene: { number: 1, text: "{}" } }),
      () => 0,
    );
    const add = (): boolean => audience.add(new Deaf() as unknown as ServerResponse, 0);
    assert.deepEqual(Array.from({ length: 65 }, add), [...Array<boolean>(64).fill(true), false]);
  });
});
