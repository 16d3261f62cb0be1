// The error catalogue: every way in which things fail, said once.
//
// A code tells what failed, whether the stored login is still good, which exit code it gives, and the one command that
// comes next. `errors.ts` makes errors of it.
import { type Entry, entry } from "./entry.ts";
import { renewalErrors } from "./renewal-errors.ts";

export type { Entry };

export const catalogue = {
  // Signing in
  sign_in_needed: entry("{provider} needs a sign-in", "signInNeeded", "{provider} login", "none"),
  sign_in_unattended: entry(
    "nobody can sign in to {provider} here ({detail})",
    "signInNeeded",
    "{provider} login --detach",
  ),
  paste_needed: entry("a sign-in to {provider} needs a paste", "signInNeeded", "{provider} complete -", "good"),
  wait_over: entry("the sign-in to {provider} is still under way", "tryLater", "{provider} wait", "good"),
  oauth_disabled: entry("OAuth is not enabled for {provider} and no key is set", "signInNeeded", "{provider} enable"),
  source_required: entry("{provider} would not use the required source: {detail}", "signInNeeded", "{provider} why"),
  no_pending_sign_in: entry("no sign-in to {provider} is under way", "signInNeeded", "{provider} login"),
  consent_denied: entry("the sign-in to {provider} was denied in the browser", "refused", "{provider} login", "good"),
  sign_in_cancelled: entry("the sign-in to {provider} was cancelled", "refused", "{provider} login", "good"),
  sign_in_timeout: entry(
    "nobody finished the sign-in to {provider} in time",
    "signInNeeded",
    "{provider} login",
    "good",
  ),
  sign_in_interrupted: entry(
    "the sign-in to {provider} was interrupted while its code was being exchanged; a code works once only",
    "signInNeeded",
    "{provider} login",
    "good",
  ),
  sign_in_refused: entry("{provider} refused the sign-in ({detail})", "refused", "{provider} login", "good"),
  device_code_expired: entry("the device code of {provider} has expired", "signInNeeded", "{provider} login", "good"),
  device_login_off: entry(
    "{provider} does not offer device sign-in to this account",
    "refused",
    "{provider} login --grant loopback",
    "good",
  ),
  code_refused: entry(
    "{provider} did not accept the code: it was used before, has expired, or belongs to another sign-in",
    "refused",
    "{provider} login",
    "good",
  ),
  identity_changed: entry(
    "the account of {provider} that came back ({detail}) is another one than was meant; nothing was stored: choose the one that was meant, or give this one a name of its own with --account",
    "refused",
    "{provider} login",
    "good",
  ),
  port_busy: entry(
    "another program holds the port that {provider} needs for its redirect ({detail})",
    "misconfigured",
    "{provider} login",
    "good",
  ),
  listener_lost: entry(
    "the redirect listener of {provider} could not be opened",
    "misconfigured",
    "{provider} login",
    "good",
  ),
  grant_unsupported: entry("{provider} does not offer this way of signing in ({detail})", "usage", "{provider} login"),
  url_unsafe: entry(
    "{provider} sent a page address that is not safe to open",
    "misconfigured",
    "{provider} login --no-browser",
  ),

  // What was pasted
  pasted_nothing: entry("nothing was pasted", "usage", "{provider} complete", "good"),
  pasted_one_time_password: entry(
    "those digits are the code that was e-mailed or texted to you; type them in the browser, then paste what the page shows at the end",
    "usage",
    "{provider} complete",
    "good",
  ),
  pasted_truncated: entry(
    "the pasted text is cut off; paste all that the page shows, or the whole address of the page",
    "usage",
    "{provider} complete",
    "good",
  ),
  pasted_other_sign_in: entry(
    "the pasted text belongs to another sign-in than the one under way",
    "usage",
    "{provider} complete",
    "good",
  ),
  pasted_other_address: entry(
    "the pasted address is not the one that {provider} redirects to",
    "usage",
    "{provider} complete",
    "good",
  ),
  pasted_unreadable: entry("the pasted text holds no code", "usage", "{provider} complete", "good"),

  ...renewalErrors,

  // Other programs' logins
  login_borrowed: entry(
    "the login of {provider} is that of {detail}, and is renewed by that program alone: use it there once, sign in here, or take it over with `import {provider} --take-over`",
    "signInNeeded",
    "{provider} login",
    "good",
  ),
  import_missing: entry(
    "no login of another program was found for {provider} ({detail})",
    "signInNeeded",
    "{provider} login",
    "none",
  ),
  import_ambiguous: entry(
    "there are several logins for {provider}; say which with --from: {detail}",
    "usage",
    "import {provider}",
    "none",
  ),
  import_unreadable: entry("no login can be read: {detail}", "misconfigured", "{provider} login", "good"),
  import_is_key: entry(
    "{detail} holds an API key and no login; use the key with --keyfile or --key-stdin, or keep it with `profile save`",
    "misconfigured",
    "{provider} why",
    "none",
  ),
  import_elsewhere: entry("{detail}", "usage", "import", "none"),
  import_shadowed: entry(
    "{provider} is signed in here already, and a login of its own comes first; sign out before you import, or give the other one a name with --account",
    "usage",
    "{provider} logout",
    "good",
  ),
  import_taken: entry(
    "account {account} of {provider} has taken over the login in {detail} already, and a refresh token has one owner; use that account, or sign in",
    "usage",
    "{provider} status",
    "good",
  ),
  import_declined: entry("the login for {provider} was left as it is", "refused", "import {provider}", "good"),
  import_unconfirmed: entry(
    "taking over a login of {provider} has to be confirmed, and nobody can be asked here",
    "signInNeeded",
    "import {provider} --take-over --yes",
    "good",
  ),

  // Set-up
  client_missing: entry(
    "signing in to {provider} needs an OAuth client of your own: make one ({detail}) and name its JSON file as clientFile in settings.json",
    "misconfigured",
    "{provider} why",
  ),
  client_refused: entry(
    "{provider} does not accept the OAuth client ({detail})",
    "misconfigured",
    "{provider} why",
    "good",
  ),
  endpoint_missing: entry("an endpoint of {provider} is missing ({detail})", "misconfigured", "{provider} status"),
  endpoint_insecure: entry(
    "{detail} of {provider} must be https, or http on loopback",
    "misconfigured",
    "{provider} status",
  ),
  issuer_mismatch: entry("the metadata of {provider} names another issuer", "misconfigured", "{provider} status"),
  pkce_unsupported: entry("{provider} does not offer PKCE with S256", "misconfigured", "{provider} status"),
  settings_invalid: entry("{detail}", "misconfigured", "doctor"),
  key_unreadable: entry("the key of {provider} cannot be used ({detail})", "misconfigured", "{provider} why"),
  profile_unknown: entry("there is no profile called {detail}", "usage", "profile list"),

  // The store
  store_corrupt: entry(
    "the token file of {provider} cannot be read ({detail}); it is kept",
    "misconfigured",
    "{provider} reset",
  ),
  home_missing: entry("nobody knows where your home folder is: set HOME, or LLXPRT_HOME", "misconfigured", "--help"),
  store_unsafe: entry("the token store is not safe to use ({detail})", "misconfigured", "doctor"),
  store_failed: entry("the token file of {provider} could not be written ({detail})", "misconfigured", "doctor"),

  // Using the API
  key_rejected: entry("{provider} rejected the key from {detail}", "refused", "{provider} why", "good"),
  api_unauthorized: entry("the API of {provider} rejects the login ({detail})", "signInNeeded", "{provider} login"),
  api_forbidden: entry("the API of {provider} refused the request ({detail})", "refused", "{provider} status", "good"),
  api_ineligible: entry("{provider} does not serve this account ({detail})", "refused", "{provider} why", "good"),
  api_limited: entry("the API of {provider} has reached a limit ({detail})", "tryLater", "{provider} status", "good"),
  api_failed: entry("the API of {provider} failed ({detail})", "tryLater", "{provider} status", "good"),
  host_foreign: entry(
    "{detail} is no host of {provider}; its credential is not sent there",
    "usage",
    "{provider} why",
    "good",
  ),
  project_needed: entry("{provider} needs a cloud project ({detail})", "misconfigured", "{provider} why", "good"),
  api_missing: entry("{provider} has no API to ask; set api in its settings", "misconfigured", "{provider} status"),

  // The command line
  provider_first: entry("the provider comes first, then {detail}", "usage", "{provider} {detail}", "none"),
  unknown_provider: entry("there is no provider called {detail}", "usage", "status", "none"),
  sharing_unasked: entry(
    "showing the statecharts to another company's page needs a yes, and nobody can be asked here",
    "signInNeeded",
    "inspect --stately --yes",
    "good",
  ),
  sharing_declined: entry("nothing was shown to anybody else", "refused", "inspect", "good"),
  name_invalid: entry("{detail}", "usage", "--help", "none"),
  usage: entry("{detail}", "usage", "--help", "good"),
  internal: entry("{provider} failed in an unforeseen way ({detail})", "failed", "{provider} status"),
  interrupted: entry("interrupted", "interrupted", null, "good"),
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalogue;
