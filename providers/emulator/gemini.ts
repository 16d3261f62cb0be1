import type { Dialect, Route } from "./dialect.ts";
import { dialect as codex } from "./codex.ts";
export const dialect: Dialect = { ...codex, name: "gemini" };
export const routes: readonly Route[] = [];
