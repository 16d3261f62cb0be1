// An issuer's metadata (RFC 8414; OIDC Discovery): it steers codes and tokens, so it is believed as a whole or not at all.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAuth } from "../../runtime/auth.ts";
import type { Grant } from "../../providers/provider.ts";
import { metadataRequests } from "../../runtime/wire/request.ts";
import { metadataReply } from "../../runtime/wire/response.ts";
import { reply } from "../runtime/wire/sample.ts";
import { Home, type Json } from "../support/home.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { codeOf } from "../support/stage.ts";
import { rule } from "./rule.ts";

const issuer = "https://id.acme.example/tenant";
const wellFormed = {
  issuer,
  authorization_endpoint: "https://id.acme.example/a",
  token_endpoint: "https://id.acme.example/t",
  device_authorization_endpoint: "https://id.acme.example/d",
  revocation_endpoint: "https://id.acme.example/r",
  userinfo_endpoint: "https://id.acme.example/u",
  code_challenge_methods_supported: ["S256"],
};

/** What becomes of such metadata: endpoints, or the code of the error. */
async function judged(changes: Json, of = issuer): Promise<string> {
  return codeOf(() => metadataReply(of, reply(200, { ...wellFormed, ...changes })));
}

/** A home that knows a provider by its issuer alone. */
function homeFor(of: string, changes: Json = {}): Home {
  const home = new Home();
  const scopes = ["openid", "email", "offline_access"];
  const acme = { grants: ["loopback", "device"], issuer: of, clientId: "llxprt-auth", scopes, ...changes };
  home.settings({ oauthEnabledProviders: { acme: true }, providers: { acme } });
  return home;
}

/** How a sign-in ends in which nobody may be sent anywhere. */
async function refusal(of: string, asked: Json & { grant?: Grant } = {}): Promise<string> {
  return codeOf(signIn(of, asked));
}

async function signIn(of: string, { grant = "loopback", ...changes }: Json & { grant?: Grant }): Promise<void> {
  using home = homeFor(of, changes);
  const auth = createAuth({ host: home.host(), ahead: false });
  try {
    await auth.account("acme").login({ grant, timeoutMs: 3_000, onPending: () => assert.fail("shown") });
  } finally {
    const left = home.pending();
    await auth.close();
    assert.deepEqual(left, []);
  }
}

interface Documents extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly string[];
}

/** A server that has these documents and nothing else; `asked`: what was asked of it. */
async function serving(documents: (url: string) => Readonly<Record<string, Json | string>>): Promise<Documents> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const document = documents(url)[path];
    if (typeof document === "string") response.writeHead(302, { location: document }).end();
    else response.writeHead(document === undefined ? 404 : 200).end(JSON.stringify(document ?? {}));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

const first = "/.well-known/oauth-authorization-server";
const second = "/.well-known/openid-configuration";
const at = (url: string): Json => ({
  issuer: url,
  authorization_endpoint: `${url}/a`,
  token_endpoint: `${url}/t`,
  device_authorization_endpoint: `${url}/d`,
});

rule(
  {
    id: "I01",
    source: "RFC 8414 3.3",
    says: "metadata that names another issuer than the one that was asked is not used",
  },
  {
    holds: {
      "the same, to the letter": async () => assert.equal(await judged({}), "no error"),
    },
    refuses: {
      "another, one that is missing, and the same written otherwise": async () => {
        for (const named of [
          "https://evil.example/tenant",
          `${issuer}/`,
          "https://id.acme.example",
          "https://ID.acme.example/tenant",
          "https://id.acme.example/Tenant",
          "https://id.acme.example:443/tenant",
          "https://id.acme.example/%74enant",
          "https://id.acme.example/x/../tenant",
          "http://id.acme.example/tenant",
          `${issuer}?`,
          ` ${issuer}`,
          undefined,
          null,
          "",
          [issuer],
        ])
          assert.equal(await judged({ issuer: named }), "issuer_mismatch", String(named));
      },
      "it for a sign-in: nobody is sent anywhere": async () => {
        await using server = await serving((url) => ({ [first]: { ...at(url), issuer: `${url}/` } }));
        for (const grant of ["loopback", "device"] as const)
          assert.equal(await refusal(server.url, { grant }), "issuer_mismatch");
        assert.deepEqual(new Set(server.asked), new Set([first]));
      },
    },
    also: [{ file: "test/runtime/issuer.test.ts", words: "names itself with a slash more" }],
  },
);

rule(
  {
    id: "I02",
    source: "RFC 8414 2",
    says: "an issuer is an https address without query and fragment; http only on this machine, for servers that are tried out",
  },
  {
    holds: {
      "where its metadata is: before the path, then after it": () => {
        assert.deepEqual(
          metadataRequests(issuer).map(({ method, url }) => `${method} ${url}`),
          [
            "GET https://id.acme.example/.well-known/oauth-authorization-server/tenant",
            "GET https://id.acme.example/tenant/.well-known/openid-configuration",
          ],
        );
        assert.equal(metadataRequests("http://127.0.0.1:9000").length, 2);
      },
    },
    refuses: {
      "every other": async () => {
        for (const bad of [
          "http://id.acme.example",
          "http://127.0.0.1.evil.example",
          "https://id.acme.example/?tenant=1",
          "https://id.acme.example?",
          "https://id.acme.example/#x",
          "https://id.acme.example#",
          "https://me@id.acme.example",
          "ftp://id.acme.example",
          "id.acme.example",
        ]) {
          assert.match(await codeOf(() => metadataRequests(bad)), /^(endpoint_insecure|settings_invalid)$/, bad);
          const where = /settings\.json: providers\.acme\.issuer: must/;
          await assert.rejects(signIn(bad, {}), { code: "settings_invalid", exitCode: 6, message: where }, bad);
        }
      },
      "it before anything is asked": async () => {
        await using server = await serving((url) => ({ [first]: at(url), [second]: at(url) }));
        for (const more of ["?", "/?tenant=1", "/#x"])
          assert.equal(await refusal(server.url + more), "settings_invalid");
        assert.deepEqual(server.asked, []);
      },
    },
  },
);

