// Threats to secrets outside their place: what other processes, logs, crash reports, snapshots, shells and screens get to see.
import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { loginOf } from "../../runtime/actor.ts";
import { openBrowser } from "../../runtime/login/browser.ts";
import { Secret } from "../../runtime/secret.ts";
import { play } from "../cli/played.ts";
import { type Circumstances, House } from "../cli/program.ts";
import { canaries, everythingOf } from "../support/canary.ts";
import { Home, plainTokens } from "../support/home.ts";
import { answer, beginLogin, signIn, type Stage, stage, until } from "../support/stage.ts";
import { signedIn } from "./captured.ts";
import { rule } from "./rule.ts";

const hasProc = existsSync("/proc/self/environ");

interface Process {
  readonly words: readonly string[];
  readonly environment: string;
  /** Where its first four descriptors lead. */
  readonly descriptors: readonly string[];
}

/** Every process of a home that is seen while something is done: by number and command line. */
async function watched(folder: string, work: Promise<unknown>): Promise<ReadonlyMap<string, Process>> {
  const seen = new Map<string, Process>();
  const state = { isOver: false };
  const over = work.finally(() => (state.isOver = true));
  while (!state.isOver) {
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, "utf8");
        // Between fork and exec it is still a copy of who starts it, so one number may be seen with two lines.
        if (!/\/(?:runtime|cli)\//.test(line) || seen.has(`${name} ${line}`)) continue;
        const environment = readFileSync(`/proc/${name}/environ`, "utf8");
        if (!environment.includes(`HOME=${folder}\0`)) continue;
        const words = line.split("\0");
        seen.set(`${name} ${line}`, { words, environment, descriptors: descriptorsOf(name) });
      } catch {
        // It has ended, or is somebody else's.
      }
    }
    await pause(5);
  }
  await over;
  return seen;
}

