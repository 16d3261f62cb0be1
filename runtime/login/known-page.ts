// Whether a page may be opened for a person without their looking at it first (threat T30).
//
// The address of an authorization page is made here, from checked endpoints. The page of a device sign-in is the server's
// word: it is shown always, and opened only on the hosts that the provider's data names.
import type { Provider } from "../../providers/provider.ts";
import type { PendingRow } from "../status.ts";
import { isOneOf } from "../wire/endpoint.ts";

export function isKnownPage({ device }: Provider, { kind, url }: PendingRow): boolean {
  if (kind !== "device" || device === null || device.verificationHosts.length === 0) return true;
  return isOneOf(new URL(url).hostname, device.verificationHosts);
}
