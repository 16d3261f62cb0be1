// Qwen: device flow with PKCE, whose replies deviate from RFC 8628 in status and shape, and whose token reply names the
// host that serves the API.
import type { Provider } from "./provider.ts";

export const qwen = {
  name: "qwen",
  title: "Qwen Chat",
  status: {
    kind: "withdrawn",
    since: "2026-04-15",
    reason: "the free OAuth tier has ended: sign-in may succeed and every request still be refused",
    instead: "use an API key in DASHSCOPE_API_KEY",
  },
  notice:
    "Qwen ended its free OAuth tier on 2026-04-15. Signing in may still work, requests are reported to be refused. An API key in DASHSCOPE_API_KEY is the supported way.",
  grantsPage: "https://chat.qwen.ai/",

  grants: ["device"],
  issuer: null,
  clientId: "f0304373b74a44d2b584a3fb70ca9e56",
  clientSource: null,
  clientFile: null,
  scopes: ["openid", "profile", "email", "model.completion"],

  authorizationEndpoint: null,
  tokenEndpoint: "https://chat.qwen.ai/api/v1/oauth2/token",
  deviceAuthorizationEndpoint: "https://chat.qwen.ai/api/v1/oauth2/device/code",
  revocationEndpoint: null,
  userinfoEndpoint: null,

  authorizeParameters: {},
  accountChoice: { hint: null, ask: {} },
  loopback: null,
  paste: null,
  device: {
    dialect: "standard",
    pkce: true,
    pollEndpoint: null,
    verificationUri: null,
    verificationHosts: ["chat.qwen.ai", ".qwen.ai"],
    redirectUri: null,
    pendingStatuses: [],
    intervalS: 5,
    lifetimeS: 900,
  },

  tokenEncoding: "form",
  refreshEncoding: "form",
  stateInTokenRequest: false,
  refreshScope: "none",
  rotation: "sometimes",
  reuseGraceMs: 0,
  // Said in place of `invalid_grant` for a dead refresh token.
  refusalCodes: ["invalid_request"],
  refusalStatuses: [401],
  revocation: { encoding: "form", clientId: true },

  keep: ["resource_url"],
  accountClaim: null,
  identity: { reply: [], claims: [], userinfo: [] },
  resourceHosts: ["portal.qwen.ai", ".qwen.ai", "dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"],

  api: {
    base: "https://portal.qwen.ai/v1",
    protocol: "chat-completions",
    model: "coder-model",
    credentialHeader: "authorization",
    headers: { "X-DashScope-AuthType": "qwen-oauth" },
    accountHeader: null,
    verifyUrl: null,
    resourcePath: "/v1",
  },
  keyApi: {
    base: "https://dashscope.aliyuncs.com/compatible-mode/v1",
    protocol: "chat-completions",
    model: "qwen3-coder-plus",
    credentialHeader: "authorization",
    headers: {},
    accountHeader: null,
    verifyUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1/models",
    resourcePath: null,
  },
  listHeaders: [],
  // The quota is said with 403.
  apiErrors: { excluded: [], limited: ["insufficient_quota"], unauthorized: [] },
  assistance: null,
  keyVariables: [
    { name: "DASHSCOPE_API_KEY", when: null },
    {
      name: "OPENAI_API_KEY",
      when: {
        variable: "OPENAI_BASE_URL",
        hosts: [
          "portal.qwen.ai",
          "dashscope.aliyuncs.com",
          "dashscope-intl.aliyuncs.com",
          "dashscope-us.aliyuncs.com",
          "coding.dashscope.aliyuncs.com",
        ],
      },
    },
  ],
  handover: {
    login: {
      credential: ["OPENAI_API_KEY"],
      fixed: {},
      address: { name: "OPENAI_BASE_URL", holds: "base", always: true },
    },
    key: {
      credential: ["DASHSCOPE_API_KEY", "OPENAI_API_KEY"],
      fixed: {},
      address: { name: "OPENAI_BASE_URL", holds: "base", always: true },
    },
    withheld: [],
  },
  imports: [
    {
      tool: "Qwen Code",
      file: "~/.qwen/oauth_creds.json",
      moved: { variable: "QWEN_HOME", file: "oauth_creds.json" },
    },
    {
      tool: "llxprt-code",
      file: "~/.llxprt/oauth/qwen*.json",
      has: "expiry",
      elsewhere: "in the system's keyring, or encrypted, since February 2026",
    },
    {
      tool: "CLIProxyAPI",
      file: "~/.cli-proxy-api/*.json",
      mark: { at: ["type"], says: "qwen" },
      identity: { at: ["email"] },
    },
  ],
} as const satisfies Provider;
