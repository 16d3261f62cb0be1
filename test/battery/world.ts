// One login to be kept alive: a real home folder, and an emulator in this process whose counters judge.
//
// The server rotates and revokes the family on reuse, as the strictest vendor does. Nothing here believes a client: what
// was spent, and how often, is read from the server.
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Emulator, type Presentation, startEmulator } from "../../providers/emulator/index.ts";
import { House, type Json } from "../cli/program.ts";
import { became, pause } from "./part.ts";
import { command, refreshersOf } from "./processes.ts";

/** Rotates always, and a reuse ends the login. */
export const provider = "codex";

export interface WorldOptions {
  /** Of access tokens. The token file's expiry is whole seconds, so a client sees up to one second less. */
  readonly lifetimeS: number;
  /** How long the server takes a spent refresh token; the client is told. Default 0. */
  readonly graceMs?: number;
  /** How long the server takes for the reply to a refresh, after it has acted. Default 0. */
  readonly serverMs?: number;
}

export class World implements AsyncDisposable {
  readonly emulator: Emulator;
  readonly house: House;
  readonly lifetimeMs: number;
  /** Lineage in the token file → number of the login at the server. */
  readonly lineages = new Map<string, number>();

  private constructor(emulator: Emulator, house: House, lifetimeMs: number) {
    this.emulator = emulator;
    this.house = house;
    this.lifetimeMs = lifetimeMs;
  }

  /** A world with somebody signed in. */
  static async open({ lifetimeS, graceMs = 0, serverMs = 0 }: WorldOptions): Promise<World> {
    const emulator = await startEmulator({ lifetimeS, reuseGraceMs: graceMs, lenient: ["unregistered-port"] });
    if (serverMs > 0) emulator.fault(provider, "refresh", { kind: "delay", ms: serverMs }, Infinity);
    const { providers } = emulator.home("");
    const over = { ...providers[provider], loopback: { ports: [] }, reuseGraceMs: graceMs };
    const world = new World(emulator, new House(emulator, { providers: { [provider]: over } }), lifetimeS * 1000);
    await world.signIn();
    return world;
  }

  get home(): string {
    return this.house.home;
  }

  get file(): string {
    return join(this.home, "oauth", `${provider}.json`);
  }

  /** The token file; null: there is none, or it cannot be read. */
  get stored(): Json | null {
    try {
      return JSON.parse(readFileSync(this.file, "utf8")) as Json;
    } catch {
      return null;
    }
  }

  get generation(): number {
    return this.stored?.["llxprt_auth"]?.generation ?? 0;
  }

  get expiresAt(): number {
    return (this.stored?.["expiry"] ?? 0) * 1000;
  }

  /** A person signs in, by the real command. */
  async signIn(): Promise<void> {
    const started = this.house.start([provider, "login", "--no-browser"]);
    const [address] = await started.said(/^https?:\/\/\S+$/m);
    await this.emulator.approve(address);
    const { code, stderr } = await started.ended;
    const lineage: unknown = this.stored?.["llxprt_auth"]?.lineage;
    if (code !== 0 || typeof lineage !== "string") throw new Error(`Signing in ended with ${code}: ${stderr}`);
    this.lineages.set(lineage, this.emulator.logins().length - 1);
  }

  /** The token in the file looks as if it had ended, as after an edit by hand. */
  expire(): void {
    this.edit((file) => ({ ...file, expiry: Math.floor(Date.now() / 1000) - 10 }));
  }

  /** A login whose token has ended, whatever was done to the one before. */
  async begin(): Promise<void> {
    if (!this.isAlive) await this.signIn();
    // A sealed reply outranks the file, and its expiry cannot be edited.
    const isSealed = this.spending().some((name) => name.endsWith(".next"));
    if (isSealed) await command(this.house, [provider, "refresh", "--force"]).ended;
    this.expire();
  }

  /** Replaces the token file as another careful program would. */
  edit(change: (file: Json) => Json): void {
    const temporary = `${this.file}.edited`;
    writeFileSync(temporary, JSON.stringify(change(this.stored ?? {})), { mode: 0o600 });
    renameSync(temporary, this.file);
  }

  /** Refresh tokens that came in, all or of one login. */
  presentations(login?: number): readonly Presentation[] {
    const all = this.emulator.presentations();
    return login === undefined ? all : all.filter((one) => one.login === login);
  }

  /** Refresh tokens that came in more than once. */
  doubles(): readonly Doubled[] {
    const times = new Map<string, Presentation[]>();
    for (const one of this.presentations()) {
      const name = `${one.login}.${one.generation}`;
      times.set(name, [...(times.get(name) ?? []), one]);
    }
    return [...times.values()]
      .filter((list) => list.length > 1)
      .map((list) => ({ login: list[0]?.login ?? 0, generation: list[0]?.generation ?? 0, times: list }));
  }

  /** The login that the home has now, as the server sees it. */
  get isAlive(): boolean {
    return this.emulator.logins().at(-1)?.ended === null;
  }

  /** Lines of the journal that can be read, the oldest first. */
  journal(): readonly Json[] {
    const folder = join(this.home, "oauth");
    const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("journal")) : [];
    return files
      .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as Json];
        } catch {
          return [];
        }
      })
      .sort((a, b) => String(a["at"]).localeCompare(String(b["at"])));
  }

  /** The last that the server and the journal know of a login. */
  history(login: number): string {
    const shown = ({ lineage, ...record }: Json): string =>
      JSON.stringify({ ...record, login: this.lineages.get(lineage) });
    const { snapshot: _, ...ours } = this.stored?.["llxprt_auth"] ?? {};
    return [
      ...this.presentations(login)
        .slice(-6)
        .map((one) => JSON.stringify(one)),
      ...this.journal().slice(-20).map(shown),
      JSON.stringify(ours),
      this.spending().join(" "),
    ].join("\n  ");
  }

  /** What lies in the folder of a refresh under way. */
  spending(): readonly string[] {
    const folder = join(this.home, "oauth", ".spend", provider);
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** Process ids in the permits that lie there. */
  permitted(): readonly number[] {
    return this.spending()
      .filter((name) => name.endsWith(".sent"))
      .flatMap((name) => {
        try {
          const permit = JSON.parse(readFileSync(join(this.home, "oauth", ".spend", provider, name), "utf8")) as Json;
          return [permit["holder"].pid as number];
        } catch {
          return [];
        }
      });
  }

  /** Of these, what belongs to an earlier generation than the token file's. */
  spentLeftovers(): readonly string[] {
    return this.spending().filter((name) => {
      const generation = /^[\w-]+\.(\d+)\./.exec(name)?.[1];
      return generation !== undefined && Number(generation) < this.generation;
    });
  }

  /** Waits until no refresher of this home is left. @returns false when one stays */
  quiet(withinMs = 45_000): Promise<boolean> {
    return became(() => refreshersOf(this.home).length === 0, withinMs, 50);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quiet(5_000);
    await this.emulator.close();
    // A process that was killed may have left one that still writes.
    await pause(50);
    this.house[Symbol.dispose]();
  }
}

export interface Doubled {
  readonly login: number;
  readonly generation: number;
  readonly times: readonly Presentation[];
}
