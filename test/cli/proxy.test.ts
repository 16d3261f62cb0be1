// A machine that reaches the vendors through a proxy only, which reads everything with certificates of its own authority.
// The command is the real one, the addresses are the vendor's own, and nothing is set but the environment.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { startEmulator } from "../../providers/emulator/index.ts";
import { startProxy } from "../servers/proxy.ts";
import { type Ended, House } from "./program.ts";

const password = "pr0xy-CANARY-passw0rd";

it("behind a proxy a login is made, used, renewed in a process of its own, and revoked", async () => {
  await using emulator = await startEmulator({ lenient: ["unregistered-port"] });
  await using proxy = await startProxy({ behind: () => emulator.url, wants: `me:${password}` });
  // Only a port is changed, which tests would have to share.
  using house = new House(null, { providers: { codex: { loopback: { ports: [] } } } });
  mkdirSync(join(house.folder, "certificates"));
  writeFileSync(join(house.folder, "certificates/ca.pem"), proxy.authority.certificate);
  const env = {
    https_proxy: proxy.url.replace("//", `//me:${password}@`),
    // As it is named in the folder where the command runs; the process that renews runs elsewhere.
    SSL_CERT_FILE: "certificates/ca.pem",
    BROWSER: `${house.agreeing()} ${emulator.url}`,
  };
  const printed: Ended[] = [];
  let asked = 0;
  /** Runs a command, @returns what it printed, and what it asked of whom. */
  const run = async (line: string) => {
    const { child, ended } = house.start(line.split(" "), { env });
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 0, `${line}: ${stderr}`);
    printed.push(await ended);
    const requests = proxy.read.slice(asked);
    asked = proxy.read.length;
    return { stdout: stdout.trim(), requests, pid: child.pid };
  };
  const exchange = "POST https://auth.openai.com/oauth/token";

  const login = await run("codex login");
  assert.deepEqual(login.requests, [exchange]);
  const before = house.tokens("codex");
  house.plant("codex", { ...before, expiry: Math.floor(Date.now() / 1000) - 5 });
  const renewed = await run("codex token");
  assert.deepEqual(renewed.requests, [exchange]);
  assert.notEqual(renewed.stdout, before["access_token"]);
  assert.equal(emulator.standing(renewed.stdout), "live");
  const permitted = house.journal.find(({ step }) => step === "permitted");
  assert.ok(permitted !== undefined && permitted["pid"] !== renewed.pid, "by another process");
  const verified = await run("codex status --verify");
  assert.deepEqual(verified.requests, ["GET https://chatgpt.com/backend-api/wham/usage"]);
  const told = await run("codex ask hello");
  assert.deepEqual(told.requests, ["POST https://chatgpt.com/backend-api/codex/responses"]);
  const gone = await run("codex logout");
  assert.deepEqual(gone.requests, ["POST https://auth.openai.com/oauth/revoke"]);
  assert.equal(emulator.counters("codex").revocations, 1);

  assert.deepEqual(proxy.plain, []);
  assert.deepEqual([...new Set(proxy.connects)].toSorted(), ["auth.openai.com:443", "chatgpt.com:443"]);
  const kept = readdirSync(house.home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  for (const text of [...kept, ...printed.flatMap(({ stdout, stderr }) => [stdout, stderr])])
    assert.ok(!text.includes("CANARY"), text);
});
