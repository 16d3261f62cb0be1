// Plays Anthropic: the Claude.ai login whose page shows `code#state`, JSON token bodies with `state` repeated in them,
// refresh tokens of single use, and the Messages API. The revocation endpoint is not documented; it is here because the
// vendor's own CLI was seen to use it (version 2.1.330).
import { randomBytes } from "node:crypto";
import { anthropic as provider } from "../anthropic.ts";
import { codex } from "../codex.ts";
import { authorizeRoutes } from "./authorize.ts";
import { type Call, bearer, text } from "./call.ts";
import type { Dialect, Route } from "./dialect.ts";
import { checkEncoding, tokenRoute } from "./exchange.ts";
import { checkAccess, checkApiKey, revoke } from "./guard.ts";
import { codePage, resultPage } from "./pages.ts";
import { answerTo, pieces, usage } from "./prompt.ts";
import type { Words } from "./refusals.ts";
import { type Reply, events, json } from "./reply.ts";
import type { World } from "./world.ts";

const { origin: pasteOrigin, pathname: pastePath } = new URL(provider.paste.redirectUri);
/** Registered before the host of the data file, and still used by older clients. */
const olderPasteOrigin = "https://console.anthropic.com";

const keyPrefix = "sk-ant-api";

/** Shorter ones are refused by the page; 43 characters are known to be fine. */
const shortestState = 8;

export const dialect: Dialect = {
  name: "anthropic",
  provider,
  accessLifetimeS: 28_800,
  encodings: { code: ["json"], refresh: ["json", "form"] },
  wantsChallenge: true,
  reuseEndsLogin: true,
  clients: () => new Map([[provider.clientId, null]]),
  redirect(uri, world) {
    if (uri.search !== "" || uri.hash !== "") return "wrong-redirect-uri";
    const { host, path } = provider.loopback;
    const loopback = uri.protocol === "http:" && uri.hostname === host && uri.pathname === path && uri.port !== "";
    const paste = [pasteOrigin, olderPasteOrigin, world.url].includes(uri.origin) && uri.pathname === pastePath;
    return loopback || paste ? "fine" : "wrong-redirect-uri";
  },
  judge(query, world) {
    const state = query.get("state") ?? "";
    if (state !== "" && state.length < shortestState) world.refuses("short-state");
  },
  judgeToken(call, world) {
    if (/^(Mozilla\/|claude-code\/)/.test(call.headers["user-agent"] ?? "")) world.refuses("browser-user-agent");
  },
  refreshable: () => true,
  mint: {
    code: (world) => world.mint("", 36),
    access: (world) => world.mint("sk-ant-oat01-", 64),
    refresh: (world) => world.mint("sk-ant-ort01-", 64),
  },
  reply: ({ family, person, access, refresh, expiresInS }) => ({
    token_type: "Bearer",
    access_token: access,
    expires_in: expiresInS,
    ...(refresh !== null && { refresh_token: refresh }),
    scope: family.scope,
    organization: { uuid: person.organization, name: person.organizationName },
    account: { uuid: person.id, email_address: person.email },
  }),
  says([status, code, message]: Words, surface): Reply {
    const id = requestId();
    const headers = { "request-id": id };
    // The token endpoint words what it understood as OAuth errors, and what it did not as errors of the API.
    if (surface === "token" && !code.endsWith("_error")) {
      return json(status, { error: code, error_description: message }, headers);
    }
    return json(status, { type: "error", error: { type: code, message }, request_id: id }, headers);
  },
};

const requestId = (): string => `req_${randomBytes(12).toString("hex")}`;

function claims({ query, origin }: Call): boolean {
  const client = query.get("client_id");
  if (client === provider.clientId) return true;
  if (client === codex.clientId) return false;
  // An unknown client: whose page did it mean to open?
  const redirect = query.get("redirect_uri") ?? "";
  const path = URL.canParse(redirect) ? new URL(redirect).pathname : "";
  return (
    origin === new URL(provider.authorizationEndpoint).origin || path === pastePath || path === provider.loopback.path
  );
}

function showCode(call: Call): Reply {
  const code = call.query.get("code");
  if (code === null) return resultPage(200, "Access denied", "Nothing was shared. You can close this page.");
  return codePage(provider.title, `${code}#${call.query.get("state") ?? ""}`);
}

/**
 * A key in its own header, or as a bearer, as the vendor's library sends it from version 1; or a login's token, which needs
 * the beta header besides. As a bearer the two are told apart by prefix.
 */
