// The journal keeps what every process did, whole and in order, holds nothing that is not on its list, and never fails,
// holds up or endangers what it tells about (T37, T42, T44, T46, T48).
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { catalogue } from "../../machines/catalogue.ts";
import { createJournal, rotatedIn } from "../../runtime/inspect/journal.ts";
import { readJournal } from "../../runtime/inspect/reading.ts";
import { type Entry, type JournalRecord, lineOf, recordOf, steps } from "../../runtime/inspect/record.ts";
import { shownAccount } from "../../runtime/inspect/takes.ts";
import { Secret } from "../../runtime/secret.ts";
import { nameOfFile, type Paths } from "../../runtime/store/names.ts";
import { createStore } from "../../runtime/store/store.ts";
import { Home, modeOf } from "../support/home.ts";
import { until } from "../support/stage.ts";

const name = { provider: "codex", account: "default" };
const nth = (generation: number): Entry => ({ step: "checkpointed", ...name, generation });

const umask = process.umask();
afterEach(() => {
  process.umask(umask);
});

const read = (home: Home): JournalRecord[] => [...readJournal(home.paths)];
const generations = (records: readonly JournalRecord[]) => records.map(({ generation }) => generation);
const files = ({ journal, oauth }: Paths): string[] => [...rotatedIn(oauth), journal];
const linesIn = (path: string): string[] => readFileSync(path, "utf8").split("\n").slice(0, -1);

describe("a line", () => {
  const full = {
    step: "repeated",
    provider: "codex",
    account: "work@example.com",
    lineage: "l".repeat(22),
    generation: 7,
    attempt: 1,
    signIn: "s".repeat(27),
    grant: "device",
    code: "network_timeout",
    word: "invalid_grant",
    expiresAt: 1_795_000_000_000,
    retryAt: null,
    deadlineAt: 1_795_000_000_001,
    holder: { pid: 4711, at: 1_794_999_999_999 },
    revocation: "failed",
    move: {
      machine: "device",
      actor: 2,
      event: { type: "xstate.done.actor.poll", output: { kind: "pending", endedAt: 1_794_999_999_000 } },
      value: "awaitingPoll.resting",
      status: "active",
      taken: ["awaitingPoll.polling>awaitingPoll.resting"],
      timers: [{ id: "pollAlarm", at: 1_795_000_004_000 }],
    },
  } as const satisfies Required<Entry>;

  it("says all that an entry may hold, when and by whom", () => {
    const line = lineOf(full, Date.UTC(2026, 10, 23, 10, 11, 12, 13), 99);
    assert.deepEqual(JSON.parse(line ?? ""), { v: 1, at: "2026-11-23T10:11:12.013Z", pid: 99, ...full });
    assert.deepEqual(recordOf(line ?? ""), JSON.parse(line ?? ""));
  });

  it("is not written when it does not say what happened to whom", () => {
    for (const member of ["step", "provider", "account"] as const)
      assert.equal(lineOf({ ...full, [member]: "Not of ours" }, 0, 1), null, member);
    for (const nothing of [undefined, null, 1, "text", [], () => full]) assert.equal(lineOf(nothing, 0, 1), null);
  });

  it("leaves out what does not fit, and nothing else", () => {
    const { code: _, ...others } = full;
    const given = { ...full, code: "no_code_of_ours", access_token: "a", at: "yesterday", v: 2, pid: 0 };
    assert.deepEqual(JSON.parse(lineOf(given, 0, 1) ?? ""), {
      v: 1,
      at: "1970-01-01T00:00:00.000Z",
      pid: 1,
      ...others,
    });
    const { holder: __, ...holderless } = full;
    const half = { ...full, holder: { pid: 1 } };
    assert.deepEqual(JSON.parse(lineOf(half, 0, 1) ?? ""), {
      v: 1,
      at: "1970-01-01T00:00:00.000Z",
      pid: 1,
      ...holderless,
    });
  });

  it("shows a name that is as long as a key by its digest, and the same name the same way", () => {
    const long = `${"a".repeat(40)}@example.com`;
    const shown = shownAccount(long);
    assert.match(shown, /^sha256:[0-9a-f]{16}$/);
    assert.equal(recordOf(lineOf({ ...full, account: long }, 0, 1) ?? "")?.account, shown);
    assert.equal(shownAccount("work"), "work");
  });

  it("has a word for every step", () => {
    for (const [step, meaning] of Object.entries(steps)) {
      assert.match(meaning, /^[A-Z].+\.$/);
      assert.ok(lineOf({ ...full, step }, 0, 1)?.includes(`"step":"${step}"`));
    }
  });
});

