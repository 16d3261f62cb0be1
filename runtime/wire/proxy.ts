// Which proxy stands between this machine and a host, as the environment says it.
//
// The names are everybody's and the rules nobody's: lower case comes first and empty means unset, as curl has it. This very
// machine is reached directly whatever is set, since a loopback request that a proxy sees is a token in other hands. A
// proxy's address may hold a password, so an error names the variable, and never its value.
import { BlockList, isIP } from "node:net";

import { NoConnection } from "./failure.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Proxy {
  /** The variable that names it. */
  readonly variable: string;
  readonly protocol: "http:" | "https:";
  /** Without brackets. */
  readonly hostname: string;
  readonly port: string;
  /** Value of `Proxy-Authorization` (RFC 7617): to be sent to the proxy, and shown nowhere. */
  readonly authorization: () => string | null;
}

/** Names of a proxy for https, the first that is set wins; then those of the hosts that need none. */
const naming = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY"] as const;
const excepting = ["no_proxy", "NO_PROXY"] as const;

/** All that may name a proxy, in the order in which they are asked. */
export const proxyVariables: readonly string[] = naming;

const valueOf = (environment: Environment, name: string): string => environment[name]?.trim() ?? "";

/** The variable that names the proxy; null: none does. Nothing is checked, so this cannot fail. */
export function proxyVariable(environment: Environment): string | null {
  // A web server that runs programs hands them a request's `Proxy` header under this name (CVE-2016-5385).
  const isForeign = (name: string): boolean => name === "HTTP_PROXY" && valueOf(environment, "REQUEST_METHOD") !== "";
  return naming.find((name) => valueOf(environment, name) !== "" && !isForeign(name)) ?? null;
}

/** The variable that lists the hosts which need no proxy; null: none does. */
export function exceptionsVariable(environment: Environment): string | null {
  return excepting.find((name) => valueOf(environment, name) !== "") ?? null;
}

/**
 * The proxy for an https host; null: it is reached directly.
 *
 * @param hostname as in a URL, with or without brackets @param port of the host
 * @throws NoConnection `proxy_invalid`
 */
export function proxyFor(environment: Environment, hostname: string, port: number): Proxy | null {
  const variable = proxyVariable(environment);
  if (variable === null) return null;
  const host = bare(hostname);
  if (isThisMachine(host)) return null;
  const listed = exceptionsVariable(environment);
  if (listed !== null && isExcepted(host, port, valueOf(environment, listed))) return null;
  return parsedProxy(variable, valueOf(environment, variable));
}

/** @throws NoConnection `proxy_invalid` */
export function parsedProxy(variable: string, value: string): Proxy {
  const address = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:") || !/^[^\s,]+$/.test(value))
    throw new NoConnection("proxy_invalid", variable);
  const credential = credentialOf(url);
  if (credential === undefined) throw new NoConnection("proxy_invalid", variable);
  return {
    variable,
    protocol: url.protocol,
    hostname: bare(url.hostname),
    port: url.port || (url.protocol === "https:" ? "443" : "80"),
    authorization: () => (credential === null ? null : `Basic ${Buffer.from(credential).toString("base64")}`),
  };
}

/** `user:password`; null: there is none; undefined: it cannot be read, or cannot be said in a header (RFC 7617 2). */
function credentialOf({ username, password }: URL): string | null | undefined {
  if (username === "" && password === "") return null;
  try {
    const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
    return user.includes(":") ? undefined : `${user}:${secret}`;
  } catch {
    return undefined;
  }
}

/** Without brackets and without the dot at the end, which only says that the name is whole (RFC 1034 3.1). */
const bare = (hostname: string): string =>
  hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/(?<=.)\.$/, "");

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function isThisMachine(host: string): boolean {
  // RFC 6761 6.3: every name under `localhost` is.
  return isIn(loopback, host) || host === "localhost" || host.endsWith(".localhost");
}

/** An IPv4 address in an IPv6 one counts as itself. */
function isIn(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 6 ? "ipv6" : "ipv4");
}

/**
 * Whether a list of exceptions names a host: `*`, a name with everything under it, `*.name` for what is under it alone, an
 * address, or a network as `10.0.0.0/8`; each but the last with a port, if the list wants one.
 */
function isExcepted(host: string, port: number, list: string): boolean {
  return list.split(/[\s,]+/).some((entry) => {
    const network = /^\[?([^\]/]+)\]?\/(\d{1,3})$/.exec(entry);
    if (network !== null) return isInNetwork(host, network[1] ?? "", Number(network[2]));
    const [, named = "", wanted] = /^(\[[^\]]+\]|[^:]+|[0-9a-f:.]+)(?::(\d+))?$/i.exec(entry) ?? [];
    if (named === "" || (wanted !== undefined && Number(wanted) !== port)) return false;
    if (named === "*") return true;
    const name = bare(named);
    if (name.startsWith("*.")) return host.endsWith(name.slice(1));
    const suffix = name.replace(/^\./, "");
    return suffix !== "" && (host === suffix || isSameAddress(host, suffix) || host.endsWith(`.${suffix}`));
  });
}

function isInNetwork(host: string, address: string, bits: number): boolean {
  const version = isIP(address);
  if (version === 0 || bits > (version === 6 ? 128 : 32)) return false;
  const network = new BlockList();
  network.addSubnet(address, bits, version === 6 ? "ipv6" : "ipv4");
  return isIn(network, host);
}

/** Addresses are the same when they are written otherwise, too (RFC 5952 2). */
function isSameAddress(host: string, other: string): boolean {
  const version = isIP(other);
  return version !== 0 && isInNetwork(host, other, version === 6 ? 128 : 32);
}
