// The redirect that brings the code back, and the listener that takes it (RFC 8252, RFC 6749 4.1.2, RFC 9700 4).
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer, Server } from "node:net";
import { networkInterfaces } from "node:os";
import { after, mock, type TestContext } from "node:test";
import * as fc from "fast-check";
import { type Browser, chromium, type Page as Tab } from "playwright-core";
import { startEmulator } from "../../providers/emulator/index.ts";
import { type ProviderName, providers } from "../../providers/index.ts";
import { openListener } from "../../runtime/login/listener.ts";
import { signedInPage } from "../../runtime/login/pages.ts";
import { Secret } from "../../runtime/secret.ts";
import type { Settings } from "../../runtime/settings/settings.ts";
import { providerTable } from "../../runtime/settings/table.ts";
import { judgeCallback } from "../../runtime/wire/callback.ts";
import { judgePasted } from "../../runtime/wire/pasted.ts";
import { authorizeUrl, http, redirects } from "../emulator/client.ts";
import { isOpen, raw, visit } from "../support/browser.ts";
import type { Json } from "../support/home.ts";
import { changed, redirectOf, statusAt } from "../support/redirect.ts";
import { beginLogin, codeOf, signIn, type Stage, stage, until } from "../support/stage.ts";
import { rule } from "./rule.ts";
import { parameter, sentTo } from "./sent.ts";

const byCode = ["gemini", "anthropic", "codex"] as const satisfies readonly ProviderName[];
const families = ["127.0.0.1", "::1"] as const;
const opened: { close(): unknown }[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

const redirectIn = (url: string): URL => new URL(parameter(url, "redirect_uri"));
const tokenRequests = ({ emulator }: Stage) => sentTo(emulator, "token");

/** Begins a sign-in by loopback, with the redirect that would end it. */
async function awaited(s: Stage, provider: ProviderName = "gemini", account?: string) {
  const begun = await beginLogin(s.auth(), provider, "loopback", account === undefined ? {} : { account });
  return { ...begun, redirect: await redirectOf(s, begun.pending) };
}

/** A listener alone, which says that it worked to whoever brings the state. */
async function listening(ports: readonly number[] = []) {
  const listener = await openListener("acme", { host: "127.0.0.1", path: "/callback", ports }, null);
  opened.push(listener);
  listener.expect({ state: new Secret("state", "the-state"), issuer: null, issSent: false });
  listener.deliver(() => {
    listener.show(signedInPage, true);
  });
  return {
    listener,
    port: Number(new URL(listener.redirectUri).port),
    good: `${listener.redirectUri}?code=c&state=the-state`,
  };
}

/** Some other program on a port. */
function other(host: string, port: number, reusePort = false): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  opened.push({ close: () => server.close() });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true, reusePort }, () => {
      resolve(server);
    });
  });
}

const isInvalid = (facts: Record<string, Json>): void => {
  const settings: Settings = { enabled: {}, providers: facts };
  assert.throws(() => providerTable(settings, "settings.json", new Set()), { code: "settings_invalid" });
};

rule(
  {
    id: "R01",
    source: "RFC 8252 7.3",
    says: "the redirect goes to a loopback address with any free port, where the vendor allows both",
  },
  {
    holds: {
      "captured: the address itself, and another port for each of two sign-ins at once": async () => {
        await using s = await stage();
        const places = await Promise.all(
          ["one", "two"].map(async (account) => redirectIn((await awaited(s, "gemini", account)).pending.url)),
        );
        for (const { protocol, hostname, port } of places) {
          assert.deepEqual([protocol, hostname], ["http:", "127.0.0.1"]);
          assert.ok(Number(port) >= 1024);
        }
        assert.notEqual(places[0]?.port, places[1]?.port);
      },
    },
    refuses: {
      "a redirect to any other machine, by the settings": () => {
        for (const host of ["0.0.0.0", "127.0.0.1.evil.example", "evil.example", "::1", "LOCALHOST", "127.1", ""])
          isInvalid({ gemini: { loopback: { host } } });
      },
    },
  },
);