/** What secrets look like that pass through here. None fits a member by its shape; names and handles are shorter. */
const secrets = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{33,128}$/),
  fc.stringMatching(/^ey[A-Za-z0-9_-]{20,60}\.[A-Za-z0-9_-]{20,80}\.[A-Za-z0-9_-]{43}$/),
  fc.stringMatching(/^1\/\/0[A-Za-z0-9_-]{40,90}$/),
  fc.stringMatching(/^[A-Za-z0-9+/]{40,60}==$/),
  fc.stringMatching(/^ya29\.[A-Za-z0-9_-]{60,200}$/),
  fc.stringMatching(/^Bearer [A-Za-z0-9._-]{20,60}$/),
  fc.stringMatching(/^https:\/\/example\.com\/callback\?code=[a-z0-9]{20}&state=[a-z0-9]{20}$/),
);
type Fits = (value: unknown) => boolean;
const text =
  (pattern: RegExp): Fits =>
  (value) =>
    typeof value === "string" && pattern.test(value);
const whole: Fits = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const oneOf =
  (words: readonly string[]): Fits =>
  (value) =>
    words.includes(value as string);
const orNull =
  (fit: Fits): Fits =>
  (value) =>
    value === null || fit(value);

/** What each member of a line may look like. */
const fits: Readonly<Record<string, Fits>> = {
  v: (value) => value === 1,
  at: (value) => value === "1970-01-01T00:00:00.000Z",
  pid: (value) => value === 1,
  step: oneOf(Object.keys(steps)),
  provider: text(/^[a-z][a-z0-9_]{0,31}$/),
  account: text(/^[A-Za-z0-9._@-]{1,32}$|^sha256:[0-9a-f]{16}$/),
  lineage: orNull(text(/^[\w-]{22}$/)),
  generation: orNull(whole),
  attempt: whole,
  signIn: text(/^[\w-]{27}$/),
  grant: oneOf(["loopback", "paste", "device"]),
  code: orNull(oneOf(Object.keys(catalogue))),
  word: orNull(text(/^(invalid|refresh_token|unauthorized|access|expired)_[a-z]+$/)),
  expiresAt: orNull(whole),
  retryAt: orNull(whole),
  deadlineAt: orNull(whole),
  holder: (value) =>
    isDeepStrictEqual(Object.keys(value as object), ["pid", "at"]) && Object.values(value as object).every(whole),
  revocation: oneOf(["revoked", "failed", "unsupported", "skipped", "nothing"]),
};

const listed = Object.keys(fits).filter((member) => !["v", "at", "pid"].includes(member));

/** The ways in which a careless or hostile caller could pass a value as a member. */
const passed: ReadonlyArray<(entry: Record<string, unknown>, member: string, secret: string) => unknown> = [
  (entry, member, secret) => ({ ...entry, [member]: secret }),
  (entry, member, secret) => ({ ...entry, [member]: new Secret("access_token", secret) }),
  (entry, member, secret) => ({ ...entry, [member]: { pid: secret, at: secret, [secret]: secret } }),
  (entry, member, secret) => ({ ...entry, [member]: [secret] }),
  (entry, member, secret) => ({ ...entry, [member]: new String(secret) }),
  (entry, member, secret) => ({ ...entry, [member]: { toJSON: () => secret, toString: () => secret } }),
  (entry, member, secret) => ({ ...entry, [secret]: entry[member], [`${member}2`]: secret }),
  (entry, member, secret) => Object.assign(Object.create({ ...entry, [member]: secret }) as object, { other: secret }),
  (entry, member, secret) => {
    // Answers well when it is looked at, and otherwise when it is taken.
    let asked = 0;
    return Object.defineProperty({ ...entry }, member, { get: () => (asked++ === 0 ? entry[member] : secret) });
  },
  (entry, member, secret) =>
    Object.defineProperty({ ...entry }, member, {
      get: () => {
        throw new Error(secret);
      },
    }),
  (_, __, secret) =>
    new Proxy(
      {},
      {
        get: () => secret,
        has: () => true,
        ownKeys: () => [secret],
      },
    ),
  (entry, _, secret) => Object.assign(Object.create(null) as object, entry, { toJSON: () => secret }),
];

