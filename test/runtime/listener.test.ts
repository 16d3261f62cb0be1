// The loopback listener stands open to every page and every program on this machine. Nothing but the true redirect may
// move a sign-in, nothing may end the wait for it, and the person is told the truth (threats T1, T7, T10 to T18).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, it } from "node:test";
import { type Arrival, type Listener, openListener } from "../../runtime/login/listener.ts";
import { failedPage, receivedPage, signedInPage } from "../../runtime/login/pages.ts";
import { Secret } from "../../runtime/secret.ts";
import { isOpen, raw, visit } from "../support/browser.ts";
import { codeOf, until } from "../support/stage.ts";

const state = "the-true-state-0123456789-0123456789";
const anyPort = { host: "127.0.0.1", path: "/callback", ports: [] } as const;
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** A listener that waits; what reaches it is collected. */
async function listening(
  { ports = [], host = "127.0.0.1" }: { ports?: readonly number[]; host?: "127.0.0.1" | "localhost" } = {},
  page: "none" | "signed in" = "none",
): Promise<{ listener: Listener; arrivals: Arrival[]; port: number; good: string }> {
  const listener = await openListener("acme", { ...anyPort, host, ports }, null);
  opened.push(listener);
  const arrivals: Arrival[] = [];
  listener.expect({ state: new Secret("state", state), issuer: null, issSent: false });
  listener.deliver((arrival) => {
    arrivals.push(arrival);
    if (page === "signed in") listener.show(signedInPage, true);
  });
  const port = Number(new URL(listener.redirectUri).port);
  return { listener, arrivals, port, good: `${listener.redirectUri}?code=the-code&state=${state}` };
}

/** Somebody else's program on a port; null: the machine does not let it. */
function decoy(host: string, port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  opened.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      resolve(server);
    });
  });
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { port } = await listening();
  await opened.pop()?.close();
  return port;
}

/** Addresses on which this port is listened on, as the system knows them. */
function listenersOf(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, address = "", , status]) => address.endsWith(suffix) && status === "0A")
      .map(([, address = ""]) => address.slice(0, -suffix.length)),
  );
}

describe("the port", () => {
  it("is bound on loopback only, on both families", { skip: process.platform !== "linux" }, async () => {
    const { port } = await listening();
    assert.deepEqual(listenersOf(port).toSorted(), ["00000000000000000000000001000000", "0100007F"]);
    assert.ok(await isOpen(port, "127.0.0.1"));
    assert.ok(await isOpen(port, "::1"));
    assert.ok(!(await isOpen(port, "127.0.0.2")));
  });

  it("answers on both families, whatever `localhost` means to the browser", async () => {
    for (const from of ["127.0.0.1", "::1"]) {
      const { good, arrivals } = await listening({ host: "localhost" }, "signed in");
      assert.match(good, /^http:\/\/localhost:\d+\/callback/);
      assert.equal((await visit(good, { from })).status, 200);
      assert.equal(arrivals.length, 1);
    }
  });

  for (const family of ["127.0.0.1", "::1"]) {
    it(`of somebody else on ${family} is left to him: the next registered one is taken`, async () => {
      const [taken, next] = [await freePort(), await freePort()];
      await decoy(family, taken);
      const { port } = await listening({ host: "localhost", ports: [taken, next] });
      assert.equal(port, next);
      // The other half of the port was given back.
      await decoy(family === "::1" ? "127.0.0.1" : "::1", taken);
    });

    it(`and when ${family} of every registered one is taken, that is an error which names them`, async () => {
      const taken = await freePort();
      await decoy(family, taken);
      const error = await openListener("acme", { ...anyPort, ports: [taken] }, null).catch((reason: unknown) => reason);
      assert.ok(error instanceof Error && "code" in error);
      assert.equal(error.code, "port_busy");
      assert.match(error.message, new RegExp(`${taken}`));
      assert.equal(await codeOf(openListener("acme", anyPort, taken)), "port_busy", "asked for by number, too");
    });
  }

  it("cannot be bound a second time", async () => {
    const { port } = await listening();
    for (const host of ["127.0.0.1", "::1"])
      assert.equal(await codeOf(decoy(host, port)), "EADDRINUSE", `${host} is ours`);
  });

  it("is closed at once by close(), with a browser that still waits and one that says nothing", async () => {
    const { listener, arrivals, port, good } = await listening();
    const held = visit(good);
    const idle = connect(port, "127.0.0.1");
    await new Promise((resolve) => idle.once("connect", resolve));
    const gone = new Promise((resolve) => idle.once("close", resolve));
    await until(() => arrivals.length === 1, "the request is held");
    const begun = Date.now();
    await listener.close();
    for (const host of ["127.0.0.1", "::1"]) assert.ok(!(await isOpen(port, host)));
    assert.equal((await held).body, receivedPage.html);
    await gone;
    assert.ok(Date.now() - begun < 1_000, `${Date.now() - begun} ms`);
  });
});

