// Google Gemini: Google login for Code Assist. Installed-app clients carry a secret, so the person brings a client of
// their own; any loopback port will do; refresh tokens do not rotate and are left out of refresh replies.
import type { Provider } from "./provider.ts";

export const gemini = {
  name: "gemini",
  title: "Google Gemini (Code Assist)",
  status: {
    kind: "withdrawn",
    since: "2026-06-18",
    reason: "Google no longer serves consumer accounts this way; Code Assist Standard and Enterprise still work",
    instead: "use an API key in GEMINI_API_KEY",
  },
  notice:
    "Since 2026-06-18 Google serves this sign-in only for Code Assist Standard and Enterprise; with a consumer account it succeeds and the first request is then refused. An API key in GEMINI_API_KEY is the supported way.",
  grantsPage: "https://myaccount.google.com/connections",

  grants: ["loopback"],
  issuer: null,
  // The client of Google's own CLI, to which files of older programs were issued. It signs nobody in here: its secret is
  // not ours to ship, so a sign-in uses the person's own client (`clientSource`, `clientFile`).
  clientId: "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
  clientSource: {
    idVariable: "LLXPRT_GEMINI_CLIENT_ID",
    secretVariable: "LLXPRT_GEMINI_CLIENT_SECRET",
    console: "https://console.cloud.google.com/apis/credentials",
  },
  clientFile: null,
  scopes: [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
  ],

  authorizationEndpoint: "https://accounts.google.com/o/oauth2/v2/auth",
  tokenEndpoint: "https://oauth2.googleapis.com/token",
  deviceAuthorizationEndpoint: null,
  revocationEndpoint: "https://oauth2.googleapis.com/revoke",
  userinfoEndpoint: "https://www.googleapis.com/oauth2/v2/userinfo",

  // Without `prompt=consent` a repeated sign-in comes back without a refresh token.
  authorizeParameters: { access_type: "offline", prompt: "consent" },
  // Google's page for OpenID Connect, "Authentication URI parameters".
  accountChoice: { hint: "login_hint", ask: { prompt: "select_account consent" } },
  loopback: { host: "127.0.0.1", path: "/oauth2callback", ports: [] },
  paste: null,
  device: null,

  tokenEncoding: "form",
  refreshEncoding: "form",
  stateInTokenRequest: false,
  refreshScope: "none",
  rotation: "never",
  reuseGraceMs: 0,
  refusalCodes: [],
  refusalStatuses: [],
  revocation: { encoding: "form", clientId: false },

  keep: ["id_token"],
  accountClaim: null,
  identity: { reply: [], claims: [["email"]], userinfo: [["email"]] },
  resourceHosts: [],

  api: {
    base: "https://cloudcode-pa.googleapis.com/v1internal",
    protocol: "assisted-generate-content",
    model: "gemini-2.5-pro",
    credentialHeader: "authorization",
    headers: {},
    accountHeader: null,
    verifyUrl: "https://www.googleapis.com/oauth2/v2/userinfo",
    resourcePath: null,
  },
  keyApi: {
    base: "https://generativelanguage.googleapis.com/v1beta",
    protocol: "generate-content",
    model: "gemini-2.5-pro",
    credentialHeader: "x-goog-api-key",
    headers: {},
    accountHeader: null,
    verifyUrl: "https://generativelanguage.googleapis.com/v1beta/models",
    resourcePath: null,
  },
  listHeaders: [],
  apiErrors: {
    excluded: ["VALIDATION_REQUIRED"],
    limited: ["RATE_LIMIT_EXCEEDED", "QUOTA_EXHAUSTED", "MODEL_CAPACITY_EXHAUSTED", "INSUFFICIENT_G1_CREDITS_BALANCE"],
    // Said with 400.
    unauthorized: ["API key not valid"],
  },
  assistance: {
    lookUp: "loadCodeAssist",
    takeIn: "onboardUser",
    metadata: { ideType: "IDE_UNSPECIFIED", platform: "PLATFORM_UNSPECIFIED", pluginType: "GEMINI" },
    projectVariables: ["GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID"],
  },
  keyVariables: [
    { name: "GEMINI_API_KEY", when: null },
    { name: "GOOGLE_API_KEY", when: null },
  ],
  handover: {
    login: {
      credential: ["GOOGLE_CLOUD_ACCESS_TOKEN"],
      fixed: { GOOGLE_GENAI_USE_GCA: "true" },
      address: { name: "CODE_ASSIST_ENDPOINT", holds: "parent", always: false },
    },
    key: {
      credential: ["GEMINI_API_KEY"],
      fixed: {},
      address: { name: "GOOGLE_GEMINI_BASE_URL", holds: "parent", always: false },
    },
    // The library takes GOOGLE_API_KEY before GEMINI_API_KEY.
    withheld: ["GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GEMINI_API_KEY_AUTH_MECHANISM"],
  },
  imports: [
    {
      tool: "Gemini CLI",
      file: "~/.gemini/oauth_creds.json",
      moved: { variable: "GEMINI_CLI_HOME", file: ".gemini/oauth_creds.json" },
      identity: { file: "google_accounts.json", at: ["active"] },
      unasked: true,
      elsewhere: "in the keychain or an encrypted file, if GEMINI_FORCE_ENCRYPTED_FILE_STORAGE is set for it",
    },
    {
      tool: "an older llxprt-code",
      file: "~/.llxprt/oauth_creds.json",
      identity: { file: "google_accounts.json", at: ["active"] },
      unasked: true,
    },
    {
      tool: "llxprt-code",
      file: "~/.llxprt/oauth/gemini*.json",
      has: "expiry",
      elsewhere: "in the system's keyring, or encrypted, since February 2026",
    },
    {
      tool: "CLIProxyAPI",
      file: "~/.cli-proxy-api/*.json",
      mark: { at: ["type"], says: "gemini" },
      identity: { at: ["email"] },
      at: ["token"],
    },
  ],
} as const satisfies Provider;
