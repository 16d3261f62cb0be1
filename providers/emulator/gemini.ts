// Plays Google: the login of an installed app with a client of one's own, refresh tokens that do not rotate, Code Assist
// with its onboarding (a long-running operation), and the Gemini API for keys. Errors of the token endpoint are RFC 6749's,
// errors of the APIs are google.rpc.Status. Of the client that Google ships in its own CLI only the id is public here, so
// any secret will do for it.
import { randomBytes } from "node:crypto";
import { gemini as provider } from "../gemini.ts";
import { authorizeRoutes } from "./authorize.ts";
import { type Call, bearer, text } from "./call.ts";
import type { Dialect, Issued, Route } from "./dialect.ts";
import { tokenRoute } from "./exchange.ts";
import { checkAccess, checkApiKey, revoke } from "./guard.ts";
import { certificates, keySet, signedJwt, ties } from "./jwt.ts";
import { codePage, resultPage } from "./pages.ts";
import type { Person } from "./people.ts";
import { answerTo, pieces, usage } from "./prompt.ts";
import type { Words } from "./refusals.ts";
import { type Reply, events, json } from "./reply.ts";
import { standing } from "./tokens.ts";
import type { World } from "./world.ts";

/** Of Google's own CLI when it must not open a browser: a page that shows the bare code. */
const pasteUri = "https://codeassist.google.com/authcode";

const pathOf = (url: string): string => new URL(url).pathname;

export const dialect: Dialect = {
  name: "gemini",
  provider,
  accessLifetimeS: 3599,
  encodings: { code: ["form"], refresh: ["form"] },
  wantsChallenge: false,
  reuseEndsLogin: false,
  clients: ({ geminiClient }) =>
    new Map<string, string | { any: true }>([
      [geminiClient.id, geminiClient.secret],
      [provider.clientId, { any: true }],
    ]),
  // RFC 8252 7.3: a desktop client may use any port of the loopback interface.
  redirect(uri, world) {
    const loopback = uri.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(uri.hostname);
    const paste = [pasteUri, world.url + pathOf(pasteUri)].includes(uri.href);
    return (loopback && uri.hash === "") || paste ? "fine" : "wrong-redirect-uri";
  },
  // A repeated consent comes without a refresh token, unless the page is asked for again.
  refreshable({ client, parameters }, person, world) {
    const again = world.ledger.families.some(
      (family) => family.client === client && family.account === person.email && family.ended === null,
    );
    const asked = (parameters["prompt"] ?? "").split(" ").includes("consent");
    return parameters["access_type"] === "offline" && (asked || !again);
  },
  mint: {
    // The slash is there to be encoded wrongly.
    code: (world) => world.mint("4/0", 48),
    access: (world) => world.mint("ya29.", 120),
    refresh: (world) => world.mint("1//0", 48),
  },
  reply: (issued, world) => ({
    access_token: issued.access,
    expires_in: issued.expiresInS,
    ...(issued.refresh !== null && { refresh_token: issued.refresh }),
    scope: issued.family.scope,
    token_type: "Bearer",
    id_token: world.secret(idToken(issued, world)),
  }),
  says([status, code, message]: Words, surface): Reply {
    if (surface === "token") return json(status, { error: code, error_description: message });
    return json(status, { error: { code: status, message, status: code } });
  },
};

function idToken({ family, person, access, nonce }: Issued, world: World): string {
  const now = Math.floor(world.now() / 1000);
  return signedJwt({
    iss: new URL(provider.authorizationEndpoint).origin,
    azp: family.client,
    aud: family.client,
    sub: googleId(person),
    email: person.email,
    email_verified: true,
    name: person.name,
    ...ties(nonce, access),
    iat: now,
    exp: now + 3600,
  });
}

/** Digits, and too many for a double. */
const googleId = (person: Person): string => `1${BigInt(`0x${person.id.replaceAll("-", "").slice(0, 16)}`).toString()}`;

