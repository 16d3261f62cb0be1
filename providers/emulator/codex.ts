// Plays OpenAI: the ChatGPT login of Codex, its device flow (no RFC 8628: the server makes the PKCE pair and the reply is
// an authorization code), the Codex backend and the API for keys. Errors of the token endpoint are objects, errors of the
// backend are a bare `detail`, and what a client must tell apart stands in `code`.
import { createHash, randomUUID } from "node:crypto";
import { codex as provider } from "../codex.ts";
import { authorizeRoutes, checkClient } from "./authorize.ts";
import { type Call, bearer, text } from "./call.ts";
import { complete } from "./chat-completions.ts";
import { checkDevice, devicePagePaths, devicePageRoutes, makeUserCode } from "./device.ts";
import type { Dialect, Issued, Route } from "./dialect.ts";
import { checkEncoding, tokenRoute } from "./exchange.ts";
import { checkAccess, checkApiKey, revoke } from "./guard.ts";
import { keySet, signedJwt, ties } from "./jwt.ts";
import type { Person } from "./people.ts";
import { answerTo, pieces, usage } from "./prompt.ts";
import type { Words } from "./refusals.ts";
import { type Reply, empty, events, json } from "./reply.ts";
import { type Family, familyOf } from "./tokens.ts";
import type { World } from "./world.ts";

const keyPrefix = "sk-proj-";
const issuer = new URL(provider.authorizationEndpoint).origin;
const pathOf = (url: string): string => new URL(url).pathname;

export const dialect: Dialect = {
  name: "codex",
  provider,
  accessLifetimeS: 10 * 24 * 3600,
  encodings: { code: ["form"], refresh: ["json", "form"] },
  wantsChallenge: true,
  reuseEndsLogin: true,
  clients: () => new Map([[provider.clientId, null]]),
  redirect(uri) {
    const { host, path, ports } = provider.loopback;
    // The vendor's own CLI names the address from version 0.169 on; older ones, and other programs, the name.
    const isHost = uri.hostname === host || uri.hostname === "127.0.0.1";
    if (uri.protocol !== "http:" || !isHost || uri.pathname !== path || uri.search !== "") {
      return "wrong-redirect-uri";
    }
    return ports.some((port) => String(port) === uri.port) ? "fine" : "unregistered-port";
  },
  refreshable: (ticket) => ticket.scope.split(" ").includes("offline_access"),
  mint: {
    code: (world) => world.mint("ac_", 48),
    access: (world, family, person, expiresInS) => world.secret(accessToken(world, family, person, expiresInS)),
    refresh: (world) => world.mint("rt_", 48),
  },
  reply: (issued, world) => ({
    access_token: issued.access,
    ...(issued.family.scope.split(" ").includes("openid") && { id_token: world.secret(idToken(issued, world)) }),
    ...(issued.refresh !== null && { refresh_token: issued.refresh }),
    token_type: "bearer",
    expires_in: issued.expiresInS,
    scope: issued.family.scope,
  }),
  says,
};

function says([status, code, message]: Words, surface: string): Reply {
  const headers = { "x-request-id": randomUUID() };
  if (surface === "api" && code === "") return json(status, { detail: message }, headers);
  const error = { message, type: "invalid_request_error", param: null, code };
  return json(status, { error, ...(surface === "api" && { status }) }, headers);
}

/** The claim's name is a literal member name, not a path. */
const authClaim = (person: Person): object => ({
  chatgpt_account_id: person.organization,
  chatgpt_plan_type: "plus",
  chatgpt_user_id: `user-${person.id}`,
  user_id: `user-${person.id}`,
  organization_id: `org-${person.organization}`,
  completed_platform_onboarding: true,
  is_org_owner: true,
});

function accessToken(world: World, family: Family, person: Person, expiresInS: number): string {
  const now = Math.floor(world.now() / 1000);
  return signedJwt({
    iss: issuer,
    aud: [new URL(provider.keyApi.base).href],
    client_id: family.client,
    sub: `user-${person.id}`,
    jti: randomUUID(),
    iat: now,
    exp: now + expiresInS,
    scp: family.scope.split(" "),
    "https://api.openai.com/auth": authClaim(person),
    "https://api.openai.com/profile": { email: person.email, email_verified: true },
  });
}

