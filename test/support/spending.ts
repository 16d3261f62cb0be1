// Traces of a refresh, planted as a process leaves them that died in the middle of one: its permit, its room, its sealed
// reply. What is sealed is what the emulator really said, so that the tokens in it are good.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ProviderName } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { ourselves } from "../../runtime/refresh/holder.ts";
import { registrationOf } from "../../runtime/registration.ts";
import { readSettings } from "../../runtime/settings/settings.ts";
import { providerNamed, providerTable } from "../../runtime/settings/table.ts";
import type { StoredCredential } from "../../runtime/store/codec.ts";
import type { Holder, Permit, Sealed } from "../../runtime/store/evidence.ts";
import { defaultAccount } from "../../runtime/store/names.ts";
import { createSpendStore, type Spent, spentBy } from "../../runtime/store/spend.ts";
import { createStore } from "../../runtime/store/store.ts";
import { refreshRequest } from "../../runtime/wire/request.ts";
import { createSender } from "../../runtime/wire/send.ts";
import type { Home, Json } from "./home.ts";
import type { Stage } from "./stage.ts";

const nameOf = (provider: string) => ({ provider, account: defaultAccount });

/** The credential in the file, and what presenting its refresh token spends. */
export function inFile(home: Home, provider: string): { credential: StoredCredential; spent: Spent } {
  const found = createStore(home.paths, home.now).read(nameOf(provider));
  assert.equal(found.kind, "stored");
  assert.ok(found.kind === "stored");
  const spent = spentBy(found.credential);
  assert.ok(spent !== null);
  return { credential: found.credential, spent };
}

export interface PlantedPermit extends Partial<Permit> {
  /** Over what this process says of itself; null: a permit that names nobody. */
  readonly by?: Partial<Holder> | null;
}

/** A process has got so far as to send: room and permit are there, a reply is not. @returns the permit's path */
export function plantPermit(home: Home, provider: string, { by = {}, ...changes }: PlantedPermit = {}): string {
  const spend = createSpendStore(home.paths);
  const { spent } = inFile(home, provider);
  const name = nameOf(provider);
  spend.ensure(name);
  const attempt = changes.attempt ?? spend.nextAttempt(name, spent);
  const holder = by === null ? null : { ...ourselves(Date.now()), ...by };
  spend.makeRoom(name, spent, attempt);
  const permit = { attempt, holder, of: spent.of, ended: false, interrupted: 0, ...changes };
  assert.ok(spend.allow(name, { ...spent, of: permit.of ?? spent.of }, permit));
  return spend.permitPath(name, spent, attempt);
}

/** A process id that nobody has: the largest that Linux knows, less one. */
export const nobody = 4_194_303;

/** As `plantPermit`, by a process that is gone. */
export const plantInterruption = (home: Home, provider: string, changes: PlantedPermit = {}): string =>
  plantPermit(home, provider, { ...changes, by: { pid: nobody, startTicks: "1", ...changes.by } });

/** What the emulator answers to the refresh token in the file: from then on that token is spent. */
export async function reply(s: Stage, name: ProviderName, after?: StoredCredential): Promise<Sealed> {
  const { provider, credential } = {
    provider: providerOf(s.home, name),
    credential: after ?? inFile(s.home, name).credential,
  };
  const sender = createSender({ now: s.home.now });
  const { client, endpoints, by } = await registrationOf(provider, s.home.host(), sender);
  const { refreshToken, scope } = credential;
  assert.ok(refreshToken !== null);
  const answer = await sender.exchange(refreshRequest(provider, { endpoints, client, refreshToken, scope }));
  await sender.close();
  assert.ok(!("kind" in answer));
  const { status, headers, receivedAt, body } = answer;
  const contentType = headers["content-type"] ?? null;
  return { attempt: 0, of: refreshToken.fingerprint(), status, contentType, receivedAt, ...by, body };
}

/** The reply is on the disk, and its process died before it wrote the token file. */
export function plantSeal(home: Home, provider: string, sealed: Sealed, spent = inFile(home, provider).spent): void {
  const spend = createSpendStore(home.paths);
  const name = nameOf(provider);
  spend.ensure(name);
  spend.makeRoom(name, spent, sealed.attempt);
  const holder = { ...ourselves(Date.now()), pid: nobody, startTicks: "1" };
  const { attempt } = sealed;
  assert.ok(spend.allow(name, spent, { attempt, holder, of: spent.of, ended: false, interrupted: 0 }));
  spend.seal(name, spent, attempt, sealed);
}

/** As the runtime has it, with this home's settings. */
export function providerOf(home: Home, name: string): Provider {
  return providerNamed(providerTable(readSettings(home.paths), home.paths.settings, new Set()), name);
}

/** Names in the folder of a refresh, without locks, which always stay. */
export function traces(home: Home, provider: string): string[] {
  try {
    return readdirSync(home.paths.spend(nameOf(provider))).filter((file) => /\.(next|sent|granted|tmp)$/.test(file));
  } catch {
    return [];
  }
}

export const spendPath = (home: Home, provider: string, file: string): string =>
  join(home.paths.spend(nameOf(provider)), file);

/** Changes the token file as an edit by hand does. */
export function edit(home: Home, provider: string, members: Json, ours: Json = {}): void {
  const file = home.tokens(provider);
  home.plant(provider, { ...file, ...members, llxprt_auth: { ...file["llxprt_auth"], ...ours } });
}

/** Requests that presented a refresh token. */
export const presented = (s: Stage, provider: ProviderName): number =>
  s.emulator.requests.filter((one) => one.provider === provider && one.endpoint === "refresh").length;
