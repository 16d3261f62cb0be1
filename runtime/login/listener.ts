// The loopback listener (RFC 8252 7.3): waits for one redirect and is not put off by anything else.
//
// It is bound before the address is shown, and once in a process, on 127.0.0.1 and ::1 at the same port, so that nobody else
// takes the other half of `localhost` (8.3). Any page and any program can reach it: only a callback that fits the attempt
// is handed on, and the browser is kept waiting until the sign-in is stored, so that it is told the truth.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { AuthError } from "../../machines/errors.ts";
import type { Loopback } from "../../providers/provider.ts";
import { closed, makeRoom } from "../connections.ts";
import { errnoOf } from "../store/trust.ts";
import { type Callback, type CallbackRequest, judgeCallback } from "../wire/callback.ts";
import type { Expected } from "../wire/redirect.ts";
import { type Page, pageHeaders, receivedPage, strayPage } from "./pages.ts";

/** A callback that fits the attempt. */
export type Arrival = Exclude<Callback, { kind: "ignored" }>;

export interface Listener {
  readonly redirectUri: string;
  /** Begins to take callbacks: those that fit this. */
  expect(expected: Omit<Expected, "redirectUri">): void;
  /** Who is handed each callback that fits, also a repeated one. */
  deliver(arrived: (arrival: Arrival) => void): void;
  /** Answers every browser that waits. `final`: also those that come back later; otherwise the wait goes on. */
  show(page: Page, final: boolean): void;
  /** Closes both sockets at once; who still waits is told that the code was received. */
  close(): Promise<void>;
}

const longestHoldMs = 10_000;
const triesForFreePort = 10;

/**
 * Binds the first registered port that is free on both families, or any free one.
 * @param port instead of the registered ones
 * @throws AuthError `port_busy` naming the ports
 */
export async function openListener(provider: string, loopback: Loopback, port: number | null): Promise<Listener> {
  const ports = port === null ? loopback.ports : [port];
  const tries = ports.length > 0 ? ports : Array.from({ length: triesForFreePort }, () => 0);
  for (const candidate of tries) {
    const servers = await bindBoth(candidate);
    if (servers !== null) return listenerOn(servers, loopback);
  }
  throw new AuthError("port_busy", { provider, detail: ports.length > 0 ? ports.join(", ") : "no free port" });
}

async function bindBoth(port: number): Promise<Server[] | null> {
  const first = await bind("127.0.0.1", port);
  if (first === null) return null;
  const second = await bind("::1", portOf(first)).catch((error: unknown) => {
    // A machine without IPv6 has nobody to take the other half either.
    if (["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(errnoOf(error))) return first;
    first.close();
    throw error;
  });
  if (second !== null) return second === first ? [first] : [first, second];
  first.close();
  return null;
}

/** Why nobody could listen at this port now: `1455 is taken (IPv6)`; null: somebody could. It is given back at once. */
export async function whatHinders(port: number): Promise<string | null> {
  const taken: string[] = [];
  for (const [host, family] of [
    ["127.0.0.1", "IPv4"],
    ["::1", "IPv6"],
  ] as const) {
    // A machine without IPv6 has nobody to take it.
    const server = await bind(host, port).catch(() => undefined);
    if (server === null) taken.push(family);
    if (server) await closed(server);
  }
  return taken.length === 0 ? null : `port ${port} is taken (${taken.join(" and ")})`;
}

function bind(host: string, port: number): Promise<Server | null> {
  const server = createServer({
    maxHeaderSize: 32 * 1024,
    headersTimeout: 5_000,
    requestTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
    keepAlive: false,
  });
  makeRoom(server);
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      if (["EADDRINUSE", "EACCES"].includes(errnoOf(error))) resolve(null);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => {
      resolve(server);
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a bound server has a port");
  return address.port;
}

function listenerOn(servers: readonly Server[], { host, path }: Loopback): Listener {
  const [first] = servers;
  if (first === undefined) throw new TypeError("a listener has a server");
  const redirectUri = `http://${host}:${portOf(first)}${path}`;
  const waiting = new Set<ServerResponse>();
  let awaited: Omit<Expected, "redirectUri"> | null = null;
  let arrived: ((arrival: Arrival) => void) | null = null;
  let shown: Page | null = null;

  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const callback = awaited === null ? null : judgeCallback(asCallback(request), { ...awaited, redirectUri });
    if (callback === null || callback.kind === "ignored") {
      send(response, strayPage(callback?.status ?? 404));
      return;
    }
    if (shown !== null) {
      send(response, shown);
      return;
    }
    hold(response);
    arrived?.(callback);
  };

  const hold = (response: ServerResponse): void => {
    waiting.add(response);
    const timer = setTimeout(() => {
      release(response, receivedPage);
    }, longestHoldMs);
    timer.unref();
    response.once("close", () => {
      clearTimeout(timer);
      waiting.delete(response);
    });
  };

  const release = (response: ServerResponse, page: Page): void => {
    waiting.delete(response);
    send(response, page);
  };

  for (const server of servers) {
    server.on("request", take);
    server.on("clientError", (_error, socket) => {
      socket.destroy();
    });
  }

  return {
    redirectUri,
    expect: (expected) => {
      awaited = expected;
    },
    deliver: (to) => {
      arrived = to;
    },
    show: (page, final) => {
      if (final) shown = page;
      for (const response of waiting) release(response, page);
    },
    close: async () => {
      for (const response of waiting) release(response, receivedPage);
      await Promise.all(servers.map(closed));
    },
  };
}

function asCallback(request: IncomingMessage): CallbackRequest {
  const { method = "", url = "", headers, headersDistinct } = request;
  // Of a host given twice Node keeps the first.
  const host = headersDistinct["host"]?.length === 1 ? headers.host : undefined;
  // Others are joined, and then equal nothing that we expect.
  const single = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return { method, url, host, headers: single };
}

function send(response: ServerResponse, { status, html }: Page): void {
  response.writeHead(status, pageHeaders).end(html);
}