describe("whatever a caller passes", () => {
  const plain: Record<string, unknown> = { step: "refused", ...name, generation: 1, code: "refresh_refused" };

  it("no secret gets in, by any member and in any guise", () => {
    fc.assert(
      fc.property(secrets, fc.constantFrom(...listed), fc.constantFrom(...passed), (secret, member, pass) => {
        const line = lineOf(pass(plain, member, secret), 0, 1) ?? "";
        for (const form of [secret, encodeURIComponent(secret), secret.slice(0, 12), secret.slice(-12)])
          assert.ok(!line.includes(form), line);
      }),
      { numRuns: 3_000 },
    );
  });

  it("a line holds words, names, numbers and handles, and is short; nothing is thrown", () => {
    const words = [
      "constructor",
      "__proto__",
      "toString",
      "codex",
      "default",
      "l".repeat(22),
      "s".repeat(27),
      "device",
    ];
    const anything = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true }),
      fc.constantFrom(...words, ...Object.keys(steps), ...Object.keys(catalogue)),
      fc.double(),
      fc.string({ maxLength: 100 }),
      fc.constant("x".repeat(1_000_000)),
      fc.record({ pid: fc.oneof(fc.nat(), fc.string()), at: fc.oneof(fc.nat(), fc.string()) }),
    );
    let written = 0;
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...listed, "v", "at", "pid", "__proto__"), anything),
        fc.constantFrom(plain, {}),
        (given, over) => {
          const line = lineOf({ ...given, ...over }, 0, 1);
          if (line === null) return;
          written += 1;
          assert.ok(line.length < 1_000 && !line.includes("\n"), line);
          for (const [member, value] of Object.entries(JSON.parse(line) as object))
            assert.ok(fits[member]?.(value), `${member}: ${String(value)}`);
        },
      ),
      { numRuns: 3_000 },
    );
    assert.ok(written > 500);
    assert.doesNotThrow(() => lineOf(Proxy.revocable({}, {}).proxy, 0, 1));
  });

  it("nothing is thrown to the caller either, and the next record is written", () => {
    using home = new Home();
    const journal = createJournal(home.paths.journal, home.now);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const bad of [proxy, null, 1n, Symbol("a")]) journal.note(bad as unknown as Entry);
    createJournal(home.paths.journal, () => Number.NaN).note(nth(0));
    assert.ok(!existsSync(home.paths.home), "and nothing was created for it");
    journal.note(nth(1));
    assert.deepEqual(generations(read(home)), [1]);
  });
});

/** Whether a tool of the system is there, and does what it is needed for. */
function can(tool: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(tool, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const modules = ["inspect/journal.ts", "store/names.ts"].map(
  (path) => new URL(`../../runtime/${path}`, import.meta.url),
);

/** Notes as many entries as it is told, once everybody is ready. */
const writer = `
  const [journal, names, home, count, mask] = process.argv.slice(1);
  process.umask(Number(mask));
  const { createJournal } = await import(journal);
  const { pathsIn } = await import(names);
  const { note } = createJournal(pathsIn(home).journal, Date.now);
  process.stdin.once("data", () => {
    for (let generation = 0; generation < Number(count); generation += 1)
      note({ step: "repeated", provider: "codex", account: "default", generation, lineage: "l".repeat(22), attempt: 1,
        signIn: "s".repeat(27), code: "network_timeout", expiresAt: 1, retryAt: 1, holder: { pid: 1, at: 1 } });
    process.stdin.destroy();
  });
  process.stdout.write("ready");
`;

interface Writing {
  readonly mask?: number;
  /** A program that runs the nth of them, and its options. */
  readonly under?: (index: number) => readonly string[];
}

async function writers(
  home: Home,
  many: number,
  count: number,
  { mask = 0o022, under = () => [] }: Writing = {},
): Promise<ChildProcess[]> {
  const node = [process.execPath, "--input-type=module", "-e", writer];
  const args = [...node, ...modules.map(String), home.paths.home, `${count}`, `${mask}`];
  const made = Array.from({ length: many }, (_, index) => {
    const [program, ...options] = [...under(index), ...args];
    return spawn(program ?? "", options, { stdio: ["pipe", "pipe", "inherit"] });
  });
  await Promise.all(made.map((child) => new Promise((resolve) => child.stdout.once("data", resolve))));
  for (const child of made) child.stdin.write("go");
  return made;
}

const ended = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });

