// Device sign-in: the start's reply, and one poll's (RFC 8628 3.2, 3.5, and the dialects that the provider's data names).
//
// A poll asks the same question many times, so the same status may mean "not yet" here and "never" elsewhere. What the
// server wants shown to a person is made harmless first; a page that cannot be opened safely is refused, not displayed.
import type { Device, Provider } from "../../providers/provider.ts";
import { Secret } from "../secret.ts";
import { intervalMs, secondsIn } from "./durations.ts";
import { isConfidential, parsedAddress } from "./endpoint.ts";
import { type Issued, issuedBy } from "./issued.ts";
import {
  type Content,
  contentOf,
  type Failing,
  isPage,
  malformed,
  misconfigured,
  own,
  refused,
  succeeded,
  unavailable,
  type WireReply,
} from "./reply.ts";
import { isVschars } from "./text.ts";

export interface DeviceStarted {
  readonly kind: "started";
  readonly deviceCode: Secret<"device_code">;
  /** To the letter as the server wrote it (RFC 8628 3.3): visible ASCII. */
  readonly userCode: string;
  /** `URL.href`: https, or http on loopback. */
  readonly verificationUri: string;
  readonly verificationUriComplete: string | null;
  /** Epoch ms. */
  readonly expiresAt: number;
  readonly intervalMs: number;
}

export type DeviceOutcome = DeviceStarted | Failing;

export type PollOutcome =
  | { readonly kind: "pending" }
  /** RFC 8628 3.5: five more seconds between polls, from now on. */
  | { readonly kind: "slow_down" }
  | { readonly kind: "issued"; readonly issued: Issued }
  /** The dialect in which the server made the PKCE pair: a code still to be exchanged. */
  | { readonly kind: "code"; readonly code: Secret<"authorization_code">; readonly verifier: Secret<"code_verifier"> }
  | { readonly kind: "denied"; readonly code: "consent_denied" }
  | { readonly kind: "expired"; readonly code: "device_code_expired" }
  | Failing;

/** Judge the start's reply. Never throws. `refused` with `device_login_off`: this account may not sign in this way. */
export function deviceReply(provider: Provider, reply: WireReply): DeviceOutcome {
  const content = contentOf(reply);
  const { device } = provider;
  if (device === null) return malformed(reply);
  if (succeeded(reply, content)) return started(device, content.members, reply);
  if (device.dialect === "user-code" && reply.status === 404) return refused("device_login_off", reply);
  return misconfigured(reply, content) ?? final(reply, content) ?? unavailable(reply, content);
}

function started(device: Device, members: object, reply: WireReply): DeviceOutcome {
  const dialect = device.dialect === "user-code";
  const deviceCode = own(members, dialect ? "device_auth_id" : "device_code");
  const userCode = own(members, "user_code") ?? (dialect ? own(members, "usercode") : undefined);
  if (!isVschars(deviceCode) || !isVschars(userCode) || userCode.length > 100) return malformed(reply);
  const page = safePage(own(members, "verification_uri") ?? device.verificationUri);
  if (page === null) return { kind: "misconfigured", code: "url_unsafe", oauthError: null, status: reply.status };
  const complete = safePage(own(members, "verification_uri_complete"));
  const lifetimeS = secondsIn(own(members, "expires_in")) ?? device.lifetimeS;
  return {
    kind: "started",
    deviceCode: new Secret("device_code", deviceCode),
    userCode,
    verificationUri: page.href,
    verificationUriComplete: complete?.origin === page.origin ? complete.href : null,
    expiresAt: reply.receivedAt + Math.ceil(lifetimeS * 1000),
    intervalMs: intervalMs(own(members, "interval")) ?? device.intervalS * 1000,
  };
}

// People read it, and some type it (RFC 8628 3.3); what fills their screen is no address for them.
const longestPage = 2_000;

// T28, T30: only the parsed form is ever shown, and no `javascript:`, `file:` or user info.
function safePage(address: unknown): URL | null {
  const url = typeof address === "string" && address.length <= longestPage ? parsedAddress(address) : null;
  return url !== null && isConfidential(url) ? url : null;
}

/** Judge one poll's reply. Never throws. Every OAuth error that RFC 8628 3.5 does not name ends the sign-in. */
export function pollReply(provider: Provider, reply: WireReply, options: { readonly clientId: string }): PollOutcome {
  const content = contentOf(reply);
  const { device } = provider;
  if (device === null) return malformed(reply);
  if (device.pendingStatuses.includes(reply.status)) return { kind: "pending" };
  if (succeeded(reply, content)) {
    return device.dialect === "user-code"
      ? codeIn(content.members, reply)
      : tokensIn(provider, content.members, reply, options.clientId);
  }
  const told = progress(content);
  if (told !== null) return told;
  return (
    misconfigured(reply, content) ?? ended(provider, reply) ?? final(reply, content) ?? unavailable(reply, content)
  );
}

/** RFC 8628 3.5, whatever the status: `slow_down` comes with 400 here and 429 there. */
function progress({ errors }: Content): PollOutcome | null {
  if (errors.includes("authorization_pending")) return { kind: "pending" };
  if (errors.includes("slow_down")) return { kind: "slow_down" };
  if (errors.includes("access_denied")) return { kind: "denied", code: "consent_denied" };
  // RFC 6749 5.2: the grant, here the device code, is invalid or expired.
  const over = errors.includes("expired_token") || errors.includes("invalid_grant");
  return over ? { kind: "expired", code: "device_code_expired" } : null;
}

function tokensIn(provider: Provider, members: object, reply: WireReply, clientId: string): PollOutcome {
  // A vendor answers 200 with a null token until the person has agreed.
  if (own(members, "access_token") === null) return { kind: "pending" };
  const issued = issuedBy(provider, members, reply.receivedAt, { clientId });
  return issued === null || issued === "other_sign_in" ? malformed(reply) : { kind: "issued", issued };
}

function codeIn(members: object, reply: WireReply): PollOutcome {
  const code = own(members, "authorization_code");
  const verifier = own(members, "code_verifier");
  // RFC 7636 4.1.
  if (!isVschars(code) || typeof verifier !== "string" || !/^[\w.~-]{43,128}$/.test(verifier)) return malformed(reply);
  return {
    kind: "code",
    code: new Secret("authorization_code", code),
    verifier: new Secret("code_verifier", verifier),
  };
}

function ended(provider: Provider, reply: WireReply): PollOutcome | null {
  return provider.refusalStatuses.includes(reply.status) && !isPage(reply)
    ? { kind: "expired", code: "device_code_expired" }
    : null;
}

/** An OAuth error outside 429 and 5xx is the server's last word (RFC 8628 3.5). */
function final(reply: WireReply, { errors: [error] }: Content): Failing | null {
  return error !== undefined && reply.status < 500 && reply.status !== 429
    ? refused("sign_in_refused", reply, error)
    : null;
}
