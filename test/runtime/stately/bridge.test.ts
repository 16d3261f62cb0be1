// The bridge to the hosted inspector in a real browser, with a stand-in for the hosted page: it gets what the feed says, live
// and in order; a window of any other origin gets nothing; nothing goes the other way (RFC 9700 4.17, T38, T39).
import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { after, describe, it } from "node:test";
import { randomBytes } from "node:crypto";
import { type Browser, chromium, type Frame, type Page } from "playwright-core";
import { startEmulator } from "../../../providers/emulator/index.ts";
import { providers } from "../../../providers/index.ts";
import type { Provider } from "../../../providers/provider.ts";
import { pathsIn } from "../../../runtime/store/names.ts";
import { readJournal } from "../../../runtime/inspect/reading.ts";
import { type Inspector, openInspector } from "../../../runtime/inspect/page/inspector.ts";
import { bridgeFiles } from "../../../runtime/inspect/stately/bridge.ts";
import { createFeed } from "../../../runtime/inspect/stately/feed.ts";
import { House } from "../../cli/program.ts";
import { textOf } from "../../journals/told.ts";
import { canaries } from "../../support/canary.ts";
import { until } from "../../support/stage.ts";
import { standInPage } from "../../support/visitor.ts";
import { type Hosted, hosted, type Seen } from "./hosted.ts";
import { checkedMessage, wordsOf } from "./message.ts";

const missing = existsSync("/usr/bin/chromium") ? false : "there is no /usr/bin/chromium here";
const facts = providers as Readonly<Record<string, Provider>>;
const grantsOf = (name: string) => facts[name]?.grants ?? null;

let chrome: Promise<Browser> | null = null;
after(async () => (await chrome)?.close());

interface Tab {
  readonly page: Page;
  /** What it and its frames asked for: `GET http://…`. */
  readonly requests: string[];
  readonly complaints: string[];
}

async function tab(bypassCSP = false): Promise<Tab> {
  chrome ??= chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  const page = await (await (await chrome).newContext({ bypassCSP })).newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(`${request.method()} ${request.url()}`));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  return { page, requests, complaints };
}

/** The frame once it shows a page of the stand-in. */
async function frameOf(page: Page, { origin }: Hosted): Promise<Frame> {
  const find = () => page.frames().find((one) => one !== page.mainFrame() && one.url().startsWith(origin));
  await until(() => find() !== undefined, "the frame shows it");
  return find() ?? assert.fail("it is gone");
}

const seenIn = async (frame: Frame): Promise<Seen> =>
  (await frame.evaluate("({ received: window.received ?? [], posted: window.posted ?? [] })")) as Seen;

/** Until as many messages are there. */
async function messagesIn(frame: Frame, count: number): Promise<Seen> {
  await frame.waitForFunction(`window.received.length >= ${count}`, undefined, { timeout: 10_000 });
  return seenIn(frame);
}

/** Asks as the package does, until the page's script has heard it: what does not come of it cannot be waited for. */
async function asksAgain(page: Page, frame: Frame): Promise<void> {
  await page.evaluate("window.heard = 0, addEventListener('message', () => (window.heard += 1))");
  await frame.waitForFunction("window.posted !== undefined");
  await frame.evaluate("parent.postMessage({ type: '@statelyai.connected' }, '*')");
  await page.waitForFunction("window.heard > 0");
  // The script would have sent its own request by now: this one is sent later.
  await page.evaluate("fetch('/stately').catch(() => null)");
}

const signIn = (house: House) => house.run("codex login --grant loopback", { env: { BROWSER: house.agreeing() } });

/** Writes a story of another time into the journal, as if it happened now. */
function recount({ home }: House, story: string): void {
  const { oauth, journal } = pathsIn(home);
  mkdirSync(oauth, { recursive: true, mode: 0o700 });
  appendFileSync(journal, textOf(story), { mode: 0o600 });
}

/** What the feed says of the journal as it is now. */
const toldOf = (house: House): object[] =>
  [...readJournal(pathsIn(house.home))].flatMap(createFeed(grantsOf)).map((text) => JSON.parse(text) as object);

interface Inspecting extends AsyncDisposable, Inspector {
  readonly origin: string;
}

