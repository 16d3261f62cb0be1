// A certified OpenID provider that nobody adapted to us, and the program as people run it: a process of its own. The
// server's own ledger judges who used what how often (RFC 6749, 7009, 7636, 8252, 8414, 8628, 9207, 9700 4.14).
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { describe, it } from "node:test";
import type { Json } from "../cli/program.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { copyOf, endedWith, homeAt, provider, run, signedIn, stored } from "./home.ts";

const again = /^Next: llxprt-auth acme login$/m;
const day = 86_400;
/** Of what the server gives, in seconds; its clock and ours are one. */
const lasting = (changes: Record<string, number | (() => number)>) => ({
  clockTolerance: 0,
  ttl: { AccessToken: 3600, IdToken: 3600, RefreshToken: day, Session: day, Grant: day, Interaction: day, ...changes },
});

const count = (issuer: Issuer, event: string): number => issuer.events.get(event) ?? 0;
const grants = (issuer: Issuer, grant: string) =>
  issuer.requests.filter(({ path, body }) => path === "/token" && body.get("grant_type") === grant);

/** What an access token is worth at the server. */
const worth = async (issuer: Issuer, token: string): Promise<number> =>
  (await fetch(`${issuer.url}/me`, { headers: { authorization: `Bearer ${token}` } })).status;

/** What a refresh token is worth there. It is spent by asking. */
async function presented(issuer: Issuer, token: string): Promise<number> {
  const body = { grant_type: "refresh_token", refresh_token: token, client_id: "llxprt-auth" };
  return (await fetch(`${issuer.url}/token`, { method: "POST", body: new URLSearchParams(body) })).status;
}