function checkCredential(call: Call, world: World): void {
  const token = bearer(call);
  const key = call.headers["x-api-key"] ?? (token.startsWith(keyPrefix) ? token : undefined);
  if (key === undefined) {
    checkAccess(dialect, call, world);
    const beta = (call.headers["anthropic-beta"] ?? "").split(",").map((name) => name.trim());
    if (!beta.includes(provider.api.headers["anthropic-beta"])) world.refuses("missing-beta-header");
  } else {
    checkApiKey(dialect, key, world);
  }
  if ((call.headers["anthropic-version"] ?? "") === "") world.refuses("missing-version-header");
}

function messages(call: Call, world: World): Reply {
  checkCredential(call, world);
  if (call.encoding !== "json" || text(call.fields, "model") === "") world.deadEnd("missing-parameter");
  if (typeof call.fields["max_tokens"] !== "number") world.refuses("missing-max-tokens");
  const said = answerTo(call.fields["messages"]);
  const message = {
    id: `msg_${randomBytes(12).toString("hex")}`,
    type: "message",
    role: "assistant",
    model: text(call.fields, "model"),
    content: [{ type: "text", text: said }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: usage.input, output_tokens: usage.output },
  };
  if (call.fields["stream"] !== true) return json(200, message, { "request-id": requestId() });
  const list: { type: string; [member: string]: unknown }[] = [
    { type: "message_start", message: { ...message, content: [], stop_reason: null } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
    ...pieces(said).map((piece) => ({
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text: piece },
    })),
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: usage.output },
    },
    { type: "message_stop" },
  ];
  return events(list.map((data) => ({ event: data.type, data })));
}

function profile(call: Call, world: World): Reply {
  const { account } = checkAccess(dialect, call, world);
  const person = world.people.find(({ email }) => email === account) ?? world.people[0];
  return json(200, {
    account: { uuid: person.id, email: person.email, full_name: person.name },
    organization: { uuid: person.organization, name: person.organizationName, organization_type: "claude_pro" },
  });
}

function roles(call: Call, world: World): Reply {
  const { account } = checkAccess(dialect, call, world);
  const { organizationName } = world.people.find(({ email }) => email === account) ?? world.people[0];
  return json(200, { organization_role: "admin", workspace_role: null, organization_name: organizationName });
}

const { model } = provider.api;
const listed = { type: "model", id: model, display_name: model, created_at: "2025-09-29T00:00:00Z" } as const;

function models(call: Call, world: World): Reply {
  checkCredential(call, world);
  return json(200, { data: [listed], has_more: false, first_id: model, last_id: model });
}

// Other vendors list their models under the same paths, for keys in other headers.
const asksAnthropic = ({ headers }: Call): boolean => "x-api-key" in headers || "anthropic-version" in headers;

const api = { endpoint: "api", surface: "api" } as const;

export const routes: readonly Route[] = [
  ...authorizeRoutes(dialect, { alsoAt: ["/cai/oauth/authorize"], when: claims }),
  { method: "GET", path: pastePath, endpoint: "authorize", surface: "page", run: showCode },
  tokenRoute(dialect),
  { ...api, method: "POST", path: "/v1/messages", run: messages },
  {
    ...api,
    method: "POST",
    path: "/v1/messages/count_tokens",
    run(call, world) {
      checkCredential(call, world);
      return json(200, { input_tokens: usage.input });
    },
  },
  { ...api, endpoint: "userinfo", method: "GET", path: new URL(provider.api.verifyUrl).pathname, run: profile },
  { ...api, endpoint: "userinfo", method: "GET", path: "/api/oauth/claude_cli/roles", run: roles },
  {
    method: "POST",
    path: `${new URL(provider.tokenEndpoint).pathname}/revoke`,
    endpoint: "revoke",
    surface: "token",
    run(call, world) {
      checkEncoding(call, ["json"], world);
      revoke("anthropic", text(call.fields, "token"), world);
      return json(200, {});
    },
  },
  {
    ...api,
    method: "GET",
    path: new URL(provider.keyApi.verifyUrl).pathname,
    when: asksAnthropic,
    run: models,
  },
  {
    ...api,
    method: "GET",
    path: `${new URL(provider.keyApi.verifyUrl).pathname}/${model}`,
    when: asksAnthropic,
    run(call, world) {
      checkCredential(call, world);
      return json(200, listed);
    },
  },
];
