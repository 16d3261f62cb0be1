// The door with a proxy before it. The proxy is real, reads everything, and plays the hosts behind it; what it saw is the
// proof of what left this process and by which way.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import tls from "node:tls";
import { promisify } from "node:util";

import { createSender, type SendFailure, type SenderOptions } from "../../../runtime/wire/send.ts";
import type { WireReply } from "../../../runtime/wire/response.ts";
import { type ProxyOptions, startProxy, type TestProxy, type Way } from "../../servers/proxy.ts";
import { certificateFor, key } from "./certificate.ts";

const folder = mkdtempSync(join(tmpdir(), "llxprt-auth-proxy-"));
after(() => rmSync(folder, { recursive: true }));

/** Plays every host: says what it was sent. */
const host = createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { "proxy-authorization": leaked = null, host: asked } = request.headers;
    response.end(JSON.stringify({ asked, leaked, body: Buffer.concat(chunks).toString(), path: request.url }));
  })();
});
let behind = "";
before(async () => {
  await once(host.listen(0, "127.0.0.1"), "listening");
  behind = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
});
after(() => {
  host.closeAllConnections();
  host.close();
});

let files = 0;
function pem(content: string): string {
  const path = join(folder, `${(files += 1)}.pem`);
  writeFileSync(path, content);
  return path;
}

const url = "https://id.example/token";
const body = "refresh_token=CANARY";
const asking = (to = url) => ({ method: "POST" as const, url: to, headers: { "content-type": "text/plain" }, body });

/** The environment of a machine that is told of the proxy and of its authority. */
const told = (proxy: TestProxy, more: Record<string, string> = {}): NonNullable<SenderOptions["environment"]> => ({
  HTTPS_PROXY: proxy.url,
  SSL_CERT_FILE: pem(proxy.authority.certificate),
  ...more,
});

async function sent(
  environment: NonNullable<SenderOptions["environment"]>,
  to = url,
  options: SenderOptions = {},
): Promise<WireReply | SendFailure> {
  const sender = createSender({ connectTimeoutMs: 2000, ...options, environment });
  try {
    return await sender.exchange(asking(to));
  } finally {
    await sender.close();
  }
}

const wordOf = (outcome: WireReply | SendFailure): string =>
  "kind" in outcome ? `${outcome.code} (${outcome.detail}) ${outcome.sent}` : String(outcome.status);

const proxied = (options: ProxyOptions = {}) => startProxy({ behind: () => behind, ...options });

