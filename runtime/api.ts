// Where the API is, for a credential: a key and a login of the same provider may lead to different hosts.
//
// Addresses come from a token reply and from the environment too. They are followed only to hosts that the provider's data
// names, and never on a line that others can read: a credential goes nowhere else (threat T32).
import { isKey, type Source } from "../machines/describe.ts";
import { AuthError } from "../machines/errors.ts";
import type { Api, Provider } from "../providers/provider.ts";
import type { Host } from "./host.ts";
import { isConfidential, isOneOf, parsedAddress } from "./wire/endpoint.ts";

/** What decides about the address. */
export interface Holder {
  readonly source: Source;
  /** Where the token reply steered API requests. */
  readonly resourceUrl: string | null;
}

/** How to reach the API with this credential. @throws AuthError `api_missing` */
export function apiFor(provider: Provider, holder: Holder, environment: Host["environment"]): Api {
  const isLogin = !isKey(holder.source);
  const api = isLogin ? provider.api : provider.keyApi;
  if (api === null) throw new AuthError("api_missing", { provider: provider.name });
  return isLogin ? steered(provider, api, holder.resourceUrl) : keptThere(provider, api, holder.source, environment);
}

/** @throws AuthError `host_foreign` when `address` is no host of this API */
export function checkHost(provider: Provider, { base, verifyUrl }: Api, address: string): void {
  const { origin, host } = new URL(address);
  const own = [base, verifyUrl].flatMap((known) => (known === null ? [] : [new URL(known).origin]));
  if (!own.includes(origin)) throw new AuthError("host_foreign", { provider: provider.name, detail: host });
}

function steered({ resourceHosts }: Provider, api: Api, resourceUrl: string | null): Api {
  const { resourcePath } = api;
  if (resourceUrl === null || resourcePath === null) return api;
  const url = allowed(/^https?:\/\//i.test(resourceUrl) ? resourceUrl : `https://${resourceUrl}`, resourceHosts);
  if (url === null) return api;
  const path = withoutSlash(url.pathname);
  return { ...api, base: url.origin + (path.endsWith(resourcePath) ? path : path + resourcePath) };
}

/** A variable that counts only together with an address holds a key that was made for that address. */
function keptThere(provider: Provider, api: Api, { name }: Source, environment: Host["environment"]): Api {
  const when = provider.keyVariables.find((variable) => variable.name === name)?.when ?? null;
  if (when === null) return api;
  const url = allowed(environment[when.variable]?.trim() ?? "", when.hosts);
  if (url === null) {
    const detail = `the address in ${when.variable}`;
    throw new AuthError("endpoint_insecure", { provider: provider.name, detail });
  }
  return { ...api, base: url.origin + withoutSlash(url.pathname), verifyUrl: null };
}

function allowed(address: string, hosts: readonly string[]): URL | null {
  const url = parsedAddress(address);
  return url !== null && isConfidential(url) && isOneOf(url.hostname, hosts) ? url : null;
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, "");
}