/** Each process's records stand in the order in which it wrote them. */
function inOrder(records: readonly JournalRecord[]): void {
  const last = new Map<number, number>();
  for (const { pid, generation } of records) {
    assert.ok((generation ?? -1) > (last.get(pid) ?? -1), `${pid} wrote ${generation} after ${last.get(pid)}`);
    last.set(pid, generation ?? 0);
  }
}

describe("what goes on failing", () => {
  it("has one line for an account, until something else happens to it", () => {
    using home = new Home();
    const { note, noteNews } = createJournal(home.paths.journal, home.now);
    const entry: Entry = { step: "hindered", ...name, code: "store_failed" };
    const count = (): number => read(home).length;
    for (const _ of [1, 2, 3]) noteNews(entry);
    assert.equal(count(), 1);
    for (const other of [
      { ...entry, account: "work" },
      { ...nth(7), account: "work" },
    ])
      note(other);
    noteNews(entry);
    assert.equal(count(), 3, "another account's lines are none of this one's");
    noteNews({ ...entry, code: "client_missing" });
    noteNews({ ...entry, code: "client_missing" });
    noteNews(entry);
    assert.equal(count(), 5);
    note(nth(8));
    noteNews(entry);
    assert.equal(count(), 7);
  });
});

describe("many processes", () => {
  it("lose and tear nothing, over two rotations", { timeout: 60_000 }, async () => {
    using home = new Home();
    const count = 1_100;
    const children = await writers(home, 8, count);
    // Somebody who reads meanwhile is shown whole records of one process in order, as far as they go.
    let rounds = 0;
    const all = Promise.all(children.map(ended)).then(() => true);
    while (!(await Promise.race([all, new Promise<false>((resolve) => setTimeout(resolve, 20, false))]))) {
      inOrder(read(home));
      rounds += 1;
    }
    assert.ok(rounds > 0);
    const records = read(home);
    inOrder(records);
    for (const { pid } of children)
      assert.equal(records.filter((record) => record.pid === pid).length, count, `records of ${pid}`);
    assert.equal(records.length, 8 * count);
    for (const path of files(home.paths)) {
      assert.equal(modeOf(path), "0600");
      assert.ok(statSync(path).size <= 1024 * 1024 + 2_000, `${path}: ${statSync(path).size}`);
      // Who looks at the end while another one writes there leaves an empty line.
      for (const line of linesIn(path)) assert.ok(line === "" || recordOf(line) !== null, line);
    }
    assert.ok(files(home.paths).length >= 3, "it was rotated twice");
  });

  it("killed at any moment take nobody's records with them", { timeout: 60_000 }, async () => {
    using home = new Home();
    const [survivor, ...victims] = await writers(home, 5, 1_500);
    for (const [index, victim] of victims.entries()) {
      await until(() => existsSync(home.paths.journal), "somebody wrote");
      await new Promise((resolve) => setTimeout(resolve, 5 + index * 5));
      victim.kill("SIGKILL");
    }
    await Promise.all([survivor, ...victims].map((child) => ended(child as ChildProcess)));
    const records = read(home);
    const of = (child: ChildProcess | undefined) => records.filter(({ pid }) => pid === child?.pid);
    assert.equal(of(survivor).length, 1_500);
    const killed = victims.map((victim) => of(victim).length);
    assert.ok(
      killed.some((many) => many < 1_500),
      `${killed.join()} of 1500`,
    );
    for (const victim of victims)
      assert.deepEqual(
        generations(of(victim)),
        of(victim).map((_, index) => index),
      );
  });
});

const traced = (...filters: readonly string[]) => ["strace", "-f", "-qq", ...filters];

/** Holds up the nth process before these calls. Times are microseconds. */
const heldUp = (calls: string, first: number, more: number) => (index: number) =>
  traced("-o", "/dev/null", "-e", `trace=${calls}`, "-e", `inject=${calls}:delay_enter=${first + index * more}`);

