// Threats to signing in: somebody else's answer, somebody else's code, and a name that nobody vouches for.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ProviderName } from "../../providers/index.ts";
import { providers } from "../../providers/index.ts";
import { authorizeUrl, newNonce, newState, newVerifier } from "../../runtime/wire/request.ts";
import { endpointsOf, jwt } from "../runtime/wire/sample.ts";
import { visit } from "../support/browser.ts";
import { startIssuer } from "../support/issuer.ts";
import { changed, redirectOf, statusAt } from "../support/redirect.ts";
import { answer, beginLogin, codeOf, signIn, type Stage, stage } from "../support/stage.ts";
import { rule } from "./rule.ts";

const byBrowser = ["gemini", "anthropic", "codex"] as const satisfies readonly ProviderName[];

/** How often a code came to a token endpoint. */
const exchanged = (s: Stage): number => s.emulator.requests.filter(({ endpoint }) => endpoint === "token").length;

/** Begins a sign-in by loopback, with the redirect that would end it. */
async function awaited(s: Stage, provider: ProviderName = "gemini") {
  const begun = await beginLogin(s.auth(), provider, "loopback");
  return { ...begun, redirect: await redirectOf(s, begun.pending) };
}

const isWaiting = ({ account, pending }: Awaited<ReturnType<typeof awaited>>): boolean =>
  account.status().row.pending?.attempt === pending.attempt;

rule(
  {
    id: "T1",
    source: "RFC 6749 10.12, RFC 8252 8.9, RFC 9700 4.7",
    says: "nobody signs a person in to the attacker's account: an answer counts with the state of this sign-in only, once",
  },
  {
    holds: {
      "the true answer signs in after a hundred forged ones": async () => {
        await using s = await stage();
        const login = await awaited(s);
        const forged = Array.from({ length: 100 }, (_, n) =>
          changed(login.redirect, { state: `s${n}`, code: `c${n}` }),
        );
        await Promise.all(forged.map(statusAt));
        assert.equal(await statusAt(login.redirect), 200);
        assert.equal((await login.ended).row.state, "authenticated");
      },
    },
    refuses: {
      "no state, a wrong, a cut, a longer, another sign-in's, one of a sign-in that is over": async () => {
        await using s = await stage();
        const over = await awaited(s);
        await visit(over.redirect.href);
        await over.ended;
        const [login, other] = [await awaited(s), await awaited(s, "anthropic")];
        const sent = exchanged(s);
        const state = login.redirect.searchParams.get("state") ?? assert.fail();
        const states = [null, "", "x", state.slice(0, -1), `${state}0`, state.toLowerCase(), `${state} `];
        const others = [over.redirect, other.redirect].map(({ searchParams }) => searchParams.get("state"));
        for (const wrong of [...states, ...others])
          for (const more of [{}, { error: "access_denied", code: null }]) {
            const status = await statusAt(changed(login.redirect, { ...more, state: wrong }));
            assert.equal(status, 400, `${wrong} is not ${state}`);
            assert.ok(isWaiting(login), "the sign-in goes on");
          }
        assert.equal(exchanged(s), sent, "no code went to any server");
        assert.equal(await statusAt(login.redirect), 200);
        await login.ended;
      },
    },
    also: [{ file: "test/runtime/listener.test.ts", words: "400, and the sign-in goes on waiting" }],
  },
);

rule(
  {
    id: "T2",
    source: "RFC 7636 7.1, RFC 9700 2.1.1",
    says: "the verifier is a draw of its own and stands in no address, file name, argument or line of the journal",
  },
  {
    holds: {
      "an address has the state, and the challenge that the server needs": async () => {
        await using s = await stage();
        for (const provider of byBrowser) {
          const { row } = await signIn(s, s.auth(), provider, { grant: "loopback" });
          assert.equal(row.state, "authenticated", "the server checked verifier and state");
        }
      },
    },
    refuses: {
      "a verifier, or a part of one, in 3,000 addresses": () => {
        for (const name of byBrowser) {
          const provider = providers[name];
          const seen = new Set<string>();
          for (let count = 0; count < 1_000; count += 1) {
            let draws = 0;
            const source = (size: number) => ((draws += 1), randomBytes(size));
            const [state, verifier, nonce] = [newState(source), newVerifier(source), newNonce(source)];
            assert.equal(draws, 3);
            const values = { endpoints: endpointsOf(provider), client: { id: "client", secret: null } };
            const url = authorizeUrl(provider, {
              ...values,
              redirectUri: "http://127.0.0.1:1/",
              state,
              verifier,
              nonce,
            });
            const address = decodeURIComponent(url);
            assert.ok(address.includes(state.reveal()));
            for (const part of [verifier.reveal().slice(0, 12), verifier.reveal().slice(-12)])
              assert.ok(!address.includes(part));
            for (const { reveal } of [state, verifier, nonce].map((one) => ({ reveal: one.reveal() })))
              seen.add(reveal);
          }
          assert.equal(seen.size, 3_000, "none of them came twice");
        }
      },
      "one in what a sign-in leaves lying about": async () => {
        await using s = await stage();
        for (const provider of byBrowser) {
          const { pending, account } = await beginLogin(s.auth(), provider, "loopback");
          const [path = ""] = s.home.pending();
          const { verifier, state } = s.home.read(path);
          const journal = readFileSync(s.home.paths.journal, "utf8");
          assert.ok(verifier !== state && journal.includes(pending.attempt));
          for (const text of [pending.url, JSON.stringify(account.status()), path, journal, process.argv.join(" ")])
            assert.ok(!text.includes(verifier) && !text.includes(verifier.slice(0, 10)));
          assert.ok(!journal.includes(state) && !path.includes(state));
          await account.cancel();
        }
      },
    },
    also: [{ file: "test/runtime/account.login.test.ts", words: "are drawn separately" }],
  },
);

