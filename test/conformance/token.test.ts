// The token endpoint: how it is asked, over which connections, and which replies are believed (RFC 6749 3.2, 5, 7.1, A).
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createPlainServer } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { inspect } from "node:util";
import * as fc from "fast-check";
import type { Fault } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { Secret } from "../../runtime/secret.ts";
import { checkProvider } from "../../runtime/settings/schema.ts";
import { codeRequest, refreshRequest, type WireRequest } from "../../runtime/wire/request.ts";
import { tokenReply } from "../../runtime/wire/response.ts";
import { createSender } from "../../runtime/wire/send.ts";
import { play } from "../cli/played.ts";
import { certificateFor, key } from "../runtime/wire/certificate.ts";
import { acme, client, endpointsOf, jwt, now, reply } from "../runtime/wire/sample.ts";
import type { Json } from "../support/home.ts";
import { beginLogin, codeOf, quickGrants, signIn, stage, until } from "../support/stage.ts";
import { edit, presented } from "../support/spending.ts";
import { captured, fieldsOf, names, signedIn } from "./captured.ts";
import { rule } from "./rule.ts";

const { anthropic, codex, qwen } = providers;
const tokenEndpoints = ["token", "refresh", "poll"] as const;
const good = { access_token: "at-1", refresh_token: "rt-1", token_type: "Bearer", expires_in: 3599 };
const seconds = (): number => Math.floor(Date.now() / 1000);

/** What a body leads to when a refresh token was presented. */
function judged(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
  provider: Provider = acme,
) {
  return tokenReply(provider, reply(status, body, headers), { purpose: "refresh", clientId: "client-1", nonce: null });
}

function kindOf(body: unknown): string {
  const outcome = judged(body);
  return "code" in outcome ? outcome.code : outcome.kind;
}

function issued(body: unknown, provider: Provider = acme) {
  const outcome = judged(body, 200, {}, provider);
  assert.ok(outcome.kind === "issued", inspect(outcome));
  return outcome.issued;
}

const refresh = (provider: Provider, refreshToken = "rt-1"): WireRequest =>
  refreshRequest(provider, {
    endpoints: endpointsOf(provider),
    client,
    refreshToken: new Secret("refresh_token", refreshToken),
    scope: null,
  });

const redeem = (provider: Provider, code = "code-1"): WireRequest =>
  codeRequest(provider, {
    endpoints: endpointsOf(provider),
    client,
    code: new Secret("authorization_code", code),
    redirectUri: "http://127.0.0.1:1/callback",
    verifier: new Secret("code_verifier", "v".repeat(43)),
    state: new Secret("state", "state-1"),
  });

/** What becomes of a login when its refresh meets this. The token in the file is still good for 20 s. */
async function renewed(
  fault: Fault,
): Promise<{ readonly kept: boolean; readonly code: string; readonly asked: number }> {
  await using s = await stage();
  const account = (await signedIn(s, "gemini", 20)).account("gemini");
  const before = s.home.tokens("gemini");
  s.emulator.fault("gemini", "refresh", fault);
  const { secret } = await account.token();
  await account.token();
  const after = s.home.tokens("gemini");
  const kept = ["access_token", "refresh_token", "expiry"].every((member) => after[member] === before[member]);
  assert.equal(secret.reveal(), after["access_token"]);
  return { kept, code: after["llxprt_auth"].retry?.code ?? "", asked: presented(s, "gemini") };
}

