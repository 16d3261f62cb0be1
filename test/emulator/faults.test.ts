// Each fault: what the client sees, and whether the server acted.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type Emulator, type Fault, startEmulator } from "../../providers/emulator/index.ts";
import { askApi, authorizeUrl, codeFrom, exchange, http, login, refresh, startCodex, pollCodex } from "./client.ts";

/** Whether the refresh behind the fault took place. */
async function refreshWith(
  fault: Fault,
): Promise<{ reply: Awaited<ReturnType<typeof refresh>> | null; acted: boolean }> {
  await using emulator = await startEmulator();
  const { refresh_token: token } = await login(emulator, "codex");
  emulator.fault("codex", "refresh", fault);
  const reply = await refresh(emulator, "codex", token).catch(() => null);
  const acted = emulator.counters("codex").refreshes === 1;
  // The proof from outside: a spent token is a reuse now.
  const { reuses } = emulator.counters("codex");
  await refresh(emulator, "codex", token);
  assert.equal(emulator.counters("codex").reuses - reuses, acted ? 1 : 0);
  return { reply, acted };
}

test("drop-reply: acted, not a byte came back", async () => {
  assert.deepEqual(await refreshWith({ kind: "drop-reply" }), { reply: null, acted: true });
});

test("drop-connection: nothing happened", async () => {
  assert.deepEqual(await refreshWith({ kind: "drop-connection" }), { reply: null, acted: false });
});

test("status, with Retry-After, before or after acting", async () => {
  const limited = await refreshWith({ kind: "status", status: 429, retryAfter: "7" });
  assert.deepEqual(
    [limited.reply?.status, limited.reply?.headers.get("retry-after"), limited.acted],
    [429, "7", false],
  );
  const late = await refreshWith({ kind: "status", status: 500, acted: true });
  assert.deepEqual([late.reply?.status, late.acted], [500, true]);
  assert.equal((await refreshWith({ kind: "status", status: 503 })).reply?.status, 503);
});

test("html where JSON belongs", async () => {
  const { reply, acted } = await refreshWith({ kind: "html" });
  assert.deepEqual([reply?.status, acted], [200, false]);
  assert.match(reply?.headers.get("content-type") ?? "", /^text\/html/);
});

test("truncated-json: acted, and what came is no JSON", async () => {
  const { reply, acted } = await refreshWith({ kind: "truncated-json" });
  assert.equal(acted, true);
  assert.throws(() => JSON.parse(reply?.text ?? "") as unknown);
  assert.ok((reply?.text.length ?? 0) > 10);
});

test("huge: 10 MB of valid JSON", async () => {
  const { reply } = await refreshWith({ kind: "huge" });
  assert.ok((reply?.text.length ?? 0) > 10 * 1024 * 1024);
});

test("gzip-bomb: a little that becomes a lot", async () => {
  await using emulator = await startEmulator();
  emulator.fault("codex", "device", { kind: "gzip-bomb" });
  const { request } = await import("node:http");
  const compressed = await new Promise<Buffer>((resolve) => {
    const { pathname } = new URL("https://auth.openai.com/api/accounts/deviceauth/usercode");
    request(emulator.url + pathname, { method: "POST" }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on("data", (chunk: Buffer) => void chunks.push(chunk));
      reply.on("end", () => {
        resolve(Buffer.concat(chunks));
      });
    }).end();
  });
  assert.ok(compressed.length < 100_000);
  assert.equal(gunzipSync(compressed).length, 64 * 1024 * 1024);
});

test("redirect: to wherever, and a client that follows is caught there", async () => {
  let visits = 0;
  const elsewhere = createServer((_request, response) => {
    visits += 1;
    response.end();
  });
  await new Promise<void>((resolve) => void elsewhere.listen(0, "127.0.0.1", resolve));
  const to = `http://127.0.0.1:${String((elsewhere.address() as AddressInfo).port)}/`;
  for (const status of [302, 307] as const) {
    const { reply, acted } = await refreshWith({ kind: "redirect", status, to });
    assert.deepEqual([reply?.status, reply?.headers.get("location"), acted], [status, to, false]);
  }
  assert.equal(visits, 0);
  elsewhere.close();
});

