// What the doctor says of a home and its surroundings: each trouble is made, and found by its code. Nobody is asked, and
// nothing is changed but modes, when that is wanted.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { diagnose, type Finding } from "../../runtime/diagnose.ts";
import { modes } from "../../runtime/doctor/modes.ts";
import { node } from "../../runtime/doctor/machine.ts";
import { tryLock } from "../../runtime/refresh/lock.ts";
import { Home, modeOf, plainTokens } from "../support/home.ts";
import { beginLogin, signIn, stage } from "../support/stage.ts";
import { keep, tools } from "../support/vendors.ts";
import { authority, certificateFor } from "./wire/certificate.ts";

type Environment = Readonly<Record<string, string>>;

/** Nobody may be asked. */
const silent = {
  exchange: () => assert.fail(),
  fetch: () => assert.fail(),
  ready: () => assert.fail(),
  close: async () => undefined,
};

const found = (home: Home, environment: Environment = {}, fix = false): Promise<Finding[]> =>
  diagnose({ host: home.host({ environment, sender: silent }), fix });

/** `level code`, of those that are about this. */
const words = (findings: readonly Finding[], about: string | null): string[] =>
  findings.filter((finding) => finding.about === about).map(({ level, code }) => `${level} ${code}`);

const codes = (findings: readonly Finding[], ...levels: readonly Finding["level"][]): string[] =>
  findings.filter(({ level }) => levels.includes(level)).map(({ code }) => code);

/** What surrounds the tests is not what they are about. */
const about = (findings: readonly Finding[]): Finding[] => findings.filter(({ code }) => !code.startsWith("in_"));

function made(): Home {
  const home = new Home();
  mkdirSync(home.paths.home, { mode: 0o700 });
  return home;
}

describe("a home in order", () => {
  it("gives no problem, and is left as it is", async () => {
    await using s = await stage();
    await signIn(s, s.auth(), "codex");
    const before = s.home.files().map((path) => [path, readFileSync(path, "latin1"), modeOf(path)]);
    const findings = await found(s.home, { PATH: "" });
    assert.deepEqual(codes(about(findings), "problem", "notice"), []);
    const { message } = findings.find(({ code }) => code === "login_stored") ?? assert.fail();
    assert.match(message, /^The login of codex is good until 20\d\d-/);
    assert.deepEqual(
      s.home.files().map((path) => [path, readFileSync(path, "latin1"), modeOf(path)]),
      before,
    );
  });

  it("may be none at all, and none is made", async () => {
    using home = new Home();
    const findings = await found(home, {}, true);
    assert.deepEqual(codes(findings, "problem"), []);
    assert.ok(codes(findings, "ok").includes("logins_none"));
    assert.ok(!existsSync(home.paths.home));
  });
});