rule(
  { id: "K01", source: "RFC 6749 3.2", says: "the token endpoint is asked by POST" },
  {
    holds: {
      "every sign-in, poll and refresh of every vendor, as it came in": async () => {
        const seen = await captured(tokenEndpoints);
        assert.ok(names.every((name) => seen.some(({ provider }) => provider === name)));
        for (const { method, query } of seen) assert.deepEqual([method, query], ["POST", ""]);
      },
    },
    refuses: {
      "the GET that a redirect would make of it": async () => {
        const asked: (string | undefined)[] = [];
        const server = createPlainServer((request, response) => {
          asked.push(request.method);
          response.writeHead(Number(request.url?.slice(1)), { location: "/200" }).end();
        });
        await once(server.listen(0, "127.0.0.1"), "listening");
        const door = createSender();
        try {
          for (const status of [301, 302, 303]) {
            const tokenEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${status}`;
            const outcome = await door.exchange(refresh({ ...acme, tokenEndpoint }));
            assert.ok("kind" in outcome && outcome.code === "unexpected_redirect", inspect(outcome));
          }
          assert.deepEqual(asked, ["POST", "POST", "POST"]);
        } finally {
          await door.close();
          server.closeAllConnections();
          server.close();
        }
      },
    },
    also: [{ file: "test/runtime/wire/send.test.ts", words: "never follows a redirect, nor reads its body (T20)" }],
  },
);

rule(
  {
    id: "K02",
    source: "RFC 6749 3.2, RFC 9700 2.6",
    says: "tokens travel by TLS; without it only where nothing leaves this machine",
  },
  {
    holds: {
      "every endpoint of every vendor": () => {
        for (const provider of Object.values<Provider>(providers)) {
          const { authorization, token, device, revocation, userinfo } = endpointsOf(provider);
          const all = [authorization, token, device, revocation, userinfo, provider.device?.pollEndpoint ?? null];
          for (const url of all) if (url !== null) assert.equal(new URL(url).protocol, "https:");
        }
      },
      "http to this machine, by its three names": () => {
        for (const host of ["127.0.0.1:4010", "localhost:4010", "[::1]:4010"])
          assert.equal(refresh({ ...acme, tokenEndpoint: `http://${host}/token` }).url, `http://${host}/token`);
      },
    },
    refuses: {
      "http to names that lead to this machine and are not known to, before a byte is sent": async () => {
        let connections = 0;
        const server = createPlainServer().on("connection", () => (connections += 1));
        await once(server.listen(0, "::"), "listening");
        const { port } = server.address() as AddressInfo;
        const door = createSender();
        try {
          for (const host of ["localhost.", "0.0.0.0", "[::ffff:127.0.0.1]", "user@127.0.0.1"]) {
            const tokenEndpoint = `http://${host}:${port}/token`;
            const made = { ...refresh(acme), url: tokenEndpoint };
            assert.equal(await codeOf(door.exchange(made)), "endpoint_insecure", host);
            assert.equal(await codeOf(() => refresh({ ...acme, tokenEndpoint })), "endpoint_insecure", host);
          }
          assert.equal(connections, 0);
        } finally {
          await door.close();
          server.closeAllConnections();
          server.close();
        }
      },
      "settings that say http to another machine: exit 6, and nobody is asked": async () => {
        await using s = await stage();
        await (await signedIn(s, "anthropic")).close();
        for (const tokenEndpoint of ["http://platform.claude.com/v1/oauth/token", "http://127.0.0.1.evil.example/"]) {
          s.point({ anthropic: { tokenEndpoint } });
          const { code, stdout, stderr } = await play(["anthropic", "token", "--home", s.home.paths.home]);
          assert.deepEqual([code, stdout], [6, ""]);
          assert.match(stderr, /tokenEndpoint.* https address, or http on loopback/);
        }
        assert.equal(presented(s, "anthropic"), 0);
      },
    },
    also: [{ file: "test/runtime/wire/endpoint.test.ts", words: "may be nothing else (T21, A04)" }],
  },
);

const certificates = {
  good: certificateFor("localhost"),
  ofAnother: certificateFor("other.example"),
  expired: certificateFor("localhost", "210101000000Z"),
};

interface Heard {
  readonly outcome: string;
  readonly requests: number;
}

/** What becomes of a refresh token at a server with this certificate. @param trusted as if in the system's own list */
async function presentedOverTls(options: ServerOptions, trusted: readonly string[]): Promise<Heard> {
  let requests = 0;
  const server = createServer({ key, ...options }, (_, response) => {
    requests += 1;
    response.end(JSON.stringify(good));
  });
  await once(server.listen(0, "localhost"), "listening");
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, ...trusted]);
  const door = createSender();
  try {
    const tokenEndpoint = `https://localhost:${(server.address() as AddressInfo).port}/token`;
    const answer = await door.exchange(refresh({ ...acme, tokenEndpoint }));
    if (!("kind" in answer)) return { outcome: String(answer.status), requests };
    assert.equal(answer.sent, "no", "the refresh token stays good");
    return { outcome: `${answer.code} ${answer.detail}`, requests };
  } finally {
    tls.setDefaultCACertificates(before);
    await door.close();
    server.closeAllConnections();
    server.close();
  }
}

