// The authorization request (RFC 6749 4.1.1), as RFC 9700, RFC 8252 and OpenID Connect ask for it.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import * as fc from "fast-check";
import * as oauth from "oauth4webapi";
import { providers } from "../../providers/index.ts";
import { createGate } from "../../runtime/inspect/page/gate.ts";
import { Secret } from "../../runtime/secret.ts";
import { providerTable } from "../../runtime/settings/table.ts";
import type { Settings } from "../../runtime/settings/settings.ts";
import { authorizeUrl, codeRequest, newNonce, newState } from "../../runtime/wire/request.ts";
import { metadataReply, tokenReply } from "../../runtime/wire/response.ts";
import { House } from "../cli/program.ts";
import { play } from "../cli/played.ts";
import { acme, client, endpointsOf, jwt, reply } from "../runtime/wire/sample.ts";
import type { Json } from "../support/home.ts";
import { factsFor, startIssuer } from "../support/issuer.ts";
import { changed, redirectOf, statusAt } from "../support/redirect.ts";
import { beginLogin, codeOf, quickGrants, signIn, type Stage, stage, until } from "../support/stage.ts";
import { rule } from "./rule.ts";
import { parameter, sentTo } from "./sent.ts";

const byCode = ["gemini", "anthropic", "codex"] as const;
const everybody = [...byCode, "qwen"] as const;

/** One world in which everybody signed in once, for rules about what was sent. Made when it is first asked for. */
let made: Promise<Stage> | null = null;
const signedIn = (): Promise<Stage> => (made ??= signInAll());
after(async () => (await made)?.[Symbol.asyncDispose]());

async function signInAll(): Promise<Stage> {
  const s = await stage();
  const auth = s.auth();
  await Promise.all(everybody.map((name) => signIn(s, auth, name, { grant: quickGrants[name] })));
  for (const name of everybody) await auth.account(name).refresh({ force: true });
  return s;
}

/** What came to the pages at which people sign in by code. */
const askedOf = (emulator: Stage["emulator"]) =>
  sentTo(emulator, "authorize").filter(({ method, query }) => method === "GET" && query.has("redirect_uri"));

const settings = (facts: Record<string, Json>): Settings => ({ enabled: {}, providers: facts });

const verifier = new Secret("code_verifier", "v".repeat(43));
const redirectUri = "http://127.0.0.1:1/callback";

function addressFor(endpoint: string, changes: Partial<Parameters<typeof authorizeUrl>[1]> = {}, facts: Json = {}) {
  const provider = { ...acme, authorizationEndpoint: endpoint, ...facts };
  const values = { endpoints: endpointsOf(provider), client, redirectUri, verifier, nonce: null };
  return new URL(authorizeUrl(provider, { ...values, state: new Secret("state", "the-state"), ...changes }));
}

rule(
  { id: "A01", source: "RFC 6749 10.12", says: "each request has a state that only its own answer can repeat, once" },
  {
    holds: {
      "the answer with the state of the record signs in": async () => {
        await using s = await stage();
        const { pending, ended } = await beginLogin(s.auth(), "gemini");
        const { state } = s.home.read(s.home.pending()[0] ?? "");
        assert.equal(parameter(pending.url, "state"), state);
        assert.equal(await statusAt(await redirectOf(s, pending)), 200);
        assert.equal((await ended).row.state, "authenticated");
      },
    },
    refuses: {
      "an answer without it, with that of another account's sign-in, or with one that was used": async () => {
        await using s = await stage();
        const used = await beginLogin(s.auth(), "gemini");
        const old = await redirectOf(s, used.pending);
        assert.equal(await statusAt(old), 200);
        await used.ended;
        const other = await beginLogin(s.auth(), "gemini", "loopback", { account: "other" });
        const { account, pending, ended } = await beginLogin(s.auth(), "gemini");
        const redirect = await redirectOf(s, pending);
        const states = [null, old.searchParams.get("state"), parameter(other.pending.url, "state")];
        const sent = sentTo(s.emulator, "token").length;
        for (const state of states) assert.equal(await statusAt(changed(redirect, { state })), 400);
        assert.equal(await codeOf(account.complete(old.href)), "pasted_other_address");
        assert.equal(account.status().row.pending?.attempt, pending.attempt);
        assert.equal(sentTo(s.emulator, "token").length, sent);
        assert.equal(await statusAt(redirect), 200);
        await ended;
      },
    },
    also: [{ file: "test/conformance/threats-sign-in.test.ts", words: "no state, a wrong, a cut, a longer" }],
  },
);

