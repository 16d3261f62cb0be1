// What must hold after every step, whoever did what in whichever order, seen from the outside alone: the files of the home,
// the vendor's books, and what was handed out.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { createHash } from "node:crypto";
import { AuthError } from "../../../machines/errors.ts";
import type { WireRequest } from "../../../runtime/wire/request.ts";
import type { AccountName, Paths } from "../../../runtime/store/names.ts";
import type { Credential } from "../../../runtime/token.ts";
import { canaries } from "../../support/canary.ts";
import type { Json } from "../../support/home.ts";
import type { Time } from "./time.ts";
import type { Family, Vendor } from "./vendor.ts";

/** What somebody asked of an account. */
export interface Asked {
  readonly name: AccountName;
  readonly what: string;
  /** Login that was there when it was asked for. */
  readonly lineage: string | null;
  /** Time awake (ms). */
  readonly at: number;
  process: string | null;
  /** @param error null: it went well */
  ended(error: unknown): void;
}

interface InFile {
  readonly lineage: string;
  readonly generation: number;
  readonly refreshToken: string | null;
  readonly accessToken: string;
  /** Noted of this generation: it will not be renewed. */
  readonly refused: string | null;
  readonly text: string;
}

/** For so long a process may use a token in memory whose login another one has ended: it looks twice a second. */
const hearsOfItMs = 2_000;

export class Watched {
  /** What did not hold, in words. */
  readonly wrongs: string[] = [];
  readonly counts = { tokens: 0, errors: 0, lost: 0 };
  readonly #paths: Paths;
  readonly #vendor: Vendor;
  readonly #time: Time;
  readonly #names: readonly AccountName[];
  readonly #personOf: (name: AccountName) => string;
  readonly #before = new Map<AccountName, InFile | null>();
  readonly #generations = new Map<string, number>();
  /** Logins that were removed, and when, in time awake (ms). */
  readonly #dead = new Map<string, number>();
  readonly #familyOf = new Map<string, Family>();
  /** Records of sign-ins under way: file to what the vendor knows them by. */
  readonly #records = new Map<string, string>();
  /** Sign-ins that ended without a login. */
  readonly #closed = new Set<string>();
  readonly #mayGo = new Set<AccountName>();
  readonly #loggingOut = new Set<Asked>();
  readonly #ended = new Set<Asked>();
  #untouched: { readonly name: AccountName; readonly text: string } | null = null;

  constructor(
    paths: Paths,
    vendor: Vendor,
    time: Time,
    names: readonly AccountName[],
    personOf: (name: AccountName) => string,
  ) {
    this.#paths = paths;
    this.#vendor = vendor;
    this.#time = time;
    this.#names = names;
    this.#personOf = personOf;
  }

  /** @param untouched an account that nobody asks anything of */
  begin(untouched: AccountName): void {
    this.#untouched = { name: untouched, text: readFileSync(this.#paths.tokenFile(untouched), "utf8") };
    for (const name of this.#names) {
      const now = this.#read(name);
      this.#before.set(name, now);
      if (now !== null) this.#seen(name, now);
    }
  }

  /** The refresh token that is stored. */
  tokenIn(name: AccountName): string | null {
    return this.#before.get(name)?.refreshToken ?? null;
  }

