// Revocation (RFC 7009): what a logout tells the provider, and what stands whatever the provider says.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { inspect } from "node:util";
import { providers } from "../../providers/index.ts";
import { Secret } from "../../runtime/secret.ts";
import { revokeRequest } from "../../runtime/wire/request.ts";
import { revokeReply } from "../../runtime/wire/response.ts";
import { play } from "../cli/played.ts";
import { acme, client, endpointsOf, reply } from "../runtime/wire/sample.ts";
import { edit } from "../support/spending.ts";
import { codeOf, type Stage, stage, until } from "../support/stage.ts";
import { captured, fieldsOf, signedIn } from "./captured.ts";
import { rule } from "./rule.ts";

const { gemini, codex } = providers;

const revoke = (revocation: string | null = acme.revocationEndpoint) =>
  revokeRequest(acme, {
    endpoints: { ...endpointsOf(acme), revocation },
    client,
    token: new Secret("refresh_token", "rt-1"),
  });

/** What came in at the revocation endpoint. */
const told = ({ emulator }: Stage) => emulator.requests.filter(({ endpoint }) => endpoint === "revoke");

rule(
  { id: "V01", source: "RFC 7009 2.1", says: "a token is revoked by POST over TLS, with what kind of token it is" },
  {
    holds: {
      "by the book": () => {
        const { method, url, headers, body } = revoke();
        assert.deepEqual([method, url], ["POST", acme.revocationEndpoint]);
        assert.equal(headers["content-type"], "application/x-www-form-urlencoded;charset=UTF-8");
        assert.equal(body, "token=rt-1&token_type_hint=refresh_token&client_id=client-1");
      },
      "gemini and codex in their own ways, as they came in": async () => {
        const [google] = await captured(["revoke"], "gemini");
        const [openai] = await captured(["revoke"], "codex");
        assert.ok(google !== undefined && openai !== undefined);
        assert.deepEqual([google.method, google.path], ["POST", new URL(gemini.revocationEndpoint).pathname]);
        assert.deepEqual([openai.method, openai.path], ["POST", new URL(codex.revocationEndpoint).pathname]);
        assert.equal(openai.contentType, "application/json");
        assert.equal(fieldsOf(openai)["client_id"], codex.clientId);
        for (const request of [google, openai]) {
          assert.equal(fieldsOf(request)["token_type_hint"], "refresh_token");
          assert.equal(request.status, 200);
        }
      },
    },
    refuses: {
      "a token in the address": async () => {
        for (const { query } of await captured(["revoke"])) assert.equal(query, "");
        assert.equal(revoke("https://id.acme.example/revoke?tenant=1").url, "https://id.acme.example/revoke?tenant=1");
      },
      "http beyond this machine": async () => {
        for (const address of [
          "http://id.acme.example/revoke",
          "http://127.0.0.1.evil.example/",
          "ftp://id.acme.example/",
        ])
          assert.equal(await codeOf(() => revoke(address)), "endpoint_insecure");
      },
    },
  },
);

const page = "<!doctype html><title>Done</title>";

rule(
  {
    id: "V02",
    source: "RFC 7009 2.2",
    says: "any success means revoked, also of a token that the server does not know; what it says besides is not read",
  },
  {
    holds: {
      "an empty body, a page, JSON of any kind": async () => {
        for (const body of ["", page, '{"error":"invalid_token"}', '{"revoked":false}', "[", "null"])
          for (const status of [200, 204]) assert.deepEqual(revokeReply(reply(status, body)), { kind: "revoked" });
        await using s = await stage();
        const account = (await signedIn(s, "gemini", 600)).account("gemini");
        s.emulator.fault("gemini", "revoke", { kind: "html", status: 200 });
        assert.equal((await account.logout()).revocation, "revoked");
      },
      "a server that says that it knows no such token": () => {
        assert.deepEqual(revokeReply(reply(400, { error: "invalid_token" })), { kind: "revoked" });
      },
    },
    refuses: {
      "to take anything else for it": () => {
        for (const [status, body] of [
          [302, ""],
          [400, { error: "unsupported_token_type" }],
          [400, page],
          [401, { error: "invalid_client" }],
          [429, ""],
          [500, { error: "invalid_token" }],
          [503, ""],
        ] as const)
          assert.equal(revokeReply(reply(status, body)).kind, "unavailable", `${status} ${inspect(body)}`);
      },
    },
  },
);

