// Proof key for code exchange (RFC 7636), as RFC 9700 and RFC 8252 ask for it.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { mock } from "node:test";
import * as fc from "fast-check";
import * as oauth from "oauth4webapi";
import { providers } from "../../providers/index.ts";
import type { Grant } from "../../providers/provider.ts";
import { realHost } from "../../runtime/host.ts";
import { Secret } from "../../runtime/secret.ts";
import { providerTable } from "../../runtime/settings/table.ts";
import { authorizeUrl, challengeOf, newState, newVerifier } from "../../runtime/wire/request.ts";
import { acme, client, endpointsOf } from "../runtime/wire/sample.ts";
import { play } from "../cli/played.ts";
import { redirectFrom } from "../emulator/client.ts";
import { visit } from "../support/browser.ts";
import { formsOf } from "../support/canary.ts";
import type { Home } from "../support/home.ts";
import { factsFor, startIssuer } from "../support/issuer.ts";
import { beginLogin, codeOf, quickGrants, signIn, stage } from "../support/stage.ts";
import { rule } from "./rule.ts";
import { parameter, sentTo } from "./sent.ts";

/** Every way of every provider that brings a code back to us. */
const codeWays = Object.values(providers).flatMap(({ name, grants }) =>
  grants.filter((grant): grant is Exclude<Grant, "device"> => grant !== "device").map((grant) => ({ name, grant })),
);

const s256 = (verifier: string): string => createHash("sha256").update(verifier).digest("base64url");
const challengeIn = (url: string): string => parameter(url, "code_challenge");

/** The record of the only sign-in under way. */
const recordIn = (home: Home) => home.read(home.pending()[0] ?? "");

const unreserved = /^[A-Za-z0-9._~-]{43,128}$/;

rule(
  { id: "P01", source: "RFC 7636 4.1", says: "a verifier has 43 to 128 characters, all unreserved" },
  {
    holds: {
      "100,000 verifiers": () => {
        for (let count = 0; count < 100_000; count += 1) assert.match(newVerifier(randomBytes).reveal(), unreserved);
      },
    },
    refuses: {
      "the bytes of the source as they are": () => {
        const bytes = new Uint8Array(32).fill(0xfb);
        assert.doesNotMatch(Buffer.from(bytes).toString("base64"), unreserved);
        assert.match(newVerifier(() => bytes).reveal(), unreserved);
      },
    },
  },
);

rule(
  { id: "P02", source: "RFC 7636 7.1", says: "a verifier is 256 bits from a cryptographic source" },
  {
    holds: {
      "each verifier is a draw of 32 bytes of its own": async () => {
        await using s = await stage();
        const drawn: Uint8Array[] = [];
        const counting = (size: number): Uint8Array => {
          drawn.push(crypto.getRandomValues(new Uint8Array(size)));
          return drawn.at(-1) ?? assert.fail();
        };
        for (const provider of ["gemini", "codex", "qwen"] as const) {
          drawn.length = 0;
          const { account } = await beginLogin(s.auth({ host: { randomBytes: counting } }), provider);
          const { verifier } = recordIn(s.home);
          const own = drawn.filter((bytes) => Buffer.from(bytes).toString("base64url") === verifier);
          assert.deepEqual(
            own.map(({ length }) => length),
            [32],
          );
          await account.cancel();
        }
      },
      "the source of the real outside is the platform's": () => {
        const asked: number[] = [];
        const fill = mock.method(crypto, "getRandomValues");
        newVerifier(realHost().randomBytes);
        for (const { arguments: given } of fill.mock.calls) asked.push((given[0] as Uint8Array).length);
        fill.mock.restore();
        assert.deepEqual(asked, [32]);
      },
    },
    refuses: {
      "a source that gives less than it was asked for": () => {
        for (const size of [0, 16, 31, 33]) assert.throws(() => newVerifier(() => new Uint8Array(size)), TypeError);
      },
      "any other source, where secrets are made": () => {
        const files = globSync("{runtime/{login,wire},machines,providers}/*.ts");
        assert.ok(files.length > 40);
        const random = /Math\.random|randomUUID|getRandomValues|\brandom(?:Bytes|Int|Fill\w*)\b[^}]*\} from/;
        assert.deepEqual(
          files.filter((file) => random.test(readFileSync(file, "utf8"))),
          [],
        );
      },
    },
    also: [{ file: "test/runtime/account.login.test.ts", words: "are drawn separately" }],
  },
);

