// What the vendors' own command lines were seen to send when their traffic was led here: Codex 0.169.0, Claude Code 2.1.330
// and Gemini CLI 0.61.0 signed in, were served, renewed and signed out. These are the requests that they make and that other
// clients do not.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import { asJson, at, authorizeUrl, bearer, codeFrom, exchange, http, login } from "./client.ts";

const packed = (role: string): Buffer => {
  const input = [
    { type: "message", role, content: [{ type: "input_text", text: "Be brief." }] },
    { type: "message", role: "user", content: [{ type: "input_text", text: "hello there" }] },
  ];
  return zstdCompressSync(JSON.stringify({ model: "gpt-6.1-sol", store: false, stream: true, input }));
};

describe("Codex", () => {
  it("redirects to the address of this machine, not to its name", async () => {
    await using emulator = await startEmulator();
    const redirect_uri = "http://127.0.0.1:1457/auth/callback";
    const code = await codeFrom(emulator, authorizeUrl(emulator, "codex", { redirect_uri }));
    assert.equal((await exchange(emulator, "codex", code, { redirect_uri })).status, 200);
  });

  it("asks first where the backend of its workspace is", async () => {
    await using emulator = await startEmulator();
    const { access_token: access, id_token: identity } = await login(emulator, "codex");
    const { body } = await http(`${emulator.url}/backend-api/wham/accounts/check`, { headers: bearer(access) });
    const claims = JSON.parse(Buffer.from(identity.split(".")[1], "base64url").toString()) as Record<string, any>;
    const [workspace] = body["accounts"];
    assert.deepEqual(
      [workspace.id, workspace.workspace_backend_origin, workspace.account_routing_override],
      [claims["https://api.openai.com/auth"].chatgpt_account_id, "https://chatgpt.com", "NO_CONSTRAINT"],
    );
  });

  it("compresses its prompt, and has its instructions in the conversation", async () => {
    await using emulator = await startEmulator();
    const { access_token: access } = await login(emulator, "codex");
    const send = (body: Buffer, encoding: string) =>
      http(`${at(emulator, providers.codex.api.base)}/responses`, {
        method: "POST",
        body: new Uint8Array(body),
        headers: { ...bearer(access), "content-type": "application/json", "content-encoding": encoding },
      });
    assert.match((await send(packed("developer"), "zstd")).text, /You said: hello there/);
    assert.equal((await send(packed("user"), "zstd")).body["detail"], "Instructions are required");
    assert.equal((await send(Buffer.from("not packed"), "zstd")).status, 413);
    assert.equal((await send(zstdCompressSync(Buffer.alloc(17 * 1024 * 1024)), "zstd")).status, 413);
  });
});

describe("Claude Code", () => {
  it("asks for its roles, renews with a narrower scope, and revokes at logout", async () => {
    await using emulator = await startEmulator();
    const { access_token: access, refresh_token: refresh } = await login(emulator, "anthropic");
    const { body } = await http(`${emulator.url}/api/oauth/claude_cli/roles`, { headers: bearer(access) });
    assert.equal(body["organization_name"], "Example Works");
    const { tokenEndpoint, clientId } = providers.anthropic;
    const renew = { grant_type: "refresh_token", refresh_token: refresh, client_id: clientId, scope: "user:inference" };
    const renewed = await http(at(emulator, tokenEndpoint), asJson(renew));
    assert.equal(renewed.status, 200);
    const { refresh_token: token } = renewed.body;
    const goodbye = { token, token_type_hint: "refresh_token", client_id: clientId };
    assert.equal((await http(`${at(emulator, tokenEndpoint)}/revoke`, asJson(goodbye))).status, 200);
    assert.equal(emulator.counters("anthropic").revocations, 1);
    assert.equal(emulator.standing(renewed.body["access_token"]), "ended");
  });
});

describe("Gemini CLI", () => {
  it("asks around its prompts for more than an answer, and does not start without", async () => {
    await using emulator = await startEmulator();
    const { access_token: access } = await login(emulator, "gemini");
    const base = at(emulator, providers.gemini.api.base);
    for (const [method, member] of [
      ["listExperiments", "experimentIds"],
      ["retrieveUserQuota", "buckets"],
    ] as const) {
      const { status, body } = await http(`${base}:${method}`, asJson({ project: "p" }, bearer(access)));
      assert.deepEqual([status, body[member]], [200, []]);
    }
    assert.equal((await http(`${base}:listExperiments`, asJson({}))).status, 401);
    assert.equal((await http(`${base}:ofNobody`, asJson({}, bearer(access)))).status, 404);
  });
});