rule(
  { id: "K03", source: "RFC 6749 10.9", says: "the server's certificate and its name are checked" },
  {
    holds: {
      "a certificate that is trusted, and made for the name": async () => {
        const { good: cert } = certificates;
        assert.deepEqual(await presentedOverTls({ cert }, [cert]), { outcome: "200", requests: 1 });
      },
    },
    refuses: {
      "one that nobody vouches for": async () => {
        const outcome = "network_tls DEPTH_ZERO_SELF_SIGNED_CERT";
        assert.deepEqual(await presentedOverTls({ cert: certificates.good }, []), { outcome, requests: 0 });
      },
      "one of another name": async () => {
        const { ofAnother: cert } = certificates;
        const outcome = "network_tls ERR_TLS_CERT_ALTNAME_INVALID";
        assert.deepEqual(await presentedOverTls({ cert }, [cert]), { outcome, requests: 0 });
      },
      "one that has expired": async () => {
        const { expired: cert } = certificates;
        const outcome = "network_tls CERT_HAS_EXPIRED";
        assert.deepEqual(await presentedOverTls({ cert }, [cert]), { outcome, requests: 0 });
      },
      "all of them where somebody switched the checks off for the process": async () => {
        const { good: cert } = certificates;
        process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
        try {
          for (const trusted of [[], [cert]]) {
            const outcome = "network_tls NODE_TLS_REJECT_UNAUTHORIZED";
            assert.deepEqual(await presentedOverTls({ cert }, trusted), { outcome, requests: 0 });
          }
        } finally {
          delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
        }
      },
    },
  },
);

const ancient = { minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

rule(
  { id: "K04", source: "RFC 9325 3.1.1 (BCP 195)", says: "TLS is 1.2 or newer" },
  {
    holds: {
      "1.2 and 1.3": async () => {
        const { good: cert } = certificates;
        for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
          const only = { cert, minVersion: version, maxVersion: version };
          assert.deepEqual(await presentedOverTls(only, [cert]), { outcome: "200", requests: 1 }, version);
        }
      },
    },
    refuses: {
      "1.1, also where the process was told to take it (--tls-min-v1.0)": async () => {
        const { good: cert } = certificates;
        const outcome = "network_tls ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION";
        const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
        Object.assign(tls, { DEFAULT_MIN_VERSION: ancient.minVersion, DEFAULT_CIPHERS: ancient.ciphers });
        try {
          const old = { ...ancient, cert, maxVersion: "TLSv1.1" } as const;
          assert.deepEqual(await presentedOverTls(old, [cert]), { outcome, requests: 0 });
        } finally {
          Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS });
        }
      },
    },
  },
);

const form = "application/x-www-form-urlencoded;charset=UTF-8";
const json = "application/json";
const code = ["client_id", "code", "code_verifier", "grant_type", "redirect_uri"];
const renewal = ["client_id", "grant_type", "refresh_token"];

