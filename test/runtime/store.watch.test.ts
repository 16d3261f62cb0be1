// Noticing changes of files: told by the system where it can, found by the timer where it cannot; one watch and one timer
// whatever the number of those who look (R5.3).
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { type Host, realHost } from "../../runtime/host.ts";
import { createWatch, type Watch } from "../../runtime/store/watch.ts";
import { Home } from "../support/home.ts";
import { until } from "../support/stage.ts";

const { watchFolder } = realHost();

/** What a system does that cannot watch folders, or does not tell. */
const useless: Readonly<Record<string, Host["watchFolder"]>> = {
  "cannot watch": () => {
    throw Object.assign(new Error("no watches left"), { code: "ENOSPC" });
  },
  "tells nothing": () => () => undefined,
};

class Scene implements Disposable {
  readonly home = new Home();
  readonly watch: Watch;
  /** Folders that are being watched. */
  readonly watched: string[] = [];
  readonly seen: string[] = [];
  /** What the system told, by the newest watch. */
  told: (string | null)[] = [];

  constructor(how: Host["watchFolder"] = watchFolder) {
    mkdirSync(this.home.paths.oauth, { recursive: true, mode: 0o700 });
    this.watch = createWatch(
      this.home.host({
        watchFolder: (folder, tell) => {
          const told: (string | null)[] = (this.told = []);
          const stop = how(folder, (name) => {
            told.push(name);
            tell(name);
          });
          this.watched.push(basename(folder));
          return () => {
            this.watched.splice(this.watched.indexOf(basename(folder)), 1);
            stop();
          };
        },
      }),
    );
  }

  path(name: string): string {
    return join(this.home.paths.oauth, name);
  }

  look(name: string): () => void {
    return this.watch.file(this.path(name), () => this.seen.push(name));
  }

  /** As the store writes: another file takes the place. */
  replace(name: string, text: string): void {
    const temporary = this.path(`.${text}.tmp`);
    writeFileSync(temporary, text);
    renameSync(temporary, this.path(name));
  }

  async sees(name: string, what: string): Promise<void> {
    await until(() => this.seen.includes(name), what, 2_000);
    this.seen.length = 0;
  }

  [Symbol.dispose](): void {
    this.watch.close();
    this.home[Symbol.dispose]();
  }
}

const systems = { "that tells": watchFolder, ...useless };

describe("a file is followed on a system", { concurrency: 4 }, () => {
  for (const [system, how] of Object.entries(systems))
    it(`${system}: made, replaced, written in place, removed`, async () => {
      using s = new Scene(how);
      s.look("acme.json");
      s.replace("acme.json", "1");
      await s.sees("acme.json", "it was made");
      s.replace("acme.json", "2");
      await s.sees("acme.json", "it was replaced by one of the same size");
      appendFileSync(s.path("acme.json"), "3");
      await s.sees("acme.json", "it was written in place");
      rmSync(s.path("acme.json"));
      await s.sees("acme.json", "it was removed");
    });

  for (const [system, how] of Object.entries(systems))
    it(`${system}: in a folder that comes later, goes, and is another one then`, async () => {
      using s = new Scene(how);
      rmSync(s.home.paths.oauth, { recursive: true });
      s.look("acme.json");
      assert.deepEqual(s.watched, []);
      for (const round of ["a", "b", "c"]) {
        mkdirSync(s.home.paths.oauth);
        s.replace("acme.json", round);
        await s.sees("acme.json", `round ${round}: it came with its folder`);
        renameSync(s.home.paths.oauth, `${s.home.paths.oauth}-${round}`);
        await s.sees("acme.json", `round ${round}: it went with its folder`);
      }
    });

  it("that tells: the new folder is watched, not the one that went", async () => {
    using s = new Scene();
    s.look("acme.json");
    const { oauth, home } = s.home.paths;
    for (const [what, goes] of [
      ["it is moved", () => renameSync(oauth, `${oauth}-elsewhere`)],
      ["it is removed", () => rmSync(oauth, { recursive: true })],
      ["what is above it is moved", () => renameSync(home, `${home}-elsewhere`)],
    ] as const) {
      goes();
      await until(() => s.watched.length === 0, `${what}: the old one is let go`);
      mkdirSync(oauth, { recursive: true });
      await until(() => s.watched.length === 1, `${what}: the new one is watched`);
      s.replace("acme.json", "1");
      await s.sees("acme.json", `${what}: a file in the new folder`);
      await until(() => s.told.includes("acme.json"), `${what}: and it is told of`);
    }
  });

  it("that broke off telling: it is found by the timer, and the next watch is opened", async () => {
    const tells: ((name: null) => void)[] = [];
    using s = new Scene((_, tell) => {
      tells.push(tell);
      return () => undefined;
    });
    s.look("acme.json");
    for (const tell of tells) tell(null);
    assert.deepEqual(s.watched, []);
    await until(() => s.watched.length === 1, "it is watched again");
    s.replace("acme.json", "1");
    await s.sees("acme.json", "found by the timer");
  });
});

