// A whole life of a login with each vendor: the shapes of the replies, rotation, reuse, revocation, the first requests.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { type ProviderName, providers } from "../../providers/index.ts";
import {
  asJson,
  askApi,
  askWithKey,
  at,
  authorizeUrl,
  bearer,
  codeFrom,
  exchange,
  form,
  http,
  login,
  pollCodex,
  pollQwen,
  redirectFrom,
  refresh,
  startCodex,
  startQwen,
  state,
  verifier,
} from "./client.ts";

const everybody = Object.keys(providers) as ProviderName[];
let emulator: Emulator;

before(async () => {
  emulator = await startEmulator();
});
after(() => emulator.close());

const claimsOf = (jwt: string): Record<string, any> => {
  const [head, payload, signature] = jwt.split(".");
  assert.ok(head !== undefined && payload !== undefined && signature !== undefined && signature.length > 40);
  assert.equal((JSON.parse(Buffer.from(head, "base64url").toString()) as { alg: string }).alg, "RS256");
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, any>;
};

describe("gemini", () => {
  test("gives tokens that do not rotate, and an id token", async () => {
    const tokens = await login(emulator, "gemini");
    assert.equal(tokens["expires_in"], 3599);
    assert.equal(tokens["token_type"], "Bearer");
    assert.equal(claimsOf(tokens["id_token"])["email"], emulator.accounts[0]);
    const again = await refresh(emulator, "gemini", tokens["refresh_token"]);
    assert.equal(again.status, 200);
    assert.ok(!("refresh_token" in again.body));
    assert.notEqual(again.body["access_token"], tokens["access_token"]);
    assert.equal((await refresh(emulator, "gemini", tokens["refresh_token"])).status, 200);
  });

  test("a repeated consent without prompt comes without a refresh token", async () => {
    await login(emulator, "gemini");
    const url = authorizeUrl(emulator, "gemini", { prompt: null });
    const { body } = await exchange(emulator, "gemini", await codeFrom(emulator, url));
    assert.ok("access_token" in body && !("refresh_token" in body));
  });

  test("does without PKCE, and the client of Google's own CLI works with any secret", async () => {
    const client = { client_id: providers.gemini.clientId, client_secret: "known to Google" };
    const url = authorizeUrl(emulator, "gemini", {
      client_id: client.client_id,
      code_challenge: null,
      code_challenge_method: null,
    });
    const reply = await exchange(emulator, "gemini", await codeFrom(emulator, url), { ...client, code_verifier: null });
    assert.equal(reply.status, 200);
  });

  test("takes any port on any spelling of loopback", async () => {
    for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
      const url = authorizeUrl(emulator, "gemini", { redirect_uri: `http://${host}:54321/oauth2callback` });
      assert.equal((await http(url)).status, 200);
    }
  });

  test("onboards once, by polling the operation, then answers", async () => {
    await using own = await startEmulator();
    const { access_token: token } = await login(own, "gemini");
    const base = at(own, providers.gemini.api.base);
    const post = (method: string, body: object) => http(`${base}:${method}`, asJson(body, bearer(token)));
    const ask = {
      model: "gemini-2.5-pro",
      request: { contents: [{ role: "user", parts: [{ text: "hello there" }] }] },
    };
    assert.equal((await post("generateContent", { ...ask, project: "p" })).status, 403);
    const first = await post("loadCodeAssist", { metadata: {} });
    assert.ok(!("currentTier" in first.body));
    const tier = first.body["allowedTiers"].find((entry: { isDefault: boolean }) => entry.isDefault);
    const begun = await post("onboardUser", { tierId: tier.id, metadata: {} });
    assert.equal(begun.body["done"], false);
    const done = await http(`${base}/${String(begun.body["name"])}`, { headers: bearer(token) });
    assert.equal(done.body["done"], true);
    const project = done.body["response"].cloudaicompanionProject.id;
    const second = await post("loadCodeAssist", { metadata: {} });
    assert.equal(second.body["currentTier"].id, tier.id);
    assert.equal(second.body["cloudaicompanionProject"], project);
    const { body } = await post("generateContent", { ...ask, project });
    assert.equal(body["response"].candidates[0].content.parts[0].text, "You said: hello there");
    const stream = await http(`${base}:streamGenerateContent?alt=sse`, asJson({ ...ask, project }, bearer(token)));
    assert.match(stream.text, /^data: \{"response":/);
    assert.equal((await http(`${base}/operations/other`, { headers: bearer(token) })).status, 404);
  });

  test("tells who it is, and stops when revoked", async () => {
    const { access_token: token, refresh_token: longer } = await login(emulator, "gemini");
    const { body } = await http(at(emulator, providers.gemini.userinfoEndpoint), { headers: bearer(token) });
    assert.equal(body["email"], emulator.accounts[0]);
    const info = await http(`${emulator.url}/tokeninfo?access_token=${encodeURIComponent(token)}`);
    assert.equal(info.body["aud"], emulator.geminiClient.installed.client_id);
    assert.ok(Math.abs(Number(info.body["expires_in"]) - 3599) < 5);
    const revoke = () => http(at(emulator, providers.gemini.revocationEndpoint), form({ token: longer }));
    assert.equal((await revoke()).status, 200);
    const dead = await http(at(emulator, providers.gemini.userinfoEndpoint), { headers: bearer(token) });
    assert.deepEqual([dead.status, dead.body["error"].status], [401, "UNAUTHENTICATED"]);
    const refused = await refresh(emulator, "gemini", longer);
    assert.deepEqual([refused.status, refused.body["error"]], [400, "invalid_grant"]);
    const unknown = await http(at(emulator, providers.gemini.revocationEndpoint), form({ token: "never made" }));
    assert.deepEqual([unknown.status, unknown.body["error"]], [400, "invalid_token"]);
  });
});