/** A sign-in at a server of one's own that names itself in its answers, beside one at a vendor's. */
async function twoServers(s: Stage, issuer: string) {
  s.point({ acme: { grants: ["loopback"], issuer, clientId: "llxprt-auth", scopes: ["openid", "email"] } });
  return { ours: await beginLogin(s.auth(), "acme", "loopback"), theirs: await awaited(s, "anthropic") };
}

const redirectIn = (url: string): URL => new URL(new URL(url).searchParams.get("redirect_uri") ?? assert.fail());

rule(
  {
    id: "T3",
    source: "RFC 9207 2.4, RFC 9700 4.4, RFC 8252 8.10",
    says: "the answer of one server is not taken to another",
  },
  {
    holds: {
      "two sign-ins at two servers, each with its own answer": async () => {
        await using issuer = await startIssuer();
        await using s = await stage();
        const { ours, theirs } = await twoServers(s, issuer.url);
        const [{ url }, status] = await Promise.all([issuer.visit(ours.pending.url), statusAt(theirs.redirect)]);
        assert.equal(new URL(url).searchParams.get("iss"), issuer.url, "it names itself");
        assert.equal(status, 200);
        for (const { row } of [await ours.ended, await theirs.ended]) assert.equal(row.state, "authenticated");
      },
    },
    refuses: {
      "answers that were swapped, and a wrong, a missing or a second name of the server": async () => {
        await using issuer = await startIssuer();
        await using s = await stage();
        const { ours, theirs } = await twoServers(s, issuer.url);
        const here = redirectIn(ours.pending.url);
        const state = new URL(ours.pending.url).searchParams.get("state") ?? assert.fail();
        assert.equal(await statusAt(here.href + theirs.redirect.search), 400, "the other server's answer");
        assert.equal(
          await statusAt(`${redirectIn(theirs.pending.url).href}?code=c&state=${state}`),
          400,
          "and ours there",
        );
        const own = encodeURIComponent(issuer.url);
        for (const iss of ["", `&iss=${own}%2F`, `&iss=https://other.example`, `&iss=${own}&iss=${own}`])
          for (const word of ["code=c", "error=access_denied"])
            assert.equal(await statusAt(`${here.href}?${word}&state=${state}${iss}`), 400, `${word}${iss}`);
        assert.equal(exchanged(s), 0);
        assert.ok(!issuer.requests.some(({ path }) => path === "/token"));
        for (const { account } of [ours, theirs]) assert.equal(account.status().row.state, "awaitingCode");
      },
      "a redirect address that two vendors share": () => {
        const places = byBrowser.map((name) => providers[name].loopback ?? assert.fail());
        const all = places.map(({ host, path, ports }) => `${host} ${path} ${ports.join(" ")}`);
        assert.equal(new Set(all).size, all.length, all.join("; "));
      },
    },
    also: [{ file: "test/runtime/issuer.test.ts", words: "iss was sent, and checked" }],
  },
);