rule(
  { id: "R02", source: "RFC 8252 7.3", says: "both families of addresses are listened on, at the same port" },
  {
    holds: {
      "a browser that comes by either is answered": async () => {
        for (const from of families) assert.equal((await visit((await listening()).good, { from })).status, 200, from);
      },
    },
    refuses: {
      "half a port: who has the other half could take the code": async () => {
        for (const family of families) {
          const { port, listener } = await listening();
          await listener.close();
          await other(family, port);
          assert.equal(await codeOf(listening([port])), "port_busy");
          const free = families.find((one) => one !== family) ?? "";
          assert.equal(await isOpen(port, free), false, "and the free half is given back");
        }
      },
    },
    also: [{ file: "test/conformance/threats-listener.test.ts", words: "a port of which a stranger has one half" }],
  },
);

/** Addresses on which a port is listened on, as the system has them. */
function placesOf(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = ["tcp", "tcp6"].flatMap((table) => readFileSync(`/proc/net/${table}`, "utf8").split("\n"));
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address = "", , status]) => address.endsWith(suffix) && status === "0A")
    .map(([, address = ""]) => address.slice(0, -suffix.length))
    .toSorted();
}

rule(
  { id: "R03", source: "RFC 8252 8.3", says: "only this machine reaches the listener" },
  {
    holds: {
      "the system's own table has 127.0.0.1 and ::1, and nothing else": async (context: TestContext) => {
        if (process.platform !== "linux") return context.skip("the table is Linux's");
        const { port } = await listening();
        assert.deepEqual(placesOf(port), ["00000000000000000000000001000000", "0100007F"]);
      },
    },
    refuses: {
      "a connection by any other address of the machine": async () => {
        const { port } = await listening();
        const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
        const others = all.filter(({ internal, scopeid }) => !internal && scopeid === undefined);
        for (const address of ["127.0.0.2", ...others.map((one) => one.address)])
          assert.equal(await isOpen(port, address), false, address);
      },
    },
  },
);

rule(
  {
    id: "R04",
    source: "RFC 8252 8.3",
    says: "the port is open while a sign-in by redirect waits, and at no other time",
  },
  {
    holds: {
      "closed before, open while it waits, closed when it is done": async () => {
        await using s = await stage();
        const { port, listener } = await listening();
        await listener.close();
        s.point({ codex: { loopback: { ports: [port] } } });
        const auth = s.auth();
        await auth.account("codex").enable();
        assert.equal(await isOpen(port), false);
        const { redirect, ended } = await awaited(s, "codex");
        for (const host of families) assert.equal(await isOpen(port, host), true);
        await statusAt(redirect);
        await ended;
        await until(() => s.home.pending().length === 0, "it is over");
        for (const host of families) assert.equal(await isOpen(port, host), false);
      },
    },
    refuses: {
      "to listen for a code that is pasted, or for a device": async () => {
        await using s = await stage();
        const listen = mock.method(Server.prototype, "listen");
        const pasting = await beginLogin(s.auth(), "anthropic", "paste");
        const device = await beginLogin(s.auth(), "qwen");
        assert.equal(listen.mock.callCount(), 0);
        const loopback = await beginLogin(s.auth(), "gemini");
        assert.equal(listen.mock.callCount(), 2, "so much for the control");
        listen.mock.restore();
        for (const { account } of [pasting, device, loopback]) await account.cancel();
      },
      "to stay after a denial, a cancel, or the end of one's patience": async () => {
        await using s = await stage();
        for (const end of ["denied", "cancelled", "too late"] as const) {
          const timeoutMs = end === "too late" ? 100 : null;
          const { account, pending, ended } = await beginLogin(s.auth(), "gemini", "loopback", { timeoutMs });
          if (end === "denied") await s.emulator.deny(pending.url);
          if (end === "cancelled") await account.cancel();
          await assert.rejects(ended);
          assert.equal(await isOpen(Number(redirectIn(pending.url).port)), false, end);
        }
      },
    },
    also: [{ file: "test/runtime/account.ports.test.ts", words: "are free again within a second" }],
  },
);

