// Ten logins that go wrong, for real: the program and its refreshers against the emulator, so that their journals are what
// a person would attach to a report. `record.ts` runs them; the tests read what they left.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { readFileSync } from "node:fs";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../providers/emulator/index.ts";
import type { ProviderName } from "../../providers/index.ts";
import { type Around, refreshersOf, signal, started } from "../battery/processes.ts";
import { commandLine, House, type Json } from "../cli/program.ts";
import { Home } from "../support/home.ts";
import { signIn as signInHere, stage, until } from "../support/stage.ts";

export interface Recorded {
  readonly provider: ProviderName;
  /** The home folder as the story left it. */
  readonly home: string;
}

/** Plays a story in a world that is there until `keep` has seen what is left. */
export type Play = (keep: (recorded: Recorded) => void) => Promise<void>;

const patientMs = 30_000;

class Scene {
  readonly emulator: Emulator;
  readonly house: House;
  readonly provider: ProviderName;

  constructor(emulator: Emulator, house: House, provider: ProviderName) {
    this.emulator = emulator;
    this.house = house;
    this.provider = provider;
  }

  /** Runs a command of the provider's to its end. @returns its exit code */
  async run(words: string, around: Around = {}): Promise<number | null> {
    const { code } = await started(this.house, [...commandLine, this.provider, ...words.split(" ")], around).ended;
    await until(() => refreshersOf(this.house.home).length === 0, "its refresher has ended", patientMs);
    return code;
  }

  /** A person signs in, or says no. */
  async login(decision: "approve" | "deny" = "approve"): Promise<number | null> {
    const begun = this.house.start([this.provider, "login", "--no-browser"]);
    const [address] = await begun.said(/^https?:\/\/\S+$/m);
    await this.emulator[decision](address);
    return (await begun.ended).code;
  }

  /** The access token looks as if it had ended. */
  expire(): void {
    this.house.plant(this.provider, { ...this.file, expiry: Math.floor(Date.now() / 1000) - 10 });
  }

  get file(): Json {
    return this.house.tokens(this.provider);
  }

  async presented(times: number): Promise<void> {
    await until(() => this.emulator.presentations().length >= times, "the refresh token arrived", patientMs);
  }
}

const played =
  (provider: ProviderName, work: (scene: Scene) => Promise<void>, options: EmulatorOptions = {}): Play =>
  async (keep) => {
    await using emulator = await startEmulator({ deviceIntervalS: 1, lenient: ["unregistered-port"], ...options });
    using house = homeAt(emulator);
    await work(new Scene(emulator, house, provider));
    keep({ provider, home: house.home });
  };

/** A machine of its own, before the same servers, which any port will do. */
function homeAt(emulator: Emulator): House {
  const { providers } = emulator.home("");
  return new House(emulator, {
    providers: { codex: { ...providers.codex, loopback: { ports: [] }, reuseGraceMs: 0 } },
  });
}

export const stories: Readonly<Record<string, Play>> = {
  "refused-refresh": played("codex", async (s) => {
    assert.equal(await s.login(), 0);
    s.expire();
    assert.equal(await s.run("token"), 0);
    using other = homeAt(s.emulator);
    other.plant(s.provider, s.file);
    const there = new Scene(s.emulator, other, s.provider);
    assert.equal(await there.run("refresh --force"), 0);
    s.expire();
    assert.equal(await s.run("token"), 3);
  }),
  "lost-reply": played("codex", async (s) => {
    assert.equal(await s.login(), 0);
    s.expire();
    s.emulator.fault(s.provider, "refresh", { kind: "drop-reply" });
    assert.equal(await s.run("token"), 5);
    assert.equal(await s.run("refresh --force"), 3);
  }),
  "expired-device-code": played(
    "qwen",
    async (s) => {
      assert.equal(await s.run("login --no-browser"), 3);
    },
    { deviceLifetimeS: 3 },
  ),
  "denied-consent": played("codex", async (s) => {
    assert.equal(await s.login("deny"), 4);
  }),
  "killed-process": played("codex", async (s) => {
    assert.equal(await s.login(), 0);
    s.expire();
    s.emulator.fault(s.provider, "refresh", { kind: "delay", ms: patientMs });
    const asking = started(s.house, [...commandLine, s.provider, "token"]);
    await s.presented(1);
    signal(asking.child.pid, "SIGKILL");
    for (const pid of refreshersOf(s.house.home)) signal(pid, "SIGKILL");
    await asking.ended;
    assert.equal(await s.run("token"), 3);
  }),
  "full-disk": played("codex", async (s) => {
    assert.equal(await s.login(), 0);
    s.expire();
    const under = ["bash", "-c", `ulimit -f 32; exec "$@"`, "bash"];
    assert.equal(await s.run("token", { under }), 6);
    assert.equal(await s.run("token", { under }), 6);
  }),
  "corrupt-file": played("codex", async (s) => {
    assert.equal(await s.login(), 0);
    s.house.plant(s.provider, JSON.stringify(s.file).slice(0, -40));
    assert.equal(await s.run("token"), 6);
  }),
  "busy-port": played("codex", async (s) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    assert.equal(await s.run(`login --no-browser --port ${port}`), 6);
    taken.close();
  }),
  "clock-jump": async (keep) => {
    await using s = await stage({ home: new Home() });
    const auth = s.auth({ ahead: true });
    await signInHere(s, auth, "anthropic");
    const resumed = (): number => readFileSync(s.home.paths.journal, "utf8").split('"step":"resumed"').length - 1;
    s.home.set = 9 * 3_600_000;
    await until(() => resumed() === 1, "it noticed", patientMs);
    await auth.account("anthropic").token();
    s.home.set = 0;
    await until(() => resumed() === 2, "it noticed both", patientMs);
    await auth.close();
    keep({ provider: "anthropic", home: s.home.paths.home });
  },
  "revoked-elsewhere": played("gemini", async (s) => {
    assert.equal(await s.login(), 0);
    s.emulator.revokeAll(s.provider);
    s.expire();
    assert.equal(await s.run("token"), 3);
  }),
};
