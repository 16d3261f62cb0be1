// Threats to what is kept in files: who else may read them, what is put in their place, and what a disk does to them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Secret } from "../../runtime/secret.ts";
import { checkAccountName, checkProviderName, nameOfFile, stemOf } from "../../runtime/store/names.ts";
import { createPendingStore } from "../../runtime/store/pending.ts";
import { createStore } from "../../runtime/store/store.ts";
import { commandLine } from "../cli/program.ts";
import { failingDisk, fullDisk } from "../support/failing.ts";
import { Home, type Json, modeOf, plainTokens } from "../support/home.ts";
import { sampleAttempt, sampleCredential } from "../support/sample.ts";
import { intruders } from "../support/intruders.ts";
import { presented } from "../support/spending.ts";
import { codeOf, signIn, type Stage, stage, until } from "../support/stage.ts";
import { canTrace, traced } from "../support/trace.ts";
import { signedIn } from "./captured.ts";
import { rule } from "./rule.ts";

const codex = { provider: "codex", account: "default" };
const seconds = (): number => Math.floor(Date.now() / 1000);

/** Does something under this umask. */
async function under(mask: number, work: () => unknown): Promise<void> {
  const before = process.umask(mask);
  try {
    await work();
  } finally {
    process.umask(before);
  }
}

rule(
  {
    id: "T42",
    source: "RFC 6819 5.1.4.1",
    says: "files and folders are their owner's alone from the first moment, whatever the umask",
  },
  {
    holds: {
      "0600 and 0700 under umask 000, 022, 077 and 0777": async () => {
        for (const mask of [0o000, 0o022, 0o077, 0o777]) {
          using home = new Home();
          await under(mask, () => {
            createPendingStore(home.paths).put(sampleAttempt());
            createStore(home.paths, home.now).write(codex, () => sampleCredential());
          });
          const { home: root, oauth, pending } = home.paths;
          for (const folder of [root, oauth, pending]) assert.equal(modeOf(folder), "0700", folder);
          assert.equal(home.files().length, 2);
          for (const file of home.files()) assert.equal(modeOf(file), "0600", file);
        }
      },
    },
    refuses: {
      "a moment in which others could read: as the system saw a refresh under umask 000": async () => {
        if (!canTrace) return;
        await using s = await stage();
        await (await signedIn(s, "codex")).close();
        renameSync(join(s.home.paths.oauth, ".spend"), join(s.home.paths.oauth, ".spent"));
        const env = { PATH: process.env["PATH"], HOME: s.home.userHome, LLXPRT_HOME: s.home.paths.home };
        const line = ["sh", "-c", `umask 000; exec "$@"`, "sh", ...commandLine, "codex", "token"];
        const { code, calls } = await traced(line, env, true);
        assert.equal(code, 0);
        const ours = calls.filter(({ told, failed }) => told.includes(s.home.paths.home) && !failed);
        const made = ours.filter(({ told }) => told.includes("O_CREAT"));
        assert.ok(made.length > 5, `${made.length} opened to be made`);
        // SQLite opens its empty lock files once more, which were made before.
        for (const { told, path } of made)
          assert.ok(/O_EXCL.*, 0600$/.test(told) || /\/(?:lock|door)$/.test(path), told);
        const folders = ours.filter(({ name }) => name.startsWith("mkdir"));
        assert.ok(folders.length > 0);
        for (const { told } of folders) assert.match(told, /, 0700$/);
        for (const { told } of ours.filter(({ name }) => name.includes("chmod"))) assert.match(told, /, 0[67]00$/);
        for (const file of s.home.files()) assert.equal(modeOf(file), "0600", file);
        for (const file of made.filter(({ told }) => !told.includes("O_EXCL")))
          assert.equal(existsSync(file.path) ? lstatSync(file.path).size : 0, 0, "a lock holds nothing");
      },
    },
    also: [{ file: "test/runtime/refresh/files.test.ts", words: "in the folder of a refresh are 0600 under umask" }],
  },
);

