// A certified OpenID client that knows the vendors by their own names: its requests for those are carried to the emulator,
// as a hosts file would, and it checks everything that it can, the signatures of id tokens included.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as client from "openid-client";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import { clientOf, redirects } from "../emulator/client.ts";
import { carrier } from "./carry.ts";

const atCodex = {
  issuer: "https://auth.openai.com",
  authorization_endpoint: providers.codex.authorizationEndpoint,
  token_endpoint: providers.codex.tokenEndpoint,
  jwks_uri: "https://auth.openai.com/.well-known/jwks.json",
} as const;

async function configured(emulator: Emulator, name: "gemini" | "codex"): Promise<client.Configuration> {
  const id = clientOf(emulator, name);
  const { client_secret: secret } = emulator.geminiClient.installed;
  const carry = carrier(emulator) as client.CustomFetch;
  const config =
    name === "gemini"
      ? await client.discovery(new URL("https://accounts.google.com"), id, secret, undefined, {
          [client.customFetch]: carry,
        })
      : new client.Configuration(atCodex, id, undefined, client.None());
  config[client.customFetch] = carry;
  client.enableNonRepudiationChecks(config);
  return config;
}

describe("openid-client", () => {
  for (const name of ["gemini", "codex"] as const)
    it(`${name}: code with PKCE, state and nonce; signed id token; refresh`, async () => {
      await using emulator = await startEmulator();
      const config = await configured(emulator, name);
      const [verifier, expectedState, expectedNonce] = [
        client.randomPKCECodeVerifier(),
        client.randomState(),
        client.randomNonce(),
      ];
      const url = client.buildAuthorizationUrl(config, {
        ...providers[name].authorizeParameters,
        redirect_uri: redirects[name],
        scope: ["openid", ...providers[name].scopes.filter((scope) => scope !== "openid")].join(" "),
        state: expectedState,
        nonce: expectedNonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      const { redirected } = await emulator.approve(emulator.url + url.pathname + url.search);
      const current = new URL(redirected ?? "");
      const tokens = await client.authorizationCodeGrant(config, current, {
        pkceCodeVerifier: verifier,
        expectedState,
        expectedNonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      assert.deepEqual([claims?.["email"], claims?.nonce], [emulator.accounts[0], expectedNonce]);
      assert.ok((tokens.expiresIn() ?? 0) > 3_500);

      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
      assert.notEqual(refreshed.access_token, tokens.access_token);
      assert.deepEqual([refreshed.claims()?.sub, refreshed.claims()?.nonce], [claims?.sub, undefined]);

      // The second time, the code ends what it gave (RFC 6749 4.1.2).
      await assert.rejects(
        client.authorizationCodeGrant(config, current, { pkceCodeVerifier: verifier, expectedState, expectedNonce }),
        name === "gemini" ? { error: "invalid_grant" } : client.ClientError,
      );
      assert.equal(emulator.standing(refreshed.access_token), "ended");

      const denied = await emulator.deny(emulator.url + url.pathname + url.search);
      await assert.rejects(
        client.authorizationCodeGrant(config, new URL(denied.redirected ?? ""), {
          pkceCodeVerifier: verifier,
          expectedState,
        }),
        { error: "access_denied" },
      );
    });

  it("gemini: userinfo and revocation, as the metadata names them", async () => {
    await using emulator = await startEmulator();
    const config = await configured(emulator, "gemini");
    const url = client.buildAuthorizationUrl(config, {
      ...providers.gemini.authorizeParameters,
      redirect_uri: redirects.gemini,
      scope: "openid email profile",
      state: "0123456789",
    });
    const { redirected } = await emulator.approve(emulator.url + url.pathname + url.search);
    const checks = { expectedState: "0123456789" };
    const tokens = await client.authorizationCodeGrant(config, new URL(redirected ?? ""), checks);
    const who = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? "");
    assert.equal(who.email, emulator.accounts[0]);
    await client.tokenRevocation(config, tokens.refresh_token ?? "");
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token ?? ""), { error: "invalid_grant" });
  });

  it("qwen: device code, its polls, refresh; and null members are all that it minds", { timeout: 60_000 }, async () => {
    await using emulator = await startEmulator({ deviceIntervalS: 1 });
    const { qwen } = providers;
    const server = {
      issuer: "https://chat.qwen.ai",
      device_authorization_endpoint: qwen.deviceAuthorizationEndpoint,
      token_endpoint: qwen.tokenEndpoint,
    };
    const config = new client.Configuration(server, qwen.clientId, undefined, client.None());
    const carry = carrier(emulator) as client.CustomFetch;
    config[client.customFetch] = carry;
    const begin = async (verifier: string) =>
      client.initiateDeviceAuthorization(config, {
        scope: qwen.scopes.join(" "),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
    const verifier = client.randomPKCECodeVerifier();
    const finish = async () => {
      const begun = await begin(verifier);
      assert.match(begun.verification_uri_complete ?? "", /^https:\/\/chat\.qwen\.ai\/authorize\?user_code=/);
      const polled = client.pollDeviceAuthorizationGrant(
        config,
        { ...begun, interval: 1 },
        { code_verifier: verifier },
      );
      polled.catch(() => undefined);
      while (emulator.counters("qwen").polls === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      await emulator.approveDevice(begun.user_code);
      return polled;
    };
    // The vendor's own client takes null for absent, and the vendor says `"scope": null`.
    await assert.rejects(finish(), ({ cause }: Error) =>
      /"response" body "scope" property must be a string/.test((cause as Error).message),
    );
    config[client.customFetch] = async (url, options) => {
      const reply = await carry(url, options);
      const members = Object.entries((await reply.json()) as object).filter(([, value]) => value !== null);
      return Response.json(Object.fromEntries(members), { status: reply.status });
    };
    const tokens = await finish();
    assert.equal(tokens["resource_url"], "portal.qwen.ai", "a host without a scheme, as the vendor has it");
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    assert.equal(emulator.standing(refreshed.access_token), "live");

    const denied = await begin(verifier);
    await emulator.denyDevice(denied.user_code);
    await assert.rejects(
      client.pollDeviceAuthorizationGrant(config, { ...denied, interval: 1 }, { code_verifier: verifier }),
      { error: "access_denied" },
    );
  });
});
