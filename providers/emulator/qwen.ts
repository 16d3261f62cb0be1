// Plays Qwen: RFC 8628 with PKCE on top and a few departures (429 for slow_down, 401 for a dead device code, no `interval`),
// a token reply that names the host of the API, and chat completions in OpenAI's format, for logins at one base and for keys
// at another.
import { randomUUID } from "node:crypto";
import { qwen as provider } from "../qwen.ts";
import { checkChallenge, checkClient } from "./authorize.ts";
import { type Call, bearer, text } from "./call.ts";
import { complete } from "./chat-completions.ts";
import { checkDevice, devicePagePaths, devicePageRoutes, makeUserCode } from "./device.ts";
import type { Dialect, Route } from "./dialect.ts";
import { checkEncoding, checkVerifier, deviceGrantType, issue, tokenRoute } from "./exchange.ts";
import { checkAccess, checkApiKey } from "./guard.ts";
import type { Words } from "./refusals.ts";
import { type Reply, json } from "./reply.ts";
import { openFamily } from "./tokens.ts";
import type { World } from "./world.ts";

/** The vendor names no interval; its own client polls every 2 s and is served. */
const leastIntervalS = 2;
/** Timers fire a little early or late on either side. */
const toleranceMs = 250;

export const dialect: Dialect = {
  name: "qwen",
  provider,
  accessLifetimeS: 6 * 3600,
  encodings: { code: ["form"], refresh: ["form"] },
  wantsChallenge: true,
  reuseEndsLogin: false,
  clients: () => new Map([[provider.clientId, null]]),
  redirect: () => "wrong-redirect-uri",
  refreshable: () => true,
  mint: {
    code: (world) => world.mint("", 32),
    access: (world) => world.mint("", 48),
    refresh: (world) => world.mint("", 48),
  },
  reply: ({ access, refresh, expiresInS, call }, world) => ({
    access_token: access,
    // Null rather than absent: here the old one stays in use.
    refresh_token: refresh,
    token_type: "Bearer",
    expires_in: expiresInS,
    scope: null,
    // Without a scheme where the vendor's own names are mapped to us, as the vendor sends it.
    resource_url: call.origin === world.url ? world.url : new URL(provider.api.base).host,
  }),
  says([status, code, message]: Words, surface): Reply {
    if (surface === "token") return json(status, { error: code, error_description: message });
    const error = { message, type: "invalid_request_error", param: null, code };
    return json(status, { error, request_id: randomUUID() });
  },
};

function startDevice(call: Call, world: World): Reply {
  world.tallies.qwen.device += 1;
  checkEncoding(call, ["form"], world);
  const client = text(call.fields, "client_id");
  checkClient(dialect, client, world);
  const method = text(call.fields, "code_challenge_method") || null;
  const challenge = checkChallenge(dialect, text(call.fields, "code_challenge"), method, world);
  const deviceCode = world.mint("", 32);
  const userCode = makeUserCode();
  const lifetimeS = world.knobs.deviceLifetimeS;
  world.grants.devices.set(deviceCode, {
    provider: "qwen",
    client,
    scope: text(call.fields, "scope") || provider.scopes.join(" "),
    userCode,
    deviceCode,
    challenge,
    verifier: null,
    expiresAt: world.now() + lifetimeS * 1000,
    word: "awaited",
    account: "",
    polledAt: null,
    used: false,
  });
  const page = call.origin + devicePagePaths.qwen;
  return json(200, {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: page,
    verification_uri_complete: `${page}?user_code=${userCode}`,
    expires_in: lifetimeS,
  });
}

/** RFC 8628 3.4 and 3.5. */
function poll(call: Call, world: World): Reply {
  world.tallies.qwen.polls += 1;
  const device = world.grants.devices.get(text(call.fields, "device_code"));
  if (device?.provider !== "qwen") return world.deadEnd("unknown-device-code");
  checkDevice(device, world);
  checkVerifier(device.challenge, text(call.fields, "code_verifier"), world);
  const now = world.now();
  const leastMs = (world.knobs.deviceIntervalS ?? leastIntervalS) * 1000 - toleranceMs;
  const tooFast = device.polledAt !== null && now - device.polledAt < leastMs;
  device.polledAt = now;
  if (tooFast) world.refuses("polled-too-fast");
  if (device.word === "denied") world.deadEnd("device-denied");
  if (device.word === "awaited") world.deadEnd("device-pending");
  device.used = true;
  world.tallies.qwen.exchanges += 1;
  const { client, account, scope } = device;
  const family = openFamily(world.ledger, { provider: "qwen", client, account, scope });
  return issue(dialect, family, { refreshable: true, nonce: null }, call, world);
}

const pathOf = (url: string): string => new URL(url).pathname;
const keyBase = pathOf(provider.keyApi.base);

export const routes: readonly Route[] = [
  {
    method: "POST",
    path: pathOf(provider.deviceAuthorizationEndpoint),
    endpoint: "device",
    surface: "token",
    run: startDevice,
  },
  tokenRoute(dialect, { [deviceGrantType]: poll }),
  ...devicePageRoutes(dialect, devicePagePaths.qwen),
  {
    method: "POST",
    path: `${provider.api.resourcePath}/chat/completions`,
    endpoint: "api",
    surface: "api",
    run(call, world) {
      checkAccess(dialect, call, world);
      return complete(call, world);
    },
  },
  {
    method: "POST",
    path: `${keyBase}/chat/completions`,
    endpoint: "api",
    surface: "key",
    run(call, world) {
      checkApiKey(dialect, bearer(call), world);
      return complete(call, world);
    },
  },
  {
    method: "GET",
    path: pathOf(provider.keyApi.verifyUrl),
    endpoint: "api",
    surface: "key",
    run(call, world) {
      checkApiKey(dialect, bearer(call), world);
      const model = { id: provider.keyApi.model, object: "model", created: 1_753_228_800, owned_by: "system" };
      return json(200, { object: "list", data: [model] });
    },
  },
];