/** The command's server with the bridge to this page. */
async function inspecting({ home, folder }: House, page: string): Promise<Inspecting> {
  const host = { now: Date.now, monotonic: () => performance.now(), userHome: folder, environment: {}, randomBytes };
  const parts = { host, paths: pathsIn(home), reserved: new Set<string>(), keys: null, profile: null };
  const inspector = await openInspector({ ...parts, folder: standInPage(folder), stately: { page } });
  return { ...inspector, origin: new URL(inspector.url).origin, [Symbol.asyncDispose]: inspector.close };
}

const fileAt = (path: string): string => bridgeFiles().get(path)?.bytes.toString() ?? "";

describe("the page", () => {
  it("frames the hosted inspector, and nothing else from outside", () => {
    const html = fileAt("/stately");
    assert.match(html, /<iframe src="https:\/\/stately\.ai\/inspect"/);
    assert.match(html, / sandbox="allow-scripts allow-same-origin" referrerpolicy="no-referrer" allow=""/);
    const policy = bridgeFiles().get("/stately")?.policy?.split("; ") ?? [];
    assert.deepEqual(
      policy.filter((rule) => !rule.startsWith("style-src 'sha256-")),
      [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-src https://stately.ai",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
      ],
    );
    assert.equal(bridgeFiles().get("/stately.js")?.policy, undefined);
  });

  it("sends nothing but to whom it frames, and asks for nothing but its news", () => {
    const script = fileAt("/stately.js");
    assert.deepEqual(script.match(/postMessage\([^;]*;/g), ["postMessage(JSON.parse(data), origin);"]);
    assert.deepEqual(script.match(/fetch|XMLHttpRequest|sendBeacon|WebSocket|import\(|EventSource\(.*?\)/g), [
      'EventSource("/stately/news")',
    ]);
  });

  it("is made for no address that others could read or answer", () => {
    for (const address of ["http://stately.ai/inspect", "javascript:alert(1)", "data:,x", "/inspect", "https://a@b/"])
      assert.throws(() => bridgeFiles(address), TypeError, address);
  });
});

describe("in Chromium", { skip: missing }, () => {
  it("the hosted page hears of a sign-in of another process, live and in order, and nothing secret", async () => {
    await using emulator = await startEmulator({ lenient: ["unregistered-port"] });
    await using there = await hosted("localhost");
    using house = new House(emulator);
    await using inspector = await inspecting(house, there.inspect);
    const { page, requests, complaints } = await tab();
    await page.goto(inspector.url);
    const frame = await frameOf(page, there);
    assert.deepEqual((await seenIn(frame)).received, []);

    const { code, stderr } = await signIn(house);
    assert.equal(code, 0, stderr);
    const told = toldOf(house);
    assert.ok(told.length > 10);
    const { received, posted } = await messagesIn(frame, told.length);
    assert.deepEqual(received, told);
    const words = received.map((message) => wordsOf(checkedMessage(message)).replace(/^codex:(\w+):\d+:\d+/, "$1"));
    const inOrder = ["account actor deciding", "loopback snapshot exchanging", "account snapshot authenticated"];
    assert.deepEqual(
      words.filter((word) => inOrder.includes(word)),
      inOrder,
    );

    assert.deepEqual([...new Set(posted.map(({ origin }) => origin))], [inspector.origin]);
    const secrets = emulator.secrets().filter((secret) => secret.length >= 16);
    assert.ok(secrets.length > 3);
    assert.deepEqual(canaries(secrets, new Map([["posted", JSON.stringify(posted)]])), []);

    assert.deepEqual(complaints, []);
    const origins = requests.map((request) => new URL(request.split(" ")[1] ?? "").origin);
    assert.deepEqual(new Set(origins), new Set([inspector.origin, there.origin]));
    assert.deepEqual(new Set(requests.map((request) => request.split(" ")[0])), new Set(["GET"]));
    assert.deepEqual(there.visits, [{ path: "/inspect", referer: undefined }]);

    await inspector.close();
    await page.waitForFunction(
      "document.querySelector('[role=status]').textContent.startsWith('The command has ended')",
    );
    assert.equal((await seenIn(frame)).received.length, told.length, "told once");
  });

  it("the hosted page gets all of it again when it was loaded again, and can do nothing but listen", async () => {
    await using there = await hosted("localhost");
    using house = new House();
    recount(house, "lost-reply");
    await using inspector = await inspecting(house, there.inspect);
    const { page, requests } = await tab();
    await page.goto(inspector.url);
    const count = toldOf(house).length;
    const first = await messagesIn(await frameOf(page, there), count);
    const frame = await frameOf(page, there);
    await frame.evaluate("window.isOld = true, location.reload()");
    await frame.waitForFunction("window.isOld === undefined && window.received !== undefined");
    const again = await messagesIn(frame, count);
    assert.deepEqual(again.received, first.received);

    const before = requests.length;
    const journal = house.journal;
    await frame.evaluate(`
      for (const type of ["login.requested", "logout.requested", "@xstate.event", "xstate.event", "@statelyai.disconnected"])
        for (const data of [type, { type, event: { type }, sessionId: "x" }]) parent.postMessage(data, "*");
    `);
    const read = (await frame.evaluate(`
      Promise.all(["/", "/stately", "/stately.js", "/stately/news"].map((path) =>
        fetch("${inspector.origin}" + path, { credentials: "include" }).then((r) => r.text(), () => null)))
    `)) as unknown[];
    assert.deepEqual(read, [null, null, null, null]);
    assert.deepEqual(
      requests.slice(before).sort(),
      ["/", "/stately", "/stately.js", "/stately/news"].map((path) => `GET ${inspector.origin}${path}`),
      "what it was refused, and nothing of the page's own",
    );
    assert.deepEqual(house.journal, journal);
    assert.deepEqual(
      await frame.evaluate("{ try { parent.document.title } catch (error) { error.name } }"),
      "SecurityError",
    );
  });

  it("another origin in the frame is not listened to, whether the page's policy lets it in or not", async () => {
    await using there = await hosted("localhost");
    await using other = await hosted("127.0.0.1");
    using house = new House();
    const away = `${there.inspect}?silent&then=${encodeURIComponent(other.inspect)}`;
    await using kept = await inspecting(house, away);
    const strict = await tab();
    await strict.page.goto(kept.url);
    await until(() => strict.complaints.some((text) => text.includes("frame-src")), "the policy keeps it out");
    assert.deepEqual(other.visits, []);

    await using inspector = await inspecting(house, away);
    const { page, requests } = await tab(true);
    await page.goto(inspector.url);
    await asksAgain(page, await frameOf(page, other));
    assert.ok(!requests.some((request) => request.endsWith("/stately/news")), "nobody listens");
  });

  it("another window of the right origin is not listened to", async () => {
    await using there = await hosted("localhost");
    using house = new House();
    await using inspector = await inspecting(house, `${there.inspect}?silent`);
    const { page, requests } = await tab();
    await page.goto(inspector.url);
    await frameOf(page, there);
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement("iframe"), { src: "${there.inspect}" }))`,
    );
    await until(() => there.visits.length === 2, "it is there");
    await asksAgain(page, page.frames()[2] ?? assert.fail("two frames"));
    assert.ok(!requests.some((request) => request.endsWith("/stately/news")), "nobody listens");
  });

  it("what comes after the hosted page left its frame goes to nobody", async () => {
    await using there = await hosted("localhost");
    await using other = await hosted("127.0.0.1");
    using house = new House();
    await using inspector = await inspecting(house, there.inspect);
    const { page, requests } = await tab(true);
    await page.goto(inspector.url);
    const before = await frameOf(page, there);
    await until(() => requests.some((request) => request.endsWith("/stately/news")), "it has asked");
    await before.evaluate(`void (location.href = "${other.inspect}?silent")`);
    const frame = await frameOf(page, other);
    await frame.waitForFunction("window.posted !== undefined");
    recount(house, "lost-reply");
    const count = toldOf(house).length;
    assert.ok(count > 10);
    await page.waitForFunction(`document.querySelector("[role=status]").textContent.endsWith(": ${count} messages.")`);
    await page.evaluate(`document.querySelector("iframe").contentWindow.postMessage("last", "*")`);
    await frame.waitForFunction("window.posted.length > 0");
    assert.deepEqual(await seenIn(frame), { received: [], posted: [{ origin: inspector.origin, data: "last" }] });
  });
});
