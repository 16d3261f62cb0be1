// Against real servers on loopback: the promises of the door are about sockets, and only sockets can break them.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { lookup } from "node:dns/promises";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createSocketServer, type Socket } from "node:net";
import { after, describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";

import { userAgent, type WireRequest } from "../../../runtime/wire/request.ts";
import { createSender, type SendFailure, type SenderOptions } from "../../../runtime/wire/send.ts";
import type { WireReply } from "../../../runtime/wire/response.ts";
import { certificate, key } from "./certificate.ts";

const opened: { close(): unknown }[] = [];
after(async () => {
  await Promise.all(opened.map((each) => each.close()));
});

function sender(options: SenderOptions = {}): ReturnType<typeof createSender> {
  // Whatever proxy there is where the tests run.
  const made = createSender({ environment: {}, ...options });
  opened.push(made);
  return made;
}

async function listening(server: Server, host = "127.0.0.1"): Promise<string> {
  opened.push({
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
  await once(server.listen(0, host), "listening");
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/token`;
}

function serve(answer: RequestListener, host?: string): Promise<string> {
  return listening(createServer(answer), host);
}

function post(url: string, body = "grant_type=x&refresh_token=CANARY"): WireRequest {
  const headers = { "content-type": "application/x-www-form-urlencoded", "user-agent": userAgent };
  return { method: "POST", url, headers, body };
}

async function heard(request: IncomingMessage, done: (body: string) => void): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  done(Buffer.concat(chunks).toString());
}

async function failureOf(url: string, options: SenderOptions = {}): Promise<SendFailure> {
  const outcome = await sender(options).exchange(post(url));
  assert.ok("kind" in outcome, JSON.stringify(outcome));
  return outcome;
}

async function replyFrom(url: string, options: SenderOptions = {}): Promise<WireReply> {
  const outcome = await sender(options).exchange(post(url));
  assert.ok(!("kind" in outcome), JSON.stringify(outcome));
  return outcome;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Has garbage collected again and again meanwhile. */
async function amidCollections(work: () => Promise<unknown>): Promise<void> {
  const timer = setInterval(collect, 50);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

/** Answers at once, and then drips without an end. */
function drip(): Promise<string> {
  return serve((_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(timer));
  });
}

/** Resolves to how long `work` took, in ms. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

describe("an exchange", () => {
  it("sends what it was given, with a length, on a connection of its own", async () => {
    const seen: { headers: IncomingHttpHeaders; method: string | undefined; port: number | undefined; body: string }[] =
      [];
    const url = await serve((request, response) => {
      const { headers, method, socket } = request;
      const port = socket.remotePort;
      void heard(request, (body) => {
        seen.push({ headers, method, port, body });
        response.writeHead(201, { "X-Thing": "a" }).end('{"é":1}');
      });
    });
    const door = sender({ now: () => 42 });
    for (let n = 0; n < 2; n += 1) {
      const reply = await door.exchange(post(url));
      assert.ok(!("kind" in reply));
      assert.deepEqual(
        [reply.status, reply.body, reply.receivedAt, reply.headers["x-thing"]],
        [201, '{"é":1}', 42, "a"],
      );
    }
    const [first, second] = seen;
    assert.equal(first?.body, "grant_type=x&refresh_token=CANARY");
    assert.equal(first.method, "POST");
    assert.equal(first.headers["content-length"], "33");
    assert.equal(first.headers["transfer-encoding"], undefined);
    assert.equal(first.headers["content-type"], "application/x-www-form-urlencoded");
    assert.equal(first.headers["user-agent"], userAgent);
    assert.notEqual(first.port, second?.port);
  });

  it("reaches both families of loopback", async () => {
    for (const host of ["127.0.0.1", "::1"]) {
      const url = await serve((_, response) => void response.end(host), host);
      assert.equal((await replyFrom(url)).body, host);
      // Not every system gives the word both addresses.
      const meant = (await lookup("localhost", { all: true })).some(({ address }) => address === host);
      if (meant) assert.equal((await replyFrom(url.replace(/\/\/.*:/, "//localhost:"))).body, host);
    }
  });

  it("takes every status as an answer, once (no retry)", async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      response.writeHead(Number(request.url?.slice("/token/".length)), { "retry-after": "0" }).end("{}");
    });
    const door = sender();
    for (const status of [200, 400, 401, 404, 408, 413, 429, 500, 502, 503, 504]) {
      assert.equal((await replyFrom(`${url}/${status}`)).status, status);
      const reply = await door.exchange({ method: "GET", url: `${url}/${status}`, headers: {}, body: null });
      assert.ok("status" in reply && reply.status === status);
    }
    assert.equal(requests, 22);
  });

  it("never follows a redirect, nor reads its body (T20)", async () => {
    let visits = 0;
    const left: Promise<unknown>[] = [];
    const elsewhere = await serve((_, response) => {
      visits += 1;
      response.end("{}");
    });
    const url = await serve((request, response) => {
      const [, , status, where] = request.url?.split("/") ?? [];
      const location = where === "same" ? "/token/200" : elsewhere;
      left.push(once(response, "close"));
      // Endless on purpose.
      response.writeHead(Number(status), { location }).write("x");
    });
    for (const status of [301, 302, 303, 307, 308]) {
      for (const where of ["same", "other"]) {
        assert.deepEqual(await failureOf(`${url}/${status}/${where}`), {
          kind: "failed",
          code: "unexpected_redirect",
          detail: String(status),
          sent: "maybe",
        });
      }
    }
    assert.equal(visits, 0);
    const ms = await timed(async () => assert.equal((await Promise.all(left)).length, 10));
    assert.ok(ms < 2000, String(ms));
  });

  it("is not repeated when it breaks, though GET could be", async () => {
    let requests = 0;
    const url = await serve((request) => {
      requests += 1;
      request.socket.destroy();
    });
    const outcome = await sender().exchange({ method: "GET", url, headers: {}, body: null });
    assert.ok("kind" in outcome && outcome.code === "network_broken");
    assert.equal(requests, 1);
  });

  it("sends nothing to an address that is not confidential (T21)", async () => {
    for (const url of ["http://192.0.2.1/token", "http://127.0.0.1.nip.invalid/", "http://localhost@192.0.2.1/"]) {
      await assert.rejects(sender().exchange(post(url)), { code: "endpoint_insecure" });
    }
  });
});

describe("a failed exchange", () => {
  it("says that a refused connection sent nothing", async () => {
    const url = await serve(() => {});
    const unused = createSocketServer();
    await once(unused.listen(0, "127.0.0.1"), "listening");
    const { port } = unused.address() as AddressInfo;
    unused.close();
    await once(unused, "close");
    for (const host of ["127.0.0.1", "localhost"]) {
      const outcome = await failureOf(url.replace(/\/\/.*\//, `//${host}:${port}/`));
      assert.deepEqual(outcome, { kind: "failed", code: "network_refused", detail: "ECONNREFUSED", sent: "no" });
    }
  });

  it("says that an unknown name sent nothing", async () => {
    const { code, sent, detail } = await failureOf("https://nowhere.invalid/token?secret=CANARY");
    assert.deepEqual([code, sent], ["network_name", "no"]);
    assert.match(detail, /^E[A-Z_]+$/);
  });

  it("says that a certificate which is not trusted sent nothing (T22)", async () => {
    let requests = 0;
    const server = createTlsServer({ key, cert: certificate }, () => (requests += 1));
    const url = (await listening(server)).replace("http:", "https:");
    const outcome = await failureOf(url);
    assert.deepEqual([outcome.code, outcome.sent], ["network_tls", "no"]);
    assert.match(outcome.detail, /^[A-Z_]+$/);
    assert.equal(requests, 0);
  });

  it("says so too where certificates were switched off for the process", async (context: TestContext) => {
    let requests = 0;
    const server = createTlsServer({ key, cert: certificate }, () => (requests += 1));
    const url = (await listening(server)).replace("http:", "https:");
    const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    context.after(() => {
      if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
    });
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    const outcome = await failureOf(url);
    assert.deepEqual([outcome.code, outcome.detail], ["network_tls", "NODE_TLS_REJECT_UNAUTHORIZED"]);
    await assert.rejects(sender().fetch(new Request(url)), {
      code: "network_tls",
      message: /NODE_TLS_REJECT_UNAUTHORIZED/,
    });
    // Any other value that Node takes for "off" must not work either.
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "1";
    assert.equal((await failureOf(url)).code, "network_tls");
    assert.equal(requests, 0);
  });

  it("says that a server without TLS was told nothing", async () => {
    const url = (await serve(() => {})).replace("http:", "https:");
    const { code, sent } = await failureOf(url);
    assert.deepEqual([code, sent], ["network_tls", "no"]);
  });

  it("says 'maybe' as soon as the request was written", async () => {
    const silent = await serve(() => {});
    const cases: [RequestListener, SendFailure["code"]][] = [
      [(request) => void request.socket.destroy(), "network_broken"],
      [
        (_, response) => void response.writeHead(200, { "content-length": "9" }).write("x", () => response.destroy()),
        "network_broken",
      ],
      [(_, response) => void response.socket?.end("HTTP/1.1 nonsense\r\n\r\n"), "network_broken"],
      [(_, response) => void response.writeHead(200, { big: "x".repeat(100_000) }).end(), "reply_too_large"],
    ];
    for (const [answer, code] of cases) {
      const outcome = await failureOf(await serve(answer));
      assert.deepEqual([outcome.code, outcome.sent], [code, "maybe"]);
    }
    const late = await failureOf(silent, { totalTimeoutMs: 100 });
    assert.deepEqual([late.code, late.sent], ["network_timeout", "maybe"]);
  });

  it("shows nothing of the request", async () => {
    const outcomes = [
      await failureOf("https://nowhere.invalid/CANARY?CANARY"),
      await failureOf(await serve((request) => void request.socket.destroy())),
      await sender().exchange({ ...post(await serve(() => {})), headers: { authorization: "Bearer CANARY\nx: y" } }),
    ];
    assert.ok(!JSON.stringify(outcomes).includes("CANARY"));
    assert.deepEqual(
      outcomes.map((outcome) => "sent" in outcome && outcome.sent),
      ["no", "maybe", "no"],
    );
  });
});