rule(
  {
    id: "V03",
    source: "RFC 7009 2.2.1",
    says: "a server that is not there leaves the tokens valid: who signs out is signed out here, is told so, and the server is not pressed",
  },
  {
    holds: {
      "503 with Retry-After: how long it asks is understood": () => {
        const outcome = revokeReply(reply(503, "", { "retry-after": "120" }));
        assert.ok(outcome.kind === "unavailable" && outcome.retryAfterMs === 120_000);
      },
      "the tokens here are gone; that theirs live on, and where to end them, is said": async () => {
        await using s = await stage();
        await (await signedIn(s, "gemini", 600)).close();
        const { access_token: access } = s.home.tokens("gemini");
        s.emulator.fault("gemini", "revoke", { kind: "status", status: 503, retryAfter: "120" }, 9);
        const { code, stderr } = await play(["gemini", "logout", "--home", s.home.paths.home]);
        assert.equal(code, 0);
        assert.match(stderr, /^Signed out of gemini: the tokens here are deleted\.$/m);
        assert.match(stderr, /could not be made to revoke them; they may still be accepted/);
        assert.ok(stderr.includes(gemini.grantsPage));
        assert.equal(s.emulator.standing(access), "live", "which is the truth");
        assert.ok(!existsSync(s.home.file("gemini")));
      },
    },
    refuses: {
      "another try before the time that the server named, or ever": async () => {
        await using s = await stage();
        const account = (await signedIn(s, "gemini", 600)).account("gemini");
        s.emulator.fault("gemini", "revoke", { kind: "status", status: 503, retryAfter: "1" }, 9);
        for (let times = 0; times < 3; times += 1) await account.logout();
        assert.equal(told(s).length, 1);
      },
      "to bring the login back": async () => {
        await using s = await stage();
        const account = (await signedIn(s, "codex", 600)).account("codex");
        s.emulator.fault("codex", "revoke", { kind: "drop-reply" });
        assert.equal((await account.logout()).revocation, "failed");
        for (const one of [account, s.auth().account("codex")]) {
          assert.equal(one.status().row.state, "idle");
          assert.equal(await codeOf(one.token()), "sign_in_needed");
        }
      },
    },
    also: [{ file: "test/runtime/account.logout.test.ts", words: "works when the provider" }],
  },
);

rule(
  {
    id: "V04",
    source: "RFC 7009 2.1",
    says: "the refresh token is the one to revoke: its access tokens go with it",
  },
  {
    holds: {
      "gemini and codex: the refresh token is told, and the access token is dead": async () => {
        await using s = await stage();
        for (const name of ["gemini", "codex"] as const) {
          const account = (await signedIn(s, name, 600)).account(name);
          const { access_token: access, refresh_token: refresh } = s.home.tokens(name);
          assert.equal(s.emulator.standing(access), "live");
          assert.equal((await account.logout()).revocation, "revoked");
          const { token, token_type_hint: hint } = fieldsOf(told(s).at(-1) ?? assert.fail());
          assert.deepEqual([token, hint], [refresh, "refresh_token"]);
          assert.equal(s.emulator.standing(access), "ended");
        }
        assert.equal(told(s).length, 2);
      },
      "the access token, where there is no other": async () => {
        await using s = await stage();
        await (await signedIn(s, "codex", 600)).close();
        const { access_token: access } = s.home.tokens("codex");
        edit(s.home, "codex", { refresh_token: undefined });
        await s.auth().account("codex").logout();
        const { token, token_type_hint: hint } = fieldsOf(told(s).at(-1) ?? assert.fail());
        assert.deepEqual([token, hint], [access, "access_token"]);
      },
    },
    refuses: {
      "to tell before it has deleted": async () => {
        await using s = await stage();
        const account = (await signedIn(s, "codex", 600)).account("codex");
        const file = s.home.file("codex");
        s.emulator.fault("codex", "revoke", { kind: "delay", ms: 200 });
        const ended = account.logout();
        await until(() => told(s).length === 1, "the provider is told");
        assert.ok(!existsSync(file));
        await ended;
      },
      "the token of another server's": async () => {
        await using s = await stage();
        await using other = await stage();
        await (await signedIn(s, "gemini", 600)).close();
        const { url } = other.emulator;
        s.point({ gemini: { tokenEndpoint: `${url}/token`, revocationEndpoint: `${url}/revoke` } });
        assert.equal((await s.auth().account("gemini").logout()).revocation, "failed");
        assert.equal(other.emulator.requests.length, 0);
        assert.ok(!existsSync(s.home.file("gemini")));
      },
    },
  },
);
