// Any error as one of ours: with a code, a sentence, the next command and an exit code. A foreign one is named, not quoted,
// because nobody knows what is in its message.
import { type Failure, isFailure } from "./exit-codes.ts";

export async function failureOf(error: unknown): Promise<Failure> {
  if (isFailure(error)) return error;
  const { AuthError } = await import("../runtime/index.ts");
  return new AuthError("internal", { detail: nameOf(error) });
}

/** Names and codes of an error and its causes, and where it comes from. */
export function traceOf(error: Error): string {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) lines.push(`  ${nameOf(at)}`);
  const frames = error.stack?.split("\n    at ").slice(1) ?? [];
  return [...lines, ...frames.map((frame) => `    at ${frame}`)].join("\n");
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  return error.name + code;
}
