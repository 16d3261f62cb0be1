// A way through a proxy: CONNECT (RFC 9110 9.3.6), and from then on only what the other end says.
//
// The proxy learns a host and a port. Whatever it answers, not a byte of the request itself has been written when this is
// over, so every failure here is one of which nobody has seen anything. Its reply is a status to us, and nothing else of it
// is kept or told.
import { request as ask } from "node:http";
import type { Socket } from "node:net";

import { NoConnection, type SendFailure } from "./failure.ts";
import type { Proxy } from "./proxy.ts";

export interface Through {
  readonly proxy: Proxy;
  /** A connection to the proxy that stands. */
  readonly socket: Socket;
  /** Host and port behind it. */
  readonly authority: string;
  readonly timeoutMs: number;
  /** Aborted: nobody waits for it any more. */
  readonly closing: AbortSignal;
}

/**
 * The same socket, which leads to the host now.
 *
 * @throws NoConnection `proxy_auth`, `proxy_refused`, `proxy_failed`; the socket is gone then
 */
export function tunnel({ proxy, socket, authority, timeoutMs, closing }: Through): Promise<Socket> {
  const credential = proxy.authorization();
  return new Promise((resolve, reject) => {
    const fail = (code: SendFailure["code"], why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new NoConnection(code, why === "" ? proxy.variable : `${proxy.variable}, ${why}`));
    };
    const timer = setTimeout(fail, timeoutMs, "proxy_failed", "timeout");
    ask({
      method: "CONNECT",
      path: authority,
      headers: {
        host: authority,
        // Without it Node asks to close what is to stay open.
        connection: "keep-alive",
        "proxy-connection": "keep-alive",
        ...(credential === null ? {} : { "proxy-authorization": credential }),
      },
      signal: closing,
      createConnection: () => socket,
    })
      .once("connect", ({ statusCode = 0 }, _socket, early) => {
        clearTimeout(timer);
        if (statusCode === 407) fail("proxy_auth", "");
        else if (statusCode >= 400 && statusCode < 500) fail("proxy_refused", String(statusCode));
        else if (statusCode < 200 || statusCode > 299) fail("proxy_failed", String(statusCode));
        // Nobody speaks before a client has (RFC 8446 2).
        else if (early.length > 0) fail("proxy_failed", "spoke too early");
        else resolve(socket);
      })
      // With another status than CONNECT is answered with, or with an upgrade, it would come this way.
      .once("response", ({ statusCode = 0 }) => {
        fail("proxy_failed", String(statusCode));
      })
      .on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
        fail("proxy_failed", code);
      })
      .end();
  });
}