const whose = (account: string, world: World): Person =>
  world.people.find(({ email }) => email === account) ?? world.people[0];

function userinfo(call: Call, world: World): Reply {
  const person = whose(checkAccess(dialect, call, world).account, world);
  return json(200, { id: googleId(person), email: person.email, verified_email: true, name: person.name });
}

function tokeninfo(call: Call, world: World): Reply {
  const token = call.query.get("access_token") ?? (text(call.fields, "access_token") || bearer(call));
  const { standing: is, family, expiresAt } = standing(world.ledger, token, world.now());
  if (is !== "live" || family?.provider !== "gemini") {
    return json(400, { error: "invalid_token", error_description: "Invalid Value" });
  }
  const person = whose(family.account, world);
  return json(200, {
    azp: family.client,
    aud: family.client,
    sub: googleId(person),
    scope: family.scope,
    exp: String(Math.floor(expiresAt / 1000)),
    expires_in: String(Math.floor((expiresAt - world.now()) / 1000)),
    email: person.email,
    email_verified: "true",
  });
}

/** As in OpenID Connect Core 5.3.2, where the older endpoints have members of their own. */
function openidUserinfo(call: Call, world: World): Reply {
  const person = whose(checkAccess(dialect, call, world).account, world);
  return json(200, { sub: googleId(person), name: person.name, email: person.email, email_verified: true });
}

