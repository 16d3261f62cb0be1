// A sign-in that is left to a process of its own: started here, shown here, served there until it ends.
//
// That process is told names and what was asked for. It says one line: what may be shown to the person, or why there is
// nothing to show. Everything else about it is in the attempt's record, as for any process.
import { AuthError, knownCode } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { LoginRequest } from "../account.ts";
import type { Launched } from "../launch.ts";
import type { PendingRow } from "../status.ts";
import { isRecord } from "../store/json.ts";
import type { AccountName } from "../store/names.ts";
import type { Wiring } from "../wiring.ts";
import type { Part } from "./desk.ts";

/**
 * Has a process of its own begin a sign-in, or join one, and shows what it shows.
 * @returns false: that is not possible here. @throws AuthError why none could begin; the signal's reason
 */
export async function signInElsewhere(
  wiring: Wiring,
  provider: Provider,
  name: AccountName,
  request: LoginRequest,
): Promise<boolean> {
  const launched = await started(wiring, provider, name, request);
  const text = launched === null ? "" : await firstWord(launched, name, request.signal);
  const word = heard(text, name);
  if (word instanceof AuthError) throw word;
  if (word !== null) request.onPending?.(word.pending, { joined: word.joined });
  return word !== null;
}

async function started(
  { host, store }: Wiring,
  { clientSource }: Provider,
  { provider, account }: AccountName,
  { grant = null, port = null, timeoutMs = null }: LoginRequest,
): Promise<Launched | null> {
  const keep = clientSource === null ? [] : [clientSource.idVariable, clientSource.secretVariable];
  const task = [
    "sign-in",
    "--home",
    store.paths.home,
    ...(timeoutMs === null ? [] : ["--timeout", String(timeoutMs)]),
    ...(grant === null ? [] : ["--grant", grant]),
    ...(port === null ? [] : ["--port", String(port)]),
    "--",
    provider,
    account,
  ];
  try {
    return (await host.launch?.(task, keep)) ?? null;
  } catch {
    // Too many processes, or forbidden.
    return null;
  }
}

/** It may have to wait for somebody else who begins a sign-in, and then has an exchange of its own. */
const patienceMs = 90_000;

/** What it says. Empty: it died without a word. Keeps this process alive meanwhile. */
function firstWord({ said }: Launched, name: AccountName, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(late);
      signal?.removeEventListener("abort", aborted);
      settle();
    };
    const aborted = (): void => {
      finish(() => {
        reject(signal?.reason);
      });
    };
    const late = setTimeout(() => {
      finish(() => {
        reject(new AuthError("wait_over", name));
      });
    }, patienceMs);
    signal?.addEventListener("abort", aborted, { once: true });
    if (signal?.aborted === true) aborted();
    const hear = (word: string): void => {
      finish(() => {
        resolve(word);
      });
    };
    said.then(hear, () => {
      hear("");
    });
  });
}

interface Shown extends Part {
  readonly pending: PendingRow;
}

/** The line about a sign-in that may be shown. */
export function shownLine(pending: PendingRow, { joined }: Part): string {
  return JSON.stringify({ pending, joined });
}

/** The line about one that could not begin. */
export function failedLine({ code, detail, status, oauthError }: AuthError): string {
  return JSON.stringify({ code, detail, status, oauthError });
}

/** What such a line says. Null: nothing that can be understood. */
function heard(line: string, name: AccountName): Shown | AuthError | null {
  try {
    const word: unknown = JSON.parse(line);
    if (!isRecord(word)) return null;
    if (isRecord(word["pending"])) return word as unknown as Shown;
    const { code, detail, status, oauthError } = word as unknown as AuthError;
    return new AuthError(knownCode(code, "internal"), {
      ...name,
      detail: detail ?? undefined,
      status,
      oauthError,
    });
  } catch {
    return null;
  }
}