const hosts = (port: number): Record<string, [lines: string, status: number]> => ({
  "of another name": ["Host: evil.example", 421],
  "of another name and our port": [`Host: evil.example:${port}`, 421],
  "with another port": [`Host: 127.0.0.1:${port === 65535 ? 1 : port + 1}`, 421],
  "without a port": ["Host: 127.0.0.1", 421],
  "with userinfo": [`Host: a@127.0.0.1:${port}`, 421],
  "that only begins like ours": [`Host: 127.0.0.1.evil.example:${port}`, 421],
  missing: ["X-Nothing: 1", 400],
  empty: ["Host:", 421],
  "given twice": [`Host: 127.0.0.1:${port}\r\nHost: evil.example`, 400],
  "given twice alike": [`Host: 127.0.0.1:${port}\r\nHost: 127.0.0.1:${port}`, 400],
});

describe("a request that is not the redirect", () => {
  const states = {
    "no state": "code=c",
    "an empty state": "code=c&state=",
    "a wrong state": "code=c&state=another",
    "the beginning of the state": `code=c&state=${state.slice(0, -1)}`,
    "more than the state": `code=c&state=${state}0`,
    "the state in another case": `code=c&state=${state.toUpperCase()}`,
    "two states": `code=c&state=${state}&state=${state}`,
    "two codes": `code=c&code=d&state=${state}`,
    "a second code in percent": `code=c&%63ode=d&state=${state}`,
    "array syntax": `code[]=c&state[]=${state}`,
    semicolons: `code=c;state=${state}`,
    "an error without the state": "error=access_denied",
    "a token in the query": `access_token=t&state=${state}`,
    nothing: "",
  };
  for (const [what, query] of Object.entries(states)) {
    it(`${what}: 400, and the sign-in goes on waiting`, async () => {
      const { listener, arrivals, good } = await listening({}, "signed in");
      assert.equal((await visit(`${listener.redirectUri}?${query}`)).status, 400);
      assert.equal(arrivals.length, 0);
      assert.equal((await visit(good)).status, 200);
      assert.equal(arrivals.length, 1);
    });
  }

  const targets = {
    "/": 404,
    "/favicon.ico": 404,
    "/cancel": 404,
    "/success?id_token=t": 404,
    "/callback/": 404,
    "//callback": 404,
    "/Callback": 404,
    "/%63allback": 404,
    "/./callback": 404,
    "/x/../callback": 404,
    "/callback%2f": 404,
    "/callback;v=1": 404,
    "http://127.0.0.1/callback": 404,
  };
  for (const [target, status] of Object.entries(targets)) {
    it(`at ${target}: ${status}`, async () => {
      const { arrivals, port } = await listening();
      const query = target.includes("?") ? "&" : "?";
      const reply = await raw(
        port,
        `GET ${target}${query}code=c&state=${state} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
      );
      assert.match(reply, new RegExp(`^HTTP/1.1 ${status} `));
      assert.equal(arrivals.length, 0);
    });
  }

  for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"]) {
    it(`by ${method}: 405`, async () => {
      const { good, arrivals } = await listening();
      assert.equal((await visit(good, { method })).status, 405);
      assert.equal(arrivals.length, 0);
    });
  }

  for (const what of Object.keys(hosts(1))) {
    it(`with a Host ${what} moves nothing`, async () => {
      const { arrivals, port } = await listening();
      const [lines, status] = hosts(port)[what] ?? assert.fail();
      const reply = await raw(port, `GET /callback?code=c&state=${state} HTTP/1.1\r\n${lines}\r\n\r\n`);
      assert.match(reply, new RegExp(`^HTTP/1.1 ${status} `), reply.split("\r\n", 1)[0]);
      assert.equal(arrivals.length, 0);
    });
  }

  for (const [what, headers] of Object.entries({
    "of a page's script": { origin: "https://evil.example", "sec-fetch-mode": "cors", "sec-fetch-site": "cross-site" },
    "of an image": { "sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site", "sec-fetch-dest": "image" },
    "with an origin": { origin: "https://evil.example" },
    "with the origin null": { origin: "null" },
  })) {
    it(`${what} moves nothing`, async () => {
      const { good, arrivals } = await listening();
      assert.equal((await visit(good, { headers })).status, 400);
      assert.equal(arrivals.length, 0);
    });
  }

  it("but a browser that navigates here from the provider's page does", async () => {
    const { good, arrivals } = await listening({}, "signed in");
    const headers = { "sec-fetch-mode": "navigate", "sec-fetch-site": "cross-site", "sec-fetch-dest": "document" };
    assert.equal((await visit(good, { headers })).status, 200);
    assert.equal(arrivals[0]?.kind, "code");
  });

  it("before anything is expected moves nothing", async () => {
    const listener = await openListener("acme", anyPort, null);
    opened.push(listener);
    assert.equal((await visit(`${listener.redirectUri}?code=c&state=${state}`)).status, 404);
  });
});

describe("a flood", () => {
  it("of requests, of silent connections and of endless headers keeps nobody out", { timeout: 20_000 }, async () => {
    const { good, arrivals, port } = await listening({}, "signed in");
    const silent: Socket[] = [];
    for (let count = 0; count < 400; count += 1) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      if (count % 2 === 0) socket.write("GET /callback?code=c HTTP/1.1\r\nX-Slow: ");
      silent.push(socket);
    }
    const memory = process.memoryUsage().rss;
    const bad = ["/", "/callback?state=x&code=y", "/callback?error=access_denied", `/callback?${"a".repeat(20_000)}`];
    let at = 0;
    const worker = async (): Promise<void> => {
      while (at < 2_000) {
        at += 1;
        const target = bad[at % bad.length] ?? "/";
        const method = at % 3 === 0 ? "POST" : "GET";
        await raw(port, `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 0\r\n\r\n`);
      }
    };
    await Promise.all([
      ...Array.from({ length: 20 }, worker),
      raw(port, `GET / HTTP/1.1\r\nX: ${"x".repeat(1024 * 1024)}\r\n\r\n`),
      raw(port, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is no HTTP"),
    ]);
    const begun = Date.now();
    assert.equal((await visit(good)).status, 200);
    assert.ok(Date.now() - begun < 1_000, `${Date.now() - begun} ms`);
    assert.equal(arrivals.length, 1);
    const grown = (process.memoryUsage().rss - memory) / 1024 / 1024;
    assert.ok(grown < 60, `${grown.toFixed(0)} MB, of which the flooding half is ours too`);
    for (const socket of silent) socket.destroy();
  });

  it("who connects and says nothing is sent away after a few seconds", { timeout: 10_000 }, async () => {
    const { port } = await listening();
    const begun = Date.now();
    await raw(port, "GET /callback HTTP/1.1\r\n");
    assert.ok(Date.now() - begun < 8_000);
  });
});

describe("the page", () => {
  it("is held until it is known how the sign-in ended, for every browser that waits", async () => {
    const { listener, arrivals, good } = await listening();
    const browsers = Array.from({ length: 50 }, () => visit(good));
    await until(() => arrivals.length === 50, "all have arrived");
    listener.show(signedInPage, true);
    for (const { status, body } of await Promise.all(browsers)) {
      assert.equal(status, 200);
      assert.equal(body, signedInPage.html);
    }
    assert.equal((await visit(good)).body, signedInPage.html, "also for a reload");
    assert.equal(arrivals.length, 50, "which is handed to nobody");
  });

  it("of a try that did not end the sign-in is shown once, and the next redirect is taken", async () => {
    const { listener, arrivals, good } = await listening();
    const first = visit(good);
    await until(() => arrivals.length === 1, "the first has arrived");
    listener.show(failedPage("network_refused"), false);
    assert.equal((await first).status, 400);
    const second = visit(good);
    await until(() => arrivals.length === 2, "the second has arrived");
    listener.show(signedInPage, true);
    assert.equal((await second).status, 200);
  });

  it("of a refusal needs the state as well", async () => {
    const { arrivals, listener } = await listening();
    const { status } = await visit(`${listener.redirectUri}?error=access_denied`);
    assert.equal(status, 400);
    assert.equal(arrivals.length, 0);
    void visit(`${listener.redirectUri}?error=access_denied&state=${state}`).catch(() => undefined);
    await until(() => arrivals.length === 1, "the refusal has arrived");
    assert.deepEqual(arrivals[0], { kind: "denied", code: "consent_denied", oauthError: "access_denied" });
  });

  it("is the same bytes whatever was asked, and repeats nothing of it", async () => {
    const { listener, port } = await listening();
    const bodies = new Set<string>();
    const wild = ["<script>alert(1)</script>", '"><img src=x>', "javascript:alert(1)", "%00%0d%0aSet-Cookie:a=b", "ü"];
    for (const text of [...wild, "x".repeat(10_000)])
      bodies.add((await visit(`${listener.redirectUri}?code=${encodeURIComponent(text)}&state=${text}`)).body);
    assert.equal(bodies.size, 1);
    const reply = await raw(
      port,
      `GET /<script>?error_description=<script> HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nReferer: <script>\r\n\r\n`,
    );
    assert.ok(!/<script>[^h]/.test(reply.replaceAll("<script>history", "")));
  });

  for (const page of [signedInPage, receivedPage, failedPage("consent_denied")]) {
    it(`${JSON.stringify(page.html.match(/<title>(.*?)</)?.[1])} loads nothing, cannot be framed, and takes the query away`, async () => {
      const { listener, arrivals, good } = await listening();
      const browser = visit(good);
      await until(() => arrivals.length === 1, "it has arrived");
      listener.show(page, true);
      const { headers, body } = await browser;
      assert.match(String(headers["content-security-policy"]), /^default-src 'none';/);
      assert.match(String(headers["content-security-policy"]), /frame-ancestors 'none'/);
      assert.ok(!String(headers["content-security-policy"]).includes("unsafe"));
      assert.equal(headers["cache-control"], "no-store");
      assert.equal(headers["referrer-policy"], "no-referrer");
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["x-frame-options"], "DENY");
      assert.equal(headers["set-cookie"], undefined);
      assert.equal(headers["access-control-allow-origin"], undefined);
      assert.match(body, /history\.replaceState\(null, '', location\.pathname\)/);
      assert.ok(!/https?:|src=|href=|url\(|@import/.test(body));
    });
  }

  it("runs the one script that its policy names, by hash", async () => {
    const { listener, arrivals, good } = await listening();
    const browser = visit(good);
    await until(() => arrivals.length === 1, "it has arrived");
    listener.show(signedInPage, true);
    const { headers, body } = await browser;
    const { createHash } = await import("node:crypto");
    for (const [tag, directive] of [
      ["script", "script-src"],
      ["style", "style-src"],
    ] as const) {
      const inside = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(body)?.[1] ?? "";
      const hash = createHash("sha256").update(inside).digest("base64");
      assert.ok(String(headers["content-security-policy"]).includes(`${directive} 'sha256-${hash}'`), tag);
    }
  });
});