rule(
  {
    id: "T4",
    source: "RFC 9700 4.5, RFC 7636 1",
    says: "a code of somebody else's sign-in buys nothing here, and the login that was there stays",
  },
  {
    holds: {
      "a code of one's own replaces the login": async () => {
        await using s = await stage();
        await signIn(s, s.auth(), "gemini");
        const before = s.home.tokens("gemini");
        const login = await awaited(s);
        await visit(login.redirect.href);
        await login.ended;
        assert.notEqual(s.home.tokens("gemini")["access_token"], before["access_token"]);
      },
    },
    refuses: {
      "a code that was issued to another challenge, and nothing but the verifier stops it": async () => {
        for (const verifierIsChecked of [true, false]) {
          // The attacker chose a redirect address like ours.
          const lenient = ["redirect-mismatch", ...(verifierIsChecked ? [] : ["wrong-verifier" as const])] as const;
          await using s = await stage({ lenient });
          await signIn(s, s.auth(), "gemini");
          const { snapshot: _, ...before } = s.home.tokens("gemini");
          const stolen = await beginLogin(s.auth(), "gemini", "loopback", { account: "attacker" });
          // Of the same person: of another, who it is would stop it as well.
          const code = (await redirectOf(s, stolen.pending, 0)).searchParams.get("code");
          const login = await awaited(s);
          const status = await statusAt(changed(login.redirect, { code }));
          assert.equal(status, verifierIsChecked ? 400 : 200);
          assert.equal(await codeOf(login.ended), verifierIsChecked ? "code_refused" : "no error");
          const after = s.home.tokens("gemini");
          if (!verifierIsChecked) assert.notEqual(after["access_token"], before["access_token"]);
          else for (const member of Object.keys(before)) assert.deepEqual(after[member], before[member], member);
        }
      },
      "a code of somebody else's, even where the verifier is not checked": async () => {
        await using s = await stage({ lenient: ["redirect-mismatch", "wrong-verifier"] });
        await signIn(s, s.auth(), "gemini");
        const { access_token: before } = s.home.tokens("gemini");
        const stolen = await beginLogin(s.auth(), "gemini", "loopback", { account: "attacker" });
        const code = (await redirectOf(s, stolen.pending, 1)).searchParams.get("code");
        const login = await awaited(s);
        assert.equal(await statusAt(changed(login.redirect, { code })), 400);
        assert.equal(await codeOf(login.ended), "identity_changed");
        assert.equal(s.home.tokens("gemini")["access_token"], before);
      },
    },
  },
);

const unseen = (): never => assert.fail("no address is shown");

const refusal = (pending: { readonly url: string }, error: string): string =>
  changed(redirectIn(pending.url), { error, state: new URL(pending.url).searchParams.get("state") });

rule(
  {
    id: "T5",
    source: "RFC 7636 4.2 and 7.2, RFC 9700 4.8",
    says: "the challenge is S256 or there is no sign-in: nobody talks us into `plain`, or into going without",
  },
  {
    holds: {
      "a server that offers both is asked for S256": async () => {
        await using issuer = await startIssuer();
        issuer.metadata["code_challenge_methods_supported"] = ["plain", "S256"];
        await using s = await stage();
        const { ours } = await twoServers(s, issuer.url);
        await issuer.visit(ours.pending.url);
        assert.equal((await ours.ended).row.state, "authenticated");
        const asked = issuer.requests.find(({ path }) => path === "/auth")?.query;
        assert.equal(asked?.get("code_challenge_method"), "S256");
        assert.match(asked?.get("code_challenge") ?? "", /^[A-Za-z0-9_-]{43}$/);
      },
    },
    refuses: {
      "a server that offers `plain` alone, before anything is shown": async () => {
        await using issuer = await startIssuer();
        for (const methods of [["plain"], [], "S256", ["s256"]]) {
          issuer.metadata["code_challenge_methods_supported"] = methods;
          await using s = await stage();
          s.point({ acme: { grants: ["loopback"], issuer: issuer.url, clientId: "llxprt-auth", scopes: ["openid"] } });
          const error: unknown = await s
            .auth()
            .account("acme")
            .login({ onPending: unseen })
            .catch((reason: unknown) => reason);
          assert.ok(error instanceof Error && "code" in error && error.code === "pkce_unsupported");
          assert.match(error.message, /S256/);
        }
        assert.ok(issuer.requests.every(({ path }) => path.startsWith("/.well-known/")));
      },
      "a server that takes no S256: there is no second try with less": async () => {
        await using s = await stage();
        const { pending, ended } = await beginLogin(s.auth(), "gemini", "loopback");
        assert.equal(await statusAt(refusal(pending, "invalid_request")), 400);
        assert.equal(await codeOf(ended), "sign_in_refused");
        assert.deepEqual(s.emulator.requests, []);
        assert.deepEqual(s.home.pending(), []);
      },
    },
    also: [{ file: "test/runtime/wire/response.test.ts", words: "offers S256 if it says what it offers (T5)" }],
  },
);

