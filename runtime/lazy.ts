// Signing in only when a token is asked for and there is none, and only where the caller says how.
//
// However many ask at once, in however many processes, one person is asked once.
import { AuthError, type ErrorCode } from "../machines/errors.ts";
import type { Account } from "./account.ts";
import type { Credential } from "./token.ts";

/** How to sign in when there is no login. */
export type SignIn = (account: Account) => Promise<unknown>;

/** Gets a credential; without `signIn`, that there is none is an error. */
export type Obtain = (signIn?: SignIn) => Promise<Credential>;

const mendedBySigningIn: ReadonlySet<ErrorCode> = new Set(["sign_in_needed", "refresh_refused", "refresh_impossible"]);

export function obtaining(account: Account): Obtain {
  let underWay: Promise<unknown> | null = null;
  return async (signIn) => {
    try {
      return await account.token();
    } catch (error) {
      const isMended = error instanceof AuthError && mendedBySigningIn.has(error.code);
      if (signIn === undefined || !isMended) throw error;
      underWay ??= signIn(onlyIfNeeded(account)).finally(() => {
        underWay = null;
      });
      await underWay;
      return account.token();
    }
  };
}

/** Another process may have signed in since it was seen that there is no login: then nobody is asked any more. */
function onlyIfNeeded(account: Account): Account {
  const login: Account["login"] = (request) => account.login({ ...request, ifNeeded: true });
  return Object.assign(Object.create(account) as Account, { login });
}
