// The table of the providers that ship. A fifth is one data file and one line here.
import { anthropic } from "./anthropic.ts";
import { codex } from "./codex.ts";
import { gemini } from "./gemini.ts";
import type { Provider } from "./provider.ts";
import { qwen } from "./qwen.ts";

export const providers = { gemini, anthropic, codex, qwen } as const satisfies Record<string, Provider>;

/** Name of a provider that ships. Settings may define more. */
export type ProviderName = keyof typeof providers;
