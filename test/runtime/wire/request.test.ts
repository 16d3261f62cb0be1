import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import * as fc from "fast-check";
import * as oauth from "oauth4webapi";

import { AuthError } from "../../../machines/errors.ts";
import { providers } from "../../../providers/index.ts";
import type { Provider } from "../../../providers/provider.ts";
import { Secret } from "../../../runtime/secret.ts";
import {
  authorizeUrl,
  challengeOf,
  codeRequest,
  deviceRequest,
  metadataRequests,
  newNonce,
  newState,
  newVerifier,
  pollRequest,
  refreshRequest,
  revokeRequest,
  userAgent,
  userinfoRequest,
  type WireRequest,
} from "../../../runtime/wire/request.ts";
import { acme, client, endpointsOf } from "./sample.ts";

const { anthropic, codex, gemini, qwen } = providers;
const redirectUri = "http://localhost:1455/auth/callback";
const verifier = new Secret("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
const state = new Secret("state", "the-state-of-this-attempt");
const nonce = new Secret("nonce", "the-nonce");
const code = new Secret("authorization_code", "the+code/with=marks");
const withSecret = { id: "client-1", secret: new Secret("client_secret", "hush & hush") };

function fieldsOf({ body, headers }: WireRequest): unknown {
  return headers["content-type"] === "application/json"
    ? JSON.parse(body ?? "")
    : Object.fromEntries(new URLSearchParams(body ?? ""));
}

function authorize(provider: Provider, extra?: Record<string, string>): URL {
  const endpoints = endpointsOf(provider);
  return new URL(
    authorizeUrl(provider, { endpoints, client, redirectUri, state, verifier, nonce, ...(extra && { extra }) }),
  );
}

describe("PKCE, state and nonce", () => {
  it("gives the challenge of RFC 7636 appendix B", () => {
    assert.equal(challengeOf(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  });

  it("agrees with oauth4webapi on every verifier (P03)", async () => {
    const characters = fc.constantFrom("A", "z", "5", "-", ".", "_", "~");
    const verifiers = fc.string({ unit: characters, minLength: 43, maxLength: 128 });
    await fc.assert(
      fc.asyncProperty(verifiers, async (text) => {
        assert.equal(challengeOf(new Secret("code_verifier", text)), await oauth.calculatePKCECodeChallenge(text));
      }),
    );
  });

  it("makes verifiers of 43 unreserved characters, never the same (P01)", () => {
    const seen = new Set<string>();
    for (let n = 0; n < 10_000; n += 1) {
      const text = newVerifier(randomBytes).reveal();
      assert.match(text, /^[A-Za-z0-9\-._~]{43}$/);
      seen.add(text);
    }
    assert.equal(seen.size, 10_000);
  });

  it("draws 256 bits for each of the three, and nothing else (P02, T2)", () => {
    const draws: number[] = [];
    const counting = (size: number): Buffer => {
      draws.push(size);
      return Buffer.alloc(size, draws.length);
    };
    const values = [newVerifier(counting), newState(counting), newNonce(counting)].map((secret) => secret.reveal());
    assert.deepEqual(draws, [32, 32, 32]);
    assert.equal(new Set(values).size, 3);
  });

  it("refuses a source that gives less than it was asked for", () => {
    assert.throws(() => newState(() => Buffer.alloc(4)), TypeError);
  });
});

describe("the authorization address", () => {
  it("says what each provider's data says", () => {
    const common = {
      response_type: "code",
      client_id: "client-1",
      redirect_uri: redirectUri,
      state: state.reveal(),
      code_challenge: challengeOf(verifier),
      code_challenge_method: "S256",
    };
    const expected = {
      gemini: { ...common, scope: gemini.scopes.join(" "), access_type: "offline", prompt: "consent" },
      anthropic: { ...common, scope: "user:profile user:inference", code: "true" },
      codex: {
        ...common,
        scope: "openid profile email offline_access",
        nonce: "the-nonce",
        id_token_add_organizations: "true",
        codex_cli_simplified_flow: "true",
        originator: "llxprt_auth",
      },
    };
    for (const provider of [gemini, anthropic, codex]) {
      const url = authorize(provider);
      assert.deepEqual(Object.fromEntries(url.searchParams), expected[provider.name]);
      assert.equal(url.origin + url.pathname, provider.authorizationEndpoint);
    }
  });

  it("keeps the endpoint's own query and gives no name twice (A03)", () => {
    const provider = {
      ...acme,
      authorizationEndpoint: "https://id.acme.example/authorize?tenant=a%20b&state=stale&state=older&client_id=other",
      authorizeParameters: { code_challenge_method: "plain", prompt: "login" },
    };
    const url = authorize(provider, { response_type: "token", login_hint: "me" });
    const names = [...url.searchParams.keys()];
    assert.equal(new Set(names).size, names.length);
    assert.equal(url.searchParams.get("tenant"), "a b");
    assert.equal(url.searchParams.get("state"), state.reveal());
    assert.equal(url.searchParams.get("client_id"), "client-1");
    assert.equal(url.searchParams.get("code_challenge_method"), "S256");
    assert.equal(url.searchParams.get("response_type"), "code");
    assert.equal(url.searchParams.get("login_hint"), "me");
  });

  it("never holds the verifier or the client secret (P08, A05)", () => {
    for (const provider of [gemini, anthropic, codex, acme]) {
      const endpoints = endpointsOf(provider);
      const url = authorizeUrl(provider, { endpoints, client: withSecret, redirectUri, state, verifier, nonce });
      assert.ok(!decodeURIComponent(url).includes(verifier.reveal()));
      assert.ok(!url.includes("hush"));
    }
  });

  it("sends a nonce only along with openid, and no scope where there is none", () => {
    const url = authorize({ ...acme, scopes: [] });
    assert.ok(!url.searchParams.has("nonce"));
    assert.ok(!url.searchParams.has("scope"));
  });

  it("needs an endpoint, and a safe one", () => {
    assert.throws(() => authorize(qwen), { code: "endpoint_missing", provider: "qwen" });
    for (const authorizationEndpoint of ["http://id.acme.example/", "https://id.acme.example/#x"]) {
      assert.throws(() => authorize({ ...acme, authorizationEndpoint }), { code: "endpoint_insecure" });
    }
  });
});

function exchange(provider: Provider, by = client): WireRequest {
  return codeRequest(provider, { endpoints: endpointsOf(provider), client: by, code, redirectUri, verifier, state });
}

function refresh(provider: Provider, scope: string | null, by = client): WireRequest {
  const refreshToken = new Secret("refresh_token", "rt-1");
  return refreshRequest(provider, { endpoints: endpointsOf(provider), client: by, refreshToken, scope });
}

function revoke(provider: Provider, token: Secret<"refresh_token"> | Secret<"access_token">): unknown {
  return fieldsOf(revokeRequest(provider, { endpoints: endpointsOf(provider), client, token }));
}

function places(issuer: string): string[] {
  return metadataRequests(issuer).map(({ url }) => url);
}

function sorted(body: string | null): string[] {
  return [...new URLSearchParams(body ?? "")].map(String).sort();
}

describe("the token request", () => {
  it("has each provider's encoding and members, to the letter", () => {
    const common = {
      grant_type: "authorization_code",
      code: "the+code/with=marks",
      redirect_uri: redirectUri,
      client_id: "client-1",
      code_verifier: verifier.reveal(),
    };
    const form = "application/x-www-form-urlencoded;charset=UTF-8";
    const table = [
      [gemini, withSecret, form, { ...common, client_secret: "hush & hush" }],
      [anthropic, client, "application/json", { ...common, state: state.reveal() }],
      [codex, client, form, common],
      [acme, client, form, common],
    ] as const;
    for (const [provider, by, type, fields] of table) {
      const request = exchange(provider, by);
      assert.equal(request.method, "POST");
      assert.equal(request.url, provider.tokenEndpoint);
      assert.equal(request.headers["content-type"], type);
      assert.equal(request.headers["accept"], "application/json");
      assert.equal(request.headers["user-agent"], userAgent);
      assert.deepEqual(fieldsOf(request), fields);
    }
  });

  it("has no state where there was none", () => {
    const request = codeRequest(anthropic, {
      endpoints: endpointsOf(anthropic),
      client,
      code,
      redirectUri,
      verifier,
      state: null,
    });
    assert.ok(!("state" in (fieldsOf(request) as object)));
  });

  it("encodes forms like URLSearchParams, whatever the values (A12)", () => {
    const text = fc.string({ unit: "binary", minLength: 1 });
    fc.assert(
      fc.property(text, text, (id, value) => {
        const request = refreshRequest(acme, {
          endpoints: endpointsOf(acme),
          client: { id, secret: null },
          refreshToken: new Secret("refresh_token", value),
          scope: null,
        });
        const oracle = new URLSearchParams();
        oracle.append("grant_type", "refresh_token");
        oracle.append("refresh_token", value);
        oracle.append("client_id", id);
        assert.equal(request.body, oracle.toString());
      }),
    );
  });

  it("sends what oauth4webapi sends", async () => {
    const as = { issuer: "https://id.acme.example", token_endpoint: acme.tokenEndpoint as string };
    const sent: string[] = [];
    const parameters = oauth.validateAuthResponse(as, { client_id: "client-1" }, new URLSearchParams({ code: "c-1" }));
    await oauth.authorizationCodeGrantRequest(
      as,
      { client_id: "client-1" },
      oauth.None(),
      parameters,
      redirectUri,
      verifier.reveal(),
      {
        [oauth.customFetch]: (_url, { body }) => {
          sent.push(String(body));
          return Promise.resolve(new Response());
        },
      },
    );
    const ours = codeRequest(acme, {
      endpoints: endpointsOf(acme),
      client,
      code: new Secret("authorization_code", "c-1"),
      redirectUri,
      verifier,
      state,
    });
    assert.deepEqual(sorted(ours.body), sorted(sent[0] ?? null));
  });
});

describe("the refresh request", () => {
  it("has each provider's encoding and members", () => {
    const common = { grant_type: "refresh_token", refresh_token: "rt-1", client_id: "client-1" };
    const table = [
      [gemini, "form", { ...common, client_secret: "hush & hush" }],
      [anthropic, "json", common],
      [codex, "json", common],
      [qwen, "form", common],
    ] as const;
    for (const [provider, encoding, fields] of table) {
      const request = refresh(provider, "granted", provider === gemini ? withSecret : client);
      assert.equal(request.headers["content-type"]?.includes("json"), encoding === "json");
      assert.deepEqual(fieldsOf(request), fields);
    }
  });

  it("repeats exactly the granted scope where the data says so (F01)", () => {
    const provider: Provider = { ...acme, refreshScope: "granted" };
    assert.equal((fieldsOf(refresh(provider, "a b")) as { scope?: string }).scope, "a b");
    assert.ok(!("scope" in (fieldsOf(refresh(provider, null)) as object)));
  });
});

describe("the device requests", () => {
  const values = { client, requestId: "id-1", verifier };

  it("start as the dialect wants it", () => {
    const standard = deviceRequest(qwen, { ...values, endpoints: endpointsOf(qwen) });
    assert.equal(standard.url, qwen.deviceAuthorizationEndpoint);
    assert.equal(standard.headers["x-request-id"], "id-1");
    assert.deepEqual(fieldsOf(standard), {
      client_id: "client-1",
      scope: "openid profile email model.completion",
      code_challenge: challengeOf(verifier),
      code_challenge_method: "S256",
    });
    assert.deepEqual(fieldsOf(deviceRequest(acme, { ...values, endpoints: endpointsOf(acme) })), {
      client_id: "client-1",
      scope: "openid offline_access",
    });
    const json = deviceRequest(codex, { ...values, endpoints: endpointsOf(codex) });
    assert.equal(json.url, codex.deviceAuthorizationEndpoint);
    assert.deepEqual(JSON.parse(json.body ?? ""), { client_id: "client-1" });
  });

  it("poll as the dialect wants it (D06, D17)", () => {
    const poll = { client, deviceCode: new Secret("device_code", "dc-1"), userCode: "AB-12" };
    const standard = pollRequest(qwen, { ...poll, verifier, endpoints: endpointsOf(qwen) });
    assert.equal(standard.url, qwen.tokenEndpoint);
    const fields = {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: "dc-1",
      client_id: "client-1",
    };
    assert.deepEqual(fieldsOf(standard), { ...fields, code_verifier: verifier.reveal() });
    assert.deepEqual(fieldsOf(pollRequest(acme, { ...poll, verifier: null, endpoints: endpointsOf(acme) })), fields);
    const json = pollRequest(codex, { ...poll, verifier: null, endpoints: endpointsOf(codex) });
    assert.equal(json.url, codex.device.pollEndpoint);
    assert.deepEqual(JSON.parse(json.body ?? ""), { device_auth_id: "dc-1", user_code: "AB-12" });
  });

  it("insist on the verifier where the device code is bound to one", () => {
    assert.throws(() => deviceRequest(qwen, { ...values, verifier: null, endpoints: endpointsOf(qwen) }), TypeError);
  });
});

describe("the other requests", () => {
  it("revoke with token and hint, and with the client where the data says so (V01)", () => {
    const refreshToken = new Secret("refresh_token", "rt-1");
    const accessToken = new Secret("access_token", "at-1");
    assert.deepEqual(revoke(gemini, refreshToken), { token: "rt-1", token_type_hint: "refresh_token" });
    assert.deepEqual(revoke(codex, accessToken), {
      token: "at-1",
      token_type_hint: "access_token",
      client_id: "client-1",
    });
    assert.throws(() => revoke(qwen, accessToken), { code: "endpoint_missing" });
  });

  it("carry the access token in a header, never in the address (F09)", () => {
    const request = userinfoRequest(gemini, {
      endpoints: endpointsOf(gemini),
      accessToken: new Secret("access_token", "at-1"),
    });
    assert.equal(request.method, "GET");
    assert.equal(request.url, gemini.userinfoEndpoint);
    assert.equal(request.headers["authorization"], "Bearer at-1");
    assert.equal(request.body, null);
  });

  it("ask for metadata at both places (RFC 8414 3.1, OIDC Discovery 4)", () => {
    assert.deepEqual(places("https://id.example/tenant"), [
      "https://id.example/.well-known/oauth-authorization-server/tenant",
      "https://id.example/tenant/.well-known/openid-configuration",
    ]);
    assert.deepEqual(places("http://127.0.0.1:9000/"), [
      "http://127.0.0.1:9000/.well-known/oauth-authorization-server",
      "http://127.0.0.1:9000/.well-known/openid-configuration",
    ]);
    assert.throws(() => metadataRequests("https://id.example/?a=b"), { code: "settings_invalid" });
    for (const issuer of ["https://id.example/#f", "http://id.example/", "id.example"]) {
      assert.throws(() => metadataRequests(issuer), { code: "endpoint_insecure" }, issuer);
    }
  });

  it("show neither body nor headers when they are printed", () => {
    const request = refreshRequest(gemini, {
      endpoints: endpointsOf(gemini),
      client: withSecret,
      refreshToken: new Secret("refresh_token", "CANARY-1"),
      scope: null,
    });
    const info = userinfoRequest(gemini, {
      endpoints: endpointsOf(gemini),
      accessToken: new Secret("access_token", "CANARY-2"),
    });
    const wrapped = new AuthError("internal", { cause: { request, info } });
    const printed = [request, info, { ...request }, [{ info }], wrapped].flatMap((value) => [
      inspect(value, { depth: Infinity, showHidden: true, customInspect: false }),
      inspect(value, { depth: Infinity, showHidden: true }),
      JSON.stringify(value),
    ]);
    assert.ok(request.body?.includes("CANARY-1"));
    for (const text of printed) assert.ok(!/CANARY|hush/.test(text), text);
  });
});
