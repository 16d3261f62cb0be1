// Threats from servers, and from whoever stands between: what they say, how long they take to say it, where they send us,
// and what their words do to a terminal, a shell or a log.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after } from "node:test";
import { gzipSync } from "node:zlib";
import type { Fault } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { lineOf, recordOf } from "../../runtime/inspect/record.ts";
import { isKnownPage } from "../../runtime/login/known-page.ts";
import { openBrowser } from "../../runtime/login/browser.ts";
import { Secret } from "../../runtime/secret.ts";
import type { PendingRow } from "../../runtime/status.ts";
import { judgeCallback } from "../../runtime/wire/callback.ts";
import { claimsOf } from "../../runtime/wire/claims.ts";
import { checkedEndpoint, parsedAddress } from "../../runtime/wire/endpoint.ts";
import { judgePasted } from "../../runtime/wire/pasted.ts";
import { userAgent, type WireRequest } from "../../runtime/wire/request.ts";
import { deviceReply, metadataReply, tokenReply, userinfoReply } from "../../runtime/wire/response.ts";
import { createSender, type SenderOptions } from "../../runtime/wire/send.ts";
import { oauthErrorCode, printable } from "../../runtime/wire/text.ts";
import { play } from "../cli/played.ts";
import { House } from "../cli/program.ts";
import { certificateFor, key } from "../runtime/wire/certificate.ts";
import { acme, now, reply } from "../runtime/wire/sample.ts";
import { Home, type Json, plainTokens } from "../support/home.ts";
import { presented } from "../support/spending.ts";
import { codeOf, signIn, stage, until } from "../support/stage.ts";
import { signedIn } from "./captured.ts";
import { rule } from "./rule.ts";

const good = { access_token: "at-1", refresh_token: "rt-1", token_type: "Bearer", expires_in: 3599 };