rule(
  {
    id: "R05",
    source: "RFC 8252 8.3, Draft 2.1 8.5.4",
    says: "`localhost` stands in a redirect only where the vendor registered the word",
  },
  {
    holds: {
      "the table of providers, and a provider of one's own": () => {
        const own = providerTable(
          { enabled: {}, providers: { acme: { clientId: "c", tokenEndpoint: "https://id.acme.example/" } } },
          "settings.json",
          new Set(),
        ).get("acme");
        assert.equal(own?.loopback?.host, "127.0.0.1");
        const hosts = byCode.map((name) => [name, providers[name].loopback.host]);
        assert.deepEqual(Object.fromEntries(hosts), {
          gemini: "127.0.0.1",
          anthropic: "localhost",
          codex: "localhost",
        });
      },
    },
    refuses: {
      "the address at the vendor that registered the word alone; codex registered both": async () => {
        await using emulator = await startEmulator();
        for (const [name, status] of [
          ["anthropic", 400],
          // Its own command line names the address from version 0.169 on; before that, the word.
          ["codex", 200],
        ] as const) {
          const word = redirects[name];
          assert.equal((await http(authorizeUrl(emulator, name))).status, 200, `${name}: ${word}`);
          const address = word.replace("localhost", "127.0.0.1");
          assert.equal((await http(authorizeUrl(emulator, name, { redirect_uri: address }))).status, status);
        }
      },
    },
  },
);

rule(
  {
    id: "R06",
    source: "RFC 8252 8.10",
    says: "the redirect address is stored with the sign-in, and an answer counts at that address only",
  },
  {
    holds: {
      "what was sent is what the record has, and there the answer is taken": async () => {
        await using s = await stage();
        for (const name of byCode) {
          const { pending, redirect, ended } = await awaited(s, name);
          const { redirectUri } = s.home.read(s.home.pending()[0] ?? "");
          assert.equal(parameter(pending.url, "redirect_uri"), redirectUri);
          assert.equal(redirect.origin + redirect.pathname, redirectUri);
          assert.equal(await statusAt(redirect), 200);
          await ended;
        }
      },
    },
    refuses: {
      "the right answer at another sign-in's address, at a sibling path, or pasted with another": async () => {
        await using s = await stage();
        const [mine, theirs] = [await awaited(s), await awaited(s, "anthropic")];
        const here = mine.redirect;
        const there = theirs.redirect;
        assert.equal(await statusAt(there.origin + there.pathname + here.search), 400);
        assert.equal(await statusAt(there.origin + here.pathname + here.search), 404);
        for (const path of ["/", "//oauth2callback", "/oauth2callback/", "/x/oauth2callback", "/oauth2%63allback"])
          assert.equal(await statusAt(here.origin + path + here.search), 404, path);
        for (const address of [`${there.origin}${here.pathname}`, `https://127.0.0.1:${here.port}${here.pathname}`])
          assert.equal(await codeOf(mine.account.complete(address + here.search)), "pasted_other_address");
        assert.equal(tokenRequests(s).length, 0);
        for (const { account } of [mine, theirs]) assert.equal(account.status().row.state, "awaitingCode");
      },
    },
    also: [{ file: "test/conformance/threats-listener.test.ts", words: "what only looks like the path" }],
  },
);

rule(
  { id: "R07", source: "RFC 8252 8.10", says: "no two servers in use have the same redirect address" },
  {
    holds: {
      "the table: each pair of vendors differs in path, or in page": () => {
        const places = Object.values(providers).map(({ loopback, paste }) => [loopback?.path, paste?.redirectUri]);
        const all = places.flat().filter((place) => place !== undefined);
        assert.equal(new Set(all).size, all.length, all.join(" "));
      },
      "two providers of one's own that say the same: another port for each": async () => {
        await using s = await stage();
        const own = (path: string) => ({
          grants: ["loopback"],
          clientId: "c",
          authorizationEndpoint: `${s.emulator.url}${path}`,
          tokenEndpoint: `${s.emulator.url}/token`,
        });
        s.point({ one: own("/a"), two: own("/b") });
        const places = await Promise.all(
          ["one", "two"].map(async (name) => parameter((await beginLogin(s.auth(), name)).pending.url, "redirect_uri")),
        );
        assert.equal(new Set(places).size, 2, places.join(" "));
      },
    },
    refuses: {
      "one vendor's answer at another's address": async () => {
        await using s = await stage();
        const all = [await awaited(s, "gemini"), await awaited(s, "anthropic"), await awaited(s, "codex")];
        for (const one of all)
          for (const { redirect } of all.filter((another) => another !== one))
            assert.equal(await statusAt(one.redirect.origin + one.redirect.pathname + redirect.search), 400);
        assert.equal(tokenRequests(s).length, 0);
      },
    },
  },
);

