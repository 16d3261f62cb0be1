// Who we are to a provider, and where it is: the client and the endpoints that a request needs.
//
// Both decide where secrets go. A stored credential therefore names the client and the token host that issued it, and its
// refresh token is sent nowhere else (RFC 6749 10.4), whatever the settings say today.
import { join, resolve } from "node:path";
import { AuthError } from "../machines/errors.ts";
import type { Provider } from "../providers/provider.ts";
import { expandHome, type Host } from "./host.ts";
import { Secret } from "./secret.ts";
import { invalid, readJson } from "./settings/settings.ts";
import { isRecord } from "./store/json.ts";
import type { StoredCredential } from "./store/codec.ts";
import type { IssuedBy } from "./store/credential.ts";
import { type Client, type Endpoints, metadataRequests } from "./wire/request.ts";
import { metadataReply } from "./wire/response.ts";
import type { Sender } from "./wire/send.ts";

export interface Registration {
  readonly client: Client;
  readonly endpoints: Endpoints;
  readonly by: IssuedBy;
}

/**
 * The registration to use with a provider now. Contacts nobody, unless the provider is known by its issuer only.
 * @throws AuthError `client_missing`, `settings_invalid`, `endpoint_missing`, `issuer_mismatch`, `pkce_unsupported`, network codes
 */
export async function registrationOf(provider: Provider, host: Host, sender: Sender): Promise<Registration> {
  const client = clientOf(provider, host);
  const endpoints = await endpointsOf(provider, sender);
  const tokenEndpoint = endpoints.token;
  if (tokenEndpoint === null) {
    throw new AuthError("endpoint_missing", { provider: provider.name, detail: "token endpoint" });
  }
  return { client, endpoints, by: { issuer: new URL(tokenEndpoint).host, clientId: client.id } };
}

/** @throws AuthError `credential_elsewhere` when the credential was issued by another server or to another client */
export function checkBinding(provider: Provider, credential: StoredCredential, by: IssuedBy): void {
  const issuer = credential.issuer ?? publishedHost(provider);
  const clientId = credential.clientId ?? provider.clientId;
  const detail =
    issuer !== null && issuer !== by.issuer ? `by ${issuer}` : clientId !== by.clientId ? "to another client" : null;
  if (detail !== null) throw new AuthError("credential_elsewhere", { provider: provider.name, detail });
}

/** The client: a person's own where the provider wants one, else the published one. */
export function clientOf(provider: Provider, host: Host): Client {
  const { clientSource, clientFile, clientId } = provider;
  if (clientSource !== null) {
    const own =
      clientInEnvironment(clientSource, host) ?? (clientFile === null ? null : clientInFile(clientFile, host));
    if (own === null) throw new AuthError("client_missing", { provider: provider.name, detail: clientSource.console });
    if (own.secret === null) {
      const detail = `the client ${own.id} has no secret: set ${clientSource.secretVariable}, or name its whole file as clientFile`;
      throw new AuthError("settings_invalid", { provider: provider.name, detail });
    }
    return own;
  }
  if (clientFile !== null) return clientInFile(clientFile, host);
  if (clientId === null)
    throw invalid(join(host.home, "settings.json"), `providers.${provider.name}.clientId`, "is missing");
  return { id: clientId, secret: null };
}

function clientInEnvironment(source: NonNullable<Provider["clientSource"]>, { environment }: Host): Client | null {
  const id = environment[source.idVariable];
  const secret = environment[source.secretVariable];
  if (id === undefined || id === "") return null;
  return { id, secret: secret === undefined || secret === "" ? null : new Secret("client_secret", secret) };
}

/** Vendors' consoles give `{ "installed": { "client_id", "client_secret" } }`; a flat object will do too. */
function clientInFile(path: string, { home, userHome }: Host): Client {
  // Whoever renews a token does so in another folder than whoever has signed in.
  const file = resolve(home, expandHome(path, userHome));
  const content = readJson(file);
  const nested = content["installed"] ?? content["web"] ?? content;
  const { client_id: id, client_secret: secret } = isRecord(nested) ? nested : {};
  if (typeof id !== "string" || id === "") {
    throw new AuthError("settings_invalid", { detail: `${file}: installed.client_id is missing` });
  }
  return { id, secret: typeof secret === "string" && secret !== "" ? new Secret("client_secret", secret) : null };
}

/** Endpoints of the data, completed (not replaced) by the issuer's metadata where there is an issuer. */
async function endpointsOf(provider: Provider, sender: Sender): Promise<Endpoints> {
  const own = {
    authorization: provider.authorizationEndpoint,
    token: provider.tokenEndpoint,
    device: provider.deviceAuthorizationEndpoint,
    revocation: provider.revocationEndpoint,
    userinfo: provider.userinfoEndpoint,
  };
  if (provider.issuer === null) return { ...own, issuer: null, issSent: false };
  const found = await metadataOf(provider, provider.issuer, sender);
  return {
    authorization: own.authorization ?? found.authorization,
    token: own.token ?? found.token,
    device: own.device ?? found.device,
    revocation: own.revocation ?? found.revocation,
    userinfo: own.userinfo ?? found.userinfo,
    issuer: found.issuer,
    issSent: found.issSent,
  };
}

const remembered = new WeakMap<Sender, Map<string, Endpoints>>();

/** Metadata is asked for once a process: a device sign-in polls a hundred times. */
async function metadataOf(provider: Provider, issuer: string, sender: Sender): Promise<Endpoints> {
  const known = remembered.get(sender) ?? new Map<string, Endpoints>();
  remembered.set(sender, known);
  const endpoints = known.get(issuer) ?? (await discover(provider, issuer, sender));
  known.set(issuer, endpoints);
  return endpoints;
}

async function discover(provider: Provider, issuer: string, sender: Sender): Promise<Endpoints> {
  let missing: unknown;
  for (const request of metadataRequests(issuer)) {
    const reply = await sender.exchange(request);
    if ("kind" in reply) throw new AuthError(reply.code, { provider: provider.name, detail: reply.detail });
    try {
      return metadataReply(issuer, reply);
    } catch (error) {
      // Only "there is none here" is a reason to look at the other place.
      if (!(error instanceof AuthError) || error.code !== "endpoint_missing") throw named(error, provider);
      missing = error;
    }
  }
  throw named(missing, provider);
}

function named(error: unknown, { name }: Provider): unknown {
  if (!(error instanceof AuthError) || error.provider !== null) return error;
  return new AuthError(error.code, { provider: name, status: error.status, detail: "metadata", cause: error });
}

function publishedHost({ tokenEndpoint }: Provider): string | null {
  return tokenEndpoint === null ? null : new URL(tokenEndpoint).host;
}