describe("modes", () => {
  const wrong: readonly (readonly [string, number, string, number])[] = [
    ["", 0o755, "notice mode_loose", 0o700],
    ["oauth", 0o775, "problem mode_unsafe", 0o700],
    ["oauth", 0o600, "problem mode_useless", 0o700],
    ["oauth/codex.json", 0o644, "problem mode_loose", 0o600],
    ["oauth/codex.json", 0o620, "problem mode_unsafe", 0o600],
    ["oauth/codex.json", 0o000, "problem mode_useless", 0o600],
    ["oauth/journal.jsonl", 0o640, "problem mode_loose", 0o600],
    ["oauth/.pending", 0o777, "problem mode_unsafe", 0o700],
    ["oauth/.spend/codex/x.0.sealed", 0o604, "problem mode_loose", 0o600],
    ["settings.json", 0o644, "notice mode_loose", 0o600],
    ["settings.json", 0o666, "problem mode_unsafe", 0o600],
    ["profiles/work.json", 0o644, "notice mode_loose", 0o600],
  ];
  for (const [name, mode, says, wanted] of wrong)
    it(`${mode.toString(8)} of ${name || "the home"}: ${says}, and set right on request`, async () => {
      using home = made();
      home.plant("codex", plainTokens());
      home.settings({});
      for (const folder of [home.paths.pending, join(home.paths.oauth, ".spend/codex"), home.paths.profiles])
        mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const file of ["oauth/journal.jsonl", "oauth/.spend/codex/x.0.sealed", "profiles/work.json"])
        writeFileSync(join(home.paths.home, file), '{"provider":"codex"}', { mode: 0o600 });
      assert.ok(codes(await found(home), "ok").includes("modes_fine"));
      const path = join(home.paths.home, name).replace(/\/$/, "");
      const content = existsSync(path) && name.includes(".json") ? readFileSync(path, "utf8") : "";
      chmodSync(path, mode);
      const ill = await found(home);
      assert.deepEqual(
        words(ill, path).filter((word) => word.includes("mode")),
        [says],
      );
      assert.equal(ill.find(({ code }) => code.startsWith("mode_"))?.next, "llxprt-auth doctor --fix");
      assert.equal(modeOf(path), mode.toString(8).padStart(4, "0"), "only told");
      const names = (): string[] => readdirSync(home.paths.home, { recursive: true }).map(String).toSorted();
      const before = names();
      const mended = await found(home, {}, true);
      assert.ok(words(mended, path).includes("ok mode_repaired"));
      assert.equal(modeOf(path), wanted.toString(8).padStart(4, "0"));
      assert.deepEqual(codes(await found(home), "problem"), []);
      assert.deepEqual(names(), before);
      if (content !== "") assert.equal(readFileSync(path, "utf8"), content);
    });

  it("of what a link leads to, and of another name of the same file, stay", async () => {
    using home = made();
    home.plant("codex", plainTokens());
    const [other, second] = [join(home.userHome, "other"), join(home.userHome, "second")];
    writeFileSync(other, "{}", { mode: 0o644 });
    writeFileSync(second, JSON.stringify(plainTokens()), { mode: 0o644 });
    symlinkSync(other, home.file("gemini"));
    linkSync(second, home.file("qwen"));
    const findings = await found(home, {}, true);
    assert.ok(words(findings, home.file("gemini")).includes("problem link_refused"));
    assert.deepEqual([modeOf(other), modeOf(second), modeOf(home.file("qwen"))], ["0644", "0644", "0600"]);
  });

  it("of what another process has open are set right without a new file in its place", async () => {
    using home = made();
    home.plant("codex", plainTokens());
    const folder = join(home.paths.oauth, ".spend/codex");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // As a backup of hard links keeps them.
    const open = ["oauth/.spend/codex/lock", "oauth/.spend/codex/x.0.next", "oauth/journal.jsonl"];
    const paths = open.map((name) => join(home.paths.home, name));
    for (const [at, path] of paths.entries()) {
      writeFileSync(path, "", { mode: 0o600 });
      linkSync(path, join(home.userHome, `backup-${at}`));
      chmodSync(path, 0o644);
    }
    const inodes = paths.map((path) => statSync(path).ino);
    await found(home, {}, true);
    assert.deepEqual(
      paths.map((path) => statSync(path).ino),
      inodes,
    );
    assert.deepEqual(paths.map(modeOf), ["0600", "0600", "0600"]);
  });
});

describe("owners", () => {
  it("are told where they are not oneself", (t) => {
    if (process.geteuid?.() !== 0) {
      t.skip("only root gives files away");
      return;
    }
    using home = made();
    home.plant("codex", plainTokens());
    home.plant("qwen", plainTokens());
    for (const path of [home.userHome, home.paths.home, home.paths.oauth, home.file("codex")])
      chownSync(path, 65_534, 65_534);
    const own = home.plant("gemini", plainTokens());
    chownSync(own, 12_345, 12_345);
    assert.deepEqual(codes(modes(home.paths, false), "problem", "notice"), [], "root may do anything");
    process.seteuid?.(65_534);
    try {
      const findings = modes(home.paths, true);
      assert.deepEqual(words(findings, own), ["problem owner_foreign"]);
      assert.deepEqual(words(findings, home.file("qwen")), ["notice owner_root"]);
      assert.deepEqual(words(findings, home.file("codex")), []);
    } finally {
      process.seteuid?.(0);
    }
  });
});

describe("what hinders more than one check", () => {
  it("is told once", async () => {
    using home = made();
    home.plant("codex", plainTokens());
    home.plant("qwen", plainTokens());
    chmodSync(home.paths.oauth, 0o777);
    assert.deepEqual(codes(await found(home), "problem").toSorted(), ["mode_unsafe", "store_unsafe"]);
  });
});