rule(
  {
    id: "K05",
    source: "RFC 6749 4.1.3, 6, B",
    says: "a form with the members that the grant names, and no other; where a vendor wants it otherwise, its data says so",
  },
  {
    holds: {
      "by the book, to the byte": () => {
        const { headers, body } = redeem(acme);
        assert.equal(headers["content-type"], form);
        assert.equal(
          body,
          `grant_type=authorization_code&code=code-1&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&client_id=client-1&code_verifier=${"v".repeat(43)}`,
        );
        assert.equal(refresh(acme).body, "grant_type=refresh_token&refresh_token=rt-1&client_id=client-1");
      },
      "each vendor's own way, as it came in": async () => {
        for (const [name, endpoint, type, members] of [
          ["gemini", "token", form, [...code, "client_secret"]],
          ["gemini", "refresh", form, [...renewal, "client_secret"]],
          ["anthropic", "token", json, [...code, "state"]],
          ["anthropic", "refresh", json, renewal],
          ["codex", "token", form, code],
          ["codex", "refresh", json, renewal],
          ["qwen", "poll", form, ["client_id", "code_verifier", "device_code", "grant_type"]],
          ["qwen", "refresh", form, renewal],
        ] as const) {
          const seen = await captured([endpoint], name);
          assert.ok(seen.length > 0);
          for (const request of seen) {
            assert.equal(request.contentType, type, `${name} ${endpoint}`);
            assert.deepEqual(Object.keys(fieldsOf(request)).toSorted(), members.toSorted(), `${name} ${endpoint}`);
          }
        }
      },
      "the same provider, with nothing changed but its data": () => {
        const odd: Provider = { ...acme, tokenEncoding: "json", refreshEncoding: "json", stateInTokenRequest: true };
        for (const made of [redeem(odd), refresh(odd)]) assert.equal(made.headers["content-type"], json);
        assert.deepEqual(Object.keys(JSON.parse(redeem(odd).body ?? "") as Json).toSorted(), [...code, "state"]);
      },
    },
    refuses: {
      "a value that would be another member": () => {
        fc.assert(
          fc.property(fc.string({ unit: fc.constantFrom("a", "&", "=", "+", "%", " ", "é", "\u{1F600}") }), (value) => {
            for (const provider of [acme, anthropic]) {
              const { body, headers } = redeem(provider, value);
              const fields = fieldsOf({ body: body ?? "", contentType: headers["content-type"] ?? "" });
              assert.equal(fields["code"], value);
              assert.deepEqual(
                Object.keys(fields)
                  .filter((name) => name !== "state")
                  .toSorted(),
                code,
              );
            }
          }),
          { numRuns: 500 },
        );
      },
      "an encoding that is not known": () => {
        for (const member of ["tokenEncoding", "refreshEncoding"]) {
          assert.ok("provider" in checkProvider({ ...acme, [member]: "form" }));
          assert.ok("wrong" in checkProvider({ ...acme, [member]: "multipart" }));
        }
      },
    },
  },
);

const noJson: Readonly<Record<string, string>> = {
  "a page": "<!doctype html><title>Sign in to the network</title>",
  nothing: "",
  "half a reply": JSON.stringify(good).slice(0, -9),
  "two replies": `${JSON.stringify(good)}${JSON.stringify(good)}`,
  "a list": JSON.stringify([good]),
  "a text": JSON.stringify("at-1"),
  "a number": "1",
  null: "null",
  "a form": "access_token=at-1&token_type=bearer",
  script: `callback(${JSON.stringify(good)})`,
  "JSON in another alphabet": Buffer.from(JSON.stringify(good), "utf16le").toString("latin1"),
};

rule(
  { id: "K06", source: "RFC 6749 5.1", says: "a reply of success is a JSON object" },
  {
    holds: {
      "however it is laid out": () => {
        for (const body of [JSON.stringify(good), JSON.stringify(good, null, 9), ` \r\n\t${JSON.stringify(good)}\n`])
          assert.equal(kindOf(body), "issued");
      },
    },
    refuses: {
      "everything else, and nothing is learned from it": () => {
        for (const [what, body] of Object.entries(noJson)) {
          for (const headers of [{}, { "content-type": "text/html" }, { "content-type": "text/plain" }]) {
            const outcome = judged(body, 200, headers);
            assert.deepEqual(
              [outcome.kind, "code" in outcome && outcome.code],
              ["unavailable", "reply_malformed"],
              what,
            );
            assert.ok(!inspect(outcome, { depth: null }).includes("at-1"));
          }
        }
      },
      "a page in a refresh: the login stays as it is": async () => {
        assert.deepEqual(await renewed({ kind: "html" }), { kept: true, code: "reply_malformed", asked: 1 });
      },
    },
    also: [{ file: "test/runtime/refresh.test.ts", words: "trouble with the server" }],
  },
);