describe("whoever looks", { concurrency: 4 }, () => {
  it("is told of his own file only, and not for ever", async () => {
    using s = new Scene();
    for (const name of ["a.json", "b.json", "c.json"]) s.look(name);
    const stop = s.look("d.json");
    s.look("d.json");
    stop();
    stop();
    for (const name of ["b.json", "d.json", "e.json"]) s.replace(name, "1");
    await until(() => s.seen.includes("d.json"), "the other one looks on");
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.deepEqual(new Set(s.seen), new Set(["b.json", "d.json"]));
  });

  it("looks once after many changes", async () => {
    using s = new Scene((folder, tell) =>
      watchFolder(folder, (name) => {
        for (let times = 0; times < 100; times += 1) tell(name);
      }),
    );
    s.look("acme.json");
    s.replace("acme.json", "1");
    await until(() => s.seen.length > 0, "it is seen");
    assert.ok(s.seen.length <= 3, String(s.seen.length));
  });

  it("may stop another one at that", async () => {
    using s = new Scene();
    const calls: string[] = [];
    const stops = ["first", "second"].map((who) =>
      s.watch.file(s.path("acme.json"), () => {
        calls.push(who);
        for (const stop of stops) stop();
      }),
    );
    s.replace("acme.json", "1");
    await until(() => calls.length > 0, "one of them looks");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(calls.length, 1);
  });

  for (const [system, how] of Object.entries(systems))
    it(`at a whole folder, on a system ${system}, learns of whatever is done in it`, async () => {
      using s = new Scene(how);
      const folder = s.path(".spend");
      s.watch.folder(folder, () => s.seen.push("folder"));
      await s.sees("folder", "it may look before there is a folder");
      mkdirSync(folder);
      writeFileSync(join(folder, "1.0.next"), "");
      await s.sees("folder", "a file");
      appendFileSync(join(folder, "1.0.next"), "sealed");
      await s.sees("folder", "written in place");
    });

  it("shares one watch of a folder, however many there are; it ends with the last one", async () => {
    using s = new Scene();
    const stops = Array.from({ length: 10_000 }, (_, index) => s.look(`acme-${index}.json`));
    stops.push(s.watch.wakes(() => undefined));
    assert.deepEqual(s.watched, ["oauth"]);
    s.replace("acme-7777.json", "1");
    await s.sees("acme-7777.json", "one of ten thousand");
    stops.push(s.watch.file(s.home.paths.settings, () => undefined));
    assert.deepEqual(s.watched, ["oauth", basename(s.home.paths.home)]);
    for (const stop of stops) stop();
    assert.deepEqual(s.watched, []);
    s.look("again.json");
    s.replace("again.json", "1");
    await s.sees("again.json", "after a pause");
    s.watch.close();
    assert.deepEqual(s.watched, []);
  });
});

describe("a machine that slept, or whose clock was set", { concurrency: 4 }, () => {
  const minute = 60_000;
  const years = 10 * 365 * 24 * 60 * minute;
  const jumps: readonly (readonly [string, Partial<Pick<Home, "ahead" | "set">>])[] = [
    ["an hour of sleep", { ahead: 60 * minute }],
    ["eleven seconds without a turn", { ahead: 11_000 }],
    ["sleep, and the clock put back by as much", { ahead: 60 * minute, set: -60 * minute }],
    ["six seconds ahead", { set: 6_000 }],
    ["an hour back", { set: -60 * minute }],
    ["ten years ahead", { set: years }],
    ["ten years back", { set: -years }],
  ];
  for (const [what, jump] of jumps)
    it(`${what}: everybody is told, once`, async () => {
      using s = new Scene();
      for (const who of ["a", "b"]) s.watch.wakes(() => s.seen.push(who));
      Object.assign(s.home, jump);
      await until(() => s.seen.length === 2, "they are told");
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      assert.deepEqual(s.seen.toSorted(), ["a", "b"]);
    });

  for (const [what, jump] of [
    ["a clock that is put right by a second", { set: -1_000 }],
    ["a machine that is busy for some seconds", { ahead: 8_000 }],
  ] as const)
    it(`${what} is neither`, async () => {
      using s = new Scene();
      s.watch.wakes(() => s.seen.push("told"));
      Object.assign(s.home, jump);
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      assert.deepEqual(s.seen, []);
    });
});
