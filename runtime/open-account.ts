// What an account does: what a person or a script asks for becomes an event of the machine, and the answer is read from the
// store once the machine has settled.
import { isKey } from "../machines/describe.ts";
import { AuthError } from "../machines/errors.ts";
import type { CredentialEvent, Result } from "../machines/life.ts";
import type { Provider } from "../providers/provider.ts";
import type { Account } from "./account.ts";
import { isSigningIn, resultOf, type Running } from "./actor.ts";
import { type Precedence, sourceOf } from "./credentials.ts";
import { explained } from "./inspect/explain.ts";
import { borrowedBy } from "./imports/borrowed.ts";
import { takeOver } from "./imports/take-over.ts";
import { checkIdentity } from "./login/identity.ts";
import type { Desk } from "./login/desk.ts";
import { writeImported } from "./settings/imported.ts";
import { createSignIns } from "./signing-in.ts";
import { type Status, statusOf } from "./status.ts";
import type { AccountName } from "./store/names.ts";
import { type Findings, look } from "./survey.ts";

/** What an account is made of. */
export interface AccountParts {
  readonly desk: Desk;
  readonly provider: Provider;
  readonly name: AccountName;
  readonly running: () => Running;
  readonly why: (findings: Findings) => Precedence;
  readonly token: Account["token"];
  /** Renews the token if it is about to end, or anyhow. @returns how that ended, or why nobody was asked; null: it is fresh */
  readonly renew: (force: boolean) => Promise<Pick<Result, "kind" | "code"> | null>;
  readonly rejected: Account["rejected"];
}

const detachedMs = 15 * 60_000;

export function createAccount(parts: AccountParts): Account {
  const { desk, provider, name, running } = parts;
  const findings = (): Findings => look(desk, provider, name.account);

  const status = (): Status => {
    const found = findings();
    return statusOf(name, found, sourceOf(parts.why(found)), provider.scopes);
  };

  /** @throws the fault of the token file */
  const sound = (): Findings => {
    const found = findings();
    if (found.fault !== null) throw found.fault;
    return found;
  };

  const checkEnabled = ({ survey }: Findings): void => {
    if (!survey.enabled) throw new AuthError("oauth_disabled", name);
  };

  /** Sends an event and waits for what comes of it, but for no person. @throws AuthError when it failed */
  const settle = async (event: CredentialEvent): Promise<Result | null> => {
    const { actor, settled } = running();
    const before = resultOf(actor.getSnapshot());
    actor.send(event);
    const after = resultOf(await settled(undefined, isSigningIn));
    if (after === before) return null;
    throwFailure(after);
    return after;
  };

  const throwFailure = (result: Pick<Result, "kind" | "code"> | null): void => {
    const failed = result !== null && ["failed", "cancelled", "rejected", "unavailable"].includes(result.kind);
    if (failed) throw desk.faults.recall(name, result.code ?? "internal");
  };

  const { login, complete, wait, cancel } = createSignIns(provider, {
    desk,
    name,
    running,
    findings,
    status,
    throwFailure,
  });

  const turnOn = async (): Promise<Status> => {
    await settle({ type: "account.enabled" });
    return status();
  };

  const borrow: Account["borrow"] = async ({ file }) => {
    if (desk.store.read(name).kind !== "absent") throw new AuthError("import_shadowed", name);
    const { host, journal, store } = desk;
    const entry = { importFrom: { [name.account]: file } };
    const borrowed = borrowedBy({ host, paths: store.paths }, provider, name.account, entry);
    if (borrowed?.credential == null)
      throw new AuthError("import_unreadable", { ...name, detail: borrowed?.trouble ?? file });
    checkIdentity(name, null, borrowed.credential);
    writeImported(store.paths, name, file);
    journal.note({ step: "imported", ...name, expiresAt: borrowed.credential.expiresAt });
    return turnOn();
  };

  const logout: Account["logout"] = async ({ revoke = true } = {}) => {
    sound();
    const result = await settle({ type: "logout.requested", revoke });
    return { revocation: result?.revocation ?? "nothing", remaining: parts.why(findings()) };
  };

  const refresh: Account["refresh"] = async ({ force = false } = {}) => {
    const found = sound();
    checkEnabled(found);
    if (found.credential === null) throw new AuthError("sign_in_needed", name);
    const result = await parts.renew(force);
    if (result?.kind === "signedOut") throw new AuthError("sign_in_needed", name);
    throwFailure(result);
    return status();
  };

  return {
    ...name,
    get actor() {
      return running().actor;
    },
    enable: async () => {
      await settle({ type: "account.enabled" });
      return parts.why(findings());
    },
    disable: async () => {
      await settle({ type: "account.disabled" });
    },
    login: async (request = {}) => {
      if (!sound().survey.enabled) await settle({ type: "account.enabled" });
      return login(request.detach === true ? { ...request, timeoutMs: request.timeoutMs ?? detachedMs } : request);
    },
    complete: async (text, signal) => {
      checkEnabled(sound());
      return complete(text, signal);
    },
    wait: async (request) => {
      checkEnabled(sound());
      return wait(request);
    },
    cancel,
    borrow,
    takeOver: async ({ file }) => {
      sound();
      await takeOver(desk, provider, name, file);
      return turnOn();
    },
    logout,
    refresh,
    status,
    token: parts.token,
    rejected: parts.rejected,
    why: () => parts.why(findings()),
    explain: () => {
      const found = findings();
      const isOutranked = isKey(sourceOf(parts.why(found)));
      return explained({ paths: desk.store.paths, spend: desk.spend }, name, found, isOutranked);
    },
    reset: async () => {
      await settle({ type: "account.reset" });
      return status();
    },
  };
}
