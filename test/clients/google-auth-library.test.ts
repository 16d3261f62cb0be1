// The library that Google's own tools sign in with, against the emulator: what it refuses to accept is the emulator's fault.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CodeChallengeMethod, OAuth2Client } from "google-auth-library";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import { at, redirects } from "../emulator/client.ts";

const { gemini } = providers;

// The library would go through the tester's own proxy even to this machine.
process.env["NO_PROXY"] = "127.0.0.1";

function clientOf(emulator: Emulator): OAuth2Client {
  const { client_id: clientId, client_secret: clientSecret } = emulator.geminiClient.installed;
  return new OAuth2Client({
    clientId,
    clientSecret,
    redirectUri: redirects.gemini,
    forceRefreshOnFailure: true,
    endpoints: {
      oauth2AuthBaseUrl: at(emulator, gemini.authorizationEndpoint),
      oauth2TokenUrl: at(emulator, gemini.tokenEndpoint),
      oauth2RevokeUrl: at(emulator, gemini.revocationEndpoint),
      tokenInfoUrl: `${emulator.url}/tokeninfo`,
      oauth2FederatedSignonPemCertsUrl: `${emulator.url}/oauth2/v1/certs`,
    },
  });
}

async function signIn(emulator: Emulator, client: OAuth2Client) {
  const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
  const url = client.generateAuthUrl({
    access_type: "offline",
    prompt: "consent",
    scope: [...gemini.scopes],
    state: "a-state-of-its-own",
    code_challenge_method: CodeChallengeMethod.S256,
    ...(codeChallenge !== undefined && { code_challenge: codeChallenge }),
  });
  const { redirected } = await emulator.approve(url);
  const query = new URL(redirected ?? "").searchParams;
  assert.equal(query.get("state"), "a-state-of-its-own");
  const { tokens } = await client.getToken({ code: query.get("code") ?? "", codeVerifier });
  client.setCredentials(tokens);
  return tokens;
}

describe("google-auth-library", () => {
  it("exchanges a code, knows whose token it is, and verifies the id token with the server's certificate", async () => {
    await using emulator = await startEmulator();
    const client = clientOf(emulator);
    const tokens = await signIn(emulator, client);
    assert.ok((tokens.expiry_date ?? 0) > Date.now() + 3_500_000);
    const info = await client.getTokenInfo(tokens.access_token ?? "");
    assert.deepEqual([info.email, info.aud], [emulator.accounts[0], client._clientId]);
    assert.deepEqual(info.scopes, gemini.scopes);
    const { data } = await client.request<{ email: string }>({ url: at(emulator, gemini.userinfoEndpoint) });
    assert.equal(data.email, emulator.accounts[0]);

    const audience = client._clientId ?? "";
    const ticket = await client.verifyIdToken({ idToken: tokens.id_token ?? "", audience });
    assert.deepEqual([ticket.getPayload()?.email, ticket.getUserId()], [emulator.accounts[0], info.sub]);
    const [head, , signature] = (tokens.id_token ?? "").split(".");
    const claims = Buffer.from(JSON.stringify({ ...ticket.getPayload(), email: "sam@example.org" }));
    await assert.rejects(
      client.verifyIdToken({ idToken: `${head}.${claims.toString("base64url")}.${signature}`, audience }),
      /Invalid token signature/,
    );
  });

  it("renews an expired token and keeps the refresh token, also after a 401", async () => {
    await using emulator = await startEmulator();
    const client = clientOf(emulator);
    const tokens = await signIn(emulator, client);
    client.setCredentials({ ...tokens, expiry_date: Date.now() - 1 });
    const headers = await client.getRequestHeaders();
    const renewed = client.credentials.access_token ?? "";
    assert.notEqual(renewed, tokens.access_token);
    assert.equal(headers.get("authorization"), `Bearer ${renewed}`);
    assert.equal(client.credentials.refresh_token, tokens.refresh_token);
    assert.equal(emulator.standing(renewed), "live");

    emulator.expireAccess("gemini");
    await client.request({ url: at(emulator, gemini.userinfoEndpoint) });
    assert.equal(emulator.counters("gemini").refreshes, 2);
  });

  it("revokes, and is told that nothing is left", async () => {
    await using emulator = await startEmulator();
    const client = clientOf(emulator);
    const tokens = await signIn(emulator, client);
    assert.equal((await client.revokeCredentials()).status, 200);
    assert.equal(emulator.standing(tokens.access_token ?? ""), "ended");
    client.setCredentials({ refresh_token: tokens.refresh_token ?? "" });
    await assert.rejects(client.getAccessToken(), /invalid_grant/);
    await assert.rejects(client.getTokenInfo(tokens.access_token ?? ""), /invalid_token/);
  });
});