  familyIn(name: AccountName): Family | null {
    const { lineage } = this.#read(name) ?? {};
    return lineage === undefined ? null : (this.#familyOf.get(lineage) ?? null);
  }

  /** Somebody removes the file at this moment. */
  mayGo(name: AccountName): void {
    this.#mayGo.add(name);
  }

  asked(name: AccountName, what: string): Asked {
    const asked: Asked = {
      name,
      what,
      lineage: this.#read(name)?.lineage ?? null,
      at: this.#time.awakeMs,
      process: null,
      ended: (error) => {
        this.#end(asked, error);
      },
    };
    if (what === "logout") this.#loggingOut.add(asked);
    return asked;
  }

  killed(process: string): void {
    for (const asked of this.#loggingOut) if (asked.process === process) this.#ended.add(asked);
  }

  /** A token was handed out. */
  handed({ account }: AccountName, asked: Asked, credential: Credential): void {
    const family = this.#vendor.familyOf(credential.secret.reveal());
    this.counts.tokens += 1;
    if (family === null) return this.#wrong("a token was handed out that the vendor never issued");
    if (family.person !== this.#personOf(asked.name)) this.#wrong(`${account} was handed ${family.person}'s token`);
    for (const [lineage, at] of this.#dead) {
      const isOld = this.#familyOf.get(lineage) === family && asked.at - at > hearsOfItMs;
      if (isOld) this.#wrong(`${account} was handed a token of a login that had ended ${asked.at - at} ms before`);
    }
    const left = (credential.expiresAt ?? 0) - this.#time.wall();
    if (left <= 0 && !credential.shortLived) this.#wrong(`${account} was handed a token that is dead for ${-left} ms`);
  }

  /** Before the vendor sees a request. A login that is taken back has left this machine first. */
  arrived({ url, body }: WireRequest): void {
    const token = new URL(url).pathname === "/revoke" ? new URLSearchParams(body ?? "").get("token") : null;
    if (token === null) return;
    for (const name of this.#names)
      if (this.#read(name)?.refreshToken === token) this.#wrong(`${name.account} was revoked before it was removed`);
  }

  look(): void {
    const origins = this.#recordsGone();
    for (const name of this.#names) {
      const before = this.#before.get(name) ?? null;
      const now = this.#read(name);
      this.#before.set(name, now);
      if (before?.text === now?.text) continue;
      if (before !== null && now?.lineage !== before.lineage) this.#left(name, before, now);
      if (now !== null) this.#seen(name, now);
    }
    for (const origin of origins) if (!this.#isStored(origin)) this.#closed.add(origin);
    this.#mayGo.clear();
    for (const asked of this.#ended) this.#loggingOut.delete(asked);
    this.#ended.clear();
    this.wrongs.push(...this.#vendor.wrongs.splice(0));
    const { name, text } = this.#untouched ?? {};
    if (name !== undefined && this.#before.get(name)?.text !== text) this.#wrong(`${name.account} was changed`);
  }

  /** Secrets where they do not belong. */
  search(): void {
    const secrets = [...this.#vendor.secrets];
    const texts = new Map<string, string>();
    for (const file of listed(this.#paths.oauth))
      if (/^journal.*\.jsonl$/.test(file)) texts.set(file, readFileSync(join(this.#paths.oauth, file), "utf8"));
    for (const { where, around } of canaries(secrets, texts)) this.#wrong(`a secret stands in ${where}: ${around}`);
  }

  /** @param error anything but ours is a defect */
  #end(asked: Asked, error: unknown): void {
    const { name, what, lineage } = asked;
    this.#ended.add(asked);
    if (error === null && what === "logout" && lineage !== null && this.#read(name)?.lineage === lineage)
      this.#wrong(`${name.account} is signed in after a logout`);
    if (error === null) return;
    this.counts.errors += 1;
    if (!(error instanceof AuthError)) {
      this.#wrong(`${what} ended with ${inspect(error)}`);
      return;
    }
    if (error.code === "internal") this.#wrong(`${what} ended with ${error.stack ?? ""}`);
    const said = `${error.message}\n${error.stack ?? ""}`;
    if (this.#vendor.secrets.some((secret) => said.includes(secret))) this.#wrong(`${what} tells a secret: ${said}`);
  }

  #left({ account }: AccountName, before: InFile, now: InFile | null): void {
    this.#dead.set(before.lineage, this.#time.awakeMs);
    if (now !== null) return;
    const isAllowed = [...this.#mayGo, ...[...this.#loggingOut].map(({ name }) => name)].some(
      (name) => name.account === account,
    );
    if (!isAllowed) this.#wrong(`the tokens of ${account} were removed, and nobody had asked for it`);
  }

  #seen(name: AccountName, { lineage, generation, refreshToken, accessToken, refused }: InFile): void {
    const { account } = name;
    if (refreshToken === null) return this.#wrong(`${account} lost its refresh token`);
    const family = this.#vendor.familyOf(refreshToken);
    if (family === null) return this.#wrong(`${account} has a refresh token that the vendor never issued`);
    if (this.#dead.has(lineage)) this.#wrong(`${account} is signed in again by a login that had ended`);
    if (family.person !== this.#personOf(name)) this.#wrong(`${account} has ${family.person}'s login`);
    if (this.#vendor.familyOf(accessToken) !== family) this.#wrong(`${account} has tokens of two logins`);
    if (this.#closed.has(family.origin)) this.#wrong(`${account} got its login by a sign-in that had ended`);
    if ((this.#familyOf.get(lineage) ?? family) !== family) this.#wrong(`${account} has another login under one name`);
    const highest = this.#generations.get(lineage) ?? 0;
    if (generation < highest) this.#wrong(`${account} went back from generation ${highest} to ${generation}`);
    const isKnown = refused === "refresh_interrupted" ? family.isDoubtful : family.end !== null;
    if (refused !== null && !isKnown) this.#wrong(`${account} was given up with ${refused}, and the vendor had not`);
    this.#familyOf.set(lineage, family);
    this.#generations.set(lineage, generation);
  }

  /** The records that went since the last look. */
  #recordsGone(): string[] {
    const there = new Set(listed(this.#paths.pending).filter((file) => file.endsWith(".json")));
    const gone = [...this.#records].filter(([file]) => !there.has(file));
    for (const [file] of gone) this.#records.delete(file);
    for (const file of there) if (!this.#records.has(file)) this.#note(file);
    return gone.map(([, origin]) => origin);
  }

  #note(file: string): void {
    const { verifier, deviceCode } = JSON.parse(readFileSync(join(this.#paths.pending, file), "utf8")) as Json;
    const origin = deviceCode ?? createHash("sha256").update(String(verifier)).digest("base64url");
    this.#records.set(file, String(origin));
  }

  #isStored(origin: string): boolean {
    return this.#names.some((name) => this.familyIn(name)?.origin === origin);
  }

  #read(name: AccountName): InFile | null {
    const text = textIn(this.#paths.tokenFile(name));
    if (text === null) return null;
    // Half a file would be a finding of its own.
    const file = JSON.parse(text) as Json;
    const { lineage = null, generation = 0, refused = null } = (file["llxprt_auth"] ?? {}) as Json;
    const family = this.#vendor.familyOf(String(file["refresh_token"]));
    return {
      // Programs that know no locks know no lineages either.
      lineage: lineage ?? `family ${family?.id}`,
      generation,
      refreshToken: (file["refresh_token"] as string | undefined) ?? null,
      accessToken: String(file["access_token"]),
      refused: refused?.generation === generation ? refused.code : null,
      text,
    };
  }

  #wrong(sentence: string): void {
    this.wrongs.push(sentence);
  }
}

function textIn(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