rule(
  {
    id: "I03",
    source: "RFC 8414 3.2, 3.3",
    says: "endpoints come from metadata that was checked, all of it: one bad member, and none is used",
  },
  {
    holds: {
      "every endpoint as it is written there; what is not there is none": () => {
        const { issuer: of, code_challenge_methods_supported: _, ...endpoints } = wellFormed;
        const all = metadataReply(of, reply(200, wellFormed));
        assert.deepEqual(
          [all.authorization, all.token, all.device, all.revocation, all.userinfo],
          Object.values(endpoints),
        );
        const none = metadataReply(of, reply(200, { issuer }));
        assert.deepEqual(
          [none.authorization, none.token, none.device, none.revocation, none.userinfo],
          [null, null, null, null, null],
        );
      },
    },
    refuses: {
      "all of them for one that may not be used": async () => {
        for (const member of Object.keys(wellFormed).filter((name) => name.endsWith("_endpoint")))
          for (const bad of [
            "http://id.acme.example/x",
            "http://127.0.0.1:4010/x",
            "https://me@id.acme.example/x",
            "https://id.acme.example/x#f",
            "javascript:alert(1)",
            "/x",
            "",
            7,
            ["https://id.acme.example/x"],
          ])
            assert.equal(await judged({ [member]: bad }), "endpoint_insecure", `${member} ${String(bad)}`);
      },
      "to take the second document where the first one lies, or leads elsewhere": async () => {
        await using evil = await serving((url) => ({ [first]: at(url), [second]: at(url) }));
        for (const [lie, code] of [
          [{ ...at(evil.url) }, "issuer_mismatch"],
          [`${evil.url}${first}`, "unexpected_redirect"],
        ] as const) {
          await using server = await serving((url) => ({ [first]: lie, [second]: at(url) }));
          assert.equal(await refusal(server.url), code);
          assert.deepEqual(server.asked, [first]);
        }
        assert.deepEqual(evil.asked, []);
      },
      "plain PKCE, said by the metadata": async () => {
        for (const methods of [["plain"], [], "S256", null])
          assert.equal(await judged({ code_challenge_methods_supported: methods }), "pkce_unsupported");
      },
    },
  },
);

/** Signs in by browser at a certified provider, and out again. @returns what it was asked, by path */
async function inAndOut(server: Issuer): Promise<Set<string>> {
  using home = homeFor(server.url);
  const auth = createAuth({ host: home.host(), ahead: false });
  try {
    let page: Promise<unknown> | undefined;
    await auth.account("acme").login({
      grant: "loopback",
      onPending: (pending) => {
        page = server.visit(pending.url);
        page.catch(() => undefined);
      },
    });
    await page;
    assert.equal((await auth.account("acme").logout()).revocation, "revoked");
    return new Set(server.requests.map(({ method, path }) => `${method} ${path}`));
  } finally {
    await auth.close();
  }
}

rule(
  {
    id: "I04",
    source: "RFC 9700 2.6",
    says: "where there is an issuer, its metadata is the set-up; nothing is guessed, and what a person wrote down outranks it",
  },
  {
    holds: {
      "issuer and client are all that has to be said: each endpoint is the metadata's": async () => {
        await using server = await startIssuer();
        const asked = await inAndOut(server);
        for (const one of ["GET /auth", "POST /token", "GET /me", "POST /token/revocation"])
          assert.ok(asked.has(one), `${one}: ${[...asked].join()}`);
        const [document] = server.requests;
        assert.equal(document?.path, first, "it is asked for before anything else");
      },
      "an endpoint of the settings is used in the place of the metadata's": async () => {
        await using server = await serving((url) => ({ [first]: at(url) }));
        assert.equal(
          await refusal(server.url, { grant: "device", deviceAuthorizationEndpoint: `${server.url}/own` }),
          "endpoint_missing",
        );
        assert.deepEqual(server.asked, [first, "/own"]);
      },
    },
    refuses: {
      "to guess an endpoint that the metadata does not name": async () => {
        await using server = await serving((url) => ({
          [first]: { ...at(url), device_authorization_endpoint: undefined, authorization_endpoint: undefined },
        }));
        for (const grant of ["device", "loopback"] as const)
          assert.equal(await refusal(server.url, { grant }), "endpoint_missing");
        await using none = await serving(() => ({}));
        assert.equal(await refusal(none.url), "endpoint_missing");
        assert.deepEqual([...new Set(server.asked), ...none.asked], [first, first, second]);
      },
    },
    also: [{ file: "test/runtime/issuer.test.ts", words: "a provider known by its issuer alone" }],
  },
);
