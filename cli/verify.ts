// `status --verify`: asks providers whether they accept the credential, by one cheap request each that their data names.
import type { Account, Auth } from "../runtime/index.ts";
import type { Context } from "./session.ts";

/** Asks for every account that might be accepted; says what each answered. */
export async function verify(context: Context, auth: Auth): Promise<void> {
  const { provider, account: chosen } = context;
  const accounts =
    provider === "" ? auth.accounts().map((name) => auth.account(name.provider, name.account)) : [await chosen()];
  for (const account of accounts) {
    if (account.status().row.usable === "no") continue;
    context.output.say(`${account.provider}: ${await answerFor(auth, account, context.signal)}.`);
  }
}

async function answerFor(auth: Auth, account: Account, signal: AbortSignal): Promise<string> {
  const facts = auth.providers.get(account.provider);
  const isKey = account.why().winner?.kind !== "oauth";
  const address = (isKey ? facts?.keyApi : facts?.api)?.verifyUrl ?? null;
  if (address === null) return "there is no cheap way to ask";
  try {
    const response = await auth.fetch(account.provider, { account: account.account })(address, { signal });
    await response.body?.cancel();
    return response.ok ? "the credential is accepted" : `the answer was HTTP ${response.status}`;
  } catch (error) {
    const { AuthError } = await import("../runtime/index.ts");
    if (!(error instanceof AuthError)) throw error;
    return error.message.charAt(0).toLowerCase() + error.message.slice(1);
  }
}