const opened: { close(): unknown }[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

/** A server that answers so. @returns its address */
async function serve(answers: RequestListener, server: Server = createServer()): Promise<string> {
  opened.push({ close: () => (server.closeAllConnections(), server.close()) });
  server.on("request", answers);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

/** A server that only counts who comes, by connection. */
async function counting(): Promise<{ readonly url: string; readonly seen: () => number }> {
  let count = 0;
  const server = createServer().on("connection", () => (count += 1));
  return { url: await serve((_, response) => void response.end("{}"), server), seen: () => count };
}

const post = (url: string): WireRequest => ({
  method: "POST",
  url,
  headers: { "content-type": "application/x-www-form-urlencoded", "user-agent": userAgent },
  body: "grant_type=refresh_token&refresh_token=CANARY",
});

/** The status of the reply, or in our word why there is none. */
async function outcomeOf(url: string, options: SenderOptions = {}): Promise<string> {
  const sender = createSender(options);
  try {
    const outcome = await sender.exchange(post(url));
    return "kind" in outcome ? outcome.code : String(outcome.status);
  } finally {
    await sender.close();
  }
}

/** What becomes of a reply to a refresh. */
function judged(body: unknown, status = 200, provider: Provider = acme) {
  return tokenReply(provider, reply(status, body), { purpose: "refresh", clientId: "client-1", nonce: null });
}

const kindOf = (body: unknown): string => judged(body).kind;

/** A login whose token has 20 s left meets this when it is renewed. */
async function renewing(
  fault: Fault,
): Promise<{ readonly code: string; readonly kept: boolean; readonly sent: number }> {
  await using s = await stage();
  const auth = await signedIn(s, "gemini", 20);
  const before = s.home.tokens("gemini");
  s.emulator.fault("gemini", "refresh", fault, 5);
  for (let count = 0; count < 5; count += 1) await auth.account("gemini").token();
  const file = s.home.tokens("gemini");
  const kept = ["access_token", "refresh_token", "expiry"].every((member) => file[member] === before[member]);
  return { code: file["llxprt_auth"].retry?.code ?? "none", kept, sent: presented(s, "gemini") };
}

rule(
  { id: "T20", source: "RFC 9700 4.12, RFC 6749 3.2", says: "a redirect carries no token away: none is followed" },
  {
    holds: {
      "an answer at the address that was asked": async () => {
        assert.equal(await outcomeOf(await serve((_, response) => void response.end("{}"))), "200");
      },
    },
    refuses: {
      "301, 302, 303, 307 and 308, to this server, to another one, and up or down in safety": async () => {
        const elsewhere = await counting();
        let asked = 0;
        const url = await serve((request, response) => {
          asked += 1;
          const [, , status, where = ""] = request.url?.split("/") ?? [];
          response.writeHead(Number(status), { location: decodeURIComponent(where) }).end("{}");
        });
        const places = ["/token/200/x", elsewhere.url, elsewhere.url.replace("http:", "https:"), "//127.0.0.1:9/"];
        for (const status of [301, 302, 303, 307, 308])
          for (const place of places)
            assert.equal(await outcomeOf(`${url}/${status}/${encodeURIComponent(place)}`), "unexpected_redirect");
        assert.deepEqual([asked, elsewhere.seen()], [20, 0]);
      },
      "one while a login is renewed: it stays, and is asked about once": async () => {
        const elsewhere = await counting();
        const outcome = await renewing({ kind: "redirect", status: 307, to: elsewhere.url });
        assert.deepEqual(outcome, { code: "unexpected_redirect", kept: true, sent: 1 });
        assert.equal(elsewhere.seen(), 0);
      },
    },
    also: [{ file: "test/runtime/wire/send.test.ts", words: "never follows a redirect, nor reads its body (T20)" }],
  },
);

rule(
  {
    id: "T21",
    source: "RFC 6749 3.2, RFC 9700 2.6",
    says: "nothing is sent in the clear beyond this machine, nor to a proxy within it",
  },
  {
    holds: {
      "https anywhere, http by the names of this machine": () => {
        for (const url of ["https://id.example/token", "http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/"])
          assert.equal(checkedEndpoint(url).href, url);
      },
    },
    refuses: {
      "http elsewhere, and what only looks like this machine, before a connection": async () => {
        const { url, seen } = await counting();
        const { port } = new URL(url);
        for (const host of [
          "localhost@127.0.0.1",
          "[::ffff:127.0.0.1]",
          "127.0.0.1.evil.example",
          "0.0.0.0",
          "id.example",
        ])
          assert.equal(await codeOf(outcomeOf(`http://${host}:${port}/token`)), "endpoint_insecure", host);
        assert.equal(seen(), 0);
      },
      "a proxy in the environment, from this machine to itself": async () => {
        const [proxy, server] = [await counting(), await counting()];
        const names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
        for (const name of names) process.env[name] = proxy.url;
        try {
          assert.equal(await outcomeOf(server.url), "200");
        } finally {
          for (const name of names) delete process.env[name];
        }
        assert.deepEqual([proxy.seen(), server.seen()], [0, 1]);
      },
    },
    also: [
      { file: "test/runtime/wire/endpoint.test.ts", words: "may be nothing else (T21, A04)" },
      { file: "test/runtime/wire/tunnel.test.ts", words: "between this machine and itself is seen by no proxy" },
    ],
  },
);

/** What a process of its own gets from this address, with these variables. */
function outcomeInProcess(url: string, env: NodeJS.ProcessEnv): string {
  const wire = import.meta.resolve("../../runtime/wire/send.ts");
  const program = `import { createSender } from ${JSON.stringify(wire)};
    const sender = createSender();
    const outcome = await sender.exchange({ method: "GET", url: ${JSON.stringify(url)}, headers: {}, body: null });
    console.log("kind" in outcome ? outcome.code : outcome.status);
    await sender.close();`;
  const line = ["--conditions=development", "--input-type=module", "--eval", program];
  const { PATH } = process.env;
  const stdio = ["ignore", "pipe", "ignore"] as const;
  return execFileSync(process.execPath, line, { encoding: "utf8", env: { PATH, ...env }, stdio: [...stdio] }).trim();
}

/** A server in a process of its own, since ours waits for the one that asks. */
async function tlsServer(): Promise<{ readonly url: string; readonly certificate: string }> {
  const { Worker } = await import("node:worker_threads");
  const certificate = certificateFor("localhost");
  const program = `const { createServer } = require("node:https");
    const { workerData, parentPort } = require("node:worker_threads");
    const server = createServer(workerData, (_, response) => response.end("{}"));
    server.listen(0, "localhost", () => parentPort.postMessage(server.address().port));`;
  const worker = new Worker(program, { eval: true, workerData: { key, cert: certificate } });
  opened.push({ close: () => worker.terminate() });
  const [port] = (await once(worker, "message")) as [number];
  return { url: `https://localhost:${port}/token`, certificate };
}

rule(
  {
    id: "T22",
    source: "RFC 6749 10.9, BCP 195",
    says: "a server is who its certificate says, whatever the environment says",
  },
  {
    holds: {
      "a certificate authority of one's own, named by NODE_EXTRA_CA_CERTS or SSL_CERT_FILE": async () => {
        using home = new Home();
        const { url, certificate } = await tlsServer();
        const file = join(home.userHome, "ca.pem");
        writeFileSync(file, certificate);
        for (const name of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"])
          assert.equal(outcomeInProcess(url, { [name]: file }), "200", name);
      },
    },
    refuses: {
      "one that nobody vouches for, also with NODE_TLS_REJECT_UNAUTHORIZED=0": async () => {
        const { url } = await tlsServer();
        assert.equal(outcomeInProcess(url, {}), "network_tls");
        assert.equal(outcomeInProcess(url, { NODE_TLS_REJECT_UNAUTHORIZED: "0" }), "network_tls");
      },
      "a server that speaks no TLS where TLS is due": async () => {
        const { url } = await counting();
        assert.equal(await outcomeOf(url.replace("http:", "https:")), "network_tls");
      },
    },
    also: [
      { file: "test/conformance/token.test.ts", words: "one that has expired" },
      { file: "test/conformance/token.test.ts", words: "--tls-min-v1.0" },
    ],
  },
);

const mebibyte = 1024 * 1024;

const encoded =
  (encoding: string, body: Buffer): RequestListener =>
  (_, response) =>
    void response.writeHead(200, { "content-encoding": encoding }).end(body);

rule(
  {
    id: "T23",
    source: "threat: endless, slow and swollen replies",
    says: "a reply ends: after 1 MiB of what it unpacks to, after its deadline, or after silence",
  },
  {
    holds: {
      "a whole mebibyte, and a small reply that was compressed": async () => {
        assert.equal(await outcomeOf(await serve((_, response) => void response.end("x".repeat(mebibyte)))), "200");
        const packed = gzipSync(JSON.stringify(good));
        const url = await serve((_, response) => {
          response.writeHead(200, { "content-encoding": "gzip" }).end(packed);
        });
        assert.equal(await outcomeOf(url), "200");
      },
    },
    refuses: {
      "one byte more, a bomb, a bomb in a bomb, no end, endless headers": async () => {
        const bomb = gzipSync(Buffer.alloc(64 * mebibyte));
        const answers: Readonly<Record<string, RequestListener>> = {
          "one byte more": (_, response) => void response.end("x".repeat(mebibyte + 1)),
          bomb: encoded("gzip", bomb),
          "bomb in a bomb": encoded("gzip, gzip", gzipSync(bomb)),
          "no end": (_, response) => {
            const more = (): void => void response.write(Buffer.alloc(65_536), more);
            more();
          },
          headers: (_, response) => void response.writeHead(200, { big: "x".repeat(100_000) }).end(),
        };
        const before = process.memoryUsage().rss;
        for (const [what, answers_] of Object.entries(answers))
          assert.equal(await outcomeOf(await serve(answers_)), "reply_too_large", what);
        assert.ok(process.memoryUsage().rss - before < 100 * mebibyte, "what a bomb unpacks to is not kept");
      },
      "no answer, a byte now and then, half an answer": async () => {
        const slow: readonly RequestListener[] = [
          () => undefined,
          (_, response) => {
            const timer = setInterval(() => response.write(" "), 20);
            response.on("close", () => {
              clearInterval(timer);
            });
          },
          (_, response) => void response.writeHead(200).write('{"access_'),
        ];
        for (const answers of slow)
          assert.equal(await outcomeOf(await serve(answers), { totalTimeoutMs: 200 }), "network_timeout");
      },
    },
    also: [{ file: "test/runtime/wire/send.test.ts", words: "deadlines and sizes (T23)" }],
  },
);

const strange: Readonly<Record<string, string>> = {
  "a page": "<!doctype html><title>Sign in to the network</title>CANARY",
  nothing: "",
  "half an object": JSON.stringify({ ...good, refresh_token: "CANARY" }).slice(0, -3),
  "a list": JSON.stringify([good, "CANARY"]),
  null: "null",
  "a string": '"CANARY"',
  depth: `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
  "UTF-16": JSON.stringify(good).split("").join("\u0000"),
  "two objects": `${JSON.stringify(good)}${JSON.stringify(good)}`,
  "single quotes": "{'access_token':'CANARY'}",
};

rule(
  {
    id: "T24",
    source: "RFC 6749 5.1 and 5.2",
    says: "a reply that is none ends no login, and nothing of it gets into a message",
  },
  {
    holds: {
      "a byte order mark, and a member that comes twice": () => {
        assert.equal(kindOf(`\u{FEFF}${JSON.stringify(good)}`), "issued");
        const twice = judged(`{"access_token":"first",${JSON.stringify(good).slice(1)}`);
        assert.ok(twice.kind === "issued" && twice.issued.accessToken.matches("at-1"));
      },
    },
    refuses: {
      "pages, halves, lists, depth, other alphabets, with any status, by any vendor": () => {
        for (const provider of [acme, ...Object.values<Provider>(providers)])
          for (const status of [200, 201, 400, 403, 500, 503])
            for (const [what, body] of Object.entries(strange)) {
              const outcome = judged(body, status, provider);
              assert.equal(outcome.kind, "unavailable", `${provider.name}, ${status}, ${what}`);
              assert.ok(!JSON.stringify(outcome).includes("CANARY"));
            }
      },
      "a captive portal while a login is renewed: the token serves on, and the error says nothing of the page":
        async () => {
          const outcome = await renewing({ kind: "html" });
          assert.deepEqual(outcome, { code: "reply_malformed", kept: true, sent: 1 });
          await using s = await stage();
          const auth = await signedIn(s, "gemini");
          s.emulator.fault("gemini", "refresh", { kind: "reply", status: 200, body: strange["half an object"] ?? "" });
          const error: unknown = await auth
            .account("gemini")
            .token()
            .catch((reason: unknown) => reason);
          assert.ok(error instanceof Error && !`${error.message} ${String(error.cause)}`.includes("CANARY"));
          assert.equal(auth.account("gemini").status().row.present, true);
        },
    },
    also: [{ file: "test/runtime/wire/token.test.ts", words: "is not decided by a byte order mark or by a duplicate" }],
  },
);

const garbage = [0, -1, "3600abc", "0x10", " 60", "1e3", "NaN", "", true, [], {}, 2 ** 53, 1e300, 0.0001];

rule(
  {
    id: "T25",
    source: "RFC 6749 A.14, RFC 8628 3.2 and 3.5",
    says: "a lifetime or interval that makes no sense counts as missing: no storm of requests, and no timer that overflows",
  },
  {
    holds: {
      "sensible ones are kept, from a second to ten years": () => {
        for (const [said, seconds] of [
          [1, 1],
          ["3600", 3600],
          [315_360_000, 315_360_000],
        ] as const) {
          const outcome = judged({ ...good, expires_in: said });
          assert.ok(outcome.kind === "issued" && outcome.issued.expiresAt === now + seconds * 1000);
        }
      },
      "ten years ahead, a runtime waits without a warning and without asking": async () => {
        await using s = await stage();
        const warnings: string[] = [];
        const listen = ({ name }: Error): number => warnings.push(name);
        process.on("warning", listen);
        s.emulator.fault("gemini", "token", { kind: "rewrite", members: { expires_in: 315_360_000 } });
        await signIn(s, s.auth({ ahead: true }), "gemini");
        await new Promise((resolve) => setTimeout(resolve, 100));
        process.off("warning", listen);
        assert.deepEqual([warnings, presented(s, "gemini")], [[], 0]);
      },
    },
    refuses: {
      "everything else: an hour, and five seconds between polls": () => {
        for (const bad of [...garbage, null, undefined]) {
          const outcome = judged({ ...good, expires_in: bad });
          assert.ok(outcome.kind === "issued" && outcome.issued.expiresAt === now + 3_600_000, JSON.stringify(bad));
        }
        const infinite = judged(
          JSON.stringify({ ...good, expires_in: 0 }).replace('"expires_in":0', '"expires_in":1e400'),
        );
        assert.ok(infinite.kind === "issued" && infinite.issued.expiresAt === now + 3_600_000);
        const device = { device_code: "d", user_code: "U", verification_uri: "https://id.acme.example/d" };
        for (const bad of garbage.filter((each) => each !== 0.0001)) {
          const begun = deviceReply(acme, reply(200, { ...device, interval: bad, expires_in: bad }));
          assert.ok(begun.kind === "started", JSON.stringify(bad));
          assert.deepEqual([begun.intervalMs, begun.expiresAt], [5_000, now + acme.device!.lifetimeS * 1000]);
        }
        const hasty = deviceReply(acme, reply(200, { ...device, interval: 0.0001 }));
        assert.ok(hasty.kind === "started" && hasty.intervalMs >= 1_000);
      },
      "ten calls after a reply with garbage: one request": async () => {
        for (const expires_in of [0, -1, 1e300]) {
          await using s = await stage();
          const auth = await signedIn(s, "gemini");
          s.emulator.fault("gemini", "refresh", { kind: "rewrite", members: { expires_in } }, 10);
          for (let count = 0; count < 10; count += 1) await auth.account("gemini").token();
          assert.equal(presented(s, "gemini"), 1);
        }
      },
    },
    also: [{ file: "test/runtime/wire/token.test.ts", words: "is an hour, and marked, when it is garbage (T25)" }],
  },
);

/** A home of its own with one login, whose token is this. */
function homeWith(accessToken: string): House {
  const house = new House();
  house.settings({ oauthEnabledProviders: { codex: true } });
  house.plant("codex", plainTokens(Date.now(), { access_token: accessToken }));
  return house;
}

const forShells = `it's"$(touch pwned)"\`touch pwned\`;touch pwned|touch pwned&$HOME<>*?!#\\n-n`.replaceAll(
  " ",
  "${IFS}",
);

rule(
  {
    id: "T26",
    source: "RFC 6749 A.12, RFC 6750 2.1",
    says: "a token with a line break, an escape or no ASCII is no token; one of visible characters harms no shell and no header",
  },
  {
    holds: {
      "the worst visible token, evaluated by a shell, and as one line of a header": async () => {
        using house = homeWith(forShells);
        const { code, stdout } = await play(["codex", "token", "--format", "env", `--home=${house.home}`]);
        assert.equal(code, 0);
        const [name = ""] = /[A-Z][A-Z_]+(?==)/.exec(stdout) ?? [];
        const line = ["--norc", "-c", `eval "$1"; printf %s "$${name}"`, "bash", stdout];
        const said = execFileSync("bash", line, { cwd: house.folder, env: { PATH: process.env["PATH"] } });
        assert.equal(said.toString(), forShells);
        assert.ok(!house.has("../pwned"));
        const header = await play(["codex", "token", "--format", "header", `--home=${house.home}`]);
        assert.equal(header.stdout, `Authorization: Bearer ${forShells}\n`);
      },
    },
    refuses: {
      "line breaks, escapes, NUL, other alphabets, in a reply: it is no token reply": async () => {
        for (const bad of ["a\nb", "a\r\nX-Evil: 1", "a\u0000", "a\u001B[2J", "ä", "a\u007F", "a\u2028", "\u{1F600}"])
          for (const member of ["access_token", "refresh_token"])
            assert.equal(kindOf({ ...good, [member]: bad }), "unavailable", JSON.stringify(bad));
        const huge = await renewing({ kind: "rewrite", members: { access_token: "x".repeat(2 * mebibyte) } });
        assert.deepEqual(huge, { code: "reply_too_large", kept: true, sent: 1 });
      },
      "the same in a file: nothing is printed": async () => {
        for (const format of ["raw", "env", "header", "json"]) {
          using house = homeWith("a\r\nX-Evil: 1");
          const { code, stdout } = await play(["codex", "token", "--format", format, `--home=${house.home}`]);
          assert.notEqual(code, 0, format);
          assert.ok(!stdout.includes("X-Evil"), stdout);
        }
      },
    },
    also: [
      { file: "test/cli/credentials.test.ts", words: "curl sends the header as it is" },
      { file: "test/runtime/wire/token.test.ts", words: "has no token with characters outside RFC 6749 A.12 (T26)" },
    ],
  },
);

rule(
  { id: "T27", source: "RFC 6749 7.1", says: "a token of a type that we do not know how to use is not taken" },
  {
    holds: {
      "bearer, in any case": () => {
        for (const token_type of ["Bearer", "bearer", "BEARER"])
          assert.equal(kindOf({ ...good, token_type }), "issued");
      },
    },
    refuses: {
      "DPoP, mac, a number, nothing": async () => {
        for (const token_type of ["DPoP", "mac", "Bearer ", "", 1, null, undefined, ["Bearer"], true])
          assert.equal(kindOf({ ...good, token_type }), "unavailable", String(token_type));
        const outcome = await renewing({ kind: "rewrite", members: { token_type: "DPoP" } });
        assert.deepEqual(outcome, { code: "reply_malformed", kept: true, sent: 1 });
      },
    },
  },
);

const escapes = "a\u001B]52;c;AAAA\u0007b\u009B31mc\u202Ed\u200Be\r\nf\u2028g\u001B]8;;https://evil\u001B\\h";
// What a terminal would obey, and what reorders or hides text.
const obeyed = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--\n]/v;

rule(
  {
    id: "T28",
    source: "RFC 8628 3.3, RFC 6749 5.2, CWE-150",
    says: "no word of a server is obeyed by a terminal",
  },
  {
    holds: {
      "what people write is shown as they wrote it": () => {
        for (const text of ["me@example.com", "Zoë Müller", "山田 太郎", "O'Neil & Söhne <x>", "€ 5 + 🙂"])
          assert.equal(printable(text), text);
        assert.equal(oauthErrorCode("invalid_grant"), "invalid_grant");
      },
    },
    refuses: {
      "escapes, bells, line breaks, hidden and turned text, marks that pile up, 10 kB": () => {
        for (const text of [escapes, "z\u0336\u0337\u0338".repeat(100), "x".repeat(10_000), "\u{E0041}".repeat(50)]) {
          const shown = printable(text);
          assert.doesNotMatch(shown, obeyed);
          assert.doesNotMatch(shown, /\p{M}|\n/u);
          assert.ok(shown.length <= 200);
          assert.doesNotMatch(oauthErrorCode(text) ?? "", obeyed);
        }
      },
      "them in an address, a code, an error and a name, at a sign-in and after": async () => {
        const start = { device_code: "d", user_code: "ABCD", verification_uri: "http://127.0.0.1:9/device" };
        for (const said of [
          { ...start, verification_uri: `http://127.0.0.1:9/${escapes}` },
          { ...start, user_code: escapes },
          { error: escapes, error_description: escapes },
        ]) {
          await using s = await stage();
          const status = "error" in said ? 400 : 200;
          s.emulator.fault("qwen", "device", { kind: "reply", status, body: JSON.stringify(said) });
          const line = ["qwen", "login", "--verbose", "--timeout", "1", `--home=${s.home.paths.home}`];
          const { code, stdout, stderr } = await play(line);
          assert.notEqual(code, 0);
          assert.doesNotMatch(stdout + stderr, obeyed);
        }
        using house = homeWith("at-1");
        house.plant("codex", plainTokens(Date.now(), { llxprt_auth: { schema: 1, identity: escapes } }));
        for (const words of [["codex", "status"], ["status"], ["status", "--json"]]) {
          const { stdout } = await play([...words, `--home=${house.home}`]);
          assert.doesNotMatch(stdout, obeyed);
        }
      },
    },
    also: [{ file: "test/cli/terminal.test.ts", words: "nothing of a server's text is obeyed" }],
  },
);

const entry = { step: "refused", provider: "codex", account: "default", generation: 3, code: "refresh_refused" };
const forged =
  '\n{"v":1,"at":"2026-11-23T00:00:00.000Z","pid":1,"step":"loggedOut","provider":"codex","account":"default"}';

rule(
  { id: "T29", source: "CWE-117", says: "a line of the journal is one record; nobody can forge another one" },
  {
    holds: {
      "a record is one line, and is read back as it was": () => {
        const line = lineOf(entry, 0, 7) ?? "";
        assert.ok(!line.includes("\n"));
        assert.deepEqual({ ...recordOf(line) }, { v: 1, at: "1970-01-01T00:00:00.000Z", pid: 7, ...entry });
      },
    },
    refuses: {
      "line breaks of every kind in every member": () => {
        const members = [
          ...Object.keys(entry),
          "lineage",
          "attempt",
          "signIn",
          "grant",
          "expiresAt",
          "holder",
          "revocation",
        ];
        for (const member of members)
          for (const wild of [
            forged,
            `codex${forged}`,
            "a\r\nb",
            "a\u2028b",
            "a\u0085b",
            "\u001B[2J",
            '","step":"loggedOut',
          ]) {
            const line = lineOf({ ...entry, [member]: wild }, 0, 7);
            if (line === null) continue;
            assert.equal(line.search(/[\p{Cc}\p{Zl}\p{Zp}]/u), -1);
            assert.notEqual(recordOf(line)?.step, "loggedOut");
          }
      },
      "a server's words about a refresh": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "gemini");
        const body = JSON.stringify({ error: `invalid_grant${forged}`, error_description: forged });
        s.emulator.fault("gemini", "refresh", { kind: "reply", status: 400, body });
        await auth
          .account("gemini")
          .token()
          .catch(() => undefined);
        const lines = readFileSync(s.home.paths.journal, "utf8").trimEnd().split("\n");
        assert.ok(lines.length > 2);
        for (const line of lines) assert.ok(recordOf(line) !== null && !line.includes("loggedOut"), line);
      },
    },
    also: [{ file: "test/runtime/journal.test.ts", words: "no secret gets in, by any member and in any guise" }],
  },
);

const unsafePages = [
  "javascript:alert(1)",
  "file:///etc/passwd",
  "data:text/html,x",
  "\\\\server\\share",
  "ms-settings:",
  "--help",
  "-flag",
  "http://id.acme.example/device",
  "https://user:pw@id.acme.example/",
  'https://a"&calc&.example/',
  "https://id.acme.example/\u001B[2J",
  "https://id.acme.example\\@evil.example/",
  "",
];

const counter = join(import.meta.dirname, "../cli/counting-browser.ts");

rule(
  {
    id: "T30",
    source: "RFC 8252 8.11 and 8.12",
    says: "only a page of the web is opened, on a host that is known, and no shell ever sees its address",
  },
  {
    holds: {
      "an address with everything that shells like comes to the browser to the letter": async () => {
        using home = new Home();
        const file = join(home.userHome, "opened");
        const url = "https://example.com/a?b=$(touch%20x)&c=`id`&d=;'e'&f=$&&g=%25s|h>i";
        await openBrowser(url, `"${process.execPath}" "${counter}" "${file}"`);
        await until(() => existsSync(file), "the browser was started", 20_000);
        assert.equal(readFileSync(file, "utf8"), `${new URL(url).href}\n`);
      },
      "a page on a host of the provider's": () => {
        const row = { kind: "device", url: "https://chat.qwen.ai/authorize" } as PendingRow;
        assert.ok(isKnownPage(providers.qwen, row));
      },
    },
    refuses: {
      "other schemes, users, quotes, escapes, flags: neither shown nor opened": async () => {
        const start = { device_code: "d", user_code: "U" };
        for (const page of unsafePages) {
          assert.equal(await codeOf(openBrowser(page, "/nonexistent/browser")), "url_unsafe", page);
          const begun = deviceReply(acme, reply(200, { ...start, verification_uri: page }));
          assert.ok("code" in begun && begun.code === "url_unsafe", page);
        }
      },
      "a host that only looks like the provider's: shown, not opened": () => {
        for (const host of ["chat.qwen.ai.evil.example", "xqwen.ai", "qwen.ai", "evil.example"]) {
          const row = { kind: "device", url: `https://${host}/authorize` } as PendingRow;
          assert.equal(isKnownPage(providers.qwen, row), false, host);
        }
      },
    },
    also: [{ file: "test/runtime/browser.test.ts", words: "an address that is no page of the web" }],
  },
);

rule(
  {
    id: "T31",
    source: "RFC 8628 3.3.1 and 5.4",
    says: "a person sees the code also when the opened address holds it, and only who began a sign-in gets a page opened",
  },
  {
    holds: {
      "the code stands alone on its line beside the address that holds it, which is opened once": async () => {
        await using s = await stage();
        const file = join(s.home.userHome, "opened");
        const browser = `"${process.execPath}" "${counter}" "${file}"`;
        const line = ["qwen", "login", "--timeout", "1", "--browser", browser, `--home=${s.home.paths.home}`];
        const { stderr } = await play(line);
        const [, userCode = ""] = /^([A-Z]{4}-[A-Z]{4})$/m.exec(stderr) ?? [];
        await until(() => existsSync(file), "the page was opened", 20_000);
        const pages = readFileSync(file, "utf8").trimEnd().split("\n");
        assert.equal(pages.length, 1);
        assert.ok(userCode !== "" && pages[0]?.includes(userCode) === true, stderr);
        assert.ok(stderr.includes(pages[0]));
      },
    },
    refuses: {
      "an address with the code that leads elsewhere": () => {
        const start = { device_code: "d", user_code: "U", verification_uri: "https://id.acme.example/device" };
        for (const page of ["https://evil.example/?user_code=U", "http://id.acme.example/", "javascript:x", 5]) {
          const begun = deviceReply(acme, reply(200, { ...start, verification_uri_complete: page }));
          assert.ok(begun.kind === "started" && begun.verificationUriComplete === null, String(page));
        }
      },
      "a page for who only looked, or asked for a token": async () => {
        await using s = await stage();
        const mark = join(s.home.userHome, "opened");
        const before = process.env["BROWSER"];
        process.env["BROWSER"] = `touch ${mark}`;
        try {
          const environment = { BROWSER: process.env["BROWSER"] };
          for (const words of [
            ["status"],
            ["qwen", "why"],
            ["qwen", "token"],
            ["qwen", "ask", "hello"],
            ["qwen", "refresh"],
          ])
            await play([...words, "--non-interactive", `--home=${s.home.paths.home}`], { environment });
        } finally {
          if (before === undefined) delete process.env["BROWSER"];
          else process.env["BROWSER"] = before;
        }
        assert.ok(!existsSync(mark));
        assert.deepEqual(s.emulator.requests, []);
      },
    },
  },
);

rule(
  {
    id: "T32",
    source: "RFC 6749 10.4, RFC 8414 3.3, RFC 9700 2.3",
    says: "a token goes to who issued it: neither a reply, nor metadata, nor a changed setting takes it elsewhere",
  },
  {
    holds: {
      "a listed host of the provider's may be told in a reply": () => {
        for (const resource_url of ["portal.qwen.ai", "https://portal.qwen.ai/v1", "https://eu.qwen.ai"]) {
          const outcome = judged({ ...good, resource_url }, 200, providers.qwen);
          assert.ok(outcome.kind === "issued" && outcome.issued.extra["resource_url"] === resource_url);
        }
      },
      "metadata of the issuer's own": () => {
        const issuer = "https://id.acme.example";
        const told = { issuer, token_endpoint: `${issuer}/token`, authorization_endpoint: `${issuer}/authorize` };
        assert.equal(metadataReply(issuer, reply(200, told)).token, `${issuer}/token`);
      },
    },
    refuses: {
      "other hosts in a reply, however they are dressed up": () => {
        for (const resource_url of [
          "https://evil.example/",
          "http://portal.qwen.ai/",
          "https://portal.qwen.ai@evil.example/",
          "portal.qwen.ai:8443",
          "https://evilqwen.ai",
          "https://portal.qwen.ai.evil.example",
          "https://portal.qwen.ai\\@evil.example",
          "http://127.0.0.1:9/",
        ]) {
          const outcome = judged({ ...good, resource_url }, 200, providers.qwen);
          assert.ok(outcome.kind === "issued" && outcome.issued.extra["resource_url"] === undefined, resource_url);
        }
      },
      "metadata of somebody else, and endpoints on this machine by a server that is not": () => {
        const issuer = "https://id.acme.example";
        for (const other of [`${issuer}/`, "https://ID.acme.example", "https://evil.example", undefined])
          assert.throws(() => metadataReply(issuer, reply(200, { issuer: other })), { code: "issuer_mismatch" });
        for (const endpoint of [
          "http://127.0.0.1:9/token",
          "http://id.acme.example/token",
          "https://a@id.acme.example/",
        ])
          assert.throws(() => metadataReply(issuer, reply(200, { issuer, token_endpoint: endpoint })), {
            code: "endpoint_insecure",
          });
      },
      "a token endpoint in the settings that is not the one that issued it: not one connection": async () => {
        await using s = await stage();
        const evil = await counting();
        await (await signedIn(s, "anthropic")).close();
        s.point({ anthropic: { tokenEndpoint: evil.url, revocationEndpoint: evil.url } });
        const account = s.auth().account("anthropic");
        assert.equal(await codeOf(account.token()), "credential_elsewhere");
        assert.equal(await codeOf(account.refresh({ force: true })), "credential_elsewhere");
        await account.logout();
        assert.deepEqual([evil.seen(), presented(s, "anthropic")], [0, 0]);
      },
    },
    also: [{ file: "test/runtime/ask/fetch.test.ts", words: "goes to no other host, whatever it looks like" }],
  },
);

const poison =
  '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":"text","hasOwnProperty":"text"';

function unpolluted(): void {
  assert.equal(({} as Json)["polluted"], undefined);
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(typeof {}.toString, "function");
}

rule(
  {
    id: "T33",
    source: "CWE-1321",
    says: "members with the names of what every object has change no object; foreign ones in a file are kept as they are",
  },
  {
    holds: {
      "they survive a refresh in the file": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "gemini");
        const text = JSON.stringify(s.home.tokens("gemini"));
        s.home.plant("gemini", `{${poison},${text.slice(1)}`);
        await auth.account("gemini").token();
        assert.equal(presented(s, "gemini"), 1);
        const written = readFileSync(s.home.file("gemini"), "utf8");
        assert.match(written, /"__proto__":\s*\{\s*"polluted":\s*1\s*\}/);
        assert.match(written, /"toString":\s*"text"/);
        unpolluted();
      },
    },
    refuses: {
      "them in every reply": () => {
        const body = `{${poison},${JSON.stringify({ ...good, sub: "s", issuer: "https://id.acme.example" }).slice(1)}`;
        const keeping = { ...acme, keep: ["__proto__", "constructor", "toString"] };
        const outcome = judged(body, 200, keeping);
        assert.ok(outcome.kind === "issued");
        assert.equal(Object.getPrototypeOf(outcome.issued.extra)?.["polluted"], undefined);
        userinfoReply(
          { ...acme, identity: { ...acme.identity, userinfo: [["constructor", "name"]] } },
          reply(200, body),
        );
        deviceReply(acme, reply(200, body));
        metadataReply("https://id.acme.example", reply(200, body));
        claimsOf(new Secret("id_token", `a.${Buffer.from(body).toString("base64url")}.c`));
        unpolluted();
      },
      "them in settings, in a profile, and in a record of the journal": async () => {
        using house = new House();
        house.settings(`{${poison},"providers":{${poison}},"oauthEnabledProviders":{${poison}}}`);
        mkdirSync(join(house.home, "profiles"), { mode: 0o700 });
        writeFileSync(join(house.home, "profiles", "p.json"), `{${poison}}`, { mode: 0o600 });
        for (const words of [["status"], ["toString"], ["constructor", "login"], ["codex", "why", "--profile", "p"]])
          await play([...words, `--home=${house.home}`]);
        recordOf(`{${poison},"v":1}`);
        unpolluted();
      },
    },
    also: [{ file: "test/runtime/store.format.test.ts", words: "is kept, nested and with dangerous names" }],
  },
);

