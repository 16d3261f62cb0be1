// The part of the error catalogue that is about renewing: what can become of a refresh token, and the network on the way.
import { type Entry, entry } from "./entry.ts";

export const renewalErrors = {
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
  refresh_interrupted: entry(
    "a renewal of {provider} was interrupted and its reply lost; the one repeat was refused ({detail})",
    "signInNeeded",
    "{provider} login",
    "gone",
  ),
  refresh_uncertain: entry(
    "a renewal of {provider} was interrupted, and nobody knows whether it was done; it is repeated when that can cost nothing",
    "tryLater",
    "{provider} status",
    "good",
  ),
  reply_unusable: entry(
    "{provider} renewed the login with a reply that cannot be read; it is kept",
    "signInNeeded",
    "{provider} login",
    "gone",
  ),
  lock_busy: entry(
    "another process has been changing the login of {provider} for too long ({detail})",
    "tryLater",
    "{provider} status",
    "good",
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
    "the certificate of {provider} is not trusted ({detail}); if your network has an authority of its own, name its file in NODE_EXTRA_CA_CERTS or SSL_CERT_FILE",
    "misconfigured",
    "doctor",
    "good",
  ),
  network_broken: entry("the connection to {provider} broke ({detail})", "tryLater", "{provider} status", "good"),
  proxy_invalid: entry(
    "the proxy in {detail} cannot be used: it has to be an http or https address",
    "misconfigured",
    "doctor",
    "good",
  ),
  proxy_unreachable: entry(
    "the proxy on the way to {provider} could not be reached ({detail})",
    "tryLater",
    "doctor",
    "good",
  ),
  proxy_auth: entry(
    "the proxy on the way to {provider} wants another name and password than it was given ({detail})",
    "misconfigured",
    "doctor",
    "good",
  ),
  proxy_refused: entry(
    "the proxy on the way to {provider} does not let us through ({detail})",
    "misconfigured",
    "doctor",
    "good",
  ),
  proxy_failed: entry(
    "the proxy on the way to {provider} did not get through to it ({detail})",
    "tryLater",
    "doctor",
    "good",
  ),
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
} as const satisfies Record<string, Entry>;
