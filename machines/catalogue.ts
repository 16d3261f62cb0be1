// The error catalogue: every way in which things fail, said once.
//
// A code tells what failed, whether the stored login is still good, which exit code it gives, and the one command that
// comes next. `errors.ts` makes errors of it.
import type { exitCodes } from "./exit-codes.ts";

export interface Entry {
  /** What failed. `{provider}`, `{account}` and `{detail}` are filled in. */
  readonly says: string;
  readonly exit: keyof typeof exitCodes;
  /** The one next command, after `llxprt-auth `. Null: nothing to run. */
  readonly next: string | null;
  /** Whether the stored login can still be used afterwards. */
  readonly login: "good" | "gone" | "none" | "unknown";
}

const entry = (says: string, exit: Entry["exit"], next: string | null, login: Entry["login"] = "unknown"): Entry => ({
  says,
  exit,
  next,
  login,
});

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
    "{provider} answered for another account than the stored one; nothing was stored",
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

  // Refreshing
  refresh_refused: entry(
    "{provider} refused to renew the login ({detail})",
    "signInNeeded",
    "{provider} login",
    "gone",
  ),
  refresh_impossible: entry(
    "the login of {provider} cannot be renewed: it came without a refresh token",
    "signInNeeded",
    "{provider} login",
    "gone",
  ),
  backing_off: entry(
    "{provider} could not be asked lately; the next try has its time ({detail})",
    "tryLater",
    "{provider} status",
    "good",
  ),
  credential_elsewhere: entry(
    "the stored login of {provider} was issued by another server or to another client ({detail}); its refresh token is not sent anywhere else",
    "misconfigured",
    "{provider} login",
    "good",
  ),

  // The network and the server
  network_name: entry("the host of {provider} could not be found ({detail})", "tryLater", "{provider} status", "good"),
  network_refused: entry(
    "the host of {provider} refused the connection ({detail})",
    "tryLater",
    "{provider} status",
    "good",
  ),
  network_timeout: entry("{provider} did not answer in time ({detail})", "tryLater", "{provider} status", "good"),
  network_tls: entry(
    "the certificate of {provider} is not trusted ({detail})",
    "misconfigured",
    "{provider} status",
    "good",
  ),
  network_broken: entry("the connection to {provider} broke ({detail})", "tryLater", "{provider} status", "good"),
  server_error: entry("{provider} answered with a server error ({detail})", "tryLater", "{provider} status", "good"),
  rate_limited: entry("{provider} asks to wait ({detail})", "tryLater", "{provider} status", "good"),
  unexpected_redirect: entry(
    "{provider} answered with a redirect where none is allowed; it was not followed",
    "misconfigured",
    "{provider} status",
    "good",
  ),
  reply_malformed: entry(
    "{provider} sent a reply that cannot be read ({detail})",
    "tryLater",
    "{provider} status",
    "good",
  ),
  reply_too_large: entry("{provider} sent a reply over 1 MiB", "tryLater", "{provider} status", "good"),

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
  settings_invalid: entry("{detail}", "misconfigured", "status"),
  key_unreadable: entry("the key of {provider} cannot be used ({detail})", "misconfigured", "{provider} why"),
  profile_unknown: entry("there is no profile called {detail}", "usage", "profile list"),

  // The store
  store_corrupt: entry(
    "the token file of {provider} cannot be read ({detail}); it is kept",
    "misconfigured",
    "{provider} reset",
  ),
  store_unsafe: entry("the token store is not safe to use ({detail})", "misconfigured", "status"),
  store_failed: entry(
    "the token file of {provider} could not be written ({detail})",
    "misconfigured",
    "{provider} status",
  ),

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
  unknown_provider: entry("there is no provider called {detail}", "usage", "status", "none"),
  name_invalid: entry("{detail}", "usage", "--help", "none"),
  usage: entry("{detail}", "usage", "--help", "good"),
  internal: entry("{provider} failed in an unforeseen way ({detail})", "failed", "{provider} status"),
  interrupted: entry("interrupted", "interrupted", null, "good"),
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalogue;
