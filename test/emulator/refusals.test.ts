// Each refusal twice: it happens by default, and with only that refusal switched off the very same request gets through.
// So a test elsewhere that expects a refusal is known to notice when it is gone.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Emulator,
  type EmulatorOptions,
  type Refusal,
  refusals,
  startEmulator,
} from "../../providers/emulator/index.ts";
import { type ProviderName, providers } from "../../providers/index.ts";
import {
  type Answer,
  type Redirecting,
  asJson,
  askApi,
  askWithKey,
  at,
  authorizeUrl,
  challengeOf,
  codeFrom,
  exchange,
  form,
  http,
  login,
  pollCodex,
  pollQwen,
  refresh,
  startCodex,
  startQwen,
  state,
} from "./client.ts";

interface Case {
  readonly provider: ProviderName;
  /** Where the name of the refusal is not enough to tell cases apart. */
  readonly what?: string;
  readonly options?: EmulatorOptions;
  /** The request that is to be refused, after everything that has to come before it. */
  readonly attempt: (emulator: Emulator) => Promise<Answer>;
}

const redirecting: readonly Redirecting[] = ["gemini", "anthropic", "codex"];
const everybody: readonly ProviderName[] = ["gemini", "anthropic", "codex", "qwen"];
const rotating: readonly ProviderName[] = ["anthropic", "codex", "qwen"];

const authorize =
  (name: Redirecting, changes: Parameters<typeof authorizeUrl>[2]) =>
  (emulator: Emulator): Promise<Answer> =>
    http(authorizeUrl(emulator, name, changes));

const newCode = (emulator: Emulator, name: Redirecting, changes = {}): Promise<string> =>
  codeFrom(emulator, authorizeUrl(emulator, name, changes));

const redirectCase = (provider: Redirecting, redirect_uri: string): Case => ({
  provider,
  what: redirect_uri,
  attempt: authorize(provider, { redirect_uri }),
});

/** A code that was exchanged once already. */
const replay =
  (name: Redirecting) =>
  async (emulator: Emulator): Promise<Answer> => {
    const code = await newCode(emulator, name);
    await exchange(emulator, name, code);
    return exchange(emulator, name, code);
  };

/** A refresh token that a newer one has replaced. */
const reuse =
  (name: ProviderName) =>
  async (emulator: Emulator): Promise<Answer> => {
    const { refresh_token: token } = await login(emulator, name);
    // One that rotates now and then does so at the second refresh at the latest.
    await refresh(emulator, name, token);
    if (name === "qwen") await refresh(emulator, name, token);
    return refresh(emulator, name, token);
  };

const publishedGeminiClient = { client_id: providers.gemini.clientId, client_secret: "only Google knows it" };

