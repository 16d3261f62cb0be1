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
  await (await made)?.[Symbol.asyncDispose]();
});

async function make(): Promise<Stage> {
  const s = await stage();
  await Promise.all(names.map(async (name) => (await signedIn(s, name)).account(name).token()));
  const second = s.auth();
  await signIn(s, second, "codex", { grant: "device", account: "second" });
  await Promise.all(
    names.map(async (name) => {
      await second.account(name).logout();
    }),
  );
  return s;
}

/** What came in at these endpoints, of one vendor or of all: a sign-in, a refresh and a logout of each. */
export async function captured(endpoints: readonly Endpoint[], name?: ProviderName): Promise<readonly SeenRequest[]> {
  const { emulator } = await (made ??= make());
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
