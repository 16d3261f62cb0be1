// Anthropic: a code shown by the vendor's page and pasted back as `code#state`, JSON bodies, and `state` repeated in the
// token request. A loopback redirect exists too; its host must be the word localhost.
import type { Provider } from "./provider.ts";

export const anthropic = {
  name: "anthropic",
  title: "Anthropic (Claude)",
  status: {
    kind: "restricted",
    since: "2026-04-04",
    reason: "the vendor's terms limit subscription sign-in to its own applications",
    instead: "use an API key in ANTHROPIC_API_KEY",
  },
  notice:
    "Anthropic's terms limit subscription sign-in to its own applications; use by other tools may be refused or billed as extra usage. An API key in ANTHROPIC_API_KEY is the supported way.",
  grantsPage: "https://claude.ai/settings",

  grants: ["paste", "loopback"],
  issuer: null,
  clientId: "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
  clientSource: null,
  clientFile: null,
  scopes: ["user:profile", "user:inference"],

  authorizationEndpoint: "https://claude.ai/oauth/authorize",
  tokenEndpoint: "https://platform.claude.com/v1/oauth/token",
  deviceAuthorizationEndpoint: null,
  // No public endpoint is known: logout is local, the grant is ended on the page above.
  revocationEndpoint: null,
  userinfoEndpoint: null,

  authorizeParameters: { code: "true" },
  // Seen in notes on the vendor's own program.
  accountChoice: { hint: "login_hint", ask: {} },
  loopback: { host: "localhost", path: "/callback", ports: [] },
  paste: { redirectUri: "https://platform.claude.com/oauth/code/callback", bareCode: true },
  device: null,

  tokenEncoding: "json",
  refreshEncoding: "json",
  stateInTokenRequest: true,
  refreshScope: "none",
  rotation: "always",
  reuseGraceMs: 0,
  refusalCodes: [],
  refusalStatuses: [],
  revocation: { encoding: "json", clientId: true },

  keep: [],
  accountClaim: null,
  identity: { reply: [["account", "email_address"]], claims: [], userinfo: [] },
  resourceHosts: [],

  api: {
    base: "https://api.anthropic.com",
    protocol: "messages",
    model: "claude-sonnet-5-5",
    credentialHeader: "authorization",
    headers: { "anthropic-version": "2023-06-01", "anthropic-beta": "oauth-2025-04-20" },
    accountHeader: null,
    verifyUrl: "https://api.anthropic.com/api/oauth/profile",
    resourcePath: null,
  },
  keyApi: {
    base: "https://api.anthropic.com",
    protocol: "messages",
    model: "claude-sonnet-5-5",
    credentialHeader: "x-api-key",
    headers: { "anthropic-version": "2023-06-01" },
    accountHeader: null,
    verifyUrl: "https://api.anthropic.com/v1/models",
    resourcePath: null,
  },
  listHeaders: ["anthropic-beta"],
  apiErrors: {
    excluded: [
      "OAuth authentication is currently not supported",
      "only authorized for use with Claude Code",
      "extra usage",
    ],
    limited: ["rate_limit_error"],
    // Said with 403.
    unauthorized: ["OAuth token has been revoked"],
  },
  assistance: null,
  keyVariables: [{ name: "ANTHROPIC_API_KEY", when: null }],
  handover: {
    // Not ANTHROPIC_AUTH_TOKEN: what is in there goes out without the beta header that a login needs.
    login: {
      credential: ["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_OAUTH_TOKEN"],
      fixed: {},
      address: { name: "ANTHROPIC_BASE_URL", holds: "base", always: false },
    },
    key: {
      credential: ["ANTHROPIC_API_KEY"],
      fixed: {},
      address: { name: "ANTHROPIC_BASE_URL", holds: "base", always: false },
    },
    withheld: [
      "ANTHROPIC_AUTH_TOKEN",
      "ANTHROPIC_TOKEN",
      "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
      "CLAUDE_CODE_USE_BEDROCK",
      "CLAUDE_CODE_USE_VERTEX",
      "CLAUDE_CODE_USE_FOUNDRY",
    ],
  },
  imports: [
    {
      tool: "Claude Code",
      file: "~/.claude/.credentials.json",
      moved: { variable: "CLAUDE_CONFIG_DIR", file: ".credentials.json" },
      at: ["claudeAiOauth"],
      // An end of 0 or none means a token made to last, and those last a year.
      lifetimeMs: 31_536_000_000,
      elsewhere: "in the Keychain, on macOS",
    },
    {
      tool: "llxprt-code",
      file: "~/.llxprt/oauth/anthropic*.json",
      has: "expiry",
      elsewhere: "in the system's keyring, or encrypted, since February 2026",
    },
    {
      tool: "CLIProxyAPI",
      file: "~/.cli-proxy-api/*.json",
      mark: { at: ["type"], says: "claude" },
      identity: { at: ["email"] },
    },
    {
      tool: "pi",
      file: "~/.pi/agent/auth.json",
      at: ["anthropic"],
      mark: { at: ["anthropic", "type"], says: "oauth" },
    },
    {
      tool: "OpenCode",
      file: "~/.local/share/opencode/auth.json",
      at: ["anthropic"],
      mark: { at: ["anthropic", "type"], says: "oauth" },
    },
  ],
} as const satisfies Provider;