rule(
  {
    id: "T43",
    source: "RFC 6819 5.1.4.1",
    says: "a token file that others could read is taken from them, and that is said; in a folder that others can write nothing is believed",
  },
  {
    holds: {
      "a file with 0644 is used, and is 0600 then; a look changes nothing": async () => {
        await using s = await stage();
        const path = s.home.plant("codex", plainTokens());
        chmodSync(path, 0o644);
        const account = s.auth().account("codex");
        assert.equal(account.status().row.usable, "yes");
        assert.equal(modeOf(path), "0644");
        await account.token();
        assert.equal(modeOf(path), "0600");
        assert.match(s.notices.join(), /codex\.json could be read by others; it is 0600 now$/);
      },
    },
    refuses: {
      "a home or a folder of tokens with 0777, 0770 or 1777": async () => {
        await using s = await stage();
        await signIn(s, s.auth(), "gemini");
        const before = readFileSync(s.home.file("gemini"), "utf8");
        const sent = s.emulator.requests.length;
        for (const folder of [s.home.paths.home, s.home.paths.oauth]) {
          for (const mode of [0o777, 0o770, 0o1777]) {
            chmodSync(folder, mode);
            const account = s.auth().account("gemini");
            const { row, exitCode } = account.status();
            assert.deepEqual([row.usable, row.lastError, exitCode], ["no", "store_unsafe", 6]);
            for (const work of [account.token(), account.login()]) assert.equal(await codeOf(work), "store_unsafe");
          }
          chmodSync(folder, 0o700);
        }
        assert.equal(readFileSync(s.home.file("gemini"), "utf8"), before);
        assert.equal(s.emulator.requests.length, sent);
        assert.equal((await s.auth().account("gemini").token()).secret.reveal(), JSON.parse(before)["access_token"]);
      },
    },
  },
);

rule(
  {
    id: "T44",
    source: "CWE-59, CWE-61",
    says: "what somebody put in the place of a file is not followed, not waited for and not changed: it is an error that names it",
  },
  {
    holds: {
      "a home folder that is a link of one's own, and a second name of one's own file": async () => {
        await using s = await stage();
        const real = join(s.home.userHome, "dotfiles");
        execFileSync("mv", [s.home.paths.home, real]);
        symlinkSync(real, s.home.paths.home);
        const auth = s.auth();
        await signIn(s, auth, "gemini");
        const copy = join(s.home.userHome, "other.json");
        linkSync(s.home.file("gemini"), copy);
        const before = readFileSync(copy, "utf8");
        await auth.account("gemini").refresh({ force: true });
        assert.equal(readFileSync(copy, "utf8"), before, "the other name keeps what it had");
        assert.notEqual(readFileSync(s.home.file("gemini"), "utf8"), before);
      },
    },
    refuses: {
      "links, pipes, devices and folders for a token file, a lock and the folder of sign-ins": async () => {
        for (const [what, put] of Object.entries(intruders)) {
          await using s = await stage();
          await (await signedIn(s, "gemini")).close();
          const places = [
            s.home.file("gemini"),
            join(s.home.paths.spend({ ...codex, provider: "gemini" }), "lock"),
            ...(what === "a folder" ? [] : [s.home.paths.pending]),
          ];
          const sent = s.emulator.requests.length;
          for (const place of places) {
            const kept = `${place}.kept`;
            if (existsSync(place)) execFileSync("mv", [place, kept]);
            const isUntouched = put(s.home, place);
            const account = s.auth().account("gemini");
            const work = place === s.home.paths.pending ? account.login() : account.token();
            const error: unknown = await work.then(
              () => null,
              (reason: unknown) => reason,
            );
            assert.ok(error instanceof Error && "code" in error && "exitCode" in error, `${what} at ${place}`);
            assert.deepEqual([error.code, error.exitCode], ["store_unsafe", 6], error.message);
            assert.ok(error.message.includes(place), error.message);
            isUntouched();
            if (what === "a folder") rmdirSync(place);
            else rmSync(place);
            if (existsSync(kept)) execFileSync("mv", [kept, place]);
          }
          assert.equal(s.emulator.requests.length, sent, what);
          await s.auth().account("gemini").token();
          assert.equal(presented(s, "gemini"), 1);
        }
      },
      "links and pipes for the journal: what is done goes on without it": async () => {
        for (const put of [intruders["a link to somebody's file"], intruders["a pipe"]]) {
          await using s = await stage();
          mkdirSync(s.home.paths.oauth, { mode: 0o700 });
          const isUntouched = put(s.home, s.home.paths.journal);
          assert.equal((await signIn(s, s.auth(), "gemini")).row.state, "authenticated");
          isUntouched();
        }
      },
      "an oauth folder that is a link elsewhere": async () => {
        await using s = await stage();
        const elsewhere = join(s.home.userHome, "elsewhere");
        mkdirSync(elsewhere, { mode: 0o700 });
        symlinkSync(elsewhere, s.home.paths.oauth);
        assert.equal(await codeOf(s.auth().account("gemini").login()), "store_unsafe");
        assert.deepEqual(s.home.list(elsewhere), []);
      },
    },
    also: [{ file: "test/runtime/refresh/files.test.ts", words: "what somebody puts in the place of" }],
  },
);

