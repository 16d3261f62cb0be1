// Requests and judgements together, through the door, against servers that check what the vendors check.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { type Emulator, startEmulator } from "../../../providers/emulator/index.ts";
import { type ProviderName, providers } from "../../../providers/index.ts";
import type { Provider } from "../../../providers/provider.ts";
import { Secret } from "../../../runtime/secret.ts";
import { judgeCallback } from "../../../runtime/wire/callback.ts";
import { judgePasted } from "../../../runtime/wire/pasted.ts";
import {
  authorizeUrl,
  type Client,
  codeRequest,
  deviceRequest,
  newNonce,
  newState,
  newVerifier,
  pollRequest,
  refreshRequest,
  revokeRequest,
  userinfoRequest,
  type WireRequest,
} from "../../../runtime/wire/request.ts";
import {
  deviceReply,
  type Issued,
  pollReply,
  revokeReply,
  type TokenOutcome,
  tokenReply,
  userinfoReply,
  type WireReply,
} from "../../../runtime/wire/response.ts";
import { createSender } from "../../../runtime/wire/send.ts";
import { endpointsOf } from "./sample.ts";

const door = createSender();
let emulator: Emulator;
before(async () => {
  emulator = await startEmulator({ deviceIntervalS: 0.01 });
});
after(async () => {
  await door.close();
  await emulator.close();
});

/** The provider as its settings for the emulator make it. */
function played(name: ProviderName): Provider {
  const changes = emulator.settings({ geminiClientFile: "" }).providers[name] as Partial<Provider>;
  const provider: Provider = providers[name];
  const device = provider.device === null ? null : { ...provider.device, ...changes.device };
  const paste = provider.paste === null ? null : { ...provider.paste, ...changes.paste };
  return { ...provider, ...changes, device, paste };
}

function clientOf(provider: Provider): Client {
  const { client_id, client_secret } = emulator.geminiClient.installed;
  if (provider.clientSource !== null) return { id: client_id, secret: new Secret("client_secret", client_secret) };
  return { id: provider.clientId ?? "", secret: null };
}

async function exchange(request: WireRequest): Promise<WireReply> {
  const reply = await door.exchange(request);
  assert.ok(!("kind" in reply), inspect(reply));
  return reply;
}

function tokens(outcome: TokenOutcome | { kind: string }): Issued {
  assert.ok("issued" in outcome, inspect(outcome));
  return outcome.issued;
}

interface Login {
  readonly provider: Provider;
  readonly client: Client;
  readonly issued: Issued;
}

async function signIn(name: ProviderName, way: "loopback" | "paste"): Promise<Login & { replay: WireRequest }> {
  const provider = played(name);
  const client = clientOf(provider);
  const endpoints = endpointsOf(provider);
  const { loopback } = provider;
  const port = loopback?.ports[0] ?? 49_151;
  const redirectUri =
    way === "paste" ? (provider.paste?.redirectUri ?? "") : `http://${loopback?.host}:${port}${loopback?.path}`;
  const values = { state: newState(randomBytes), verifier: newVerifier(randomBytes), nonce: newNonce(randomBytes) };
  const outcome = await emulator.approve(authorizeUrl(provider, { endpoints, client, redirectUri, ...values }));
  const expected = { redirectUri, state: values.state, issuer: null, issSent: false };
  const url = new URL(redirectUri);
  const judged =
    way === "paste"
      ? judgePasted(outcome.shown ?? "", { ...expected, bareCode: false })
      : judgeCallback(
          { method: "GET", url: outcome.redirected?.slice(url.origin.length) ?? "", host: url.host, headers: {} },
          expected,
        );
  assert.ok(judged.kind === "code", inspect(judged));
  const request = codeRequest(provider, { endpoints, client, code: judged.code, redirectUri, ...values });
  const reply = await exchange(request);
  const issued = tokens(tokenReply(provider, reply, { purpose: "code", clientId: client.id, nonce: values.nonce }));
  return { provider, client, issued, replay: request };
}

async function deviceSignIn(name: ProviderName): Promise<Login> {
  const provider = played(name);
  const client = clientOf(provider);
  const endpoints = endpointsOf(provider);
  const verifier = provider.device?.pkce === true ? newVerifier(randomBytes) : null;
  const start = await exchange(deviceRequest(provider, { endpoints, client, verifier, requestId: "test" }));
  const started = deviceReply(provider, start);
  assert.ok(started.kind === "started", inspect(started));
  const poll = pollRequest(provider, { endpoints, client, verifier, ...started });
  assert.equal(pollReply(provider, await exchange(poll), { clientId: client.id }).kind, "pending");
  await emulator.approveDevice(started.userCode);
  const polled = pollReply(provider, await paced(() => exchange(poll)), { clientId: client.id });
  if (polled.kind !== "code") return { provider, client, issued: tokens(polled) };
  const redirectUri = provider.device?.redirectUri ?? "";
  const reply = await exchange(codeRequest(provider, { endpoints, client, redirectUri, state: null, ...polled }));
  return { provider, client, issued: tokens(tokenReply(provider, reply, { purpose: "code", clientId: client.id })) };
}

