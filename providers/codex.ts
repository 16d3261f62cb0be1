// OpenAI Codex: ChatGPT login. Two registered ports, an account id inside the id token, and a device flow of its own
// in which the server makes the PKCE pair.
import type { Provider } from "./provider.ts";

export const codex = {
  name: "codex",
  title: "OpenAI Codex (ChatGPT)",
  status: {
    kind: "active",
    since: "2026-08-20",
    reason: "third-party clients use the same public client id with an originator of their own",
    instead: null,
  },
  notice: null,
  grantsPage: "https://chatgpt.com/#settings/Security",

  grants: ["loopback", "device"],
  issuer: null,
  clientId: "app_EMoamEEZ73f0CkXaXp7hrann",
  clientSource: null,
  clientFile: null,
  scopes: ["openid", "profile", "email", "offline_access"],

  authorizationEndpoint: "https://auth.openai.com/oauth/authorize",
  tokenEndpoint: "https://auth.openai.com/oauth/token",
  deviceAuthorizationEndpoint: "https://auth.openai.com/api/accounts/deviceauth/usercode",
  revocationEndpoint: "https://auth.openai.com/oauth/revoke",
  userinfoEndpoint: null,

  authorizeParameters: {
    id_token_add_organizations: "true",
    codex_cli_simplified_flow: "true",
    originator: "llxprt_auth",
  },
  // No hint is known here; another program sends this, and the page then asks who signs in.
  accountChoice: { hint: null, ask: { prompt: "login" } },
  // Any other port is refused by the authorize page.
  loopback: { host: "localhost", path: "/auth/callback", ports: [1455, 1457] },
  paste: null,
  device: {
    dialect: "user-code",
    pkce: false,
    pollEndpoint: "https://auth.openai.com/api/accounts/deviceauth/token",
    verificationUri: "https://auth.openai.com/codex/device",
    verificationHosts: ["auth.openai.com"],
    redirectUri: "https://auth.openai.com/deviceauth/callback",
    // A proxy's own 403 or 404 looks the same, so the lifetime below is the only way out.
    pendingStatuses: [403, 404],
    intervalS: 5,
    lifetimeS: 900,
  },

  tokenEncoding: "form",
  refreshEncoding: "json",
  stateInTokenRequest: false,
  refreshScope: "none",
  rotation: "always",
  reuseGraceMs: 0,
  refusalCodes: ["refresh_token_*"],
  refusalStatuses: [401],
  revocation: { encoding: "json", clientId: true },

  keep: ["id_token"],
  accountClaim: ["https://api.openai.com/auth", "chatgpt_account_id"],
  identity: {
    reply: [],
    claims: [["email"], ["https://api.openai.com/profile", "email"]],
    userinfo: [],
  },
  resourceHosts: [],

  // Not api.openai.com: there a ChatGPT token lacks the scope.
  api: {
    base: "https://chatgpt.com/backend-api/codex",
    protocol: "responses",
    model: "gpt-5-codex",
    credentialHeader: "authorization",
    headers: { originator: "llxprt_auth" },
    accountHeader: "ChatGPT-Account-ID",
    verifyUrl: "https://chatgpt.com/backend-api/wham/usage",
    resourcePath: null,
  },
  keyApi: {
    base: "https://api.openai.com/v1",
    protocol: "responses",
    model: "gpt-5-codex",
    credentialHeader: "authorization",
    headers: {},
    accountHeader: null,
    verifyUrl: "https://api.openai.com/v1/models",
    resourcePath: null,
  },
  listHeaders: [],
  apiErrors: { excluded: ["usage_not_included"], limited: ["usage_limit_reached"], unauthorized: [] },
  assistance: null,
  keyVariables: [{ name: "OPENAI_API_KEY", when: null }],
  handover: {
    // A ChatGPT token is good at its own address only, and programs look for OpenAI's API at the other one.
    login: {
      credential: ["OPENAI_API_KEY"],
      fixed: {},
      address: { name: "OPENAI_BASE_URL", holds: "base", always: true },
    },
    key: {
      credential: ["OPENAI_API_KEY", "CODEX_API_KEY"],
      fixed: {},
      address: { name: "OPENAI_BASE_URL", holds: "base", always: false },
    },
    withheld: ["CODEX_ACCESS_TOKEN"],
  },
  imports: [
    {
      tool: "Codex CLI",
      file: "~/.codex/auth.json",
      moved: { variable: "CODEX_HOME", file: "auth.json" },
      at: ["tokens"],
      key: { mode: "auth_mode", says: "apikey", member: "OPENAI_API_KEY" },
      elsewhere: "in the system's keyring, if cli_auth_credentials_store says keyring or auto",
    },
    {
      tool: "llxprt-code",
      file: "~/.llxprt/oauth/codex*.json",
      has: "expiry",
      elsewhere: "in the system's keyring, or encrypted, since February 2026",
    },
    {
      tool: "CLIProxyAPI",
      file: "~/.cli-proxy-api/*.json",
      mark: { at: ["type"], says: "codex" },
      identity: { at: ["email"] },
    },
    {
      tool: "pi",
      file: "~/.pi/agent/auth.json",
      at: ["openai-codex"],
      mark: { at: ["openai-codex", "type"], says: "oauth" },
    },
    {
      tool: "OpenCode",
      file: "~/.local/share/opencode/auth.json",
      at: ["openai"],
      mark: { at: ["openai", "type"], says: "oauth" },
    },
  ],
} as const satisfies Provider;
