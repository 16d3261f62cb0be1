// How a connection to a host comes about: directly or through a proxy, with the certificate authorities that Node brings or
// with more of them.
//
// The request is written when the connection stands, and not before, so all of this may be done twice: when a certificate is
// of an authority that Node does not know, everybody's are looked at and the way is gone once more. Nothing but that
// is repeated, and the whole of it has one deadline.
import type { SecureContext } from "node:tls";
import type { buildConnector } from "undici";

import { NoConnection, networkCode, type SendFailure } from "./failure.ts";
import type { WiderTrust } from "./trust.ts";

type Undici = typeof import("undici");
type Socket = NonNullable<Parameters<buildConnector.Callback>[1]>;
type Target = buildConnector.Options;

export interface ConnectOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For the way to the host as a whole. */
  readonly timeoutMs: number;
  /** Aborted: nobody waits for a connection any more. */
  readonly closing: AbortSignal;
}

/** Whose certificates are believed. */
interface Trust {
  /** With what connections begin; null: Node's own authorities were enough so far. */
  believed: SecureContext | null;
  /** All that was found when it was last looked for. */
  found: WiderTrust | null;
}

/** What undici's agents open their connections with. */
export function connector({ buildConnector }: Undici, options: ConnectOptions): buildConnector.connector {
  const { environment, timeoutMs, closing } = options;
  const trust: Trust = { believed: null, found: null };

  /** One connection, with TLS where the protocol says so. */
  function dial(to: Target, left: () => number, wider: SecureContext | null): Promise<Socket> {
    const dialing = buildConnector({
      timeout: left(),
      // Both address families are tried (RFC 8305); 250 ms, the default, is too little for a slow line.
      autoSelectFamilyAttemptTimeout: 1000,
      allowH2: false,
      // T22: said here, NODE_TLS_REJECT_UNAUTHORIZED and --tls-min-v1.0 change nothing.
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      ...(wider === null ? {} : { secureContext: wider }),
    });
    return new Promise((resolve, reject) => {
      dialing(to, (error, socket) => {
        if (error === null) resolve(socket);
        else reject(error);
      });
    });
  }

  async function reach(to: Target, left: () => number, wider: SecureContext | null): Promise<Socket> {
    // What is not https goes to this very machine only (`endpoint.ts`), and so to no proxy.
    const proxy = await proxyTo(to, environment);
    if (proxy === null) return await dial(to, left, wider);
    const { protocol, hostname, port, variable } = proxy;
    const { tunnel } = await import("./tunnel.ts");
    const socket = await dial({ protocol, hostname, host: hostname, port }, left, wider).catch((error: unknown) => {
      throw unreachable(error, variable);
    });
    const authority = `${to.hostname.includes(":") ? `[${to.hostname}]` : to.hostname}:${to.port || "443"}`;
    const way = await tunnel({ proxy, socket, authority, timeoutMs: left(), closing });
    return await dial({ ...to, httpSocket: way }, left, wider).catch((error: unknown) => {
      const { code, detail } = networkCode(error);
      way.destroy();
      throw new NoConnection(code, `${detail}, through ${variable}`);
    });
  }

  /** @throws whatever the way fails with */
  async function connect(to: Target): Promise<Socket> {
    const endAt = performance.now() + timeoutMs;
    const left = (): number => Math.max(1, endAt - performance.now());
    const { believed } = trust;
    try {
      return await reach(to, left, believed);
    } catch (error) {
      if (!isOfUnknownIssuer(error)) throw error;
      const { widerTrust } = await import("./trust.ts");
      // Who fails together looks once; what was enough before may have been replaced since.
      if (trust.found === null || trust.found.context === believed) trust.found = widerTrust(environment);
      const { context, unread } = trust.found;
      const socket = await reach(to, left, context).catch((again: unknown) => {
        trust.found = null;
        throw isOfUnknownIssuer(again) ? withUnread(again, unread) : again;
      });
      trust.believed = context;
      return socket;
    }
  }

  return (to, callback) => void handOver(connect(to), callback);
}

/** In the way in which undici wants to hear of it. */
async function handOver(coming: Promise<Socket>, callback: buildConnector.Callback): Promise<void> {
  let socket: Socket;
  try {
    socket = await coming;
  } catch (error) {
    callback(error as Error, null);
    return;
  }
  callback(null, socket);
}

/** Nothing about proxies is loaded where no variable names one. */
async function proxyTo({ hostname, port }: Target, environment: ConnectOptions["environment"]) {
  if (!Object.keys(environment).some((name) => /_proxy$/i.test(name))) return null;
  const { proxyFor } = await import("./proxy.ts");
  return proxyFor(environment, hostname, Number(port || 443));
}

/** A proxy that cannot be reached, or one that is not who its certificate says. */
function unreachable(error: unknown, variable: string): NoConnection {
  const { code, detail } = networkCode(error);
  if (code === "network_tls") return new NoConnection(code, `${detail}, the proxy of ${variable}`);
  return new NoConnection("proxy_unreachable", `${variable}, ${detail}`);
}

function withUnread(error: unknown, unread: readonly string[]): unknown {
  if (unread.length === 0) return error;
  const { code, detail }: Pick<SendFailure, "code" | "detail"> = networkCode(error);
  return new NoConnection(code, `${detail}, ${unread.join(" and ")} cannot be read`);
}

/** What OpenSSL says of a chain whose end it does not know, as against one that is wrong or too old. */
const unknownIssuer =
  /^(?:UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE)\b/;

function isOfUnknownIssuer(error: unknown): boolean {
  const { code, detail } = networkCode(error);
  return code === "network_tls" && unknownIssuer.test(detail);
}