test("delay: acts at once, answers late", { timeout: 10_000 }, async () => {
  await using emulator = await startEmulator();
  const { refresh_token: token } = await login(emulator, "codex");
  emulator.fault("codex", "refresh", { kind: "delay", ms: 80 });
  const begun = performance.now();
  const pending = refresh(emulator, "codex", token);
  while (emulator.counters("codex").refreshes === 0) await new Promise((resolve) => void setTimeout(resolve, 1));
  const acted = performance.now() - begun;
  assert.equal((await pending).status, 200);
  assert.ok(acted < performance.now() - begun && performance.now() - begun >= 75);
});

test("trickle: one byte at a time", async () => {
  await using emulator = await startEmulator();
  emulator.fault("codex", "device", { kind: "trickle", msPerByte: 1 });
  const begun = performance.now();
  const { body, text } = await startCodex(emulator);
  assert.ok("user_code" in body);
  assert.ok(performance.now() - begun > text.length * 0.5);
});

test("a held reply does not hold up close()", { timeout: 10_000 }, async () => {
  const emulator = await startEmulator();
  emulator.fault("codex", "device", { kind: "delay", ms: 60_000 });
  const pending = startCodex(emulator).catch(() => null);
  while (emulator.counters("codex").device === 0) await new Promise((resolve) => void setTimeout(resolve, 1));
  await emulator.close();
  assert.equal(await pending, null);
});

test("rewrite: hostile members in a true reply; undefined removes one", async () => {
  const { reply, acted } = await refreshWith({
    kind: "rewrite",
    members: { expires_in: "1e400", token_type: "DPoP", refresh_token: undefined },
  });
  assert.equal(acted, true);
  assert.deepEqual([reply?.body["expires_in"], reply?.body["token_type"]], ["1e400", "DPoP"]);
  assert.ok(!("refresh_token" in (reply?.body ?? {})) && "access_token" in (reply?.body ?? {}));
});

test("reply: any at all", async () => {
  const { reply, acted } = await refreshWith({ kind: "reply", status: 200, body: "{}{}", contentType: "text/plain" });
  assert.deepEqual([reply?.status, reply?.text, acted], [200, "{}{}", false]);
});

test("situation: the vendors' refusals that are no fault of the login", async () => {
  await using emulator = await startEmulator();
  const expected = {
    gemini: { policy: 200, limit: 429, overloaded: 503 },
    anthropic: { policy: 400, limit: 429, overloaded: 529 },
    codex: { policy: 429, limit: 429, overloaded: 503 },
    qwen: { policy: 401, limit: 403, overloaded: 503 },
  } as const;
  for (const name of ["gemini", "anthropic", "codex", "qwen"] as const) {
    const { access_token: token } = await login(emulator, name);
    for (const situation of ["policy", "limit", "overloaded"] as const) {
      emulator.fault(name, "api", { kind: "situation", name: situation });
      assert.equal((await askApi(emulator, name, token)).status, expected[name][situation]);
    }
    assert.equal((await askApi(emulator, name, token)).status, 200);
  }
});

test("faults hit only their endpoint, as often as ordered, in order", async () => {
  await using emulator = await startEmulator();
  emulator.fault("codex", "token", { kind: "status", status: 500 }, 2);
  emulator.fault("codex", "token", { kind: "status", status: 503 });
  const code = await codeFrom(emulator, authorizeUrl(emulator, "codex"));
  const statuses: number[] = [];
  for (let time = 0; time < 4; time += 1) statuses.push((await exchange(emulator, "codex", code)).status);
  assert.deepEqual(statuses, [500, 500, 503, 200]);
});

const endpoints: readonly [name: "poll" | "authorize", attempt: (emulator: Emulator) => Promise<{ status: number }>][] =
  [
    ["poll", (emulator) => pollCodex(emulator, "any", "any")],
    ["authorize", (emulator) => http(authorizeUrl(emulator, "codex"))],
  ];
for (const [endpoint, attempt] of endpoints) {
  test(`${endpoint} can be faulted`, async () => {
    await using emulator = await startEmulator();
    emulator.fault("codex", endpoint, { kind: "status", status: 503 });
    assert.equal((await attempt(emulator)).status, 503);
    assert.notEqual((await attempt(emulator)).status, 503);
  });
}