const cases: Readonly<Record<Refusal, readonly Case[]>> = {
  "repeated-parameter": [
    ...redirecting.map((provider) => ({
      provider,
      what: "authorization",
      attempt: (emulator: Emulator) => http(`${authorizeUrl(emulator, provider)}&state=${state}`),
    })),
    {
      provider: "codex",
      what: "token",
      async attempt(emulator) {
        const code = await newCode(emulator, "codex");
        return exchange(emulator, "codex", code, {}, (members) => {
          const body = new URLSearchParams({ ...members });
          body.append("code", code);
          return { method: "POST", body };
        });
      },
    },
  ],
  "wrong-response-type": redirecting.map((provider) => ({
    provider,
    attempt: authorize(provider, { response_type: "token" }),
  })),
  "unknown-client": [
    ...redirecting.map((provider) => ({
      provider,
      what: "authorization",
      attempt: authorize(provider, { client_id: "somebody-else" }),
    })),
    ...redirecting.map((provider) => ({
      provider,
      what: "exchange",
      attempt: async (emulator: Emulator) =>
        exchange(emulator, provider, await newCode(emulator, provider), { client_id: "somebody-else" }),
    })),
    ...everybody.map((provider) => ({
      provider,
      what: "refresh",
      attempt: async (emulator: Emulator) =>
        refresh(emulator, provider, (await login(emulator, provider))["refresh_token"], {
          client_id: "somebody-else",
        }),
    })),
    { provider: "qwen", what: "device", attempt: (emulator) => startQwen(emulator, { client_id: "somebody-else" }) },
  ],
  "wrong-redirect-uri": [
    redirectCase("anthropic", "http://127.0.0.1:49151/callback"),
    redirectCase("anthropic", "http://localhost:49151/callback/"),
    redirectCase("anthropic", "http://localhost:49151/auth/callback"),
    redirectCase("anthropic", "https://evil.example/oauth/code/callback"),
    redirectCase("codex", "http://[::1]:1455/auth/callback"),
    redirectCase("codex", "http://localhost:1455/callback"),
    redirectCase("codex", "https://localhost:1455/auth/callback"),
    redirectCase("gemini", "http://evil.example:49151/oauth2callback"),
    redirectCase("gemini", "http://127.0.0.1.evil.example/oauth2callback"),
  ],
  "unregistered-port": [
    redirectCase("codex", "http://localhost:1456/auth/callback"),
    redirectCase("codex", "http://localhost/auth/callback"),
  ],
  "missing-state": redirecting.map((provider) => ({ provider, attempt: authorize(provider, { state: null }) })),
  "short-state": [{ provider: "anthropic", attempt: authorize("anthropic", { state: "abc" }) }],
  "missing-challenge": [
    ...(["anthropic", "codex"] as const).map((provider) => ({
      provider,
      attempt: authorize(provider, { code_challenge: null, code_challenge_method: null }),
    })),
    {
      provider: "qwen",
      attempt: (emulator) => startQwen(emulator, { code_challenge: null, code_challenge_method: null }),
    },
  ],
  "plain-challenge": [
    ...redirecting.map((provider) => ({ provider, attempt: authorize(provider, { code_challenge_method: "plain" }) })),
    { provider: "qwen", attempt: (emulator) => startQwen(emulator, { code_challenge_method: null }) },
  ],
  "wrong-encoding": [
    ...redirecting.map((provider) => ({
      provider,
      what: "exchange",
      attempt: async (emulator: Emulator) =>
        exchange(
          emulator,
          provider,
          await newCode(emulator, provider),
          {},
          providers[provider].tokenEncoding === "json" ? form : asJson,
        ),
    })),
    ...(["gemini", "qwen"] as const).map((provider) => ({
      provider,
      what: "refresh",
      attempt: async (emulator: Emulator) =>
        refresh(emulator, provider, (await login(emulator, provider))["refresh_token"], {}, asJson),
    })),
    { provider: "qwen", what: "device", attempt: (emulator) => startQwen(emulator, {}, asJson) },
    {
      provider: "codex",
      what: "device",
      attempt: (emulator) =>
        http(at(emulator, providers.codex.deviceAuthorizationEndpoint), form({ client_id: providers.codex.clientId })),
    },
    {
      provider: "codex",
      what: "poll",
      async attempt(emulator) {
        const { body } = await startCodex(emulator);
        await emulator.approveDevice(body["user_code"]);
        const { device_auth_id, user_code } = body;
        return http(at(emulator, providers.codex.device.pollEndpoint), form({ device_auth_id, user_code }));
      },
    },
    {
      provider: "codex",
      what: "revoke",
      attempt: (emulator) => http(at(emulator, providers.codex.revocationEndpoint), form({ token: "any" })),
    },
  ],
  "wrong-secret": ["wrong", null].map((client_secret) => ({
    provider: "gemini",
    what: String(client_secret),
    attempt: async (emulator: Emulator) =>
      exchange(emulator, "gemini", await newCode(emulator, "gemini"), { client_secret }),
  })),
  "browser-user-agent": ["Mozilla/5.0 (X11; Linux x86_64)", "claude-code/2.1.0"].map((userAgent) => ({
    provider: "anthropic",
    what: userAgent,
    attempt: async (emulator: Emulator) =>
      exchange(emulator, "anthropic", await newCode(emulator, "anthropic"), {}, (members) =>
        asJson(members, { "user-agent": userAgent }),
      ),
  })),
  "code-of-another-client": [
    {
      provider: "gemini",
      attempt: async (emulator) =>
        exchange(emulator, "gemini", await newCode(emulator, "gemini"), publishedGeminiClient),
    },
  ],
  "expired-code": redirecting.map((provider) => ({
    provider,
    options: { codeLifetimeS: 0 },
    attempt: async (emulator) => exchange(emulator, provider, await newCode(emulator, provider)),
  })),
  "replayed-code": redirecting.map((provider) => ({ provider, attempt: replay(provider) })),
  "redirect-mismatch": redirecting.map((provider) => ({
    provider,
    attempt: async (emulator) =>
      exchange(emulator, provider, await newCode(emulator, provider), { redirect_uri: "http://localhost:10/callback" }),
  })),
  "wrong-verifier": [
    ...redirecting.flatMap((provider) =>
      ["x".repeat(43), null].map((code_verifier) => ({
        provider,
        what: String(code_verifier),
        attempt: async (emulator: Emulator) =>
          exchange(emulator, provider, await newCode(emulator, provider), { code_verifier }),
      })),
    ),
    {
      provider: "anthropic",
      what: "a code bound to another challenge",
      attempt: async (emulator) =>
        exchange(
          emulator,
          "anthropic",
          await newCode(emulator, "anthropic", { code_challenge: challengeOf("another".repeat(8)) }),
        ),
    },
    {
      provider: "qwen",
      async attempt(emulator) {
        const { body } = await startQwen(emulator);
        await emulator.approveDevice(body["user_code"]);
        return pollQwen(emulator, body["device_code"], { code_verifier: "x".repeat(43) });
      },
    },
  ],
  "missing-token-state": [
    {
      provider: "anthropic",
      attempt: async (emulator) =>
        exchange(emulator, "anthropic", await newCode(emulator, "anthropic"), { state: null }),
    },
  ],
  "wrong-token-state": [
    {
      provider: "anthropic",
      attempt: async (emulator) =>
        exchange(emulator, "anthropic", await newCode(emulator, "anthropic"), { state: "of another attempt" }),
    },
  ],
  "token-of-another-client": [
    {
      provider: "gemini",
      attempt: async (emulator) =>
        refresh(emulator, "gemini", (await login(emulator, "gemini"))["refresh_token"], publishedGeminiClient),
    },
  ],
  "reused-refresh-token": rotating.map((provider) => ({ provider, attempt: reuse(provider) })),
  "wider-scope": everybody.map((provider) => ({
    provider,
    attempt: async (emulator) =>
      refresh(emulator, provider, (await login(emulator, provider))["refresh_token"], { scope: "everything" }),
  })),
  "polled-too-fast": [
    {
      provider: "qwen",
      async attempt(emulator) {
        const { body } = await startQwen(emulator);
        await pollQwen(emulator, body["device_code"]);
        await emulator.approveDevice(body["user_code"]);
        return pollQwen(emulator, body["device_code"]);
      },
    },
  ],
  // The page takes no expired code either, so the person is quicker than the program.
  "expired-device-code": [
    {
      provider: "qwen",
      options: { deviceLifetimeS: 0.6 },
      async attempt(emulator) {
        const { body } = await startQwen(emulator);
        await emulator.approveDevice(body["user_code"]);
        await wait(650);
        return pollQwen(emulator, body["device_code"]);
      },
    },
    {
      provider: "codex",
      options: { deviceLifetimeS: 0.6 },
      async attempt(emulator) {
        const { body } = await startCodex(emulator);
        await emulator.approveDevice(body["user_code"]);
        await wait(650);
        return pollCodex(emulator, body["device_auth_id"], body["user_code"]);
      },
    },
  ],
  "used-device-code": [
    {
      provider: "qwen",
      options: { deviceIntervalS: 0 },
      async attempt(emulator) {
        const { body } = await startQwen(emulator);
        await emulator.approveDevice(body["user_code"]);
        await pollQwen(emulator, body["device_code"]);
        return pollQwen(emulator, body["device_code"]);
      },
    },
    {
      provider: "codex",
      async attempt(emulator) {
        const { body } = await startCodex(emulator);
        await emulator.approveDevice(body["user_code"]);
        await pollCodex(emulator, body["device_auth_id"], body["user_code"]);
        return pollCodex(emulator, body["device_auth_id"], body["user_code"]);
      },
    },
  ],
  "wrong-user-code": [
    {
      provider: "codex",
      async attempt(emulator) {
        const { body } = await startCodex(emulator);
        await emulator.approveDevice(body["user_code"]);
        return pollCodex(emulator, body["device_auth_id"], "AAAA-AAAA");
      },
    },
  ],
  "expired-access-token": everybody.map((provider) => ({
    provider,
    options: { lifetimeS: 0 },
    attempt: async (emulator) => askApi(emulator, provider, (await login(emulator, provider))["access_token"]),
  })),
  "revoked-access-token": everybody.map((provider) => ({
    provider,
    async attempt(emulator) {
      const { access_token: token } = await login(emulator, provider);
      emulator.revokeAll(provider);
      return askApi(emulator, provider, token);
    },
  })),
  "wrong-api-key": everybody.map((provider) => ({
    provider,
    attempt: (emulator) => askWithKey(emulator, provider, "not-the-key"),
  })),
  "oauth-token-at-key-api": everybody.map((provider) => ({
    provider,
    attempt: async (emulator) => askWithKey(emulator, provider, (await login(emulator, provider))["access_token"]),
  })),
  "missing-beta-header": [
    {
      provider: "anthropic",
      attempt: async (emulator) =>
        askApi(
          emulator,
          "anthropic",
          (await login(emulator, "anthropic"))["access_token"],
          {},
          { "anthropic-beta": "" },
        ),
    },
  ],
  "missing-version-header": [
    {
      provider: "anthropic",
      attempt: async (emulator) =>
        askApi(
          emulator,
          "anthropic",
          (await login(emulator, "anthropic"))["access_token"],
          {},
          { "anthropic-version": "" },
        ),
    },
  ],
  "missing-max-tokens": [
    {
      provider: "anthropic",
      attempt: async (emulator) =>
        askApi(emulator, "anthropic", (await login(emulator, "anthropic"))["access_token"], { max_tokens: undefined }),
    },
  ],
  "missing-instructions": [codexBody({ instructions: undefined })],
  "store-not-false": [codexBody({ store: undefined }), codexBody({ store: true })],
  "stream-not-true": [codexBody({ stream: undefined })],
  "project-with-free-tier": [
    {
      provider: "gemini",
      async attempt(emulator) {
        const { access_token: token } = await login(emulator, "gemini");
        return http(
          `${at(emulator, providers.gemini.api.base)}:onboardUser`,
          asJson(
            { tierId: "free-tier", cloudaicompanionProject: "mine" },
            { authorization: `Bearer ${String(token)}` },
          ),
        );
      },
    },
  ],
};