const notNames = ".. . a/b a\\b %2e a%2fb CON nul.json com1 a. ä a:b ~ -x/../y a*"
  .split(" ")
  .concat("", "a\0b", "a b", "a\nb", "x".repeat(65));

rule(
  {
    id: "T45",
    source: "CWE-22, CWE-178",
    says: "no name of an account leads out of the folder, and no two accounts share a file",
  },
  {
    holds: {
      "plain names, of which each has a file of its own": () => {
        const names = ["default", "work", "me@example.com", "a_b", "a-b", "A.b", "x".repeat(64)];
        for (const name of names) assert.equal(checkAccountName(name), name);
        const all = ["a", "ab", "a_b"].flatMap((provider) =>
          names.map((account) => ({ provider: checkProviderName(provider), account })),
        );
        const stems = all.map(stemOf);
        assert.equal(new Set(stems).size, stems.length, stems.join(" "));
        for (const [index, stem] of stems.entries()) assert.deepEqual(nameOfFile(`${stem}.json`), all[index]);
      },
    },
    refuses: {
      "dots, separators, percents, NUL, devices of Windows, endings, great length; a hyphen for a provider":
        async () => {
          for (const name of notNames) assert.throws(() => checkAccountName(name), { code: "name_invalid" }, name);
          for (const name of ["a-b", "..", "a/b", "1a", "", "con", "__proto__", "x".repeat(33), "ä"])
            assert.throws(() => checkProviderName(name), { code: "name_invalid" }, name);
          await using s = await stage();
          for (const name of ["..", "../../escaped", "a/b"])
            assert.equal(await codeOf(async () => s.auth().account("gemini", name).login()), "name_invalid");
          assert.ok(!existsSync(s.home.paths.oauth));
        },
      "a name that differs from another one in case only: some disks would take them for one": async () => {
        await using s = await stage();
        const auth = s.auth();
        await signIn(s, auth, "gemini", { account: "Me" });
        const before = readFileSync(s.home.file("gemini", "Me"), "utf8");
        assert.equal(await codeOf(async () => auth.account("gemini", "me").login()), "name_invalid");
        assert.equal(readFileSync(s.home.file("gemini", "Me"), "utf8"), before);
      },
    },
    also: [{ file: "test/runtime/store.files.test.ts", words: "never meet: provider and account are told apart" }],
  },
);

/** Reads a file over and over, and tells how often it was not whole, or older than before. */
const reader = `
  const { readFileSync } = require("node:fs");
  const { workerData, parentPort } = require("node:worker_threads");
  let last = 0, reads = 0, torn = 0, back = 0;
  parentPort.postMessage("ready");
  do {
    try {
      const file = JSON.parse(readFileSync(workerData.path, "utf8"));
      const { generation } = file.llxprt_auth;
      if (file.access_token !== "token-" + generation) torn += 1;
      if (generation < last) back += 1;
      last = generation;
      reads += 1;
    } catch { torn += 1; }
  } while (Atomics.load(workerData.isOver, 0) === 0);
  parentPort.postMessage({ reads, torn, back });
`;

const nth = (generation: number) =>
  sampleCredential({ generation, accessToken: new Secret("access_token", `token-${generation}`) });

async function heard(worker: Worker): Promise<Json> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

rule(
  {
    id: "T46",
    source: "threat: torn files",
    says: "a reader sees the old login or the new one, whole, and never an older one again",
  },
  {
    holds: {
      "what was written is what is read, and nothing else is left": () => {
        using home = new Home();
        const store = createStore(home.paths, home.now);
        for (const generation of [1, 2]) store.write(codex, () => nth(generation));
        const found = store.read(codex);
        assert.ok(found.kind === "stored" && found.credential.accessToken.matches("token-2"));
        assert.deepEqual(home.list(home.paths.oauth), [home.file("codex")]);
      },
    },
    refuses: {
      "half a file, an empty one, an older one, to four readers during a hundred writes": async () => {
        using home = new Home();
        const store = createStore(home.paths, home.now);
        store.write(codex, () => nth(1));
        const isOver = new Int32Array(new SharedArrayBuffer(4));
        const workerData = { isOver, path: home.file("codex") };
        const readers = Array.from({ length: 4 }, () => new Worker(reader, { eval: true, workerData }));
        await Promise.all(readers.map(heard));
        for (let generation = 2; generation <= 100; generation += 1) store.write(codex, () => nth(generation));
        Atomics.store(isOver, 0, 1);
        for (const { reads, torn, back } of await Promise.all(readers.map(heard))) {
          assert.ok(reads > 0);
          assert.deepEqual([torn, back], [0, 0]);
        }
      },
    },
    also: [{ file: "test/runtime/store.writing.test.ts", words: "five hundred times shows no reader half a file" }],
  },
);

