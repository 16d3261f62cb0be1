// A small world: one home folder with real files, up to three processes of the real runtime over it, two accounts in use and
// one that nobody touches, a vendor, a person. Only the network, the clock and the dice are not the real ones.
//
// Whatever happens, happens through `do`; after each step the files are looked at (`invariants.ts`).
import { closeSync, existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Account } from "../../../runtime/account.ts";
import { type Auth, createAuth } from "../../../runtime/auth.ts";
import { Secret } from "../../../runtime/secret.ts";
import type { PendingRow } from "../../../runtime/status.ts";
import { encode } from "../../../runtime/store/codec.ts";
import { decodePermit, encodePermit } from "../../../runtime/store/evidence.ts";
import type { AccountName } from "../../../runtime/store/names.ts";
import type { Credential } from "../../../runtime/token.ts";
import { tryLock } from "../../../runtime/refresh/lock.ts";
import { Home, type Json } from "../../support/home.ts";
import { sampleCredential } from "../../support/sample.ts";
import { nobody } from "../../support/spending.ts";
import { type Fate, Network, type Order } from "./network.ts";
import { OpenLocks } from "./locks.ts";
import { Watched } from "./invariants.ts";
import { drained, processes, Time } from "./time.ts";
import { type Temper, Vendor } from "./vendor.ts";

/** What a run starts from. */
export interface Beginning extends Temper {
  readonly seed: number;
  /** Which of the accounts in use are signed in. */
  readonly signedIn: readonly [boolean, boolean];
  /** Processes renew before they have to. */
  readonly ahead: boolean;
}

export type Action =
  | { readonly kind: "token"; readonly slot: number; readonly account: number; readonly minTtlMs: number }
  | { readonly kind: "refresh" | "rejected"; readonly slot: number; readonly account: number }
  | { readonly kind: "login"; readonly slot: number; readonly account: number; readonly grant: "paste" | "device" }
  /** The person signs in at the newest page but `back`, and pastes what it shows. */
  | { readonly kind: "paste"; readonly slot: number; readonly account: number; readonly back: number }
  | { readonly kind: "approve"; readonly back: number; readonly yes: boolean }
  | { readonly kind: "cancel" | "wait"; readonly slot: number; readonly account: number }
  | { readonly kind: "logout"; readonly slot: number; readonly account: number; readonly revoke: boolean }
  | { readonly kind: "rm"; readonly account: number }
  /** A program that knows no locks signs in, and writes its own file. */
  | { readonly kind: "foreign"; readonly account: number }
  /** Another process renews it all while the next one that tries for the lock is about to. */
  | { readonly kind: "overtake"; readonly account: number }
  /** `arrives`: what it had sent gets there. `seen`: others can see that it is gone. */
  | { readonly kind: "kill"; readonly slot: number; readonly arrives: boolean; readonly seen: boolean }
  | { readonly kind: "leave"; readonly slot: number }
  | { readonly kind: "enable" | "disable"; readonly slot: number; readonly account: number }
  /** The person takes the login away at the vendor's own page. */
  | { readonly kind: "disown"; readonly account: number }
  /** Somebody sets the wall clock. */
  | { readonly kind: "set"; readonly ms: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "weather"; readonly fate: Fate };

interface Process {
  readonly id: string;
  readonly auth: Auth;
}

export const slots = 3;
export const accounts: readonly AccountName[] = [
  { provider: "acme", account: "default" },
  { provider: "acme", account: "work" },
];
const untouched: AccountName = { provider: "acme", account: "quiet" };
/** The person of an account. */
const personOf = ({ account }: AccountName): string => `person-${account}`;

