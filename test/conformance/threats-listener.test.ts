// Threats to the loopback listener: it stands open to every page in the browser and every program on the machine.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { after } from "node:test";
import { runInNewContext } from "node:vm";
import { startEmulator } from "../../providers/emulator/index.ts";
import { portOf } from "../../runtime/login/entrance.ts";
import { type Arrival, type Listener, openListener } from "../../runtime/login/listener.ts";
import {
  failedPage,
  type Page,
  pageHeaders,
  receivedPage,
  signedInPage,
  strayPage,
} from "../../runtime/login/pages.ts";
import { Secret } from "../../runtime/secret.ts";
import { play } from "../cli/played.ts";
import { addressIn, House } from "../cli/program.ts";
import { isOpen, raw, visit } from "../support/browser.ts";
import { redirectOf, statusAt } from "../support/redirect.ts";
import { beginLogin, codeOf, signIn, stage } from "../support/stage.ts";
import { canTrace, traced } from "../support/trace.ts";
import { rule } from "./rule.ts";

const state = "the-true-state-0123456789-0123456789";
const families = ["127.0.0.1", "::1"] as const;
const opened: { close(): unknown }[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

interface Waiting {
  readonly listener: Listener;
  readonly arrivals: Arrival[];
  readonly port: number;
  /** The true redirect. */
  readonly good: string;
}

/** A listener that waits, and ends its sign-in at the first redirect that fits. */
async function waiting(ports: readonly number[] = [], host: "127.0.0.1" | "localhost" = "127.0.0.1"): Promise<Waiting> {
  const listener = await openListener("acme", { host, path: "/callback", ports }, null);
  opened.push(listener);
  const arrivals: Arrival[] = [];
  listener.expect({ state: new Secret("state", state), issuer: null, issSent: false });
  listener.deliver((arrival) => {
    arrivals.push(arrival);
    listener.show(signedInPage, true);
  });
  const port = Number(new URL(listener.redirectUri).port);
  return { listener, arrivals, port, good: `${listener.redirectUri}?code=c&state=${state}` };
}

/** That nothing has moved it so far, and that the true redirect still does. */
async function stillWaits({ arrivals, good }: Waiting): Promise<void> {
  assert.equal(arrivals.length, 0);
  assert.equal(await statusAt(good), 200);
  assert.equal(arrivals[0]?.kind, "code");
}

/** Somebody else's program on a port. */
function other(host: string, port: number, reusePort = false): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  opened.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true, reusePort }, () => {
      resolve(server);
    });
  });
}

async function freePort(): Promise<number> {
  const { port, listener } = await waiting();
  await listener.close();
  return port;
}

const isShut = async (port: number): Promise<boolean> => {
  const open = await Promise.all(families.map((host) => isOpen(port, host)));
  return !open.includes(true);
};

/** Number of the descriptor of a traced call. */
const socketOf = (told: string): string => told.split(/[<,]/, 1)[0] ?? "";

const redirectIn = (url: string): URL => new URL(new URL(url).searchParams.get("redirect_uri") ?? assert.fail());

rule(
  {
    id: "T10",
    source: "RFC 8252 8.3, draft 2.1 8.5.4",
    says: "it listens on loopback alone, and no longer than the sign-in takes, however that ends",
  },
  {
    holds: {
      "both families of this machine reach it": async () => {
        for (const from of families) {
          const one = await waiting();
          assert.equal((await visit(one.good, { from })).status, 200, from);
        }
      },
    },
    refuses: {
      "who comes to another address of this machine": async () => {
        const one = await waiting();
        const ours = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
        const foreign = ours
          .filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0)
          .map(({ address }) => address);
        for (const address of [...foreign, "127.0.0.2"]) assert.equal(await isOpen(one.port, address), false, address);
        await stillWaits(one);
      },
      "who comes after its end: done, denied, cancelled, too late, the runtime closed": async () => {
        await using s = await stage();
        const ends = {
          done: ({ url }) => s.emulator.approve(url),
          denied: ({ url }) => s.emulator.deny(url),
          cancelled: (_, account) => account.cancel(),
          late: () => undefined,
          closed: (_, __, auth) => auth.close(),
        } satisfies Record<string, (...end: [{ url: string }, { cancel(): unknown }, { close(): unknown }]) => unknown>;
        for (const [how, end] of Object.entries(ends)) {
          const auth = s.auth();
          const timeoutMs = how === "late" ? 50 : null;
          const { pending, account, ended } = await beginLogin(auth, "gemini", "loopback", { timeoutMs });
          const port = Number(redirectIn(pending.url).port);
          assert.ok(how === "late" || (await isOpen(port)), how);
          await end(pending, account, auth);
          await codeOf(ended);
          assert.ok(await isShut(port), how);
        }
      },
      "who comes after a SIGTERM": async () => {
        await using emulator = await startEmulator({ lenient: ["unregistered-port"] });
        using house = new House(emulator);
        const { said, child, ended } = house.start(["gemini", "login"]);
        await said(/Waiting without limit/);
        const port = Number(redirectIn(addressIn((await said(/[^]*/))[0])).port);
        assert.ok(await isOpen(port));
        child.kill("SIGTERM");
        assert.equal((await ended).code, 130);
        assert.ok(await isShut(port));
      },
    },
    also: [{ file: "test/runtime/listener.test.ts", words: "is bound on loopback only, on both families" }],
  },
);