describe("seen by the system", { skip: !can("strace", "-V") && "no strace" }, () => {
  it("a note is one write, and everything is created for the owner alone", { timeout: 60_000 }, async () => {
    using home = new Home();
    const log = join(home.userHome, "calls");
    const under = traced("-y", "-e", "trace=openat,mkdir,write,writev,pwrite64,pwritev", "-o", log);
    await Promise.all((await writers(home, 1, 20, { mask: 0, under: () => under })).map(ended));
    const calls = readFileSync(log, "utf8")
      .split("\n")
      .filter((call) => call.includes(home.paths.home) && !call.includes("EEXIST"));
    assert.equal(calls.filter((call) => / p?writev?(?:64)?\(/.test(call)).length, 20);
    const created = calls.filter((call) => call.includes("O_CREAT"));
    assert.equal(created.length, 1);
    assert.match(created[0] ?? "", /O_APPEND.*O_EXCL|O_EXCL.*O_APPEND/);
    assert.match(created[0] ?? "", /O_NOFOLLOW.*, 0600\)/);
    for (const call of calls.filter((each) => each.includes(" mkdir("))) assert.match(call, /, 0700\)/);
  });

  it("who finds that another one has rotated leaves the young file alone", { timeout: 60_000 }, async () => {
    using home = new Home();
    createJournal(home.paths.journal, home.now).note(nth(0));
    fill(home, 1024 * 1024);
    // Everybody finds the file full, and is held up on his way to a free name for it, each one longer.
    await Promise.all((await writers(home, 4, 100, { under: heldUp("getdents64", 200_000, 100_000) })).map(ended));
    assert.equal(rotatedIn(home.paths.oauth).length, 1);
    assert.equal(read(home).length, 401);
  });

  it("processes that rotate at once lose nothing", { timeout: 60_000 }, async () => {
    using home = new Home();
    createJournal(home.paths.journal, home.now).note(nth(0));
    fill(home, 1024 * 1024);
    // Everybody has looked long before he renames: the first one moves the full file, the others young ones.
    const under = heldUp("rename,renameat,renameat2", 500_000, 50_000);
    await Promise.all((await writers(home, 4, 100, { under })).map(ended));
    assert.ok(rotatedIn(home.paths.oauth).length > 1, "more than one was renamed");
    const records = read(home);
    inOrder(records);
    assert.equal(records.length, 401);
  });
});

describe("the file", () => {
  for (const mask of [0o000, 0o022, 0o077, 0o777]) {
    it(`and its folders are for their owner alone under umask ${mask.toString(8).padStart(3, "0")}`, async () => {
      using home = new Home();
      process.umask(mask);
      const { note } = createJournal(home.paths.journal, home.now);
      assert.ok(!existsSync(home.paths.home), "nothing is there before the first note");
      note(nth(0));
      fill(home, 1024 * 1024);
      note(nth(1));
      process.umask(umask);
      for (const folder of [home.paths.home, home.paths.oauth]) assert.equal(modeOf(folder), "0700", folder);
      assert.equal(home.files().length, 2);
      for (const file of home.files()) assert.equal(modeOf(file), "0600", file);
      await Promise.all((await writers(home, 3, 50, { mask })).map(ended));
      assert.equal(read(home).length, 152);
      for (const file of home.files()) assert.equal(modeOf(file), "0600", file);
    });
  }

  it("is taken away from others who could read it, and given back to its owner", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    for (const [index, mode] of [0o666, 0o640, 0o000].entries()) {
      chmodSync(home.paths.journal, mode);
      note(nth(index + 1));
      assert.equal(modeOf(home.paths.journal), "0600");
    }
    assert.deepEqual(generations(read(home)), [0, 1, 2, 3]);
  });

  it("is not written in a folder that others can write", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    for (const folder of [home.paths.oauth, home.paths.home]) {
      chmodSync(folder, 0o777);
      note(nth(1));
      chmodSync(folder, 0o700);
    }
    assert.deepEqual(generations(read(home)), [0]);
  });

  it("is no token file, and neither are its rotated ones", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    fill(home, 1024 * 1024);
    note(nth(1));
    assert.equal(files(home.paths).length, 2);
    assert.deepEqual(createStore(home.paths, home.now).list(), []);
    for (const file of readdirSync(home.paths.oauth)) assert.equal(nameOfFile(file), null);
  });

  it("is rotated at 1 MiB, and three are kept", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    for (let generation = 0; generation < 6; generation += 1) {
      note(nth(generation));
      fill(home, 1024 * 1024 - 300);
      note(nth(100 + generation));
      assert.equal(rotatedIn(home.paths.oauth).length, Math.min(generation, 3), "the last line still had room");
      fill(home, 1024 * 1024 - 20);
    }
    assert.deepEqual(generations(read(home)), [2, 102, 3, 103, 4, 104, 5, 105]);
  });

  it("keeps the order of its rotated ones when the clock is set back by years", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    for (let generation = 0; generation < 5; generation += 1) {
      note(nth(generation));
      fill(home, 1024 * 1024);
      home.ahead -= 10 * 365 * 86_400_000;
    }
    assert.deepEqual(generations(read(home)), [1, 2, 3, 4]);
  });

  it("keeps that order on a disk whose files have no birthday: it is in their names", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    for (let generation = 0; generation < 3; generation += 1) {
      note(nth(generation));
      fill(home, 1024 * 1024);
    }
    note(nth(3));
    const [oldest = "", , newest = ""] = rotatedIn(home.paths.oauth);
    const aside = join(home.userHome, "aside");
    renameSync(oldest, aside);
    renameSync(newest, oldest);
    renameSync(aside, newest);
    assert.deepEqual(generations(read(home)), [2, 1, 0, 3]);
  });

  it("that two processes rotated at once loses nothing: a short one pushes no full one out", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    for (let generation = 0; generation < 4; generation += 1) {
      note(nth(generation));
      fill(home, 1024 * 1024);
    }
    note(nth(4));
    // The second one had looked before the first one renamed, and so took the young file, under the same number.
    const [newest = ""] = rotatedIn(home.paths.oauth).slice(-1);
    renameSync(home.paths.journal, newest.replace(/-[0-9a-f]{8}\./, "-00000000."));
    note(nth(5));
    fill(home, 1024 * 1024);
    note(nth(6));
    assert.deepEqual(generations(read(home)), [2, 3, 4, 5, 6]);
  });

  it("that has a second name is somebody's copy: it is left as it is, and ours goes on in a new one", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    const copy = join(home.userHome, "copy.jsonl");
    linkSync(home.paths.journal, copy);
    const before = readFileSync(copy);
    note(nth(1));
    assert.deepEqual(readFileSync(copy), before);
    assert.deepEqual(generations(read(home)), [0, 1]);
  });
});

