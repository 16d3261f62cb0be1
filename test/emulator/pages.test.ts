// The pages: nothing from outside gets in unescaped, nothing is loaded from anywhere, a form works in a real browser.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { chromium } from "playwright-core";
import { startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import { authorizeUrl, form, http, pollQwen, redirectFrom, startQwen, state } from "./client.ts";

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;`;

test("whatever a client sends is escaped, in every place where it shows", async () => {
  await using emulator = await startEmulator({ lenient: ["unknown-client"] });
  const { pathname } = new URL(providers.anthropic.paste.redirectUri);
  const pages = [
    await http(authorizeUrl(emulator, "codex", { client_id: hostile, scope: hostile })),
    await http(authorizeUrl(emulator, "gemini", { redirect_uri: `http://127.0.0.1:49151/${hostile}` })),
    await http(`${emulator.url}${pathname}?${new URLSearchParams({ code: hostile, state: hostile }).toString()}`),
    await http(`${emulator.url}/codex/device?${new URLSearchParams({ user_code: hostile }).toString()}`),
    await http(`${emulator.url}/codex/device`, form({ user_code: hostile, decision: "approve" })),
  ];
  for (const page of pages) {
    assert.doesNotMatch(page.text, /<script|<img/);
    assert.ok(page.text.includes("script"));
    const policy = page.headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(page.headers.get("referrer-policy"), "no-referrer");
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  }
});

test("a ticket that nobody has, or that belongs to nobody any more, gets a page", async () => {
  await using emulator = await startEmulator();
  const reply = await http(`${emulator.url}/oauth/authorize`, form({ ticket: "made up", decision: "approve" }));
  assert.equal(reply.status, 400);
  assert.match(reply.text, /expired/);
});

test("a redirect to a listener that is gone still shows where it went", async () => {
  await using emulator = await startEmulator();
  const outcome = await emulator.approve(authorizeUrl(emulator, "gemini"));
  assert.deepEqual([outcome.status, outcome.body, outcome.shown], [0, "", null]);
  assert.ok(new URL(outcome.redirected ?? "").searchParams.has("code"));
});

test("a person who is refused a page says so", async () => {
  await using emulator = await startEmulator();
  const outcome = await emulator.approve(authorizeUrl(emulator, "codex", { state: null }));
  assert.deepEqual([outcome.status, outcome.redirected], [400, null]);
  assert.match(outcome.body, /Missing state/);
});

test("the redirect keeps the query of the redirect URI", async () => {
  await using emulator = await startEmulator();
  const to = await redirectFrom(
    emulator,
    authorizeUrl(emulator, "gemini", { redirect_uri: "http://127.0.0.1:49151/oauth2callback?mine=1" }),
  );
  assert.deepEqual([to.searchParams.get("mine"), to.searchParams.get("state")], ["1", state]);
});

test("unknown paths and methods", async () => {
  await using emulator = await startEmulator();
  assert.equal((await http(`${emulator.url}/favicon.ico`)).status, 404);
  assert.equal((await http(`${emulator.url}/oauth/token`)).status, 405);
  assert.equal((await http(emulator.url)).status, 200);
});

const executablePath = "/usr/bin/chromium";
describe("in Chromium", { skip: !existsSync(executablePath) && "no Chromium here" }, () => {
  test("consent, code and device pages work, fit, and load nothing from outside", async () => {
    await using emulator = await startEmulator();
    const listener = createServer((_request, response) => response.end("Back in the terminal."));
    await new Promise<void>((resolve) => void listener.listen(0, "127.0.0.1", resolve));
    const back = `http://127.0.0.1:${String((listener.address() as AddressInfo).port)}/oauth2callback`;
    const browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    try {
      const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
      const complaints: string[] = [];
      page.on("console", (message) => void complaints.push(message.text()));
      page.on("request", (request) => {
        if (![emulator.url, new URL(back).origin].includes(new URL(request.url()).origin))
          complaints.push(request.url());
      });
      const fits = () => page.evaluate("document.documentElement.scrollWidth <= innerWidth");

      await page.goto(authorizeUrl(emulator, "gemini", { redirect_uri: back }));
      assert.equal(await fits(), true);
      await page.getByRole("button", { name: "Approve" }).click();
      await page.waitForURL(`${back}?**`);

      const paste = emulator.url + new URL(providers.anthropic.paste.redirectUri).pathname;
      await page.goto(authorizeUrl(emulator, "anthropic", { redirect_uri: paste }));
      await page.getByRole("button", { name: "Approve" }).click();
      assert.ok((await page.getByLabel("Authorization code").textContent())?.endsWith(`#${state}`));
      assert.equal(await fits(), true);

      const { body } = await startQwen(emulator);
      await page.goto(body["verification_uri"]);
      await page.getByLabel("Code").fill(body["user_code"].toLowerCase());
      await page.keyboard.press("Enter");
      await page.getByText(body["user_code"]).waitFor();
      assert.equal(await fits(), true);
      await page.getByRole("button", { name: "Approve" }).click();
      await page.getByRole("heading", { name: "Device connected" }).waitFor();
      assert.equal((await pollQwen(emulator, body["device_code"])).status, 200);
      assert.deepEqual(
        complaints.filter((text) => !text.includes("favicon")),
        [],
      );
    } finally {
      await browser.close();
      listener.close();
    }
  });
});