/** OpenID Connect Discovery 4, with the vendor's own addresses: it is found under the vendor's name only. */
const metadata = {
  issuer: new URL(provider.authorizationEndpoint).origin,
  authorization_endpoint: provider.authorizationEndpoint,
  token_endpoint: provider.tokenEndpoint,
  userinfo_endpoint: "https://openidconnect.googleapis.com/v1/userinfo",
  revocation_endpoint: provider.revocationEndpoint,
  jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
  response_types_supported: ["code"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["RS256"],
  scopes_supported: ["openid", "email", "profile"],
  token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
  code_challenge_methods_supported: ["plain", "S256"],
  grant_types_supported: ["authorization_code", "refresh_token"],
} as const;

const signer = "federated-signon.system.gserviceaccount.com";
/** Clients keep the keys for that long. */
const keysLast = { "cache-control": "public, max-age=19800" };

function showCode(call: Call): Reply {
  const code = call.query.get("code");
  if (code === null) return resultPage(200, "Access denied", "Nothing was shared. You can close this page.");
  return codePage(provider.title, code);
}

// Code Assist.

const tiers = [
  { id: "free-tier", name: "Gemini Code Assist for individuals", isDefault: true },
  { id: "standard-tier", name: "Gemini Code Assist", isDefault: false, userDefinedCloudaicompanionProject: true },
] as const;

const projectOf = (person: Person): string => `emulated-${person.organization.slice(0, 8)}`;

function loadCodeAssist(call: Call, world: World): Reply {
  const person = whose(checkAccess(dialect, call, world).account, world);
  const project = text(call.fields, "cloudaicompanionProject");
  if (world.onboarding.get(person.email)?.done !== true) return json(200, { allowedTiers: tiers });
  return json(200, {
    currentTier: tiers[0],
    allowedTiers: tiers,
    cloudaicompanionProject: project === "" ? projectOf(person) : project,
  });
}

/** Begins the operation; asked again, it is done, since older clients repeat the request and newer ones poll. */
function onboardUser(call: Call, world: World): Reply {
  const person = whose(checkAccess(dialect, call, world).account, world);
  const free = text(call.fields, "tierId") === tiers[0].id;
  if (free && call.fields["cloudaicompanionProject"] !== undefined) world.refuses("project-with-free-tier");
  const begun = world.onboarding.get(person.email);
  if (begun !== undefined) return finished(begun, person);
  const name = `operations/${randomBytes(8).toString("hex")}`;
  world.onboarding.set(person.email, { operation: name, done: false });
  return json(200, { name, done: false });
}

function operation(call: Call, world: World): Reply {
  const person = whose(checkAccess(dialect, call, world).account, world);
  const begun = world.onboarding.get(person.email);
  if (begun === undefined || !call.path.endsWith(`/${begun.operation}`)) return world.deadEnd("unknown-operation");
  return finished(begun, person);
}

function finished(begun: { readonly operation: string; done: boolean }, person: Person): Reply {
  begun.done = true;
  const id = projectOf(person);
  return json(200, {
    name: begun.operation,
    done: true,
    response: {
      "@type": "type.googleapis.com/google.internal.cloud.code.v1internal.OnboardUserResponse",
      cloudaicompanionProject: { id, name: id },
    },
  });
}

/** What the vendor's own CLI asks for around a prompt, and what an account without anything special is told. */
const asides = {
  listExperiments: { experimentIds: [], flags: [] },
  fetchAdminControls: {},
  retrieveUserQuota: { buckets: [] },
  recordCodeAssistMetrics: {},
} as const;

const methodIn = (path: string): string => path.slice(path.indexOf(":") + 1);

/** Code Assist wraps what the Gemini API takes and gives. */
function assistedGenerate(call: Call, world: World): Reply {
  const { account } = checkAccess(dialect, call, world);
  if (text(call.fields, "project") === "" || world.onboarding.get(account)?.done !== true) {
    world.deadEnd("unknown-project");
  }
  const { contents } = (call.fields["request"] ?? {}) as { contents?: unknown };
  const traceId = randomBytes(8).toString("hex");
  return generated(call, answerTo(contents), text(call.fields, "model"), (response) => ({ response, traceId }));
}

function generate(call: Call, world: World): Reply {
  checkKey(call, world);
  const model = /\/models\/([^/:]+):/.exec(call.path)?.[1] ?? "";
  return generated(call, answerTo(call.fields["contents"]), model, (response) => response);
}

function generated(call: Call, said: string, model: string, wrap: (response: object) => object): Reply {
  if (!call.path.includes(":stream")) return json(200, wrap(candidate(said, model, true)));
  const parts = pieces(said);
  const list = parts.map((piece, index) => wrap(candidate(piece, model, index === parts.length - 1)));
  return call.query.get("alt") === "sse" ? events(list.map((data) => ({ data }))) : json(200, list);
}

const candidate = (said: string, model: string, last: boolean): object => ({
  candidates: [
    { content: { role: "model", parts: [{ text: said }] }, ...(last && { finishReason: "STOP" }), index: 0 },
  ],
  usageMetadata: {
    promptTokenCount: usage.input,
    candidatesTokenCount: usage.output,
    totalTokenCount: usage.input + usage.output,
  },
  modelVersion: model,
  responseId: randomBytes(8).toString("hex"),
});

/** The key's own header, the query as in Google's own examples, or as a bearer where a client is set up so. */
function checkKey(call: Call, world: World): void {
  checkApiKey(dialect, call.headers["x-goog-api-key"] ?? call.query.get("key") ?? bearer(call), world);
}

const asksGoogle = ({ headers, query, path }: Call): boolean =>
  path.startsWith(keyBase) || "x-goog-api-key" in headers || query.has("key");

const listed = {
  name: `models/${provider.keyApi.model}`,
  version: "2.5",
  displayName: provider.keyApi.model,
  inputTokenLimit: 1_048_576,
  outputTokenLimit: 65_536,
  supportedGenerationMethods: ["generateContent", "countTokens"],
};

const assist = pathOf(provider.api.base);
const keyBase = pathOf(provider.keyApi.base);
const keys = { method: "GET", endpoint: "keys", surface: "token" } as const;
const api = { endpoint: "api", surface: "api" } as const;
const key = { endpoint: "api", surface: "key" } as const;

export const routes: readonly Route[] = [
  ...authorizeRoutes(dialect),
  { method: "GET", path: pathOf(pasteUri), endpoint: "authorize", surface: "page", run: showCode },
  tokenRoute(dialect),
  {
    method: "POST",
    path: pathOf(provider.revocationEndpoint),
    endpoint: "revoke",
    surface: "token",
    run(call, world) {
      const token = call.query.get("token") ?? text(call.fields, "token");
      if (!revoke("gemini", token, world)) world.deadEnd("token-to-revoke-unknown");
      return json(200, {});
    },
  },
  { method: "GET", path: pathOf(provider.userinfoEndpoint), endpoint: "userinfo", surface: "api", run: userinfo },
  { method: "GET", path: "/oauth2/v1/userinfo", endpoint: "userinfo", surface: "api", run: userinfo },
  { method: "GET", path: "/oauth2/v3/userinfo", endpoint: "userinfo", surface: "api", run: openidUserinfo },
  { method: "GET", path: "/v1/userinfo", endpoint: "userinfo", surface: "api", run: openidUserinfo },
  {
    ...keys,
    path: "/oauth2/v1/certs",
    run: () => json(200, certificates(signer), keysLast),
  },
  { ...keys, path: "/oauth2/v3/certs", run: () => json(200, keySet(), keysLast) },
  {
    ...keys,
    path: "/.well-known/openid-configuration",
    when: ({ origin }) => origin === metadata.issuer,
    run: () => json(200, metadata, keysLast),
  },
  { method: "GET", path: "/tokeninfo", endpoint: "userinfo", surface: "token", run: tokeninfo },
  { method: "POST", path: "/tokeninfo", endpoint: "userinfo", surface: "token", run: tokeninfo },
  { ...api, method: "POST", path: `${assist}:loadCodeAssist`, run: loadCodeAssist },
  { ...api, method: "POST", path: `${assist}:onboardUser`, run: onboardUser },
  { ...api, method: "GET", path: /^\/v1internal\/operations\/[^/]+$/, run: operation },
  { ...api, method: "POST", path: `${assist}:generateContent`, run: assistedGenerate },
  { ...api, method: "POST", path: `${assist}:streamGenerateContent`, run: assistedGenerate },
  {
    ...api,
    method: "POST",
    path: `${assist}:countTokens`,
    run(call, world) {
      checkAccess(dialect, call, world);
      return json(200, { totalTokens: usage.input });
    },
  },
  {
    ...api,
    method: "POST",
    path: /^\/v1internal:\w+$/,
    when: ({ path }) => Object.hasOwn(asides, methodIn(path)),
    run(call, world) {
      checkAccess(dialect, call, world);
      return json(200, asides[methodIn(call.path) as keyof typeof asides]);
    },
  },
  {
    ...api,
    method: "POST",
    // Clients call more methods than a login needs, and do without when there is none.
    path: /^\/v1internal:\w+$/,
    run(call, world) {
      checkAccess(dialect, call, world);
      return world.deadEnd("unknown-operation");
    },
  },
  { ...key, method: "POST", path: /^\/v1(beta)?\/models\/[^/:]+:(streamG|g)enerateContent$/, run: generate },
  {
    ...key,
    method: "POST",
    path: /^\/v1(beta)?\/models\/[^/:]+:countTokens$/,
    run(call, world) {
      checkKey(call, world);
      return json(200, { totalTokens: usage.input });
    },
  },
  {
    ...key,
    method: "GET",
    path: /^\/v1(beta)?\/models$/,
    // Other vendors list their models under the same path, for keys in other places.
    when: asksGoogle,
    run(call, world) {
      checkKey(call, world);
      return json(200, { models: [listed] });
    },
  },
  {
    ...key,
    method: "GET",
    path: /^\/v1(beta)?\/models\/[^/:]+$/,
    when: asksGoogle,
    run(call, world) {
      checkKey(call, world);
      const name = call.path.slice(call.path.indexOf("models/"));
      return name === listed.name ? json(200, listed) : world.deadEnd("unknown-operation");
    },
  },
];
