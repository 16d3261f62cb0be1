// Who answers: the issuer in an authorization response (RFC 9207), and the server that is given the code (RFC 9700 4.4).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Secret } from "../../runtime/secret.ts";
import { judgeCallback } from "../../runtime/wire/callback.ts";
import { judgePasted } from "../../runtime/wire/pasted.ts";
import { redirectFrom } from "../emulator/client.ts";
import { isOpen } from "../support/browser.ts";
import { factsFor, type Issuer, startIssuer } from "../support/issuer.ts";
import { changed, redirectOf, statusAt } from "../support/redirect.ts";
import { beginLogin, codeOf, type Stage, stage } from "../support/stage.ts";
import { rule } from "./rule.ts";
import { parameter, sentTo } from "./sent.ts";

const home = "https://id.example";

/** What becomes of an answer with the right state: `kind`, by listener and pasted. */
function judged(query: string, issuer: string | null = home, issSent = true): readonly [string, string] {
  const redirectUri = "http://127.0.0.1:1455/callback";
  const expected = { redirectUri, state: new Secret("state", "the-state"), issuer, issSent };
  const url = `/callback?state=the-state&${query}`;
  const pasted = judgePasted(`${redirectUri}?state=the-state&${query}`, { ...expected, bareCode: true });
  return [judgeCallback({ method: "GET", url, host: "127.0.0.1:1455", headers: {} }, expected).kind, pasted.kind];
}

const both = (kind: string): readonly [string, string] => [kind, kind];
const neither = ["ignored", "unreadable"] as const;

const stageAt = (issuer: Issuer): Promise<Stage> => stage({ providers: { acme: factsFor(issuer.url) } });

/** An answer of nobody's to the sign-in at this address. */
function forged(pending: { readonly url: string }, query: Readonly<Record<string, string>>): string {
  const state = parameter(pending.url, "state");
  return changed(new URL(parameter(pending.url, "redirect_uri")), { state, ...query });
}

const codesAt = (issuer: Issuer): number =>
  issuer.requests.filter(({ path, body }) => path === "/token" && body.has("code")).length;

rule(
  {
    id: "M01",
    source: "RFC 9207 2.4",
    says: "an issuer in the answer is the one that was asked, to the letter, or the answer is not taken",
  },
  {
    holds: {
      "a certified provider that names itself": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const { pending, ended } = await beginLogin(s.auth(), "acme", "loopback");
        const { url } = await issuer.visit(pending.url);
        assert.equal(new URL(url).searchParams.get("iss"), issuer.url);
        assert.equal((await ended).row.state, "authenticated");
      },
      "the same, written in percent as every value may be": () => {
        assert.deepEqual(judged(`code=c&iss=${encodeURIComponent(home)}`), both("code"));
        assert.deepEqual(judged(`code=c&iss=${home.replaceAll(/./g, inPercent)}`), both("code"));
      },
    },
    refuses: {
      "another case, slash, port, scheme, host or encoding, though some mean the same": () => {
        for (const iss of [
          "https://ID.example",
          "HTTPS://id.example",
          "https://id.example/",
          "https://id.example:443",
          "https://id.example.",
          "https://id.exampl%65",
          "http://id.example",
          "https://id.example?",
          "https://id.example#",
          " https://id.example",
          "https://id.example ",
          "https://id.example\u0000",
          "https://xn--id-.example",
          "https://id.example.evil.example",
          "id.example",
          "null",
          "",
        ])
          for (const sent of [true, false])
            assert.deepEqual(judged(`code=c&iss=${encodeURIComponent(iss)}`, home, sent), neither, iss);
        assert.deepEqual(judged(`code=c&iss=${home}&iss=${home}`), neither, "twice");
      },
      "another issuer's name at a real listener: the sign-in goes on": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const { pending, account } = await beginLogin(s.auth(), "acme", "loopback");
        for (const iss of [`${issuer.url}/`, issuer.url.replace("127.0.0.1", "localhost"), home])
          assert.equal(await statusAt(forged(pending, { code: "c", iss })), 400, iss);
        assert.equal(account.status().row.state, "awaitingCode");
        assert.equal(codesAt(issuer), 0);
      },
    },
    also: [{ file: "test/runtime/issuer.test.ts", words: "with another iss" }],
  },
);

