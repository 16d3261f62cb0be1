// The one door to the network, and to ky.
//
// A token exchange must be bounded in time and size, must never be repeated or redirected by a library that means well,
// and its failure must say whether the server can have seen it, because a refresh token is good for one presentation. API
// requests stream for as long as they like. Imports nothing heavy until the first request, since most commands send none.
import type { KyInstance, Options } from "ky";
import type { Agent, Dispatcher } from "undici";

import { AuthError } from "../../machines/errors.ts";
import { connector } from "./connect.ts";
import { networkCode, type SendFailure } from "./failure.ts";
import { checkedEndpoint, isConfidential } from "./endpoint.ts";
import { userAgent, type WireRequest } from "./message.ts";
import { replyOf, type WireReply } from "./reply.ts";

export type { SendFailure } from "./failure.ts";
export type { KyInstance };

export interface Sender {
  /**
   * One request, one reply, within the total timeout. Never redirected, never repeated, on a connection of its own.
   *
   * @throws the signal's reason when aborted; AuthError `endpoint_insecure` before anything is sent
   */
  exchange(request: WireRequest, signal?: AbortSignal): Promise<WireReply | SendFailure>;
  /**
   * An API request: the reply streams, without a limit in time but for silence. Redirects are handed back as they are.
   *
   * @param signal the caller's own, not one that a Request has made of it
   * @throws AuthError `network_*`, `proxy_*`, `endpoint_insecure`; the signal's reason when aborted
   */
  fetch(request: Request, signal?: AbortSignal | null): Promise<Response>;
  /** Loads what sending needs, so that nothing of it can fail later. Contacts nobody. */
  ready(): Promise<void>;
  /** Drop every connection, so that the process can end at once. */
  close(): Promise<void>;
}

/** A ky instance whose requests go through `fetch`. It repeats nothing by itself and knows no total timeout. */
export async function kyOver(fetch: typeof globalThis.fetch): Promise<KyInstance> {
  const { default: ky } = await import("ky");
  return ky.create({ fetch, retry: 0, timeout: false });
}

export interface SenderOptions {
  readonly now?: () => number;
  /** Where proxies and certificate authorities are named. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** For a connection as a whole, with a proxy on the way or without. */
  readonly connectTimeoutMs?: number;
  /** From the first byte sent to the last byte read of an exchange. */
  readonly totalTimeoutMs?: number;
  /** Longest silence within a reply to an exchange. */
  readonly idleTimeoutMs?: number;
  /** Longest silence of the API, before or within a reply. */
  readonly apiIdleTimeoutMs?: number;
  /** Of an exchange's reply, after decompression. */
  readonly maxBytes?: number;
}

interface Stack {
  readonly ky: KyInstance;
  readonly undici: typeof import("undici");
  /** For one exchange. */
  readonly exchangeAgent: () => Agent;
  readonly api: Agent;
}

type Fetch = NonNullable<Options["fetch"]>;

