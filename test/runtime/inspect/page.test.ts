// The page of `inspect`: it answers one browser, that of the person who was shown its address, and nobody else, whatever he
// sends; and it tells that browser how things stand and what is new, once each (T39).
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createAuth } from "../../../runtime/auth.ts";
import { createJournal } from "../../../runtime/inspect/journal.ts";
import { type Inspector, openInspector } from "../../../runtime/inspect/page/inspector.ts";
import type { Entry } from "../../../runtime/inspect/record.ts";
import { isOpen, raw, visit } from "../../support/browser.ts";
import { Home, plainTokens } from "../../support/home.ts";
import { codeOf, until } from "../../support/stage.ts";
import { enter, standInPage } from "../../support/visitor.ts";

const name = { provider: "codex", account: "default" };
const nth = (generation: number): Entry => ({ step: "checkpointed", ...name, generation });

class Open implements AsyncDisposable {
  readonly home: Home;
  readonly inspector: Inspector;
  readonly port: number;
  readonly journal;

  static async at(settings: object = {}): Promise<Open> {
    const home = new Home();
    if (Object.keys(settings).length > 0) home.settings(settings);
    const parts = { host: home.host(), paths: home.paths, reserved: new Set<string>(), keys: null, profile: null };
    return new Open(home, await openInspector({ ...parts, folder: standInPage(home.userHome) }));
  }

  constructor(home: Home, inspector: Inspector) {
    this.home = home;
    this.inspector = inspector;
    this.port = Number(new URL(inspector.url).port);
    this.journal = createJournal(home.paths.journal, home.now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inspector.close();
    this.home[Symbol.dispose]();
  }
}

describe("the address", () => {
  it("lets one browser in, once, and is gone from it", async () => {
    await using one = await Open.at();
    const { url } = one.inspector;
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/);
    const { status, headers, body } = await visit(url, { headers: { "sec-fetch-site": "none" } });
    assert.deepEqual([status, body, headers["location"]], [303, "", "/"]);
    assert.match(
      String(headers["set-cookie"]),
      new RegExp(`^llxprt-inspect-${one.port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/$`),
    );
    assert.ok(!String(headers["set-cookie"]).includes(url.slice(-43)), "the cookie is another secret");
    assert.equal((await visit(url)).status, 403);
  });

  it("is not spent by a wrong token, by HEAD, nor by who is refused anyway", async () => {
    await using one = await Open.at();
    const { url } = one.inspector;
    const { origin } = new URL(url);
    for (const wrong of [
      `${url}x`,
      url.slice(0, -1),
      `${origin}/?token=`,
      `${url}&a=b`,
      `${origin}/?token=${"A".repeat(43)}`,
    ])
      assert.equal((await visit(wrong)).status, 403, wrong);
    assert.equal((await visit(url, { method: "HEAD" })).status, 403);
    assert.equal((await visit(url, { method: "POST" })).status, 403);
    assert.equal((await visit(url, { headers: { host: `localhost:${one.port}` } })).status, 403);
    assert.equal((await visit(url, { headers: { origin: "https://evil.example" } })).status, 403);
    assert.equal((await visit(url, { headers: { "sec-fetch-site": "cross-site" } })).status, 403);
    assert.equal((await visit(url)).status, 303);
  });
});