function codexBody(body: object): Case {
  return {
    provider: "codex",
    what: JSON.stringify(body),
    attempt: async (emulator) => askApi(emulator, "codex", (await login(emulator, "codex"))["access_token"], body),
  };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** As a page shows it. */
const unescape = (text: string): string => text.replaceAll("&#39;", "'").replaceAll("&quot;", '"');

for (const name of Object.keys(refusals) as Refusal[]) {
  describe(name, () => {
    test("has a case", () => {
      assert.notEqual(cases[name].length, 0);
    });
    for (const { provider, what, options, attempt } of cases[name]) {
      const title = what === undefined ? provider : `${provider}, ${what}`;
      test(`${title}: refused in the vendor's words`, async () => {
        await using emulator = await startEmulator(options);
        const answer = await attempt(emulator);
        const says: Partial<Record<string, readonly [number, string, string]>> = refusals[name];
        const [status, , message] = says[provider] ?? says["any"] ?? assert.fail("no words");
        assert.equal(answer.status, status);
        assert.ok(unescape(answer.text).includes(message) || JSON.stringify(answer.body).includes(message));
      });
      test(`${title}: let through when only this refusal is off`, async () => {
        await using emulator = await startEmulator({ ...options, lenient: [name] });
        const answer = await attempt(emulator);
        assert.equal(answer.status, 200, answer.text.slice(0, 300));
      });
    }
  });
}