function inPercent(character: string): string {
  return `%${character.codePointAt(0)?.toString(16) ?? ""}`;
}

rule(
  {
    id: "M02",
    source: "RFC 9207 2.4",
    says: "an answer without its issuer is not taken from a server that says it always sends it",
  },
  {
    holds: {
      "with it, and without it from a server that does not say so": () => {
        assert.deepEqual(judged(`code=c&iss=${home}`, home, true), both("code"));
        assert.deepEqual(judged("code=c", home, false), both("code"));
      },
    },
    refuses: {
      "one without it, at a real listener and pasted": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const { pending, account } = await beginLogin(s.auth(), "acme", "loopback");
        const bare = forged(pending, { code: "a-code-0123456789" });
        assert.equal(await statusAt(bare), 400);
        assert.equal(await codeOf(account.complete(bare)), "pasted_truncated");
        assert.deepEqual(judged("code=c"), neither);
        assert.equal(account.status().row.state, "awaitingCode");
        assert.equal(codesAt(issuer), 0);
      },
    },
  },
);

/** A sign-in that one process begins, and what another has of it after the server changed what it says of itself. */
async function afterRestart(issuer: Issuer, s: Stage) {
  const first = s.auth();
  await first.account("acme").login({ grant: "loopback", detach: true });
  await first.close();
  issuer.metadata["authorization_response_iss_parameter_supported"] = undefined;
  const account = s.auth().account("acme");
  const url = s.home.read(s.home.pending()[0] ?? "")["url"] as string;
  const ended = account.wait();
  ended.catch(() => undefined);
  const port = Number(new URL(parameter(url, "redirect_uri")).port);
  while (!(await isOpen(port))) await setTimeout(10);
  return { account, url, ended };
}

rule(
  {
    id: "M03",
    source: "RFC 9207 2.4",
    says: "whether a server sends its issuer is remembered with the sign-in, also by the process that finishes it",
  },
  {
    holds: {
      "begun in one process, finished in another": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const { url, ended } = await afterRestart(issuer, s);
        await issuer.visit(url);
        assert.equal((await ended).row.state, "authenticated");
      },
    },
    refuses: {
      "an answer without it there, though the server says nothing of it any more": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const { account, url } = await afterRestart(issuer, s);
        for (const [query, code] of [
          [{ code: "a-code-0123456789" }, "pasted_truncated"],
          [{ code: "a-code-0123456789", iss: `${issuer.url}/` }, "pasted_other_sign_in"],
        ] as const) {
          assert.equal(await statusAt(forged({ url }, query)), 400);
          assert.equal(await codeOf(account.complete(forged({ url }, query))), code);
        }
        assert.equal(account.status().row.state, "awaitingCode");
        assert.equal(codesAt(issuer), 0);
      },
    },
  },
);

rule(
  {
    id: "M04",
    source: "RFC 9207 2.4",
    says: "an issuer that nobody announced is compared where we know one, and else passed over, as documented",
  },
  {
    holds: {
      "a vendor known by its endpoints: there is nothing to compare with": async () => {
        await using s = await stage();
        const { pending, ended } = await beginLogin(s.auth(), "gemini");
        const redirect = await redirectOf(s, pending);
        assert.equal(await statusAt(changed(redirect, { iss: "https://accounts.example" })), 200);
        assert.equal((await ended).row.state, "authenticated");
      },
      "the page about threats says so": () => {
        const page = readFileSync(join(import.meta.dirname, "../../docs/threat-model.md"), "utf8");
        assert.match(page, /known by its endpoints alone has no issuer to compare with, and an `iss` is passed over/);
      },
    },
    refuses: {
      "one that differs from the issuer we know, announced or not": () => {
        assert.deepEqual(judged(`code=c&iss=${home}`, home, false), both("code"));
        assert.deepEqual(judged("code=c&iss=https://other.example", home, false), neither);
        assert.deepEqual(
          judged("code=c&iss=https://other.example", null, false),
          both("code"),
          "so much for the control",
        );
      },
    },
  },
);

