// `<p> token`: prints a credential that lives long enough, and nothing else.
//
// What is printed is made for a shell, for curl and for other programs, so it is quoted for them.
import type { Account, Credential, Provider } from "../../runtime/index.ts";
import { obtain, type Obtained, obtaining, variablesOf } from "../obtain.ts";
import { shellQuoted } from "../output.ts";
import type { Context } from "../session.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: [...obtaining, "format"],
  choices: { format: ["raw", "json", "header", "env", "exec-credential"] },
  run: async (context) => {
    const { flags, output } = context;
    const format = flags.json === true ? "json" : (flags.format ?? "raw");
    const obtained = await obtain(context);
    const isForShell = format === "env";
    output.data(isForShell ? await exported(obtained, context) : printed(format, obtained, await context.facts()));
    return 0;
  },
};

function printed(format: string, { credential, account, text }: Obtained, facts: Provider): string {
  switch (format) {
    case "json":
      return JSON.stringify(asJson(credential, account, text));
    case "header":
      return headerOf(credential, facts, text);
    case "exec-credential":
      return JSON.stringify(execCredential(credential, text));
    default:
      return text;
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

/** For a shell: the same variables that a program gets by `exec`, in one statement. */
async function exported(obtained: Obtained, context: Context): Promise<string> {
  const { given } = await variablesOf(obtained, context);
  const quoted = Object.entries(given).map(([name, value]) => `${name}=${shellQuoted(value)}`);
  return `export ${quoted.join(" ")}`;
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
