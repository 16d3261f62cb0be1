// `<p> token`: prints a credential that lives long enough, and nothing else.
//
// What is printed is made for a shell, for curl and for other programs, so it is quoted for them, and a credential with a
// character that could mean something to a terminal or a header is not printed at all (RFC 6749 A.12).
import type { Account, Credential, Provider } from "../../runtime/index.ts";
import { usage } from "../dispatch.ts";
import { secondsIn } from "../numbers.ts";
import { sayOutranked } from "../precedence-words.ts";
import { needsSignIn, signInLazily } from "../signing-in.ts";
import { clock } from "../when.ts";
import type { Command } from "./index.ts";

const formats: readonly string[] = ["raw", "json", "header", "env", "exec-credential"];

export const command: Command = {
  accepts: ["min-ttl", "format", "interactive"],
  run: async (context) => {
    const { flags, output } = context;
    const minTtl = flags["min-ttl"];
    const minTtlMs = minTtl === undefined ? null : secondsIn(minTtl, 0);
    if (minTtl !== undefined && minTtlMs === null) throw await usage("--min-ttl takes whole seconds");
    const format = flags.json === true ? "json" : (flags.format ?? "raw");
    if (!formats.includes(format)) throw await usage(`--format of \`token\` is one of ${formats.join(", ")}`);
    const account = await context.account();
    const isLazy = flags.interactive === true && account.why().winner?.kind === "oauth";
    if (isLazy && needsSignIn(account.status())) await signInLazily(context);
    // Asked for anew: signing in may have changed the settings.
    const credential = await (await context.account()).token(minTtlMs === null ? {} : { minTtlMs });
    sayOutranked(output, account.provider, account.why());
    if (credential.shortLived) {
      const left = clock((credential.expiresAt ?? 0) - Date.now());
      output.say(`Warning: ${account.provider} gives no longer one now: this token ends in ${left}.`);
    }
    output.data(await printed(format, credential, account, await context.facts()));
    return 0;
  },
};

async function printed(format: string, credential: Credential, account: Account, facts: Provider): Promise<string> {
  const secret = credential.secret.reveal();
  // RFC 6749 A.12 for a token; a key is a word.
  const printable = credential.kind === "oauth" ? /^[\x20-\x7e]+$/ : /^[\x21-\x7e]+$/;
  if (!printable.test(secret)) {
    const { AuthError } = await import("../../runtime/index.ts");
    throw new AuthError("key_unreadable", {
      provider: account.provider,
      detail: `${credential.origin}: it holds a character that none may have`,
    });
  }
  switch (format) {
    case "json":
      return JSON.stringify(asJson(credential, account, secret));
    case "header":
      return headerOf(credential, facts, secret);
    case "env":
      // The same variable for a login: it is the one that the vendor's tools look at.
      return `export ${variableOf(facts)}='${secret.replaceAll("'", `'\\''`)}'`;
    case "exec-credential":
      return JSON.stringify(execCredential(credential, secret));
    default:
      return secret;
  }
}

function asJson({ source, expiresAt, shortLived, accountId, resourceUrl }: Credential, name: Account, token: string) {
  return {
    schema: 1,
    provider: name.provider,
    account: name.account,
    token,
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    source,
    shortLived,
    accountId,
    resourceUrl,
  };
}

function headerOf({ kind }: Credential, { api, keyApi }: Provider, secret: string): string {
  const header = (kind === "key" ? keyApi : api)?.credentialHeader ?? "authorization";
  return header === "authorization" ? `Authorization: Bearer ${secret}` : `${header}: ${secret}`;
}

function variableOf({ name, keyVariables: [first] }: Provider): string {
  return first?.name ?? `${name.toUpperCase()}_API_KEY`;
}

/** @see https://kubernetes.io/docs/reference/config-api/client-authentication.v1/ */
function execCredential({ expiresAt }: Credential, token: string): object {
  const expirationTimestamp =
    expiresAt === null ? undefined : new Date(expiresAt).toISOString().replace(/\.\d+Z$/, "Z");
  return {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { ...(expirationTimestamp === undefined ? {} : { expirationTimestamp }), token },
  };
}
