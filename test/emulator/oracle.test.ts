// A strict client that is not ours signs in: what it accepts is what RFC 6749, 7636, 8628 and OpenID Connect call right.
// Qwen's token reply is left out; with its null members it is not, and the emulator is not meant to be better than the vendor.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as oauth from "oauth4webapi";
import { startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import { at, clientOf, redirects } from "./client.ts";

const insecure = { [oauth.allowInsecureRequests]: true } as const;

for (const name of ["gemini", "codex"] as const) {
  test(`${name}: authorization code, id token, refresh`, async () => {
    await using emulator = await startEmulator();
    const provider = providers[name];
    const server: oauth.AuthorizationServer = {
      issuer: new URL(provider.authorizationEndpoint).origin,
      authorization_endpoint: at(emulator, provider.authorizationEndpoint),
      token_endpoint: at(emulator, provider.tokenEndpoint),
      revocation_endpoint: at(emulator, provider.revocationEndpoint),
    };
    const client: oauth.Client = { client_id: clientOf(emulator, name) };
    const authentication =
      name === "gemini" ? oauth.ClientSecretPost(emulator.geminiClient.installed.client_secret) : oauth.None();
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(server.authorization_endpoint ?? "");
    url.search = new URLSearchParams({
      ...provider.authorizeParameters,
      client_id: client.client_id,
      response_type: "code",
      redirect_uri: redirects[name],
      scope: provider.scopes.join(" "),
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }).toString();

    const { redirected } = await emulator.approve(url.href);
    const parameters = oauth.validateAuthResponse(server, client, new URL(redirected ?? ""), state);
    const tokens = await oauth.processAuthorizationCodeResponse(
      server,
      client,
      await oauth.authorizationCodeGrantRequest(
        server,
        client,
        authentication,
        parameters,
        redirects[name],
        verifier,
        insecure,
      ),
      { requireIdToken: true },
    );
    assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.["email"], emulator.accounts[0]);

    const request = () =>
      oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token ?? "", insecure);
    const refreshed = await oauth.processRefreshTokenResponse(server, client, await request());
    assert.notEqual(refreshed.access_token, tokens.access_token);

    if (name === "gemini") {
      const revoked = await oauth.revocationRequest(server, client, authentication, refreshed.access_token, insecure);
      await oauth.processRevocationResponse(revoked);
      // Where the error is RFC 6749's, the strict client reads it as such.
      await assert.rejects(oauth.processRefreshTokenResponse(server, client, await request()), {
        error: "invalid_grant",
      });
    }

    const denied = await emulator.deny(url.href);
    assert.throws(() => oauth.validateAuthResponse(server, client, new URL(denied.redirected ?? ""), state), {
      error: "access_denied",
    });
  });
}

test("qwen: device authorization and pending", async () => {
  await using emulator = await startEmulator();
  const server: oauth.AuthorizationServer = {
    issuer: "https://chat.qwen.ai",
    device_authorization_endpoint: at(emulator, providers.qwen.deviceAuthorizationEndpoint),
    token_endpoint: at(emulator, providers.qwen.tokenEndpoint),
  };
  const client: oauth.Client = { client_id: providers.qwen.clientId };
  const verifier = oauth.generateRandomCodeVerifier();
  const parameters = {
    scope: providers.qwen.scopes.join(" "),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  const begun = await oauth.processDeviceAuthorizationResponse(
    server,
    client,
    await oauth.deviceAuthorizationRequest(server, client, oauth.None(), parameters, insecure),
  );
  assert.equal(begun.interval, undefined);
  const poll = oauth.deviceCodeGrantRequest(server, client, oauth.None(), begun.device_code, {
    ...insecure,
    additionalParameters: { code_verifier: verifier },
  });
  await assert.rejects(oauth.processDeviceCodeResponse(server, client, await poll), { error: "authorization_pending" });
});