rule(
  {
    id: "T11",
    source: "RFC 8252 7.3 and 8.3",
    says: "where the redirect must say `localhost`, nobody else has the other half of the port",
  },
  {
    holds: {
      "`localhost` by either family ends here": async () => {
        for (const from of families) {
          const one = await waiting([], "localhost");
          assert.match(one.good, /^http:\/\/localhost:\d+\//);
          assert.equal((await visit(one.good, { from })).status, 200, from);
        }
      },
    },
    refuses: {
      "a port of which a stranger has one half: the next one, or an error that names it": async () => {
        for (const family of families) {
          const [taken, next] = [await freePort(), await freePort()];
          await other(family, taken);
          assert.equal((await waiting([taken, next], "localhost")).port, next, family);
          const busy = { host: "localhost", path: "/callback", ports: [taken] } as const;
          const error: unknown = await openListener("acme", busy, null).catch((reason: unknown) => reason);
          assert.ok(error instanceof Error && "code" in error && error.code === "port_busy");
          assert.ok(error.message.includes(String(taken)), error.message);
        }
      },
    },
    also: [{ file: "test/runtime/account.ports.test.ts", words: "are used in their order" }],
  },
);

rule(
  {
    id: "T12",
    source: "RFC 8252 appendix B",
    says: "a port is taken once and kept: never tried, given back and taken again, and never shared",
  },
  {
    holds: {
      "one bind and one listen for each family, before the address is known": async () => {
        if (!canTrace) return;
        const open = `import { openListener } from ${JSON.stringify(import.meta.resolve("../../runtime/login/listener.ts"))};
          const it = await openListener("acme", { host: "127.0.0.1", path: "/callback", ports: [] }, null);
          console.log(it.redirectUri); await it.close();`;
        const line = [process.execPath, "--conditions=development", "--input-type=module", "--eval", open];
        const { code, stdout, calls } = await traced(line, { PATH: process.env["PATH"] });
        assert.equal(code, 0);
        const port = new URL(stdout.trim()).port;
        const names = calls.filter(({ name, failed }) => ["bind", "listen"].includes(name) && !failed);
        assert.deepEqual(
          names.map(({ name }) => name),
          ["bind", "listen", "bind", "listen"],
        );
        assert.ok(names[2]?.told.includes(port), "the second family is bound at the port of the first");
        const shown = calls.findIndex(({ name, told }) => name === "write" && told.startsWith("1<"));
        for (const listen of names.filter(({ name }) => name === "listen")) {
          const begun = calls.indexOf(listen);
          const closed = calls.findIndex(
            ({ name, told }, index) => index > begun && name === "close" && socketOf(told) === socketOf(listen.told),
          );
          assert.ok(begun < shown && shown < closed, "kept until after it was told");
        }
      },
    },
    refuses: {
      "a second program, also one that would share": async () => {
        const one = await waiting();
        for (const host of families)
          for (const reusePort of process.platform === "linux" ? [false, true] : [false])
            assert.equal(await codeOf(other(host, one.port, reusePort)), "EADDRINUSE", `${host}, ${reusePort}`);
        await stillWaits(one);
      },
    },
  },
);

rule(
  {
    id: "T13",
    source: "threat: denial of service",
    says: "no number of stray requests, and nobody who hogs connections, keeps the true redirect out",
  },
  {
    holds: {
      "the true redirect, between a hundred silent connections": async () => {
        const one = await waiting();
        const silent: Socket[] = [];
        for (let count = 0; count < 100; count += 1) {
          const socket = connect(one.port, "127.0.0.1");
          socket.on("error", () => undefined);
          if (count % 2 === 0) socket.write("GET /callback?code=c HTTP/1.1\r\nX-Slow: ");
          silent.push(socket);
        }
        await stillWaits(one);
        for (const socket of silent) socket.destroy();
      },
    },
    refuses: {
      "a hundred of each: wrong path, method, state, an error, a huge header, no HTTP at all": async () => {
        const one = await waiting();
        const host = `Host: 127.0.0.1:${one.port}`;
        const strays = [
          `GET / HTTP/1.1\r\n${host}\r\n\r\n`,
          `POST /callback?code=c&state=${state} HTTP/1.1\r\n${host}\r\nContent-Length: 0\r\n\r\n`,
          `GET /callback?code=c&state=wrong HTTP/1.1\r\n${host}\r\n\r\n`,
          `GET /callback?error=access_denied HTTP/1.1\r\n${host}\r\n\r\n`,
          `GET /callback?${"a".repeat(40_000)} HTTP/1.1\r\n${host}\r\n\r\n`,
          "\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n",
        ];
        for (const bytes of strays) {
          const replies = await Promise.all(Array.from({ length: 100 }, () => raw(one.port, bytes)));
          for (const reply of replies) assert.doesNotMatch(reply, /^HTTP\/1\.1 200/);
        }
        await stillWaits(one);
      },
    },
    also: [
      { file: "test/runtime/listener.test.ts", words: "of requests, of silent connections and of endless headers" },
    ],
  },
);

rule(
  {
    id: "T14",
    source: "threat: DNS rebinding, requests of other pages",
    says: "a page of the web cannot speak to it: by another name it is not known, and a script's request moves nothing",
  },
  {
    holds: {
      "a browser that navigates here from another site, by any spelling of this machine": async () => {
        const headers = { "sec-fetch-mode": "navigate", "sec-fetch-site": "cross-site", "sec-fetch-dest": "document" };
        for (const name of ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"]) {
          const one = await waiting();
          const { status } = await visit(one.good, { headers: { ...headers, host: `${name}:${one.port}` } });
          assert.equal(status, 200, name);
        }
      },
    },
    refuses: {
      "another Host, none, two, one with a user or another port": async () => {
        const one = await waiting();
        const elsewhere = one.port === 65_535 ? 1 : one.port + 1;
        for (const [lines, status] of [
          ["Host: evil.example", 421],
          [`Host: evil.example:${one.port}`, 421],
          [`Host: 127.0.0.1:${elsewhere}`, 421],
          ["Host: 127.0.0.1", 421],
          [`Host: a@127.0.0.1:${one.port}`, 421],
          [`Host: 127.0.0.1.evil.example:${one.port}`, 421],
          ["X-Nothing: 1", 400],
          [`Host: 127.0.0.1:${one.port}\r\nHost: evil.example`, 400],
        ] as const) {
          const reply = await raw(one.port, `GET /callback?code=c&state=${state} HTTP/1.1\r\n${lines}\r\n\r\n`);
          assert.ok(reply.startsWith(`HTTP/1.1 ${status} `), `${lines}: ${reply.slice(0, 20)}`);
        }
        await stillWaits(one);
      },
      "what a page's script, image or form sends, state or no state": async () => {
        const one = await waiting();
        for (const headers of [
          { origin: "https://evil.example", "sec-fetch-mode": "cors", "sec-fetch-site": "cross-site" },
          { "sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site", "sec-fetch-dest": "image" },
          { origin: "https://evil.example" },
          { origin: "null" },
          { "sec-fetch-site": "cross-site" },
          { "sec-fetch-site": "same-site", "sec-fetch-mode": "websocket" },
        ]) {
          const { status, headers: answer } = await visit(one.good, { headers });
          assert.equal(status, 400, JSON.stringify(headers));
          assert.equal(answer["access-control-allow-origin"], undefined);
        }
        await stillWaits(one);
      },
    },
    also: [
      { file: "test/runtime/wire/callback.test.ts", words: "comes by navigating, not from a page's script (T14)" },
    ],
  },
);

const pages: readonly Page[] = [signedInPage, receivedPage, failedPage("consent_denied"), strayPage(404)];
const within = (tag: string, html: string): string => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(html)?.[1] ?? "";

rule(
  {
    id: "T15",
    source: "RFC 9700 4.11, RFC 6749 3.1.2.5 and 10.15",
    says: "its pages are constant, load nothing, lead nowhere and cannot be framed",
  },
  {
    holds: {
      "every answer has the headers that say so, and its own script by hash": async () => {
        const one = await waiting();
        for (const target of [one.good, one.listener.redirectUri, `http://127.0.0.1:${one.port}/else`]) {
          const { headers, body } = await visit(target);
          const policy = String(headers["content-security-policy"]);
          assert.match(policy, /^default-src 'none';/);
          assert.doesNotMatch(policy, /unsafe|\*|https?:/);
          assert.match(policy, /frame-ancestors 'none'/);
          const hash = createHash("sha256").update(within("script", body)).digest("base64");
          assert.ok(policy.includes(`script-src 'sha256-${hash}'`));
          for (const [name, value] of Object.entries({
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            location: undefined,
            "set-cookie": undefined,
          }))
            assert.equal(headers[name], value, name);
        }
      },
    },
    refuses: {
      "markup, quotes, an address or 100 kB of a request: the same bytes": async () => {
        const one = await waiting();
        const bodies = new Set<string>();
        const at = one.listener.redirectUri;
        for (const wild of [
          "<script>alert(1)</script>",
          `"'><img src=x>`,
          "javascript:alert(1)",
          "https://evil.example/",
        ])
          for (const name of ["error", "error_description", "redirect", "platform_url", "state"]) {
            const { body } = await visit(`${at}?${name}=${encodeURIComponent(wild)}`, { headers: { referer: "x" } });
            bodies.add(body);
          }
        bodies.add((await visit(`${at}?error=${"x".repeat(20_000)}`)).body);
        assert.deepEqual([...bodies], [strayPage(400).html]);
        const huge = `GET /callback?error=${"<b>".repeat(34_000)} HTTP/1.1\r\nHost: 127.0.0.1:${one.port}\r\n\r\n`;
        assert.ok(!(await raw(one.port, huge)).includes("<b>"));
        await stillWaits(one);
      },
      "anything from outside in a page": () => {
        for (const { html } of pages) assert.doesNotMatch(html, /https?:|src=|href=|url\(|@import|<form|<iframe/);
      },
    },
    also: [{ file: "test/package/chromium.test.ts", words: "a person signs in with a real browser" }],
  },
);

rule(
  {
    id: "T16",
    source: "RFC 9700 4.2 and 4.3",
    says: "no code stays in the browser's history or goes along as a referrer, and no token is ever in an address",
  },
  {
    holds: {
      "the script of every page takes the query away": () => {
        for (const { html } of pages) {
          const location = { pathname: "/callback", search: "?code=c&state=s" };
          const history = {
            replaceState: (_: unknown, __: string, path: string) => void Object.assign(location, { search: "", path }),
          };
          runInNewContext(within("script", html), { history, location });
          assert.deepEqual(location, { pathname: "/callback", search: "", path: "/callback" });
        }
      },
    },
    refuses: {
      "a referrer, a stored page, and secrets in any address of three sign-ins": async () => {
        assert.deepEqual([pageHeaders["referrer-policy"], pageHeaders["cache-control"]], ["no-referrer", "no-store"]);
        await using s = await stage();
        const addresses: string[] = [];
        for (const provider of ["gemini", "anthropic", "codex"] as const) {
          const onPending = ({ url }: { url: string }) => void addresses.push(url);
          await signIn(s, s.auth(), provider, { grant: "loopback", onPending });
          const { access_token: access, refresh_token: refresh } = s.home.tokens(provider);
          addresses.push(...s.emulator.requests.map(({ path, query }) => `${path}?${query}`));
          for (const address of addresses)
            for (const secret of [access, refresh]) assert.ok(!decodeURIComponent(address).includes(secret as string));
        }
        assert.ok(addresses.length > 6);
      },
    },
    also: [{ file: "test/package/chromium.test.ts", words: "address.search, address.hash" }],
  },
);

rule(
  {
    id: "T17",
    source: "threat: control by simple requests",
    says: "it has one path and one method; nothing that can be asked of it ends or changes a sign-in",
  },
  {
    holds: {
      "the one path by the one method": async () => {
        await stillWaits(await waiting());
      },
    },
    refuses: {
      "ways to cancel, to succeed, to look, by any method": async () => {
        const one = await waiting();
        const origin = `http://127.0.0.1:${one.port}`;
        for (const path of [
          "/cancel",
          "/success?id_token=t",
          "/shutdown",
          "/quit",
          "/status",
          "/",
          "/favicon.ico",
          "/json",
        ])
          for (const method of ["GET", "POST"])
            assert.equal((await visit(origin + path, { method })).status, 404, `${method} ${path}`);
        for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
          assert.equal((await visit(one.good, { method })).status, 405, method);
        await stillWaits(one);
      },
    },
    also: [{ file: "test/runtime/wire/callback.test.ts", words: "comes to this path only (T17, T18)" }],
  },
);

rule(
  {
    id: "T18",
    source: "RFC 8252 8.10, RFC 6749 4.1.3",
    says: "the redirect address is one, to the letter: asked for, listened on, and told to the token endpoint",
  },
  {
    holds: {
      "the same bytes in the authorization and in the token request": async () => {
        await using s = await stage();
        for (const provider of ["gemini", "anthropic", "codex"] as const) {
          let asked = "";
          const onPending = ({ url }: { url: string }) => (asked = redirectIn(url).href);
          await signIn(s, s.auth(), provider, { grant: "loopback", onPending });
          const sent = s.emulator.requests.find((one) => one.provider === provider && one.endpoint === "token");
          const { body = "" } = sent ?? {};
          const told: unknown = body.startsWith("{")
            ? (JSON.parse(body) as Record<string, unknown>)["redirect_uri"]
            : new URLSearchParams(body).get("redirect_uri");
          assert.equal(told, asked, provider);
        }
      },
    },
    refuses: {
      "what only looks like the path": async () => {
        const one = await waiting();
        for (const path of [
          "/callback/",
          "//callback",
          "/%63allback",
          "/./callback",
          "/x/../callback",
          "/Callback",
          "/callback;x",
        ]) {
          const bytes = `GET ${path}?code=c&state=${state} HTTP/1.1\r\nHost: 127.0.0.1:${one.port}\r\n\r\n`;
          assert.match(await raw(one.port, bytes), /^HTTP\/1\.1 404 /, path);
        }
        await stillWaits(one);
      },
      "the answer to an earlier address of the same account": async () => {
        await using s = await stage();
        const [one, two] = [
          await beginLogin(s.auth(), "gemini"),
          await beginLogin(s.auth(), "gemini", "loopback", { port: await freePort() }),
        ];
        const [here, there] = [redirectIn(one.pending.url), redirectIn(two.pending.url)];
        assert.notEqual(here.port, there.port);
        const { search } = await redirectOf(s, one.pending);
        assert.equal(await statusAt(there.href + search), 400);
        assert.equal(s.emulator.counters("gemini").exchanges, 0);
        await Promise.all([one.account.cancel(), two.account.cancel()]);
      },
    },
  },
);

rule(
  {
    id: "T19",
    source: "threat: lenient numbers",
    says: "a port is a plain decimal number from 1 to 65535, or the command line is wrong",
  },
  {
    holds: {
      "the port that was asked for": async () => {
        await using s = await stage();
        const port = await freePort();
        const { pending, account } = await beginLogin(s.auth(), "gemini", "loopback", { port });
        assert.equal(redirectIn(pending.url).port, String(port));
        await account.cancel();
      },
      "port 80, which addresses leave out": () => {
        assert.equal(portOf({ kind: "loopback", redirectUri: "http://127.0.0.1:80/callback" }), 80);
      },
    },
    refuses: {
      "80abc, 0x50, -1, 65536, 1e3, 0, and nothing: a usage error, and nothing was begun": async () => {
        using house = new House();
        for (const port of ["80abc", "0x50", "-1", "65536", "1e3", "0", "", " 80", "８０"]) {
          const { code, stderr } = await play(["gemini", "login", `--port=${port}`, `--home=${house.home}`]);
          assert.equal(code, 2, `--port=${port}: ${stderr}`);
        }
        assert.ok(!house.has("oauth"));
      },
    },
    also: [{ file: "test/cli/usage.test.ts", words: "--port takes a number from 1 to 65535" }],
  },
);
