import type { Dialect, Route } from "./dialect.ts";
import { dialect as codex } from "./codex.ts";
export const dialect: Dialect = { ...codex, name: "qwen" };
export const routes: readonly Route[] = [];
