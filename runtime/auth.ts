// The runtime: one actor a provider account, each on its own, over one store and one door to the network.
//
// Creating it reads the settings and contacts nobody. An account's actor starts when it is first needed.
import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AuthError } from "../machines/errors.ts";
import type { ProviderMachine } from "../machines/provider.ts";
import type { Provider } from "../providers/provider.ts";
import type { Account } from "./account.ts";
import { createNameCheck } from "./account-names.ts";
import { noteVerified } from "./acceptance.ts";
import { apiFor } from "./api.ts";
import { type CredentialActor, run, type Running } from "./actor.ts";
import { type KeyFlags, type Precedence, sourceOf } from "./credentials.ts";
import { createDemands, type Demands, type RequiredSource } from "./demand.ts";
import { provided } from "./effects.ts";
import { type Access, authorizedFetch, openAccess } from "./fetch.ts";
import { type Host, realHost } from "./host.ts";
import { obtaining, type Obtain, type SignIn } from "./lazy.ts";
import type { Inspector } from "./inspect/page/inspector.ts";
import { findImports, type Imports } from "./imports/found.ts";
import { createDesk, type Desk } from "./login/desk.ts";
import { settleLeftSignIns } from "./login/settle.ts";
import { createEnsureFresh } from "./refresh/ensure-fresh.ts";
import { importingAccounts } from "./settings/imported.ts";
import { readProfile } from "./settings/profiles.ts";
import { readSettings } from "./settings/settings.ts";
import { providerNamed, type ProviderTable, providerTable } from "./settings/table.ts";
import { createAccount } from "./open-account.ts";
import { paced } from "./pace.ts";
import { precedenceOf } from "./sources.ts";
import { type AccountName, checkAccountName, defaultAccount, pathsIn, stemOf } from "./store/names.ts";
import { accountsIn } from "./store/store.ts";
import { type Findings, look } from "./survey.ts";
import { type KyInstance, kyOver } from "./wire/send.ts";
import { createWiring } from "./wiring.ts";

export interface AuthOptions {
  /** Home folder. Default: `LLXPRT_HOME`, else `~/.llxprt`. */
  readonly home?: string | undefined;
  /** Keys for one provider that outrank everything else. */
  readonly keys?: { readonly provider: string; readonly flags: KeyFlags } | undefined;
  /** Name of a profile to use. */
  readonly profile?: string | undefined;
  /** Fail closed unless this source wins. */
  readonly requireSource?: RequiredSource | undefined;
  /** Renew tokens before they end. Default true; a program that ends at once sets false. */
  readonly ahead?: boolean | undefined;
  /** Names that a provider of one's own may not bear. */
  readonly reserved?: ReadonlySet<string> | undefined;
  /** Told what a person should hear: a repaired file mode, for example. */
  readonly onNotice?: ((text: string) => void) | undefined;
  readonly host?: Host | undefined;
}

export interface FetchOptions {
  readonly account?: string | undefined;
  /** How to sign in when there is no login. Absent: never, it is an error then. */
  readonly signIn?: SignIn | undefined;
}

export interface Auth {
  readonly providers: ProviderTable;
  readonly home: string;
  /** @throws AuthError `unknown_provider`, `name_invalid` */
  account(provider: string, account?: string): Account;
  /** Every account that has tokens or a sign-in under way, and the default account of every provider. */
  accounts(): readonly AccountName[];
  /**
   * What other programs keep: in all places that are known, or in one file. Reads, and contacts nobody.
   * @throws AuthError `unknown_provider`, `import_elsewhere`, `import_unreadable`
   */
  imports(provider?: string, file?: string): Imports;
  /** The provider's API, as the winning credential reaches it. @throws AuthError why there is no credential, `api_missing` */
  access(provider: string, options?: FetchOptions & { readonly signal?: AbortSignal | null }): Promise<Access>;
  /** A `fetch` that adds the winning credential, renews it on 401 and repeats the request once. */
  fetch(provider: string, options?: FetchOptions): typeof fetch;
  /** The same as a ky instance, based at the provider's API. */
  ky(provider: string, options?: FetchOptions): Promise<KyInstance>;
  /** The statechart of an account, running. */
  actor(provider: string, account?: string): CredentialActor;
  /**
   * Serves a page on this machine that shows every account's statechart, and what every process does with it. It reads
   * files, and contacts, writes and starts nothing. @param stately lets the browser show it to the hosted Stately inspector
   * as well, on stately.ai @throws AuthError `settings_invalid`, `internal`
   */
  inspect(options?: { readonly stately?: boolean }): Promise<Inspector>;
  /** Stops the actors, closes listeners and connections. Sign-ins under way can be finished by another process. */
  close(): Promise<void>;
}

