// The socket: reads a request, finds whose it is, lets the dialect act, bends the reply if a fault was ordered, and keeps
// a record. It listens on loopback only. The record names parameters and never shows a value; bodies are there for tests
// that ask, out of reach of anything that enumerates or prints.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { type ProviderName, providers } from "../index.ts";
import * as anthropic from "./anthropic.ts";
import { ticketOf } from "./authorize.ts";
import { type Call, readCall } from "./call.ts";
import * as codex from "./codex.ts";
import type { Dialect, Route } from "./dialect.ts";
import { type Endpoint, type Fault, acts, bend, send } from "./faults.ts";
import * as gemini from "./gemini.ts";
import { resultPage } from "./pages.ts";
import * as qwen from "./qwen.ts";
import { Refused } from "./refusals.ts";
import { type Reply, json } from "./reply.ts";
import type { World } from "./world.ts";

export interface SeenRequest {
  /** ISO 8601. */
  readonly time: string;
  readonly method: string;
  readonly path: string;
  readonly provider: ProviderName | null;
  readonly endpoint: Endpoint | null;
  readonly contentType: string | null;
  readonly userAgent: string | null;
  /** Names of query and body parameters, never their values. */
  readonly parameters: readonly string[];
  /** Of the reply; null: the connection was dropped. */
  readonly status: number | null;
  /** Not enumerable, so that printing the record prints no secret. */
  readonly body: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface OrderedFault {
  readonly provider: ProviderName;
  readonly endpoint: Endpoint;
  readonly fault: Fault;
  times: number;
}

// A path that two vendors share belongs to the last one unless an earlier one claims the call.
const dialects = [gemini, anthropic, codex, qwen] as const;
const table: readonly Match[] = dialects.flatMap((vendor) =>
  vendor.routes.map((route) => ({ dialect: vendor.dialect, route })),
);

const vendorHosts: ReadonlySet<string> = new Set(
  [...JSON.stringify(providers).matchAll(/"https:\/\/([a-z0-9.-]+)/g)].map(([, host]) => host ?? ""),
);

interface Stage {
  readonly server: Server;
  readonly seen: SeenRequest[];
  readonly faults: OrderedFault[];
}

export function makeServer(world: () => World, log: (line: string) => void): Stage {
  const seen: SeenRequest[] = [];
  const faults: OrderedFault[] = [];
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await readCall(request, world().url, vendorHosts);
    if (call === null) return send(response, json(413, { error: "request_too_large" }), null);
    const match = find(call, world());
    const endpoint = match === null ? null : endpointOf(match.route, call);
    const fault = match === null || endpoint === null ? null : takeFault(faults, match.dialect.name, endpoint);
    const reply = match === null ? unknownPath(call, world()) : meet(match, call, fault, world());
    if (match !== null && reply !== null && (endpoint === "api" || endpoint === "userinfo")) {
      const tally = world().tallies[match.dialect.name];
      tally.api += 1;
      if (reply.status === 401) tally.unauthorized += 1;
    }
    seen.push(record(call, match?.dialect.name ?? null, endpoint, reply?.status ?? null));
    log(`${call.method} ${call.path} ${String(reply?.status ?? "dropped")} ${match?.dialect.name ?? "-"}`);
    if (reply === null) response.destroy();
    else await send(response, reply, fault);
  }

  return { server, seen, faults };
}

interface Match {
  readonly dialect: Dialect;
  readonly route: Route;
}

function find(call: Call, world: World): Match | null {
  const found = table.find(({ route }) => {
    const fits = typeof route.path === "string" ? route.path === call.path : route.path.test(call.path);
    return fits && route.method === call.method && (route.when?.(call, world) ?? true);
  });
  return found ?? null;
}

/** The reply as it leaves; null: none does. */
function meet(match: Match, call: Call, fault: Fault | null, world: World): Reply | null {
  if (fault === null) return act(match, call, world);
  return bend(fault, acts(fault) ? act(match, call, world) : json(200, {}), match.dialect.name, world.now());
}

function act({ dialect, route }: Match, call: Call, world: World): Reply {
  try {
    return route.run(call, world);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const words = error.words(dialect.name);
    if (route.surface !== "page") return dialect.says(words, route.surface);
    return resultPage(words[0], `${dialect.provider.title} cannot sign you in`, `${words[2]} (${words[1]})`);
  }
}

function unknownPath(call: Call, world: World): Reply {
  if (call.method === "POST" && call.encoding === "form" && "ticket" in call.fields && !ticketOf(call, world)) {
    return resultPage(400, "This page has expired", "Start again from your terminal.");
  }
  if (call.method === "GET" && call.path === "/") {
    return resultPage(200, "The emulator is running", "Sign-in pages open from the program that asks for them.");
  }
  const elsewhere = table.some(({ route }) => route.path === call.path && route.method !== call.method);
  return json(elsewhere ? 405 : 404, { error: elsewhere ? "method_not_allowed" : "not_found" });
}

const endpointOf = (route: Route, call: Call): Endpoint =>
  typeof route.endpoint === "string" ? route.endpoint : route.endpoint(call);

function takeFault(faults: OrderedFault[], provider: ProviderName, endpoint: Endpoint): Fault | null {
  const ordered = faults.find((fault) => fault.provider === provider && fault.endpoint === endpoint && fault.times > 0);
  if (ordered === undefined) return null;
  ordered.times -= 1;
  return ordered.fault;
}

function record(
  call: Call,
  provider: ProviderName | null,
  endpoint: Endpoint | null,
  status: number | null,
): SeenRequest {
  const shown = {
    time: new Date().toISOString(),
    method: call.method,
    path: call.path,
    provider,
    endpoint,
    contentType: call.headers["content-type"] ?? null,
    userAgent: call.headers["user-agent"] ?? null,
    parameters: [...new Set([...call.query.keys(), ...Object.keys(call.fields)])],
    status,
  };
  const hidden = { body: call.body, query: call.query.toString(), headers: call.headers };
  for (const [name, value] of Object.entries(hidden)) Object.defineProperty(shown, name, { value });
  return shown as typeof shown & typeof hidden;
}