describe("logins", () => {
  it("are told as they are, each with the command that helps", async () => {
    using home = made();
    const now = home.now();
    home.plant("codex", "{");
    home.plant("anthropic", plainTokens(now, { expiry: 1000, refresh_token: undefined }));
    home.plant("gemini", plainTokens(now));
    home.plant("nobody", plainTokens(now));
    home.plant("qwen", plainTokens(now), 0o600, "work");
    writeFileSync(`${home.file("codex")}.aside-20260101T000000000Z`, "{", { mode: 0o600 });
    home.settings({ oauthEnabledProviders: { gemini: false, qwen: true } });
    const findings = await found(home, { DASHSCOPE_API_KEY: "CANARY" });
    const told = (path: string) =>
      findings.filter((finding) => finding.about === path).map(({ level, code, next }) => [level, code, next]);
    assert.deepEqual(told(home.file("codex")), [["problem", "store_corrupt", "llxprt-auth codex reset"]]);
    assert.deepEqual(told(home.file("anthropic")), [
      ["problem", "login_ended", "llxprt-auth anthropic login"],
      ["notice", "login_plain", null],
    ]);
    assert.deepEqual(told(home.file("gemini"))[0], ["notice", "login_disabled", "llxprt-auth gemini enable"]);
    assert.deepEqual(told(home.file("nobody"))[0], ["notice", "provider_unknown", null]);
    assert.deepEqual(told(home.file("qwen", "work")).slice(0, 1), [["ok", "login_stored", null]]);
    assert.deepEqual(told("DASHSCOPE_API_KEY"), [["notice", "login_outranked", "llxprt-auth qwen why --account work"]]);
    assert.deepEqual(told(home.paths.oauth), [["notice", "copies_kept", null]]);
  });

  it("of another program are read in its file, and what keeps them from it is told", async () => {
    using home = made();
    const { file, content } = tools["Qwen Code"];
    const kept = {
      access: "of-a-tool",
      refresh: "of-a-tool",
      expiresAt: home.now() + 3_600_000,
      email: "me@example.com",
    };
    const path = keep(home.userHome, file, content(kept));
    const told = async (enabled = true, environment = {}) => {
      home.settings({
        oauthEnabledProviders: { qwen: enabled },
        providers: { qwen: { importFrom: { default: path } } },
      });
      const findings = (await found(home, environment)).filter((finding) => finding.about === path);
      return findings.map(({ level, code, next, message }) => [level, code, next, message]);
    };
    const reads = "qwen reads the login of Qwen Code";
    assert.deepEqual(
      (await told()).map(([level, code]) => [level, code]),
      [["ok", "login_borrowed"]],
    );
    assert.deepEqual(await told(false), [
      ["notice", "login_disabled", "llxprt-auth qwen enable", `${reads}, which is not used: OAuth is off`],
    ]);
    keep(home.userHome, file, content({ ...kept, expiresAt: home.now() - 1 }));
    const [ended] = await told();
    assert.deepEqual(ended?.slice(0, 3), ["problem", "login_ended", "llxprt-auth qwen login"]);
    assert.equal(ended?.[3], `${reads}, which has ended: use Qwen Code once, so that it is renewed there`);
    rmSync(path);
    const gone = ["import_unreadable", "llxprt-auth qwen login", `${reads}: ${path} is not there`];
    assert.deepEqual(await told(), [["problem", ...gone]]);
    assert.deepEqual(await told(true, { DASHSCOPE_API_KEY: "key" }), [["notice", ...gone]]);
    mkdirSync(path);
    assert.deepEqual(await told(), [["problem", ...gone.slice(0, 2), `${reads}: ${path} is not a regular file`]]);
  });

  it("have ended, too, when the provider refused to renew one whose token is dead", async () => {
    using home = made();
    const refused = { generation: 1, code: "refresh_refused" };
    const ours = { schema: 1, lineage: "l", generation: 1, refused };
    home.plant("codex", plainTokens(home.now(), { expiry: 1000, llxprt_auth: ours }));
    const findings = await found(home);
    assert.deepEqual(words(findings, home.file("codex")), ["problem login_ended"]);
    assert.equal(findings.find(({ code }) => code === "login_ended")?.next, "llxprt-auth codex login");
  });

  it("and whoever holds a lock, and whether he is stopped", async () => {
    using home = made();
    home.plant("codex", plainTokens());
    const program = fileURLToPath(new URL("refresh/holding.ts", import.meta.url));
    const child = spawn(process.execPath, ["--conditions=development", program, home.paths.home], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      const lock = join(home.paths.spend({ provider: "codex", account: "default" }), "lock");
      const held = await found(home);
      assert.deepEqual(words(held, lock), ["notice lock_held"]);
      assert.match(
        held.find((finding) => finding.about === lock)?.message ?? "",
        new RegExp(`^Process ${child.pid} has been`),
      );
      child.kill("SIGSTOP");
      if (process.platform === "linux") {
        while (!readFileSync(`/proc/${child.pid}/stat`, "utf8").includes(") T ")) await new Promise(setImmediate);
        assert.deepEqual(words(await found(home), lock), ["problem lock_stopped"]);
      }
      child.kill("SIGKILL");
      await once(child, "close");
      assert.deepEqual(words(await found(home), lock), []);
      const again = tryLock(lock, { provider: "codex", account: "default" });
      assert.ok(again !== null, "it was given back");
      again.release();
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("that come from the future tell of the clock", async () => {
    using home = made();
    const path = home.plant("codex", plainTokens());
    const later = Date.now() / 1000 + 3600;
    utimesSync(path, later, later);
    const findings = await found(home);
    assert.ok(words(findings, null).includes("problem clock_behind"));
    assert.ok(words(findings, path).includes("notice clock_behind"));
    home.set = -20 * 365 * 86_400_000;
    assert.ok(codes(await found(home), "problem").includes("clock_wrong"));
  });
});

describe("ports", () => {
  it("are told by family, as a problem only where somebody means to sign in", async () => {
    using home = made();
    const taken = createServer();
    const half = createServer();
    await once(taken.listen(0, "127.0.0.1"), "listening");
    await once(half.listen(0, "::1"), "listening");
    const [one, two] = [taken, half].map((server) => (server.address() as AddressInfo).port);
    const acme = { grants: ["loopback", "device"], issuer: "https://id.example", clientId: "us", scopes: [] };
    const told = async (ports: readonly unknown[], on: boolean) => {
      home.settings({ oauthEnabledProviders: { acme: on }, providers: { acme: { ...acme, loopback: { ports } } } });
      const findings = await found(home);
      const { level, code, message, next } =
        findings.find((finding) => finding.about === "acme.loopback.ports") ?? assert.fail();
      return { says: `${level} ${code}`, message, next };
    };
    try {
      const busy = await told([one, two], true);
      assert.equal(busy.says, "problem port_busy");
      assert.match(busy.message, new RegExp(`^port ${one} is taken \\(IPv4\\), port ${two} is taken \\(IPv6\\)`, "i"));
      assert.equal(busy.next, "llxprt-auth acme login --grant device");
      assert.equal((await told([one, two], false)).says, "notice port_busy");
      taken.close();
      await once(taken, "close");
      assert.equal((await told([one, two], true)).says, "notice port_busy");
      assert.equal((await told([one], true)).says, "ok ports_free");
    } finally {
      taken.close();
      half.close();
    }
  });
});

describe("a port that waits for a browser of ours", () => {
  it("is no trouble", async () => {
    const own = createServer();
    await once(own.listen(0, "127.0.0.1"), "listening");
    const { port } = own.address() as AddressInfo;
    own.close();
    await once(own, "close");
    await using s = await stage({ providers: { gemini: { loopback: { ports: [port] } } } });
    const login = await beginLogin(s.auth(), "gemini", "loopback");
    const [said] = (await found(s.home)).flatMap((finding) =>
      finding.about === "gemini.loopback.ports" ? [[finding.level, finding.code, finding.next]] : [],
    );
    assert.deepEqual(said, ["notice", "port_waiting", "llxprt-auth gemini wait"]);
    await login.account.cancel();
    await login.ended.catch(() => undefined);
  });
});

describe("settings", () => {
  it("that are wrong are named, and everything else is looked at all the same", async () => {
    using home = made();
    home.settings({ providers: { codex: { tokenEndpoint: "http://id.example/token" } } });
    const findings = await found(home);
    const wrong = findings.find(({ code }) => code === "settings_invalid");
    assert.match(wrong?.message ?? "", /settings\.json: providers\.codex\.tokenEndpoint/);
    assert.ok(codes(findings, "ok").includes("proxy_none"));
  });

  it("that name nobody are told, with who may be meant", async () => {
    using home = made();
    home.settings({
      oauthEnabledProviders: { codx: true, Gemini: false, "x\u001B[2J": true },
      providers: {
        quen: { "auth-key": "key" },
        acme: { clientId: "x", issuer: "http://127.0.0.1:1" },
        codex: { importFrom: { "a/b": "/x/y", work: "/x/y" } },
      },
    });
    const told = (await found(home)).filter(({ code }) => code.endsWith("_unknown") || code === "provider_bare");
    assert.deepEqual(
      told.map((one) => [one.level, one.code, one.about, one.message]),
      [
        [
          "notice",
          "provider_unknown",
          "oauthEnabledProviders.codx",
          "settings.json turns OAuth on or off for codx, and there is no such provider (did you mean codex?)",
        ],
        [
          "notice",
          "provider_unknown",
          "oauthEnabledProviders.Gemini",
          "settings.json turns OAuth on or off for Gemini, and there is no such provider (did you mean gemini?)",
        ],
        [
          "notice",
          "provider_unknown",
          "oauthEnabledProviders.x [2J",
          "settings.json turns OAuth on or off for x [2J, and there is no such provider",
        ],
        [
          "notice",
          "provider_bare",
          "providers.quen",
          "quen is a provider of your own that says neither where to sign in nor what to ask (did you mean qwen?)",
        ],
        [
          "notice",
          "account_unknown",
          "providers.codex.importFrom",
          "settings.json names a file for the account a/b of codex, and no account may be called that",
        ],
      ],
    );
  });

  it("include profiles, and the client of who is enabled", async () => {
    using home = made();
    home.settings({ oauthEnabledProviders: { gemini: true }, providers: { gemini: { clientFile: "gone.json" } } });
    mkdirSync(home.paths.profiles, { mode: 0o700 });
    writeFileSync(join(home.paths.profiles, "work.json"), "[]", { mode: 0o600 });
    const findings = await found(home);
    assert.deepEqual(words(findings, "profiles/work.json"), ["problem settings_invalid"]);
    assert.match(words(findings, "providers.gemini.clientFile").join(), /^problem /);
    home.settings({ oauthEnabledProviders: { gemini: false }, providers: { gemini: { clientFile: "gone.json" } } });
    assert.deepEqual(words(await found(home), "providers.gemini.clientFile"), []);
    home.settings({ oauthEnabledProviders: { gemini: true } });
    assert.deepEqual(words(await found(home), "providers.gemini.clientFile"), ["notice client_missing"]);
  });
});

describe("the environment", () => {
  const home = made();
  after(() => {
    home[Symbol.dispose]();
  });
  const file = (name: string, content: string): string => {
    const path = join(home.userHome, name);
    writeFileSync(path, content, { mode: 0o700 });
    return path;
  };
  const table: readonly (readonly [Environment, string | null, string])[] = [
    [{}, null, "ok proxy_none"],
    [{ HTTPS_PROXY: "http://me:CANARY@proxy.example:3128" }, "HTTPS_PROXY", "ok proxy_used"],
    [{ HTTPS_PROXY: "http://proxy.example", ALL_PROXY: "http://CANARY" }, "ALL_PROXY", "notice proxy_outranked"],
    [{ all_proxy: "socks5://CANARY:CANARY@proxy.example" }, "all_proxy", "problem proxy_invalid"],
    [{ HTTP_PROXY: "http://CANARY", REQUEST_METHOD: "GET" }, "HTTP_PROXY", "notice proxy_ignored"],
    [{ https_proxy: "http://p.example", NO_PROXY: "auth.openai.com" }, "NO_PROXY", "ok proxy_exceptions"],
    [{ SSL_CERT_FILE: join(home.userHome, "gone") }, "SSL_CERT_FILE", "problem certificates_unreadable"],
    [{ NODE_EXTRA_CA_CERTS: file("empty.pem", "") }, "NODE_EXTRA_CA_CERTS", "problem certificates_unreadable"],
    [{ SSL_CERT_FILE: file("good.pem", authority().certificate) }, "SSL_CERT_FILE", "ok certificates_added"],
    [
      { SSL_CERT_FILE: file("old.pem", certificateFor("a", "210101000000Z")) },
      "SSL_CERT_FILE",
      "problem certificates_ended",
    ],
    [{ SSL_CERT_DIR: "/nowhere" }, "SSL_CERT_DIR", "problem certificates_unreadable"],
    [{ NODE_TLS_REJECT_UNAUTHORIZED: "0" }, "NODE_TLS_REJECT_UNAUTHORIZED", "problem tls_unchecked"],
    [{ NODE_OPTIONS: "--require /CANARY.js" }, "NODE_OPTIONS", "notice node_loads"],
    [{ NODE_OPTIONS: "--title=CANARY" }, "NODE_OPTIONS", "notice node_options"],
    [{ NO_BROWSER: "1" }, "NO_BROWSER", "ok browser_none"],
    [{ NO_BROWSER: "0" }, null, "ok browser_usual"],
    [{ BROWSER: "no-such-browser %s" }, "BROWSER", "problem browser_missing"],
    [{ BROWSER: `'${file("my browser", "#!/bin/sh")}' --new` }, "BROWSER", "ok browser_named"],
    [{ BROWSER: "/" }, "BROWSER", "problem browser_missing"],
    [{ BROWSER: "browser", PATH: home.userHome }, "BROWSER", "problem browser_missing"],
    [{ SSH_CONNECTION: "192.0.2.1 1 192.0.2.2 22" }, null, "notice in_ssh"],
  ];
  for (const [environment, subject, says] of table)
    it(`with ${Object.keys(environment).join(" and ") || "nothing"} gives ${says}`, async () => {
      using own = made();
      const findings = await found(own, environment);
      assert.ok(words(findings, subject).includes(says), JSON.stringify(findings));
      assert.ok(!JSON.stringify(findings).includes("CANARY"));
    });

  it("names the hosts that no proxy is used for", async () => {
    using own = made();
    const findings = await found(own, { https_proxy: "http://p.example", no_proxy: ".openai.com" });
    const says = "no_proxy lets these be reached directly: auth.openai.com, api.openai.com";
    assert.equal(findings.find(({ code }) => code === "proxy_exceptions")?.message, says);
  });

  it("has a Node that is new enough, or not", () => {
    for (const [version, level] of [
      ["22.18.9", "problem"],
      ["20.99.0", "problem"],
      ["22.19.0", "ok"],
      ["30.0.0", "ok"],
    ] as const)
      assert.equal(node(version)[0]?.level, level, version);
  });

  it("has a disk with room, or not", { skip: process.platform !== "linux" }, async () => {
    using own = made();
    const findings = await diagnose({ host: own.host({ home: "/proc/nothing" }) });
    assert.ok(codes(findings, "problem").some((code) => /^disk_(?:full|unwritable)$/.test(code)));
  });
});

describe("what is told", () => {
  it("holds no secret, whatever is on the disk and in the environment", async () => {
    using home = made();
    for (const [provider, content] of [
      [
        "codex",
        plainTokens(home.now(), {
          access_token: "CANARY-access",
          refresh_token: "CANARY-refresh",
          id_token: "CANARY.CANARY.CANARY",
        }),
      ],
      ["gemini", '{"access_token": "CANARY'],
      ["qwen", plainTokens(home.now(), { access_token: "CANARY-a", refresh_token: null, expiry: 5 })],
    ] as const)
      home.plant(provider, content, 0o644);
    home.settings('{"providers": {"codex": {"auth-key": "CANARY", "tokenEndpoint": "CANARY"}}');
    mkdirSync(home.paths.profiles, { mode: 0o777 });
    writeFileSync(
      join(home.paths.profiles, "p.json"),
      '{"provider":"codex","ephemeralSettings":{"auth-key":["CANARY"]}}',
    );
    mkdirSync(home.paths.pending, { mode: 0o755 });
    writeFileSync(join(home.paths.pending, "codex.x.json"), '{"verifier":"CANARY"}');
    const keys = ["OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "ANTHROPIC_API_KEY", "DASHSCOPE_API_KEY"];
    const environment = {
      ...Object.fromEntries(keys.map((name) => [name, "CANARY"])),
      HTTP_PROXY: "http://u:CANARY@h.example",
    };
    for (const fix of [false, true, false])
      assert.ok(!JSON.stringify(await found(home, environment, fix)).includes("CANARY"));
    home.settings({ providers: { codex: { "auth-key": "CANARY" } } });
    assert.ok(!JSON.stringify(await found(home, environment)).includes("CANARY"));
  });
});