describe("anthropic", () => {
  test("shows code#state, and takes them apart", async () => {
    const redirect_uri = emulator.url + new URL(providers.anthropic.paste.redirectUri).pathname;
    const outcome = await emulator.approve(authorizeUrl(emulator, "anthropic", { redirect_uri }));
    assert.equal(outcome.status, 200);
    const [code, shownState] = outcome.shown?.split("#") ?? [];
    assert.equal(shownState, state);
    const joined = await exchange(emulator, "anthropic", outcome.shown ?? "", { redirect_uri });
    assert.deepEqual([joined.status, joined.body["error_description"]], [400, "Invalid 'code' in request."]);
    const { status, body } = await exchange(emulator, "anthropic", code ?? "", { redirect_uri });
    assert.equal(status, 200);
    assert.match(body["access_token"], /^sk-ant-oat01-/);
    assert.match(body["refresh_token"], /^sk-ant-ort01-/);
    assert.equal(body["expires_in"], 28_800);
    assert.equal(body["account"].email_address, emulator.accounts[0]);
  });

  test("the vendor's own address of the page is registered too, and opened at the emulator", async () => {
    const outcome = await emulator.approve(
      authorizeUrl(emulator, "anthropic", { redirect_uri: providers.anthropic.paste.redirectUri }),
    );
    assert.ok(outcome.redirected?.startsWith(providers.anthropic.paste.redirectUri));
    assert.ok(outcome.shown?.endsWith(`#${state}`));
  });

  test("rotates; a reuse ends the login for good", async () => {
    const first = await login(emulator, "anthropic");
    const second = await refresh(emulator, "anthropic", first["refresh_token"]);
    assert.notEqual(second.body["refresh_token"], first["refresh_token"]);
    assert.equal((await askApi(emulator, "anthropic", second.body["access_token"])).status, 200);
    const reused = await refresh(emulator, "anthropic", first["refresh_token"]);
    assert.deepEqual([reused.status, reused.body["error"]], [400, "invalid_grant"]);
    assert.equal((await refresh(emulator, "anthropic", second.body["refresh_token"])).body["error"], "invalid_grant");
    const dead = await askApi(emulator, "anthropic", second.body["access_token"]);
    assert.deepEqual([dead.status, dead.body["error"].type], [403, "permission_error"]);
  });

  test("takes a key as a bearer too, as the vendor's library sends it", async () => {
    const key = emulator.apiKeys.anthropic;
    assert.equal((await askApi(emulator, "anthropic", key)).status, 200);
    assert.equal((await askApi(emulator, "anthropic", `${key}x`)).status, 401);
  });

  test("takes a refresh in a form as well", async () => {
    const { refresh_token: token } = await login(emulator, "anthropic");
    assert.equal((await refresh(emulator, "anthropic", token, {}, form)).status, 200);
  });

  test("streams", async () => {
    const { access_token: token } = await login(emulator, "anthropic");
    const reply = await askApi(emulator, "anthropic", token, { stream: true });
    assert.match(reply.headers.get("content-type") ?? "", /^text\/event-stream/);
    assert.deepEqual(
      [...new Set([...reply.text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name))],
      [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
      ],
    );
  });
});

