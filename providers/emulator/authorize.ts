// The authorization endpoint (RFC 6749 3.1), the same for every vendor that has one: judge the request, show the consent
// page, turn a person's yes into a code. A request that does not hold is answered with a page and never with a redirect:
// an address that was not checked must not receive anything (RFC 6749 4.1.2.1).
import { type Call, text } from "./call.ts";
import type { Dialect, Route } from "./dialect.ts";
import type { Code, Ticket } from "./grants.ts";
import { consentPage } from "./pages.ts";
import type { Person } from "./people.ts";
import { type Reply, seeOther } from "./reply.ts";
import type { World } from "./world.ts";

export interface Place {
  /** Other paths of the same page. */
  readonly alsoAt?: readonly string[];
  /** Where another vendor has the same path: whether this request is ours. */
  readonly when?: (call: Call, world: World) => boolean;
}

export function authorizeRoutes(dialect: Dialect, { alsoAt = [], when }: Place = {}): readonly Route[] {
  const own = new URL(dialect.provider.authorizationEndpoint ?? "").pathname;
  return [own, ...alsoAt].flatMap((path) => routesAt(path, dialect, when));
}

function routesAt(path: string, dialect: Dialect, when: Place["when"]): readonly Route[] {
  const shared = { path, endpoint: "authorize", surface: "page" } as const;
  return [
    { ...shared, method: "GET", ...(when && { when }), run: (call, world) => ask(dialect, call, world) },
    {
      ...shared,
      method: "POST",
      when: (call, world) => ticketOf(call, world)?.provider === dialect.name,
      run: (call, world) => answer(dialect, call, world),
    },
  ];
}

/** For a page that outlived its ticket, whoever it belonged to. */
export const ticketOf = (call: Call, world: World): Ticket | undefined =>
  world.grants.tickets.get(text(call.fields, "ticket"));

function ask(dialect: Dialect, call: Call, world: World): Reply {
  const { query } = call;
  world.tallies[dialect.name].authorize += 1;
  checkParameters(call, world);
  const client = query.get("client_id") ?? "";
  checkClient(dialect, client, world);
  const redirectUri = query.get("redirect_uri") ?? "";
  checkRedirect(dialect, redirectUri, world);
  if (query.get("response_type") !== "code") world.refuses("wrong-response-type");
  const state = query.get("state") ?? "";
  if (state === "") world.refuses("missing-state");
  dialect.judge?.(query, world);
  const challenge = checkChallenge(dialect, query.get("code_challenge"), query.get("code_challenge_method"), world);
  const ticket: Ticket = {
    provider: dialect.name,
    client,
    redirectUri,
    scope: query.get("scope") ?? dialect.provider.scopes.join(" "),
    state,
    challenge,
    parameters: Object.fromEntries(query),
  };
  const id = world.mint("", 18);
  world.grants.tickets.set(id, ticket);
  return consentPage({
    title: dialect.provider.title,
    people: world.people,
    scopes: ticket.scope.split(" ").filter(Boolean),
    ticket: id,
    client,
    redirectUri,
  });
}

function answer(dialect: Dialect, call: Call, world: World): Reply {
  const ticket = ticketOf(call, world) ?? world.deadEnd("unknown-ticket");
  const to = new URL(ticket.redirectUri);
  if (text(call.fields, "decision") === "approve") {
    const person = world.people.find(({ email }) => email === text(call.fields, "account")) ?? world.people[0];
    to.searchParams.set("code", issueCode(dialect, ticket, person, world));
  } else {
    to.searchParams.set("error", "access_denied");
  }
  if (ticket.state !== "") to.searchParams.set("state", ticket.state);
  return seeOther(to.href);
}

function issueCode(dialect: Dialect, ticket: Ticket, person: Person, world: World): string {
  const code: Code = {
    provider: dialect.name,
    client: ticket.client,
    redirectUris: [ticket.redirectUri],
    scope: ticket.scope,
    state: ticket.state,
    nonce: ticket.parameters["nonce"] ?? null,
    challenge: ticket.challenge,
    account: person.email,
    refreshable: dialect.refreshable(ticket, person, world),
    expiresAt: world.now() + world.knobs.codeLifetimeS * 1000,
    gave: null,
  };
  const value = dialect.mint.code(world);
  world.grants.codes.set(value, code);
  return value;
}

/** RFC 6749 3.1 and 3.2: no parameter twice. */
export function checkParameters(call: Call, world: World): void {
  if (call.repeated) world.refuses("repeated-parameter");
}

export function checkClient(dialect: Dialect, client: string, world: World): void {
  if (!dialect.clients(world).has(client)) world.refuses("unknown-client");
}

/** Also of the device flow whose dialect knows PKCE. */
export function checkChallenge(
  dialect: Dialect,
  challenge: string | null,
  method: string | null,
  world: World,
): string | null {
  if (challenge === null || challenge === "") {
    if (dialect.wantsChallenge) world.refuses("missing-challenge");
    return null;
  }
  // RFC 7636 4.3: a missing method means plain, and plain would hand the verifier to whoever sees the URL (7.2).
  if (method !== "S256") world.refuses("plain-challenge");
  return method === "S256" ? challenge : null;
}

function checkRedirect(dialect: Dialect, redirectUri: string, world: World): void {
  const uri = URL.canParse(redirectUri) ? new URL(redirectUri) : null;
  // Switched off or not: what is no web address cannot be redirected to.
  if (uri === null || !["http:", "https:"].includes(uri.protocol)) return world.deadEnd("unusable-redirect-uri");
  const verdict = dialect.redirect(uri, world);
  if (verdict === "unregistered-port") world.refuses("unregistered-port");
  if (verdict === "wrong-redirect-uri") world.refuses("wrong-redirect-uri");
}
