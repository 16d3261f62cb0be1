// Another server that nobody adapted to us, of the plain kind: no `iss` in its redirects, no pages, signed tokens, bodies in
// either encoding. Its hooks let it misbehave as real servers do, and the program, a process of its own, has to cope.
import assert from "node:assert/strict";
import { createPublicKey, randomUUID, verify } from "node:crypto";
import { describe, it } from "node:test";
import {
  Events,
  type MutableRedirectUri,
  type MutableResponse,
  type MutableToken,
  OAuth2Server,
} from "oauth2-mock-server";
import type { House, Json } from "../cli/program.ts";
import { endedWith, homeAt, provider, run, signedIn, stored } from "./home.ts";

const again = /^Next: llxprt-auth acme login$/m;
const facts = { grants: ["loopback"], scopes: ["openid", "offline_access"] };

interface Mock extends AsyncDisposable {
  readonly url: string;
  /** Bodies that came to the token endpoint, in the order of coming. */
  readonly asked: readonly Json[];
  /** The next token reply, bent. */
  bend(change: (reply: MutableResponse) => void): void;
  readonly server: OAuth2Server;
}

async function startMock(): Promise<Mock> {
  const server = new OAuth2Server();
  await server.issuer.keys.generate("RS256");
  await server.start(0, "127.0.0.1");
  const asked: Json[] = [];
  server.service.on(Events.BeforeTokenSigning, ({ payload }: MutableToken, { body }: { body: Json }) => {
    // Two tokens of one second would be one token.
    payload["jti"] = randomUUID();
    if (asked.at(-1) !== body) asked.push(body);
  });
  return {
    url: server.issuer.url ?? "",
    asked,
    bend: (change) => void server.service.once(Events.BeforeResponse, change),
    server,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** A browser that follows; this server has no pages. */
async function visit(address: string) {
  const reply = await fetch(address);
  return { status: reply.status, body: await reply.text(), url: reply.url };
}

const login = (house: House) => signedIn(house, visit);

/** The payload of a token that this server has signed (RFC 7515 5.2). */
async function signedBy({ url }: Mock, token: string): Promise<Json> {
  const { keys } = (await (await fetch(`${url}/jwks`)).json()) as { keys: [Json] };
  const [head = "", payload = "", signature = ""] = token.split(".");
  const key = createPublicKey({ key: keys[0], format: "jwk" });
  assert.ok(verify("RSA-SHA256", Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, "base64url")));
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as Json;
}

describe("oauth2-mock-server", { concurrency: 2 }, () => {
  for (const encoding of ["form", "json"])
    it(`signs in, renews and signs out with ${encoding} bodies`, async () => {
      await using mock = await startMock();
      using house = homeAt(mock.url, { ...facts, tokenEncoding: encoding, refreshEncoding: encoding });
      const { page, ...ended } = await login(house);
      endedWith(ended, 0);
      assert.match(page.body, /Signed in/);
      const { stdout } = await run(house, "token");
      assert.equal((await signedBy(mock, stdout.trim()))["iss"], mock.url);
      const { refresh_token: spent, id_token: identity } = await stored(house);
      assert.equal((await signedBy(mock, identity))["aud"], "llxprt-auth");
      endedWith(await run(house, "refresh --force"), 0);
      assert.notEqual((await stored(house))["refresh_token"], spent);
      assert.deepEqual(
        mock.asked.map(({ grant_type: grant, refresh_token: sent }) => [grant, sent]),
        [
          ["authorization_code", undefined],
          ["refresh_token", spent],
        ],
      );
      const revoked: Json[] = [];
      mock.server.service.on(Events.BeforeRevoke, (reply) => void revoked.push(reply));
      endedWith(await run(house, "logout"), 0);
      assert.ok(revoked.length > 0 && !house.has(`oauth/${provider}.json`));
    });

  it("redirects with another state: refused, and the true redirect still signs in", async () => {
    await using mock = await startMock();
    using house = homeAt(mock.url, facts);
    const { page, ...ended } = await signedIn(house, async (address) => {
      mock.server.service.once(Events.BeforeAuthorizeRedirect, ({ url }: MutableRedirectUri) => {
        url.searchParams.set("state", "of-somebody-else");
      });
      assert.equal((await visit(address)).status, 400);
      assert.deepEqual(mock.asked, []);
      return visit(address);
    });
    endedWith(ended, 0);
    assert.equal(page.status, 200);
  });

  it("is brought a code of somebody else's sign-in: PKCE refuses it at the server", async () => {
    await using mock = await startMock();
    using house = homeAt(mock.url, facts);
    const { page: _, ...ended } = await signedIn(house, async (address) => {
      const foreign = new URL(address);
      foreign.searchParams.set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
      // Same client, same redirect, same state: all that tells them apart is the challenge (RFC 7636 appendix B).
      const { headers } = await fetch(foreign, { redirect: "manual" });
      return visit(headers.get("location") ?? "");
    });
    endedWith(ended, 4, again);
    assert.equal(house.has(`oauth/${provider}.json`), false);
  });

  it("puts another nonce into the id token: nothing is stored", async () => {
    await using mock = await startMock();
    using house = homeAt(mock.url, facts);
    mock.server.service.on(Events.BeforeTokenSigning, ({ payload }: MutableToken) => {
      if ("nonce" in payload) payload["nonce"] = "of-somebody-else";
    });
    const { page: _, ...ended } = await login(house);
    endedWith(ended, 4, again);
    assert.equal(house.has(`oauth/${provider}.json`), false);
  });

  const troubles: readonly (readonly [string, (reply: MutableResponse) => void, number, RegExp | null])[] = [
    ["invalid_grant", (reply) => Object.assign(reply, { statusCode: 400, body: { error: "invalid_grant" } }), 3, again],
    ["a failure of its own", (reply) => Object.assign(reply, { statusCode: 503, body: "" }), 5, null],
    ["tokens that are no bearer's", ({ body }) => Object.assign(body, { token_type: "DPoP" }), 3, again],
    ["an error in a reply of 200", ({ body }) => Object.assign(body, { error: "server_error" }), 5, null],
  ];
  for (const [what, change, exit, next] of troubles)
    it(`answers a refresh with ${what}: exit ${exit}, and the login is kept`, async () => {
      await using mock = await startMock();
      using house = homeAt(mock.url, facts);
      endedWith(await login(house), 0);
      const { refresh_token: old } = await stored(house);
      mock.bend(change);
      endedWith(await run(house, "refresh --force"), exit, next ?? undefined);
      assert.equal(house.tokens(provider)["refresh_token"], old);
      endedWith(await run(house, "token"), 0);
    });

  it("says nothing of a lifetime: the token's own end counts", async () => {
    await using mock = await startMock();
    using house = homeAt(mock.url, facts);
    mock.bend(({ body }) => void delete (body as Json)["expires_in"]);
    endedWith(await login(house), 0);
    const { access_token: token, expiry } = await stored(house);
    assert.equal(expiry, (await signedBy(mock, token))["exp"]);
  });

  it("sends no new refresh token: the old one stays", async () => {
    await using mock = await startMock();
    using house = homeAt(mock.url, facts);
    endedWith(await login(house), 0);
    const { refresh_token: kept, access_token: old } = await stored(house);
    mock.bend(({ body }) => void delete (body as Json)["refresh_token"]);
    endedWith(await run(house, "refresh --force"), 0);
    assert.equal((await stored(house))["refresh_token"], kept);
    assert.notEqual((await stored(house))["access_token"], old);
  });
});