describe("codex", () => {
  test("puts the account into both JWTs, and exp into the access token", async () => {
    const tokens = await login(emulator, "codex");
    const { body } = { body: tokens };
    const id = claimsOf(body["id_token"]);
    const access = claimsOf(body["access_token"]);
    assert.equal(id["email"], emulator.accounts[0]);
    const [object, member] = providers.codex.accountClaim;
    assert.match(id[object][member], /^[0-9a-f-]{36}$/);
    assert.equal(access[object][member], id[object][member]);
    const off = access["exp"] - (Date.now() / 1000 + tokens["expires_in"]);
    assert.ok(Math.abs(off) < 5);
  });

  test("without offline_access there is no refresh token", async () => {
    const code = await codeFrom(emulator, authorizeUrl(emulator, "codex", { scope: "openid email" }));
    assert.ok(!("refresh_token" in (await exchange(emulator, "codex", code)).body));
  });

  test("names what became of a refresh token", async () => {
    const first = await login(emulator, "codex");
    const second = await refresh(emulator, "codex", first["refresh_token"]);
    const third = await refresh(emulator, "codex", second.body["refresh_token"], {}, form);
    assert.equal(third.status, 200);
    const reused = await refresh(emulator, "codex", first["refresh_token"]);
    assert.deepEqual([reused.status, reused.body["error"].code], [401, "refresh_token_reused"]);
    assert.equal(reused.body["error"].type, "invalid_request_error");
    const ended = await refresh(emulator, "codex", third.body["refresh_token"]);
    assert.deepEqual([ended.status, ended.body["error"].code], [401, "refresh_token_invalidated"]);
  });

  test("its own device flow: text for an interval, no lifetime, 403 while pending, then a code with a verifier", async () => {
    const start = await startCodex(emulator);
    assert.deepEqual(Object.keys(start.body).sort(), ["device_auth_id", "interval", "user_code"]);
    assert.equal(start.body["interval"], "5");
    const { device_auth_id: id, user_code: userCode } = start.body;
    assert.equal((await pollCodex(emulator, id, userCode)).status, 403);
    await emulator.approveDevice(userCode);
    const { status, body } = await pollCodex(emulator, id, userCode);
    assert.equal(status, 200);
    for (const redirect_uri of [at(emulator, providers.codex.device.redirectUri)]) {
      const given = { redirect_uri, code_verifier: body["code_verifier"] };
      const reply = await exchange(emulator, "codex", body["authorization_code"], given);
      assert.equal(reply.status, 200);
      assert.ok("refresh_token" in reply.body);
    }
  });

  test("a person may deny a device", async () => {
    const { body } = await startCodex(emulator);
    await emulator.denyDevice(body["user_code"].toLowerCase().replace("-", " "));
    assert.equal((await pollCodex(emulator, body["device_auth_id"], body["user_code"])).status, 400);
    await assert.rejects(emulator.approveDevice("AAAA-AAAA"), /No program waits/);
  });

  test("streams the answer", async () => {
    const { access_token: token } = await login(emulator, "codex");
    const reply = await askApi(emulator, "codex", token);
    const deltas = [...reply.text.matchAll(/"type":"response.output_text.delta","delta":"([^"]*)"/g)];
    assert.equal(deltas.map(([, delta]) => delta).join(""), "You said: hello there");
    assert.match(reply.text, /event: response.completed\n/);
    assert.equal((await askApi(emulator, "codex", "not.a.jwt")).body["detail"]?.includes("Could not parse"), true);
  });

  test("revokes, and says nothing about what it does not know", async () => {
    const { access_token: token, refresh_token: longer } = await login(emulator, "codex");
    const revoke = (value: string) => http(at(emulator, providers.codex.revocationEndpoint), asJson({ token: value }));
    const soFar = emulator.counters("codex").revocations;
    assert.equal((await revoke("never made")).status, 200);
    assert.equal((await revoke(longer)).status, 200);
    assert.equal(emulator.counters("codex").revocations, soFar + 1);
    assert.equal((await askApi(emulator, "codex", token)).status, 401);
  });
});