/** Makes the file so long, with what looks like a record and is none. */
function fill({ paths }: Home, bytes: number): void {
  const missing = bytes - statSync(paths.journal).size;
  appendFileSync(paths.journal, `${"#".repeat(missing - 1)}\n`);
}

describe("what other programs and power cuts leave", () => {
  it("a last line without an end is ended by the next note", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    note(nth(1));
    truncateSync(home.paths.journal, statSync(home.paths.journal).size - 10);
    assert.deepEqual(generations(read(home)), [0]);
    note(nth(2));
    assert.deepEqual(generations(read(home)), [0, 2]);
    assert.equal(linesIn(home.paths.journal).length, 3);
  });

  it("a record right behind a torn one is found, and one whose end is missing counts", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    const line = readFileSync(home.paths.journal, "utf8");
    appendFileSync(home.paths.journal, line.slice(0, 40) + line + "\0".repeat(9_000) + line + line.trimEnd());
    assert.equal(read(home).length, 4);
  });

  it("lines of newer versions, of other programs, cut characters and endless ones are passed over", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    const own = JSON.parse(readFileSync(home.paths.journal, "utf8")) as object;
    const others: readonly unknown[] = [
      { ...own, v: 2 },
      { ...own, v: "1" },
      { ...own, step: "later" },
      { ...own, at: "2026-13-40T00:00:00.000Z" },
      { ...own, at: "\u001b[2J" },
      { ...own, pid: -1 },
      { v: 1 },
      [own],
      null,
      "text",
      { newer: own, v: 2 },
    ];
    const texts = ["", "\r", "{", "x".repeat(300_000), ...others.map((value) => JSON.stringify(value))];
    appendFileSync(home.paths.journal, Buffer.concat([Buffer.from(texts.join("\n")), Buffer.from([0xff, 0xc3, 0x0a])]));
    note(nth(1));
    assert.deepEqual(generations(read(home)), [0, 1]);
    // Members that fit are read, as they were written; whatever else is there is not shown to anybody.
    appendFileSync(home.paths.journal, `${JSON.stringify({ ...own, code: "\u001b[2J", more: "x", generation: 2 })}\n`);
    assert.deepEqual(read(home)[2], { ...own, generation: 2 });
  });

  it("a file without end is read from its end, in little memory", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    truncateSync(home.paths.journal, 2 ** 40);
    appendFileSync(home.paths.journal, "\n");
    const line = lineOf(nth(1), 0, 1) ?? "";
    appendFileSync(home.paths.journal, `${line}\n`);
    const before = process.memoryUsage().arrayBuffers;
    assert.deepEqual(generations(read(home)), [1]);
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
    note(nth(2));
    assert.deepEqual(generations(read(home)), [1, 2], "and it is rotated");
  });

  it("nothing at all is no record", () => {
    using home = new Home();
    assert.deepEqual(read(home), []);
    assert.ok(!existsSync(home.paths.home));
  });
});

