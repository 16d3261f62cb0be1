// The page of `inspect`, as built, in a real browser, while other processes sign in, refresh and sign out: it shows where each
// login stands, what was done last and by whom, the past and the present again, and asks nobody but its own server.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { chromium, type Page } from "playwright-core";
import { startEmulator } from "../../providers/emulator/index.ts";
import { ran, started } from "./built.ts";

const missing = existsSync("/usr/bin/chromium") ? false : "there is no /usr/bin/chromium here";
const folder = process.env["SCREENSHOTS"];

/** States that are lit in a picture, the outermost first. */
async function lit(page: Page, picture: string, how = "active"): Promise<string[]> {
  const parts = page.locator(`${picture} .frame .state.${how}`);
  const found = await parts.evaluateAll((all) => all.map((one) => one.getAttribute("data-part") ?? ""));
  return found.toSorted((one, other) => one.length - other.length);
}

async function becomes(page: Page, picture: string, states: readonly string[], how?: string): Promise<void> {
  const wanted = states.map((path) => `n:${path}`);
  let seen: readonly string[] = [];
  for (let look = 0; look < 200; look += 1) {
    seen = await lit(page, picture, how);
    if (seen.join() === wanted.join()) return;
    await page.waitForTimeout(25);
  }
  assert.deepEqual(seen, wanted);
}

const events = (page: Page, text: string) => page.locator(".event").filter({ hasText: text });
const select = (page: Page, provider: string) =>
  page.locator(`.groups section[aria-label=${provider}] .account`).first().click();

/** Looks at the page as it is in both widths and schemes; afterwards it is as before. */
async function lookedAt(page: Page, name: string): Promise<void> {
  for (const width of [400, 1280])
    for (const colorScheme of ["dark", "light"] as const) {
      await page.setViewportSize({ width, height: 860 });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(50);
      const beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      assert.ok(Number(beyond) <= 0, `${name} at ${width}: nothing is beyond the edge`);
      if (folder !== undefined)
        await page.screenshot({
          path: join(folder, `inspect-${name}-${width}-${colorScheme}.png`),
          fullPage: width < 500,
        });
    }
}

