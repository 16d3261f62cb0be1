// The process that refreshes: what it is told, what it does, and what it says at its end.
//
// It is told names and a demand, never a token. Its word at the end only spares whoever started it a look at the files: a
// process that waits for somebody else's refresher gets the same answer from them.
import { AuthError, type ErrorCode, knownCode } from "../../machines/errors.ts";
import { follow, type RefreshVerdict } from "../../machines/refresh.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Launched } from "../launch.ts";
import { isRecord } from "../store/json.ts";
import type { AccountName } from "../store/names.ts";
import { type Followed, loginIn } from "../survey.ts";
import type { Wiring } from "../wiring.ts";
import { type FreshDemand, withoutRequest } from "./answers.ts";
import { refreshSteps } from "./steps.ts";

/** What the files say already; null: a refresh is needed. @throws AuthError `settings_invalid` */
export function seen(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  demand: FreshDemand,
  { own, fault }: Followed = loginIn(wiring, provider, name),
): RefreshVerdict | null {
  if (fault !== null) {
    wiring.faults.note(name, fault);
    return { kind: "unavailable", code: fault.code };
  }
  return own === null ? { kind: "signedOut", code: null } : withoutRequest(own, demand, wiring.host.now());
}

/** Carries the protocol out in this process. */
export async function refreshHere(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  demand: FreshDemand,
): Promise<RefreshVerdict> {
  const steps = refreshSteps(wiring, provider, name, demand, () => seen(wiring, provider, name, demand));
  try {
    return await follow(steps);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    wiring.faults.note(name, error);
    return { kind: "unavailable", code: error.code };
  } finally {
    await steps.releasing();
  }
}

/** Starts a process that carries it out. Null: not possible here. */
export async function startRefresher(
  { host, store }: Wiring,
  { clientSource }: Provider,
  { provider, account }: AccountName,
  { minTtlMs, force, generation }: FreshDemand,
): Promise<Launched | null> {
  const keep = clientSource === null ? [] : [clientSource.idVariable, clientSource.secretVariable];
  const task = [
    "refresh",
    "--home",
    store.paths.home,
    "--min-ttl",
    String(minTtlMs),
    ...(generation === null ? [] : ["--generation", String(generation)]),
    ...(force ? ["--force"] : []),
    "--",
    provider,
    account,
  ];
  return (await host.launch?.(task, keep)) ?? null;
}

/** The verdict as the refresher says it, with why. */
export function said({ kind, code }: RefreshVerdict, reason: AuthError | null): string {
  const { detail = null, status = null, oauthError = null } = reason ?? {};
  return JSON.stringify({ kind, code, detail, status, oauthError });
}

const kinds: ReadonlySet<unknown> = new Set(["refreshed", "adopted", "rejected", "unavailable", "signedOut"]);

/** What it said. Null: nothing that can be understood, so that it must have died. */
export function heard(
  text: string,
  name: AccountName,
): { readonly verdict: RefreshVerdict; readonly reason: AuthError | null } | null {
  try {
    const word: unknown = JSON.parse(text);
    if (!isRecord(word) || !kinds.has(word["kind"])) return null;
    const { kind, code: told, detail, status, oauthError } = word as unknown as Word;
    const code = told === null ? null : knownCode(told, "internal");
    const facts = { ...name, detail: detail ?? undefined, status, oauthError };
    return { verdict: { kind, code }, reason: code === null ? null : new AuthError(code, facts) };
  } catch {
    return null;
  }
}

interface Word {
  readonly kind: RefreshVerdict["kind"];
  readonly code: ErrorCode | null;
  readonly detail: string | null;
  readonly status: number | null;
  readonly oauthError: string | null;
}