rule(
  { id: "R08", source: "RFC 8252 appendix B", says: "the socket is exclusively ours, with no option to share it" },
  {
    holds: {
      "whoever asks for our port, also this program, is told that it is taken": async () => {
        const { port, good } = await listening();
        assert.equal(await codeOf(listening([port])), "port_busy");
        for (const host of families) assert.equal(await codeOf(other(host, port)), "EADDRINUSE");
        assert.equal(await statusAt(good), 200);
      },
    },
    refuses: {
      "a program that offers to share it, and one that wants it for all addresses": async () => {
        const { port } = await listening();
        for (const host of [...families, "0.0.0.0", "::"])
          assert.equal(await codeOf(other(host, port, process.platform === "linux")), "EADDRINUSE", host);
      },
    },
    also: [{ file: "test/conformance/threats-listener.test.ts", words: "one bind and one listen for each family" }],
  },
);

rule(
  { id: "R09", source: "RFC 6749 4.1.3", says: "the token request repeats the redirect address to the byte" },
  {
    holds: {
      "captured, for each provider and way": async () => {
        await using s = await stage();
        for (const [name, grant] of [
          ...byCode.map((one) => [one, "loopback"] as const),
          ["anthropic", "paste"] as const,
        ]) {
          let url = "";
          await signIn(s, s.auth(), name, { grant, onPending: (pending) => (url = pending.url) });
          assert.equal(tokenRequests(s).at(-1)?.fields["redirect_uri"], parameter(url, "redirect_uri"));
        }
      },
    },
    refuses: {
      "to write it as the browser did that came by another name of this machine": async () => {
        await using s = await stage();
        for (const [name, spelling] of [
          ["gemini", "localhost"],
          ["codex", "127.0.0.1"],
        ] as const) {
          const { pending, redirect, ended } = await awaited(s, name);
          assert.equal(await statusAt(redirect.href.replace(redirect.hostname, spelling)), 200);
          await ended;
          assert.equal(tokenRequests(s).at(-1)?.fields["redirect_uri"], parameter(pending.url, "redirect_uri"));
        }
      },
    },
  },
);

rule(
  { id: "R10", source: "RFC 6749 4.1.2", says: "parameters of an answer that we do not know are passed over" },
  {
    holds: {
      "twenty of them beside the code": async () => {
        await using s = await stage();
        const { redirect, ended } = await awaited(s);
        const unknown = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, `v${n}`]));
        assert.equal(await statusAt(changed(redirect, { ...unknown, scope: "all", session_state: "x" })), 200);
        assert.equal((await ended).row.state, "authenticated");
      },
    },
    refuses: {
      "those that are named like something of ours: the token request is the same": async () => {
        await using s = await stage();
        const { pending, redirect, ended } = await awaited(s);
        const evil = "https://evil.example/token";
        const names = ["token_endpoint", "redirect_uri", "resource_url", "iss"].map((name) => [name, evil]);
        const words = ["client_id", "code_verifier", "grant_type", "__proto__"].map((name) => [name, "evil"]);
        assert.equal(await statusAt(changed(redirect, Object.fromEntries([...names, ...words]))), 200);
        await ended;
        const [sent] = tokenRequests(s);
        assert.equal(sent?.text.includes("evil"), false);
        assert.equal(sent?.fields["redirect_uri"], parameter(pending.url, "redirect_uri"));
      },
    },
  },
);

const expected = {
  redirectUri: "http://127.0.0.1:1455/callback",
  state: new Secret("state", "the-state"),
  issuer: null,
  issSent: false,
};

function judged(query: string) {
  const url = `/callback${query === "" ? "" : `?${query}`}`;
  return judgeCallback({ method: "GET", url, host: "127.0.0.1:1455", headers: {} }, expected);
}