/** That the login lives, and that no refresh token was spent for nothing. */
async function livesOn(s: Stage, story: string): Promise<void> {
  const token = await s.auth().account("codex").token({ minTtlMs: 60_000 });
  assert.equal(s.emulator.standing(token.secret.reveal()), "live", story);
  assert.deepEqual([presented(s, "codex"), s.emulator.counters("codex").reuses], [1, 0], story);
}

/** A refresh on a disk that refuses eight changes from one on. @returns how many changes it was to make */
async function refreshedOn(code: string, first: number): Promise<number> {
  await using s = await stage();
  const auth = await signedIn(s, "codex");
  const { calls, outcome } = await (async () => {
    using disk = failingDisk(s.home.userHome, code, { first, count: 8 });
    const ended = await codeOf(auth.account("codex").token());
    return { calls: disk.calls(), outcome: ended };
  })();
  await auth.close();
  await livesOn(s, `${code} from change ${first} on: ${outcome}`);
  return calls;
}

rule(
  {
    id: "T47",
    source: "threat: disks that fail",
    says: "a disk that takes nothing costs no login: nothing is spent that could not be kept, and what came is not lost",
  },
  {
    holds: {
      "a token that lives is handed out from a disk that takes nothing": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "codex", 600);
        using _ = failingDisk(s.home.userHome, "EROFS");
        const { secret } = await auth.account("codex").token();
        assert.equal(s.emulator.standing(secret.reveal()), "live");
      },
    },
    refuses: {
      "errors of the disk anywhere in a refresh": async () => {
        for (const [code, offset] of [
          ["ENOSPC", 0],
          ["EIO", 4],
        ] as const) {
          let first = offset;
          while ((await refreshedOn(code, first)) > first) first += 8;
          assert.ok(first > 16, `${code}: ${first}`);
        }
      },
      "a disk that is full once the token is on its way: the reply has its place": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "codex");
        s.emulator.fault("codex", "refresh", { kind: "delay", ms: 200 });
        const asked = auth.account("codex").token();
        await until(() => presented(s, "codex") === 1, "it is presented");
        {
          using _ = fullDisk(s.home.userHome);
          const { secret } = await asked;
          assert.equal(s.emulator.standing(secret.reveal()), "live");
        }
        await auth.close();
        await livesOn(s, "full after the request");
      },
    },
    also: [
      { file: "test/cli/full-disk.test.ts", words: "a disk that takes no more" },
      { file: "test/battery/disk.ts", words: "withInjection" },
    ],
  },
);

const own = (changes: Json): Json => ({ schema: 1, lineage: "l".repeat(22), generation: 2, ...changes });

const oddities: Readonly<Record<string, Json>> = {
  "a newer version": own({ schema: 999, later: { x: 1 } }),
  "a generation in words": own({ generation: "two" }),
  "the snapshot of another machine": own({
    snapshot: { status: "active", value: "elsewhere", context: {}, children: {} },
  }),
  "a snapshot in a state that there is not": own({
    snapshot: { version: 1, state: { status: "active", value: { refreshing: "backwards" }, context: {} } },
  }),
  "a snapshot of the wrong type": own({ snapshot: ["idle"] }),
  "our part as a text": "mine" as unknown as Json,
};

const unreadable: Readonly<Record<string, string | Buffer>> = {
  empty: "",
  "half of it": JSON.stringify(plainTokens()).slice(0, 60),
  "UTF-16": Buffer.from(`\uFEFF${JSON.stringify(plainTokens())}`, "utf16le"),
  "a list": "[]",
  "no token": '{"refresh_token":"r"}',
};