function descriptorsOf(pid: string): string[] {
  return ["0", "1", "2", "3"].map((number) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${number}`);
    } catch {
      return "none";
    }
  });
}

const textsOf = (seen: ReadonlyMap<string, Process>): Map<string, string> =>
  new Map([...seen].map(([line, { environment }]) => [line, `${line}\n${environment}`]));

/** Somebody is signed in with a token that has run out, and a refresh takes its time. @returns commands in that home */
async function expired(s: Stage): Promise<Pick<House, "run" | "start"> & Disposable> {
  await (await signedIn(s, "codex")).close();
  s.emulator.fault("codex", "refresh", { kind: "delay", ms: 300 });
  const house = new House();
  const at = { HOME: s.home.userHome, LLXPRT_HOME: s.home.paths.home };
  const there = ({ env, ...more }: Circumstances = {}): Circumstances => ({ ...more, env: { ...at, ...env } });
  return {
    run: (line, circumstances) => house.run(line, there(circumstances)),
    start: (words, circumstances) => house.start(words, there(circumstances)),
    [Symbol.dispose]: () => house[Symbol.dispose](),
  };
}

const isRefresher = ({ words }: Process): boolean =>
  words.includes("refresh") && words.some((word) => /background/.test(word));

rule(
  {
    id: "T35",
    source: "RFC 6749 10.3 and 10.4",
    says: "no secret is in a command line or an environment of ours, where every process of the user can read it",
  },
  {
    holds: {
      "processes are seen, and so is a key that somebody typed as an argument": async () => {
        if (!hasProc) return;
        using house = new House();
        const key = "typed-key-0123456789-abcdef";
        const seen = await watched(house.folder, house.run(`codex token --key ${key}`));
        assert.ok(seen.size > 0);
        assert.ok(canaries([key], textsOf(seen)).length > 0);
      },
    },
    refuses: {
      "tokens, codes and verifiers of a sign-in and a refresh; a key from a file": async () => {
        if (!hasProc) return;
        await using s = await stage();
        using house = await expired(s);
        const key = "key-of-a-file-0123456789-abcdef";
        writeFileSync(join(s.home.userHome, "key"), key, { mode: 0o600 });
        const verifiers: string[] = [];
        const day = async (): Promise<void> => {
          assert.equal((await house.run("codex token")).code, 0);
          const { said, ended } = house.start(["codex", "login"]);
          await said(/Waiting/);
          for (const path of s.home.pending()) verifiers.push(s.home.read(path)["verifier"] as string);
          await house.run("codex cancel");
          await ended;
          await house.run(["codex", "token", "--keyfile", join(s.home.userHome, "key")]);
        };
        const seen = await watched(s.home.userHome, day());
        assert.ok(seen.size >= 5 && [...seen.values()].some(isRefresher), `${seen.size} processes`);
        assert.equal(verifiers.length, 1);
        assert.deepEqual(canaries([...s.emulator.secrets(), ...verifiers, key], textsOf(seen)), []);
      },
    },
  },
);

const keyVariables = { OPENAI_API_KEY: "k", GITHUB_TOKEN: "k", MY_CLIENT_SECRET: "k", DB_PASSWORD: "k" };

rule(
  {
    id: "T36",
    source: "CWE-526, CWE-403",
    says: "who is started by us inherits no key and no open file: neither the browser nor the process that refreshes",
  },
  {
    holds: {
      "a browser has what it needs: its path, its home, its display": async () => {
        const { environment } = await browserStarted({ DISPLAY: ":7" });
        for (const line of [/^PATH=/m, /^DISPLAY=:7$/m]) assert.match(environment, line);
      },
    },
    refuses: {
      "keys in the browser's environment, and any descriptor of ours": async () => {
        using home = new Home();
        const open = openSync(home.plant("codex", plainTokens()), "r");
        try {
          const { environment, descriptors } = await browserStarted(keyVariables);
          for (const name of Object.keys(keyVariables)) assert.doesNotMatch(environment, new RegExp(`^${name}=`, "m"));
          assert.ok(!descriptors.includes(home.userHome), descriptors);
          for (const number of ["0", "2"]) assert.match(descriptors, new RegExp(` ${number} -> /dev/null$`, "m"));
        } finally {
          closeSync(open);
        }
      },
      "them in the process that refreshes: a short list of variables, one pipe, and nothing to read from": async () => {
        if (!hasProc) return;
        await using s = await stage();
        using house = await expired(s);
        const env = {
          ...keyVariables,
          OPENAI_API_KEY: undefined,
          BROWSER: "x",
          HTTPS_PROXY: "",
          REQUEST_METHOD: "GET",
        };
        const seen = await watched(s.home.userHome, house.run("codex token", { env }));
        const refresher = [...seen.values()].find(isRefresher) ?? assert.fail("it refreshed by itself");
        const names = refresher.environment.split("\0").map((line) => line.split("=", 1)[0] ?? "");
        const handed = names.filter((name) => name !== "").toSorted();
        assert.deepEqual(handed, ["HOME", "HTTPS_PROXY", "REQUEST_METHOD"], "the rest was not handed on");
        assert.deepEqual(refresher.descriptors.slice(0, 3), ["/dev/null", "/dev/null", "/dev/null"]);
        assert.match(refresher.descriptors[3] ?? "", /^(?:pipe|socket):/);
      },
    },
    also: [{ file: "test/runtime/browser.test.ts", words: "inherits no key, token, secret or password" }],
  },
);

/** What a browser has that is started with these variables in our environment. */
async function browserStarted(variables: Readonly<Record<string, string>>) {
  using home = new Home();
  const browser = join(home.userHome, "browser");
  const notes = join(home.userHome, "notes");
  const script = `#!/bin/sh\nls -l /proc/$$/fd > '${notes}.fd'\nenv > '${notes}.part'\nmv '${notes}.part' '${notes}'\n`;
  writeFileSync(browser, script);
  chmodSync(browser, 0o700);
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    await openBrowser("http://127.0.0.1:1/", browser);
  } finally {
    process.env = before;
  }
  await until(() => existsSync(notes), "the browser was started", 20_000);
  return { environment: readFileSync(notes, "utf8"), descriptors: readFileSync(`${notes}.fd`, "utf8") };
}

/** Verifiers, states, nonces and device codes of what is under way. */
const underWay = ({ home }: Stage): string[] =>
  home.pending().flatMap((path) => {
    const { verifier, state, nonce, deviceCode } = home.read(path);
    return [verifier, state, nonce, deviceCode].filter((secret): secret is string => typeof secret === "string");
  });