rule(
  {
    id: "A02",
    source: "RFC 6749 10.10",
    says: "what somebody could guess is at least 160 bits from a cryptographic source: state, nonce, name of the attempt, the inspector's token and cookie",
  },
  {
    holds: {
      "each is a draw of its own, of 20 bytes at least": async () => {
        await using s = await stage();
        const drawn = new Map<string, number>();
        const randomBytes = (size: number): Uint8Array => {
          const bytes = crypto.getRandomValues(new Uint8Array(size));
          drawn.set(Buffer.from(bytes).toString("base64url"), size);
          return bytes;
        };
        await beginLogin(s.auth({ host: { randomBytes } }), "codex", "loopback");
        const { state, nonce, attempt } = s.home.read(s.home.pending()[0] ?? "");
        for (const value of [state, nonce, attempt]) assert.ok((drawn.get(value) ?? 0) >= 20);
      },
      "the inspector's token and cookie as well, of 32 bytes each": () => {
        const drawn: number[] = [];
        const gate = createGate(1, (size) => {
          drawn.push(size);
          return new Uint8Array(size).fill(drawn.length);
        });
        assert.deepEqual(drawn, [32, 32]);
        const knock = { method: "GET", host: ["127.0.0.1:1"], origin: [], site: [], cookie: [] };
        const token = Buffer.alloc(32, 1).toString("base64url");
        const entered = gate.judge({ ...knock, target: `/?token=${token}` });
        assert.ok(entered.kind === "enters" && entered.cookie.value.matches(Buffer.alloc(32, 2).toString("base64url")));
      },
      "none of 10,000 comes twice, and each bit is as often one as it is not": () => {
        const values = Array.from({ length: 10_000 }, () =>
          newState((size) => crypto.getRandomValues(new Uint8Array(size))).reveal(),
        );
        assert.equal(new Set(values).size, values.length);
        const ones = Array<number>(256).fill(0);
        for (const value of values)
          for (const [at, byte] of Buffer.from(value, "base64url").entries())
            for (let bit = 0; bit < 8; bit += 1) ones[at * 8 + bit] = (ones[at * 8 + bit] ?? 0) + ((byte >> bit) & 1);
        // Six standard deviations of a fair coin.
        for (const count of ones) assert.ok(Math.abs(count - 5_000) < 300, `${count}`);
      },
    },
    refuses: {
      "a source that gives less than it was asked for": () => {
        for (const size of [0, 4, 16, 31]) {
          assert.throws(() => newState(() => new Uint8Array(size)), TypeError);
          assert.throws(() => newNonce(() => new Uint8Array(size)), TypeError);
          assert.throws(() => createGate(1, () => new Uint8Array(size)), TypeError);
        }
      },
    },
  },
);

