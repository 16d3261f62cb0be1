// What happened and what to do, for each code of the error catalogue: what people look for who have an error before them. The
// sentence they see, the exit code and the next command are the catalogue's own.
import type { ErrorCode } from "../../machines/errors.ts";

export interface Troubles {
  readonly title: string;
  /** Of all of them; empty: nothing. */
  readonly says: string;
  readonly codes: Partial<Readonly<Record<ErrorCode, string>>>;
}

export const troubles: readonly Troubles[] = [
  {
    title: "Signing in",
    says: "",
    codes: {
      sign_in_needed: "No tokens are stored. Run `llxprt-auth codex login`.",
      sign_in_unattended:
        "Nobody is there to sign in: `CI` is set, or `--non-interactive` is given. Use `llxprt-auth codex login --detach`.",
      oauth_disabled: "OAuth is off, and no key is set. Run `llxprt-auth codex enable`, or set a key.",
      source_required: "Another source wins than the one that `--require-source` names. Run `llxprt-auth codex why`.",
      no_pending_sign_in: "There is no sign-in to finish: it has ended, or its time is over. Begin a new one.",
      paste_needed: "Nothing was given to `complete`, and nobody can be asked. Use `llxprt-auth codex complete -`.",
      wait_over: "The time given to `wait` is over. The sign-in goes on; wait again.",
      consent_denied: "Somebody said no in the browser.",
      sign_in_cancelled: "The sign-in was ended with `cancel`. What was stored before is untouched.",
      sign_in_timeout: "The time given with `--timeout` or `--detach` is over.",
      sign_in_interrupted:
        "The code was on its way when the program ended, or the settings changed meanwhile. A code works once; sign in again.",
      sign_in_refused: "The provider answered the code with a refusal. Its own word is in the message.",
      device_code_expired: "Nobody typed the code in time. Begin again.",
      device_login_off: "The provider does not let this account sign in by device code. Use `--grant loopback`.",
      code_refused: "The code was used before, is too old, or is of another sign-in.",
      identity_changed:
        "A sign-in, an import or a renewal came back for another account than was meant; the message says which. Nothing was stored. Choose the right one in the browser, keep both (`--account NAME` is another account beside the first), or sign out first to change who the account is.",
      port_busy:
        "The port is taken. End the other program, choose `--port`, or use `--device`. See [browser trouble](guide.md#browser-trouble).",
      listener_lost: "The listener broke while it waited. Sign in again, or finish with `complete`.",
      grant_unsupported: "The provider does not offer that way to sign in.",
      url_unsafe: "The provider named a page that is not https. It is not opened.",
    },
  },
  {
    title: "Pasting",
    says: "The sign-in goes on waiting after each of these.",
    codes: {
      pasted_nothing: "The text was empty.",
      pasted_one_time_password:
        "Those digits were mailed or sent to you for the browser. Type them there; paste what the last page shows.",
      pasted_truncated: "Something is missing at the end, often the part after `#`. Copy all of it.",
      pasted_other_sign_in: "The text is of another sign-in, an older one perhaps. Use the newest page.",
      pasted_other_address: "That address is not where the provider sends people back to.",
      pasted_unreadable: "There is no code in the text.",
    },
  },
  {
    title: "Renewing",
    says: "",
    codes: {
      refresh_refused: "The provider will not renew this login any more. Sign in again.",
      refresh_impossible: "The login came without a refresh token, and has ended. Sign in again.",
      refresh_interrupted:
        "A renewal was interrupted, its reply was lost, and the one repeat was refused. Sign in again.",
      refresh_uncertain:
        "A renewal was interrupted, and nobody knows whether it was done. The token is used while it lives, then the renewal is repeated.",
      reply_unusable:
        "The provider renewed the login and sent no token that can be used. The reply is kept beside the token file. Sign in again.",
      lock_busy:
        "Another process has been changing this login for 45 s. The message names it, and whether it is stopped: continue it, or end it.",
      backing_off: "The last try failed a moment ago. Wait, or run `llxprt-auth codex refresh --force`.",
      credential_elsewhere:
        "The login was issued by another server, or to another client, than the settings name now. Undo the change, or sign in again.",
    },
  },
  {
    title: "Logins of other programs",
    says: "See [logins of other programs](#logins-of-other-programs).",
    codes: {
      login_borrowed:
        "The login is another program's, and its token has ended or is refused. Use that program once, sign in here, or take the login over.",
      import_missing:
        "No other program keeps a login for this provider where one is looked for. Name its file with `--from`, or sign in.",
      import_ambiguous: "There are several. Say with `--from` which one.",
      import_unreadable: "The file is damaged, gone, or holds no login. The message names it.",
      import_is_key: "The program uses an API key. Use the key with `--keyfile`, or keep it in a profile.",
      import_elsewhere: "The file is one for another provider. The message says which.",
      import_shadowed:
        "There is a login of our own, and it comes first. Sign out, or use `--account NAME` for the other one.",
      import_unconfirmed: "Nobody can be asked here whether to take a login over. Add `--yes`.",
      import_taken:
        "A second owner would end the login of the first. Use that account, sign out of it first, or sign in under the new name for a login of its own.",
      import_declined: "The answer was not yes. Nothing was done.",
    },
  },
  {
    title: "Network and server",
    says: "None of these harms the login.",
    codes: {
      network_name: "The host name could not be looked up. See whether you are online.",
      network_refused: "Nobody listens at that host and port, or a firewall says no.",
      network_timeout: "No answer in time.",
      network_tls:
        "The certificate is not trusted. If your network inspects TLS, name its authority in `SSL_CERT_FILE` or `NODE_EXTRA_CA_CERTS`; see [proxies and certificates](guide.md#proxies-and-certificates).",
      network_broken: "The connection broke in the middle.",
      proxy_invalid: "The variable in the message holds no address of an HTTP proxy.",
      proxy_unreachable: "Nobody answers at the proxy's address. Away from the office, unset the variable.",
      proxy_auth:
        "The proxy wants a user name and a password, or others (HTTP 407). Write them into the variable's address.",
      proxy_refused: "The proxy lets nobody through to that host. The number is its HTTP status.",
      proxy_failed: "The proxy could not reach the host, did not answer, or is no HTTP proxy.",
      server_error: "The server had a fault of its own.",
      rate_limited: "The server asks for patience. The next try has its time.",
      unexpected_redirect:
        "An endpoint answered with a redirect. It was not followed. Check the address in the settings.",
      reply_malformed:
        "The reply was no JSON, or lacked what must be in it. A login page of the network may have answered.",
      reply_too_large: "The reply was larger than 1 MiB.",
    },
  },
  {
    title: "Set-up",
    says: "",
    codes: {
      client_missing: "An OAuth client of your own is needed. See [gemini](guide.md#gemini).",
      client_refused: "The provider does not know this client, or its secret is wrong.",
      endpoint_missing:
        "Neither the settings nor the issuer name an endpoint that is needed, or nothing is at its address (HTTP 404).",
      endpoint_insecure: "An endpoint is neither https nor http on loopback.",
      issuer_mismatch: "The metadata at that address is another issuer's. Check `issuer`, to the letter.",
      pkce_unsupported: "The server says that it has no PKCE with S256. Without it nobody is signed in here.",
      settings_invalid: "A settings file has a mistake. The message names file and field.",
      key_unreadable: "The key file is missing, empty or not readable.",
      profile_unknown: "There is no such profile. `llxprt-auth profile list` shows them.",
    },
  },
  {
    title: "Token files",
    says: "",
    codes: {
      store_corrupt:
        "The token file is no token file. It is kept. Mend it, or run `llxprt-auth codex reset` and sign in.",
      home_missing:
        "Neither `HOME` nor the system's list of users names a home folder, as for a made-up user in a container. Set `HOME` or `LLXPRT_HOME` to a folder that is yours.",
      store_unsafe:
        "A link, a file of another user, or a folder that others can write. See [permissions](guide.md#permissions).",
      store_failed: "The disk did not take the file: full, or read-only. The old content stands.",
    },
  },
  {
    title: "Using the API",
    says: "",
    codes: {
      key_rejected: "The API refused the key. The message says where the key comes from.",
      api_unauthorized: "The API does not accept the login, not even a renewed one. Sign in again.",
      api_forbidden: "The API refused the request. A new sign-in changes nothing.",
      api_ineligible: "The provider does not serve this account. See [provider status](provider-status.md).",
      project_needed: "Your plan needs a Google Cloud project. Set `GOOGLE_CLOUD_PROJECT` to its id.",
      api_limited: "A limit of your plan is reached.",
      api_failed: "The API had a fault of its own.",
      host_foreign: "A request was meant for a host that is not the provider's. The credential was not sent.",
      api_missing: "The provider has no API in its data. Set `api` in the settings.",
    },
  },
  {
    title: "Command line",
    says: "",
    codes: {
      provider_first: "The words are in the other order: `llxprt-auth codex login`.",
      unknown_provider: "No provider has that name. The message lists those that there are.",
      name_invalid: "The name of an account, provider or profile has characters that it may not have.",
      sharing_unasked: "Nobody is there to say yes to `inspect --stately`. Read what it says, then add `--yes`.",
      sharing_declined:
        "You did not say yes: nothing left this machine. `llxprt-auth inspect` shows the same without stately.ai.",
      usage: "The command line was not understood. `llxprt-auth --help` shows it.",
      internal: "A fault of this program. Please [report it](guide.md#support).",
      interrupted: "Ctrl-C.",
    },
  },
];