rule(
  {
    id: "T6",
    source: "RFC 9700 4.7, RFC 6749 10.14",
    says: "what is pasted is judged like a redirect; a wrong state is always refused, a missing one taken only where the vendor shows bare codes, and noted",
  },
  {
    holds: {
      "the vendor's pair signs in, and so does its bare code, which the journal tells": async () => {
        for (const [bare, noted] of [
          [false, 0],
          [true, 1],
        ] as const) {
          await using s = await stage();
          const { account, pending, ended } = await beginLogin(s.auth(), "anthropic", "paste");
          const shown = (await answer(s.emulator, pending)) ?? "";
          await account.complete(bare ? (shown.split("#", 1)[0] ?? "") : shown);
          assert.equal((await ended).row.state, "authenticated");
          const steps = readFileSync(s.home.paths.journal, "utf8").trim().split("\n");
          assert.equal(steps.filter((line) => line.includes('"step":"pastedBare"')).length, noted);
        }
      },
    },
    refuses: {
      "another sign-in's code, a wrong state, two `#`, another host, a megabyte, control characters": async () => {
        await using s = await stage();
        const auth = s.auth();
        const older = await beginLogin(auth, "anthropic", "paste");
        const old = (await answer(s.emulator, older.pending)) ?? "";
        await older.account.cancel();
        const { account, pending, ended } = await beginLogin(auth, "anthropic", "paste");
        const good = (await answer(s.emulator, pending)) ?? "";
        const [code = "", state = ""] = good.split("#");
        for (const [text, expected] of [
          [old, "pasted_other_sign_in"],
          [`${code}#${"x".repeat(state.length)}`, "pasted_other_sign_in"],
          [`${code}#${state}x`, "pasted_other_sign_in"],
          [`${code}#${state}#`, "pasted_unreadable"],
          [`https://evil.example/oauth/code/callback?code=${code}&state=${state}`, "pasted_other_address"],
          [`code=${code}`, "pasted_truncated"],
          [good.repeat(1_048_576 / good.length), "pasted_unreadable"],
          ["\u0000\u001B\u0007", "pasted_nothing"],
        ] as const) {
          assert.equal(await codeOf(account.complete(text)), expected, text.slice(0, 60));
          assert.equal(account.status().row.state, "awaitingCode");
        }
        assert.equal(exchanged(s), 0);
        await account.complete(good);
        await ended;
      },
      "a bare code where the vendor's data does not allow one": async () => {
        await using s = await stage();
        const { account, redirect } = await awaited(s);
        assert.equal(await codeOf(account.complete(redirect.searchParams.get("code") ?? "")), "pasted_truncated");
        assert.equal(exchanged(s), 0);
        await account.cancel();
      },
    },
    also: [{ file: "test/runtime/wire/pasted.test.ts", words: "names the mistake (R4.3, T6)" }],
  },
);

rule(
  { id: "T7", source: "RFC 6749 4.1.2, RFC 9700 4.5", says: "a code is sent once, however often a browser brings it" },
  {
    holds: {
      "who reloads, and whose browser looked ahead, is told that it worked": async () => {
        await using s = await stage();
        const { redirect, ended } = await awaited(s);
        const ahead = { headers: { "sec-purpose": "prefetch;prerender", "sec-fetch-mode": "navigate" } };
        const pages = [visit(redirect.href, ahead), visit(redirect.href), visit(redirect.href)];
        for (const { status, body } of await Promise.all(pages)) {
          assert.equal(status, 200);
          assert.match(body, /Signed in/);
        }
        await ended;
        assert.equal(exchanged(s), 1);
      },
    },
    refuses: {
      "fifty at once, and the same pasted besides: one exchange": async () => {
        await using s = await stage();
        const { account, redirect, ended } = await awaited(s);
        s.emulator.fault("gemini", "token", { kind: "delay", ms: 300 });
        const pages = Array.from({ length: 50 }, () => statusAt(redirect));
        const pasted = s.auth().account("gemini").complete(redirect.href);
        for (const status of await Promise.all(pages)) assert.equal(status, 200);
        await Promise.all([ended, pasted.catch(() => undefined)]);
        assert.equal(account.status().row.state, "authenticated");
        assert.deepEqual([exchanged(s), s.emulator.counters("gemini").exchanges], [1, 1]);
      },
    },
    also: [{ file: "test/runtime/account.login.test.ts", words: "of fifty callbacks at once leads to one exchange" }],
  },
);

const tomorrow = Math.floor(Date.now() / 1000) + 86_400;

