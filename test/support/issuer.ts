// A certified OpenID provider (`oidc-provider`), unmodified, on a loopback port, and a person who clicks through its own
// pages over HTTP. Nothing here knows what the client under test does.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { EventEmitter } from "node:events";
import type { AddressInfo } from "node:net";
import { type Configuration, Provider } from "oidc-provider";
import { Home, type Json } from "./home.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: URLSearchParams;
  readonly query: URLSearchParams;
  status: number;
}

export interface Issuer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly Seen[];
  /** How often each of its own events came: `refresh_token.consumed`, `grant.revoked`, … */
  readonly events: ReadonlyMap<string, number>;
  /** Members of its metadata that are to be others; undefined removes one. */
  readonly metadata: Record<string, unknown>;
  /** What the person's last page said. */
  readonly visit: (
    url: string,
    decision?: "approve" | "deny",
  ) => Promise<{ status: number; body: string; url: string }>;
}

const client = {
  client_id: "llxprt-auth",
  client_name: "A terminal",
  application_type: "native",
  token_endpoint_auth_method: "none",
  redirect_uris: ["http://127.0.0.1/callback"],
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
  response_types: ["code"],
} as const;

/** What its own ledger says about refresh tokens, and about requests that were refused. */
const judging = [
  "refresh_token.saved",
  "refresh_token.consumed",
  "grant.success",
  "grant.revoked",
  "grant.error",
] as const;

/** As little as settings must say about a provider that is known by its issuer: the contract's example. */
export function factsFor(issuer: string, changes: Json = {}): Json {
  const scopes = ["openid", "email", "offline_access"];
  return { grants: ["loopback", "device"], issuer, clientId: "llxprt-auth", scopes, ...changes };
}

/** A home whose settings say just that about `acme`. */
export function homeFor(issuer: string, changes: Json = {}): Home {
  const home = new Home();
  home.settings({ oauthEnabledProviders: { acme: true }, providers: { acme: factsFor(issuer, changes) } });
  return home;
}

/** @param path of the issuer, where it is not alone on its host: `/tenant` */
export async function startIssuer(changes: Configuration = {}, path = ""): Promise<Issuer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  silence();
  const provider = new Provider(url, {
    clients: [
      {
        ...client,
        grant_types: [...client.grant_types],
        redirect_uris: [...client.redirect_uris],
        response_types: [...client.response_types],
      },
    ],
    claims: { openid: ["sub"], email: ["email"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com` }) }),
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
    cookies: { keys: ["a-key-for-tests"] },
    ttl: { AccessToken: 3600, RefreshToken: 86_400, Session: 3600, Grant: 86_400, Interaction: 600, IdToken: 3600 },
    ...changes,
  });
  const requests: Seen[] = [];
  const events = new Map<string, number>();
  for (const name of judging)
    (provider as EventEmitter).on(name, () => void events.set(name, (events.get(name) ?? 0) + 1));
  const metadata: Record<string, unknown> = {};
  provider.use(async (context, next) => {
    await next();
    const body = (context as { oidc?: { body?: Record<string, string> } }).oidc?.body ?? {};
    requests.push({
      method: context.method,
      path: context.path,
      body: new URLSearchParams(body),
      query: new URLSearchParams(context.querystring),
      status: context.status,
    });
    if (context.path.startsWith("/.well-known/") && context.status === 200)
      context.body = { ...(context.body as object), ...metadata };
  });
  const answer = provider.callback();
  server.on("request", (request, response) => {
    const { url: asked = "/" } = request;
    if (asked.startsWith(path)) {
      // As a framework mounts it: it finds its own place by the difference.
      Object.assign(request, { originalUrl: asked, url: asked.slice(path.length) });
      void answer(request, response);
    } else response.writeHead(404).end();
  });
  return {
    url,
    requests,
    events,
    metadata,
    visit: (address, decision = "approve") => new Person(new URL(url).origin, decision).visit(address),
    [Symbol.asyncDispose]: () => closed(server),
  };
}

/** The library warns of everything that is not for production, whenever it meets it. */
function silence(): void {
  console.info = () => undefined;
  console.warn = () => undefined;
}

async function closed(server: Server): Promise<void> {
  const done = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await done;
}

/** A browser without scripts, and somebody who uses it. */
class Person {
  readonly #cookies = new Map<string, string>();
  readonly #issuer: string;
  readonly #decision: "approve" | "deny";

  constructor(issuer: string, decision: "approve" | "deny") {
    this.#issuer = issuer;
    this.#decision = decision;
  }

  async visit(start: string): Promise<{ status: number; body: string; url: string }> {
    let url = start;
    let form: URLSearchParams | null = null;
    for (let steps = 0; steps < 25; steps += 1) {
      const isAtIssuer = new URL(url).origin === this.#issuer;
      const reply: Response = await fetch(url, {
        redirect: "manual",
        ...(form === null ? {} : { method: "POST", body: form }),
        headers: isAtIssuer ? { cookie: this.#jar(), accept: "text/html" } : { accept: "text/html" },
      });
      for (const line of reply.headers.getSetCookie()) this.#keep(line);
      const location = reply.headers.get("location");
      const body = await reply.text();
      if (location !== null) {
        url = new URL(location, url).href;
        form = null;
        continue;
      }
      const next = isAtIssuer && reply.status === 200 ? this.#next(body, url) : null;
      if (next === null) return { status: reply.status, body, url };
      ({ url, form } = next);
    }
    return assert.fail("the pages go in circles");
  }

  #jar(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  #keep(line: string): void {
    const [pair = ""] = line.split(";", 1);
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (value === "") this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }

  /** What a click on this page leads to; null: nothing more to do. */
  #next(body: string, at: string): { url: string; form: URLSearchParams | null } | null {
    const abort = /<a[^>]*href="([^"]*\/abort)"/.exec(body)?.[1];
    if (this.#decision === "deny" && abort !== undefined) return { url: new URL(abort, at).href, form: null };
    const action = /<form[^>]*action="([^"]*)"/.exec(body)?.[1];
    if (action === undefined) return null;
    const form = new URLSearchParams();
    for (const [input] of body.matchAll(/<input[^>]*>/g)) {
      const name = /\bname="([^"]*)"/.exec(input)?.[1];
      if (name === undefined) continue;
      const typed = { login: "robin", password: "any" }[name];
      form.set(name, typed ?? /\bvalue="([^"]*)"/.exec(input)?.[1] ?? "");
    }
    // Asked for a code once more, after a denial: he has none.
    if (form.get("user_code") === "") return null;
    if (this.#decision === "deny" && body.includes('name="abort"')) form.set("abort", "yes");
    return { url: new URL(action, at).href, form };
  }
}