rule(
  { id: "R11", source: "RFC 6749 3.1", says: "an answer that has a parameter twice is not taken" },
  {
    holds: {
      "each once, in any order and in percent": () => {
        for (const query of ["code=c&state=the-state", "state=the-state&code=c", "%63ode=c&stat%65=the-state"])
          assert.equal(judged(query).kind, "code", query);
      },
    },
    refuses: {
      "the second of any name, at the listener and pasted": () => {
        const good = "code=c-0123456789&state=the-state";
        for (const more of [
          "code=d",
          "code=c-0123456789",
          "state=the-state",
          "%63ode=d",
          "x=1&x=2",
          "error=e&error=e",
        ]) {
          assert.equal(judged(`${good}&${more}`).kind, "ignored", more);
          assert.equal(judged(`${more}&${good}`).kind, "ignored", more);
          const pasted = judgePasted(`${expected.redirectUri}?${good}&${more}`, { ...expected, bareCode: true });
          assert.equal(pasted.kind, "unreadable", more);
        }
      },
    },
    also: [{ file: "test/conformance/threats-sign-in.test.ts", words: "a second code or state, in percent" }],
  },
);

rule(
  { id: "R12", source: "RFC 6749 4.1.2", says: "a code is presented once" },
  {
    holds: {
      "twenty browsers that bring it at once: one exchange": async () => {
        await using s = await stage();
        const { redirect, ended } = await awaited(s);
        s.emulator.fault("gemini", "token", { kind: "delay", ms: 100 });
        const pages = await Promise.all(Array.from({ length: 20 }, () => statusAt(redirect)));
        assert.deepEqual(new Set(pages), new Set([200]));
        await ended;
        assert.equal(tokenRequests(s).length, 1);
      },
    },
    refuses: {
      "a second time when no reply came, by browser or pasted": async () => {
        await using s = await stage();
        const { account, redirect, ended } = await awaited(s);
        s.emulator.fault("gemini", "token", { kind: "drop-reply" });
        assert.equal(await statusAt(redirect), 400);
        assert.equal(await codeOf(ended), "network_broken");
        assert.equal(await codeOf(account.complete(redirect.href)), "no_pending_sign_in");
        await assert.rejects(visit(redirect.href), { code: "ECONNREFUSED" });
        assert.equal(tokenRequests(s).length, 1);
      },
    },
    also: [{ file: "test/conformance/threats-sign-in.test.ts", words: "fifty at once, and the same pasted besides" }],
  },
);

const answered = (pending: { readonly url: string }, query: Record<string, string>): string =>
  `${redirectIn(pending.url).href}?${new URLSearchParams(query).toString()}`;

rule(
  { id: "R13", source: "RFC 9700 4.7", says: "an answer that says no needs the state as well" },
  {
    holds: {
      "a denial with it ends the sign-in": async () => {
        await using s = await stage();
        const { pending, ended } = await beginLogin(s.auth(), "gemini");
        const state = parameter(pending.url, "state");
        assert.equal(await statusAt(answered(pending, { error: "access_denied", state })), 400);
        assert.equal(await codeOf(ended), "consent_denied");
      },
    },
    refuses: {
      "one without it, or with another: the sign-in goes on": async () => {
        await using s = await stage();
        const { pending, redirect, ended, account } = await awaited(s);
        const state = parameter(pending.url, "state");
        for (const error of ["access_denied", "server_error", "x"])
          for (const more of [{}, { state: "" }, { state: state.slice(1) }, { state: `${state}=` }] as const)
            assert.equal(await statusAt(answered(pending, { error, ...more })), 400);
        assert.equal(account.status().row.state, "awaitingCode");
        assert.equal(await statusAt(redirect), 200);
        await ended;
      },
    },
  },
);

const outcomes = {
  invalid_request: ["sign_in_refused", 4],
  unauthorized_client: ["client_refused", 6],
  access_denied: ["consent_denied", 4],
  unsupported_response_type: ["client_refused", 6],
  invalid_scope: ["sign_in_refused", 4],
  server_error: ["server_error", 5],
  temporarily_unavailable: ["server_error", 5],
  login_required: ["sign_in_refused", 4],
} as const;