rule(
  {
    id: "T48",
    source: "threat: other versions, hand edits",
    says: "a file of another version keeps its login; one that cannot be read is kept aside, never taken for none and never overwritten",
  },
  {
    holds: {
      "the login of a newer version, of odd members, of any snapshot": async () => {
        for (const [what, llxprt_auth] of Object.entries(oddities)) {
          using home = new Home();
          await using s = await stage({ home });
          const path = home.plant("codex", plainTokens(Date.now(), { theirs: { keep: "me" }, llxprt_auth }));
          const auth = s.auth();
          assert.equal(auth.account("codex").status().row.usable, "yes", what);
          const { secret } = await auth.account("codex").token();
          assert.equal(secret.reveal(), plainTokens()["access_token"], what);
          await auth.account("codex").disable();
          assert.deepEqual(home.read(path)["theirs"], { keep: "me" });
          assert.equal(home.read(path)["refresh_token"], plainTokens()["refresh_token"]);
        }
      },
    },
    refuses: {
      "to overwrite what cannot be read, or to call it signed out": async () => {
        for (const [what, content] of Object.entries(unreadable)) {
          await using s = await stage();
          const path = s.home.plant("gemini", content);
          const before = readFileSync(path);
          const account = s.auth().account("gemini");
          const { row, exitCode } = account.status();
          assert.deepEqual([row.state, row.lastError, exitCode], ["blocked", "store_corrupt", 6], what);
          for (const work of [() => account.login(), () => account.token(), () => account.logout()])
            assert.equal(await codeOf(work()), "store_corrupt");
          assert.deepEqual(readFileSync(path), before);
          await account.reset();
          const aside = s.home.list(s.home.paths.oauth).filter((file) => file.startsWith(`${path}.`));
          assert.deepEqual(
            aside.map((file) => readFileSync(file)),
            [before],
            "and kept aside",
          );
          assert.deepEqual(s.emulator.requests, []);
        }
      },
    },
    also: [{ file: "test/machines/migrations.test.ts", words: "version" }],
  },
);

/** A login, its file of then, and two refreshes since. */
async function withBackup(s: Stage): Promise<string> {
  const auth = await signedIn(s, "codex");
  const backup = readFileSync(s.home.file("codex"), "utf8");
  await auth.account("codex").token();
  await auth.account("codex").refresh({ force: true });
  await auth.close();
  return backup;
}

rule(
  {
    id: "T49",
    source: "threat: restored backups",
    says: "a file of last week is noticed, or costs one request and ends in a clear word; it never makes a loop",
  },
  {
    holds: {
      "the newest file put back works": async () => {
        await using s = await stage();
        await withBackup(s);
        const newest = readFileSync(s.home.file("codex"), "utf8");
        rmSync(s.home.file("codex"));
        s.home.plant("codex", { ...(JSON.parse(newest) as Json), expiry: seconds() - 5 });
        const { secret } = await s.auth().account("codex").token();
        assert.equal(s.emulator.standing(secret.reveal()), "live");
      },
    },
    refuses: {
      "the spent token of an old one: one request at most, however often it is asked": async () => {
        await using s = await stage();
        const backup = await withBackup(s);
        const sent = presented(s, "codex");
        s.home.plant("codex", backup);
        for (let count = 0; count < 5; count += 1) {
          const auth = s.auth();
          const error: unknown = await auth
            .account("codex")
            .token()
            .catch((reason: unknown) => reason);
          assert.ok(error instanceof Error && "exitCode" in error && error.exitCode === 3, String(error));
          assert.ok("next" in error && error.next === "llxprt-auth codex login");
          await auth.close();
        }
        assert.ok(presented(s, "codex") <= sent + 1, `${presented(s, "codex") - sent} requests`);
        assert.equal((await signIn(s, s.auth(), "codex")).row.state, "authenticated", "and a new one works");
      },
    },
  },
);

rule(
  {
    id: "T50",
    source: "threat: files that others hold open",
    says: "a file that somebody holds for a moment is written a moment later; if he does not let go, that is an error, and nothing is lost",
  },
  {
    holds: {
      "a sign-in whose file is held five times": async () => {
        await using s = await stage();
        using disk = failingDisk(s.home.userHome, "EBUSY", { of: ["renameSync"], count: 5 });
        assert.equal((await signIn(s, s.auth(), "gemini")).row.state, "authenticated");
        assert.ok(disk.calls() > 5);
      },
    },
    refuses: {
      "to wait for ever, or to lose what the server gave": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "codex");
        const before = readFileSync(s.home.file("codex"), "utf8");
        {
          using disk = failingDisk(s.home.userHome, "EBUSY", { of: ["renameSync"] });
          const store = createStore(s.home.paths, s.home.now);
          assert.equal(await codeOf(() => store.write(codex, () => sampleCredential())), "store_failed");
          assert.ok(disk.calls() > 5, "it was tried again and again");
        }
        assert.equal(readFileSync(s.home.file("codex"), "utf8"), before);
        await auth.account("codex").token();
        assert.deepEqual([presented(s, "codex"), s.emulator.counters("codex").reuses], [1, 0]);
      },
    },
  },
);