function idToken({ family, person, access, nonce }: Issued, world: World): string {
  const now = Math.floor(world.now() / 1000);
  return signedJwt({
    iss: issuer,
    aud: [family.client],
    sub: `user-${person.id}`,
    jti: randomUUID(),
    iat: now,
    exp: now + 3600,
    email: person.email,
    email_verified: true,
    name: person.name,
    ...ties(nonce, access),
    "https://api.openai.com/auth": authClaim(person),
  });
}

// The device flow.

function startDevice(call: Call, world: World): Reply {
  world.tallies.codex.device += 1;
  checkEncoding(call, ["json"], world);
  const client = text(call.fields, "client_id");
  checkClient(dialect, client, world);
  const deviceCode = world.secret(`deviceauth_${randomUUID().replaceAll("-", "")}`);
  const verifier = world.mint("", 64);
  const userCode = makeUserCode();
  world.grants.devices.set(deviceCode, {
    provider: "codex",
    client,
    scope: provider.scopes.join(" "),
    userCode,
    deviceCode,
    challenge: createHash("sha256").update(verifier).digest("base64url"),
    verifier,
    expiresAt: world.now() + world.knobs.deviceLifetimeS * 1000,
    word: "awaited",
    account: "",
    polledAt: null,
    used: false,
  });
  // The interval is text, and there is no lifetime.
  const interval = String(world.knobs.deviceIntervalS ?? provider.device.intervalS);
  return json(200, { device_auth_id: deviceCode, user_code: userCode, interval });
}

function pollDevice(call: Call, world: World): Reply {
  world.tallies.codex.polls += 1;
  checkEncoding(call, ["json"], world);
  const device = world.grants.devices.get(text(call.fields, "device_auth_id"));
  if (device?.provider !== "codex") return world.deadEnd("unknown-device-code");
  if (device.userCode !== text(call.fields, "user_code")) world.refuses("wrong-user-code");
  checkDevice(device, world);
  if (device.word === "denied") world.deadEnd("device-denied");
  if (device.word === "awaited") world.deadEnd("device-pending");
  device.used = true;
  const code = dialect.mint.code(world);
  const { client, scope, challenge, verifier, account } = device;
  world.grants.codes.set(code, {
    provider: "codex",
    client,
    redirectUris: [provider.device.redirectUri, world.url + pathOf(provider.device.redirectUri)],
    scope,
    state: null,
    nonce: null,
    challenge,
    account,
    refreshable: true,
    expiresAt: world.now() + world.knobs.codeLifetimeS * 1000,
    gave: null,
  });
  return json(200, { authorization_code: code, code_challenge: challenge, code_verifier: verifier });
}

// The APIs.

/** The vendor's own CLI puts them into the conversation for its newer models. */
const isInstructed = (input: unknown): boolean =>
  Array.isArray(input) && input.some((item) => (item as { role?: unknown } | null)?.role === "developer");

function codexResponses(call: Call, world: World): Reply {
  checkAccess(dialect, call, world);
  if (text(call.fields, "instructions") === "" && !isInstructed(call.fields["input"])) {
    world.refuses("missing-instructions");
  }
  if (call.fields["store"] !== false) world.refuses("store-not-false");
  if (call.fields["stream"] !== true) world.refuses("stream-not-true");
  return events(responseEvents(call, world));
}

/** Where the backend of each workspace is: the vendor's own CLI asks before it sends anything else. */
function workspaces(call: Call, world: World): Reply {
  const { account } = checkAccess(dialect, call, world);
  const { organization: id } = world.people.find(({ email }) => email === account) ?? world.people[0];
  const { origin } = new URL(provider.api.base);
  const workspace = {
    id,
    plan_type: "plus",
    workspace_backend_origin: origin,
    account_routing_override: "NO_CONSTRAINT",
  };
  return json(200, { accounts: [workspace], account_ordering: [id], default_account_id: id });
}

function keyResponses(call: Call, world: World): Reply {
  checkApiKey(dialect, bearer(call), world);
  if (call.fields["stream"] === true) return events(responseEvents(call, world));
  return json(200, response(call, world, "completed", [message(answerTo(call.fields["input"]))]));
}

