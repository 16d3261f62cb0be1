// Threats of the world: clocks that are set, many that want the same at once, the end in the middle, and what comes along
// with a package or lies in the current folder.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createAuth } from "../../runtime/auth.ts";
import { realHost } from "../../runtime/host.ts";
import { House } from "../cli/program.ts";
import { Home, type Json } from "../support/home.ts";
import { inFile, presented } from "../support/spending.ts";
import { beginLogin, stage, type Stage, until } from "../support/stage.ts";
import { signedIn } from "./captured.ts";
import { rule } from "./rule.ts";

const hour = 3_600_000;
const tenYears = 10 * 365 * 24 * hour;

rule(
  {
    id: "T51",
    source: "RFC 6749 5.1, RFC 8628 3.5, RFC 6750 3.1",
    says: "a clock that is wrong or set ends no login and no sign-in, starts no storm of requests, and does not outrank the server",
  },
  {
    holds: {
      "a device sign-in is polled and granted, however the clock is set meanwhile": async () => {
        const jumps = [hour, -hour, tenYears, -tenYears].map(async (by) => {
          await using s = await stage();
          const { pending, ended } = await beginLogin(s.auth(), "qwen");
          s.home.set = by;
          await s.emulator.approveDevice(pending.userCode ?? "");
          assert.equal((await ended).row.state, "authenticated", String(by));
        });
        await Promise.all(jumps);
      },
      "the API's word outranks the clock: a refused token is renewed, once": async () => {
        await using s = await stage();
        const account = (await signedIn(s, "codex", 3_600)).account("codex");
        s.home.set = -tenYears;
        const first = await account.token();
        const second = await account.rejected(first);
        assert.notEqual(second.secret.reveal(), first.secret.reveal());
        assert.equal((await account.token()).secret.reveal(), second.secret.reveal());
        assert.equal(presented(s, "codex"), 1);
      },
    },
    refuses: {
      "more than one request while the clock jumps to and fro, also during a refresh": async () => {
        for (const swing of [
          [tenYears, 0, -tenYears, 0],
          [hour, -hour, hour, -hour],
          [-hour, -2 * hour, -3 * hour, -4 * hour],
        ]) {
          await using s = await stage();
          const auth = await signedIn(s, "codex", 3_600);
          const account = auth.account("codex");
          s.emulator.fault("codex", "refresh", { kind: "delay", ms: 100 });
          for (let turn = 0; turn < 20; turn += 1) {
            s.home.set = swing[turn % swing.length] ?? 0;
            const asked = account.token();
            await pause(turn < 5 ? 30 : 1);
            s.home.set = swing[(turn + 1) % swing.length] ?? 0;
            await asked.catch((error: Json) => assert.equal(error["code"], "backing_off"));
          }
          assert.ok(presented(s, "codex") <= 1, `${presented(s, "codex")} requests: ${swing.join()}`);
          s.home.set = 0;
          assert.equal(s.emulator.standing((await account.token()).secret.reveal()), "live");
          assert.equal(s.emulator.counters("codex").reuses, 0);
        }
      },
    },
    also: [
      { file: "test/runtime/refresh.clock.test.ts", words: "a wall clock that jumps to and fro" },
      { file: "test/runtime/account.clock.test.ts", words: "a wall clock that is set" },
    ],
  },
);

/** Commands in the home of a stage, with one way to end them all. */
function commandsIn(s: Stage): House & { readonly at: Readonly<Record<string, string>> } {
  return Object.assign(new House(), { at: { HOME: s.home.userHome, LLXPRT_HOME: s.home.paths.home } });
}

rule(
  {
    id: "T52",
    source: "RFC 9700 4.14.2, threat: concurrent use",
    says: "however many want a new token at once, in one process or in many, the refresh token is sent once",
  },
  {
    holds: {
      "two programs and six runtimes get the same new token": async () => {
        await using s = await stage();
        await (await signedIn(s, "codex")).close();
        using house = commandsIn(s);
        const programs = ["one", "two"].map(async () =>
          (await house.run("codex token", { env: house.at })).stdout.trim(),
        );
        const runtimes = Array.from({ length: 6 }, async () =>
          (await s.auth().account("codex").token()).secret.reveal(),
        );
        const tokens = new Set(await Promise.all([...programs, ...runtimes]));
        assert.equal(tokens.size, 1);
        assert.equal(s.emulator.standing([...tokens][0] ?? ""), "live");
      },
    },
    refuses: {
      "a second sending of one refresh token": async () => {
        await using s = await stage();
        for (let round = 1; round <= 3; round += 1) {
          await (await signedIn(s, "codex")).close();
          s.emulator.fault("codex", "refresh", { kind: "delay", ms: 50 });
          const asked = Array.from({ length: 10 }, async () => s.auth().account("codex").token());
          await Promise.all(asked);
          assert.deepEqual([presented(s, "codex"), s.emulator.counters("codex").reuses], [round, 0]);
        }
      },
    },
    also: [
      { file: "test/runtime/refresh/others.test.ts", words: "process" },
      { file: "test/battery/contention.ts", words: "contention" },
    ],
  },
);

