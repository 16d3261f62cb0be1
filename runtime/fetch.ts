// A drop-in `fetch` with the winning credential: added to requests for the provider's own hosts, and to no others.
//
// A 401 outranks our clock: the credential is reloaded, renewed at most once, and the request repeated at most once
// (RFC 6750 3.1). What a reply means is read from its words first, since policy and quota come as 401 too.
import { AuthError } from "../machines/errors.ts";
import type { Source } from "../machines/describe.ts";
import type { Api, Provider } from "../providers/provider.ts";
import type { Account } from "./account.ts";
import { apiFor, checkHost } from "./api.ts";
import type { Host } from "./host.ts";
import type { Credential } from "./token.ts";
import { textOf } from "./wire/ask/body.ts";
import { isUnauthorized, refused } from "./wire/ask/refusal.ts";
import type { Sender } from "./wire/send.ts";
import { isVschars } from "./wire/text.ts";

/** The API of a provider, as the credential that won reaches it. */
export interface Access {
  readonly provider: Provider;
  /** The account's name. */
  readonly account: string;
  readonly api: Api;
  readonly source: Source;
  readonly host: Pick<Host, "environment" | "now" | "randomBytes">;
  /**
   * Sends what `build` makes, with the credential. After a 401 it is renewed, and what `build` makes again is sent.
   *
   * @throws AuthError `host_foreign`, `key_rejected`, network codes, why there is no credential; the signal's reason
   */
  send(build: (api: Api) => Request): Promise<Response>;
}

export interface AccessParts {
  readonly provider: Provider;
  readonly account: Pick<Account, "account" | "rejected">;
  readonly sender: Sender;
  readonly host: Access["host"];
  /** Gets a credential, signing in first where the caller allows it. */
  readonly obtain: () => Promise<Credential>;
  /** Told that the API took a credential. */
  readonly accepted: (credential: Credential) => void;
}

/** @throws AuthError why there is no credential, `api_missing`; the signal's reason when aborted */
export async function openAccess(parts: AccessParts, signal: AbortSignal | null): Promise<Access> {
  const { provider, account, sender, host, obtain, accepted } = parts;
  const name = { provider: provider.name, account: account.account };
  let unused: Credential | null = await untilAborted(obtain(), signal);

  /** The sender does not know whom it is sending to. */
  const named = (error: unknown): never => {
    if (!(error instanceof AuthError) || error.provider !== null) throw error;
    throw new AuthError(error.code, { ...name, detail: error.detail ?? undefined, cause: error });
  };

  const dispatch = async (build: (api: Api) => Request, credential: Credential): Promise<Response> => {
    const api = apiFor(provider, credential, host.environment);
    const request = build(api);
    checkHost(provider, api, request.url);
    // In a request of its own: headers given beside one are added to its own, and would take none away.
    const headers = headersWith(request.headers, provider, api, credential);
    const response = await sender.fetch(new Request(request, { headers }), signal).catch(named);
    if (response.ok) accepted(credential);
    return response;
  };

  return {
    provider,
    account: account.account,
    api: apiFor(provider, unused, host.environment),
    source: unused.source,
    host,
    send: async (build) => {
      // One that lives for less than was asked may be handed out once only, so it is not asked for twice.
      const credential = unused ?? (await untilAborted(obtain(), signal));
      unused = null;
      const first = await dispatch(build, credential);
      if (!(await isRejected(provider, first))) return first;
      first.body?.cancel().catch(() => undefined);
      return dispatch(build, await untilAborted(account.rejected(credential), signal));
    },
  };
}

/** @param open gets access; it is asked once a request */
export function authorizedFetch(open: (signal: AbortSignal | null) => Promise<Access>): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { method, headers, url } = request;
    // The caller's own: that of the request dies with it, long before the reply has been read.
    const signal = init?.signal === undefined && input instanceof Request ? input.signal : (init?.signal ?? null);
    signal?.throwIfAborted();
    // Read once, so that it can be sent twice.
    const body = request.body === null ? null : await untilAborted(request.arrayBuffer(), signal);
    const access = await open(signal);
    return access.send(() => new Request(url, { method, headers, body, signal }));
  };
}

/** The caller's headers, with our credential in place of any other. */
function headersWith(given: Headers, provider: Provider, api: Api, credential: Credential): Headers {
  const headers = new Headers(given);
  for (const name of ["authorization", "x-api-key", "x-goog-api-key"]) headers.delete(name);
  for (const [name, value] of Object.entries(api.headers)) {
    if (!headers.has(name)) headers.set(name, value);
    // What the API demands of our credential stands beside what the caller wants of it (RFC 9110 5.3).
    else if (provider.listHeaders.includes(name)) headers.append(name, value);
  }
  const secret = sendable(credential.secret.reveal(), provider, credential.origin);
  headers.set(api.credentialHeader, api.credentialHeader === "authorization" ? `Bearer ${secret}` : secret);
  if (api.accountHeader !== null && credential.accountId !== null)
    headers.set(api.accountHeader, sendable(credential.accountId, provider, `the account id of ${credential.origin}`));
  return headers;
}

/** What a header can carry. A header that cannot would say so itself, with the secret in its words. @throws AuthError `key_unreadable` */
function sendable(text: string, { name }: Provider, origin: string): string {
  if (isVschars(text)) return text;
  throw new AuthError("key_unreadable", {
    provider: name,
    detail: `${origin}: it holds a character that none may have`,
  });
}

const maxPeekBytes = 65_536;

/** Whether the reply says that the credential is no good. It can be read afterwards as if nobody had looked. */
async function isRejected(provider: Provider, response: Response): Promise<boolean> {
  const { status, headers } = response;
  if (status < 400 || status >= 500) return false;
  const text = await textOf(response.clone().body, maxPeekBytes).then(
    (body) => body.text,
    // It broke off: then the status is all that was said.
    () => "",
  );
  return isUnauthorized(provider, refused(status, Object.fromEntries(headers), text));
}

/** Waits, unless the caller does not want to any more. What is under way goes on without him. */
async function untilAborted<Value>(value: Promise<Value>, signal: AbortSignal | null): Promise<Value> {
  if (signal === null) return value;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([value, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener("abort", stop);
    // Whoever lost the race has nobody to complain to.
    aborted.catch(() => undefined);
  }
}