rule(
  { id: "K07", source: "RFC 6749 5.1", says: "members that are not known are ignored; what is kept is on a list" },
  {
    holds: {
      "a thousand more, and members that mean something to JavaScript": () => {
        const more = Object.fromEntries(
          Array.from({ length: 1000 }, (_, n) => [`x_${n}`, n % 2 === 0 ? "text" : { n }]),
        );
        const hostile = `{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"toString":1,`;
        const body = hostile + JSON.stringify({ ...more, ...good }).slice(1);
        assert.deepEqual(inspect(issued(body)), inspect(issued(good)));
        assert.equal(({} as Json)["polluted"], undefined);
      },
      "the member that a vendor's data lists is kept": () => {
        assert.deepEqual(issued({ ...good, resource_url: "portal.qwen.ai" }, qwen).extra, {
          resource_url: "portal.qwen.ai",
        });
      },
    },
    refuses: {
      "to store what no list names": async () => {
        await using s = await stage();
        const account = (await signedIn(s, "anthropic")).account("anthropic");
        const before = Object.keys(s.home.tokens("anthropic"));
        const members = { resource_url: "https://evil.example", id_token: jwt({}), admin: true, generation: 99 };
        s.emulator.fault("anthropic", "refresh", { kind: "rewrite", members });
        await account.token();
        const after = s.home.tokens("anthropic");
        assert.deepEqual(Object.keys(after).toSorted(), before.toSorted());
        assert.equal(after["llxprt_auth"].generation, 2);
      },
    },
  },
);

rule(
  { id: "K08", source: "RFC 6749 5.1", says: "a reply of success has an access token and says its type" },
  {
    holds: {
      "both are there": () => assert.equal(kindOf({ access_token: "at-1", token_type: "Bearer" }), "issued"),
    },
    refuses: {
      "either missing, empty, or no text": () => {
        for (const member of ["access_token", "token_type"])
          for (const bad of [undefined, null, "", 1, true, {}, ["Bearer"], { toString: "Bearer" }])
            assert.equal(kindOf({ ...good, [member]: bad }), "reply_malformed", `${member} ${inspect(bad)}`);
      },
      "one that is only inherited, even in a process whose objects were tampered with": () => {
        const { prototype } = Object;
        Object.assign(prototype, good);
        try {
          assert.equal(kindOf('{"token_type":"Bearer"}'), "reply_malformed");
          assert.equal(kindOf('{"access_token":"at-1"}'), "reply_malformed");
        } finally {
          for (const member of Object.keys(good)) Reflect.deleteProperty(prototype, member);
        }
      },
      "it in a sign-in: nobody is signed in": async () => {
        await using s = await stage();
        s.emulator.fault("anthropic", "token", { kind: "rewrite", members: { access_token: undefined } });
        assert.equal(await codeOf(signIn(s, s.auth(), "anthropic", { grant: "loopback" })), "reply_malformed");
        assert.throws(() => s.home.tokens("anthropic"), { code: "ENOENT" });
      },
    },
  },
);

rule(
  { id: "K09", source: "RFC 6749 7.1", says: "a token of a type that we do not understand is not used" },
  {
    holds: {
      "bearer, in any case": () => {
        for (const token_type of ["Bearer", "bearer", "BEARER", "bEARER"])
          assert.equal(kindOf({ ...good, token_type }), "issued");
      },
    },
    refuses: {
      "every other": () => {
        for (const token_type of ["DPoP", "mac", "N_A", "Bearer ", " bearer", "bearer,DPoP", "Bearer\n", "pop"])
          assert.equal(kindOf({ ...good, token_type }), "reply_malformed", token_type);
      },
      "it in a refresh: the token before is used": async () => {
        const outcome = await renewed({ kind: "rewrite", members: { token_type: "DPoP" } });
        assert.deepEqual(outcome, { kept: true, code: "reply_malformed", asked: 1 });
      },
    },
  },
);