/** How a sign-in ends, and what the person is told, when the server sends the browser back with this error. */
async function endedBy(s: Stage, error: string): Promise<Json> {
  const { pending, ended } = await beginLogin(s.auth(), "gemini");
  await statusAt(
    answered(pending, { error, error_description: "in many words", state: parameter(pending.url, "state") }),
  );
  return ended.then(
    () => assert.fail("it ended well"),
    (reason: unknown) => reason as Json,
  );
}

rule(
  {
    id: "R14",
    source: "RFC 6749 4.1.2.1",
    says: "each error of an answer has its outcome, and one that nobody lists is told as it is",
  },
  {
    holds: {
      "the seven that are listed, and one that is not": async () => {
        await using s = await stage();
        for (const [error, [code, exitCode]] of Object.entries(outcomes)) {
          const reason = await endedBy(s, error);
          assert.deepEqual([reason["code"], reason["exitCode"], reason["oauthError"]], [code, exitCode, error]);
        }
      },
      "an unlisted one is named to the person": async () => {
        await using s = await stage();
        assert.match((await endedBy(s, "quota_of_projects_exceeded"))["message"], /quota_of_projects_exceeded/);
      },
      "2,000 made-up ones survive, to the letter": () => {
        const letter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz_.:/-0123456789".split(""));
        fc.assert(
          fc.property(fc.string({ unit: letter, minLength: 1, maxLength: 100 }), (error) => {
            const outcome = judged(new URLSearchParams({ error, state: "the-state" }).toString());
            assert.ok(outcome.kind === "denied" && outcome.oauthError === error);
            if (!(error in outcomes)) assert.equal(outcome.code, "sign_in_refused");
          }),
          { numRuns: 2_000 },
        );
      },
    },
    refuses: {
      "what no error may hold (controls, quotes, ten thousand letters), and the server's description": async () => {
        await using s = await stage();
        const { message, oauthError } = await endedBy(s, `\u001B[31m"x\\y\u0000\r\n${"z".repeat(10_000)}`);
        assert.match(oauthError, /^\[31mxyz+$/);
        assert.ok(oauthError.length <= 100);
        assert.match(message, /^[\x20-\x7e]{1,300}$/);
        assert.doesNotMatch((await endedBy(s, "invalid_scope"))["message"], /many words/);
      },
    },
  },
);

const missing = existsSync("/usr/bin/chromium") ? false : "there is no /usr/bin/chromium here";
let chrome: Promise<Browser> | null = null;
after(async () => (await chrome)?.close());

/** What a real browser did with the true redirect. */
interface Visited {
  readonly tab: Tab;
  readonly address: string;
  readonly requests: readonly string[];
}

const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"];

async function inChromium(address: string): Promise<Visited> {
  chrome ??= chromium.launch({ executablePath: "/usr/bin/chromium", args });
  const tab = await (await chrome).newPage();
  const requests: string[] = [];
  tab.on("request", (request) => requests.push(request.url()));
  await tab.goto(address);
  await tab.waitForLoadState("load");
  return { tab, address: tab.url(), requests };
}

/** Somebody else's site, which remembers how it was asked. */
async function stranger(): Promise<{ url: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(request);
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Elsewhere</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

rule(
  { id: "R15", source: "RFC 6749 3.1.2.5", says: "the page at the end holds nothing from anybody else" },
  {
    holds: {
      "a real browser asks for it and for nothing more": async (context: TestContext) => {
        if (missing !== false) return context.skip(missing);
        const { good } = await listening();
        const { tab, requests } = await inChromium(good);
        assert.equal(await tab.title(), "Signed in");
        assert.deepEqual(requests, [good]);
        await tab.close();
      },
    },
    refuses: {
      "markup of an answer that would load something or run, and a frame around the page": async (
        context: TestContext,
      ) => {
        if (missing !== false) return context.skip(missing);
        const { good } = await listening();
        const site = await stranger();
        const wild = encodeURIComponent(
          `"><img src=${site.url}/i><script src=${site.url}/s></script><iframe src=${site.url}>`,
        );
        const { tab } = await inChromium(`${good}&x=${wild}&error_description=${wild}#${wild}`);
        assert.equal(await tab.locator("img, iframe, link, script[src], form, object").count(), 0);
        // What a page of ours might be talked into later is stopped by its own policy.
        await tab.evaluate(`document.body.append(Object.assign(new Image(), { src: "${site.url}/later" }))`);
        await tab.evaluate(`fetch("${site.url}").catch(() => undefined)`);
        assert.deepEqual(site.asked, []);
        await tab.close();
        const framing = await inChromium(site.url);
        await framing.tab.setContent(`<iframe src="${good}"></iframe>`);
        await until(() => framing.tab.frames().length === 2, "the frame is there");
        assert.ok(!(await framing.tab.frames()[1]?.content())?.includes("Signed in"));
        await framing.tab.close();
      },
    },
  },
);

rule(
  { id: "R16", source: "RFC 9700 4.3", says: "code and state leave the address bar, and with it the history" },
  {
    holds: {
      "a real browser, after the page has loaded": async (context: TestContext) => {
        if (missing !== false) return context.skip(missing);
        const { good, listener } = await listening();
        const { tab, address } = await inChromium(good);
        assert.equal(address, listener.redirectUri);
        assert.equal(await tab.evaluate("location.href"), listener.redirectUri);
        await tab.close();
      },
    },
    refuses: {
      "to keep it among the pages that were visited, also of an answer that failed": async (context: TestContext) => {
        if (missing !== false) return context.skip(missing);
        const { good, listener } = await listening();
        const { tab } = await inChromium("about:blank");
        for (const address of [good, good.replace("the-state", "another-state"), `${listener.redirectUri}x?code=c`]) {
          await tab.goto(address);
          await tab.goto("about:blank");
        }
        const inspector = await tab.context().newCDPSession(tab);
        const { entries } = await inspector.send("Page.getNavigationHistory");
        assert.ok(entries.length > 3);
        for (const { url } of entries) assert.ok(!url.includes("?"), url);
        await tab.close();
      },
    },
    also: [{ file: "test/package/chromium.test.ts", words: "a person signs in with a real browser" }],
  },
);

rule(
  { id: "R17", source: "RFC 9700 4.2", says: "no page that is opened next learns where the browser came from" },
  {
    holds: {
      "every answer of the listener says so, and is not stored": async () => {
        const { good, port } = await listening();
        for (const address of [good, `${good}&state=x`, `http://127.0.0.1:${port}/other`]) {
          const { headers } = await visit(address);
          assert.deepEqual([headers["referrer-policy"], headers["cache-control"]], ["no-referrer", "no-store"]);
        }
      },
    },
    refuses: {
      "a real browser to say it": async (context: TestContext) => {
        if (missing !== false) return context.skip(missing);
        const { good } = await listening();
        const site = await stranger();
        const { tab } = await inChromium(good);
        await tab.evaluate(`location.href = "${site.url}"`);
        await until(() => site.asked.length > 0, "it has gone there");
        assert.equal(site.asked[0]?.headers.referer, undefined);
        await tab.close();
      },
    },
  },
);

rule(
  { id: "R18", source: "RFC 9700 4.11", says: "the listener sends no browser anywhere" },
  {
    holds: {
      "to every request it answers with a page of its own": async () => {
        const { good, port } = await listening();
        const origin = `http://127.0.0.1:${port}`;
        for (const address of [good, origin, `${origin}/callback`, `${origin}/callback?error=x&state=the-state`]) {
          const { status, headers, body } = await visit(address);
          assert.ok(status < 300 || status >= 400);
          assert.deepEqual([headers["location"], headers["refresh"]], [undefined, undefined]);
          assert.match(body, /^<!doctype html>/);
        }
      },
    },
    refuses: {
      "an address in a parameter, a path or a header": async () => {
        const { good, port } = await listening();
        const evil = "https://evil.example/";
        const names = ["redirect_uri", "next", "url", "platform_url", "continue", "error_uri", "iss"];
        const query = names.map((name) => `&${name}=${encodeURIComponent(evil)}`).join("");
        const headers = { referer: evil, "x-forwarded-host": "evil.example", "x-original-url": evil };
        for (const address of [
          good + query,
          `http://127.0.0.1:${port}//evil.example/%2e%2e`,
          `${good}&x=//evil.example`,
        ]) {
          const { status, body, headers: said } = await visit(address, { headers });
          assert.ok([200, 404].includes(status), address);
          assert.ok(!(body + JSON.stringify(said)).includes("evil"));
        }
      },
    },
    also: [{ file: "test/conformance/threats-listener.test.ts", words: "markup, quotes, an address or 100 kB" }],
  },
);

rule(
  {
    id: "R19",
    source: "RFC 9700 4.12",
    says: "a redirect after a form is one (303) that makes the browser forget the form",
  },
  {
    holds: {
      "captured: the emulator's page sends the browser back so, and it comes by GET": async () => {
        await using s = await stage();
        const { pending, ended } = await beginLogin(s.auth(), "gemini");
        const page = await http(pending.url);
        const ticket = /name="ticket" value="([^"]+)"/.exec(page.text)?.[1] ?? "";
        const body = new URLSearchParams({ ticket, decision: "approve", account: s.emulator.accounts[0] ?? "" });
        const { status, headers } = await http(pending.url, { method: "POST", body });
        assert.equal(status, 303);
        assert.equal(await statusAt(headers.get("location") ?? ""), 200);
        await ended;
      },
    },
    refuses: {
      "a form that a 307 brought along: the listener takes no POST, and the sign-in goes on": async () => {
        await using s = await stage();
        const { redirect, account, ended } = await awaited(s);
        const form = "password=hush&decision=approve";
        const head = `POST ${redirect.pathname}${redirect.search} HTTP/1.1\r\nHost: ${redirect.host}\r\n`;
        const type = "Content-Type: application/x-www-form-urlencoded\r\n";
        const reply = await raw(Number(redirect.port), `${head}${type}Content-Length: ${form.length}\r\n\r\n${form}`);
        assert.match(reply, /^HTTP\/1\.1 405 /);
        assert.ok(!reply.includes("hush"));
        assert.equal(account.status().row.state, "awaitingCode");
        assert.equal(await statusAt(redirect), 200);
        await ended;
      },
    },
  },
);

