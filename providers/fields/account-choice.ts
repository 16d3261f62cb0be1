// The shape of a provider's `accountChoice`: how a sign-in asks for a certain account, as plain data. A browser that is
// signed in already would else answer for whoever it knows.

export interface AccountChoice {
  /** Parameter of the authorization request that takes an e-mail address (OIDC Core 3.1.2.1: `login_hint`). Null: none is known. */
  readonly hint: string | null;
  /** Parameters that make the page ask which account is meant; they replace `authorizeParameters` of the same names. */
  readonly ask: Readonly<Record<string, string>>;
}