rule(
  {
    id: "K10",
    source: "RFC 6749 5.1",
    says: "a reply may leave out its lifetime: the token's own counts, or else an hour; and the API's word outranks both",
  },
  {
    holds: {
      "an hour, and what a JWT says of itself": () => {
        for (const none of [undefined, null]) {
          const opaque = issued({ ...good, expires_in: none });
          assert.deepEqual([opaque.expiresAt, opaque.expiryFrom], [now + 3_600_000, "assumed"]);
          const token = jwt({ exp: now / 1000 + 86_400 });
          const speaking = issued({ ...good, access_token: token, expires_in: none });
          assert.deepEqual([speaking.expiresAt, speaking.expiryFrom], [now + 86_400_000, "jwt"]);
        }
      },
      "a 401 before that renews it, once": async () => {
        await using s = await stage();
        s.emulator.fault("anthropic", "token", { kind: "rewrite", members: { expires_in: undefined } });
        const auth = s.auth();
        await signIn(s, auth, "anthropic", { grant: "loopback" });
        assert.ok(Math.abs(s.home.tokens("anthropic")["expiry"] - seconds() - 3600) <= 2);
        s.emulator.expireAccess("anthropic");
        const response = await auth.fetch("anthropic")(`${s.emulator.url}/v1/messages`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }),
        });
        assert.deepEqual([response.status, presented(s, "anthropic")], [200, 1]);
        await response.body?.cancel();
      },
    },
    refuses: {
      "a JWT that was over when it came: believing it would ask without end": () => {
        for (const exp of [now / 1000 - 1, 0, -1, 1e300, "soon"]) {
          const { expiresAt } = issued({ ...good, access_token: jwt({ exp }), expires_in: undefined });
          assert.equal(expiresAt, now + 3_600_000, String(exp));
        }
      },
    },
  },
);

const garbage = [
  0,
  -1,
  0.5,
  1e308,
  2 ** 53,
  "",
  "3600abc",
  "0x10",
  "1e3",
  "-5",
  " 60",
  "Infinity",
  "NaN",
  true,
  [],
  {},
];

rule(
  {
    id: "K11",
    source: "RFC 6749 A.14",
    says: "a lifetime is digits; text of digits is taken for them, and anything else gives an hour and no storm",
  },
  {
    holds: {
      "the seconds, counted from the reply": () => {
        fc.assert(
          fc.property(fc.integer({ min: 1, max: 315_360_000 }), fc.boolean(), (lifetime, asText) => {
            const { expiresAt, expiryFrom } = issued({ ...good, expires_in: asText ? String(lifetime) : lifetime });
            assert.deepEqual([expiresAt, expiryFrom], [now + lifetime * 1000, "server"]);
          }),
        );
      },
    },
    refuses: {
      "what is none": () => {
        for (const expires_in of garbage) {
          const { expiresAt, expiryFrom } = issued({ ...good, expires_in });
          assert.deepEqual([expiresAt, expiryFrom], [now + 3_600_000, "garbage"], inspect(expires_in));
        }
        // As JSON has it: a parser makes Infinity of it.
        assert.equal(issued(JSON.stringify(good).replace("3599", "1e400")).expiryFrom, "garbage");
      },
      "to ask again because of it": async () => {
        await using s = await stage();
        const account = (await signedIn(s, "anthropic")).account("anthropic");
        s.emulator.fault("anthropic", "refresh", { kind: "rewrite", members: { expires_in: "0x10" } }, 10);
        for (let times = 0; times < 5; times += 1) await account.token();
        assert.equal(presented(s, "anthropic"), 1);
      },
    },
    also: [{ file: "test/runtime/refresh.clock.test.ts", words: "a lifetime that makes no sense" }],
  },
);