/** What somebody may put in the place of the journal or of a rotated one. Answers a check that it is untouched. */
const intruders: Readonly<Record<string, (home: Home, path: string) => () => void>> = {
  "a symbolic link": (home, path) => {
    const target = join(home.userHome, "elsewhere");
    writeFileSync(target, "theirs");
    symlinkSync(target, path);
    return () => {
      assert.equal(readFileSync(target, "utf8"), "theirs");
      assert.ok(lstatSync(path).isSymbolicLink());
    };
  },
  "a link to nothing": (home, path) => {
    symlinkSync(join(home.userHome, "nothing"), path);
    return () => {
      assert.ok(!existsSync(join(home.userHome, "nothing")));
    };
  },
  "a link to a full device": (_, path) => {
    symlinkSync("/dev/full", path);
    return () => {
      assert.ok(lstatSync(path).isSymbolicLink());
    };
  },
  "a pipe that nobody reads": (_, path) => {
    execFileSync("mkfifo", ["-m", "600", path]);
    return () => {
      assert.ok(lstatSync(path).isFIFO());
    };
  },
  "a folder": (_, path) => {
    mkdirSync(path);
    return () => {
      assert.deepEqual(readdirSync(path), []);
    };
  },
};

describe("in its place", { skip: process.platform === "win32" }, () => {
  for (const [what, put] of Object.entries(intruders))
    it(`${what} is neither followed, waited for nor written to`, () => {
      using home = new Home();
      mkdirSync(home.paths.oauth, { recursive: true, mode: 0o700 });
      chmodSync(home.paths.home, 0o700);
      const isUntouched = put(home, home.paths.journal);
      const { note } = createJournal(home.paths.journal, home.now);
      note(nth(0));
      assert.deepEqual(read(home), []);
      isUntouched();
      assert.deepEqual(readdirSync(home.paths.oauth), ["journal.jsonl"]);
    });

  for (const [what, put] of Object.entries(intruders))
    it(`${what} among the rotated ones neither stops the writing nor the reading`, () => {
      using home = new Home();
      mkdirSync(home.paths.oauth, { recursive: true, mode: 0o700 });
      chmodSync(home.paths.home, 0o700);
      const isUntouched = put(home, join(home.paths.oauth, "journal-000001-00000000.jsonl"));
      const { note } = createJournal(home.paths.journal, home.now);
      for (let generation = 0; generation < 3; generation += 1) {
        note(nth(generation));
        fill(home, 1024 * 1024);
      }
      assert.deepEqual(generations(read(home)), [0, 1, 2]);
      isUntouched();
      for (let generation = 3; generation < 6; generation += 1) {
        note(nth(generation));
        fill(home, 1024 * 1024);
      }
      assert.deepEqual(generations(read(home)), [2, 3, 4, 5]);
    });

  it("a pipe somebody does read gets nothing", async () => {
    using home = new Home();
    mkdirSync(home.paths.oauth, { recursive: true, mode: 0o700 });
    chmodSync(home.paths.home, 0o700);
    execFileSync("mkfifo", ["-m", "600", home.paths.journal]);
    const reader = spawn("cat", [home.paths.journal], { stdio: ["ignore", "pipe", "inherit"] });
    let heard = "";
    reader.stdout.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    // Waits for the reader, and is what keeps it waiting.
    const open = openSync(home.paths.journal, "w");
    createJournal(home.paths.journal, home.now).note(nth(0));
    writeSync(open, "end");
    closeSync(open);
    await new Promise((resolve) => reader.once("close", resolve));
    assert.equal(heard, "end");
  });
});

/** Notes into a home on a disk of four pages, before, while and after something else fills it. */
const cramped = `
  const { appendFileSync, rmSync, writeFileSync } = await import("node:fs");
  const [journal, names, reading, home] = process.argv.slice(1);
  const { createJournal } = await import(journal);
  const { readJournal } = await import(reading);
  const { pathsIn } = await import(names);
  const paths = pathsIn(home);
  const { note } = createJournal(paths.journal, Date.now);
  const noteNth = (generation) => note({ step: "checkpointed", provider: "codex", account: "default", generation });
  noteNth(0);
  const ballast = home + "/ballast";
  try { for (;;) appendFileSync(ballast, " ".repeat(4096)); } catch (error) { if (error.code !== "ENOSPC") throw error; }
  for (let generation = 1; generation < 100; generation += 1) noteNth(generation);
  rmSync(ballast);
  noteNth(100);
  noteNth(101);
  process.stdout.write(JSON.stringify([...readJournal(paths)].map(({ generation }) => generation)));
`;

