// A reader at any moment sees the old login or the new one, whole; a disk that takes no new one is found while the old one
// is still good; and whoever writes at the same time loses nothing (T46, T47; R10).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Secret } from "../../runtime/secret.ts";
import { encode } from "../../runtime/store/codec.ts";
import { createStore } from "../../runtime/store/store.ts";
import { createWiring } from "../../runtime/wiring.ts";
import { Home, type Json, plainTokens } from "../support/home.ts";
import { sampleCredential } from "../support/sample.ts";
import { codeOf, signIn, type Stage, stage } from "../support/stage.ts";

const name = { provider: "codex", account: "default" };

/** Reads the file as often as it can until the writer is done, and prints what was wrong. */
const reader = `
  const { readFileSync } = require("node:fs");
  const [path, end] = process.argv.slice(1);
  let last = 0, reads = 0, torn = 0, back = 0;
  const done = () => { try { readFileSync(end); return true; } catch { return false; } };
  process.stdout.write("ready\\n");
  do {
    for (let round = 0; round < 200; round += 1) {
      try {
        const file = JSON.parse(readFileSync(path, "utf8"));
        const { generation } = file.llxprt_auth;
        if (file.access_token !== "token-" + generation) torn += 1;
        if (generation < last) back += 1;
        last = generation;
        reads += 1;
      } catch { torn += 1; }
    }
  } while (!done());
  process.stdout.write(JSON.stringify({ reads, torn, back, last }) + "\\n");
`;

function startReader(path: string, end: string): { ready: Promise<void>; report: Promise<Json> } {
  const child = spawn(process.execPath, ["-e", reader, path, end], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  const ready = Promise.withResolvers<void>();
  const report = Promise.withResolvers<Json>();
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    ready.resolve();
  });
  child.once("close", () => {
    report.resolve(JSON.parse(text.split("\n")[1] ?? "{}") as Json);
  });
  return { ready: ready.promise, report: report.promise };
}

/** A store as a process of its own has it, with its lock. */
const wiringIn = (home: Home) => createWiring(home.host(), home.paths, () => assert.fail("no provider is asked for"));

const nth = (generation: number) =>
  sampleCredential({ generation, accessToken: new Secret("access_token", `token-${generation}`) });