rule(
  {
    id: "T37",
    source: "RFC 6749 10.3, CWE-532, CWE-209",
    says: "no log, message, error or crash report holds a secret or a part of one",
  },
  {
    holds: {
      "the search finds a secret in any disguise, and a printed secret is a word of ours": () => {
        const text = "made-up-secret-0123456789-abcdef";
        for (const disguise of [text, Buffer.from(text).toString("base64"), encodeURIComponent(text), text.slice(-12)])
          assert.ok(canaries([text], new Map([["here", `x${disguise}y`]])).length > 0, disguise);
        const secret = new Secret("access_token", text);
        assert.deepEqual(canaries([text], new Map([["here", everythingOf({ secret })]])), []);
        assert.ok(everythingOf(secret).includes("[secret access_token]"));
      },
    },
    refuses: {
      "in errors, words, journal and names of files, when servers repeat what they were told": async () => {
        await using s = await stage();
        const texts = new Map<string, string>();
        const own: string[] = [];
        for (const provider of ["gemini", "anthropic", "codex"] as const) {
          const auth = await signedIn(s, provider);
          const { access_token: access, refresh_token: refresh } = s.home.tokens(provider);
          const echo = JSON.stringify({
            error: "invalid_grant",
            error_description: `${access} ${refresh}`,
            hint: refresh,
          });
          const account = auth.account(provider);
          for (const fault of [
            { kind: "reply", status: 500, body: echo },
            { kind: "reply", status: 200, body: `{"access_token":"${access}` },
            { kind: "redirect", status: 307, to: `https://evil.example/?token=${refresh}` },
            { kind: "reply", status: 400, body: echo },
          ] as const) {
            s.emulator.fault(provider, "refresh", fault);
            const error: unknown = await account.refresh({ force: true }).catch((reason: unknown) => reason);
            assert.ok(error instanceof Error);
            texts.set(`${texts.size} ${provider} ${error.message}`, everythingOf(error));
          }
          const begun = await beginLogin(auth, provider, "loopback");
          own.push(...underWay(s));
          s.emulator.fault(provider, "token", { kind: "reply", status: 400, body: echo });
          const { body } = await s.emulator.approve(begun.pending.url);
          texts.set(`${texts.size} page`, body);
          texts.set(`${texts.size} end`, everythingOf(await begun.ended.catch((reason: unknown) => reason)));
          const home = `--home=${s.home.paths.home}`;
          for (const words of [
            ["status", "--json"],
            [provider, "refresh", "--verbose"],
            [provider, "why", "--verbose"],
          ]) {
            const { stdout, stderr } = await play([...words, home]);
            texts.set(`${texts.size} ${words.join(" ")}`, stdout + stderr);
          }
          texts.set(`${texts.size} runtime`, everythingOf(auth));
        }
        texts.set("notices", s.notices.join("\n"));
        texts.set("journal", readFileSync(s.home.paths.journal, "utf8"));
        texts.set("names", s.home.files().join("\n"));
        const secrets = [...new Set([...s.emulator.secrets(), ...own])].filter(({ length }) => length >= 16);
        assert.ok(secrets.length > 20 && texts.size > 25, `${secrets.length} in ${texts.size}`);
        assert.deepEqual(canaries(secrets, texts).slice(0, 3), []);
      },
      "in a crash report, and in what Node tells of itself at its most talkative": async () => {
        await using s = await stage();
        using house = await expired(s);
        const reports = join(s.home.userHome, "report.json");
        const options = `--report-uncaught-exception --report-exclude-network --report-filename=${reports}`;
        const dying = `import { realHost, createAuth } from ${JSON.stringify(import.meta.resolve("../../runtime/index.ts"))};
          const auth = createAuth({ host: realHost(), ahead: false });
          await auth.account("codex").token();
          throw new Error("a defect of the caller's");`;
        const program = join(s.home.userHome, "dying.mjs");
        writeFileSync(program, dying);
        const env = { NODE_OPTIONS: options, NODE_DEBUG: "*" };
        const { code, stderr } = await house.run([], { program, env });
        assert.equal(code, 1);
        assert.equal(s.emulator.counters("codex").refreshes, 1);
        const texts = new Map([
          ["stderr", stderr],
          ["report", readFileSync(reports, "utf8")],
        ]);
        assert.ok(stderr.length > 10_000, "it talked");
        assert.deepEqual(canaries(s.emulator.secrets(), texts).slice(0, 3), []);
      },
    },
    also: [
      { file: "test/runtime/canary.test.ts", words: "no secret is where it does not belong" },
      { file: "test/canary/run.ts", words: "Runs the whole suite with nothing cleaned up" },
    ],
  },
);

