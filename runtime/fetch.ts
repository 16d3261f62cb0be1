// A drop-in `fetch` with the winning credential: added to requests for the provider's own hosts, and to no others.
//
// A 401 outranks our clock: the credential is reloaded, renewed at most once, and the request repeated at most once
// (RFC 6750 3.1). A body that cannot be sent again is not.
import { AuthError } from "../machines/errors.ts";
import type { Api, Provider } from "../providers/provider.ts";
import type { Account } from "./account.ts";
import type { Credential } from "./token.ts";
import { isOneOf } from "./wire/endpoint.ts";
import type { Sender } from "./wire/send.ts";

/** Gets a credential, signing in first where the caller allows it. */
export type Obtain = () => Promise<Credential>;

/** Told that the API took a credential. */
export type Accepted = (credential: Credential) => void;

export function authorizedFetch(
  provider: Provider,
  account: Pick<Account, "rejected">,
  sender: Sender,
  obtain: Obtain,
  accepted: Accepted,
): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const credential = await obtain();
    const again = request.clone();
    const first = await send(provider, sender, request, credential);
    if (first.status !== 401) {
      if (first.ok) accepted(credential);
      return first;
    }
    const next = await account.rejected(credential);
    await first.body?.cancel();
    const second = await send(provider, sender, again, next);
    if (second.ok) accepted(next);
    return second;
  };
}

/** How to reach the API with this credential. @throws AuthError `api_missing` */
export function apiFor(provider: Provider, credential: Credential): Api {
  const api = credential.kind === "key" ? provider.keyApi : provider.api;
  if (api === null) throw new AuthError("api_missing", { provider: provider.name });
  return credential.kind === "key" ? api : { ...api, base: steered(provider, api, credential.resourceUrl) };
}

/** Where the token reply steered API requests, if that is one of the provider's own hosts (threat T32). */
function steered({ resourceHosts }: Provider, { base, resourcePath }: Api, resourceUrl: string | null): string {
  if (resourceUrl === null || resourcePath === null) return base;
  const address = /^https?:\/\//.test(resourceUrl) ? resourceUrl : `https://${resourceUrl}`;
  if (!URL.canParse(address)) return base;
  const url = new URL(address);
  if (!isOneOf(url.hostname, resourceHosts)) return base;
  const path = url.pathname.replace(/\/$/, "");
  return url.origin + (path.endsWith(resourcePath) ? path : path + resourcePath);
}

async function send(provider: Provider, sender: Sender, request: Request, credential: Credential): Promise<Response> {
  const api = apiFor(provider, credential);
  const hosts = [api.base, api.verifyUrl].flatMap((address) => (address === null ? [] : [new URL(address).host]));
  const { host } = new URL(request.url);
  if (!hosts.includes(host)) throw new AuthError("host_foreign", { provider: provider.name, detail: host });
  return sender.fetch(request, { headers: headersWith(request.headers, api, credential) });
}

/** The caller's headers, with our credential in place of any other. */
function headersWith(given: Headers, api: Api, credential: Credential): Headers {
  const headers = new Headers(given);
  for (const name of ["authorization", "x-api-key", "x-goog-api-key"]) headers.delete(name);
  for (const [name, value] of Object.entries(api.headers)) if (!headers.has(name)) headers.set(name, value);
  const secret = credential.secret.reveal();
  headers.set(api.credentialHeader, api.credentialHeader === "authorization" ? `Bearer ${secret}` : secret);
  if (api.accountHeader !== null && credential.accountId !== null) headers.set(api.accountHeader, credential.accountId);
  return headers;
}
