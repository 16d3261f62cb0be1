// Logins of vendors at their own addresses, with a proxy on the way that reads everything: what is asked through it, and
// what a proxy that is out of order means to a login.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { type Auth, createAuth } from "../../runtime/auth.ts";
import { AuthError } from "../../machines/errors.ts";
import { startProxy, type TestProxy, type Way } from "../servers/proxy.ts";
import { Home } from "../support/home.ts";
import { edit } from "../support/spending.ts";
import { beginLogin, signIn } from "../support/stage.ts";

type Environment = Readonly<Record<string, string>>;

let emulator: Emulator;
let proxy: TestProxy;
let way: Way = "through";
before(async () => {
  emulator = await startEmulator({ lenient: ["unregistered-port"], deviceIntervalS: 1 });
  proxy = await startProxy({ behind: () => emulator.url, wants: "me:CANARY", way: () => way });
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await emulator.close();
});

/** A home that knows the vendors as they are, but for what would make tests wait, and what is told of the proxy in it. */
function housed(): { readonly home: Home; readonly environment: Environment } {
  const home = new Home();
  home.settings({
    providers: { codex: { loopback: { ports: [] } }, qwen: { device: { intervalS: 1 } } },
    oauthEnabledProviders: { codex: true },
  });
  const SSL_CERT_FILE = join(home.userHome, "ca.pem");
  writeFileSync(SSL_CERT_FILE, proxy.authority.certificate);
  return { home, environment: { HTTPS_PROXY: proxy.url.replace("//", "//me:CANARY@"), SSL_CERT_FILE } };
}

async function within<Result>(
  home: Home,
  environment: Environment,
  work: (auth: Auth) => Promise<Result>,
): Promise<Result> {
  const auth = createAuth({ ahead: false, host: home.host({ environment }) });
  try {
    return await work(auth);
  } finally {
    await auth.close();
  }
}

const readBy = ({ read }: TestProxy, host: string): string[] => [
  ...new Set(read.filter((line) => line.includes(`//${host}/`)).map((line) => line.replace(`https://${host}`, ""))),
];

describe("through a proxy", () => {
  it("a device code is asked for and polled", async () => {
    const { home, environment } = housed();
    using _ = home;
    await within(home, environment, (auth) => signIn({ emulator }, auth, "qwen", { grant: "device" }));
    assert.deepEqual(readBy(proxy, "chat.qwen.ai"), ["POST /api/v1/oauth2/device/code", "POST /api/v1/oauth2/token"]);
  });

  it("an issuer of one's own is found", async () => {
    const issuer = createServer(answer);
    await once(issuer.listen(0, "127.0.0.1"), "listening");
    const behind = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
    await using own = await startProxy({ behind: () => behind });
    using home = new Home();
    const facts = { grants: ["loopback"], issuer: "https://id.acme.example", clientId: "us", scopes: ["read"] };
    home.settings({ providers: { acme: facts } });
    const NODE_EXTRA_CA_CERTS = join(home.userHome, "ca.pem");
    writeFileSync(NODE_EXTRA_CA_CERTS, own.authority.certificate);
    await within(home, { all_proxy: own.url, NODE_EXTRA_CA_CERTS }, async (auth) => {
      const { begun, ended } = await beginLogin(auth, "acme").then(({ pending, ended: end }) => ({
        begun: new URL(pending.url),
        ended: end,
      }));
      const back = new URL(begun.searchParams.get("redirect_uri") ?? "");
      const state = begun.searchParams.get("state") ?? "";
      back.search = new URLSearchParams({ code: "a-code", state }).toString();
      await fetch(back);
      await ended;
    });
    issuer.close();
    issuer.closeAllConnections();
    const found = ["GET /.well-known/oauth-authorization-server", "POST /token"];
    assert.deepEqual(readBy(own, "id.acme.example"), found);
  });
});

describe("a proxy that is in the way", () => {
  it("harms no login, and is told from everything else that fails", async () => {
    const { home, environment } = housed();
    using _ = home;
    await within(home, environment, (auth) => signIn({ emulator }, auth, "codex"));
    const signedIn = emulator.presentations().length;
    const { HTTPS_PROXY: address = "" } = environment;
    const { SSL_CERT_FILE: __, ...untold } = environment;
    for (const [trouble, over, code, exit, says] of [
      [407, environment, "proxy_auth", 6, /wants another name and password .*\(HTTPS_PROXY\)$/],
      [403, environment, "proxy_refused", 6, /does not let us through \(HTTPS_PROXY, 403\)$/],
      [502, environment, "proxy_failed", 5, /\(HTTPS_PROXY, 502\)$/],
      ["closed in TLS", environment, "network_broken", 5, /\(ECONNRESET, through HTTPS_PROXY\)$/],
      ["through", { HTTPS_PROXY: address.replace(/\d+$/, "1") }, "proxy_unreachable", 5, /ECONNREFUSED\)$/],
      ["through", { ALL_PROXY: "socks5://CANARY" }, "proxy_invalid", 6, /proxy in ALL_PROXY cannot be used/],
      ["through", { ...environment, SSL_CERT_FILE: "/gone.pem" }, "network_tls", 6, /SSL_CERT_FILE cannot be read\)/],
      ["through", untold, "network_tls", 6, /name its file in NODE_EXTRA_CA_CERTS or SSL_CERT_FILE$/],
    ] as const) {
      way = trouble;
      edit(home, "codex", { expiry: Math.floor(Date.now() / 1000) - 5 });
      const error = await within(home, over, (auth) => auth.account("codex").refresh({ force: true })).then(
        () => assert.fail(`${code} is no success`),
        (thrown: unknown) => thrown,
      );
      way = "through";
      assert.ok(error instanceof AuthError);
      assert.deepEqual([error.code, error.exitCode, error.retryable], [code, exit, exit === 5]);
      assert.match(error.message, says);
      assert.ok(!`${error.stack} ${JSON.stringify(error)}`.includes("CANARY"));
    }
    assert.equal(emulator.presentations().length, signedIn, "no refresh token was shown to anybody");
    assert.ok(!readFileSync(home.paths.journal, "utf8").includes('"step":"unanswered"'), "and nobody thinks so");
    await within(home, environment, (auth) => auth.account("codex").refresh({ force: true }));
    const [last, ...more] = emulator.presentations().slice(signedIn);
    assert.deepEqual([last?.worth, more], ["current", []]);
    for (const file of readdirSync(home.paths.oauth).filter((name) => name.includes(".json")))
      assert.ok(!readFileSync(join(home.paths.oauth, file), "utf8").includes("CANARY"), file);
  });
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = "https://id.acme.example";
  const reply = request.url?.startsWith("/.well-known/")
    ? { issuer: url, authorization_endpoint: `${url}/authorize`, token_endpoint: `${url}/token` }
    : { access_token: "an-access-token-0123456789", token_type: "Bearer", expires_in: 3600 };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
}
