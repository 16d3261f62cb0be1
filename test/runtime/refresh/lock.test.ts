// One lock an account among all processes, given back by the kernel when its holder dies and not a moment sooner; and
// nothing that somebody puts in its place is followed, waited for or written to (refresh protocol, step 1; I6, I7; T42, T44).
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createLocks, type LockName, pauses } from "../../../runtime/refresh/locks.ts";
import { createSpendStore } from "../../../runtime/store/spend.ts";
import { Home, modeOf } from "../../support/home.ts";
import { codeOf, until } from "../../support/stage.ts";

const name = { provider: "codex", account: "default" };
const program = fileURLToPath(new URL("holding.ts", import.meta.url));
const locksOf = (home: Home) => createLocks(createSpendStore(home.paths), home.now);

/** A process with the lock; gone at the end. */
class Holder implements AsyncDisposable {
  readonly child: ChildProcess;

  constructor(child: ChildProcess) {
    this.child = child;
  }

  static async of(home: Home): Promise<Holder> {
    const child = spawn(process.execPath, [program, home.paths.home], { stdio: ["ignore", "pipe", "inherit"] });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    assert.equal(said.toString(), "taken\n");
    return new Holder(child);
  }

  get stat(): string {
    return readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1]?.slice(0, 1) ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }
}

const elsewhere = (home: Home): string =>
  execFileSync(process.execPath, [program, home.paths.home, "try"], { encoding: "utf8" }).trim();

describe("the lock", { concurrency: 4 }, () => {
  it("of one process is nobody else's, and anybody's at once when that process is killed", async () => {
    using home = new Home();
    await using holder = await Holder.of(home);
    const locks = locksOf(home);
    assert.equal(locks.tryTake(name), null);
    assert.equal(locks.isFree(name), false);
    holder.child.kill("SIGKILL");
    const begun = performance.now();
    const lock = await locks.take(name, 1_000);
    assert.ok(lock !== null, "within a second");
    assert.ok(performance.now() - begun < 1_000);
    lock.release();
  });

  it("stays with a process that is stopped, which is said", async () => {
    using home = new Home();
    await using holder = await Holder.of(home);
    holder.child.kill("SIGSTOP");
    await until(() => holder.stat === "T", "it is stopped");
    const locks = locksOf(home);
    assert.equal(await locks.take(name, 300), null);
    const { code, exitCode, message } = locks.busy(name);
    assert.deepEqual([code, exitCode], ["lock_busy", 5]);
    assert.match(message, new RegExp(`\\(process ${holder.child.pid}, which is stopped, for \\d+ s\\)$`));
    holder.child.kill("SIGCONT");
    assert.equal(locks.tryTake(name), null, "it goes on holding it");
  });

  it("is one within a process, too, and trying for it a second time does not lose it to other processes", () => {
    using home = new Home();
    const first = locksOf(home);
    const second = locksOf(home);
    const lock = first.tryTake(name);
    assert.ok(lock !== null);
    // Closing any descriptor of the file would drop the lock of the whole process, if SQLite did not know that.
    for (const locks of [first, second, second]) {
      assert.equal(locks.tryTake(name), null);
      assert.equal(locks.isFree(name), false);
    }
    assert.equal(elsewhere(home), "busy");
    lock.release();
    lock.release();
    assert.equal(elsewhere(home), "taken");
    assert.equal(second.isFree(name), true);
  });

  it("of another account, and the door, are others", () => {
    using home = new Home();
    const locks = locksOf(home);
    const taken = [
      locks.tryTake(name),
      locks.tryTake(name, "door"),
      locks.tryTake({ ...name, account: "work" }),
      locks.tryTake({ ...name, provider: "qwen" }),
    ];
    for (const lock of taken) assert.ok(lock !== null);
    for (const lock of taken) lock?.release();
  });

  it("that was removed with its folder is made anew, and that is the one", () => {
    using home = new Home();
    const locks = locksOf(home);
    locks.tryTake(name)?.release();
    rmSync(home.paths.spend(name), { recursive: true });
    const lock = locks.tryTake(name);
    assert.ok(lock !== null);
    assert.equal(elsewhere(home), "busy");
    lock.release();
  });

  it("keeps its file and its emptiness", () => {
    using home = new Home();
    const locks = locksOf(home);
    const path = join(home.paths.spend(name), "lock");
    locks.tryTake(name)?.release();
    const { ino } = lstatSync(path);
    for (let times = 0; times < 5; times += 1) {
      const lock = locks.tryTake(name);
      // Nothing is written beside it: a full disk can be locked as well.
      assert.deepEqual(readdirSync(home.paths.spend(name)).toSorted(), ["holder", "lock"]);
      lock?.release();
    }
    assert.deepEqual([lstatSync(path).ino, lstatSync(path).size], [ino, 0]);
    assert.deepEqual(readdirSync(home.paths.spend(name)).toSorted(), ["holder", "lock"]);
  });

  for (const mask of ["000", "022", "077", "777"]) {
    it(`is 0600 in folders with 0700 under umask ${mask}`, () => {
      using home = new Home();
      const said = execFileSync(process.execPath, [program, home.paths.home, "try", mask], { encoding: "utf8" });
      assert.equal(said, "taken\n");
      const folder = home.paths.spend(name);
      for (const path of [home.paths.home, home.paths.oauth, join(folder, ".."), folder])
        assert.equal(modeOf(path), "0700", path);
      for (const file of ["lock", "holder"]) assert.equal(modeOf(join(folder, file)), "0600", file);
    });
  }
});

