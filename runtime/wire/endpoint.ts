// Where requests may go: https, or http to this very machine (RFC 6749 3.2, RFC 9700 2.6, RFC 8252 8.3).
//
// The check is made on the parsed address, since `http://localhost@evil/` and `http://127.0.0.1.evil/` only look local,
// and on the written text, since the parser drops line breaks that a reader of the text would see.
import { AuthError } from "../../machines/errors.ts";

/** Whether a host as `URL.hostname` gives it is this machine: 127.0.0.0/8, [::1] or the word localhost. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** Whether nobody on the way can read or change what is sent to `url`: https, or http that never leaves the machine. */
export function isConfidential(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
}

/** Whether `hostname` is one of `hosts`: written exactly, or under a `.suffix`. */
export function isOneOf(hostname: string, hosts: readonly string[]): boolean {
  return hosts.some((host) => (host.startsWith(".") ? hostname.endsWith(host) : hostname === host));
}

/** The parsed form of an address that somebody else wrote; null when it is no plain absolute one. */
export function parsedAddress(text: string): URL | null {
  // Anything but visible ASCII would be dropped or re-encoded in silence; a backslash would turn into a slash.
  if (!/^[\x21-\x7e]+$/.test(text) || text.includes("\\") || !URL.canParse(text)) return null;
  const url = new URL(text);
  // T30: `https://a"&calc&.example/` parses, and its href keeps the quote.
  const plainHost = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(url.hostname);
  return plainHost && url.username === "" && url.password === "" ? url : null;
}

/**
 * An endpoint that may be used.
 *
 * @param name what it is, for the message: "token endpoint"
 * @throws AuthError `endpoint_insecure` unless https, or http on loopback, without user info and fragment (RFC 6749 3.1, 3.2)
 */
export function checkedEndpoint(url: string, name = "endpoint", provider?: string): URL {
  const parsed = parsedAddress(url);
  if (parsed === null || url.includes("#") || !isConfidential(parsed)) {
    throw new AuthError("endpoint_insecure", { provider, detail: `the ${name}` });
  }
  return parsed;
}

/**
 * The same for one that may be absent.
 *
 * @throws AuthError `endpoint_missing`, `endpoint_insecure`
 */
export function requiredEndpoint(url: string | null, name: string, provider: string): URL {
  if (url === null) throw new AuthError("endpoint_missing", { provider, detail: name });
  return checkedEndpoint(url, name, provider);
}