/** A command is struck while its refresh is on its way, or at any moment; afterwards somebody else asks. */
async function struck(signal: NodeJS.Signals, afterMs: number | null): Promise<void> {
  await using s = await stage();
  await (await signedIn(s, "codex")).close();
  const { generation } = inFile(s.home, "codex").credential;
  s.emulator.fault("codex", "refresh", { kind: "delay", ms: 600 });
  using house = commandsIn(s);
  const { child, ended } = house.start(["codex", "token"], { env: house.at, group: true });
  if (afterMs === null) await until(() => presented(s, "codex") === 1, "the refresh token is on its way", 30_000);
  else await pause(afterMs);
  try {
    process.kill(-(child.pid ?? assert.fail()), signal);
  } catch {
    // It has ended already.
  }
  await ended;
  const { secret } = await s.auth().account("codex").token();
  const story = `${signal} after ${afterMs ?? "the request"}`;
  assert.equal(s.emulator.standing(secret.reveal()), "live", story);
  assert.deepEqual([presented(s, "codex"), s.emulator.counters("codex").reuses], [1, 0], story);
  // Who asked may have been served from the sealed reply, before it came to the file.
  await until(() => inFile(s.home, "codex").credential.generation === generation + 1, story);
}

rule(
  {
    id: "T53",
    source: "threat: the end in the middle",
    says: "no signal that ends a command costs its login: what is under way goes on without it",
  },
  {
    holds: {
      "Ctrl-C and a hangup while the token is on its way": async () => {
        await Promise.all((["SIGINT", "SIGHUP"] as const).map((signal) => struck(signal, null)));
      },
    },
    refuses: {
      "a loss by kill -9 of the whole group, in the exchange and at any moment": async () => {
        const moments = [null, Math.round(Math.random() * 1_500)];
        await Promise.all(moments.map((afterMs) => struck("SIGKILL", afterMs)));
      },
    },
    also: [
      { file: "test/cli/signals.test.ts", words: "a refresh under way survives" },
      { file: "test/battery/killing.ts", words: "kill" },
    ],
  },
);

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Json;
const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, Json> };
const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
const evil = { providers: { codex: { tokenEndpoint: "https://evil.example/token" } } };

rule(
  {
    id: "T54",
    source: "threat: supply chain, files of the current folder",
    says: "settings are the home folder's alone, and a package brings no more than what is agreed: four dependencies, pinned, and nothing that runs at installation",
  },
  {
    holds: {
      "settings of the home folder count": async () => {
        using home = new Home();
        home.settings(evil);
        const auth = createAuth({ host: home.host(), ahead: false });
        assert.equal(auth.providers.get("codex")?.tokenEndpoint, "https://evil.example/token");
        await auth.close();
      },
      "every package of the lock has its digest, and comes from the registry": () => {
        assert.ok(packages.length > 50);
        for (const [path, { integrity, resolved, version }] of packages) {
          assert.match(String(integrity), /^sha512-/, path);
          assert.match(String(resolved ?? "https://registry.npmjs.org/"), /^https:\/\/registry\.npmjs\.org\//, path);
          assert.match(String(version), /^\d+\.\d+\.\d+/, path);
        }
      },
    },
    refuses: {
      "settings of the folder in which somebody stands": async () => {
        using home = new Home();
        const project = join(home.userHome, "project");
        mkdirSync(join(project, ".llxprt"), { recursive: true });
        for (const place of ["settings.json", ".llxprt/settings.json", ".env", ".npmrc"])
          writeFileSync(join(project, place), JSON.stringify(evil));
        const [cwd, environment] = [process.cwd(), { ...process.env }];
        process.chdir(project);
        delete process.env["LLXPRT_HOME"];
        process.env["HOME"] = home.userHome;
        try {
          for (const host of [realHost(), home.host()]) {
            assert.equal(host.home, home.paths.home);
            const auth = createAuth({ host, ahead: false });
            assert.notEqual(auth.providers.get("codex")?.tokenEndpoint, "https://evil.example/token");
            await auth.close();
          }
        } finally {
          process.env = environment;
          process.chdir(cwd);
        }
        assert.ok(!existsSync(home.paths.home));
      },
      "another dependency, a range, a script at installation, a file beside the build": () => {
        assert.deepEqual(Object.keys(manifest["dependencies"]).toSorted(), ["ky", "open", "undici", "xstate"]);
        for (const version of Object.values({ ...manifest["dependencies"], ...manifest["devDependencies"] }))
          assert.match(String(version), /^\d+\.\d+\.\d+$/);
        const scripts = Object.keys(manifest["scripts"]).filter((name) => /install|^prepare$|^prepublish$/.test(name));
        assert.deepEqual([scripts, manifest["files"]], [[], ["dist"]]);
        const shipped = packages.filter(([, { dev, devOptional, peer }]) => ![dev, devOptional, peer].includes(true));
        assert.ok(shipped.length >= 4 && shipped.length < 20, `${shipped.length} are installed`);
        for (const [path, { hasInstallScript }] of shipped) assert.notEqual(hasInstallScript, true, path);
      },
    },
    also: [{ file: "test/package/package.test.ts", words: "the archive holds the build and the papers" }],
  },
);