describe("qwen", () => {
  test("RFC 8628 with PKCE: no interval, pending, tokens with a resource_url that leads here", async () => {
    const { body } = await startQwen(emulator);
    assert.ok(!("interval" in body));
    assert.ok(body["verification_uri_complete"].startsWith(body["verification_uri"]));
    const pending = await pollQwen(emulator, body["device_code"]);
    assert.deepEqual([pending.status, pending.body["error"]], [400, "authorization_pending"]);
    const fast = await pollQwen(emulator, body["device_code"]);
    assert.deepEqual([fast.status, fast.body["error"]], [429, "slow_down"]);
  });

  test("opening the complete link grants nothing", async () => {
    const { body } = await startQwen(emulator);
    assert.equal((await http(body["verification_uri_complete"])).status, 200);
    assert.equal((await pollQwen(emulator, body["device_code"])).body["error"], "authorization_pending");
  });

  test("a denied and an unknown device code", async () => {
    const { body } = await startQwen(emulator);
    await emulator.denyDevice(body["user_code"]);
    assert.equal((await pollQwen(emulator, body["device_code"])).body["error"], "access_denied");
    assert.equal((await pollQwen(emulator, "never made")).status, 401);
  });

  test("rotates now and then; the old token is then refused in the vendor's own words", async () => {
    const tokens = await login(emulator, "qwen");
    assert.equal(tokens["resource_url"], emulator.url);
    const first = await refresh(emulator, "qwen", tokens["refresh_token"]);
    const second = await refresh(emulator, "qwen", first.body["refresh_token"] ?? tokens["refresh_token"]);
    assert.equal([first, second].filter(({ body }) => body["refresh_token"] !== null).length, 1);
    const old = await refresh(emulator, "qwen", tokens["refresh_token"]);
    assert.deepEqual([old.status, old.body["error"]], [400, "invalid_request"]);
    const answer = await askApi(emulator, "qwen", second.body["access_token"]);
    assert.equal(answer.body["choices"][0].message.content, "You said: hello there");
  });

  test("streams", async () => {
    const { access_token: token } = await login(emulator, "qwen");
    const reply = await askApi(emulator, "qwen", token, { stream: true });
    assert.match(reply.text, /"object":"chat.completion.chunk"/);
    assert.ok(reply.text.endsWith("data: [DONE]\n\n"));
  });
});

for (const name of everybody) {
  test(`${name}: an API key is answered, in one piece and in a stream, and verified`, async () => {
    const key = emulator.apiKeys[name];
    for (const stream of [false, true]) {
      const reply = await askWithKey(emulator, name, key, stream);
      assert.equal(reply.status, 200);
      assert.match(reply.text, stream ? /hello/ : /You said: hello there/);
    }
    const { keyApi } = providers[name];
    const credential = keyApi.credentialHeader === "authorization" ? bearer(key) : { [keyApi.credentialHeader]: key };
    const verified = await http(at(emulator, keyApi.verifyUrl), { headers: { ...keyApi.headers, ...credential } });
    assert.equal(verified.status, 200);
    assert.ok(verified.text.includes(keyApi.model));
  });
}