test("every login is seen as it happens", { skip: missing }, async () => {
  await using emulator = await startEmulator({ deviceIntervalS: 1, deviceLifetimeS: 400 });
  const home = mkdtempSync(join(tmpdir(), "llxprt-auth-inspect-"));
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  const geminiClientFile = join(home, "client.json");
  writeFileSync(geminiClientFile, JSON.stringify(emulator.geminiClient));
  writeFileSync(join(home, "settings.json"), JSON.stringify(emulator.settings({ geminiClientFile })), { mode: 0o600 });
  const agreeing = `${process.execPath} ${resolve("test/cli/person.ts")} approve`;

  using inspect = started(home, ["inspect", "--no-browser", "--json"]);
  const [, url = ""] = await inspect.said(/"url":"([^"]+)"/);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    page.setDefaultTimeout(8_000);
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(url);
    const { origin } = new URL(url);
    assert.equal(page.url(), `${origin}/`, "the token is gone from the address");
    await page.locator(".link.live").waitFor();
    await select(page, "codex");
    await page.locator(".advice").waitFor();
    await becomes(page, ".life", ["disabled"]);
    await lookedAt(page, "nothing");

    // One signs in with a browser, and is seen to have done so.
    const login = await ran(home, ["codex", "login"], { BROWSER: agreeing });
    assert.equal(login.code, 0, login.stderr);
    await becomes(page, ".life", ["authenticated"]);
    await page.locator('.life .arrow.last[data-part="e:deciding>authenticated"]').waitFor();
    const name = page.locator(".life .arrow text", { hasText: "token.demanded" });
    assert.equal(await name.isVisible(), false);
    await page.locator(".life").getByRole("button", { name: "Names" }).click();
    await name.waitFor({ state: "visible" });
    await becomes(page, ".life", ["authenticated"]);
    await lookedAt(page, "names");
    await page.locator(".life").getByRole("button", { name: "Names" }).click();
    await name.waitFor({ state: "hidden" });
    await becomes(page, ".beside", ["done"], "left");
    await events(page, "The tokens of a sign-in are in the token file.").first().waitFor();
    assert.match(await page.locator(".subject").innerText(), /codex[^]*authenticated[^]*usable\s+yes[^]*ends\s+in \d+/);
    await page.locator(".run .presence.gone").first().waitFor();

    // Another waits for its approval: its process, its timers and its lock are told while it does.
    using device = started(home, ["qwen", "login", "--no-browser"]);
    const [, userCode = ""] = await device.said(/^([A-Z]{4}-[A-Z]{4})$/m);
    await select(page, "qwen");
    await becomes(page, ".life", ["pendingAuth", "pendingAuth.device"]);
    await becomes(page, ".beside", ["awaitingPoll", "awaitingPoll.resting"]);
    await page.locator(".run .presence.alive").first().waitFor();
    await page.locator(".run .timer", { hasText: "next poll" }).waitFor();
    const deadline = page.locator(".pending time");
    const before = await deadline.innerText();
    assert.match(before, /^in 6 min \d\d s/);
    assert.match(
      await page.locator(".waiting").innerText(),
      new RegExp(`${device.child.pid}[^]*Locks[^]*held by process`),
    );
    await lookedAt(page, "waiting");
    // It counts.
    await deadline.filter({ hasNotText: before }).waitFor();
    await emulator.approveDevice(userCode);
    assert.equal((await device.ended).code, 0);
    await becomes(page, ".life", ["authenticated"]);

    // A refresh is done by a process that runs no chart; the protocol's own picture tells of it.
    await select(page, "codex");
    assert.equal((await ran(home, ["codex", "refresh", "--force"])).code, 0);
    await events(page, "The token file holds what the reply brought.").first().waitFor();
    await page.locator(".tabs button", { hasText: "refresh" }).click();
    await becomes(page, ".beside", ["checkpointed"], "left");

    // Back in time by a click, further by keys, and home again.
    await page.locator("#find-event").fill("callback.arrived");
    await events(page, "awaitingCode → exchanging").click();
    await page.locator("#find-event").fill("");
    await page.locator(".past").waitFor();
    await becomes(page, ".life", ["pendingAuth", "pendingAuth.loopback"]);
    await becomes(page, ".beside", ["exchanging"]);
    await page.locator('.beside .arrow.fresh[data-part="e:awaitingCode>exchanging"]').waitFor();
    assert.match(await page.locator(".detail").innerText(), /callback\.arrived/);
    await page.locator(".detail summary").click();
    assert.match(await page.locator(".detail pre").innerText(), /"machine": "loopback"/);
    const chosen = page.locator(".event[aria-selected=true]");
    const at = Number(await chosen.getAttribute("aria-posinset"));
    await page.keyboard.press("k");
    await page.locator(`.event[aria-selected=true][aria-posinset="${at - 1}"]`).waitFor();
    await page.keyboard.press("j");
    await page.locator(`.event[aria-selected=true][aria-posinset="${at}"]`).waitFor();
    await page.locator(".events").focus();
    await page.keyboard.press("Home");
    await becomes(page, ".life", ["authenticated"]);
    await page.keyboard.press("End");
    assert.equal(await chosen.getAttribute("aria-posinset"), await chosen.getAttribute("aria-setsize"));
    await page.keyboard.press("PageUp");
    await lookedAt(page, "past");
    await page.keyboard.press("Escape");
    await page.locator(".past").waitFor({ state: "detached" });
    await becomes(page, ".life", ["authenticated"]);

    // What is listed is what was asked for.
    await page.keyboard.press("/");
    await page.keyboard.type("device resting");
    await events(page, "awaitingPoll").first().waitFor();
    assert.equal(await events(page, "codex").count(), 0);
    await page.keyboard.press("Escape");
    await events(page, "codex").first().waitFor();
    await page.getByLabel("only this account").check();
    await events(page, "qwen").first().waitFor({ state: "detached" });
    await page.getByLabel("only this account").uncheck();

    // A sign-out is seen, and so is the end of the command.
    assert.equal((await ran(home, ["codex", "logout"])).code, 0);
    await becomes(page, ".life", ["idle"]);
    await lookedAt(page, "signed-out");
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      requests.filter((request) => !request.startsWith(`${origin}/`)),
      [],
      "nobody else is asked",
    );
    const text = await page.content();
    for (const secret of emulator.secrets()) assert.ok(!text.includes(secret), "no secret is in the page");

    // A journal that somebody sent is looked at in the page alone.
    const asked = requests.length;
    await page.locator(".door input").setInputFiles(resolve("test/journals/refused-refresh.jsonl"));
    await page.locator(".past", { hasText: "A journal:" }).waitFor();
    await events(page, "refresh_refused").first().click();
    await becomes(page, ".beside", ["refused"]);
    await page.getByRole("button", { name: "Close the journal" }).click();
    await page.locator(".past").waitFor({ state: "detached" });
    assert.equal(requests.length, asked, "and goes nowhere");

    inspect.child.kill("SIGINT");
    await page.locator(".link.reconnecting, .link.ended").waitFor();
  } finally {
    await browser.close();
    rmSync(home, { recursive: true, force: true });
  }
});