/** Puts something where a file of ours belongs. @returns a check that it is, and what it leads to, is untouched */
type Intruder = (home: Home, path: string) => () => void;

const kindOf = (path: string): string => execFileSync("stat", ["-c", "%F", path], { encoding: "utf8" }).trim();

const intruders: Readonly<Record<string, Intruder>> = {
  "a symbolic link": (home, path) => {
    const target = join(home.userHome, "target");
    writeFileSync(target, "theirs", { mode: 0o644 });
    symlinkSync(target, path);
    return () => assert.equal(readFileSync(target, "utf8"), "theirs");
  },
  "a link to nothing": (home, path) => {
    const target = join(home.userHome, "nothing");
    symlinkSync(target, path);
    return () => assert.equal(lstatSync(target, { throwIfNoEntry: false }), undefined);
  },
  "a pipe": (_, path) => {
    execFileSync("mkfifo", ["-m", "600", path]);
    return () => undefined;
  },
  "a link to a device": (_, path) => {
    symlinkSync("/dev/full", path);
    return () => assert.equal(kindOf("/dev/full"), "character special file");
  },
  "a folder": (_, path) => {
    mkdirSync(path);
    writeFileSync(join(path, "theirs"), "theirs");
    return () => assert.equal(readFileSync(join(path, "theirs"), "utf8"), "theirs");
  },
};