const settings = ({ graceMs }: Temper) => ({
  oauthEnabledProviders: { acme: true },
  providers: {
    acme: {
      title: "Acme",
      grants: ["paste", "device"],
      clientId: "a-client",
      scopes: ["read"],
      authorizationEndpoint: "https://vendor.example/authorize",
      tokenEndpoint: "https://vendor.example/token",
      deviceAuthorizationEndpoint: "https://vendor.example/device",
      revocationEndpoint: "https://vendor.example/revoke",
      userinfoEndpoint: "https://vendor.example/userinfo",
      paste: { redirectUri: "https://vendor.example/shown", bareCode: false },
      device: {
        dialect: "standard",
        pkce: true,
        pollEndpoint: null,
        verificationUri: null,
        verificationHosts: [],
        redirectUri: null,
        pendingStatuses: [],
        intervalS: 5,
        lifetimeS: 900,
      },
      rotation: "sometimes",
      reuseGraceMs: graceMs,
    },
  },
});

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Where files cost the least. */
const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export class World implements AsyncDisposable {
  readonly home = new Home(parent);
  readonly time: Time;
  readonly vendor: Vendor;
  readonly network: Network;
  readonly watched: Watched;
  /** What was asked for and came to no end yet. */
  readonly #underWay = new Set<Promise<void>>();
  readonly #locks = new OpenLocks((path) => {
    this.#overtake(path);
  });
  readonly #overtaken = new Set<AccountName>();
  readonly #processes: (Process | null)[] = Array.from({ length: slots }, () => null);
  readonly #dead = new Set<string>();
  /** Pages and codes that were shown, with the account that they are for. */
  readonly #shown: { readonly name: AccountName; readonly pending: PendingRow }[] = [];
  readonly #handed = new Map<string, Credential>();
  readonly #ofProcess = new Map<string, Promise<void>[]>();
  readonly #ahead: boolean;
  /** Who listened for signals before there was a world. */
  readonly #listening = signals.map((signal) => new Set(process.listeners(signal)));
  #started = 0;

  constructor(beginning: Beginning, order: Order) {
    this.time = new Time(Date.parse("2026-11-23T12:00:00Z"), beginning.seed);
    this.vendor = new Vendor(beginning, this.time.now, this.time.random);
    this.network = new Network(this.vendor, this.time.wall, order);
    this.#ahead = beginning.ahead;
    this.home.settings(settings(beginning));
    this.watched = new Watched(this.home.paths, this.vendor, this.time, [...accounts, untouched], personOf);
    accounts.forEach((name, index) => {
      if (beginning.signedIn[index] === true) this.#plant(name);
    });
    this.#plant(untouched);
    this.watched.begin(untouched);
    this.network.onArrival = (request) => {
      this.watched.arrived(request);
    };
  }

  get isIdle(): boolean {
    return this.#underWay.size === 0 && this.network.underWay === 0;
  }

  /** Begins something; what comes of it is noted when it comes. */
  do(action: Action): void {
    switch (action.kind) {
      case "approve":
        this.#approve(action.back, action.yes);
        return;
      case "rm":
        this.watched.mayGo(nameAt(action.account));
        rmSync(this.home.paths.tokenFile(nameAt(action.account)), { force: true });
        return;
      case "foreign":
        this.watched.mayGo(nameAt(action.account));
        this.#plant(nameAt(action.account), true);
        return;
      case "overtake":
        this.#overtaken.add(nameAt(action.account));
        return;
      case "kill":
        this.#kill(action.slot, action.arrives, action.seen);
        return;
      case "disown": {
        const family = this.watched.familyIn(nameAt(action.account));
        if (family !== null) family.end ??= "disowned";
        return;
      }
      case "set":
        this.time.setMs += action.ms;
        return;
      case "leave":
        this.#leave(action.slot);
        return;
      case "sleep":
        this.time.asleepMs += action.ms;
        return;
      case "weather":
        this.network.weather.push(action.fate);
        return;
      case "pass":
        return;
      default:
        this.#ask(action);
    }
  }

  /** Steps of the clock: the next timer, whosever it is. */
  tick(): void {
    this.time.fire();
  }

  /** Everything that can run has run: is all as it should be? */
  async settled(): Promise<void> {
    await drained();
    this.watched.look();
  }

  #ask(action: Extract<Action, { slot: number; account: number }>): void {
    const name = nameAt(action.account);
    const { id, auth } = this.#processAt(action.slot);
    const account = auth.account(name.provider, name.account);
    const asked = this.watched.asked(name, action.kind);
    const work = processes.run(id, () => this.#work(action, account, name, id));
    if (work === null) return asked.ended(null);
    const ended = this.#followed(work, id, (value, error) => {
      asked.ended(error);
      if (!isCredential(value)) return;
      this.watched.handed(name, asked, value);
      this.#handed.set(`${action.slot} ${action.account}`, value);
    });
    this.#underWay.add(ended);
    asked.process = id;
    void ended.then(() => this.#underWay.delete(ended));
    this.#ofProcess.set(id, [...(this.#ofProcess.get(id) ?? []), ended]);
  }

  /** What a process hears of that is gone is nobody's. */
  async #followed(work: Promise<unknown>, id: string, tell: (value: unknown, error: unknown) => void): Promise<void> {
    const [value, error] = await work.then(
      (result) => [result, null] as const,
      (reason: unknown) => [null, reason] as const,
    );
    if (!this.#dead.has(id)) tell(value, error);
  }

  #work(
    action: Extract<Action, { slot: number; account: number }>,
    account: Account,
    name: AccountName,
    id: string,
  ): Promise<unknown> | null {
    switch (action.kind) {
      case "token":
        return account.token({ minTtlMs: action.minTtlMs });
      case "refresh":
        return account.refresh({ force: true });
      case "rejected": {
        const credential = this.#handed.get(`${action.slot} ${action.account}`);
        return credential === undefined ? null : account.rejected(credential);
      }
      case "login":
        return account.login({ grant: action.grant, onPending: (pending) => this.#shown.push({ name, pending }) });
      case "paste": {
        const page = this.#shown
          .filter((one) => one.name === name && one.pending.kind === "paste")
          .at(-1 - action.back);
        if (page === undefined) return null;
        return account.complete(this.vendor.authorize(page.pending.url, personOf(name)));
      }
      case "wait":
        return account.wait({ onPending: (pending) => this.#shown.push({ name, pending }) });
      case "cancel":
        return account.cancel();
      case "enable":
        return account.enable();
      case "disable":
        return account.disable();
      case "logout":
        return account.logout({ revoke: action.revoke });
      default:
        throw new TypeError(`process ${id} knows nothing of this`);
    }
  }

  #approve(back: number, yes: boolean): void {
    const shown = this.#shown.filter(({ pending }) => pending.kind === "device").at(-1 - back);
    if (shown === undefined) return;
    for (const grant of this.vendor.devices.values()) {
      if (grant.userCode !== shown.pending.userCode || grant.state !== "waiting") continue;
      if (yes) grant.person = personOf(shown.name);
      else grant.state = "denied";
    }
  }

  #processAt(slot: number): Process {
    const there = this.#processes[slot] ?? null;
    if (there !== null) return there;
    this.#started += 1;
    const made = this.open(`p${slot}.${this.#started}`);
    this.#processes[slot] = made;
    return made;
  }

  /** A runtime as a process of its own would have it. */
  open(id: string): Process {
    const host = this.home.host({
      now: this.time.wall,
      monotonic: this.time.monotonic,
      randomBytes: this.time.bytes,
      sender: this.network.sender(id),
      // The timer finds what changes, twice a second: that is what is relied on.
      watchFolder: () => () => undefined,
    });
    return { id, auth: processes.run(id, () => createAuth({ host, ahead: this.#ahead })) };
  }

  /** As the kernel does it: nothing of this process runs any more, and its locks are free. */
  #kill(slot: number, arrives: boolean, seen: boolean): void {
    const gone = this.#processes[slot] ?? null;
    if (gone === null) return;
    const { id } = gone;
    this.#processes[slot] = null;
    this.#dead.add(id);
    if (seen) this.#bury(id);
    this.time.drop(id);
    this.network.kill(id, arrives);
    this.#locks.release(id);
    this.watched.killed(id);
    for (const work of this.#ofProcess.get(id) ?? []) this.#underWay.delete(work);
  }

  /** All processes here have one number. What the dead one has signed gets one that nobody has. */
  #bury(id: string): void {
    for (const name of accounts) {
      if (!this.network.isPresenting(id, this.watched.tokenIn(name))) continue;
      const folder = this.home.paths.spend(name);
      for (const file of readdirSync(folder).filter((one) => one.endsWith(".sent"))) {
        const path = join(folder, file);
        const text = readFileSync(path, "utf8");
        const permit = decodePermit(text, Number(file.split(".").at(-2)));
        const { lineage, generation } = JSON.parse(text) as { lineage: string | null; generation: number };
        if (permit.ended || permit.holder === null || permit.of === null) continue;
        const holder = { ...permit.holder, pid: nobody, startTicks: "1" };
        writeFileSync(path, encodePermit({ lineage, generation, of: permit.of }, { ...permit, holder }));
      }
    }
  }

  #leave(slot: number): void {
    const gone = this.#processes[slot] ?? null;
    if (gone === null) return;
    this.#processes[slot] = null;
    this.close(gone);
  }

  close({ id, auth }: Process): void {
    const closed = processes.run(id, () => auth.close());
    this.#underWay.add(closed);
    void closed.then(() => this.#underWay.delete(closed));
  }

  /** Everybody leaves. */
  closeAll(): void {
    for (let slot = 0; slot < slots; slot += 1) this.#leave(slot);
  }

  /** By one that has the lock for a moment, and leaves nothing but the next token file. */
  #overtake(path: string): void {
    const name = accounts.find((one) => path === join(this.home.paths.spend(one), "lock"));
    if (name === undefined || !this.#overtaken.delete(name)) return;
    const lock = tryLock(path, name);
    if (lock === null) return;
    const spent = existsSync(this.home.paths.tokenFile(name)) ? this.watched.tokenIn(name) : null;
    const isTouched = readdirSync(this.home.paths.spend(name)).some((file) => file.endsWith(".sent"));
    const family = spent === null ? null : this.vendor.familyOf(spent);
    if (family !== null && family.end === null && family.current === spent && !isTouched) this.#renew(name, spent);
    lock.release();
  }

  #renew(name: AccountName, spent: string): void {
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: spent }).toString();
    const request = { method: "POST", url: "https://vendor.example/token", headers: {}, body } as const;
    const { access_token, refresh_token, expires_in } = this.vendor.handle(request, "elsewhere").body as Json;
    const heard = this.vendor.presentations.get(spent)?.at(-1);
    if (heard !== undefined) heard.fate = "answered";
    const before = this.home.tokens(name.provider, name.account);
    const ours = before["llxprt_auth"] as Json | undefined;
    const now = Math.floor(this.time.wall() / 1000);
    this.home.plant(
      name.provider,
      {
        ...before,
        access_token,
        refresh_token: refresh_token ?? spent,
        expiry: now + expires_in,
        llxprt_auth: { schema: 1, ...ours, generation: (ours?.["generation"] ?? 0) + 1, obtained_at: now },
      },
      0o600,
      name.account,
    );
  }

  #plant(name: AccountName, isForeign = false): void {
    const { family, reply } = this.vendor.issue(personOf(name), `planted ${name.account}`);
    const { access_token: access, expires_in: lifetime } = reply.body as { access_token: string; expires_in: number };
    const now = this.time.wall();
    const credential = sampleCredential({
      accessToken: new Secret("access_token", access),
      refreshToken: new Secret("refresh_token", family.current),
      expiresAt: now + lifetime * 1000,
      lineage: `planted-${name.account}`,
      issuer: "vendor.example",
      clientId: "a-client",
      obtainedAt: now,
    });
    const { llxprt_auth: _, ...plain } = JSON.parse(encode(credential)) as Json;
    this.home.plant(name.provider, isForeign ? plain : encode(credential), 0o600, name.account);
  }

  /** Nothing of this world is left, and the real clock goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#locks[Symbol.dispose]();
    this.time[Symbol.dispose]();
    // What was killed in the middle of a refresh would hold Ctrl-C back for ever.
    for (const [index, signal] of signals.entries())
      for (const listener of process.listeners(signal))
        if (this.#listening[index]?.has(listener) === false) process.off(signal, listener);
    closeBelow(this.home.userHome);
    this.home[Symbol.dispose]();
    await drained();
  }
}

export function nameAt(index: number): AccountName {
  const name = accounts[index];
  if (name === undefined) throw new TypeError(`there is no account ${index}`);
  return name;
}

function isCredential(value: unknown): value is Credential {
  return typeof value === "object" && value !== null && "secret" in value && "shortLived" in value;
}

/** A process that is killed closes its files; here the kernel does not know that it was. */
function closeBelow(folder: string): void {
  const open = "/proc/self/fd";
  if (!existsSync(open)) return;
  for (const number of readdirSync(open)) {
    try {
      if (readlinkSync(join(open, number)).startsWith(folder)) closeSync(Number(number));
    } catch {
      // The one by which this very folder was read.
    }
  }
}