rule(
  { id: "R20", source: "RFC 6749 10.14", says: "nothing that comes in is used before it was checked" },
  {
    holds: {
      "2,000 answers and pastes: a code of visible characters, a listed word, or nothing": () => {
        const value = fc.oneof(
          fc.string({ unit: "binary" }),
          fc.constantFrom("the-state", "access_denied", "a\u0000b", "é"),
        );
        const name = fc.constantFrom("code", "state", "error", "iss", "access_token", "x");
        fc.assert(
          fc.property(
            fc.array(fc.tuple(name, value), { maxLength: 4 }),
            fc.string({ unit: "binary" }),
            (pairs, junk) => {
              const query = new URLSearchParams([["state", "the-state"], ...pairs]).toString();
              const paste = { ...expected, bareCode: true };
              for (const outcome of [
                judged(query),
                judged(`${query}&${junk}`),
                judged(junk),
                judgePasted(junk, paste),
                judgePasted(`${expected.redirectUri}?${query}`, paste),
                judgePasted(`${junk}#the-state`, paste),
              ]) {
                if (outcome.kind === "code") assert.match(outcome.code.reveal(), /^[\x20-\x7e]+$/);
                else if (outcome.kind === "denied") assert.match(outcome.oauthError, /^[\x20-\x7e]{1,100}$/);
              }
            },
          ),
          { numRuns: 2_000 },
        );
      },
    },
    refuses: {
      "200 requests of noise at a real listener: none moves it, and the true one does": async () => {
        const { good, port } = await listening();
        const noise = fc.sample(fc.string({ unit: "binary", maxLength: 200 }), 200);
        const heads = ["", "GET /callback?", "GET /callback?state=the-state&", "GET / HTTP/1.1\r\nHost: "];
        await Promise.all(
          noise.map(async (text, index) => {
            const end = ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
            const reply = await raw(port, `${heads[index % heads.length]}${encodeURIComponent(text)}${end}`);
            assert.ok(reply === "" || /^HTTP\/1\.1 4\d\d /.test(reply), reply.slice(0, 40));
          }),
        );
        assert.equal(await statusAt(good), 200);
      },
    },
    also: [{ file: "test/conformance/threats-listener.test.ts", words: "a hundred of each: wrong path, method" }],
  },
);
