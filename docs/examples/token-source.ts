// For a library that takes no fetch but asks for a token: hand it a function, never a text, since the text ends.
//
//   node token-source.ts codex
import { authErrorIn, createAuth } from "llxprt-auth";

const [provider = "codex"] = process.argv.slice(2);
const auth = createAuth();
const account = auth.account(provider);

/** What many libraries want: a token that is good for the next minute. Costs nothing while there is one. */
async function token(): Promise<string> {
  const { secret } = await account.token({ minTtlMs: 60_000 });
  return secret.reveal();
}

/** And if the API refuses it all the same: one renewal, whoever of a thousand callers asks first. */
async function anotherToken(): Promise<string> {
  const { secret } = await account.rejected(await account.token());
  return secret.reveal();
}

try {
  const url = auth.providers.get(provider)?.api?.verifyUrl ?? "";
  const authorized = (bearer: string) => fetch(url, { headers: { authorization: `Bearer ${bearer}` } });
  let reply = await authorized(await token());
  if (reply.status === 401) reply = await authorized(await anotherToken());
  console.log(reply.status);
} catch (error) {
  const failure = authErrorIn(error);
  if (failure === null) throw error;
  console.error(`${failure.message}.\nNext: ${failure.next}`);
  process.exitCode = failure.exitCode;
} finally {
  await auth.close();
}
