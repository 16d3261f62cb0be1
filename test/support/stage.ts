// A home folder that points at an emulator of its own, the runtimes that a test opens on it, and a person who signs in.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../providers/emulator/index.ts";
import type { ProviderName } from "../../providers/index.ts";
import type { Grant } from "../../providers/provider.ts";
import type { LoginRequest } from "../../runtime/account.ts";
import { type Auth, type AuthOptions, createAuth } from "../../runtime/auth.ts";
import type { Host } from "../../runtime/host.ts";
import type { PendingRow, Status } from "../../runtime/status.ts";
import { Home, type Json } from "./home.ts";

export interface StageOptions extends EmulatorOptions {
  /** Over what points at the emulator: facts of providers, member by member. */
  readonly providers?: Readonly<Record<string, Json>>;
  readonly home?: Home;
}

export class Stage implements AsyncDisposable {
  readonly home: Home;
  readonly emulator: Emulator;
  /** What people were told. */
  readonly notices: string[] = [];
  readonly #open = new Set<Auth>();

  constructor(home: Home, emulator: Emulator) {
    this.home = home;
    this.emulator = emulator;
  }

  /** A runtime as a process of its own would have it; closed at the end. */
  auth(options: Omit<AuthOptions, "host"> & { readonly host?: Partial<Host> } = {}): Auth {
    const { host, ...rest } = options;
    const auth = createAuth({
      ahead: false,
      onNotice: (text) => this.notices.push(text),
      ...rest,
      host: this.home.host(host),
    });
    this.#open.add(auth);
    return auth;
  }

  /** The settings that point at the emulator, with changes. */
  point(changes: StageOptions["providers"] = {}): void {
    const clientFile = join(this.home.userHome, "client.json");
    writeFileSync(clientFile, JSON.stringify(this.emulator.geminiClient), { mode: 0o600 });
    const { providers } = this.emulator.settings({ geminiClientFile: clientFile });
    const merged: Json = { ...providers };
    for (const [name, over] of Object.entries(changes)) merged[name] = { ...merged[name], ...over };
    const before = existsSync(this.home.paths.settings) ? this.home.read(this.home.paths.settings) : {};
    this.home.settings({ ...before, providers: merged });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((auth) => auth.close()));
    await this.emulator.close();
    this.home[Symbol.dispose]();
  }
}

/** Ports of vendors that register some are any here, so that tests do not wait for each other. */
export async function stage({ providers = {}, home = new Home(), ...options }: StageOptions = {}): Promise<Stage> {
  const emulator = await startEmulator({
    deviceIntervalS: 1,
    ...options,
    lenient: ["unregistered-port", ...(options.lenient ?? [])],
  });
  const made = new Stage(home, emulator);
  mkdirSync(home.paths.home, { mode: 0o700, recursive: true });
  made.point({ ...providers, codex: { loopback: { ports: [] }, ...providers["codex"] } });
  return made;
}

export interface SignInOptions extends LoginRequest {
  /** E-mail address of the person. */
  readonly person?: string;
  readonly account?: string;
}

/** Signs in as a person does it who agrees at once. */
export async function signIn(
  { emulator }: Pick<Stage, "emulator">,
  auth: Auth,
  provider: ProviderName,
  { person, account: name, ...request }: SignInOptions = {},
): Promise<Status> {
  const account = auth.account(provider, name);
  let answered: Promise<unknown> = Promise.resolve();
  const status = await account.login({
    ...request,
    onPending: (pending, part) => {
      request.onPending?.(pending, part);
      answered = answer(emulator, pending, person).then((shown) =>
        shown === null ? undefined : account.complete(shown),
      );
      answered.catch(() => undefined);
    },
  });
  await answered;
  return status;
}

/** What the person does; the code that a page showed, if one did. */
export async function answer(emulator: Emulator, pending: PendingRow, person?: string): Promise<string | null> {
  if (pending.kind === "device") {
    assert.ok(pending.userCode !== null);
    await emulator.approveDevice(pending.userCode, person);
    return null;
  }
  return (await emulator.approve(pending.url, person)).shown;
}

/** The quick way of each provider that needs no fixed port. */
export const quickGrants = { gemini: "loopback", anthropic: "loopback", codex: "loopback", qwen: "device" } as const;

/** Begins a sign-in and leaves it open. */
export async function beginLogin(
  auth: Auth,
  provider: string,
  grant?: Grant,
  { account: name, ...request }: LoginRequest & { readonly account?: string } = {},
) {
  const account = auth.account(provider, name);
  const { promise: shown, resolve: show } = Promise.withResolvers<{ pending: PendingRow; joined: boolean }>();
  const ended = account.login({
    ...request,
    grant,
    onPending: (row, part) => {
      request.onPending?.(row, part);
      show({ pending: row, joined: part.joined });
    },
  });
  ended.catch(() => undefined);
  const begun = await Promise.race([shown, ended.then(() => assert.fail("it ended before it began"))]);
  return { account, ...begun, ended };
}

/** Waits until something is so. @throws when it has not become so in time */
export async function until(isSo: () => boolean, what: string, withinMs = 5_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!isSo()) {
    assert.ok(Date.now() < end, `in ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The code of the error with which something ends. */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
    throw error;
  }
  return "no error";
}