function responseEvents(call: Call, world: World): { event: string; data: object }[] {
  const said = answerTo(call.fields["input"]);
  const item = message(said);
  const done = response(call, world, "completed", [item]);
  const begun = { ...done, status: "in_progress", output: [], usage: null };
  const at = { item_id: item.id, output_index: 0, content_index: 0 };
  const part = { type: "output_text", text: "", annotations: [] };
  const list: { type: string; [member: string]: unknown }[] = [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
    { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
    { type: "response.content_part.added", ...at, part },
    ...pieces(said).map((delta) => Object.assign({ type: "response.output_text.delta", delta }, at)),
    { type: "response.output_text.done", ...at, text: said },
    { type: "response.content_part.done", ...at, part: { ...part, text: said } },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: done },
  ];
  return list.map((data, sequence) => ({ event: data.type, data: Object.assign(data, { sequence_number: sequence }) }));
}

const message = (said: string) => ({
  id: `msg_${randomUUID().replaceAll("-", "")}`,
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: said, annotations: [] }],
});

const response = (call: Call, world: Pick<World, "now">, status: string, output: readonly object[]): object => ({
  id: `resp_${randomUUID().replaceAll("-", "")}`,
  object: "response",
  created_at: Math.floor(world.now() / 1000),
  status,
  error: null,
  incomplete_details: null,
  instructions: call.fields["instructions"] ?? null,
  model: text(call.fields, "model"),
  output,
  parallel_tool_calls: true,
  store: call.fields["store"] ?? true,
  tool_choice: "auto",
  tools: [],
  usage: {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.input + usage.output,
  },
});

const listed = { id: provider.keyApi.model, object: "model", created: 1_757_462_400, owned_by: "openai" } as const;

/** By the credential: a key of ours, or the token of a login of ours. */
function isOurs(call: Call, world: World): boolean {
  const credential = bearer(call);
  return credential.startsWith(keyPrefix) || familyOf(world.ledger, credential)?.provider === "codex";
}

const backend = pathOf(provider.api.base);
const keyBase = pathOf(provider.keyApi.base);

export const routes: readonly Route[] = [
  ...authorizeRoutes(dialect),
  tokenRoute(dialect),
  {
    method: "POST",
    path: pathOf(provider.revocationEndpoint),
    endpoint: "revoke",
    surface: "token",
    run(call, world) {
      checkEncoding(call, ["json"], world);
      revoke("codex", text(call.fields, "token"), world);
      return empty(200);
    },
  },
  {
    method: "POST",
    path: pathOf(provider.deviceAuthorizationEndpoint),
    endpoint: "device",
    surface: "token",
    run: startDevice,
  },
  {
    method: "POST",
    path: pathOf(provider.device.pollEndpoint),
    endpoint: "poll",
    surface: "token",
    run: pollDevice,
  },
  ...devicePageRoutes(dialect, devicePagePaths.codex),
  {
    method: "GET",
    path: "/.well-known/jwks.json",
    endpoint: "keys",
    surface: "token",
    run: () => json(200, keySet()),
  },
  { method: "POST", path: `${backend}/responses`, endpoint: "api", surface: "api", run: codexResponses },
  {
    method: "GET",
    path: pathOf(provider.api.verifyUrl),
    endpoint: "api",
    surface: "api",
    run(call, world) {
      checkAccess(dialect, call, world);
      return json(200, { plan_type: "plus", rate_limit: { allowed: true, limit_reached: false } });
    },
  },
  { method: "GET", path: "/backend-api/wham/accounts/check", endpoint: "api", surface: "api", run: workspaces },
  { method: "POST", path: `${keyBase}/responses`, endpoint: "api", surface: "key", run: keyResponses },
  {
    method: "GET",
    path: pathOf(provider.keyApi.verifyUrl),
    endpoint: "api",
    surface: "key",
    run(call, world) {
      checkApiKey(dialect, bearer(call), world);
      return json(200, { object: "list", data: [listed] });
    },
  },
  {
    method: "GET",
    path: `${keyBase}/models/${listed.id}`,
    endpoint: "api",
    surface: "key",
    when: isOurs,
    run(call, world) {
      checkApiKey(dialect, bearer(call), world);
      return json(200, listed);
    },
  },
  {
    method: "POST",
    path: `${keyBase}/chat/completions`,
    endpoint: "api",
    surface: "key",
    // Another vendor has the same path, for logins.
    when: isOurs,
    run(call, world) {
      checkApiKey(dialect, bearer(call), world);
      return complete(call, world);
    },
  },
];
