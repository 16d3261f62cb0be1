// What stands between this machine and the vendors, as the environment says: proxies, and certificate authorities. Contacts
// nobody. A proxy is told by its host and port; a name and a password that it wants are not.
import { readdirSync } from "node:fs";
import type { Provider } from "../../providers/provider.ts";
import type { Host } from "../host.ts";
import { networkCode } from "../wire/failure.ts";
import { exceptionsVariable, parsedProxy, proxyFor, proxyVariable, proxyVariables } from "../wire/proxy.ts";
import { certificatesIn, certificateVariables } from "../wire/trust.ts";
import { count, type Finding, fine, notice, problem } from "./finding.ts";

type Environment = Host["environment"];

export function proxies(environment: Environment, providers: Iterable<Provider>): Finding[] {
  const variable = proxyVariable(environment);
  const set = proxyVariables.filter((name) => (environment[name] ?? "").trim() !== "");
  const findings = set.flatMap((name): Finding[] => {
    if (name === variable) return [];
    if (name === "HTTP_PROXY" && (environment["REQUEST_METHOD"] ?? "") !== "")
      return [
        notice("proxy_ignored", name, "HTTP_PROXY is ignored, since REQUEST_METHOD is set: a web server runs this"),
      ];
    return variable === null
      ? []
      : [notice("proxy_outranked", name, `${name} is not used: ${variable} comes before it`)];
  });
  if (variable === null) return [...findings, fine("proxy_none", null, "No proxy is set: connections are direct")];
  return [chosen(environment, variable), ...findings, ...exceptions(environment, providers)];
}

function chosen(environment: Environment, variable: string): Finding {
  try {
    const { protocol, hostname, port, authorization } = parsedProxy(variable, environment[variable]?.trim() ?? "");
    const named = authorization() === null ? "" : ", with a user name";
    return fine("proxy_used", variable, `Requests go through ${protocol}//${hostname}:${port}${named} (${variable})`);
  } catch (error) {
    const { code, detail } = networkCode(error);
    return problem(code, variable, `The proxy in ${detail} cannot be used: it has to be an http or https address`);
  }
}

function exceptions(environment: Environment, providers: Iterable<Provider>): Finding[] {
  const list = exceptionsVariable(environment);
  if (list === null) return [];
  const hosts = new Set([...providers].flatMap(hostsOf));
  // The proxy itself may be none; whom the list names can be told all the same.
  const probe = { https_proxy: "http://proxy.invalid", no_proxy: environment[list] };
  const direct = [...hosts].filter((host) => proxyFor(probe, host, 443) === null);
  const says =
    direct.length === 0 ? "names no host of a provider" : `lets these be reached directly: ${direct.join(", ")}`;
  return [fine("proxy_exceptions", list, `${list} ${says}`)];
}

/** Hosts on the internet that a provider's data name. */
function hostsOf(provider: Provider): string[] {
  const { authorizationEndpoint: _, ...asked } = provider;
  const addresses = [asked.issuer, asked.tokenEndpoint, asked.deviceAuthorizationEndpoint, asked.revocationEndpoint];
  const all = [...addresses, asked.userinfoEndpoint, asked.api?.base, asked.keyApi?.base];
  return all.flatMap((address) => (address?.startsWith("https://") === true ? [new URL(address).hostname] : []));
}

export function certificates(environment: Environment, now: number): Finding[] {
  const findings = certificateVariables.flatMap((variable) => {
    const path = environment[variable] ?? "";
    return path === "" ? [] : [inFile(variable, path, now)];
  });
  const folder = environment["SSL_CERT_DIR"] ?? "";
  if (folder !== "" && !isFolder(folder))
    findings.push(
      problem(
        "certificates_unreadable",
        "SSL_CERT_DIR",
        `SSL_CERT_DIR names ${folder}, which is no folder that can be read`,
      ),
    );
  return findings.length > 0
    ? findings
    : [fine("certificates_usual", null, "Certificates of the authorities of Node and of the system are believed")];
}

function inFile(variable: string, path: string, now: number): Finding {
  const found = certificatesIn(path);
  if (found.length === 0)
    return problem(
      "certificates_unreadable",
      variable,
      `${variable} names ${path}, which holds no certificate that can be read`,
    );
  const ended = found.filter(({ validTo }) => Date.parse(validTo) < now);
  const says = `${variable} adds ${count(found.length, "certificate")} of ${path}`;
  if (ended.length === found.length)
    return problem("certificates_ended", variable, `${says}, which ${found.length === 1 ? "has" : "have all"} ended`);
  // A bundle of all the world's authorities always has a few.
  const besides = ended.length === 0 ? "" : `, of which ${ended.length} ${ended.length === 1 ? "has" : "have"} ended`;
  return fine("certificates_added", variable, says + besides);
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}
