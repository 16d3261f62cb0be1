// What waits for a person's word: authorization requests on the consent page, the codes they turn into, and device
// requests. Pure state; strings arrive minted and the time arrives as an argument. A code is remembered after its use,
// because its replay must end what it gave (RFC 6749 4.1.2).
import type { ProviderName } from "../index.ts";
import type { Family } from "./tokens.ts";

/** An authorization request that passed every check and is now a consent page. */
export interface Ticket {
  readonly provider: ProviderName;
  readonly client: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly state: string;
  /** RFC 7636 4.3; null where the vendor does without. */
  readonly challenge: string | null;
  /** The whole request: vendors read more from it. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface Code {
  readonly provider: ProviderName;
  readonly client: string;
  /** What the token request has to repeat (RFC 6749 4.1.3). */
  readonly redirectUris: readonly string[];
  readonly scope: string;
  readonly state: string | null;
  /** Repeated in the id token (OpenID Connect Core 3.1.2.1). */
  readonly nonce: string | null;
  readonly challenge: string | null;
  readonly account: string;
  /** Comes with a refresh token. */
  readonly refreshable: boolean;
  readonly expiresAt: number;
  /** What it was exchanged for. */
  gave: Family | null;
}

export interface DeviceRequest {
  readonly provider: ProviderName;
  readonly client: string;
  readonly scope: string;
  readonly userCode: string;
  /** RFC 8628's device code, or a dialect's id for the same. */
  readonly deviceCode: string;
  readonly challenge: string | null;
  /** Where the server makes the PKCE pair; else null. */
  readonly verifier: string | null;
  readonly expiresAt: number;
  word: "awaited" | "approved" | "denied";
  account: string;
  polledAt: number | null;
  used: boolean;
}

export interface Grants {
  readonly tickets: Map<string, Ticket>;
  readonly codes: Map<string, Code>;
  readonly devices: Map<string, DeviceRequest>;
}

export const emptyGrants = (): Grants => ({ tickets: new Map(), codes: new Map(), devices: new Map() });

/** People type what they see: case, spaces and the dash do not count (RFC 8628 6.1). */
export function deviceByUserCode(grants: Grants, typed: string, provider?: ProviderName): DeviceRequest | null {
  const plain = plainUserCode(typed);
  for (const device of grants.devices.values()) {
    if (provider !== undefined && device.provider !== provider) continue;
    if (plainUserCode(device.userCode) === plain) return device;
  }
  return null;
}

const plainUserCode = (text: string): string => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