rule(
  {
    id: "A03",
    source: "RFC 6749 3.1",
    says: "a query that the endpoint has of its own is kept, and no parameter comes twice",
  },
  {
    holds: {
      "an endpoint with a query, at a server that refuses what comes twice": async () => {
        await using s = await stage();
        const endpoint = `${s.emulator.url}/o/oauth2/v2/auth?tenant=a%20b%26c&state=stale&client_id=other&scope=all`;
        s.point({ gemini: { authorizationEndpoint: endpoint } });
        await signIn(s, s.auth(), "gemini");
        const asked = askedOf(s.emulator);
        assert.deepEqual(
          asked.map(({ query }) => query.get("tenant")),
          ["a b&c"],
        );
      },
    },
    refuses: {
      "any name twice, whatever the endpoint, the data and the caller bring": () => {
        const name = fc.constantFrom("state", "client_id", "scope", "code_challenge", "nonce", "prompt", "x");
        const pairs = fc.array(fc.tuple(name, fc.string()), { maxLength: 8 });
        const record = fc.dictionary(name, fc.string());
        fc.assert(
          fc.property(pairs, record, record, (query, authorizeParameters, extra) => {
            const endpoint = `https://id.acme.example/authorize?${new URLSearchParams(query).toString()}`;
            const { searchParams } = addressFor(endpoint, { extra }, { authorizeParameters });
            const own = ["state", "client_id", "scope", "code_challenge"];
            for (const one of own) assert.equal(searchParams.getAll(one).length, 1, one);
            assert.equal(searchParams.get("state"), "the-state");
            for (const one of [...Object.keys(authorizeParameters), ...Object.keys(extra)])
              assert.ok(searchParams.getAll(one).length <= 1, one);
          }),
          { numRuns: 500 },
        );
      },
    },
  },
);

rule(
  { id: "A04", source: "RFC 6749 3.1", says: "the address of an authorization endpoint has no fragment" },
  {
    holds: {
      "none that ships has one, and no address that we open": async () => {
        const s = await signedIn();
        for (const name of byCode) assert.ok(!providers[name].authorizationEndpoint.includes("#"));
        const { pending, account } = await beginLogin(s.auth(), "gemini", "loopback", { account: "fragment" });
        assert.equal(new URL(pending.url).hash, "");
        await account.cancel();
      },
    },
    refuses: {
      "one in the settings, and one in an issuer's metadata": () => {
        for (const endpoint of ["https://id.example/authorize#x", "https://id.example/authorize#"]) {
          const facts = { gemini: { authorizationEndpoint: endpoint } };
          assert.throws(() => providerTable(settings(facts), "settings.json", new Set()), { code: "settings_invalid" });
          const metadata = { issuer: "https://id.example", authorization_endpoint: endpoint };
          assert.throws(() => metadataReply("https://id.example", reply(200, metadata)), { code: "endpoint_insecure" });
          assert.throws(() => addressFor(endpoint), { code: "endpoint_insecure" });
        }
      },
    },
  },
);

rule(
  { id: "A05", source: "RFC 6749 2.3.1", says: "a client's secret travels in a body, never in an address" },
  {
    holds: {
      "captured: in the body of each token request of the client that has one": async () => {
        const { emulator } = await signedIn();
        const { client_secret: secret } = emulator.geminiClient.installed;
        const bodies = emulator.requests.filter(({ endpoint, provider }) => provider === "gemini" && endpoint !== null);
        const token = bodies.filter(({ endpoint }) => endpoint === "token" || endpoint === "refresh");
        assert.equal(token.length, 2);
        for (const { body } of token) assert.equal(new URLSearchParams(body).get("client_secret"), secret);
      },
    },
    refuses: {
      "it in any address, header, or body that is not for the token endpoint": async () => {
        const { emulator } = await signedIn();
        const { client_secret: secret } = emulator.geminiClient.installed;
        assert.ok(emulator.requests.length > 10);
        for (const { path, query, headers, body, endpoint } of emulator.requests) {
          const elsewhere = endpoint === "token" || endpoint === "refresh" ? "" : body;
          for (const text of [path, query, elsewhere, ...Object.values(headers)]) assert.ok(!text.includes(secret));
        }
      },
    },
  },
);