/** The server minds polls that come too fast: slower than it asked is part of the protocol. */
async function paced<T>(work: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 25));
  return work();
}

function refresh({ provider, client }: Login, refreshToken: Secret<"refresh_token">): Promise<TokenOutcome> {
  const request = refreshRequest(provider, { endpoints: endpointsOf(provider), client, refreshToken, scope: null });
  return exchange(request).then((reply) => tokenReply(provider, reply, { purpose: "refresh", clientId: client.id }));
}

describe("the wire and the emulator", () => {
  const logins: Record<string, () => Promise<Login>> = {
    "gemini, loopback": () => signIn("gemini", "loopback"),
    "anthropic, loopback": () => signIn("anthropic", "loopback"),
    "anthropic, paste": () => signIn("anthropic", "paste"),
    "codex, loopback": () => signIn("codex", "loopback"),
    "codex, device": () => deviceSignIn("codex"),
    "qwen, device": () => deviceSignIn("qwen"),
  };
  for (const [name, login] of Object.entries(logins)) {
    it(`sign in, refresh and are refused as they should be: ${name}`, async () => {
      const first = await login();
      const { provider, client, issued } = first;
      assert.equal(issued.expiryFrom, "server");
      assert.ok(issued.refreshToken);
      assert.equal(issued.accountId === null, provider.accountClaim === null);
      for (const kept of provider.keep) assert.ok(kept === "id_token" ? issued.idToken : issued.extra[kept], kept);

      const second = tokens(await refresh(first, issued.refreshToken));
      assert.ok(!second.accessToken.matches(issued.accessToken));
      if (provider.rotation === "always") {
        assert.ok(second.refreshToken);
        // Presented once more, a spent token takes the family with it.
        const replayed = await refresh(first, issued.refreshToken);
        assert.equal(replayed.kind, "refused", inspect(replayed));
      }
      const unknown = await refresh(first, new Secret("refresh_token", "never-issued"));
      assert.equal(unknown.kind, "refused", inspect(unknown));
      const stranger = await refresh({ ...first, client: { ...client, id: "stranger" } }, issued.refreshToken);
      assert.notEqual(stranger.kind, "issued");
    });
  }

  it("spend a code once", async () => {
    for (const [name, way] of [
      ["gemini", "loopback"],
      ["anthropic", "paste"],
      ["codex", "loopback"],
    ] as const) {
      const { provider, client, replay } = await signIn(name, way);
      const again = tokenReply(provider, await exchange(replay), { purpose: "code", clientId: client.id });
      assert.equal(again.kind, "refused", inspect(again));
    }
  });

  it("name the person and revoke the login", async () => {
    const { provider, client, issued } = await signIn("gemini", "loopback");
    const endpoints = endpointsOf(provider);
    const who = await exchange(userinfoRequest(provider, { endpoints, accessToken: issued.accessToken }));
    assert.equal(userinfoReply(provider, who), emulator.accounts[0]);
    assert.equal(issued.identity, emulator.accounts[0]);
    for (const login of [{ provider, client, issued }, await signIn("codex", "loopback")]) {
      const token = login.issued.refreshToken as Secret<"refresh_token" | "access_token">;
      const request = revokeRequest(login.provider, {
        endpoints: endpointsOf(login.provider),
        client: login.client,
        token,
      });
      assert.deepEqual(revokeReply(await exchange(request)), { kind: "revoked" });
      const refused = await refresh(login, login.issued.refreshToken as Secret<"refresh_token">);
      assert.equal(refused.kind, "refused", inspect(refused));
    }
  });

  it("tell a denial from a code", async () => {
    const provider = played("codex");
    const redirectUri = "http://localhost:1455/auth/callback";
    const state = newState(randomBytes);
    const values = { state, verifier: newVerifier(randomBytes), nonce: null, redirectUri };
    const outcome = await emulator.deny(
      authorizeUrl(provider, { endpoints: endpointsOf(provider), client: clientOf(provider), ...values }),
    );
    const url = new URL(outcome.redirected ?? "");
    const judged = judgeCallback(
      { method: "GET", url: url.pathname + url.search, host: url.host, headers: {} },
      { redirectUri, state, issuer: null, issSent: false },
    );
    assert.deepEqual(judged, { kind: "denied", code: "consent_denied", oauthError: "access_denied" });
  });
});