rule(
  {
    id: "M05",
    source: "RFC 9207 2.4",
    says: "an error is not taken for the word of the server that was asked, either",
  },
  {
    holds: {
      "a denial that names the server ends the sign-in": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const { pending, ended } = await beginLogin(s.auth(), "acme", "loopback");
        assert.equal(await statusAt(forged(pending, { error: "access_denied", iss: issuer.url })), 400);
        assert.equal(await codeOf(ended), "consent_denied");
      },
    },
    refuses: {
      "one of another server, of none, or of two: the true answer still signs in": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const { pending, ended, account } = await beginLogin(s.auth(), "acme", "loopback");
        for (const more of [{}, { iss: home }, { iss: "" }] as const)
          assert.equal(await statusAt(forged(pending, { error: "access_denied", ...more })), 400);
        assert.deepEqual(judged(`error=access_denied&iss=${home}&iss=https://other.example`), neither);
        assert.equal(account.status().row.state, "awaitingCode");
        await issuer.visit(pending.url);
        assert.equal((await ended).row.state, "authenticated");
      },
    },
  },
);

rule(
  {
    id: "M06",
    source: "RFC 9700 4.4.2",
    says: "a code goes to the server of the sign-in that it came back to, whatever the answer or the settings say",
  },
  {
    holds: {
      "two servers at once: each is given its own code": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const auth = s.auth();
        const [ours, theirs] = [
          await beginLogin(auth, "acme", "loopback"),
          await beginLogin(auth, "anthropic", "loopback"),
        ];
        const own = (await redirectFrom(s.emulator, theirs.pending.url)).searchParams.get("code");
        await Promise.all([issuer.visit(ours.pending.url), s.emulator.approve(theirs.pending.url)]);
        for (const { row } of [await ours.ended, await theirs.ended]) assert.equal(row.state, "authenticated");
        assert.equal(codesAt(issuer), 1);
        assert.equal(sentTo(s.emulator, "token").length, 1);
        assert.ok(own !== null && !issuer.requests.some(({ body }) => body.get("code") === own));
      },
    },
    refuses: {
      "the code of one at the other's address": async () => {
        await using issuer = await startIssuer();
        await using s = await stageAt(issuer);
        const [ours, theirs] = [
          await beginLogin(s.auth(), "acme"),
          await beginLogin(s.auth(), "anthropic", "loopback"),
        ];
        const stolen = await redirectOf(s, theirs.pending);
        const code = stolen.searchParams.get("code") ?? "";
        for (const named of [{}, { iss: s.emulator.url }] as const)
          assert.equal(await statusAt(forged(ours.pending, { code, ...named })), 400, "without our server's name");
        assert.equal(await statusAt(changed(stolen, { token_endpoint: `${issuer.url}/token` })), 200);
        await theirs.ended;
        assert.equal(codesAt(issuer), 0);
      },
      "to send it anywhere when the settings name another server meanwhile": async () => {
        await using s = await stage();
        await using other = await stage();
        const { pending, ended } = await beginLogin(s.auth(), "gemini");
        const redirect = await redirectOf(s, pending);
        s.point({ gemini: { tokenEndpoint: `${other.emulator.url}/token` } });
        const account = s.auth().account("gemini");
        assert.equal(await codeOf(account.complete(redirect.href)), "sign_in_interrupted");
        assert.deepEqual([sentTo(s.emulator, "token"), sentTo(other.emulator)], [[], []]);
        await assert.rejects(ended);
      },
    },
    also: [{ file: "test/conformance/threats-sign-in.test.ts", words: "answers that were swapped" }],
  },
);
