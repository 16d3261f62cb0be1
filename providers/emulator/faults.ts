// Everything that can go wrong between a server and its client, on order. A fault is a value that bends one reply; whether
// the server acted before it went wrong is part of the fault, because a lost reply to a refresh that happened and one to
// a refresh that did not are different worlds for the client. It
// must never invent what a vendor says: that stands in `situations.ts`.
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { ProviderName } from "../index.ts";
import type { Reply } from "./reply.ts";
import { type Situation, situation } from "./situations.ts";

export type Endpoint = "token" | "refresh" | "device" | "poll" | "revoke" | "userinfo" | "keys" | "api" | "authorize";

/** `acted`: the server did what was asked before the fault hit. Default false unless said otherwise. */
export type Fault =
  /** Acts, then keeps the reply back. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Acts, then closes the connection without a byte. */
  | { readonly kind: "drop-reply" }
  /** Closes the connection before acting. */
  | { readonly kind: "drop-connection" }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string; readonly acted?: boolean }
  /** A page where JSON belongs: a captive portal, a firewall. */
  | { readonly kind: "html"; readonly status?: number; readonly acted?: boolean }
  /** Acts, then sends the first half of the reply as if it were all. */
  | { readonly kind: "truncated-json" }
  /** Valid JSON of 10 MB. */
  | { readonly kind: "huge"; readonly acted?: boolean }
  /** 64 MB of zeros in 64 kB of gzip. */
  | { readonly kind: "gzip-bomb"; readonly acted?: boolean }
  | {
      readonly kind: "redirect";
      readonly status: 301 | 302 | 303 | 307 | 308;
      readonly to: string;
      readonly acted?: boolean;
    }
  /** Acts, then sends the reply one byte at a time. */
  | { readonly kind: "trickle"; readonly msPerByte: number }
  /** Acts, then changes members of the JSON reply (undefined removes one): hostile lifetimes, odd token types. */
  | { readonly kind: "rewrite"; readonly members: Readonly<Record<string, unknown>> }
  /** What this vendor's API says in a situation that is no fault of the login. */
  | { readonly kind: "situation"; readonly name: Situation }
  /** Any reply at all. */
  | {
      readonly kind: "reply";
      readonly status: number;
      readonly body: string;
      readonly contentType?: string;
      readonly acted?: boolean;
    };

const actsByNature = new Set<Fault["kind"]>(["delay", "drop-reply", "truncated-json", "trickle", "rewrite"]);

export const acts = (fault: Fault): boolean => actsByNature.has(fault.kind) || ("acted" in fault && fault.acted);

/** The reply as the fault leaves it; null: no reply at all, the connection ends. @param at epoch milliseconds */
export function bend(fault: Fault, reply: Reply, provider: ProviderName, at: number): Reply | null {
  const plain = { "content-type": "application/json" };
  switch (fault.kind) {
    case "drop-reply":
    case "drop-connection":
      return null;
    case "situation":
      return situation(provider, fault.name, at);
    case "delay":
    case "trickle":
      return reply;
    case "status":
      return {
        status: fault.status,
        headers: fault.retryAfter === undefined ? plain : { ...plain, "retry-after": fault.retryAfter },
        body: JSON.stringify({ error: "temporarily_unavailable" }),
      };
    case "html":
      return {
        status: fault.status ?? 200,
        headers: { "content-type": "text/html; charset=utf-8" },
        body: "<!doctype html><title>Sign in to the network</title><h1>Sign in to the network</h1>",
      };
    case "truncated-json":
      return { ...reply, body: reply.body.toString().slice(0, Math.floor(reply.body.length / 2)) };
    case "huge":
      return { status: 200, headers: plain, body: JSON.stringify({ access_token: "x".repeat(10 * 1024 * 1024) }) };
    case "gzip-bomb":
      return {
        status: 200,
        headers: { ...plain, "content-encoding": "gzip" },
        body: gzipSync(Buffer.alloc(64 * 1024 * 1024)),
      };
    case "redirect":
      return { status: fault.status, headers: { location: fault.to }, body: "" };
    case "rewrite":
      return { ...reply, body: JSON.stringify({ ...members(reply), ...fault.members }) };
    default:
      return {
        status: fault.status,
        headers: { "content-type": fault.contentType ?? "application/json" },
        body: fault.body,
      };
  }
}

/** Writes a reply, slowly if the fault says so. Resolves when the last byte was handed over or the client is gone. */
export async function send(response: ServerResponse, reply: Reply, fault: Fault | null): Promise<void> {
  const body = Buffer.from(reply.body);
  if (fault?.kind === "delay") await pause(fault.ms, response);
  if (response.destroyed) return;
  response.writeHead(reply.status, { ...reply.headers, "content-length": String(body.length) });
  if (fault?.kind !== "trickle") {
    response.end(body);
    return;
  }
  for (const byte of body) {
    if (response.destroyed) return;
    response.write(Buffer.of(byte));
    await pause(fault.msPerByte, response);
  }
  response.end();
}

function members(reply: Reply): object {
  const value: unknown = JSON.parse(reply.body.toString());
  return typeof value === "object" && value !== null ? value : {};
}

/** Ends early when the client goes away, so that a test that closes the emulator does not wait for it. */
function pause(ms: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off("close", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    response.once("close", done);
  });
}