rule(
  { id: "A06", source: "RFC 9700 2.1.2", says: "only a code is asked for, and nothing else is taken" },
  {
    holds: {
      "captured at each provider's page": async () => {
        const { emulator } = await signedIn();
        const asked = askedOf(emulator);
        assert.deepEqual(
          asked.map(({ query }) => query.getAll("response_type").join()),
          byCode.map(() => "code"),
        );
        for (const { query } of asked) assert.ok(!query.has("response_mode"));
      },
    },
    refuses: {
      "a request for tokens by the settings": () => {
        const asked = { response_type: "code id_token token" };
        const { searchParams } = addressFor(
          "https://id.acme.example/?response_type=token",
          { extra: asked },
          { authorizeParameters: asked },
        );
        assert.deepEqual(searchParams.getAll("response_type"), ["code"]);
      },
      "an answer that holds a token, though state and code are right": async () => {
        await using s = await stage();
        const { account, pending } = await beginLogin(s.auth(), "gemini");
        const redirect = await redirectOf(s, pending);
        for (const name of ["access_token", "id_token"])
          assert.equal(await statusAt(changed(redirect, { [name]: "t" })), 400);
        assert.equal(await statusAt(changed(redirect, { code: null, access_token: "t" })), 400);
        assert.equal(account.status().row.state, "awaitingCode");
        assert.equal(sentTo(s.emulator, "token").length, 0);
      },
    },
  },
);

const grantTypes = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"];