const nobody = 65_534;

/** As somebody who is not root: to root no folder is read-only. */
function asNobody(home: Home, work: () => void): void {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) {
    const below = readdirSync(home.userHome, { recursive: true }).map((path) => join(home.userHome, String(path)));
    for (const path of [home.userHome, ...below]) chownSync(path, nobody, nobody);
    process.seteuid?.(nobody);
  }
  try {
    work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe("a disk that takes nothing", { skip: process.platform === "win32" }, () => {
  it(
    "because it is full loses the record, and no other",
    { skip: !can("unshare", "-rm", "true") && "no namespaces" },
    () => {
      using home = new Home();
      mkdirSync(home.paths.home, { mode: 0o700 });
      const reading = new URL("../../runtime/inspect/reading.ts", import.meta.url).href;
      const mounted = 'mount -t tmpfs -o size=16k,mode=700 none "$1" && shift && exec "$@"';
      const node = [process.execPath, "--input-type=module", "-e", cramped];
      const args = [...modules.map(String), reading, home.paths.home];
      const said = execFileSync("unshare", ["-rm", "sh", "-c", mounted, "sh", home.paths.home, ...node, ...args]);
      const kept = JSON.parse(said.toString()) as number[];
      assert.deepEqual(
        kept,
        kept.toSorted((a, b) => a - b),
      );
      assert.ok(kept.length < 102, "the disk was full");
      for (const generation of [0, 1, 100, 101]) assert.ok(kept.includes(generation), kept.join());
    },
  );

  it("because its folder is read-only loses the record, and grows no file for ever", () => {
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    asNobody(home, () => {
      chmodSync(home.paths.oauth, 0o500);
      note(nth(1));
      assert.deepEqual(generations(read(home)), [0, 1], "what is there can be written");
      fill(home, 1024 * 1024);
      note(nth(2));
      assert.deepEqual(generations(read(home)), [0, 1, 2], "and cannot be rotated");
      fill(home, 2 * 1024 * 1024 + 1);
      note(nth(3));
      assert.deepEqual(generations(read(home)), [0, 1, 2]);
      chmodSync(home.paths.oauth, 0o700);
      note(nth(4));
      assert.deepEqual(generations(read(home)), [0, 1, 2, 4]);
      const copy = join(home.userHome, "copy.jsonl");
      linkSync(home.paths.journal, copy);
      const before = readFileSync(copy);
      chmodSync(home.paths.oauth, 0o500);
      note(nth(5));
      assert.deepEqual(readFileSync(copy), before, "somebody's copy is left as it is");
      chmodSync(home.paths.oauth, 0o700);
    });
  });

  it("because nothing may be created there loses the record", () => {
    using home = new Home();
    mkdirSync(home.paths.home, { mode: 0o500 });
    asNobody(home, () => {
      const journal = createJournal(home.paths.journal, home.now);
      journal.note(nth(0));
      assert.deepEqual(readdirSync(home.paths.home), []);
      chmodSync(home.paths.home, 0o700);
      mkdirSync(home.paths.oauth, { mode: 0o500 });
      journal.note(nth(1));
      assert.deepEqual(readdirSync(home.paths.oauth), []);
      chmodSync(home.paths.oauth, 0o700);
      journal.note(nth(2));
      assert.deepEqual(generations(read(home)), [2]);
    });
  });

  it("because the file is another user's is not written to, nor read", (t) => {
    if (process.geteuid?.() !== 0) {
      t.skip("only root makes files of others");
      return;
    }
    using home = new Home();
    const { note } = createJournal(home.paths.journal, home.now);
    note(nth(0));
    const before = readFileSync(home.paths.journal, "utf8");
    asNobody(home, () => {
      process.seteuid?.(0);
      chownSync(home.paths.journal, 12_345, 12_345);
      chmodSync(home.paths.journal, 0o666);
      process.seteuid?.(nobody);
      note(nth(1));
      assert.deepEqual(read(home), []);
    });
    assert.equal(readFileSync(home.paths.journal, "utf8"), before);
  });
});