describe("writing", () => {
  it("five hundred times shows no reader half a file, nor an older one", { timeout: 30_000 }, async () => {
    using home = new Home();
    const store = createStore(home.paths, home.now);
    store.write(name, () => nth(1));
    const end = `${home.userHome}/end`;
    const readers = [startReader(home.file("codex"), end), startReader(home.file("codex"), end)];
    await Promise.all(readers.map(({ ready }) => ready));
    for (let generation = 2; generation <= 500; generation += 1) {
      store.write(name, () => nth(generation));
      if (generation % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    writeFileSync(end, "");
    for (const { reads, torn, back, last } of await Promise.all(readers.map(({ report }) => report))) {
      assert.ok(reads >= 200, `${reads} reads`);
      assert.deepEqual({ torn, back, last }, { torn: 0, back: 0, last: 500 });
    }
    assert.deepEqual(readdirSync(home.paths.oauth), ["codex.json"], "nothing temporary is left");
  });

  it("of what is nice to have is let be while somebody else holds the account's lock", () => {
    using home = new Home();
    const { store, locks } = wiringIn(home);
    store.write(name, () => nth(1));
    const lock = locks.tryTake(name);
    assert.equal(
      store.advise(name, () => nth(2)),
      false,
    );
    assert.equal(home.tokens("codex")["llxprt_auth"].generation, 1);
    lock?.release();
    assert.equal(
      store.advise(name, () => nth(2)),
      true,
    );
    assert.equal(home.tokens("codex")["llxprt_auth"].generation, 2);
  });

  it("after a change that failed goes on, and the lock is free again", () => {
    using home = new Home();
    const { store, locks } = wiringIn(home);
    const failing = () => {
      store.advise(name, (current) => {
        // Asked twice: before the lock is taken, and under it.
        if (locks.isFree(name)) return nth(1);
        throw new TypeError(`a defect at ${current?.generation}`);
      });
    };
    assert.throws(failing, TypeError);
    assert.equal(
      store.advise(name, () => nth(1)),
      true,
    );
  });

  it("asks again when another program was faster", async () => {
    using home = new Home();
    const store = createStore(home.paths, home.now);
    store.write(name, () => nth(1));
    const seen: number[] = [];
    store.write(name, (current) => {
      seen.push(current?.generation ?? 0);
      // Between our reading and our writing.
      if (seen.length === 1) home.plant("codex", encode(nth(7)));
      return current === null ? null : nth(current.generation + 1);
    });
    assert.deepEqual(seen, [1, 7]);
    assert.equal(home.tokens("codex")["llxprt_auth"].generation, 8);
  });

  it("finds that another program signed out meanwhile, and brings nothing back", async () => {
    using home = new Home();
    const store = createStore(home.paths, home.now);
    store.write(name, () => nth(1));
    let rounds = 0;
    const after = store.write(name, (current) => {
      rounds += 1;
      if (rounds === 1) rmSync(home.file("codex"));
      return current === null ? null : nth(current.generation + 1);
    });
    assert.equal(after, null);
    assert.deepEqual(readdirSync(home.paths.oauth), []);
  });

  it("what stays the same writes nothing", async () => {
    using home = new Home();
    const path = home.plant("codex", plainTokens());
    const before = readFileSync(path);
    createStore(home.paths, home.now).write(name, (current) => current);
    createStore(home.paths, home.now).write(name, () => null);
    assert.deepEqual(readFileSync(path), before);
  });

  it("is tried before somebody is sent to a browser, and leaves nothing", () => {
    using home = new Home();
    const store = createStore(home.paths, home.now);
    store.checkRoom(name);
    assert.deepEqual(readdirSync(home.paths.oauth), []);
  });
});

/** Makes the folders read-only for whoever runs this, root included. */
async function readOnly(s: Stage, work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  const folders = [s.home.paths.oauth, s.home.paths.home];
  const nobody = 65_534;
  if (isRoot) {
    const below = readdirSync(s.home.userHome, { recursive: true }).map((path) => join(s.home.userHome, String(path)));
    for (const path of [s.home.userHome, ...below]) chownSync(path, nobody, nobody);
  }
  for (const folder of folders) chmodSync(folder, 0o500);
  try {
    if (isRoot) process.seteuid?.(nobody);
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    for (const folder of folders) chmodSync(folder, 0o700);
  }
}

describe("a home folder that cannot be written", { skip: process.platform === "win32" }, () => {
  it("gives its token while that lives, and nobody is troubled", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
    const before = s.home.tokens("anthropic");
    await readOnly(s, async () => {
      const auth = s.auth();
      const { secret } = await auth.account("anthropic").token();
      assert.equal(secret.reveal(), before["access_token"]);
      assert.equal(auth.account("anthropic").status().row.state, "authenticated");
      await auth.close();
    });
  });

  for (const [left, outcome] of [
    [20, "no error"],
    [-5, "store_failed"],
  ] as const) {
    it(`spends no refresh token that it could not keep (${left} s left)`, async () => {
      await using s = await stage();
      await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
      const expiry = Math.floor(Date.now() / 1000) + left;
      s.home.plant("anthropic", { ...s.home.tokens("anthropic"), expiry });
      const before = readFileSync(s.home.file("anthropic"), "utf8");
      await readOnly(s, async () => {
        const auth = s.auth();
        assert.equal(await codeOf(auth.account("anthropic").token()), outcome);
        await auth.close();
      });
      assert.equal(s.emulator.counters("anthropic").refreshes, 0);
      assert.equal(readFileSync(s.home.file("anthropic"), "utf8"), before);
    });
  }

  it("says so, with the file, when somebody wants to sign in, enable or sign out", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
    await readOnly(s, async () => {
      const auth = s.auth();
      const account = auth.account("anthropic");
      for (const work of [
        () => account.login({ grant: "loopback" }),
        () => account.disable(),
        () => account.logout(),
        () => auth.account("gemini").enable(),
      ]) {
        const error = (await work().catch((reason: unknown) => reason)) as Json;
        assert.deepEqual([error["code"], error["exitCode"]], ["store_failed", 6], String(work));
        assert.match(error["message"], /\.llxprt\/.*EACCES/, String(work));
      }
      await auth.close();
    });
    assert.equal(s.home.tokens("anthropic")["llxprt_auth"].generation, 1);
  });
});

it("a home whose place is taken by a file is an error that names it", async () => {
  using home = new Home();
  mkdirSync(home.userHome, { recursive: true });
  writeFileSync(home.paths.home, "");
  const store = createStore(home.paths, home.now);
  const found = store.read(name);
  assert.equal(found.kind === "unreadable" ? found.error.code : found.kind, "store_unsafe");
  assert.throws(() => store.write(name, () => nth(1)), { code: "store_unsafe" });
  assert.equal(readFileSync(home.paths.home, "utf8"), "");
});
