// `doctor`, for programs. Loaded when it is asked for: it looks at everything, and nobody else does.
import type { Examination } from "./doctor/examine.ts";
import type { Finding } from "./doctor/finding.ts";
import { type Host, realHost } from "./host.ts";

export type { Finding };

/**
 * Looks at home folder, permissions, logins, locks, clock, ports, proxies, certificates, browser and settings. Contacts
 * nobody. Nothing in a finding is secret.
 *
 * @param options `fix`: sets modes right (0700, 0600), and changes nothing else
 */
export async function diagnose(options: Examination & { readonly host?: Host } = {}): Promise<Finding[]> {
  const { examine } = await import("./doctor/examine.ts");
  return await examine(options.host ?? realHost(), options);
}
