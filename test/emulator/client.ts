// A client that is free to lie: it builds the requests of each vendor from the Provider data, and lets a test change any
// member of them. It judges nothing.
import { createHash, randomBytes } from "node:crypto";
import type { Emulator } from "../../providers/emulator/index.ts";
import { type ProviderName, providers } from "../../providers/index.ts";

export const verifier = randomBytes(32).toString("base64url");
export const state = randomBytes(32).toString("base64url");
export const challengeOf = (text: string): string => createHash("sha256").update(text).digest("base64url");

/** Nobody listens there; a browser would say so, and the redirect still shows. */
export const redirects = {
  gemini: "http://127.0.0.1:49151/oauth2callback",
  anthropic: "http://localhost:49151/callback",
  codex: "http://localhost:1455/auth/callback",
} as const;
export type Redirecting = keyof typeof redirects;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Members are what a test is about; it names the ones it expects.
  readonly body: Record<string, any>;
}

/** null removes the member. */
export type Changes = Readonly<Record<string, string | null>>;

export async function http(url: string, init: RequestInit = {}): Promise<Answer> {
  const reply = await fetch(url, { redirect: "manual", ...init });
  const text = await reply.text();
  let body: Record<string, any> = {};
  try {
    body = JSON.parse(text) as Record<string, any>;
  } catch {
    // A page or a stream; the text is there.
  }
  return { status: reply.status, headers: reply.headers, text, body };
}

export const form = (members: object): RequestInit => ({
  method: "POST",
  body: new URLSearchParams({ ...members }),
});

export const asJson = (members: object, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body: JSON.stringify(members),
  headers: { "content-type": "application/json", ...headers },
});

/** The path of a vendor's endpoint, at the emulator. */
export const at = (emulator: Emulator, endpoint: string): string => emulator.url + new URL(endpoint).pathname;

export const clientOf = (emulator: Emulator, name: ProviderName): string =>
  name === "gemini" ? emulator.geminiClient.installed.client_id : providers[name].clientId;

export const changed = (members: Record<string, string>, changes: Changes): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...members, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null),
  );

export function authorizeUrl(emulator: Emulator, name: Redirecting, changes: Changes = {}): string {
  const provider = providers[name];
  const url = new URL(at(emulator, provider.authorizationEndpoint));
  const parameters = {
    ...provider.authorizeParameters,
    response_type: "code",
    client_id: clientOf(emulator, name),
    redirect_uri: redirects[name],
    scope: provider.scopes.join(" "),
    state,
    code_challenge: challengeOf(verifier),
    code_challenge_method: "S256",
  };
  url.search = new URLSearchParams(changed(parameters, changes)).toString();
  return url.href;
}

/** Signs in as far as the code. The redirect is not followed. */
export async function codeFrom(emulator: Emulator, url: string, decision = "approve"): Promise<string> {
  return (await redirectFrom(emulator, url, decision)).searchParams.get("code") ?? "";
}

export async function redirectFrom(emulator: Emulator, url: string, decision = "approve"): Promise<URL> {
  const page = await http(url);
  const ticket = /name="ticket" value="([^"]+)"/.exec(page.text)?.[1] ?? "";
  const reply = await http(url, form({ ticket, decision, account: emulator.accounts[0] ?? "" }));
  return new URL(reply.headers.get("location") ?? "about:blank");
}

const secretOf = (emulator: Emulator, name: ProviderName): Record<string, string> =>
  name === "gemini" ? { client_secret: emulator.geminiClient.installed.client_secret } : {};

export function exchange(
  emulator: Emulator,
  name: Redirecting,
  code: string,
  changes: Changes = {},
  encode?: (members: object) => RequestInit,
): Promise<Answer> {
  const provider = providers[name];
  const members = {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirects[name],
    client_id: clientOf(emulator, name),
    code_verifier: verifier,
    ...secretOf(emulator, name),
    ...(provider.stateInTokenRequest && { state }),
  };
  const encoding = encode ?? (provider.tokenEncoding === "json" ? asJson : form);
  return http(at(emulator, provider.tokenEndpoint), encoding(changed(members, changes)));
}