rule(
  { id: "A07", source: "RFC 9700 2.4", says: "nobody's password is asked for or sent: there is no such grant" },
  {
    holds: {
      "captured: what is sent to token endpoints are codes, refresh tokens and device codes": async () => {
        const { emulator } = await signedIn();
        const seen = new Set(sentTo(emulator).flatMap(({ fields }) => fields["grant_type"] ?? []));
        assert.deepEqual(seen, new Set(grantTypes));
      },
    },
    refuses: {
      "any other grant type in the program's text, and a password in the settings": () => {
        const sources = globSync("{machines,runtime,cli}/**/*.ts").map((file) => readFileSync(file, "utf8"));
        const written = sources.flatMap((text) => [...text.matchAll(/grant_type: "([^"]*)"/g)].map(([, type]) => type));
        assert.deepEqual(new Set(written), new Set(grantTypes));
        for (const grant of ["password", "client_credentials"])
          assert.throws(() => providerTable(settings({ gemini: { grants: [grant] } }), "settings.json", new Set()), {
            code: "settings_invalid",
          });
      },
    },
  },
);

/** What `status` tells a person after a sign-in whose reply named these scopes. */
async function statusAfter(scope: unknown): Promise<string> {
  await using s = await stage();
  s.emulator.fault("anthropic", "token", { kind: "rewrite", members: { scope } });
  await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
  const { code, stdout, stderr } = await play(["anthropic", "status", "--home", s.home.paths.home]);
  assert.equal(code, 0, stderr);
  return stdout;
}

rule(
  {
    id: "A08",
    source: "RFC 9700 2.3, RFC 6749 3.3",
    says: "the least scopes are asked for, and what was granted otherwise is told",
  },
  {
    holds: {
      "captured: just the scopes of the data, and none that could make keys or change an account": async () => {
        const { emulator } = await signedIn();
        const asked = [...askedOf(emulator), ...sentTo(emulator, "device")];
        const scopes = asked.flatMap(({ query, fields }) => query.get("scope") ?? fields["scope"] ?? []);
        assert.deepEqual(scopes.toSorted(), everybody.map((name) => providers[name].scopes.join(" ")).toSorted());
        assert.doesNotMatch(scopes.join(" "), /admin|create|write|manage|org:/);
      },
      "a reply that names what was asked for, in any order, or nothing: nothing is told": async () => {
        for (const scope of ["user:inference user:profile", undefined])
          assert.doesNotMatch(await statusAfter(scope), /not granted|not asked/);
      },
    },
    refuses: {
      "to take less in silence": async () => {
        const told = await statusAfter("user:profile");
        assert.match(told, /not granted +user:inference\n/);
        assert.doesNotMatch(told, /not asked/);
      },
      "to take more in silence, or to let it into the terminal as it is": async () => {
        assert.match(
          await statusAfter("user:inference user:profile org:create_api_key"),
          /not asked +org:create_api_key\n/,
        );
        assert.doesNotMatch(await statusAfter("user:inference user:profile \u001B[2J"), /not asked|\[2J/);
      },
    },
  },
);

rule(
  { id: "A09", source: "RFC 8252 8.12", says: "a person signs in with a browser of their own, in no window of ours" },
  {
    holds: {
      "the browser of the person is started with the address, as a program of its own": async () => {
        const { emulator } = await signedIn();
        using house = new House(emulator, { providers: { codex: { loopback: { ports: [] } } } });
        const { said, child, ended } = house.start(["gemini", "login"], { env: { BROWSER: house.counted } });
        const [address = ""] = await said(/^http:\/\/\S+$/m);
        await until(() => house.openings.length > 0, "the browser was started", 20_000);
        assert.deepEqual(house.openings, [address]);
        child.kill("SIGINT");
        await ended;
      },
    },
    refuses: {
      "to look at the page itself: without a browser the address is shown, and nobody asks for it": async () => {
        await using s = await stage();
        const words = ["gemini", "login", "--no-browser", "--timeout", "1", "--home", s.home.paths.home];
        const { code, stderr } = await play(words, { input: null });
        assert.equal(code, 3, stderr);
        assert.match(stderr, /^http:\/\/\S+\/auth\?\S+$/m);
        assert.deepEqual(sentTo(s.emulator), []);
      },
      "a window or a web view among what it is made of": () => {
        const file = join(import.meta.dirname, "../../package.json");
        const { dependencies = {} } = JSON.parse(readFileSync(file, "utf8")) as {
          dependencies?: Record<string, string>;
        };
        assert.deepEqual(Object.keys(dependencies).toSorted(), ["ky", "open", "undici", "xstate"]);
        const sources = globSync("{machines,runtime,cli,providers}/**/*.ts").map((path) => readFileSync(path, "utf8"));
        assert.ok(!sources.some((text) => /from "(?:electron|playwright\S*|puppeteer\S*|webview\S*)"/.test(text)));
      },
    },
    also: [{ file: "test/runtime/browser.test.ts", words: "is given the address" }],
  },
);

const byBook = { ...acme, issuer: "https://id.acme.example", keep: ["id_token"] };
const claims = { iss: byBook.issuer, aud: client.id, exp: 4_000_000_000, email: "robin@example.com" };

function judged(nonce: unknown, provider: typeof acme = byBook) {
  const id_token = jwt({ ...claims, ...(nonce === undefined ? {} : { nonce }) });
  const body = { access_token: "at", token_type: "bearer", expires_in: 60, id_token };
  const options = { purpose: "code", clientId: client.id, nonce: new Secret("nonce", "n-1") } as const;
  const outcome = tokenReply(
    { ...provider, identity: { ...provider.identity, claims: [["email"]] } },
    reply(200, body),
    options,
  );
  return outcome.kind === "issued" ? outcome.issued.identity : outcome.code;
}

rule(
  {
    id: "A11",
    source: "OpenID Connect Core 3.1.2.1",
    says: "a nonce goes along with `openid`, and an id token that is used has it",
  },
  {
    holds: {
      "captured: with `openid` one, else none, a fresh one each time": async () => {
        const { emulator } = await signedIn();
        for (const { query } of askedOf(emulator))
          assert.equal(query.has("nonce"), query.get("scope")?.split(" ").includes("openid") ?? false);
        await using s = await stage();
        const nonces = new Set<string>();
        for (let round = 0; round < 3; round += 1) {
          const { pending, account } = await beginLogin(s.auth(), "codex", "loopback");
          nonces.add(parameter(pending.url, "nonce"));
          await account.cancel();
        }
        assert.equal(nonces.size, 3);
        assert.ok(!nonces.has(""));
      },
      "a certified provider's id token has it, and names the person": async () => {
        await using issuer = await startIssuer();
        const facts = factsFor(issuer.url, { scopes: ["openid", "email"] });
        await using s = await stage({ providers: { acme: facts } });
        const { pending, ended } = await beginLogin(s.auth(), "acme", "loopback");
        await issuer.visit(pending.url);
        assert.equal((await ended).row.identity, "robin@example.com");
        const [, payload = ""] = (s.home.tokens("acme")["id_token"] as string).split(".");
        const { nonce } = JSON.parse(Buffer.from(payload, "base64url").toString()) as Json;
        assert.equal(nonce, parameter(pending.url, "nonce"));
        assert.equal(judged("n-1"), "robin@example.com");
      },
    },
    refuses: {
      "an id token with the nonce of another sign-in: that is a swap": () => {
        for (const nonce of ["n-2", "N-1", "", null, 1, ["n-1"]]) assert.equal(judged(nonce), "code_refused");
      },
      "to believe one without it, where the provider is one by the book": () => {
        assert.equal(judged(undefined), null, "signed in, as nobody known");
        assert.equal(judged(undefined, acme), "robin@example.com", "vendors without metadata may know no nonce");
      },
    },
    also: [{ file: "test/runtime/wire/token.test.ts", words: "with another nonce is proof of a swap" }],
  },
);

rule(
  { id: "A12", source: "RFC 6749 appendix B", says: "names and values are encoded as forms are, whatever is in them" },
  {
    holds: {
      "1,000 addresses read back as they were written": () => {
        const text = fc.string({ unit: "binary", minLength: 1 });
        fc.assert(
          fc.property(text, text, text, (state, id, value) => {
            const url = addressFor("https://id.acme.example/authorize", {
              state: new Secret("state", state),
              client: { id, secret: null },
              extra: { [`x${value}`]: value },
            });
            const wanted = new URLSearchParams({ state, id, [`x${value}`]: value });
            const { searchParams } = new URL(url.href);
            assert.equal(searchParams.get("state"), wanted.get("state"));
            assert.equal(searchParams.get("client_id"), wanted.get("id"));
            assert.equal(searchParams.get([...wanted.keys()][2] ?? ""), [...wanted.values()][2]);
          }),
          { numRuns: 1_000 },
        );
      },
      "the token request of oauth4webapi, for 300 codes, clients and secrets": async () => {
        const visible = fc.string({
          unit: fc.constantFrom(...Array.from({ length: 95 }, (_, n) => String.fromCodePoint(0x20 + n))),
          minLength: 1,
        });
        await fc.assert(
          fc.asyncProperty(visible, visible, visible, async (code, id, secret) => {
            const ours = codeRequest(acme, {
              endpoints: endpointsOf(acme),
              client: { id, secret: new Secret("client_secret", secret) },
              code: new Secret("authorization_code", code),
              redirectUri,
              verifier,
              state: null,
            });
            assert.deepEqual(sorted(ours.body ?? ""), sorted(await theirs(code, id, secret)));
          }),
          { numRuns: 300 },
        );
      },
    },
    refuses: {
      "a value that would become a parameter of its own": () => {
        const wild = "a&client_id=evil&redirect_uri=https://evil.example/;x=1#state=evil";
        const { href, searchParams } = addressFor("https://id.acme.example/authorize", {
          state: new Secret("state", wild),
          extra: { login_hint: wild },
        });
        assert.deepEqual(searchParams.getAll("client_id"), [client.id]);
        assert.deepEqual(searchParams.getAll("redirect_uri"), [redirectUri]);
        assert.equal(searchParams.get("state"), wild);
        assert.ok(!href.includes("#"));
      },
    },
    also: [{ file: "test/runtime/wire/request.test.ts", words: "encodes forms like URLSearchParams" }],
  },
);

const sorted = (body: string): string[] => body.split("&").toSorted();

/** The body that oauth4webapi sends for the same. */
async function theirs(code: string, id: string, secret: string): Promise<string> {
  const as = { issuer: "https://id.acme.example", token_endpoint: acme.tokenEndpoint ?? "" };
  const parameters = oauth.validateAuthResponse(as, { client_id: id }, new URLSearchParams({ code }));
  let sent = "";
  await oauth.authorizationCodeGrantRequest(
    as,
    { client_id: id },
    oauth.ClientSecretPost(secret),
    parameters,
    redirectUri,
    verifier.reveal(),
    {
      [oauth.customFetch]: (_url, { body }) => {
        sent = String(body);
        return Promise.resolve(new Response());
      },
    },
  );
  return sent;
}