describe("oidc-provider", { concurrency: 2 }, () => {
  it("lets somebody in by the browser, with PKCE, state and iss; the token is good; a forced refresh rotates", async () => {
    await using issuer = await startIssuer();
    using house = homeAt(issuer.url);
    const { code, stderr, page } = await signedIn(house, issuer.visit);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /✓ Signed in to acme as robin@example\.com/);
    assert.match(page.body, /Signed in/);
    assert.equal(new URL(page.url).searchParams.get("iss"), issuer.url);
    const asked = issuer.requests.find(({ path }) => path === "/auth")?.query;
    assert.equal(asked?.get("code_challenge_method"), "S256");
    assert.equal(new URL(asked?.get("redirect_uri") ?? "").hostname, "127.0.0.1");
    const [exchange] = grants(issuer, "authorization_code");
    assert.deepEqual([exchange?.status, exchange?.body.get("redirect_uri")], [200, asked?.get("redirect_uri")]);

    const { stdout: first } = await run(house, "token");
    assert.equal(await worth(issuer, first.trim()), 200);
    const before = await stored(house);
    endedWith(await run(house, "refresh --force"), 0);
    const after = await stored(house);
    assert.notEqual(after["access_token"], before["access_token"]);
    assert.notEqual(after["refresh_token"], before["refresh_token"]);
    assert.deepEqual([count(issuer, "refresh_token.consumed"), count(issuer, "grant.revoked")], [1, 0]);
    const { stdout: second } = await run(house, "token");
    assert.equal(second.trim(), after["access_token"]);
    assert.equal(await worth(issuer, second.trim()), 200);
    assert.equal(grants(issuer, "refresh_token").length, 1);
  });

  it("lets somebody in where it shares its host with others, by a path of its own", async () => {
    await using issuer = await startIssuer({}, "/tenant");
    using house = homeAt(issuer.url);
    const { page, ...ended } = await signedIn(house, issuer.visit);
    endedWith(ended, 0);
    assert.equal(new URL(page.url).searchParams.get("iss"), issuer.url);
    const { stdout } = await run(house, "token");
    assert.equal(await worth(issuer, stdout.trim()), 200);
    endedWith(await run(house, "logout"), 0);
    assert.equal(await worth(issuer, stdout.trim()), 401);
  });

  it("lets somebody in by a device code, after pending polls", { timeout: 60_000 }, async () => {
    await using issuer = await startIssuer();
    using house = homeAt(issuer.url, { grants: ["device"], device: { intervalS: 1 } });
    const { code, stderr } = await signedIn(house, async (address) => {
      while (grants(issuer, "urn:ietf:params:oauth:grant-type:device_code").length === 0) await pause(50);
      return issuer.visit(address);
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /✓ Signed in to acme as robin@example\.com/);
    const polls = grants(issuer, "urn:ietf:params:oauth:grant-type:device_code");
    assert.deepEqual([polls.at(0)?.status, polls.at(-1)?.status], [400, 200]);
    const { stdout } = await run(house, "token");
    assert.equal(await worth(issuer, stdout.trim()), 200);
  });

  for (const grant of ["loopback", "device"] as const)
    it(`tells of a denial by ${grant}: exit 4`, { timeout: 60_000 }, async () => {
      await using issuer = await startIssuer();
      using house = homeAt(issuer.url, { grants: [grant], device: { intervalS: 1 } });
      const ended = await signedIn(house, (address) => issuer.visit(address, "deny"));
      endedWith(ended, 4, again);
      assert.deepEqual([house.has(`oauth/${provider}.json`), house.pending()], [false, []]);
    });

  it("lets a device code die unused: exit 3", { timeout: 60_000 }, async () => {
    await using issuer = await startIssuer(lasting({ DeviceCode: 2 }));
    using house = homeAt(issuer.url, { grants: ["device"], device: { intervalS: 1 } });
    endedWith(await run(house, "login --no-browser"), 3, again);
    assert.deepEqual(house.pending(), []);
  });

  it("ends the whole login when a copied token file has spent the refresh token: exit 3, and what helps", async () => {
    await using issuer = await startIssuer();
    using house = homeAt(issuer.url);
    endedWith(await signedIn(house, issuer.visit), 0);
    using copy = copyOf(house);
    endedWith(await run(copy, "refresh --force"), 0);
    const elsewhere = ((await stored(copy)) as { access_token: string }).access_token;
    assert.equal(await worth(issuer, elsewhere), 200);

    endedWith(await run(house, "refresh --force"), 3, again);
    assert.equal(count(issuer, "grant.revoked"), 1);
    assert.equal(await worth(issuer, elsewhere), 401, "the copy's tokens died with it");
    endedWith(await run(copy, "refresh --force"), 3, again);
    assert.equal(grants(issuer, "refresh_token").length, 3, "a verdict is asked for once by each");
    const [row] = ((await house.json(`status ${provider}`)) as { providers: Json[] }).providers;
    assert.deepEqual([row?.["lastError"], row?.["nextCommand"]], ["refresh_refused", "llxprt-auth acme login"]);
    endedWith(await run(house, "token --min-ttl 7200"), 0, /^Warning: acme gives no longer one now/m);
    assert.equal(grants(issuer, "refresh_token").length, 3, "and remembered");

    endedWith(await signedIn(house, issuer.visit), 0);
    const { stdout } = await run(house, "token");
    assert.equal(await worth(issuer, stdout.trim()), 200, "signing in again helps");
  });

  it("forgets both tokens at logout", async () => {
    await using issuer = await startIssuer();
    using house = homeAt(issuer.url);
    endedWith(await signedIn(house, issuer.visit), 0);
    const { access_token: access, refresh_token: refresh } = await stored(house);
    assert.equal(await worth(issuer, access), 200);
    const { code, stderr } = await run(house, "logout");
    assert.equal(code, 0, stderr);
    assert.equal(house.has(`oauth/${provider}.json`), false);
    assert.equal(await presented(issuer, refresh), 400);
    assert.equal(await worth(issuer, access), 401);
    endedWith(await run(house, "token"), 3, again);
  });

  it("renews an expired token once, whoever asks", { timeout: 60_000 }, async () => {
    let lifetimeS = 1;
    await using issuer = await startIssuer(lasting({ AccessToken: () => lifetimeS }));
    using house = homeAt(issuer.url);
    endedWith(await signedIn(house, issuer.visit), 0);
    const { access_token: first } = await stored(house);
    while ((await worth(issuer, first)) === 200) await pause(100);
    lifetimeS = 3600;
    const asked = await Promise.all(Array.from({ length: 3 }, () => run(house, "token")));
    for (const ended of asked) endedWith(ended, 0);
    const [second = "", ...others] = new Set(asked.map(({ stdout }) => stdout.trim()));
    assert.deepEqual([others, await worth(issuer, second)], [[], 200]);
    assert.equal(grants(issuer, "refresh_token").length, 1);
    assert.deepEqual([count(issuer, "grant.revoked"), count(issuer, "grant.error")], [0, 0]);
  });

  it("that gives no refresh token is asked for a sign-in at expiry: exit 3", { timeout: 60_000 }, async () => {
    await using issuer = await startIssuer(lasting({ AccessToken: 1 }));
    using house = homeAt(issuer.url, { scopes: ["openid", "email"] });
    endedWith(await signedIn(house, issuer.visit), 0);
    const { access_token: only, expiry } = await stored(house);
    // Its clock has whole seconds; by ours the token may end up to a second later.
    while ((await worth(issuer, only)) === 200 || Date.now() < (expiry + 1) * 1000) await pause(100);
    const ended = await run(house, "token --min-ttl 0");
    endedWith(ended, 3, again);
    assert.equal(ended.stdout, "");
    assert.equal(grants(issuer, "refresh_token").length, 0);
  });
});