export function refresh(
  emulator: Emulator,
  name: ProviderName,
  token: string,
  changes: Changes = {},
  encode?: (members: object) => RequestInit,
): Promise<Answer> {
  const provider = providers[name];
  const members = {
    grant_type: "refresh_token",
    refresh_token: token,
    client_id: clientOf(emulator, name),
    ...secretOf(emulator, name),
  };
  const encoding = encode ?? (provider.refreshEncoding === "json" ? asJson : form);
  return http(at(emulator, provider.tokenEndpoint), encoding(changed(members, changes)));
}

/** A whole sign-in. */
export async function login(emulator: Emulator, name: ProviderName): Promise<Record<string, any>> {
  if (name === "qwen") {
    const { body } = await startQwen(emulator);
    await emulator.approveDevice(body["user_code"]);
    return (await pollQwen(emulator, body["device_code"])).body;
  }
  return (await exchange(emulator, name, await codeFrom(emulator, authorizeUrl(emulator, name)))).body;
}

export function startQwen(
  emulator: Emulator,
  changes: Changes = {},
  encode: (members: object) => RequestInit = form,
): Promise<Answer> {
  const members = {
    client_id: providers.qwen.clientId,
    scope: providers.qwen.scopes.join(" "),
    code_challenge: challengeOf(verifier),
    code_challenge_method: "S256",
  };
  return http(at(emulator, providers.qwen.deviceAuthorizationEndpoint), encode(changed(members, changes)));
}

export function pollQwen(emulator: Emulator, deviceCode: string, changes: Changes = {}): Promise<Answer> {
  const members = {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    client_id: providers.qwen.clientId,
    device_code: deviceCode,
    code_verifier: verifier,
  };
  return http(at(emulator, providers.qwen.tokenEndpoint), form(changed(members, changes)));
}

export const startCodex = (emulator: Emulator): Promise<Answer> =>
  http(at(emulator, providers.codex.deviceAuthorizationEndpoint), asJson({ client_id: providers.codex.clientId }));

export const pollCodex = (emulator: Emulator, id: string, userCode: string): Promise<Answer> =>
  http(at(emulator, providers.codex.device.pollEndpoint), asJson({ device_auth_id: id, user_code: userCode }));

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** The cheapest authenticated request of each vendor. */
export function askApi(
  emulator: Emulator,
  name: ProviderName,
  token: string,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const path = { gemini: ":loadCodeAssist", anthropic: "/v1/messages", codex: "/responses", qwen: "/chat/completions" };
  const message = { role: "user", content: "hello there" };
  const bodies = {
    gemini: { metadata: { pluginType: "GEMINI" } },
    anthropic: { model: "claude-sonnet-4-5", max_tokens: 64, messages: [message] },
    codex: {
      model: "gpt-5-codex",
      instructions: "Be brief.",
      store: false,
      stream: true,
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hello there" }] }],
    },
    qwen: { model: "coder-model", messages: [message] },
  };
  const { api } = providers[name];
  const base = at(emulator, api.base).replace(/\/$/, "");
  const all = { ...api.headers, ...bearer(token), ...headers };
  return http(base + path[name], asJson({ ...bodies[name], ...body }, all));
}

/** One message with an API key. */
export function askWithKey(emulator: Emulator, name: ProviderName, key: string, stream = false): Promise<Answer> {
  const { keyApi } = providers[name];
  const base = at(emulator, keyApi.base).replace(/\/$/, "");
  const messages = [{ role: "user", content: "hello there" }];
  const { model } = keyApi;
  const requests = {
    gemini: [
      `/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
      { contents: [{ parts: [{ text: "hello there" }] }] },
    ],
    anthropic: ["/v1/messages", { model, max_tokens: 64, messages, stream }],
    codex: ["/responses", { model, input: "hello there", stream }],
    qwen: ["/chat/completions", { model, messages, stream }],
  } as const;
  const [path, body] = requests[name];
  const credential = keyApi.credentialHeader === "authorization" ? bearer(key) : { [keyApi.credentialHeader]: key };
  return http(base + path, asJson(body, { ...keyApi.headers, ...credential }));
}