rule(
  {
    id: "T38",
    source: "threat: snapshots and inspectors",
    says: "no secret is in a snapshot, an event or an error of a machine, so whoever is shown them sees none",
  },
  {
    holds: {
      "snapshots tell where a login stands, and are kept in the file": async () => {
        await using s = await stage();
        await signIn(s, s.auth(), "codex");
        assert.ok(JSON.stringify(s.home.tokens("codex")["llxprt_auth"].snapshot).includes("authenticated"));
      },
    },
    refuses: {
      "in any snapshot of a sign-in, a paste and a refresh, and in what is kept of it": async () => {
        await using s = await stage();
        const texts = new Map<string, string>();
        const own: string[] = [];
        const auth = s.auth();
        for (const [provider, grant] of [
          ["anthropic", "paste"],
          ["codex", "loopback"],
          ["qwen", "device"],
        ] as const) {
          const account = auth.account(provider);
          account.actor.subscribe((snapshot) => {
            const login = loginOf(snapshot);
            const kept = JSON.stringify(account.actor.getPersistedSnapshot());
            texts.set(
              `${texts.size} ${provider}`,
              `${everythingOf(snapshot.context)}${kept}${everythingOf(login?.context)}`,
            );
          });
          const onPending = (): void => void own.push(...underWay(s));
          await signIn(s, auth, provider, { grant, onPending });
          await account.refresh({ force: true });
          texts.set(`${texts.size} file`, JSON.stringify(s.home.tokens(provider)["llxprt_auth"].snapshot));
        }
        const secrets = [...s.emulator.secrets(), ...own].filter(({ length }) => length >= 16);
        assert.ok(own.length >= 6 && texts.size > 20, `${own.length} in ${texts.size}`);
        assert.deepEqual(canaries(secrets, texts).slice(0, 3), []);
      },
    },
    also: [{ file: "test/machines/secrets.test.ts", words: "secret" }],
  },
);

const pages = [
  "README.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** Lines that people are shown to type. */
const typed = pages.flatMap((path) =>
  [...readFileSync(path, "utf8").matchAll(/^```(?:sh|console|bash)\n([^]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#")),
  ),
);

rule(
  {
    id: "T40",
    source: "CWE-214, CWE-549",
    says: "no command that is documented needs a secret in its words: shells keep what is typed",
  },
  {
    holds: {
      "keys come from files, standard input and variables": async () => {
        using house = new House();
        const key = "key-of-a-file-0123456789";
        const file = join(house.folder, "key");
        writeFileSync(file, key, { mode: 0o600 });
        for (const [words, scene] of [
          [["--keyfile", file], {}],
          [["--key-stdin"], { input: `${key}\n` }],
        ] as const) {
          const { stdout } = await play(["codex", "token", ...words, `--home=${house.home}`], scene);
          assert.equal(stdout, `${key}\n`);
        }
        assert.ok(typed.length > 20, "the pages show commands");
      },
    },
    refuses: {
      "a key, a code or a token in a line of the documentation": () => {
        for (const line of typed) {
          assert.doesNotMatch(line, /--key[ =]|--set auth-key[ =]/, line);
          assert.doesNotMatch(line, /\bcomplete +[^-\s|>&;]/, line);
          assert.doesNotMatch(line, /\b[A-Z_]*(?:KEY|TOKEN|SECRET|PASSWORD)=(?!"?\$[({])\S/, line);
        }
      },
    },
  },
);

rule(
  {
    id: "T41",
    source: "threat: shared screens",
    says: "what is pasted is not shown again, and no token is printed that was not asked for",
  },
  {
    holds: {
      "who asks for the token gets it, and nothing else": async () => {
        using house = new House();
        house.settings({ oauthEnabledProviders: { codex: true } });
        house.plant("codex", plainTokens());
        const { stdout, stderr } = await play(["codex", "token", `--home=${house.home}`]);
        assert.equal(stdout, `${plainTokens()["access_token"]}\n`);
        assert.equal(stderr, "");
      },
    },
    refuses: {
      "a paste, right or wrong, in the answer to it; tokens in any other command": async () => {
        await using s = await stage();
        const auth = s.auth();
        const { pending, ended } = await beginLogin(auth, "anthropic", "paste");
        const shown = (await answer(s.emulator, pending)) ?? "";
        const [code = "", state = ""] = shown.split("#");
        const home = `--home=${s.home.paths.home}`;
        const texts = new Map<string, string>();
        for (const input of [`${code}#other`, shown.slice(0, -4), shown]) {
          const { stdout, stderr } = await play(["anthropic", "complete", "-", home], { input });
          texts.set(input, stdout + stderr);
        }
        await ended;
        for (const words of [
          ["status"],
          ["status", "--json"],
          ["anthropic", "why"],
          ["anthropic", "refresh", "--force"],
        ]) {
          const { stdout, stderr } = await play([...words, home]);
          texts.set(words.join(" "), stdout + stderr);
        }
        assert.match(texts.get(shown) ?? "", /Signed in/);
        assert.deepEqual(canaries([code, state, ...s.emulator.secrets()], texts), []);
      },
    },
    also: [
      { file: "test/cli/terminal.test.ts", words: "a paste ends the sign-in, wrong ones do not, and none is shown" },
    ],
  },
);