describe("who is known", () => {
  it("gets the page, its files and the pictures, as they are", async () => {
    await using one = await Open.at();
    const visitor = await enter(one.inspector.url);
    const { status, body, headers } = await visitor.ask("/");
    assert.deepEqual([status, headers["content-type"]], [200, "text/html; charset=utf-8"]);
    assert.match(body, /stand-in/);
    assert.equal((await visitor.ask("/view.js")).headers["content-type"], "text/javascript; charset=utf-8");
    assert.equal((await visitor.ask("/look.css")).headers["content-type"], "text/css; charset=utf-8");
    const pictures = new URL("../../../runtime/inspect/pictures.json", import.meta.url);
    assert.deepEqual(
      JSON.parse((await visitor.ask("/pictures.json")).body),
      JSON.parse(readFileSync(pictures, "utf8")),
    );
    for (const path of ["/", "/view.js", "/pictures.json", "/news"]) {
      const head = await visitor.ask(path, {}, "HEAD");
      assert.deepEqual([head.status, head.body], [200, ""], path);
    }
  });

  it("gets nothing else, and nothing by another method", async () => {
    await using one = await Open.at();
    const visitor = await enter(one.inspector.url);
    for (const path of ["//", "//news", "/x/../news", "/./news", "/%6eews", "/news?x=1", "/?x=1", "/News", "/news/"]) {
      const bytes = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${one.port}\r\nCookie: ${visitor.cookie}\r\nSec-Fetch-Site: same-origin\r\n\r\n`;
      assert.match(await raw(one.port, bytes), /^HTTP\/1\.1 404 /, path);
    }
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]) {
      const { status, headers } = await visitor.ask("/news", {}, method);
      assert.deepEqual([status, headers["allow"]], [405, "GET, HEAD"], method);
    }
  });

  it("is told by every answer that nothing of it may be kept, framed or sent elsewhere", async () => {
    await using one = await Open.at();
    const visitor = await enter(one.inspector.url);
    for (const [path, method] of [
      ["/", "GET"],
      ["/view.js", "GET"],
      ["/nowhere", "GET"],
      ["/", "POST"],
      ["/?token=x", "GET"],
    ] as const) {
      const { headers } = await visitor.ask(path, {}, method);
      assert.equal(
        headers["content-security-policy"],
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      for (const [header, value] of Object.entries({
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "access-control-allow-origin": undefined,
      }))
        assert.equal(headers[header], value, `${header} of ${method} ${path}`);
    }
  });
});

describe("everybody else", () => {
  it("gets 403 and nothing more, by whatever path and method", async () => {
    await using one = await Open.at();
    const { cookie } = await enter(one.inspector.url);
    const right = `Host: 127.0.0.1:${one.port}\r\nCookie: ${cookie}\r\nSec-Fetch-Site: same-origin`;
    const changed = (from: string | RegExp, to: string): string => right.replace(from, to);
    const value = cookie.split("=")[1] ?? "";
    const others: Readonly<Record<string, string>> = {
      "another name": changed("127.0.0.1", "evil.example"),
      localhost: changed("127.0.0.1", "localhost"),
      "the other family": changed("127.0.0.1", "[::1]"),
      "no port": changed(`:${one.port}`, ""),
      "another port": changed(`:${one.port}`, ":1"),
      "a user": changed("127.0.0.1", "a@127.0.0.1"),
      "a longer name": changed("127.0.0.1", "127.0.0.1.evil.example"),
      "a foreign origin": `${right}\r\nOrigin: https://evil.example`,
      "no origin at all": `${right}\r\nOrigin: null`,
      "the origin of another port": `${right}\r\nOrigin: http://127.0.0.1:1`,
      "the origin by another name": `${right}\r\nOrigin: http://localhost:${one.port}`,
      "the origin as https": `${right}\r\nOrigin: https://127.0.0.1:${one.port}`,
      "two origins": `${right}\r\nOrigin: http://127.0.0.1:${one.port}\r\nOrigin: http://127.0.0.1:${one.port}`,
      "another site": changed("same-origin", "cross-site"),
      "the same site at another port": changed("same-origin", "same-site"),
      "two sites": `${right}\r\nSec-Fetch-Site: cross-site`,
      "the address bar": changed("same-origin", "none"),
      "neither site nor origin": changed("\r\nSec-Fetch-Site: same-origin", ""),
      "no cookie": changed(`\r\nCookie: ${cookie}`, ""),
      "an empty cookie": changed(cookie, cookie.replace(value, "")),
      "a shorter cookie": changed(cookie, cookie.slice(0, -1)),
      "the cookie of another port": changed(cookie, cookie.replace(String(one.port), "1")),
      "the token for a cookie": changed(value, one.inspector.url.slice(-43)),
      "two cookies": changed(cookie, `${cookie}; ${cookie}`),
    };
    for (const [who, headers] of Object.entries(others))
      for (const line of [
        "GET /view.js",
        "GET /news",
        "GET /nowhere",
        "POST /news",
        "OPTIONS /news",
        "HEAD /news",
        "PUT /x",
      ]) {
        const reply = await raw(one.port, `${line} HTTP/1.1\r\n${headers}\r\n\r\n`);
        assert.match(reply, /^HTTP\/1\.1 403 Forbidden\r\n/, `${who}: ${line}`);
        assert.match(reply, /\r\ncontent-length: 0\r\n/i, who);
        assert.ok(reply.endsWith("\r\n\r\n"), "no body");
        assert.doesNotMatch(reply, /set-cookie|access-control|allow:/i);
      }
    assert.match(
      await raw(one.port, `GET /view.js HTTP/1.1\r\n${right}\r\n\r\n`),
      /^HTTP\/1\.1 200 /,
      "and he is let in",
    );
    const byOrigin = changed("Sec-Fetch-Site: same-origin", `Origin: http://127.0.0.1:${one.port}`);
    assert.match(await raw(one.port, `GET /view.js HTTP/1.1\r\n${byOrigin}\r\n\r\n`), /^HTTP\/1\.1 200 /);
  });

  it("gets no tunnel, no other protocol, and no word for what is no request", async () => {
    await using one = await Open.at();
    const { cookie } = await enter(one.inspector.url);
    const known = `Host: 127.0.0.1:${one.port}\r\nCookie: ${cookie}\r\nSec-Fetch-Site: same-origin`;
    for (const [bytes, reply] of [
      [`CONNECT evil.example:443 HTTP/1.1\r\n${known}\r\n\r\n`, /^HTTP\/1\.1 403 /],
      [`GET /news HTTP/1.1\r\n${known}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, /^HTTP\/1\.1 403 /],
      [
        `POST /news HTTP/1.1\r\nHost: evil.example\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n`,
        /^HTTP\/1\.1 403 /,
      ],
      [`GET /news HTTP/1.1\r\nHost: evil.example\r\nExpect: something\r\n\r\n`, /^HTTP\/1\.1 403 /],
      [`GET http://127.0.0.1:${one.port}/news HTTP/1.1\r\n${known}\r\n\r\n`, /^HTTP\/1\.1 404 /],
      [`GET /news HTTP/1.1\r\nHost: 127.0.0.1:${one.port}\r\n${known}\r\n\r\n`, /^(HTTP\/1\.1 40[03] |$)/],
      [`GET /news HTTP/1.0\r\n\r\n`, /^HTTP\/1\.1 403 /],
      [`GET /${"a".repeat(20_000)} HTTP/1.1\r\n${known}\r\n\r\n`, /^$/],
      ["\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n", /^$/],
    ] as const)
      assert.match(await raw(one.port, bytes), reply, bytes.slice(0, 40));
  });

  it("cannot keep the right one out by connections that say nothing", async () => {
    await using one = await Open.at();
    const silent = Array.from({ length: 100 }, () => {
      const socket = connect(one.port, "127.0.0.1");
      socket.on("error", () => undefined);
      return socket;
    });
    const visitor = await enter(one.inspector.url);
    assert.equal((await visitor.ask("/")).status, 200);
    for (const socket of silent) socket.destroy();
  });

  it("finds nobody at another address of this machine", async () => {
    await using one = await Open.at();
    assert.ok(await isOpen(one.port));
    assert.ok(!(await isOpen(one.port, "::1")));
    for (const { address, internal } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
      if (!internal && !address.startsWith("fe80")) assert.ok(!(await isOpen(one.port, address)), address);
  });
});

describe("the news", () => {
  it("are at first how things stand and all that was noted, then what is new, each once", async () => {
    await using one = await Open.at();
    for (const generation of [0, 1, 2]) one.journal.note(nth(generation));
    one.home.plant("codex", plainTokens());
    const visitor = await enter(one.inspector.url);
    using page = await visitor.news();
    const [first] = await page.heard(1);
    assert.deepEqual(
      first?.records?.map(({ n, generation }) => [n, generation]),
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    );
    const codex = first?.scene?.accounts.find(({ provider }) => provider === "codex");
    assert.deepEqual([codex?.state, codex?.usable, codex?.enabled], ["authenticated", "yes", true]);
    assert.deepEqual(first?.scene?.alive, [process.pid]);
    assert.equal(first?.scene?.pid, process.pid);
    assert.deepEqual(page.ids(), ["2"]);

    one.journal.note(nth(3));
    const [, second] = await page.heard(2);
    assert.deepEqual(
      second?.records?.map(({ n }) => n),
      [3],
    );
    assert.equal(second?.scene, undefined, "nothing of it has changed");

    for (const generation of [4, 5, 6]) {
      one.journal.note(nth(generation));
      const next = (await page.heard(generation - 1)).at(-1);
      assert.deepEqual([next?.scene, next?.records?.length], [undefined, 1]);
    }

    one.home.settings({ oauthEnabledProviders: { codex: false } });
    const third = (await page.heard(6)).at(-1);
    assert.equal(third?.scene?.accounts.find(({ provider }) => provider === "codex")?.state, "disabled");
    assert.equal(third?.records, undefined);
  });

  it("go on where a page left off", async () => {
    await using one = await Open.at();
    for (const generation of [0, 1, 2]) one.journal.note(nth(generation));
    const visitor = await enter(one.inspector.url);
    for (const [last, numbers] of [
      ["1", [2]],
      ["2", []],
      ["x", [0, 1, 2]],
      ["99", [0, 1, 2]],
      ["-1", [0, 1, 2]],
    ] as const) {
      using page = await visitor.news({ "last-event-id": last });
      const [first] = await page.heard(1);
      assert.deepEqual(
        first?.records?.map(({ n }) => n),
        numbers,
        last,
      );
      assert.ok(first?.scene !== undefined);
    }
  });

  it("reach every page that is open", async () => {
    await using one = await Open.at();
    const visitor = await enter(one.inspector.url);
    const pages = await Promise.all(Array.from({ length: 10 }, () => visitor.news()));
    for (const page of pages) await page.heard(1);
    one.journal.note(nth(0));
    for (const page of pages)
      assert.deepEqual(
        (await page.heard(2))[1]?.records?.map(({ n }) => n),
        [0],
      );
    for (const page of pages) page[Symbol.dispose]();
  });

  it("tell of a provider that came meanwhile, and stand when the settings cannot be read", async () => {
    await using one = await Open.at();
    const visitor = await enter(one.inspector.url);
    using page = await visitor.news();
    await page.heard(1);
    one.home.settings({ providers: { acme: { clientId: "x", issuer: "http://127.0.0.1:1", grants: ["device"] } } });
    const [, second] = await page.heard(2);
    assert.deepEqual(second?.scene?.accounts.at(-1), {
      provider: "acme",
      account: "default",
      grants: ["device"],
      state: "disabled",
      usable: "no",
      enabled: false,
      source: "none",
      expiresAt: null,
      nextTimerAt: null,
      lastError: null,
      nextCommand: "llxprt-auth acme enable",
      pending: null,
      locks: [],
    });
    one.home.settings("{ this is no JSON");
    one.home.plant("codex", plainTokens(Date.now(), { refresh_token: undefined }));
    const [, , third] = await page.heard(3);
    const codex = third?.scene?.accounts.find(({ provider }) => provider === "codex");
    assert.deepEqual([codex?.state, third?.scene?.accounts.at(-1)?.provider], ["authenticated", "acme"]);
  });

  it("end with the server, whose port is free at once", async () => {
    await using one = await Open.at();
    const visitor = await enter(one.inspector.url);
    using page = await visitor.news();
    await page.heard(1);
    const begun = performance.now();
    await one.inspector.close();
    assert.ok(performance.now() - begun < 1_000);
    assert.ok(!(await isOpen(one.port)));
    await until(() => page.isOver(), "the page hears no more");
  });
});

describe("inspecting", () => {
  it("leaves the home folder as it is, and creates none", async () => {
    await using none = await Open.at();
    const visitor = await enter(none.inspector.url);
    using page = await visitor.news();
    await page.heard(1);
    assert.ok(!existsSync(none.home.paths.home));

    await using one = await Open.at({ oauthEnabledProviders: { codex: true } });
    one.home.plant("codex", plainTokens());
    mkdirSync(join(one.home.paths.oauth, ".spend", "codex"), { recursive: true, mode: 0o700 });
    const before = snapshotOf(one.home);
    using other = await (await enter(one.inspector.url)).news();
    await other.heard(1);
    assert.deepEqual(snapshotOf(one.home), before);
  });

  it("is a part of the runtime, and ends with it", async () => {
    using home = new Home();
    const auth = createAuth({ host: home.host() });
    const built = await auth.inspect().catch((error: unknown) => error);
    // Without a build there is no page; then that is said.
    if (built instanceof Error) assert.equal(await codeOf(Promise.reject(built)), "internal");
    else {
      const { port } = new URL((built as Inspector).url);
      assert.ok(await isOpen(Number(port)));
      await auth.close();
      assert.ok(!(await isOpen(Number(port))));
    }
    await auth.close();
  });
});

function snapshotOf(home: Home): unknown {
  return [home.paths.home, ...home.files()].map((path) => [path, statSync(path).mtimeMs, statSync(path).ctimeMs]);
}
