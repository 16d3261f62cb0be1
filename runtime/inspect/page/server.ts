// The server of the page: on 127.0.0.1 alone, for one browser (`gate.ts`), with a handful of addresses, each to the letter.
//
// Nothing that is asked of it changes anything but that the token is spent. The page may load nothing from elsewhere, send
// nothing anywhere, be in no frame, and is kept by no cache (RFC 9700 4.2, threat T39).
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { closed, makeRoom } from "../../connections.ts";
import type { RandomBytes } from "../../wire/random.ts";
import type { Files } from "./files.ts";
import { createGate, type Gate, type Knock } from "./gate.ts";

export interface PageServer {
  /** With the token that lets one browser in, once. */
  readonly url: string;
  /** Gives the port back, within a second. */
  readonly close: () => Promise<void>;
}

export interface Served {
  readonly files: Files;
  /** Where the browser goes that was let in. */
  readonly entrance: string;
  readonly randomBytes: RandomBytes;
  /** By path. */
  readonly news: ReadonlyMap<string, TakeNews>;
}

/** Takes over an answer. @param last number of the last record that the page has; null: none @returns false: no */
export type TakeNews = (response: ServerResponse, last: number | null) => boolean;

/** @throws Error what the system says when no port is to be had */
export async function servePage(served: Served): Promise<PageServer> {
  const server = createServer({
    maxHeaderSize: 16 * 1024,
    headersTimeout: 5_000,
    requestTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
    keepAlive: false,
  });
  server.maxConnections = mostConnections;
  makeRoom(server);
  const port = await bound(server);
  const gate = createGate(port, served.randomBytes);
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    answer(gate, served, request, response);
  };
  server.on("request", take);
  // Without these Node would answer by itself, before anybody was asked who he is.
  server.on("checkContinue", take);
  server.on("checkExpectation", take);
  server.on("connect", refuseTunnel);
  server.on("upgrade", refuseTunnel);
  server.on("clientError", (_, socket) => {
    socket.destroy();
  });
  return {
    url: `http://127.0.0.1:${port}/?token=${gate.token.reveal()}`,
    close: () => closed(server),
  };
}

const mostConnections = 256;

function bound(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0, exclusive: true }, () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new TypeError("a bound server has a port");
      resolve(address.port);
    });
  });
}

const always: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  connection: "close",
};

function answer(
  gate: Gate,
  { files, entrance, news }: Served,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method = "", url = "" } = request;
  const judged = gate.judge(knockOf(request));
  if (judged.kind === "refused") {
    empty(response, 403);
    return;
  }
  if (judged.kind === "enters") {
    const { name, value } = judged.cookie;
    const cookie = `${name}=${value.reveal()}; HttpOnly; SameSite=Strict; Path=/`;
    // Out of the address bar and the history (RFC 9110 15.4.4).
    empty(response, 303, { location: entrance, "set-cookie": cookie });
    return;
  }
  if (method !== "GET" && method !== "HEAD") {
    empty(response, 405, { allow: "GET, HEAD" });
    return;
  }
  const file = files.get(url);
  if (file !== undefined) {
    const policy = file.policy === undefined ? {} : { "content-security-policy": file.policy };
    response.writeHead(200, { ...always, ...policy, "content-type": file.type, "content-length": file.bytes.length });
    response.end(method === "HEAD" ? undefined : file.bytes);
    return;
  }
  const taking = news.get(url);
  if (taking === undefined) {
    empty(response, 404);
    return;
  }
  tellNews(taking, request, response);
}

function tellNews(take: TakeNews, { method, headers }: IncomingMessage, response: ServerResponse): void {
  const type = { ...always, "content-type": "text/event-stream; charset=utf-8" };
  if (method === "HEAD") {
    response.writeHead(200, type).end();
    return;
  }
  const last = /^\d{1,15}$/.exec(String(headers["last-event-id"] ?? ""))?.[0];
  response.writeHead(200, type);
  // A page that goes away is no failure of ours.
  response.on("error", () => undefined);
  if (!take(response, last === undefined ? null : Number(last))) response.end();
}

function empty(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...always, ...headers, "content-length": 0 }).end();
}

function refuseTunnel(_: IncomingMessage, socket: Duplex): void {
  socket.on("error", () => undefined);
  socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

function knockOf({ method = "", url = "", headersDistinct }: IncomingMessage): Knock {
  const given = (name: string): readonly string[] => headersDistinct[name] ?? [];
  return {
    method,
    target: url,
    host: given("host"),
    origin: given("origin"),
    site: given("sec-fetch-site"),
    cookie: given("cookie"),
  };
}
