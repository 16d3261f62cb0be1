// A proxy as companies have it, on loopback: it answers CONNECT, reads what goes through with certificates of its own
// authority, and passes it on to a server of the test's that plays the hosts behind it. It can also want a password, refuse,
// fall silent or break, and it keeps a record of everything that came to it, by whatever way.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { type Authority, authority, key } from "../runtime/wire/certificate.ts";

/** What it does with a CONNECT: let it through, answer with this status, or one of the ways to be out of order. */
export type Way =
  /** Also with an older version of HTTP, or with members that mean nothing in such a reply (RFC 9110 9.3.6). */
  | keyof typeof established
  | number
  | "silent"
  | "closed"
  | "nonsense"
  | "talkative"
  | "closed in TLS"
  | "silent in TLS";

const established = {
  through: "HTTP/1.1 200 Connection established\r\n\r\n",
  "through, in HTTP/1.0": "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\n",
  "through, with a length": "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
  "through, in chunks": "HTTP/1.1 204 OK\r\ntransfer-encoding: chunked\r\n\r\n",
} as const;

const isThrough = (way: Way): way is keyof typeof established => typeof way === "string" && way in established;

export interface ProxyOptions {
  /** Where requests to a host go in truth: `http://127.0.0.1:PORT`. */
  readonly behind?: (host: string) => string;
  readonly way?: (host: string) => Way;
  /** `user:password` that it wants. */
  readonly wants?: string;
  /** It is spoken to in TLS, under this name. */
  readonly tls?: string;
}

export interface TestProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or `https://NAME:PORT`. */
  readonly url: string;
  readonly port: number;
  /** Whose certificates it shows. */
  readonly authority: Authority;
  /** `host:port` of every CONNECT. */
  readonly connects: readonly string[];
  /** Everything that was asked without a CONNECT. */
  readonly plain: readonly string[];
  /** What went through it, as `METHOD https://host/path`. */
  readonly read: readonly string[];
  /** Connections that were ever opened to it. */
  readonly connections: () => number;
  /** Those that are still open. */
  readonly open: () => number;
}

export async function startProxy(options: ProxyOptions = {}): Promise<TestProxy> {
  const { behind = () => "http://127.0.0.1:9", way = () => "through", wants, tls } = options;
  const own = authority();
  const [connects, plain, read]: string[][] = [[], [], []];
  const sockets = new Set<Socket>();
  let count = 0;
  const inside = createServer((incoming, response) => {
    const { host = "" } = incoming.headers;
    read?.push(`${incoming.method} https://${host}${incoming.url?.split("?")[0]}`);
    passOn(incoming, response, behind(host.replace(/:443$/, "")));
  });
  const outside: Server =
    tls === undefined ? createServer() : createTlsServer({ key, cert: own.issue(tls) + own.certificate });
  outside.on("request", (incoming: IncomingMessage, response: ServerResponse) => {
    plain?.push(`${incoming.method} ${incoming.url}`);
    response.writeHead(501).end();
  });
  outside.on("connection", (socket: Socket) => {
    count += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
  });
  outside.on("connect", ({ url = "", headers }: IncomingMessage, socket: Socket) => {
    connects?.push(url);
    socket.on("error", () => undefined);
    const host = url.replace(/:\d+$/, "");
    const isWelcome = wants === undefined || headers["proxy-authorization"] === `Basic ${btoa(wants)}`;
    const chosen = isWelcome ? way(host) : 407;
    if (!isThrough(chosen)) {
      misbehave(socket, chosen);
      return;
    }
    socket.write(established[chosen]);
    const secureContext = createSecureContext({ key, cert: own.issue(host) + own.certificate });
    const secured = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ["http/1.1"] });
    secured.on("error", () => undefined);
    inside.emit("connection", secured);
  });
  await once(outside.listen(0, "127.0.0.1"), "listening");
  const { port } = outside.address() as AddressInfo;
  return {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://${tls}:${port}`,
    port,
    authority: own,
    connects: connects ?? [],
    plain: plain ?? [],
    read: read ?? [],
    connections: () => count,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      inside.closeAllConnections();
      await new Promise((resolve) => outside.close(resolve));
    },
  };
}

type Trouble = Exclude<Way, keyof typeof established>;

function misbehave(socket: Socket, way: Trouble): void {
  if (typeof way === "number")
    socket.end(`HTTP/1.1 ${way} No\r\nproxy-authenticate: Basic realm="CANARY"\r\n\r\nCANARY`);
  else if (way === "closed") socket.destroy();
  else if (way === "nonsense") socket.end("SSH-2.0-OpenSSH_9.9\r\n");
  else if (way === "talkative") socket.write(`${established.through}HTTP/1.1 200 OK\r\n\r\n{}`);
  else {
    if (way !== "silent") socket.write(established.through);
    socket.on(way === "closed in TLS" ? "data" : "end", () => socket.destroy()).resume();
  }
}

function passOn(incoming: IncomingMessage, response: ServerResponse, to: string): void {
  const { method, url = "/", headers } = incoming;
  const forwarded = request(new URL(url, to), { method, headers, agent: false }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  forwarded.on("error", () => response.destroy());
  incoming.pipe(forwarded);
}
