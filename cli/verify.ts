// `status --verify`: asks providers whether they accept the credential, by one cheap request each that their data names.
import type { Account, Auth, AuthError } from "../runtime/index.ts";
import { lower } from "./output.ts";
import type { Context } from "./session.ts";

/** Providers' refusals, by account. */
export type Refusals = ReadonlyMap<Account, AuthError>;

/** Asks for every account that might be accepted; says what each answered. @returns who was refused */
export async function verify(context: Context, auth: Auth): Promise<Refusals> {
  const { provider, account: chosen } = context;
  const accounts =
    provider === "" ? auth.accounts().map((name) => auth.account(name.provider, name.account)) : [await chosen()];
  const refusals = new Map<Account, AuthError>();
  for (const account of accounts) {
    if (account.status().row.usable === "no") continue;
    const answer = await answerFor(auth, account, context.signal);
    const isError = typeof answer !== "string";
    if (isError && ["api_unauthorized", "key_rejected"].includes(answer.code)) refusals.set(account, answer);
    context.output.say(`${account.provider}: ${isError ? lower(answer.message) : answer}.`);
  }
  return refusals;
}

async function answerFor(auth: Auth, account: Account, signal: AbortSignal): Promise<string | AuthError> {
  const facts = auth.providers.get(account.provider);
  const isKey = account.why().winner?.kind !== "oauth";
  const address = (isKey ? facts?.keyApi : facts?.api)?.verifyUrl ?? null;
  if (address === null) return "there is no cheap way to ask";
  try {
    const response = await auth.fetch(account.provider, { account: account.account })(address, { signal });
    await response.body?.cancel();
    return response.ok ? "the credential is accepted" : `the answer was HTTP ${response.status}`;
  } catch (error) {
    const { AuthError: Ours } = await import("../runtime/index.ts");
    if (error instanceof Ours) return error;
    throw error;
  }
}