describe("what somebody puts in the place of the lock", { concurrency: 4 }, () => {
  for (const which of ["lock", "door"] as const satisfies LockName[]) {
    for (const [what, put] of Object.entries(intruders)) {
      it(`${what} as ${which} is refused, at once, and stays as it is`, async () => {
        using home = new Home();
        const locks = locksOf(home);
        createSpendStore(home.paths).ensure(name);
        const path = join(home.paths.spend(name), which);
        const isUntouched = put(home, path);
        const before = kindOf(path);
        assert.equal(await codeOf(() => locks.tryTake(name, which)), "store_unsafe");
        if (which === "lock") assert.equal(await codeOf(() => locks.isFree(name)), "store_unsafe");
        assert.equal(kindOf(path), before);
        isUntouched();
      });
    }
  }

  for (const [what, put] of Object.entries(intruders)) {
    it(`${what} as the note about the holder is neither written to nor waited for`, () => {
      using home = new Home();
      const locks = locksOf(home);
      createSpendStore(home.paths).ensure(name);
      const isUntouched = put(home, join(home.paths.spend(name), "holder"));
      assert.equal(locks.busy(name).code, "lock_busy");
      const lock = locks.tryTake(name);
      assert.ok(lock !== null);
      const { detail } = locks.busy(name);
      // What cannot be taken away costs the note, and nothing else.
      assert.equal(detail?.startsWith(`process ${process.pid}, for`), what !== "a folder");
      lock.release();
      isUntouched();
    });
  }

  for (const [what, put] of Object.entries(intruders)) {
    it(`${what} beside it, where SQLite keeps its journal, is neither followed nor waited for`, async () => {
      using home = new Home();
      const locks = locksOf(home);
      createSpendStore(home.paths).ensure(name);
      const isUntouched = put(home, join(home.paths.spend(name), "lock-journal"));
      const code = await codeOf(() => locks.tryTake(name)?.release());
      assert.ok(["store_failed", "no error"].includes(code), code);
      if (what !== "a folder" || code === "store_failed") isUntouched();
    });
  }

  it("a second name of somebody's file as the note about the holder leaves the file as it is", () => {
    using home = new Home();
    const locks = locksOf(home);
    createSpendStore(home.paths).ensure(name);
    const theirs = join(home.userHome, "theirs");
    writeFileSync(theirs, "theirs");
    linkSync(theirs, join(home.paths.spend(name), "holder"));
    locks.tryTake(name)?.release();
    assert.equal(readFileSync(theirs, "utf8"), "theirs");
  });

  for (const [where, pathOf] of [
    ["the folder of all accounts", (home: Home) => join(home.paths.spend(name), "..")],
    ["the account's folder", (home: Home) => home.paths.spend(name)],
  ] as const) {
    it(`a link to a folder elsewhere as ${where} is refused, and nothing is put there`, async () => {
      using home = new Home();
      createSpendStore(home.paths).ensure(name);
      const target = join(home.userHome, "elsewhere");
      const path = pathOf(home);
      renameSync(path, target);
      symlinkSync(target, path);
      const before = readdirSync(target, { recursive: true });
      assert.equal(await codeOf(() => locksOf(home).tryTake(name)), "store_unsafe");
      assert.deepEqual(readdirSync(target, { recursive: true }), before);
    });

    it(`a file as ${where} is refused`, async () => {
      using home = new Home();
      createSpendStore(home.paths).ensure(name);
      rmSync(pathOf(home), { recursive: true });
      writeFileSync(pathOf(home), "theirs");
      assert.equal(await codeOf(() => locksOf(home).tryTake(name)), "store_unsafe");
      assert.equal(readFileSync(pathOf(home), "utf8"), "theirs");
    });
  }

  it("junk is refused, and it is said what to do", async () => {
    using home = new Home();
    createSpendStore(home.paths).ensure(name);
    const path = join(home.paths.spend(name), "lock");
    const junk = "no database at all ".repeat(500);
    writeFileSync(path, junk);
    const error = await Promise.resolve()
      .then(() => locksOf(home).tryTake(name))
      .catch((reason: unknown) => reason as Error & { code: string; exitCode: number });
    assert.ok(error instanceof Error);
    assert.deepEqual([error.code, error.exitCode], ["store_unsafe", 6]);
    assert.match(error.message, /lock is damaged; remove it when no process uses this login/);
    assert.equal(readFileSync(path, "utf8"), junk);
    rmSync(path);
    const lock = locksOf(home).tryTake(name);
    assert.ok(lock !== null);
    lock.release();
  });
});

/** A clock that stands at this moment (ms) until it is set forward. */
function clockOf(context: TestContext): { at: number } {
  const clock = { at: 1_000 };
  context.mock.method(performance, "now", () => clock.at);
  return clock;
}

describe("waiting for the lock", () => {
  it("goes on after a stop of this process, however long, and ends with a try", (context) => {
    const clock = clockOf(context);
    const tries = pauses(3_000);
    for (let stops = 0; stops < 3; stops += 1) {
      assert.ok((tries.next().value ?? 0) > 0, `after ${stops} stops there is time left`);
      clock.at += 60_000;
    }
    assert.deepEqual(tries.next(), { value: 0, done: false });
    assert.equal(tries.next().done, true);
  });

  it("has its time, and no more", (context) => {
    const clock = clockOf(context);
    const begun = clock.at;
    for (const pause of pauses(45_000)) clock.at += pause;
    assert.ok(clock.at - begun >= 45_000 && clock.at - begun <= 45_250, String(clock.at - begun));
  });

  it("takes what was given back while this process was stopped", async () => {
    using home = new Home();
    const locks = locksOf(home);
    const lock = locks.tryTake(name);
    assert.ok(lock !== null);
    const waiting = locks.take(name, 50);
    await setImmediate();
    lock.release();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    const taken = await waiting;
    assert.ok(taken !== null);
    taken.release();
  });
});