rule(
  {
    id: "K12",
    source: "RFC 6749 5.1",
    says: "nothing is assumed of a token's length, up to the size that any reply may have",
  },
  {
    holds: {
      "from 1 character to 500 kB, through refresh, file and hand-out": async () => {
        await using s = await stage();
        const account = (await signedIn(s, "gemini")).account("gemini");
        for (const size of [1, 4_096, 65_536, 500_000]) {
          const members = { access_token: "a".repeat(size), refresh_token: "r".repeat(size) };
          s.emulator.fault("gemini", "refresh", { kind: "rewrite", members });
          await account.refresh({ force: true });
          assert.equal((await s.auth().account("gemini").token()).secret.reveal(), members.access_token);
          assert.equal(s.home.tokens("gemini")["refresh_token"], members.refresh_token);
          // The emulator knows its own ones only.
          edit(s.home, "gemini", { refresh_token: [...s.emulator.secrets()].findLast((one) => one.startsWith("1//")) });
        }
      },
    },
    refuses: {
      "a reply beyond it, whole: nothing of it is taken": async () => {
        const outcome = await renewed({ kind: "huge", acted: false });
        assert.deepEqual(outcome, { kept: true, code: "reply_too_large", asked: 1 });
      },
    },
  },
);

rule(
  { id: "K13", source: "RFC 6749 A.12, A.17", says: "tokens hold printable ASCII only" },
  {
    holds: {
      "all of it": () => {
        const all = String.fromCharCode(...Array.from({ length: 0x5f }, (_, index) => 0x20 + index));
        const { accessToken, refreshToken } = issued({ ...good, access_token: all, refresh_token: all });
        assert.ok(accessToken.matches(all) && refreshToken?.matches(all));
      },
    },
    refuses: {
      "every other character, wherever it stands": () => {
        const others = [...Array(0x20).keys(), 0x7f, 0x85, 0xa0, 0xe9, 0x200b, 0x202e, 0x2028, 0xfeff, 0x1f600];
        for (const bad of others.map((point) => String.fromCodePoint(point)))
          for (const token of [`${bad}at`, `a${bad}t`, `at${bad}`, bad])
            for (const member of ["access_token", "refresh_token"])
              assert.equal(kindOf({ ...good, [member]: token }), "reply_malformed", JSON.stringify(token));
      },
      "a token with a header in it: the one before is used": async () => {
        const members = { access_token: "at\r\nX-Injected: yes" };
        const outcome = await renewed({ kind: "rewrite", members });
        assert.deepEqual(outcome, { kept: true, code: "reply_malformed", asked: 1 });
      },
    },
  },
);

const hostile = {
  error: 'odd\u001B[2J\u0007\u009B31m"\\\u202E\n code',
  error_description: "\u001B]52;c;UFdORUQ=\u0007 DESCRIBED",
  error_uri: "javascript:DESCRIBED",
};

rule(
  {
    id: "K14",
    source: "RFC 6749 5.2",
    says: "of an error only its code is shown, with the characters that a code may have; its description and address never are",
  },
  {
    holds: {
      "a code as it should be": async () => {
        const outcome = judged({ error: "invalid_grant", error_description: "x" }, 400);
        assert.ok(outcome.kind === "refused" && outcome.oauthError === "invalid_grant");
      },
      "every code: what is left of it fits the rule, and nothing else was put in": () => {
        fc.assert(
          fc.property(fc.string({ unit: "binary", maxLength: 60 }), (error) => {
            const outcome = judged({ error }, 400);
            const shown = "oauthError" in outcome ? outcome.oauthError : null;
            if (shown === null) return;
            assert.match(shown, /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}$/);
            for (const letter of shown.split("")) assert.ok(error.includes(letter));
          }),
        );
      },
    },
    refuses: {
      "escapes, line breaks and quotes, on their way to a terminal": async () => {
        await using s = await stage();
        await (await signedIn(s, "anthropic")).close();
        const body = JSON.stringify(hostile);
        s.emulator.fault("anthropic", "refresh", { kind: "reply", status: 400, body }, 9);
        for (const line of [["refresh", "--force"], ["token"], ["status"], ["status", "--json"]]) {
          const words = ["anthropic", ...line, "--home", s.home.paths.home];
          const { stdout, stderr } = await play(words);
          assert.match(stdout + stderr, /^[\x20-\x7e\n✓✗…·–]+$/, words.join(" "));
          assert.ok(!(stdout + stderr).includes("DESCRIBED"));
        }
        assert.ok(presented(s, "anthropic") > 0);
      },
    },
    also: [
      {
        file: "test/runtime/wire/text.test.ts",
        words: "is one line without anything that moves, hides, colours or copies",
      },
    ],
  },
);

