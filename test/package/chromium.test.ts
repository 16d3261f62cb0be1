// A whole sign-in by the built command in a real browser: the page at the end tells the truth, holds no code in its
// address, and loads nothing from anywhere (RFC 9700 4.2, 4.3).
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { startEmulator } from "../../providers/emulator/index.ts";
import { ran } from "./built.ts";

const missing = existsSync("/usr/bin/chromium") ? false : "there is no /usr/bin/chromium here";

test("a person signs in with a real browser", { skip: missing }, async () => {
  await using emulator = await startEmulator();
  const home = mkdtempSync(join(tmpdir(), "llxprt-auth-chromium-"));
  const record = process.env["SCREENSHOTS"] ?? join(home, "record");
  mkdirSync(record, { recursive: true });
  const geminiClientFile = join(home, "client.json");
  writeFileSync(geminiClientFile, JSON.stringify(emulator.geminiClient));
  writeFileSync(join(home, "settings.json"), JSON.stringify(emulator.settings({ geminiClientFile })));
  const browser = `${process.execPath} ${resolve("test/package/browser.ts")} ${record}`;

  const login = await ran(home, ["gemini", "login"], { BROWSER: browser });
  assert.equal(login.code, 0, login.stderr);

  // The command is done when the tokens are stored; the browser looks at its last page for a little longer.
  const path = join(record, "result.json");
  for (let look = 0; look < 200 && !existsSync(path); look += 1) await setTimeout(50);
  const seen = JSON.parse(readFileSync(path, "utf8")) as Record<string, string & string[]>;
  assert.equal(seen["title"], "Signed in");
  const address = new URL(seen["address"] ?? "");
  assert.deepEqual([address.pathname, address.search, address.hash], ["/oauth2callback", "", ""]);
  assert.deepEqual(seen["complaints"], []);
  const loopback = /^http:\/\/(127\.0\.0\.1|localhost):\d+\//;
  assert.deepEqual(
    (seen["requests"] ?? []).filter((request) => !loopback.test(request)),
    [],
  );

  const token = await ran(home, ["gemini", "token"]);
  assert.equal(token.code, 0, token.stderr);
  assert.ok(emulator.secrets().includes(token.stdout.trim()));
  rmSync(home, { recursive: true, force: true });
});
