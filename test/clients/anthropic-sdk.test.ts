// Anthropic's own library: it keeps a login in a profile of its own and renews it at the token endpoint, and it reads what
// the API says. What it refuses to accept is the emulator's fault; with our `fetch` it needs no login of its own.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import Anthropic, { APIConnectionTimeoutError, AuthenticationError, PermissionDeniedError } from "@anthropic-ai/sdk";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { AuthError, authErrorIn } from "../../machines/errors.ts";
import { anthropic as facts } from "../../providers/anthropic.ts";
import { login } from "../emulator/client.ts";
import { Home, type Json } from "../support/home.ts";
import { signIn, stage } from "../support/stage.ts";

const { model } = facts.api;
const hello = { model, max_tokens: 64, messages: [{ role: "user", content: "hello there" }] } as const;
const asked = { ...hello, messages: [...hello.messages] };

/** A profile with a login whose token ends in so many seconds. */
async function profile(emulator: Emulator, home: Home, seconds: number) {
  const { access_token, refresh_token } = await login(emulator, "anthropic");
  const folder = join(home.userHome, "anthropic");
  for (const name of ["configs", "credentials"]) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  const authentication = { type: "user_oauth", client_id: facts.clientId };
  const config = { version: "1.0", base_url: emulator.url, authentication };
  writeFileSync(join(folder, "configs", "robin.json"), JSON.stringify(config), { mode: 0o600 });
  const path = join(folder, "credentials", "robin.json");
  const expires_at = Math.floor(Date.now() / 1000) + seconds;
  const credentials = { version: "1.0", type: "oauth_token", access_token, refresh_token, expires_at };
  writeFileSync(path, JSON.stringify(credentials), { mode: 0o600 });
  process.env["ANTHROPIC_CONFIG_DIR"] = folder;
  const read = (): Json => JSON.parse(readFileSync(path, "utf8")) as Json;
  // Its answer to a 401 counts as a retry.
  return { client: new Anthropic({ profile: "robin", maxRetries: 1 }), before: credentials, read };
}

describe("the Anthropic SDK", () => {
  it("renews the login of its profile, rotation included, and is served", async () => {
    await using emulator = await startEmulator();
    using home = new Home();
    const { client, before, read } = await profile(emulator, home, -5);
    const message = await client.messages.create(asked);
    assert.deepEqual(message.content, [{ type: "text", text: "You said: hello there" }]);
    assert.match(message._request_id ?? "", /^req_/);
    const after = read();
    assert.notEqual(after["refresh_token"], before.refresh_token);
    assert.ok(after["expires_at"] > Math.floor(Date.now() / 1000) + 28_000);
    assert.equal(emulator.standing(after["access_token"]), "live");

    emulator.expireAccess("anthropic");
    assert.equal((await client.messages.create(asked)).stop_reason, "end_turn");
    const { refreshes, reuses, unauthorized } = emulator.counters("anthropic");
    assert.deepEqual([refreshes, reuses, unauthorized], [2, 0, 1]);
  });

  it("is told that a login is over by the token endpoint and by the API", async () => {
    await using emulator = await startEmulator();
    using home = new Home();
    const { client } = await profile(emulator, home, 3600);
    emulator.revokeAll("anthropic");
    await assert.rejects(client.messages.create(asked), (error) => {
      assert.ok(error instanceof PermissionDeniedError);
      assert.equal(error.type, "permission_error");
      assert.match(error.requestID ?? "", /^req_/);
      return true;
    });
    const { client: late } = await profile(emulator, home, -5);
    emulator.revokeAll("anthropic");
    await assert.rejects(late.messages.create(asked), /HTTP 400.*invalid_grant/);
  });

  it("reads a stream, counts tokens and lists models", async () => {
    await using emulator = await startEmulator();
    using home = new Home();
    const { client } = await profile(emulator, home, 3600);
    const stream = client.messages.stream(asked);
    const pieces: string[] = [];
    stream.on("text", (piece) => pieces.push(piece));
    const { content, usage } = await stream.finalMessage();
    assert.deepEqual(content, [{ type: "text", text: "You said: hello there" }]);
    assert.deepEqual([pieces.join(""), pieces.length > 1, usage.output_tokens], ["You said: hello there", true, 8]);
    assert.equal((await client.messages.countTokens({ model, messages: asked.messages })).input_tokens, 8);
    for await (const { id } of client.models.list()) assert.equal(id, model);
    assert.equal((await client.models.retrieve(model)).type, "model");
  });

  it("is served by key, and told of a wrong one", async () => {
    await using emulator = await startEmulator();
    const by = (apiKey: string) => new Anthropic({ apiKey, baseURL: emulator.url, maxRetries: 0 });
    assert.equal((await by(emulator.apiKeys.anthropic).messages.create(asked)).role, "assistant");
    await assert.rejects(by("sk-ant-api03-wrong").messages.create(asked), AuthenticationError);
  });

  it("through our fetch uses our login, and outlives its token", async () => {
    await using s = await stage();
    const auth = s.auth();
    await signIn(s, auth, "anthropic");
    const client = new Anthropic({
      apiKey: "of-no-account",
      baseURL: s.emulator.url,
      maxRetries: 0,
      fetch: auth.fetch("anthropic"),
    });
    assert.equal((await client.messages.create(asked)).model, model);
    s.emulator.expireAccess("anthropic");
    const { content } = await client.messages.stream(asked).finalMessage();
    assert.deepEqual(content, [{ type: "text", text: "You said: hello there" }]);
    const { refreshes, unauthorized } = s.emulator.counters("anthropic");
    assert.deepEqual([refreshes, unauthorized], [1, 1]);
    assert.ok(!JSON.stringify(s.emulator.requests.map(({ headers }) => headers)).includes("of-no-account"));
  });

  it("takes a login's token from a function as `credentials`, and not as `apiKey`", async () => {
    await using s = await stage();
    const account = s.auth().account("anthropic");
    await signIn(s, s.auth(), "anthropic");
    const options = { baseURL: s.emulator.url, maxRetries: 0 };
    const token = async (): Promise<string> => (await account.token()).secret.reveal();
    const credentials = async () => {
      const { secret, expiresAt } = await account.token();
      return { token: secret.reveal(), expiresAt: Math.floor((expiresAt ?? 0) / 1000) };
    };
    assert.equal((await new Anthropic({ ...options, credentials }).messages.create(asked)).model, model);
    await assert.rejects(new Anthropic({ ...options, apiKey: token }).messages.create(asked), AuthenticationError);
    await account.logout();
    for (const by of [{ credentials }, { apiKey: token }])
      await assert.rejects(
        new Anthropic({ ...options, ...by }).messages.create(asked),
        (error) => authErrorIn(error)?.code === "sign_in_needed",
      );
  });

  it("drops the cause of what looks to it like time that ran out, as the page says", async () => {
    const ours = new AuthError("network_timeout", { provider: "anthropic", detail: "ETIMEDOUT" });
    const client = new Anthropic({ apiKey: "of-no-account", maxRetries: 0, fetch: () => Promise.reject(ours) });
    await assert.rejects(client.messages.create(asked), (error) => {
      assert.ok(error instanceof APIConnectionTimeoutError);
      return authErrorIn(error) === null;
    });
  });
});