for (const name of ["gemini", "anthropic", "codex"] as const) {
  test(`${name}: a login is verified by one GET`, async () => {
    const { access_token: token } = await login(emulator, name);
    const { api } = providers[name];
    const get = () => http(at(emulator, api.verifyUrl), { headers: { ...api.headers, ...bearer(token) } });
    assert.equal((await get()).status, 200);
    emulator.expireAccess(name);
    assert.equal((await get()).status, 401);
  });

  test(`${name}: a no comes back as access_denied with the state`, async () => {
    const to = await redirectFrom(emulator, authorizeUrl(emulator, name), "deny");
    assert.deepEqual(Object.fromEntries(to.searchParams), { error: "access_denied", state });
  });

  test(`${name}: a replayed code ends the login that it gave`, async () => {
    const code = await codeFrom(emulator, authorizeUrl(emulator, name));
    const { body } = await exchange(emulator, name, code);
    assert.equal((await askApi(emulator, name, body["access_token"])).status, 200);
    assert.equal((await exchange(emulator, name, code)).status, 400);
    assert.notEqual((await askApi(emulator, name, body["access_token"])).status, 200);
    assert.notEqual((await refresh(emulator, name, body["refresh_token"])).status, 200);
  });
}

test("within the grace the predecessor gets the same refresh token again", async () => {
  await using own = await startEmulator({ reuseGraceMs: 60_000 });
  const first = await login(own, "codex");
  const second = await refresh(own, "codex", first["refresh_token"]);
  const again = await refresh(own, "codex", first["refresh_token"]);
  assert.equal(again.body["refresh_token"], second.body["refresh_token"]);
  assert.equal((await refresh(own, "codex", second.body["refresh_token"])).status, 200);
  const { reuses, graced, revokedFamilies, refreshes } = own.counters("codex");
  assert.deepEqual(
    { reuses, graced, revokedFamilies, refreshes },
    { reuses: 0, graced: 1, revokedFamilies: 0, refreshes: 3 },
  );
});

test("lifetimes are settable, from the start and later", async () => {
  await using own = await startEmulator({ lifetimeS: 60 });
  for (const name of everybody) assert.equal((await login(own, name))["expires_in"], 60);
  own.setLifetime(5);
  assert.equal((await login(own, "codex"))["expires_in"], 5);
});

test("a person may choose another account", async () => {
  const listener = createServer((_request, response) => response.end("Back in the terminal."));
  await new Promise<void>((resolve) => void listener.listen(0, "127.0.0.1", resolve));
  const redirect_uri = `http://127.0.0.1:${String((listener.address() as AddressInfo).port)}/oauth2callback`;
  const outcome = await emulator.approve(authorizeUrl(emulator, "gemini", { redirect_uri }), emulator.accounts[1]);
  listener.close();
  assert.deepEqual([outcome.status, outcome.body, outcome.shown], [200, "Back in the terminal.", null]);
  const code = new URL(outcome.redirected ?? "").searchParams.get("code") ?? "";
  const { body } = await exchange(emulator, "gemini", code, { redirect_uri });
  assert.equal(claimsOf(body["id_token"])["email"], emulator.accounts[1]);
});

test("where a vendor's own host name leads here, replies name that host", async () => {
  // What a client sees whose DNS (and TLS front) map chat.qwen.ai to the emulator.
  const { request } = await import("node:http");
  const body = await new Promise<string>((resolve, reject) => {
    const members = new URLSearchParams({
      client_id: providers.qwen.clientId,
      code_challenge: verifier,
      code_challenge_method: "S256",
    });
    const ask = request(
      at(emulator, providers.qwen.deviceAuthorizationEndpoint),
      { method: "POST", headers: { host: "chat.qwen.ai", "content-type": "application/x-www-form-urlencoded" } },
      (reply) => {
        let text = "";
        reply.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        reply.on("end", () => {
          resolve(text);
        });
      },
    );
    ask.on("error", reject).end(members.toString());
  });
  assert.match((JSON.parse(body) as { verification_uri: string }).verification_uri, /^https:\/\/chat\.qwen\.ai\//);
});