describe("deadlines and sizes (T23)", () => {
  it("end a server that never answers", async () => {
    const url = await serve(() => {});
    const ms = await timed(async () => {
      const outcome = await failureOf(url, { totalTimeoutMs: 150 });
      assert.equal(outcome.code, "network_timeout");
    });
    assert.ok(ms >= 140 && ms < 1150, String(ms));
  });

  it("do not count the time in which this process was stopped: the reply waits at its socket", async () => {
    const program =
      'require("node:http").createServer((_, r) => setTimeout(() => r.end("{}"), 200)).listen(0, "127.0.0.1", function () { console.log(this.address().port) })';
    const server = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [port] = (await once(server.stdout, "data")) as [Buffer];
      const door = sender({ totalTimeoutMs: 1_000 });
      // What is loaded with the first request is not to be waited for then.
      await door.exchange(post(`http://127.0.0.1:${String(port).trim()}`));
      const asked = door.exchange(post(`http://127.0.0.1:${String(port).trim()}`));
      await new Promise((resolve) => setTimeout(resolve, 100));
      // After this come the timers, and only then what arrived at the sockets.
      await new Promise((resolve) => setImmediate(resolve));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
      const reply = await asked;
      assert.equal("kind" in reply ? reply.code : reply.status, 200);
    } finally {
      server.kill();
    }
  });

  it("end a server that drips", async () => {
    const url = await drip();
    const ms = await timed(async () => {
      assert.equal((await failureOf(url, { totalTimeoutMs: 300 })).code, "network_timeout");
    });
    assert.ok(ms >= 290 && ms < 1300, String(ms));
  });

  it("end it however often garbage is collected meanwhile", { timeout: 10_000 }, async () => {
    const url = await drip();
    await amidCollections(async () => {
      assert.equal((await failureOf(url, { totalTimeoutMs: 1000 })).code, "network_timeout");
    });
  });

  it("end a server that falls silent in the middle", async () => {
    const url = await serve((_, response) => void response.writeHead(200).write('{"access_'));
    const ms = await timed(async () => {
      const outcome = await failureOf(url, { totalTimeoutMs: 20_000, idleTimeoutMs: 1000 });
      assert.deepEqual([outcome.code, outcome.detail], ["network_timeout", "UND_ERR_BODY_TIMEOUT"]);
    });
    assert.ok(ms < 3000, String(ms));
  });

  it("end a handshake that does not come about", async () => {
    const silent = createSocketServer();
    const sockets: Socket[] = [];
    silent.on("connection", (socket) => sockets.push(socket));
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/token`;
    const ms = await timed(async () => {
      const outcome = await failureOf(url, { connectTimeoutMs: 300 });
      assert.deepEqual([outcome.code, outcome.sent], ["network_timeout", "no"]);
    });
    for (const socket of sockets) socket.destroy();
    silent.close();
    assert.ok(ms < 2000, String(ms));
  });

  it("take one mebibyte and not a byte more", async () => {
    const url = await serve((request, response) => {
      response.end(Buffer.alloc(1024 * 1024 + Number(request.url?.slice("/token/".length)), "x"));
    });
    assert.equal((await replyFrom(`${url}/0`)).body.length, 1024 * 1024);
    assert.equal((await failureOf(`${url}/1`)).code, "reply_too_large");
  });

  it("are not fooled by compression", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const url = await serve((request, response) => {
      const twice = request.url?.endsWith("twice") === true;
      response.writeHead(200, { "content-encoding": twice ? "gzip, gzip" : "gzip" }).end(twice ? gzipSync(bomb) : bomb);
    });
    const before = process.memoryUsage().rss;
    for (const path of ["", "/twice"]) assert.equal((await failureOf(url + path)).code, "reply_too_large");
    assert.ok(process.memoryUsage().rss - before < 30 * 1024 * 1024);
    const small = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync('{"a":1}'));
    });
    assert.equal((await replyFrom(small)).body, '{"a":1}');
  });

  it("end a server that never ends", async () => {
    const url = await serve((_, response) => {
      const more = (): void => void response.write(Buffer.alloc(65_536), more);
      more();
    });
    assert.equal((await failureOf(url)).code, "reply_too_large");
  });
});

describe("an abort", () => {
  it("ends an exchange at once, with the caller's reason", async () => {
    const aborter = new AbortController();
    const reason = new Error("enough");
    const url = await serve(() => aborter.abort(reason));
    const ms = await timed(() => assert.rejects(sender().exchange(post(url), aborter.signal), reason));
    assert.ok(ms < 2000, String(ms));
    await assert.rejects(sender().exchange(post(url), aborter.signal), reason);
  });

  it("ends a reply in the middle", async () => {
    const aborter = new AbortController();
    const closed = Promise.withResolvers<unknown>();
    const url = await serve((_, response) => {
      response.on("close", closed.resolve);
      response.writeHead(200).write("x", () => aborter.abort());
    });
    await assert.rejects(sender().exchange(post(url), aborter.signal), { name: "AbortError" });
    await closed.promise;
  });
});

describe("an API request", () => {
  it("streams, as long as it likes", async () => {
    let go: (() => void) | undefined;
    const url = await serve((request, response) => {
      void heard(request, (body) => {
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .write(`${body} ${request.headers["user-agent"]}`);
        go = () => response.end(" two");
      });
    });
    const request = new Request(url, { method: "POST", body: "one", headers: { authorization: "Bearer at-1" } });
    const response = await sender({ totalTimeoutMs: 1, maxBytes: 1 }).fetch(request);
    assert.equal(response.status, 200);
    const parts: string[] = [];
    for await (const part of response.body ?? []) {
      parts.push(Buffer.from(part).toString());
      go?.();
    }
    assert.equal(parts.join(""), `one ${userAgent} two`);
  });

  it("keeps the caller's own headers and method", async () => {
    const url = await serve((request, response) => {
      response.end(`${request.method} ${request.headers["user-agent"]} ${String(request.headers["x-own"])}`);
    });
    const headers = { "user-agent": "mine/1", "x-own": "yes" };
    const response = await sender().fetch(new Request(url, { method: "PUT", headers }));
    assert.equal(await response.text(), "PUT mine/1 yes");
  });

  it("hands redirects and failures back as they are, once", async () => {
    let requests = 0;
    const url = await serve((request, response: ServerResponse) => {
      requests += 1;
      response
        .writeHead(Number(request.url?.slice("/token/".length)), { location: "/x", "retry-after": "0" })
        .end("body");
    });
    for (const status of [302, 307, 401, 429, 503]) {
      const response = await sender().fetch(new Request(`${url}/${status}`, { method: "POST", body: "x" }));
      assert.deepEqual([response.status, await response.text()], [status, "body"]);
    }
    assert.equal(requests, 5);
  });

  it("ends after silence", async () => {
    const url = await serve(() => {});
    await assert.rejects(sender({ apiIdleTimeoutMs: 300 }).fetch(new Request(url)), { code: "network_timeout" });
  });

  it("fails in our words, or with the caller's reason", async () => {
    await assert.rejects(sender().fetch(new Request("https://nowhere.invalid/?CANARY")), (error: Error) => {
      assert.equal("code" in error && error.code, "network_name");
      assert.equal(error.cause, undefined);
      return !error.message.includes("CANARY");
    });
    await assert.rejects(sender().fetch(new Request("http://192.0.2.1/")), { code: "endpoint_insecure" });
    const aborter = new AbortController();
    const url = await serve(() => aborter.abort(new Error("enough")));
    await assert.rejects(sender().fetch(new Request(url, { signal: aborter.signal })), { message: "enough" });
    await assert.rejects(sender().fetch(new Request(url), AbortSignal.abort(new Error("x"))), { message: "x" });
  });

  it("ends with its caller's signal, however often garbage is collected meanwhile", { timeout: 10_000 }, async () => {
    const url = await drip();
    const aborter = new AbortController();
    const response = await sender().fetch(new Request(url, { signal: aborter.signal }), aborter.signal);
    setTimeout(() => aborter.abort(new Error("enough")), 500);
    await amidCollections(() => assert.rejects(response.text(), { message: "enough" }));
  });
});

const wire = new URL("../../../runtime/wire/send.ts", import.meta.url).href;

/** What a process of its own prints. */
async function run(script: string): Promise<string> {
  const flags = ["--conditions=development", "--input-type=module-typescript", "-e"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script], { timeout: 10_000 });
  return stdout;
}

describe("the door as a whole", () => {
  it("costs nothing until it is used", async () => {
    const script = `
      import { createSender } from ${JSON.stringify(wire)};
      const door = createSender();
      const { createRequire } = await import("node:module");
      const loaded = [...Object.keys(createRequire("/")("module")._cache), ...process.moduleLoadList];
      console.log(loaded.filter((name) => /undici/.test(name)).length);
      await door.close();
    `;
    assert.equal(await run(script), "0\n");
  });

  it("lets the process end at once when it is closed", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/token") response.writeHead(200).write("{");
    });
    const script = `
      import { createSender } from ${JSON.stringify(wire)};
      const door = createSender();
      const streaming = await door.fetch(new Request(${JSON.stringify(url)}));
      const hanging = door.exchange({ method: "GET", url: ${JSON.stringify(`${url}/hang`)}, headers: {}, body: null });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await door.close();
      const { code, sent } = await hanging;
      await streaming.text().catch(() => {});
      console.log(code, sent, process.getActiveResourcesInfo().filter((each) => /TCP|Timeout/.test(each)).length);
    `;
    const ms = await timed(async () => assert.equal(await run(script), "network_broken maybe 0\n"));
    assert.ok(ms < 3000, String(ms));
  });
});
