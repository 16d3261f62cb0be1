// A provider of one's own is four lines in settings.json: here against a certified OpenID provider that nobody adapted to us.
// Signing in by browser and by device code, renewing with rotation, who it is, revoking; and what is refused instead of being
// guessed (T3, T5, T32; RFC 8414 3.3, RFC 9207, RFC 7636 7.2).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuth } from "../../runtime/auth.ts";
import type { PendingRow } from "../../runtime/status.ts";
import type { Home, Json } from "../support/home.ts";
import { homeFor, type Issuer, startIssuer } from "../support/issuer.ts";
import { codeOf } from "../support/stage.ts";

type Decide = (pending: PendingRow) => Promise<{ body: string; status: number; url: string }>;

async function login(home: Home, grant: "loopback" | "device", decide: Decide) {
  const auth = createAuth({ host: home.host(), ahead: false });
  let page: ReturnType<Decide> | undefined;
  try {
    const status = await auth.account("acme").login({
      grant,
      onPending: (pending) => {
        page = decide(pending);
        page.catch(() => undefined);
      },
    });
    return { status, page: await page };
  } finally {
    await auth.close();
  }
}

const byBrowser =
  (issuer: Issuer): Decide =>
  (pending) =>
    issuer.visit(pending.url);
const byDevice =
  (issuer: Issuer): Decide =>
  (pending) =>
    issuer.visit(pending.urlComplete ?? "");
const tokenRequests = (issuer: Issuer, grant: string) =>
  issuer.requests.filter(({ path, body }) => path === "/token" && body.get("grant_type") === grant);

const nothing = () => assert.fail("nothing may be shown");

describe("a provider known by its issuer alone", { concurrency: 2 }, () => {
  it("signs in by browser", async () => {
    await using issuer = await startIssuer();
    using home = homeFor(issuer.url);
    const { status, page } = await login(home, "loopback", byBrowser(issuer));
    assert.match(page?.body ?? "", /Signed in/);
    assert.deepEqual([status.row.state, status.row.usable, status.row.refreshable], ["authenticated", "yes", true]);
    assert.equal(status.row.identity, "robin@example.com", "asked of userinfo, or read from the id token");
    const file = home.tokens("acme");
    assert.equal(file["llxprt_auth"].issuer, new URL(issuer.url).host);
    assert.equal(typeof file["id_token"], "string");
    const authorize = issuer.requests.find(({ path }) => path === "/auth");
    assert.equal(authorize?.query.get("code_challenge_method"), "S256");
    assert.equal(tokenRequests(issuer, "authorization_code").length, 1);
    assert.ok(
      page !== undefined && new URL(page.url).searchParams.get("iss") === issuer.url,
      "iss was sent, and checked",
    );
  });

  it("signs in by device code", { timeout: 30_000 }, async () => {
    await using issuer = await startIssuer();
    using home = homeFor(issuer.url, { device: { intervalS: 1 } });
    const { status } = await login(home, "device", byDevice(issuer));
    assert.deepEqual([status.row.state, status.row.refreshable], ["authenticated", true]);
    assert.equal(status.row.identity, "robin@example.com");
  });

  for (const grant of ["loopback", "device"] as const) {
    it(`is told of a denial by ${grant}`, { timeout: 30_000 }, async () => {
      await using issuer = await startIssuer();
      using home = homeFor(issuer.url, { device: { intervalS: 1 } });
      const code = await codeOf(
        login(home, grant, (pending) => issuer.visit(pending.urlComplete ?? pending.url, "deny")),
      );
      assert.equal(code, "consent_denied");
      assert.deepEqual(home.pending(), []);
    });
  }

  it("renews with rotation, many times, without one reuse", async () => {
    await using issuer = await startIssuer();
    using home = homeFor(issuer.url);
    await login(home, "loopback", byBrowser(issuer));
    const seen = new Set<string>([home.tokens("acme")["refresh_token"]]);
    for (let round = 1; round <= 5; round += 1) {
      home.plant("acme", { ...home.tokens("acme"), expiry: Math.floor(Date.now() / 1000) - 1 });
      const auth = createAuth({ host: home.host(), ahead: false });
      const tokens = await Promise.all(Array.from({ length: 20 }, () => auth.account("acme").token()));
      assert.equal(new Set(tokens.map(({ secret }) => secret.reveal())).size, 1);
      await auth.close();
      seen.add(home.tokens("acme")["refresh_token"]);
      assert.equal(tokenRequests(issuer, "refresh_token").length, round);
    }
    assert.equal(seen.size, 6, "a public client's refresh token is good for one presentation");
    assert.ok(tokenRequests(issuer, "refresh_token").every(({ status }) => status === 200));
    assert.equal(home.tokens("acme")["llxprt_auth"].identity, "robin@example.com");
  });

  it("notices when the server ended the login because somebody else presented the old token", async () => {
    await using issuer = await startIssuer();
    using home = homeFor(issuer.url);
    await login(home, "loopback", byBrowser(issuer));
    const stolen = home.tokens("acme")["refresh_token"];
    const auth = createAuth({ host: home.host(), ahead: false });
    await auth.account("acme").refresh({ force: true });
    const body = { grant_type: "refresh_token", refresh_token: stolen, client_id: "llxprt-auth" };
    const reply = await fetch(`${issuer.url}/token`, { method: "POST", body: new URLSearchParams(body) });
    assert.equal(reply.status, 400);
    assert.equal(await codeOf(auth.account("acme").refresh({ force: true })), "refresh_refused");
    assert.equal(auth.account("acme").status().row.lastError, "refresh_refused");
    await auth.close();
  });

  it("revokes at the server on logout", async () => {
    await using issuer = await startIssuer();
    using home = homeFor(issuer.url);
    await login(home, "loopback", byBrowser(issuer));
    const { refresh_token: refresh } = home.tokens("acme");
    const auth = createAuth({ host: home.host(), ahead: false });
    const { revocation } = await auth.account("acme").logout();
    await auth.close();
    assert.equal(revocation, "revoked");
    const body = { grant_type: "refresh_token", refresh_token: refresh, client_id: "llxprt-auth" };
    const reply = await fetch(`${issuer.url}/token`, { method: "POST", body: new URLSearchParams(body) });
    assert.deepEqual([reply.status, ((await reply.json()) as Json)["error"]], [400, "invalid_grant"]);
  });

  it("is asked for its metadata once a process", async () => {
    await using issuer = await startIssuer();
    using home = homeFor(issuer.url);
    await login(home, "loopback", byBrowser(issuer));
    assert.equal(
      issuer.requests.filter(({ path, status }) => path.startsWith("/.well-known/") && status === 200).length,
      1,
    );
  });
});

