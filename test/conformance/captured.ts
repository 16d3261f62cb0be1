// Everybody signed in once and renewed once, and what came in at the vendors' servers meanwhile: for rules about requests.
// Made when it is first asked for, so that listing the rules costs nothing.
import { after } from "node:test";
import type { Endpoint, SeenRequest } from "../../providers/emulator/index.ts";
import type { ProviderName } from "../../providers/index.ts";
import type { Auth } from "../../runtime/auth.ts";
import { edit } from "../support/spending.ts";
import { quickGrants, signIn, type Stage, stage } from "../support/stage.ts";

export const names = ["gemini", "anthropic", "codex", "qwen"] as const satisfies readonly ProviderName[];

/** Signed in, with a token that has so many seconds left. @returns a runtime that was opened after that */
export async function signedIn(s: Stage, name: ProviderName, leftS = -5): Promise<Auth> {
  const first = s.auth();
  await signIn(s, first, name, { grant: quickGrants[name] });
  await first.close();
  edit(s.home, name, { expiry: Math.floor(Date.now() / 1000) + leftS });
  return s.auth();
}

let made: Promise<Stage> | null = null;
after(async () => {
  await (await made?.catch(() => null))?.[Symbol.asyncDispose]();
});

/** A stage on which this has been done. One on which it failed keeps no process alive. */
export async function staged(work: (s: Stage) => Promise<unknown>): Promise<Stage> {
  const s = await stage();
  try {
    await work(s);
    return s;
  } catch (error) {
    await s[Symbol.asyncDispose]();
    throw error;
  }
}

async function inAndOut(s: Stage): Promise<void> {
  await Promise.all(names.map(async (name) => (await signedIn(s, name)).account(name).token()));
  const second = s.auth();
  await signIn(s, second, "codex", { grant: "device", account: "second" });
  await Promise.all(names.map((name) => second.account(name).logout()));
}

/** What came in at these endpoints, of one vendor or of all: a sign-in, a refresh and a logout of each. */
export async function captured(endpoints: readonly Endpoint[], name?: ProviderName): Promise<readonly SeenRequest[]> {
  const { emulator } = await (made ??= staged(inAndOut));
  return emulator.requests.filter(
    ({ endpoint, provider }) =>
      endpoint !== null && endpoints.includes(endpoint) && (name === undefined || provider === name),
  );
}

/** Members of a request's body, in whichever encoding. */
export function fieldsOf({ body, contentType }: Pick<SeenRequest, "body" | "contentType">): Record<string, string> {
  return contentType?.startsWith("application/json") === true
    ? (JSON.parse(body) as Record<string, string>)
    : Object.fromEntries(new URLSearchParams(body));
}
