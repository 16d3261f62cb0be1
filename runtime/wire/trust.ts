// Certificate authorities beyond those that Node brings: the system's, and those that the environment names.
//
// Adding them is never instead of Node's own, and takes a tenth of a second, so nobody looks at them before a connection
// has failed for want of one. A variable that names a file which cannot be read does no harm where it is not needed, and is
// named where it is.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";

/** Each names a file with one or more certificates in PEM. Node reads the first by itself, when it starts. */
export const certificateVariables = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] as const;

export interface WiderTrust {
  readonly context: SecureContext;
  /** Variables whose file has no certificate that can be read. */
  readonly unread: readonly string[];
}

/** Node's authorities, the system's, and those of the environment, together. */
export function widerTrust(environment: Readonly<Record<string, string | undefined>>): WiderTrust {
  const all = new Set([...getCACertificates("default"), ...getCACertificates("system")]);
  const unread: string[] = [];
  for (const variable of certificateVariables) {
    const path = environment[variable];
    if (path === undefined || path === "") continue;
    const found = certificatesIn(path);
    if (found.length === 0) unread.push(variable);
    for (const certificate of found) all.add(certificate.toString());
  }
  // T22: said here too, since a context of one's own does not hear what is said beside it.
  return { context: createSecureContext({ ca: [...all], minVersion: "TLSv1.2" }), unread };
}

/** The certificates of a PEM file, without those that cannot be read; none where the file itself cannot be. */
export function certificatesIn(path: string): X509Certificate[] {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return [];
  }
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}