describe("a request", { concurrency: 4 }, () => {
  it("goes through the proxy in a tunnel of its own, and reaches the host as it was", async () => {
    await using proxy = await proxied();
    const sender = createSender({ environment: told(proxy) });
    for (const to of [url, "https://id.example:8443/other"]) {
      const reply = await sender.exchange(asking(to));
      assert.ok("body" in reply, wordOf(reply));
      const { host: asked, pathname: path } = new URL(to);
      assert.deepEqual(JSON.parse(reply.body), { asked, leaked: null, body, path });
    }
    const response = await sender.fetch(new Request("https://api.example/v1", { method: "POST", body: "hello" }));
    assert.equal(((await response.json()) as { body: string }).body, "hello");
    await sender.close();
    // The first way ends where Node does not know the authority.
    assert.deepEqual([...new Set(proxy.connects)], ["id.example:443", "id.example:8443", "api.example:443"]);
    assert.deepEqual(proxy.read, [
      "POST https://id.example/token",
      "POST https://id.example:8443/other",
      "POST https://api.example/v1",
    ]);
    assert.equal(proxy.connections(), 4, "a tunnel for each, and one more to learn of the authority");
    assert.deepEqual(proxy.plain, []);
  });

  it("goes through a proxy that is spoken to in TLS", async () => {
    await using proxy = await proxied({ tls: "localhost", wants: "me:p@ss" });
    const HTTPS_PROXY = proxy.url.replace("//", "//me:p%40ss@");
    assert.equal(wordOf(await sent(told(proxy, { HTTPS_PROXY }))), "200");
    const untold = await sent({ HTTPS_PROXY });
    assert.equal(wordOf(untold), "network_tls (SELF_SIGNED_CERT_IN_CHAIN, the proxy of HTTPS_PROXY) no");
  });

  for (const way of ["through, in HTTP/1.0", "through, with a length", "through, in chunks"] as const)
    it(`goes ${way}`, async () => {
      await using proxy = await proxied({ way: () => way });
      assert.equal(wordOf(await sent(told(proxy))), "200");
    });

  it("brings name and password to the proxy and to nobody else", async () => {
    await using proxy = await proxied({ wants: "me:secret" });
    const reply = await sent(told(proxy, { HTTPS_PROXY: proxy.url.replace("//", "//me:secret@") }));
    assert.ok("body" in reply);
    assert.equal((JSON.parse(reply.body) as { leaked: null }).leaked, null);
  });

  it("between this machine and itself is seen by no proxy", async () => {
    await using proxy = await proxied();
    const names = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"];
    const environment = Object.fromEntries(names.map((name) => [name, proxy.url]));
    for (const name of ["127.0.0.1", "localhost"])
      assert.equal(wordOf(await sent(environment, behind.replace("127.0.0.1", name))), "200");
    const secure = behind.replace("http:", "https:");
    assert.match(wordOf(await sent(environment, secure)), /^network_tls/);
    assert.match(wordOf(await sent({ ...environment, HTTPS_PROXY: "socks5://x" }, secure)), /^network_tls/);
    const sender = createSender({ environment });
    assert.equal((await sender.fetch(new Request(behind))).status, 200);
    await sender.close();
    assert.equal(proxy.connections(), 0);
  });

  it("loads nothing of all this where no variable asks for it", async () => {
    const program = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const { createSender } = await import(${JSON.stringify(import.meta.resolve("../../../runtime/wire/send.ts"))});
      const sender = createSender({ environment: JSON.parse(process.argv[1]) });
      const answer = await sender.exchange({ method: "GET", url: ${JSON.stringify(behind)}, headers: {}, body: null });
      const failed = await sender.exchange({ method: "GET", url: "https://nowhere.invalid/", headers: {}, body: null });
      console.log(answer.status, failed.sent, ...loaded.filter((url) => /wire.(proxy|tunnel|trust)/.test(url)).map((url) => url.replace(/.*wire./, "")));
      await sender.close();`;
    const flags = ["--conditions=development", "--input-type=module-typescript", "--eval", program];
    const said = async (environment: object) =>
      (await promisify(execFile)(process.execPath, [...flags, JSON.stringify(environment)])).stdout;
    assert.equal(await said({ PATH: "/bin", SSL_CERT_FILE: "/x" }), "200 no\n");
    assert.equal(await said({ https_proxy: "http://127.0.0.1:1" }), "200 no proxy.ts tunnel.ts\n");
  });

  it("to an exception goes its own way", async () => {
    await using proxy = await proxied();
    const environment = told(proxy, { no_proxy: "nowhere.invalid" });
    assert.match(wordOf(await sent(environment, "https://nowhere.invalid/")), /^network_name \(E[A-Z_]+\) no$/);
    assert.equal(proxy.connections(), 0);
    assert.equal(wordOf(await sent(environment)), "200");
  });
});

describe("a proxy that is in the way", { concurrency: 4 }, () => {
  const ways: readonly (readonly [Way, string])[] = [
    [407, "proxy_auth (HTTPS_PROXY) no"],
    [403, "proxy_refused (HTTPS_PROXY, 403) no"],
    [404, "proxy_refused (HTTPS_PROXY, 404) no"],
    [302, "proxy_failed (HTTPS_PROXY, 302) no"],
    [502, "proxy_failed (HTTPS_PROXY, 502) no"],
    ["closed", "proxy_failed (HTTPS_PROXY, ECONNRESET) no"],
    ["silent", "proxy_failed (HTTPS_PROXY, timeout) no"],
    ["nonsense", "proxy_failed (HTTPS_PROXY, HPE_INVALID_CONSTANT) no"],
    ["talkative", "proxy_failed (HTTPS_PROXY, spoke too early) no"],
    ["closed in TLS", "network_broken (ECONNRESET, through HTTPS_PROXY) no"],
    ["silent in TLS", "network_timeout (UND_ERR_CONNECT_TIMEOUT, through HTTPS_PROXY) no"],
  ];
  for (const [way, says] of ways)
    it(`${way}: has seen nothing, and is named by its variable`, async () => {
      await using proxy = await proxied({ way: () => way });
      const HTTPS_PROXY = proxy.url.replace("//", "//CANARY:CANARY@");
      const options = { connectTimeoutMs: 500 };
      const outcome = await sent(told(proxy, { HTTPS_PROXY }), url, options);
      assert.equal(wordOf(outcome), says);
      assert.deepEqual(proxy.read, []);
      assert.equal(proxy.connections(), 1, "once");
      assert.ok(!JSON.stringify(outcome).includes("CANARY"));
      const sender = createSender({ ...options, environment: told(proxy, { HTTPS_PROXY }) });
      await assert.rejects(
        sender.fetch(new Request("https://api.example/", { method: "POST", body })),
        (error: Error) => {
          assert.ok(!`${error.stack} ${JSON.stringify(error)}`.includes("CANARY"));
          return "code" in error && says.startsWith(`${String(error.code)} `);
        },
      );
      await sender.close();
    });

  it("is not there at all", async () => {
    const proxy = await proxied();
    await proxy[Symbol.asyncDispose]();
    assert.equal(wordOf(await sent({ ALL_PROXY: proxy.url })), "proxy_unreachable (ALL_PROXY, ECONNREFUSED) no");
    const nameless = await sent({ http_proxy: "http://nowhere.invalid:1" });
    assert.match(wordOf(nameless), /^proxy_unreachable \(http_proxy, E[A-Z_]+\) no$/);
  });

  it("cannot be one", async () => {
    const outcome = await sent({ all_proxy: "socks5://CANARY:CANARY@127.0.0.1:9" });
    assert.equal(wordOf(outcome), "proxy_invalid (all_proxy) no");
    const sender = createSender({ environment: { all_proxy: "socks5://CANARY" } });
    await assert.rejects(sender.fetch(new Request("https://api.example/")), {
      code: "proxy_invalid",
      message: "The proxy in all_proxy cannot be used: it has to be an http or https address",
    });
  });

  it("does not keep a process that has closed the door", async () => {
    await using proxy = await proxied({ way: () => "silent" });
    const sender = createSender({ connectTimeoutMs: 60_000, environment: told(proxy) });
    const outcome = sender.exchange(asking());
    while (proxy.connects.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await sender.close();
    assert.match(wordOf(await outcome), /^network_broken .* no$/);
    // The proxy's end of the connection goes when ours does.
    while (proxy.open() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

describe("an authority that Node does not bring", { concurrency: 4 }, () => {
  it("is believed when either variable names it", async () => {
    await using proxy = await proxied();
    const { HTTPS_PROXY } = told(proxy);
    for (const name of ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
      assert.equal(wordOf(await sent({ HTTPS_PROXY, [name]: pem(proxy.authority.certificate) })), "200", name);
    const among = `text\n${certificateFor("other.example")}\r\n${proxy.authority.certificate}-----BEGIN CERTIFICATE-----\nnone\n`;
    assert.equal(wordOf(await sent({ HTTPS_PROXY, SSL_CERT_FILE: pem(among) })), "200", "among others");
  });

  it("is not believed when nobody names it, and the error tells what to do", async () => {
    await using proxy = await proxied();
    const { HTTPS_PROXY = "" } = told(proxy);
    assert.equal(
      wordOf(await sent({ HTTPS_PROXY })),
      "network_tls (SELF_SIGNED_CERT_IN_CHAIN, through HTTPS_PROXY) no",
    );
    const sender = createSender({ environment: { HTTPS_PROXY } });
    await assert.rejects(sender.fetch(new Request("https://api.example/")), /NODE_EXTRA_CA_CERTS or SSL_CERT_FILE/);
    await sender.close();
    assert.deepEqual(proxy.read, []);
  });

  it("is missed in a file that cannot be read, which is named then, and only then", async () => {
    await using proxy = await proxied();
    const { HTTPS_PROXY, SSL_CERT_FILE } = told(proxy);
    for (const stale of [join(folder, "nothing-here.pem"), folder, pem("no certificate"), pem("")])
      assert.equal(
        wordOf(await sent({ HTTPS_PROXY, SSL_CERT_FILE: stale })),
        "network_tls (SELF_SIGNED_CERT_IN_CHAIN, through HTTPS_PROXY, SSL_CERT_FILE cannot be read) no",
      );
    assert.equal(wordOf(await sent({ HTTPS_PROXY, NODE_EXTRA_CA_CERTS: folder, SSL_CERT_FILE })), "200");
  });

  it("vouches for the hosts of its certificates, and for no other", async () => {
    await using proxy = await proxied();
    const wrongly = proxy.authority.issue("other.example");
    Object.assign(proxy.authority, { issue: () => wrongly });
    const wrong = "network_tls (ERR_TLS_CERT_ALTNAME_INVALID, through HTTPS_PROXY) no";
    assert.equal(wordOf(await sent(told(proxy))), wrong);
  });

  it("is looked for once, and then known", async () => {
    await using proxy = await proxied();
    const sender = createSender({ environment: told(proxy) });
    for (let times = 0; times < 3; times += 1) assert.equal(wordOf(await sender.exchange(asking())), "200");
    await sender.close();
    assert.equal(proxy.connections(), 4);
  });

  it("may be replaced by another one while a program runs", async () => {
    await using first = await proxied();
    await using next = await proxied();
    const SSL_CERT_FILE = pem(first.authority.certificate);
    const environment = { HTTPS_PROXY: first.url, SSL_CERT_FILE };
    const sender = createSender({ environment });
    assert.equal(wordOf(await sender.exchange(asking())), "200");
    environment.HTTPS_PROXY = next.url;
    writeFileSync(SSL_CERT_FILE, next.authority.certificate);
    assert.equal(wordOf(await sender.exchange(asking())), "200");
    environment.HTTPS_PROXY = first.url;
    assert.match(wordOf(await sender.exchange(asking())), /^network_tls \(SELF_SIGNED_CERT_IN_CHAIN/);
    writeFileSync(SSL_CERT_FILE, first.authority.certificate);
    assert.equal(wordOf(await sender.exchange(asking())), "200");
    await sender.close();
  });

  it("changes nothing about those that Node believes, nor about TLS 1.2", async (context) => {
    await using one = await proxied();
    await using other = await proxied();
    // What Node itself was told at its start, as against what our environment says.
    const program = `
      const { createSender } = await import(${JSON.stringify(import.meta.resolve("../../../runtime/wire/send.ts"))});
      const environment = { SSL_CERT_FILE: process.argv[1] };
      const sender = createSender({ environment });
      for (const proxy of [process.argv[2], process.argv[3]]) {
        environment.HTTPS_PROXY = proxy;
        const { status, code } = await sender.exchange({ method: "GET", url: "https://id.example/", headers: {}, body: null });
        console.log(status ?? code);
      }
      await sender.close();`;
    const flags = ["--conditions=development", "--input-type=module", "--eval", program];
    const words = [pem(one.authority.certificate), one.url, other.url];
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: pem(other.authority.certificate) };
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...words], { env });
    assert.equal(stdout, "200\n200\n");

    const cert = one.authority.issue("localhost");
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    const served = await Promise.all(
      [{}, old].map(async (versions) => {
        const server = createTlsServer({ key, cert, ...versions }, (_, response) => response.end("{}"));
        context.after(() => server.close());
        await once(server.listen(0, "localhost"), "listening");
        return `https://localhost:${(server.address() as AddressInfo).port}/`;
      }),
    );
    const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
    context.after(() => Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS }));
    Object.assign(tls, { DEFAULT_MIN_VERSION: old.minVersion, DEFAULT_CIPHERS: old.ciphers });
    const sender = createSender({ environment: { SSL_CERT_FILE: words[0] } });
    const [good = "", bad = ""] = served;
    assert.equal(wordOf(await sender.exchange(asking(good))), "200");
    const refused = "network_tls (ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION) no";
    assert.equal(wordOf(await sender.exchange(asking(bad))), refused);
    await sender.close();
  });
});
