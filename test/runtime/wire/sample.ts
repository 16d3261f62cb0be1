// What the tests of the wire have in common: a provider that follows the standards to the letter, and short ways of
// writing down replies.
import type { Provider } from "../../../providers/provider.ts";
import { qwen } from "../../../providers/qwen.ts";
import type { WireReply } from "../../../runtime/wire/response.ts";
import type { Client, Endpoints } from "../../../runtime/wire/request.ts";

export const now = Date.UTC(2026, 10, 23, 10);

/** By the book: form encoding, RFC 8628, nothing kept, nothing peculiar. */
export const acme: Provider = {
  ...qwen,
  name: "acme",
  grants: ["loopback", "device"],
  clientId: "acme-client",
  scopes: ["openid", "offline_access"],
  authorizationEndpoint: "https://id.acme.example/authorize",
  tokenEndpoint: "https://id.acme.example/token",
  deviceAuthorizationEndpoint: "https://id.acme.example/device",
  revocationEndpoint: "https://id.acme.example/revoke",
  device: { ...qwen.device, pkce: false, verificationHosts: [] },
  refusalCodes: [],
  refusalStatuses: [],
  keep: ["id_token"],
  resourceHosts: [],
};

export const client: Client = { id: "client-1", secret: null };

export function endpointsOf(provider: Provider): Endpoints {
  return {
    authorization: provider.authorizationEndpoint,
    token: provider.tokenEndpoint,
    device: provider.deviceAuthorizationEndpoint,
    revocation: provider.revocationEndpoint,
    userinfo: provider.userinfoEndpoint,
    issuer: null,
    issSent: false,
  };
}

/** A reply; an object becomes JSON. */
export function reply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): WireReply {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { status, headers: { "content-type": "application/json", ...headers }, body: text, receivedAt: now };
}

export function jwt(payload: unknown): string {
  return `${encoded({ alg: "none" })}.${encoded(payload)}.`;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
