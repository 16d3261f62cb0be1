// The token endpoint (RFC 6749 3.2): codes become tokens, refresh tokens become newer ones. The same for every vendor; what
// differs is in the dialect. The server acts at once and completely: a reply that gets lost afterwards has still spent
// the code or the refresh token, which is the situation that clients have to survive.
import { checkClient, checkParameters } from "./authorize.ts";
import { type Call, text } from "./call.ts";
import type { Dialect, Route } from "./dialect.ts";
import type { Endpoint } from "./faults.ts";
import type { Code } from "./grants.ts";
import { type Reply, json } from "./reply.ts";
import {
  type Family,
  endFamily,
  notePresented,
  openFamily,
  present,
  rememberAccess,
  rememberRefresh,
  rotates,
  spend,
} from "./tokens.ts";
import { type World, fitsChallenge } from "./world.ts";

export const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code";

/** `others`: grant types that only this vendor's endpoint knows. */
export function tokenRoute(
  dialect: Dialect,
  others: Readonly<Record<string, (call: Call, world: World) => Reply>> = {},
): Route {
  return {
    method: "POST",
    path: new URL(dialect.provider.tokenEndpoint ?? "").pathname,
    endpoint: purpose,
    surface: "token",
    run(call, world) {
      world.tallies[dialect.name].token += 1;
      dialect.judgeToken?.(call, world);
      checkParameters(call, world);
      const grantType = text(call.fields, "grant_type");
      const encodings = grantType === "refresh_token" ? dialect.encodings.refresh : dialect.encodings.code;
      checkEncoding(call, encodings, world);
      const client = text(call.fields, "client_id");
      checkClient(dialect, client, world);
      checkSecret(dialect, client, text(call.fields, "client_secret"), world);
      if (grantType === "authorization_code") return exchange(dialect, call, world);
      if (grantType === "refresh_token") return refresh(dialect, call, world);
      return (others[grantType] ?? (() => world.deadEnd("unsupported-grant-type")))(call, world);
    },
  };
}

function purpose(call: Call): Endpoint {
  const grantType = text(call.fields, "grant_type");
  return grantType === "refresh_token" ? "refresh" : grantType === deviceGrantType ? "poll" : "token";
}

export function checkEncoding(call: Call, allowed: readonly Call["encoding"][], world: World): void {
  if (!allowed.includes(call.encoding)) world.refuses("wrong-encoding");
}

function exchange(dialect: Dialect, call: Call, world: World): Reply {
  const tally = world.tallies[dialect.name];
  const value = text(call.fields, "code");
  if (value === "") world.deadEnd("missing-parameter");
  const code = world.grants.codes.get(value);
  if (code?.provider !== dialect.name) return world.deadEnd("unknown-code");
  const client = text(call.fields, "client_id");
  if (code.client !== client && dialect.clients(world).has(client)) world.refuses("code-of-another-client");
  const gave = code.gave;
  if (gave !== null) {
    // RFC 6749 4.1.2: deny the second use, and revoke what the first one gave.
    world.refuses("replayed-code", () => {
      if (endFamily(gave, "replay")) tally.revokedFamilies += 1;
    });
  }
  if (world.now() >= code.expiresAt) world.refuses("expired-code");
  // RFC 6749 4.1.3: identical to the one of the authorization request, character for character.
  if (!code.redirectUris.includes(text(call.fields, "redirect_uri"))) world.refuses("redirect-mismatch");
  checkVerifier(code.challenge, text(call.fields, "code_verifier"), world);
  if (dialect.provider.stateInTokenRequest) checkState(code, text(call.fields, "state"), world);
  const family = openFamily(world.ledger, code);
  code.gave = family;
  tally.exchanges += 1;
  return issue(dialect, family, { refreshable: code.refreshable, nonce: code.nonce }, call, world);
}

/** RFC 7636 4.6; also of a device flow that knows PKCE. */
export function checkVerifier(challenge: string | null, verifier: string, world: World): void {
  if (!fitsChallenge(challenge, verifier)) world.refuses("wrong-verifier");
}

function checkState(code: Code, state: string, world: World): void {
  if (state === "") world.refuses("missing-token-state");
  else if (state !== code.state) world.refuses("wrong-token-state");
}

function checkSecret(dialect: Dialect, client: string, secret: string, world: World): void {
  const registered = dialect.clients(world).get(client) ?? null;
  if (registered === null) return;
  const right = typeof registered === "string" ? secret === registered : secret !== "";
  if (!right) world.refuses("wrong-secret");
}

function refresh(dialect: Dialect, call: Call, world: World): Reply {
  const tally = world.tallies[dialect.name];
  const now = world.now();
  const token = text(call.fields, "refresh_token");
  if (token === "") world.deadEnd("missing-parameter");
  const presented = present(world.ledger, token, now, world.knobs.reuseGraceMs);
  if (presented.kind === "unknown" || presented.family.provider !== dialect.name) {
    return world.deadEnd("unknown-refresh-token");
  }
  const { family } = presented;
  notePresented(world.ledger, token, presented, now);
  const client = text(call.fields, "client_id");
  if (family.client !== client && dialect.clients(world).has(client)) world.refuses("token-of-another-client");
  if (presented.kind === "reused") {
    world.refuses("reused-refresh-token", () => {
      tally.reuses += 1;
      if (dialect.reuseEndsLogin && endFamily(family, "reuse")) tally.revokedFamilies += 1;
    });
  }
  if (family.ended !== null) world.deadEnd("ended-login");
  const granted = new Set(family.scope.split(" "));
  // RFC 6749 6: never more than was granted.
  const wider = text(call.fields, "scope")
    .split(" ")
    .filter(Boolean)
    .some((scope) => !granted.has(scope));
  if (wider) world.refuses("wider-scope");
  tally.refreshes += 1;
  if (presented.kind === "graced") {
    tally.graced += 1;
    return issue(dialect, family, { repeat: presented.current }, call, world);
  }
  family.generation += 1;
  const rotate = rotates(dialect.provider.rotation, family.generation);
  if (rotate) spend(world.ledger, token, now);
  return issue(dialect, family, { rotate }, call, world);
}

/** Mints, remembers and words one token reply. */
export function issue(
  dialect: Dialect,
  family: Family,
  how:
    | { readonly refreshable: boolean; readonly nonce: string | null }
    | { readonly rotate: boolean }
    | { readonly repeat: string },
  call: Call,
  world: World,
): Reply {
  const now = world.now();
  const person = world.people.find(({ email }) => email === family.account) ?? world.people[0];
  const expiresInS = world.knobs.lifetimeS ?? dialect.accessLifetimeS;
  const access = dialect.mint.access(world, family, person, expiresInS);
  rememberAccess(world.ledger, access, family, now + expiresInS * 1000);
  const repeated = "repeat" in how ? how.repeat : null;
  const fresh = ("refreshable" in how && how.refreshable) || ("rotate" in how && how.rotate);
  const newest = fresh ? dialect.mint.refresh(world) : null;
  if (newest !== null) rememberRefresh(world.ledger, newest, family, now);
  const nonce = "nonce" in how ? how.nonce : null;
  const given = { family, person, access, refresh: newest ?? repeated, expiresInS, nonce, call };
  return json(200, dialect.reply(given, world));
}
