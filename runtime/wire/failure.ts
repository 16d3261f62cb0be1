// A thrown thing from the network → one of twelve words.
//
// What the network stack throws holds addresses, header values and certificates, so nothing of it is passed on but its
// error code; the cause is dropped on purpose.
import type { ErrorCode } from "../../machines/errors.ts";

export type NetworkCode = Extract<
  ErrorCode,
  | "network_name"
  | "network_refused"
  | "network_timeout"
  | "network_tls"
  | "network_broken"
  | "proxy_invalid"
  | "proxy_unreachable"
  | "proxy_auth"
  | "proxy_refused"
  | "proxy_failed"
  | "reply_too_large"
  | "unexpected_redirect"
>;

export interface SendFailure {
  readonly kind: "failed";
  readonly code: NetworkCode;
  /** An errno (`ENOTFOUND`), a word, a status or a variable's name: never an address or a text of the server's. */
  readonly detail: string;
  /** Whether the request may have reached the server. `no` is proof: not a byte of it was handed to a connection. */
  readonly sent: "no" | "maybe";
}

/** Thrown on the way to a connection, where an errno does not tell enough. Has no code of its own, as undici acts on some. */
export class NoConnection extends Error {
  override readonly name = "NoConnection";
  readonly failure: Pick<SendFailure, "code" | "detail">;

  constructor(code: NetworkCode, detail: string) {
    super(code);
    this.failure = { code, detail };
  }
}

const known: readonly (readonly [RegExp, NetworkCode])[] = [
  [/^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL)$/, "network_name"],
  [/^ECONNREFUSED$/, "network_refused"],
  [/^(?:ETIMEDOUT|UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT)$/, "network_timeout"],
  // OpenSSL's verification results, Node's own checks, and a peer that speaks no TLS.
  [
    /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_(?:CA|PURPOSE)|HOSTNAME_|PATH_LENGTH_|EPROTO)/,
    "network_tls",
  ],
  [/^(?:UND_ERR_HEADERS_OVERFLOW|HPE_HEADER_OVERFLOW)$/, "reply_too_large"],
];

/** Word and errno for whatever was thrown. */
export function networkCode(error: unknown): Pick<SendFailure, "code" | "detail"> {
  const ours = chain(error).find((each) => each instanceof NoConnection);
  if (ours !== undefined) return ours.failure;
  const errnos = codesIn(error);
  for (const detail of errnos) {
    const match = known.find(([pattern]) => pattern.test(detail));
    if (match !== undefined) return { code: match[1], detail };
  }
  return { code: "network_broken", detail: errnos.at(-1) ?? "unknown" };
}

/** Error codes from the outside in. A host with several addresses fails with the code of the first. */
function codesIn(error: unknown): string[] {
  return chain(error).flatMap(({ code }) =>
    typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? [code] : [],
  );
}

/** An error and its causes, as far as anybody would look. */
function chain(error: unknown, depth = 0): { readonly code?: unknown }[] {
  if (typeof error !== "object" || error === null || depth > 8) return [];
  return [error, ...chain((error as { cause?: unknown }).cause, depth + 1)];
}