const redirect = { redirectUri: "http://127.0.0.1:1/callback", state: new Secret("state", "s".repeat(43)) };
const expected = { ...redirect, issuer: null, issSent: false, bareCode: true };

const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  pasted: (text) => judgePasted(text, expected),
  callback: (text) =>
    judgeCallback({ method: "GET", url: `/callback?${text}`, host: "127.0.0.1:1", headers: {} }, expected),
  token: (text) => judged(text),
  "a token in a reply": (text) => judged({ ...good, access_token: text, scope: text, expires_in: text }),
  claims: (text) => claimsOf(new Secret("id_token", `a.${text}!.c`)),
  device: (text) => deviceReply(acme, reply(200, { device_code: text, user_code: text, verification_uri: text })),
  address: (text) => parsedAddress(text),
  "text for a terminal": (text) => printable(text),
  "an error code": (text) => oauthErrorCode(text),
  "a record": (text) => recordOf(text),
};

rule(
  { id: "T34", source: "CWE-1333", says: "every parser takes time in proportion to its text" },
  {
    holds: {
      "a long token, a long code and a long name are read": () => {
        assert.equal(kindOf({ ...good, access_token: "x".repeat(65_536) }), "issued");
        const code = "c".repeat(60_000);
        const pasted = judgePasted(`${code}#${"s".repeat(43)}`, expected);
        assert.ok(pasted.kind === "code" && pasted.code.matches(code));
      },
    },
    refuses: {
      // What is quadratic takes minutes over so much, by the clock of this process alone.
      "a megabyte of what expressions stumble over": () => {
        for (const junk of [
          "'",
          '"x',
          "[200~",
          "^[",
          "#",
          "&",
          "%2",
          "=",
          ".",
          "e\u0301",
          "\u001B",
          " ",
          "a'",
          "A",
          "http://",
          "{",
        ]) {
          const text = junk.repeat(mebibyte / junk.length);
          for (const [what, parse] of Object.entries(parsers)) {
            const begun = process.cpuUsage();
            for (const tried of [`${text}x`, `${text.slice(0, 65_000)}x`]) parse(tried);
            assert.ok(process.cpuUsage(begun).user < 1_000_000, `${what}: ${JSON.stringify(junk)}`);
          }
        }
      },
    },
    also: [{ file: "test/runtime/wire/pasted.test.ts", words: "is read in time linear in its length (T34)" }],
  },
);
