// Files in which other tools keep their logins, made up at run time, in the shapes that those tools use.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ProviderName } from "../../providers/index.ts";
import type { Json } from "./home.ts";

/** A login, as any tool may keep it. */
export interface Kept {
  readonly access: string;
  readonly refresh: string | null;
  /** Epoch milliseconds; null: the file does not say. */
  readonly expiresAt: number | null;
  readonly email?: string;
  readonly idToken?: string | undefined;
  readonly accountId?: string | undefined;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token that says something about itself, signed by nobody. */
export const jwt = (claims: Json): string => `${part({ alg: "none" })}.${part(claims)}.${"s".repeat(8)}`;

const ofProxy = (type: string, { access, refresh, expiresAt, email, idToken, accountId }: Kept): Json => ({
  type,
  access_token: access,
  refresh_token: refresh,
  email,
  id_token: idToken,
  account_id: accountId,
  expired: expiresAt === null ? undefined : new Date(expiresAt).toISOString(),
  last_refresh: new Date().toISOString(),
});

const keyed =
  (name: string) =>
  ({ access, refresh, expiresAt }: Kept): Json => ({
    [name]: { type: "oauth", access, refresh, expires: expiresAt },
    another: { type: "api", key: "a-key-of-no-concern" },
  });

const flat = ({ access, refresh, expiresAt, idToken }: Kept): Json => ({
  access_token: access,
  refresh_token: refresh,
  scope: "openid",
  token_type: "Bearer",
  id_token: idToken,
  expiry_date: expiresAt,
});

/** In the usual home folder, which is not ours then. */
const llxprt = <Name extends ProviderName>(provider: Name) =>
  ({
    [`llxprt-code, ${provider}`]: {
      provider,
      file: `.llxprt/oauth/${provider}.json`,
      content: ({ access, refresh, expiresAt, idToken, accountId }: Kept): Json => ({
        access_token: access,
        refresh_token: refresh,
        expiry: Math.floor((expiresAt ?? 0) / 1000),
        token_type: "Bearer",
        id_token: idToken,
        account_id: accountId,
      }),
    },
  }) as { readonly [Key in `llxprt-code, ${Name}`]: { provider: Name; file: string; content: (kept: Kept) => Json } };

/** By tool: where its file lies, and what is in it. */
export const tools = {
  "Gemini CLI": { provider: "gemini", file: ".gemini/oauth_creds.json", content: flat },
  "Claude Code": {
    provider: "anthropic",
    file: ".claude/.credentials.json",
    content: ({ access, refresh, expiresAt }) => ({
      claudeAiOauth: {
        accessToken: access,
        refreshToken: refresh,
        expiresAt: expiresAt ?? 0,
        scopes: ["user:profile", "user:inference"],
        subscriptionType: "max",
      },
      mcpOAuth: { other: { accessToken: "of-no-concern" } },
    }),
  },
  "Codex CLI": {
    provider: "codex",
    file: ".codex/auth.json",
    content: ({ access, refresh, idToken, accountId }) => ({
      OPENAI_API_KEY: null,
      tokens: { id_token: idToken, access_token: access, refresh_token: refresh, account_id: accountId ?? null },
      last_refresh: new Date().toISOString(),
    }),
  },
  "Qwen Code": {
    provider: "qwen",
    file: ".qwen/oauth_creds.json",
    content: (kept) => ({ ...flat(kept), resource_url: "portal.qwen.ai" }),
  },
  ...llxprt("gemini"),
  ...llxprt("anthropic"),
  ...llxprt("codex"),
  ...llxprt("qwen"),
  "CLIProxyAPI, codex": {
    provider: "codex",
    file: ".cli-proxy-api/codex-me.json",
    content: (kept) => ofProxy("codex", kept),
  },
  "CLIProxyAPI, claude": {
    provider: "anthropic",
    file: ".cli-proxy-api/claude-me.json",
    content: (kept) => ofProxy("claude", kept),
  },
  "CLIProxyAPI, qwen": {
    provider: "qwen",
    file: ".cli-proxy-api/qwen-me.json",
    content: (kept) => ofProxy("qwen", kept),
  },
  "CLIProxyAPI, gemini": {
    provider: "gemini",
    file: ".cli-proxy-api/me-project.json",
    content: ({ access, refresh, expiresAt, email }) => ({
      type: "gemini",
      email,
      project_id: "a-project",
      token: {
        access_token: access,
        refresh_token: refresh,
        expiry: expiresAt === null ? undefined : new Date(expiresAt).toISOString(),
      },
    }),
  },
  "pi, anthropic": { provider: "anthropic", file: ".pi/agent/auth.json", content: keyed("anthropic") },
  "pi, codex": { provider: "codex", file: ".pi/agent/auth.json", content: keyed("openai-codex") },
  "OpenCode, anthropic": {
    provider: "anthropic",
    file: ".local/share/opencode/auth.json",
    content: keyed("anthropic"),
  },
  "OpenCode, codex": { provider: "codex", file: ".local/share/opencode/auth.json", content: keyed("openai") },
} as const satisfies Readonly<Record<string, { provider: ProviderName; file: string; content: (kept: Kept) => Json }>>;

export type Tool = keyof typeof tools;

/** Writes a tool's file, whole. @returns its path */
export function keep(userHome: string, file: string, content: Json | string, mode = 0o600): string {
  const path = join(userHome, file);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content), { mode });
  return path;
}