/** Who is signed in when the server's reply holds this id token. */
async function identityBy(claims: object | string | null, provider: ProviderName = "codex"): Promise<string | null> {
  await using s = await stage();
  const id_token = typeof claims === "string" ? claims : jwt(claims);
  if (claims !== null) s.emulator.fault(provider, "token", { kind: "rewrite", members: { id_token } });
  const { row } = await signIn(s, s.auth(), provider, { grant: "loopback" });
  assert.equal(row.state, "authenticated");
  return row.identity;
}

/** The login's own id token, for another account at the vendor's. */
function forAnother(idToken: string): string {
  const [head = "", payload = "", tail = ""] = idToken.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, Record<string, string>>;
  const place = "https://api.openai.com/auth";
  claims[place] = { ...claims[place], chatgpt_account_id: "somebody-else" };
  return [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), tail].join(".");
}

rule(
  {
    id: "T8",
    source: "OpenID Connect Core 3.1.3.7",
    says: "an id token names somebody only if it is for this client, current and for this sign-in; another account's renewal is refused",
  },
  {
    holds: {
      "the server's own names the person": async () => {
        assert.equal(await identityBy(null), "robin@example.com");
      },
    },
    refuses: {
      "an id token for another client, an old one, no token at all: signed in, as nobody known": async () => {
        const { clientId: aud } = providers.codex;
        const email = "mallory@example.com";
        assert.equal(await identityBy({ aud, exp: tomorrow, email }), email, "so much for the control");
        for (const claims of [
          { aud: "another-client", exp: tomorrow, email },
          { exp: tomorrow, email },
          { aud, exp: 1_000_000_000, email },
          { aud, exp: "never", email },
          "no token",
          "..",
          `a.${"A".repeat(900_000)}.`,
        ])
          assert.equal(await identityBy(claims), null, JSON.stringify(claims).slice(0, 80));
      },
      "an id token of another sign-in: that is a swap, and nothing is stored": async () => {
        await using s = await stage();
        const members = { id_token: jwt({ aud: providers.codex.clientId, exp: tomorrow, nonce: "another" }) };
        s.point({ codex: { scopes: ["openid"] } });
        s.emulator.fault("codex", "token", { kind: "rewrite", members });
        assert.equal(await codeOf(signIn(s, s.auth(), "codex", { grant: "loopback" })), "code_refused");
        assert.equal(s.auth().account("codex").status().row.present, false);
      },
      "a renewal that answers for another account": async () => {
        await using s = await stage();
        const auth = s.auth();
        await signIn(s, auth, "codex");
        const before = s.home.tokens("codex");
        const members = { id_token: forAnother(before["id_token"] as string) };
        s.home.plant("codex", { ...before, expiry: Math.floor(Date.now() / 1000) - 1 });
        s.emulator.fault("codex", "refresh", { kind: "rewrite", members });
        assert.equal(await codeOf(auth.account("codex").token()), "identity_changed");
        const after = s.home.tokens("codex");
        for (const member of ["access_token", "account_id", "id_token"]) assert.equal(after[member], before[member]);
      },
    },
    also: [{ file: "test/runtime/wire/token.test.ts", words: "the id token (T8)" }],
  },
);

rule(
  { id: "T9", source: "RFC 6749 3.1", says: "no parameter of an answer counts twice, however it is written" },
  {
    holds: {
      "parameters that nobody knows are passed over": async () => {
        await using s = await stage();
        const { redirect, ended } = await awaited(s);
        const unknown = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, "x"]));
        assert.equal(await statusAt(changed(redirect, unknown)), 200);
        await ended;
      },
    },
    refuses: {
      "a second code or state, in percent, as an array, behind a semicolon": async () => {
        await using s = await stage();
        const login = await awaited(s);
        const [code, state] = ["code", "state"].map((name) => login.redirect.searchParams.get(name) ?? "");
        const place = redirectIn(login.pending.url).href;
        for (const query of [
          `code=${code}&code=other&state=${state}`,
          `code=${code}&state=${state}&state=other`,
          `code=${code}&state=${state}&state=${state}`,
          `c%6Fde=other&code=${code}&state=${state}`,
          `code=${code}&state=${state}&%73%74%61%74%65=other`,
          `code[]=${code}&state[]=${state}`,
          `code=${code};state=${state}`,
          `code=${code}&state=${state}&x=1&x=2`,
        ]) {
          assert.equal(await statusAt(`${place}?${query}`), 400, query.replaceAll(code ?? "", "C"));
          assert.ok(isWaiting(login));
        }
        assert.equal(exchanged(s), 0);
        await login.account.cancel();
      },
    },
    also: [{ file: "test/runtime/wire/callback.test.ts", words: "takes each parameter once (T9, R11)" }],
  },
);
