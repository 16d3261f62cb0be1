// A credential whose text somebody asked for: found as the order of precedence has it, and only then looked into.
//
// The one place of the command line that reveals it. A credential with a character that could mean something to a terminal,
// a header or a shell is given to nobody (RFC 6749 A.12).
import type { Account, Credential } from "../runtime/index.ts";
import { msGiven } from "./numbers.ts";
import { sayOutranked } from "./precedence-words.ts";
import type { Context } from "./session.ts";
import { accountToUse } from "./signing-in.ts";
import { relative } from "./when.ts";

/** What may be asked of it, besides what every command takes. */
export const obtaining = ["min-ttl", "interactive"] as const;

export interface Obtained {
  readonly credential: Credential;
  readonly account: Account;
  /** The secret itself. */
  readonly text: string;
}

/**
 * Signs in first when that was allowed by `--interactive`; says what a person should know about what came.
 * @throws AuthError why there is none, `key_unreadable`
 */
export async function obtain(context: Context): Promise<Obtained> {
  const { flags, output } = context;
  const minTtlMs = await msGiven(flags, "min-ttl", 0);
  const account = await accountToUse(context, flags.interactive === true);
  const credential = await account.token(minTtlMs === null ? {} : { minTtlMs });
  sayOutranked(output, account.provider, account.why());
  if (credential.shortLived) {
    const now = Date.now();
    const ends = relative(Math.max(credential.expiresAt ?? 0, now), now);
    output.say(`Warning: ${account.provider} gives no longer one now: this token ends ${ends}.`);
  }
  return { credential, account, text: await textOf(credential, account) };
}

/** The variables in which other programs look for it, and those that would keep them from it. */
export async function variablesOf(
  { credential, text }: Obtained,
  { facts, io }: Context,
): Promise<{ readonly given: Readonly<Record<string, string>>; readonly withheld: readonly string[] }> {
  const { handedOver } = await import("../runtime/index.ts");
  const { credential: names, beside, withheld } = handedOver(await facts(), credential, io.environment);
  return { given: { ...Object.fromEntries(names.map((name) => [name, text])), ...beside }, withheld };
}

async function textOf({ kind, origin, secret }: Credential, { provider }: Account): Promise<string> {
  const text = secret.reveal();
  // A token may hold spaces; a key is a word.
  if ((kind === "oauth" ? /^[\x20-\x7e]+$/ : /^[\x21-\x7e]+$/).test(text)) return text;
  const { AuthError } = await import("../runtime/index.ts");
  throw new AuthError("key_unreadable", { provider, detail: `${origin}: it holds a character that none may have` });
}