const aboutTheClient = ["invalid_client", "unauthorized_client", "unsupported_grant_type"] as const;

rule(
  {
    id: "K15",
    source: "RFC 6749 5.2",
    says: "errors about the client are a matter of the set-up: they end no login",
  },
  {
    holds: {
      "the three of them, for a code, a refresh and a device code, with exit 6": async () => {
        for (const error of aboutTheClient)
          for (const status of [400, 401])
            for (const purpose of ["code", "refresh", "poll"] as const)
              for (const provider of [acme, codex, qwen]) {
                const options = { purpose, clientId: "client-1", nonce: null };
                const outcome = tokenReply(provider, reply(status, { error }), options);
                const expected = { kind: "misconfigured", code: "client_refused", oauthError: error, status };
                assert.deepEqual(outcome, expected, `${provider.name} ${purpose}`);
              }
        await using s = await stage();
        const body = JSON.stringify({ error: "invalid_client" });
        s.emulator.fault("gemini", "token", { kind: "reply", status: 401, body });
        await assert.rejects(signIn(s, s.auth(), "gemini"), { code: "client_refused", exitCode: 6 });
      },
    },
    refuses: {
      "to take one for a sign-out: the login works again with the set-up": async () => {
        for (const error of aboutTheClient) {
          await using s = await stage();
          const account = (await signedIn(s, "codex")).account("codex");
          const before = s.home.tokens("codex");
          s.emulator.fault("codex", "refresh", { kind: "reply", status: 401, body: JSON.stringify({ error }) });
          await assert.rejects(account.token(), { code: "client_refused", exitCode: 6 });
          const after = s.home.tokens("codex");
          assert.deepEqual([after["refresh_token"], after["llxprt_auth"].refused], [before["refresh_token"], null]);
          assert.equal((await account.refresh({ force: true })).row.state, "authenticated");
          assert.equal(s.emulator.counters("codex").reuses, 0);
        }
      },
    },
  },
);

rule(
  {
    id: "K16",
    source: "Draft 2.1, 4.1.3; RFC 6749 4.1.2",
    says: "a code that may have reached the server is not sent again",
  },
  {
    holds: {
      "one that certainly did not stays good: the sign-in waits": async () => {
        await using s = await stage();
        const gone = createPlainServer();
        await once(gone.listen(0, "127.0.0.1"), "listening");
        const tokenEndpoint = `http://127.0.0.1:${(gone.address() as AddressInfo).port}/v1/oauth/token`;
        await new Promise((resolve) => gone.close(resolve));
        s.point({ anthropic: { tokenEndpoint } });
        const { account, pending, ended } = await beginLogin(s.auth(), "anthropic", "paste");
        const { shown } = await s.emulator.approve(pending.url);
        for (let times = 0; times < 2; times += 1) {
          assert.equal(await codeOf(account.complete(shown ?? "")), "network_refused");
          assert.equal(s.home.pending().length, 1);
        }
        await account.cancel();
        await assert.rejects(ended);
      },
    },
    refuses: {
      "another try after the connection broke, by itself or by the other way": async () => {
        for (const fault of ["drop-reply", "drop-connection", "truncated-json"] as const)
          for (const name of ["gemini", "anthropic", "codex"] as const) {
            await using s = await stage();
            s.emulator.fault(name, "token", { kind: fault });
            const { account, pending, ended } = await beginLogin(s.auth(), name, quickGrants[name]);
            const { redirected } = await s.emulator.approve(pending.url);
            await until(() => s.home.pending().length === 0, "it is over");
            assert.match(await codeOf(ended), /^(network_broken|reply_malformed)$/);
            assert.equal(await codeOf(account.complete(redirected ?? "")), "no_pending_sign_in");
            assert.equal(s.emulator.requests.filter(({ endpoint }) => endpoint === "token").length, 1);
          }
      },
    },
    also: [
      {
        file: "test/runtime/account.login.test.ts",
        words: "spends no code: the sign-in waits, and the same redirect works once the server is back",
      },
    ],
  },
);
