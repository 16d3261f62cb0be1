// What the emulator keeps and says about requests, the settings that lead to it, and the rules of its own source.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { inspect } from "node:util";
import { refusals, startEmulator } from "../../providers/emulator/index.ts";
import { type ProviderName, providers } from "../../providers/index.ts";
import { authorizeUrl, askApi, askWithKey, login, pollCodex, refresh, startCodex } from "./client.ts";

const everybody = Object.keys(providers) as ProviderName[];
const source = new URL("../../providers/emulator/", import.meta.url);

test("no secret in the log and none in a printed record; all of them in secrets()", async () => {
  const lines: string[] = [];
  await using emulator = await startEmulator({ log: (line) => void lines.push(line) });
  const given: string[] = [emulator.geminiClient.installed.client_secret, ...Object.values(emulator.apiKeys)];
  for (const name of everybody) {
    const tokens = await login(emulator, name);
    given.push(tokens["access_token"], tokens["refresh_token"], ...(tokens["id_token"] ? [tokens["id_token"]] : []));
    const { body } = await refresh(emulator, name, tokens["refresh_token"]);
    given.push(body["access_token"], ...(body["refresh_token"] ? [body["refresh_token"]] : []));
    await askApi(emulator, name, body["access_token"]);
    await askWithKey(emulator, name, emulator.apiKeys[name]);
  }
  const device = (await startCodex(emulator)).body;
  await emulator.approveDevice(device["user_code"]);
  const { body } = await pollCodex(emulator, device["device_auth_id"], device["user_code"]);
  given.push(device["device_auth_id"], body["authorization_code"], body["code_verifier"]);
  const outcome = await emulator.approve(
    authorizeUrl(emulator, "anthropic", { redirect_uri: providers.anthropic.paste.redirectUri }),
  );
  given.push(outcome.shown?.split("#")[0] ?? "");

  const minted = new Set(emulator.secrets());
  for (const secret of given) assert.ok(minted.has(secret), "a secret is missing in secrets()");
  const said = [lines.join("\n"), inspect(emulator.requests, { depth: 9 }), JSON.stringify(emulator.requests)].join();
  for (const secret of minted) assert.ok(!said.includes(secret), "a secret was shown");
  assert.ok(lines.length > 20);
});

test("a record has what judges ask for, and the body for those who ask by name", async () => {
  await using emulator = await startEmulator();
  const tokens = await login(emulator, "anthropic");
  await refresh(emulator, "anthropic", tokens["refresh_token"]);
  const seen = emulator.requests.at(-1) ?? assert.fail("nothing was recorded");
  assert.deepEqual(
    [seen.method, seen.path, seen.provider, seen.endpoint, seen.contentType, seen.status],
    ["POST", "/v1/oauth/token", "anthropic", "refresh", "application/json", 200],
  );
  assert.deepEqual([...seen.parameters].sort(), ["client_id", "grant_type", "refresh_token"]);
  assert.ok(seen.body.includes(tokens["refresh_token"]));
  assert.ok(!Object.keys(seen).includes("body") && !Object.keys(seen).includes("query"));
});

test("every refresh token that comes in is noted, by the number of its login and its own", async () => {
  await using emulator = await startEmulator();
  const { refresh_token: first, access_token: access } = await login(emulator, "codex");
  const { body } = await refresh(emulator, "codex", first);
  assert.equal(emulator.standing(body["access_token"]), "live");
  await refresh(emulator, "codex", first);
  await refresh(emulator, "codex", body["refresh_token"]);
  await refresh(emulator, "codex", "made-up");
  assert.deepEqual(
    emulator.presentations().map(({ login: number, generation, worth }) => [number, generation, worth]),
    [
      [0, 0, "current"],
      [0, 0, "reused"],
      [0, 1, "ended"],
    ],
  );
  assert.deepEqual(
    emulator.logins().map(({ generation, ended }) => [generation, ended]),
    [[1, "reuse"]],
  );
  assert.equal(emulator.standing(access), "ended");
  assert.equal(emulator.standing("made-up"), "unknown");
});

test("counters", async () => {
  await using emulator = await startEmulator();
  const tokens = await login(emulator, "codex");
  await refresh(emulator, "codex", tokens["refresh_token"]);
  await refresh(emulator, "codex", tokens["refresh_token"]);
  await askApi(emulator, "codex", tokens["access_token"]);
  assert.deepEqual(emulator.counters("codex"), {
    authorize: 1,
    token: 3,
    exchanges: 1,
    refreshes: 1,
    reuses: 1,
    graced: 0,
    revokedFamilies: 1,
    revocations: 0,
    device: 0,
    polls: 0,
    api: 1,
    unauthorized: 1,
  });
});

test("settings() leaves no address of a vendor in use", async () => {
  await using emulator = await startEmulator();
  const { providers: moved } = emulator.settings({ geminiClientFile: "/somewhere/client.json" });
  assert.deepEqual(Object.keys(moved).sort(), [...everybody].sort());
  for (const name of everybody) {
    const provider: Record<string, unknown> = { ...providers[name] };
    // What a client does with settings: nested objects merge one level deep, arrays replace.
    for (const [field, value] of Object.entries(moved[name])) {
      const old = provider[field];
      const nests = typeof value === "object" && value !== null && !Array.isArray(value) && typeof old === "object";
      provider[field] = nests ? { ...old, ...value } : value;
    }
    // For people to look at, and of no consequence to a request.
    for (const field of ["grantsPage", "clientSource", "keyVariables", "notice", "status", "scopes"]) {
      delete provider[field];
    }
    // A claim's name is a URL and no address.
    delete provider["accountClaim"];
    delete provider["identity"];
    assert.doesNotMatch(JSON.stringify(provider), /https:/, name);
    const invented = Object.keys(moved[name]).filter((field) => !(field in providers[name]));
    assert.deepEqual(invented, []);
    for (const [field, value] of Object.entries(providers[name])) {
      if (value === null && field !== "clientFile") assert.ok(!(field in moved[name]), `${name}.${field} was null`);
    }
  }
  assert.equal((moved.gemini as { clientFile: string }).clientFile, "/somewhere/client.json");
});

test("everything is made up at the start", async () => {
  await using one = await startEmulator();
  await using two = await startEmulator();
  const all = new Set([...Object.values(one.apiKeys), ...Object.values(two.apiKeys)]);
  assert.equal(all.size, 8);
  assert.notEqual(one.geminiClient.installed.client_id, two.geminiClient.installed.client_id);
});

test("listens on 127.0.0.1 alone, on the port that was asked for, and lets go of it", async () => {
  const emulator = await startEmulator();
  const port = Number(new URL(emulator.url).port);
  const reaches = (host: string): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, host, () => {
        socket.destroy();
        resolve(true);
      }).on("error", () => {
        resolve(false);
      });
    });
  assert.equal(await reaches("127.0.0.1"), true);
  const others = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter(({ internal }) => !internal));
  for (const { address, family } of others) if (family === "IPv4") assert.equal(await reaches(address), false);
  await assert.rejects(startEmulator({ port }), { code: "EADDRINUSE" });
  await emulator.close();
  await emulator.close();
  await (await startEmulator({ port })).close();
});

test("every refusal is asked for in exactly one place", () => {
  const text = readdirSync(source)
    .map((file) => readFileSync(new URL(file, source), "utf8"))
    .join("\n");
  for (const name of Object.keys(refusals)) {
    assert.equal(text.split(`refuses("${name}"`).length - 1, 1, name);
  }
});