/** @throws AuthError `settings_invalid`, `profile_unknown`, `store_unsafe` */
export function createAuth(options: AuthOptions = {}): Auth {
  const host = options.host ?? realHost({ home: options.home });
  // In full: processes of their own are started elsewhere.
  const paths = pathsIn(resolve(options.home ?? host.home));
  const table = providerTable(readSettings(paths), paths.settings, options.reserved ?? new Set());
  const profile = options.profile === undefined ? null : readProfile(paths, options.profile);
  const provider = (name: string): Provider => providerNamed(table, name);
  const desk = createDesk(createWiring(host, paths, provider));
  const ensureFresh = paced(createEnsureFresh(desk), desk);
  const given = { environment: host.environment, paths, keys: options.keys ?? null, profile };
  const jitter = (host.randomBytes(1)[0] ?? 0) / 256;
  const accounts = new Map<string, Open>();
  const inspectors: Inspector[] = [];
  const checkName = createNameCheck(desk);
  const machines = new Map<string, ProviderMachine>();

  /** One for all accounts of a provider: a statechart takes far more memory than an account. */
  const machineOf = (facts: Provider): ProviderMachine => {
    const made = machines.get(facts.name) ?? provided(facts, desk, ensureFresh);
    machines.set(facts.name, made);
    return made;
  };

  const open = (providerName: string, accountName?: string): Open => {
    const facts = provider(providerName);
    const profiled = profile?.provider === facts.name ? profile.account : null;
    const name = { provider: facts.name, account: checkAccountName(accountName ?? profiled ?? defaultAccount) };
    const known = accounts.get(stemOf(name));
    if (known !== undefined) return known;
    checkName(name);
    const why = (findings: Findings): Precedence =>
      precedenceOf(facts, name.account, readSettings(paths), findings, given);
    const start = (): Running => {
      tighten(desk, name, options.onNotice);
      settleLeftSignIns(desk, name);
      const running = run(machineOf(facts), { ...name, ahead: options.ahead ?? true, jitter }, desk);
      running.actor.subscribe({ next: () => demands.forget(), error: () => undefined });
      return running;
    };
    const once: { running: Running | null } = { running: null };
    const running = (): Running => (once.running ??= start());
    const demands: Demands = createDemands(
      desk,
      facts,
      name,
      running,
      why,
      options.requireSource ?? null,
      ensureFresh,
      options.ahead ?? true,
    );
    const account = createAccount({ desk, provider: facts, name, running, why, ...demands });
    const made = { account, obtain: obtaining(account), stop: () => once.running?.stop() };
    accounts.set(stemOf(name), made);
    return made;
  };

  const access: Auth["access"] = async (name, { account: of, signIn, signal = null } = {}) => {
    const { account, obtain } = open(name, of);
    return openAccess(
      {
        provider: provider(name),
        account,
        sender: desk.sender,
        host,
        obtain: () => obtain(signIn),
        accepted: (credential) => {
          noteVerified(desk, account, credential);
        },
      },
      signal,
    );
  };
  const authFetch: Auth["fetch"] = (name, fetchOptions) => {
    open(name, fetchOptions?.account);
    return authorizedFetch((signal) => access(name, { ...fetchOptions, signal }));
  };

  return {
    providers: table,
    home: paths.home,
    account: (name, of) => open(name, of).account,
    accounts: () =>
      accountsIn([...table.keys()], desk.store, desk.pending, importingAccounts(readSettings(paths), paths.settings)),
    imports: (name, file) =>
      findImports({ host, paths }, [...table.values()], name === undefined ? null : provider(name), file),
    access,
    fetch: authFetch,
    ky: async (name, fetchOptions) => {
      const { account } = open(name, fetchOptions?.account);
      const { credential } = look(desk, provider(name), account.account);
      const holder = { source: sourceOf(account.why()), resourceUrl: credential?.resourceUrl ?? null };
      const { base } = apiFor(provider(name), holder, host.environment);
      return (await kyOver(authFetch(name, fetchOptions))).extend({ baseUrl: `${base}/` });
    },
    actor: (name, of) => open(name, of).account.actor,
    inspect: async ({ stately = false } = {}) => {
      // Loaded when it is asked for: a server and its page are large.
      const { openInspector } = await import("./inspect/page/inspector.ts");
      const reserved = options.reserved ?? new Set<string>();
      const inspector = await openInspector({ ...given, host, reserved, stately: stately ? {} : undefined });
      inspectors.push(inspector);
      return inspector;
    },
    close: async () => {
      await Promise.all(inspectors.map((inspector) => inspector.close()));
      for (const { stop } of accounts.values()) stop();
      await Promise.all([...desk.listeners.values()].map((listener) => listener.close()));
      ensureFresh.close();
      // A token that the server rotates at this moment would be lost with its reply: that is worth most of a second.
      await Promise.race([ensureFresh.idle(), setTimeout(longestFarewellMs, null, { ref: false })]);
      desk.watch.close();
      await desk.sender.close();
    },
  };
}

const longestFarewellMs = 800;

interface Open {
  readonly account: Account;
  readonly obtain: Obtain;
  readonly stop: () => void;
}

/** A token file that others could read is taken away from them, and that is said. */
function tighten({ store }: Desk, name: AccountName, onNotice: AuthOptions["onNotice"]): void {
  const stored = store.read(name);
  if (stored.kind !== "stored" || !stored.loose) return;
  const path = store.paths.tokenFile(name);
  try {
    store.tighten(name);
    onNotice?.(`${path} could be read by others; it is 0600 now`);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    onNotice?.(`${path} can be read by others, and that could not be changed`);
  }
}
