// A local server that plays the four vendors from the same facts that the clients use, so that signing in can be tried, shown
// and tested without an account and without the internet. It refuses what the vendors refuse; every single refusal can
// be switched off, which is how a test proves that it would notice. It listens on loopback only, and every secret in it
// is made up at the start and worth nothing anywhere else.
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { ProviderName } from "../index.ts";
import { devicePagePaths } from "./device.ts";
import type { Endpoint, Fault } from "./faults.ts";
import { deviceByUserCode } from "./grants.ts";
import { type Outcome, visit } from "./person.ts";
import type { Refusal } from "./refusals.ts";
import { type SeenRequest, makeServer } from "./server.ts";
import { settingsFor } from "./settings.ts";
import { type Family, type Presentation, type Standing, endFamily, expireAll, standing } from "./tokens.ts";
import { type Counters, type World, makeWorld } from "./world.ts";

export type { Endpoint, Fault } from "./faults.ts";
export type { Situation } from "./situations.ts";
export type { Outcome } from "./person.ts";
export { type Refusal, refusals } from "./refusals.ts";
export type { SeenRequest } from "./server.ts";
export type { Presentation } from "./tokens.ts";
export type { Counters } from "./world.ts";

export interface EmulatorOptions {
  /** 0, the default: any free one. */
  readonly port?: number;
  /** Of access tokens, in seconds, for all vendors; default: each vendor's own. */
  readonly lifetimeS?: number;
  /** Refusals that are switched off. */
  readonly lenient?: readonly Refusal[];
  /** One line per request, without secrets. */
  readonly log?: (line: string) => void;
  /** How long a spent refresh token is still taken. Default 0. */
  readonly reuseGraceMs?: number;
  /** Between polls of a device flow; default: codex says "5", qwen says nothing and minds anything under 2. */
  readonly deviceIntervalS?: number;
  /** Default 900. */
  readonly deviceLifetimeS?: number;
  /** Default 600, the most that RFC 6749 4.1.2 advises. */
  readonly codeLifetimeS?: number;
}

export interface Emulator {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** The `providers` part of a settings.json that points every endpoint here. */
  settings(paths: { readonly geminiClientFile: string }): { readonly providers: Record<ProviderName, object> };
  /** What makes a home folder use this server: the `providers` part of its settings.json, and a file to lie beside that. */
  home(folder: string): {
    readonly providers: Record<ProviderName, object>;
    readonly client: { readonly file: string; readonly content: object };
  };
  /** Google's console shape of the emulator's own client; belongs into `geminiClientFile`. */
  readonly geminiClient: { readonly installed: { readonly client_id: string; readonly client_secret: string } };
  /** One made-up key per provider. */
  readonly apiKeys: Readonly<Record<ProviderName, string>>;
  /** E-mail addresses of the accounts on the consent page; the first is chosen unless another is named. */
  readonly accounts: readonly string[];
  /** A scripted person opens the URL, approves, and follows the redirect to the listener or the page with the code. */
  approve(authorizeUrl: string, account?: string): Promise<Outcome>;
  deny(authorizeUrl: string): Promise<Outcome>;
  /** The same on the page for device codes. Rejects if no program waits with this code. */
  approveDevice(userCode: string, account?: string): Promise<void>;
  denyDevice(userCode: string): Promise<void>;
  /** The next `times` (default 1) requests to that endpoint meet the fault. Faults queue in the order given. */
  fault(provider: ProviderName, endpoint: Endpoint, fault: Fault, times?: number): void;
  /** For access tokens from now on. */
  setLifetime(seconds: number): void;
  /** The server's own end of every login of that provider: access and refresh tokens die. */
  revokeAll(provider: ProviderName): void;
  /** Every access token of that provider has expired. */
  expireAccess(provider: ProviderName): void;
  counters(provider: ProviderName): Counters;
  /** Every refresh token that came in at any vendor's, in the order of coming. */
  presentations(): readonly Presentation[];
  /** Every login so far, in the order of their numbers. */
  logins(): readonly Readonly<Family>[];
  /** What an access token is worth now. */
  standing(accessToken: string): Standing;
  readonly requests: readonly SeenRequest[];
  /** Every secret ever minted here. */
  secrets(): readonly string[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws the system's error when the port is taken. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  let world: World | null = null;
  const { server, seen, faults } = makeServer(
    () => {
      if (world === null) throw new Error("The emulator is not listening yet.");
      return world;
    },
    options.log ?? (() => undefined),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: options.port ?? 0, host: "127.0.0.1" }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const made = makeWorld(url, {
    lenient: new Set(options.lenient),
    reuseGraceMs: options.reuseGraceMs ?? 0,
    deviceIntervalS: options.deviceIntervalS ?? null,
    deviceLifetimeS: options.deviceLifetimeS ?? 900,
    codeLifetimeS: options.codeLifetimeS ?? 600,
    lifetimeS: options.lifetimeS ?? null,
  });
  world = made;
  return play(made, { server, seen, faults });
}

function play(world: World, { server, seen, faults }: ReturnType<typeof makeServer>): Emulator {
  const answerDevice = async (userCode: string, decision: "approve" | "deny", account?: string): Promise<void> => {
    const device = deviceByUserCode(world.grants, userCode);
    if (device === null) throw new Error("No program waits with this code.");
    const path = device.provider === "qwen" ? devicePagePaths.qwen : devicePagePaths.codex;
    const page = `${world.url}${path}?user_code=${encodeURIComponent(device.userCode)}`;
    const { status } = await visit(world.url, page, { decision, account });
    if (status !== 200) throw new Error(`The device page answered ${String(status)}.`);
  };
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    server.closeAllConnections();
    await closed;
  };
  const settings: Emulator["settings"] = ({ geminiClientFile }) =>
    settingsFor(world.url, geminiClientFile, world.knobs.deviceIntervalS);
  const geminiClient = { installed: { client_id: world.geminiClient.id, client_secret: world.geminiClient.secret } };
  return {
    url: world.url,
    settings,
    home: (folder) => {
      const file = join(folder, "emulator-client.json");
      return { ...settings({ geminiClientFile: file }), client: { file, content: geminiClient } };
    },
    geminiClient,
    apiKeys: world.apiKeys,
    accounts: world.people.map(({ email }) => email),
    approve: (authorizeUrl, account) => visit(world.url, authorizeUrl, { decision: "approve", account }),
    deny: (authorizeUrl) => visit(world.url, authorizeUrl, { decision: "deny" }),
    approveDevice: (userCode, account) => answerDevice(userCode, "approve", account),
    denyDevice: (userCode) => answerDevice(userCode, "deny"),
    fault(provider, endpoint, fault, times = 1) {
      faults.push({ provider, endpoint, fault, times });
    },
    setLifetime(seconds) {
      world.knobs.lifetimeS = seconds;
    },
    revokeAll(provider) {
      for (const family of world.ledger.families) if (family.provider === provider) endFamily(family, "logout");
    },
    expireAccess(provider) {
      expireAll(world.ledger, provider, world.now());
    },
    counters: (provider) => ({ ...world.tallies[provider] }),
    presentations: () => [...world.ledger.presentations],
    logins: () => world.ledger.families.map((family) => ({ ...family })),
    standing: (accessToken) => standing(world.ledger, accessToken, world.now()).standing,
    requests: seen,
    secrets: () => [...world.secrets],
    close,
    [Symbol.asyncDispose]: close,
  };
}