rule(
  { id: "P03", source: "RFC 7636 4.2", says: "the challenge is the unpadded base64url of the verifier's SHA-256" },
  {
    holds: {
      "the vector of appendix B": () => {
        const verifier = new Secret("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert.equal(challengeOf(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
      },
      "10,000 verifiers, against oauth4webapi": async () => {
        const characters = fc.constantFrom("A", "Z", "a", "z", "0", "9", "-", ".", "_", "~");
        await fc.assert(
          fc.asyncProperty(fc.string({ unit: characters, minLength: 43, maxLength: 128 }), async (text) => {
            const challenge = challengeOf(new Secret("code_verifier", text));
            assert.equal(challenge, await oauth.calculatePKCECodeChallenge(text));
          }),
          { numRuns: 10_000 },
        );
      },
    },
    refuses: {
      "padding, and the characters of plain base64": () => {
        for (let count = 0; count < 2_000; count += 1)
          assert.match(challengeOf(newVerifier(randomBytes)), /^[A-Za-z0-9_-]{43}$/);
      },
    },
  },
);

rule(
  { id: "P04", source: "RFC 7636 4.3", says: "the method S256 is named in words; `plain` is never used" },
  {
    holds: {
      "captured at each provider's page": async () => {
        await using s = await stage();
        for (const { name, grant } of codeWays) {
          const { pending, account } = await beginLogin(s.auth(), name, grant);
          await fetch(pending.url);
          await account.cancel();
        }
        const methods = sentTo(s.emulator, "authorize").map(({ query }) =>
          query.getAll("code_challenge_method").join(),
        );
        assert.deepEqual(
          methods,
          codeWays.map(() => "S256"),
        );
      },
    },
    refuses: {
      "a server that knows `plain` only": async () => {
        await using issuer = await startIssuer();
        issuer.metadata["code_challenge_methods_supported"] = ["plain"];
        await using s = await stage({ providers: { acme: factsFor(issuer.url) } });
        assert.equal(await codeOf(beginLogin(s.auth(), "acme", "loopback")), "pkce_unsupported");
        assert.deepEqual(
          issuer.requests.map(({ path }) => path).filter((path) => !path.startsWith("/.well-known/")),
          [],
        );
      },
      "`plain` from the settings, or in the endpoint's own query": () => {
        const verifier = newVerifier(randomBytes);
        const plain = { code_challenge_method: "plain", code_challenge: verifier.reveal() };
        const endpoint = `https://id.acme.example/authorize?${new URLSearchParams(plain).toString()}`;
        const provider = { ...acme, authorizationEndpoint: endpoint, authorizeParameters: plain };
        const url = authorizeUrl(provider, {
          endpoints: endpointsOf(provider),
          client,
          redirectUri: "http://127.0.0.1:1/callback",
          state: newState(randomBytes),
          verifier,
          nonce: null,
          extra: plain,
        });
        assert.ok(!url.includes("plain") && !url.includes(verifier.reveal()));
        assert.deepEqual(new URL(url).searchParams.getAll("code_challenge_method"), ["S256"]);
      },
    },
    also: [{ file: "test/runtime/issuer.test.ts", words: "offers plain PKCE only" }],
  },
);

rule(
  { id: "P05", source: "RFC 7636 4.5", says: "the verifier of the challenge goes to the token endpoint, once" },
  {
    holds: {
      "captured, for each provider": async () => {
        await using s = await stage();
        for (const { name, grant } of codeWays) {
          let url = "";
          const before = sentTo(s.emulator).length;
          await signIn(s, s.auth(), name, { grant, onPending: (pending) => (url = pending.url) });
          const sent = sentTo(s.emulator).slice(before);
          const verifiers = sent.flatMap(({ fields }) => fields["code_verifier"] ?? []);
          assert.deepEqual(verifiers.map(s256), [challengeIn(url)], name);
          const carriers = sent.filter(({ text }) => text.includes(verifiers[0] ?? assert.fail()));
          const place = new URL(providers[name].tokenEndpoint).pathname;
          assert.deepEqual(
            carriers.map(({ path, query }) => [path, query.size]),
            [[place, 0]],
          );
          assert.deepEqual(s.home.pending(), [], "nobody can send it again");
        }
      },
    },
    refuses: {
      "a code that belongs to another challenge: the old login stays": async () => {
        await using s = await stage();
        await signIn(s, s.auth(), "gemini");
        const before = s.home.tokens("gemini")["access_token"];
        const mine = await beginLogin(s.auth(), "gemini");
        const theirs = await beginLogin(s.auth(), "gemini", "loopback", { account: "theirs" });
        const stolen = (await redirectFrom(s.emulator, theirs.pending.url)).searchParams.get("code") ?? "";
        const redirect = await redirectFrom(s.emulator, mine.pending.url);
        redirect.searchParams.set("code", stolen);
        assert.equal((await visit(redirect.href)).status, 400);
        assert.ok(["code_refused", "sign_in_refused"].includes(await codeOf(mine.ended)));
        assert.equal(s.home.tokens("gemini")["access_token"], before);
      },
      "an exchange without any verifier": async () => {
        await using s = await stage();
        await s.auth().account("gemini").login({ detach: true });
        const [path = ""] = s.home.pending();
        writeFileSync(path, JSON.stringify({ ...s.home.read(path), verifier: null }), { mode: 0o600 });
        const { href } = await redirectFrom(s.emulator, s.home.read(path)["url"]);
        assert.equal(await codeOf(s.auth().account("gemini").complete(href)), "sign_in_interrupted");
        assert.equal(s.emulator.counters("gemini").token, 0);
      },
    },
  },
);

rule(
  { id: "P06", source: "RFC 7636 7.2", says: "no second try with less, whatever the server says of the first" },
  {
    holds: {
      "a page that refuses the challenge ends it": async () => {
        await using s = await stage();
        const { pending, ended } = await beginLogin(s.auth(), "gemini");
        const back = new URL(parameter(pending.url, "redirect_uri"));
        const answer = { error: "invalid_request", error_description: "code challenge method not supported" };
        back.search = new URLSearchParams({ ...answer, state: parameter(pending.url, "state") }).toString();
        await visit(back.href);
        assert.equal(await codeOf(ended), "sign_in_refused");
        assert.deepEqual([sentTo(s.emulator), s.home.pending()], [[], []]);
      },
    },
    refuses: {
      "to present the code again when the verifier is not understood": async () => {
        await using s = await stage();
        const { pending, ended } = await beginLogin(s.auth(), "gemini");
        const body = JSON.stringify({ error: "invalid_request", error_description: "unknown: code_verifier" });
        s.emulator.fault("gemini", "token", { kind: "reply", status: 400, body });
        await s.emulator.approve(pending.url);
        await assert.rejects(ended);
        assert.equal(sentTo(s.emulator, "token").length, 1);
        assert.equal(sentTo(s.emulator, "authorize").filter(({ method }) => method === "GET").length, 1);
      },
    },
  },
);

rule(
  { id: "P07", source: "RFC 9700 2.1.1", says: "each sign-in has a challenge of its own, also after a failure" },
  {
    holds: {
      "signed in, denied, cancelled, and signed in again: all differ": async () => {
        await using s = await stage();
        const auth = s.auth();
        const seen: string[] = [];
        const note = (url: string): unknown => seen.push(challengeIn(url), parameter(url, "state"));
        await signIn(s, auth, "gemini", { onPending: ({ url }) => note(url) });
        const denied = await beginLogin(auth, "gemini");
        note(denied.pending.url);
        await s.emulator.deny(denied.pending.url);
        await assert.rejects(denied.ended);
        const cancelled = await beginLogin(auth, "gemini");
        note(cancelled.pending.url);
        await cancelled.account.cancel();
        await signIn(s, auth, "gemini", { onPending: ({ url }) => note(url) });
        assert.equal(seen.length, 8);
        assert.equal(new Set(seen).size, 8);
      },
    },
    refuses: {
      "the code of a try that failed, at the next one": async () => {
        await using s = await stage();
        const auth = s.auth();
        const first = await beginLogin(auth, "gemini");
        const old = await redirectFrom(s.emulator, first.pending.url);
        await first.account.cancel();
        const { account, pending } = await beginLogin(auth, "gemini");
        const here = new URL(parameter(pending.url, "redirect_uri"));
        assert.equal((await visit(`${here.href}${old.search}`)).status, 400);
        assert.equal(account.status().row.state, "awaitingCode");
        assert.equal(s.emulator.counters("gemini").token, 0);
      },
    },
  },
);

rule(
  { id: "P08", source: "RFC 9700 2.1.1", says: "nothing that is shown tells the verifier" },
  {
    holds: {
      "it is in no address, state, nonce or file name, in no disguise": async () => {
        await using s = await stage();
        for (const { name, grant } of codeWays) {
          const account = s.auth().account(name);
          for (let round = 0; round < 4; round += 1) {
            await account.login({ grant, detach: true });
            const { verifier, url, state, nonce } = recordIn(s.home);
            for (const shown of [url, decodeURIComponent(url), state, String(nonce), ...s.home.pending()])
              for (const form of formsOf(verifier)) assert.ok(!shown.includes(form), name);
            await account.cancel();
          }
        }
      },
    },
    refuses: {
      "to write or print it anywhere but into the record of the sign-in": async () => {
        await using s = await stage();
        const words = ["codex", "login", "--detach", "--json", "--home", s.home.paths.home];
        const { code, stdout, stderr } = await play(words);
        assert.equal(code, 0, stderr);
        const [record = ""] = s.home.pending();
        const { verifier } = s.home.read(record);
        const others = s.home.files().filter((file) => file !== record);
        assert.ok(others.some((file) => file.endsWith("journal.jsonl")));
        for (const text of [stdout, stderr, ...others, ...others.map((file) => readFileSync(file, "latin1"))])
          for (const form of formsOf(verifier)) assert.ok(!text.includes(form));
      },
    },
    also: [{ file: "test/runtime/canary.test.ts", words: "no secret" }],
  },
);

rule(
  { id: "P09", source: "RFC 8252 6", says: "every sign-in by code of a native program has a challenge" },
  {
    holds: {
      "each provider, by listener and by paste": async () => {
        await using s = await stage();
        for (const { name, grant } of codeWays) {
          const { account } = await beginLogin(s.auth(), name, grant);
          const { url, verifier } = recordIn(s.home);
          assert.equal(challengeIn(url), s256(verifier), `${name}, ${grant}`);
          await account.cancel();
        }
        assert.deepEqual(
          codeWays.map(({ name, grant }) => `${name} ${grant}`),
          ["gemini loopback", "anthropic paste", "anthropic loopback", "codex loopback"],
        );
      },
      "the device code of a vendor that ties it to one": async () => {
        await using s = await stage();
        await signIn(s, s.auth(), "qwen", { grant: quickGrants.qwen });
        const [start] = sentTo(s.emulator, "device");
        assert.equal(start?.fields["code_challenge_method"], "S256");
        for (const { fields } of sentTo(s.emulator, "poll"))
          assert.equal(s256(fields["code_verifier"] ?? ""), start.fields["code_challenge"]);
      },
    },
    refuses: {
      "a setting that would do without": () => {
        for (const off of [{ pkce: false }, { pkce: "plain" }, { wantsChallenge: false }]) {
          const settings = { enabled: {}, providers: { gemini: off } } as never;
          assert.throws(() => providerTable(settings, "settings.json", new Set()), { code: "settings_invalid" });
        }
      },
      "a request without it (each vendor's page)": async () => {
        await using s = await stage();
        for (const { name, grant } of codeWays.filter((way) => way.name !== "gemini")) {
          const { pending, account } = await beginLogin(s.auth(), name, grant);
          const url = new URL(pending.url);
          url.searchParams.delete("code_challenge");
          assert.equal((await fetch(url)).status, 400, "so that the emulator would notice");
          await account.cancel();
        }
      },
    },
  },
);

rule(
  { id: "P10", source: "RFC 9700 4.8", says: "a server that may not know PKCE is sent a state as well, always" },
  {
    holds: {
      "captured at each provider's page": async () => {
        await using s = await stage();
        for (const { name, grant } of codeWays) {
          const { pending, account } = await beginLogin(s.auth(), name, grant);
          await fetch(pending.url);
          const { state } = recordIn(s.home);
          assert.deepEqual(sentTo(s.emulator, "authorize").at(-1)?.query.getAll("state"), [state]);
          await account.cancel();
        }
      },
      "a server whose metadata says nothing of PKCE": async () => {
        await using issuer = await startIssuer();
        issuer.metadata["code_challenge_methods_supported"] = undefined;
        await using s = await stage({ providers: { acme: factsFor(issuer.url) } });
        const { pending } = await beginLogin(s.auth(), "acme", "loopback");
        assert.match(parameter(pending.url, "state"), /^[\w-]{43}$/);
        assert.match(challengeIn(pending.url), /^[\w-]{43}$/);
      },
    },
    refuses: {
      "its redirect without the state, though the code is right": async () => {
        await using s = await stage({ lenient: ["missing-challenge", "wrong-verifier"] });
        const { pending, account } = await beginLogin(s.auth(), "gemini");
        const redirect = await redirectFrom(s.emulator, pending.url);
        redirect.searchParams.delete("state");
        assert.equal((await visit(redirect.href)).status, 400);
        assert.equal(account.status().row.state, "awaitingCode");
        assert.equal(s.emulator.counters("gemini").token, 0);
      },
    },
  },
);