describe("a provider whose metadata is wrong", { concurrency: 2 }, () => {
  for (const [what, metadata, code] of [
    ["names another issuer", { issuer: "https://other.example" }, "issuer_mismatch"],
    ["names itself with a slash more", (url: string) => ({ issuer: `${url}/` }), "issuer_mismatch"],
    ["offers plain PKCE only", { code_challenge_methods_supported: ["plain"] }, "pkce_unsupported"],
    ["has no token endpoint", { token_endpoint: undefined }, "endpoint_missing"],
    ["has a token endpoint without https", { token_endpoint: "http://example.com/token" }, "endpoint_insecure"],
    ["has a token endpoint that is no address", { token_endpoint: 7 }, "endpoint_insecure"],
  ] as const) {
    it(`because it ${what}: nobody is sent anywhere`, async () => {
      await using issuer = await startIssuer();
      Object.assign(issuer.metadata, typeof metadata === "function" ? metadata(issuer.url) : metadata);
      using home = homeFor(issuer.url);
      assert.equal(await codeOf(login(home, "loopback", nothing)), code);
      assert.deepEqual(home.pending(), []);
      assert.deepEqual(
        issuer.requests.filter(({ path }) => !path.startsWith("/.well-known/")),
        [],
      );
    });
  }

  it("because nobody is there is an error of the network", async () => {
    const issuer = await startIssuer();
    await issuer[Symbol.asyncDispose]();
    using home = homeFor(issuer.url);
    assert.equal(await codeOf(login(home, "loopback", nothing)), "network_refused");
  });
});

describe("a redirect of another issuer", () => {
  for (const [what, change] of [
    ["with another iss", (query: URLSearchParams) => query.set("iss", "https://other.example")],
    ["without its iss, which the server says it sends", (query: URLSearchParams) => query.delete("iss")],
    ["with two", (query: URLSearchParams) => query.append("iss", "https://other.example")],
  ] as const) {
    it(`(${what}) moves nothing, and the true one still signs in`, async () => {
      await using issuer = await startIssuer();
      using home = homeFor(issuer.url);
      const { status, page } = await login(home, "loopback", async (pending) => {
        const forged = new URL(new URL(pending.url).searchParams.get("redirect_uri") ?? "");
        forged.searchParams.set("code", "a-code");
        forged.searchParams.set("state", new URL(pending.url).searchParams.get("state") ?? "");
        forged.searchParams.set("iss", issuer.url);
        change(forged.searchParams);
        assert.equal((await fetch(forged)).status, 400);
        assert.equal(tokenRequests(issuer, "authorization_code").length, 0);
        return issuer.visit(pending.url);
      });
      assert.equal(status.row.state, "authenticated");
      assert.match(page?.body ?? "", /Signed in/);
      assert.equal(tokenRequests(issuer, "authorization_code").length, 1);
    });
  }
});

it("settings that name another issuer make the old login unusable there, without a request to it", async () => {
  await using issuer = await startIssuer();
  await using other = await startIssuer();
  using home = homeFor(issuer.url);
  await login(home, "loopback", byBrowser(issuer));
  home.plant("acme", { ...home.tokens("acme"), expiry: Math.floor(Date.now() / 1000) - 1 });
  const settings = home.read(home.paths.settings);
  settings["providers"].acme.issuer = other.url;
  home.settings(settings);
  const auth = createAuth({ host: home.host(), ahead: false });
  assert.equal(await codeOf(auth.account("acme").token()), "credential_elsewhere");
  await auth.close();
  assert.deepEqual(
    other.requests.filter(({ path }) => !path.startsWith("/.well-known/")),
    [],
    "its metadata is all that was asked for",
  );
});