export function createSender(options: SenderOptions = {}): Sender {
  const { now = Date.now, totalTimeoutMs = 30_000, maxBytes = 1024 * 1024 } = options;
  let stack: Promise<Stack> | null = null;
  const exchanges = new Set<Agent>();
  const closing = new AbortController();
  const ready = (): Promise<Stack> => (stack ??= open(options, closing.signal));

  async function exchange(request: WireRequest, signal?: AbortSignal): Promise<WireReply | SendFailure> {
    signal?.throwIfAborted();
    const url = checkedEndpoint(request.url);
    if (isUnverified(url)) return failed({ code: "network_tls", detail: unverified }, "no");
    const { ky, undici, exchangeAgent } = await ready();
    const deadline = new AbortController();
    const stop = afterAwake(totalTimeoutMs, () => {
      deadline.abort();
    });
    const ending = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
    let sent: SendFailure["sent"] = "no";
    const agent = exchangeAgent();
    exchanges.add(agent);
    const dispatcher = agent.compose(onStart(() => (sent = "maybe")));
    try {
      const response = await ky(url.href, {
        ...strict,
        method: request.method,
        headers: { ...request.headers },
        ...(request.body === null ? {} : { body: request.body }),
        signal: ending,
        fetch: through(undici, dispatcher, ending),
      });
      const { status } = response;
      if (status >= 300 && status < 400) {
        return failed({ code: "unexpected_redirect", detail: String(status) }, sent);
      }
      const body = await textOf(response, maxBytes);
      if (body === null) return failed({ code: "reply_too_large", detail: "body" }, sent);
      return replyOf(status, Object.fromEntries(response.headers), body, now());
    } catch (error) {
      signal?.throwIfAborted();
      return failed(deadline.signal.aborted ? { code: "network_timeout", detail: "total" } : networkCode(error), sent);
    } finally {
      stop();
      // Whatever was not read (a redirect's body, the rest of a bomb) is not worth a connection. Not before whoever waits for
      // the reply has had it: between reading and sealing it there is to be nothing at which a process could die.
      setImmediate(() => {
        deadline.abort();
        exchanges.delete(agent);
        void agent.destroy();
      });
    }
  }

  async function fetch(request: Request, given: AbortSignal | null = null): Promise<Response> {
    const signal = given ?? request.signal;
    signal.throwIfAborted();
    const url = new URL(request.url);
    if (!isConfidential(url)) throw new AuthError("endpoint_insecure", { detail: "the API address" });
    if (isUnverified(url)) throw new AuthError("network_tls", { detail: unverified });
    const { ky, undici, api } = await ready();
    const headers = new Headers(request.headers);
    if (!headers.has("user-agent")) headers.set("user-agent", userAgent);
    try {
      return await ky(request, { ...strict, headers, signal, fetch: through(undici, api, signal) });
    } catch (error) {
      signal.throwIfAborted();
      const { code, detail } = networkCode(error);
      throw new AuthError(code, { detail });
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    const opened = await stack?.catch(() => null);
    await Promise.all([...[...exchanges].map((agent) => agent.destroy()), opened?.api.destroy()]);
  }

  return { exchange, fetch, close, ready: async () => void (await ready()) };
}

// T20: 307 and 308 would carry the body, and with it a refresh token, to wherever the server says.
const strict = { redirect: "manual", retry: 0, throwHttpErrors: false, timeout: false } as const satisfies Options;

async function open(options: SenderOptions, closing: AbortSignal): Promise<Stack> {
  const { connectTimeoutMs = 5000, totalTimeoutMs = 30_000, idleTimeoutMs = 10_000 } = options;
  const { apiIdleTimeoutMs = 300_000, environment = process.env } = options;
  const [{ default: ky }, undici] = await Promise.all([import("ky"), import("undici")]);
  const connect = connector(undici, { environment, timeoutMs: connectTimeoutMs, closing });
  return {
    ky,
    undici,
    // A kept connection may be dead already, which shows only after the request was written: then nobody knows whether a
    // refresh token is spent. So each exchange opens its own.
    exchangeAgent: () => new undici.Agent({ connect, headersTimeout: totalTimeoutMs, bodyTimeout: idleTimeoutMs }),
    api: new undici.Agent({ connect, headersTimeout: apiIdleTimeoutMs, bodyTimeout: apiIdleTimeoutMs }),
  };
}

/**
 * ky hands over a Request of Node's own fetch, which the undici package does not recognise, while Node's fetch does not
 * take this undici's agents. The body is read first, so that it goes out with a length: some servers refuse chunks.
 * @param signal handed on as it is: one that a Request made of it tells nothing any more once the Request is garbage, which
 *   is while the reply is still read
 */
function through(undici: Stack["undici"], dispatcher: Dispatcher, signal: AbortSignal): Fetch {
  return async (input) => {
    const request = input as Request;
    const response = await undici.fetch(request.url, {
      method: request.method,
      headers: [...request.headers],
      body: request.body === null ? null : await request.arrayBuffer(),
      redirect: request.redirect,
      signal,
      dispatcher,
    });
    return response;
  };
}

/** Tells when the request is about to be written to a connection that stands: before that, nobody can have seen it. */
function onStart(started: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (request, handler) =>
    dispatch(request, {
      onRequestStart(...facts) {
        started();
        handler.onRequestStart?.(...facts);
      },
      onRequestUpgrade: (...facts) => handler.onRequestUpgrade?.(...facts),
      onResponseStart: (...facts) => handler.onResponseStart?.(...facts),
      onResponseData: (...facts) => handler.onResponseData?.(...facts),
      onResponseEnd: (...facts) => handler.onResponseEnd?.(...facts),
      onResponseError: (...facts) => handler.onResponseError?.(...facts),
    });
}

/** The body as text; null as soon as it is larger than `maxBytes`, so that a small bomb stays small in memory. */
async function textOf(response: Response, maxBytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

const longestTickMs = 250;

/**
 * Calls `over` after so much time (ms) in which this process ran. Time in which it was stopped does not count: the reply that
 * came meanwhile waits at its socket, and giving it up would lose what it brings. @returns how to stop
 */
function afterAwake(ms: number, over: () => void): () => void {
  const tickMs = Math.min(longestTickMs, ms / 4);
  let left = ms;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    left -= Math.min(now - last, 2 * tickMs);
    last = now;
    if (left <= 0) over();
  }, tickMs);
  return () => {
    clearInterval(timer);
  };
}

const unverified = "NODE_TLS_REJECT_UNAUTHORIZED";

// Somebody switched certificates off for the whole process. We would not obey; saying so beats a puzzling refusal.
function isUnverified(url: URL): boolean {
  return url.protocol === "https:" && process.env[unverified] === "0";
}

function failed(what: Pick<SendFailure, "code" | "detail">, sent: SendFailure["sent"]): SendFailure {
  return { kind: "failed", ...what, sent };
}
