// The programs that people would use instead, as data: where they come from, and how each is asked for the same things. What
// they read is plainly fake and lies in a home folder of this run; none of them has anything to contact.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Program {
  readonly name: string;
  /** On npm, with its version; null: the system has it or not. */
  readonly npm: string | null;
  readonly command: string;
  /** What is asked of every one; null: it has no such command. */
  readonly asks: Readonly<Record<Question, readonly string[] | null>>;
  /** Text of files in its home, which make it signed in. */
  readonly files: Readonly<Record<string, string>>;
}

export const questions = ["token", "status", "version", "help"] as const;
export type Question = (typeof questions)[number];

const inAnHour = Math.floor(Date.now() / 1000) + 3600;
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = `${part({ alg: "none" })}.${part({ exp: inAnHour, email: "me@example.com" })}.${part({ plainly: "fake" })}`;

const rest = { version: ["--version"], help: ["--help"] };

export const programs: readonly Program[] = [
  {
    name: "gh",
    npm: null,
    command: "gh",
    // Its status asks the server twice.
    asks: { token: ["auth", "token"], status: null, ...rest },
    files: { ".config/gh/hosts.yml": "github.com:\n    oauth_token: plainly-fake\n    user: me\n" },
  },
  {
    name: "codex",
    npm: "@openai/codex@0.169.0",
    command: "codex",
    asks: { token: null, status: ["login", "status"], ...rest },
    files: {
      ".codex/auth.json": JSON.stringify({
        OPENAI_API_KEY: null,
        tokens: { id_token: jwt, access_token: jwt, refresh_token: "plainly-fake", account_id: "fake" },
        last_refresh: new Date().toISOString(),
      }),
    },
  },
  {
    name: "claude-code",
    npm: "@anthropic-ai/claude-code@2.1.330",
    command: "claude",
    asks: { token: null, status: ["auth", "status"], ...rest },
    files: {
      ".claude/.credentials.json": JSON.stringify({
        claudeAiOauth: {
          accessToken: "plainly-fake",
          refreshToken: "plainly-fake",
          expiresAt: inAnHour * 1000,
          scopes: ["user:inference", "user:profile"],
        },
      }),
    },
  },
  {
    name: "qwen-code",
    npm: "@qwen-code/qwen-code@0.24.4",
    command: "qwen",
    asks: { token: null, status: null, ...rest },
    files: {},
  },
  {
    name: "gemini-cli",
    npm: "@google/gemini-cli@0.61.0",
    command: "gemini",
    asks: { token: null, status: null, ...rest },
    files: {},
  },
  {
    name: "opencode",
    npm: "opencode-ai@1.18.33",
    command: "opencode",
    asks: { token: null, status: ["auth", "list"], ...rest },
    files: {
      ".local/share/opencode/auth.json": JSON.stringify({
        anthropic: { type: "oauth", refresh: "plainly-fake", access: "plainly-fake", expires: inAnHour * 1000 },
      }),
    },
  },
];

/** Makes a program signed in. */
export function prepare(home: string, { files }: Pick<Program, "files">): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(home, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text);
    chmodSync(path, 0o600);
  }
}
