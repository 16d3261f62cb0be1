// The drop-in `fetch` and the ky instance: where the credential goes and where it never goes, and what a 401 brings about.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { type ProviderName, providers } from "../../../providers/index.ts";
import type { Auth } from "../../../runtime/index.ts";
import { codeOf, quickGrants, signIn, stage, type Stage } from "../../support/stage.ts";
import { apiRequests, names, refusalOf, signedIn, withKey } from "./stage.ts";

let world: Stage;
before(async () => {
  world = await stage();
});
after(() => world[Symbol.asyncDispose]());

const at = (address: string, to: Stage = world): string =>
  to.emulator.url + new URL(address).pathname.replace(/\/$/, "");

/** A request that the provider's API understands. */
const requests: Readonly<Record<ProviderName, readonly [path: string, body: object]>> = {
  gemini: [":loadCodeAssist", { metadata: {} }],
  anthropic: ["/v1/messages", { model: "m", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }],
  codex: ["/responses", { model: "m", instructions: "x", store: false, stream: true, input: "Hi" }],
  qwen: ["/chat/completions", { model: "m", messages: [{ role: "user", content: "Hi" }] }],
};

function post(auth: Auth, name: ProviderName, init: RequestInit = {}): Promise<Response> {
  const [path, body] = requests[name];
  return auth.fetch(name)(at(providers[name].api.base) + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...init,
  });
}

/** A server that remembers what it was sent. */
async function listening(answer: (request: IncomingMessage) => { status: number; headers?: Record<string, string> }) {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const { status, headers } = answer(request);
    response.writeHead(status, headers).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

for (const name of names) {
  describe(`${name}, fetched`, () => {
    let auth: Auth;
    before(async () => {
      auth = await signedIn(world, name);
    });

    it("is a response like any other", async () => {
      const response = await post(auth, name);
      assert.equal(response.status, 200);
      assert.match(await response.text(), /^[\s\S]+$/);
      const missing = await auth.fetch(name)(`${at(providers[name].api.base)}/no/such/path`);
      assert.equal(missing.status, 404);
      await missing.body?.cancel();
    });

    it("sees our credential and none of the caller's", async () => {
      const headers = {
        "content-type": "application/json",
        Authorization: "Bearer of-the-caller",
        "X-Api-Key": "of-the-caller",
        "x-goog-api-key": "of-the-caller",
        "x-other": "kept",
      };
      for (const [who, header] of [
        [auth, "authorization"],
        [withKey(world, name), providers[name].keyApi.credentialHeader],
      ] as const) {
        const base = who === auth ? providers[name].api.base : providers[name].keyApi.base;
        const response = await who.fetch(name)(`${at(base)}/anything`, { method: "POST", headers, body: "{}" });
        await response.body?.cancel();
        const seen = world.emulator.requests.at(-1)?.headers ?? {};
        const secret = (await who.account(name).token()).secret.reveal();
        assert.equal(seen[header], header === "authorization" ? `Bearer ${secret}` : secret);
        assert.ok(!JSON.stringify(seen).includes("of-the-caller"));
        assert.equal(seen["x-other"], "kept");
        for (const other of ["authorization", "x-api-key", "x-goog-api-key"])
          assert.ok(other === header || !(other in seen));
      }
    });

    it("goes to no other host, whatever it looks like", async () => {
      await using elsewhere = await listening(() => ({ status: 200 }));
      const { host, hostname, port } = new URL(world.emulator.url);
      for (const address of [
        elsewhere.url,
        `${elsewhere.url}/${host}`,
        `http://localhost:${port}/`,
        `https://${host}/`,
        `http://${hostname}.evil.example:${port}/`,
        "https://api.example/",
      ]) {
        const error = await refusalOf(world, auth.fetch(name)(address));
        assert.deepEqual([error.code, error.exitCode], ["host_foreign", 2], address);
      }
      assert.equal(elsewhere.seen.length, 0);
    });

    it("is not redirected anywhere", async () => {
      await using elsewhere = await listening(() => ({ status: 200 }));
      for (const status of [301, 302, 303, 307, 308] as const) {
        world.emulator.fault(name, "api", { kind: "redirect", status, to: elsewhere.url });
        const response = await post(auth, name, { redirect: "follow" });
        assert.deepEqual([response.status, response.headers.get("location")], [status, elsewhere.url]);
        await response.body?.cancel();
      }
      assert.equal(elsewhere.seen.length, 0);
    });

    it("is repeated once, body and all, after a 401", async () => {
      const bodies: Readonly<Record<string, (text: string) => RequestInit>> = {
        text: (body) => ({ body }),
        bytes: (body) => ({ body: new TextEncoder().encode(body) }),
        stream: (body) => ({ body: new Blob([body]).stream(), duplex: "half" }),
      };
      for (const [kind, make] of Object.entries(bodies)) {
        const earlier = apiRequests(world, name).length;
        world.emulator.expireAccess(name);
        const response = await post(auth, name, make(JSON.stringify(requests[name][1])));
        await response.body?.cancel();
        const sent = apiRequests(world, name).slice(earlier);
        assert.deepEqual(
          sent.map(({ status }) => status),
          [401, 200],
          kind,
        );
        assert.equal(sent[0]?.body, sent[1]?.body);
        assert.notEqual(sent[0]?.headers["authorization"], sent[1]?.headers["authorization"]);
        assert.match(sent[1]?.headers["content-length"] ?? "", /^\d+$/);
      }
    });

    it("shares one renewal among all who were refused at once", async () => {
      const earlier = world.emulator.counters(name);
      world.emulator.expireAccess(name);
      const responses = await Promise.all(Array.from({ length: 12 }, () => post(auth, name)));
      assert.deepEqual([...new Set(responses.map(({ status }) => status))], [200]);
      await Promise.all(responses.map((response) => response.arrayBuffer()));
      assert.equal(world.emulator.counters(name).refreshes - earlier.refreshes, 1);
    });

    it("hands back a second 401 as it is", async () => {
      const earlier = world.emulator.counters(name);
      const body = '{"error":{"code":"whatever"}}';
      world.emulator.fault(name, "api", { kind: "reply", status: 401, body }, 2);
      const response = await post(auth, name);
      assert.deepEqual([response.status, await response.text()], [401, body]);
      const { api, refreshes } = world.emulator.counters(name);
      assert.deepEqual([api - earlier.api, refreshes - earlier.refreshes], [2, 1]);
    });

    it("renews nothing for a refusal of another kind, and hands it back unread", async () => {
      const earlier = world.emulator.counters(name);
      const body = JSON.stringify({ error: { message: "no ".repeat(100_000) } });
      for (const status of [400, 403, 404, 429, 500, 529]) {
        world.emulator.fault(name, "api", { kind: "reply", status, body });
        const response = await post(auth, name);
        assert.deepEqual([response.status, (await response.text()).length], [status, body.length]);
      }
      assert.equal(world.emulator.counters(name).refreshes, earlier.refreshes);
    });

    it("stops when the caller does: at once, while it waits, and while a token is renewed", async () => {
      const reason = new Error("enough");
      await assert.rejects(post(auth, name, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
      for (const endpoint of ["api", "refresh"] as const) {
        if (endpoint === "refresh") world.emulator.expireAccess(name);
        world.emulator.fault(name, endpoint, { kind: "delay", ms: endpoint === "api" ? 30_000 : 1500 });
        const begun = Date.now();
        const signal = AbortSignal.timeout(100);
        await assert.rejects(post(auth, name, { signal }), { name: "TimeoutError" });
        assert.ok(Date.now() - begun < (endpoint === "api" ? 10_000 : 1400));
      }
      // The renewal was not stopped with the request.
      assert.equal((await post(auth, name)).status, 200);
    });

    it("notes that the token was taken, and only then", async () => {
      await using fresh = await stage();
      const other = await signedIn(fresh, name);
      const account = other.account(name);
      fresh.emulator.fault(name, "api", { kind: "status", status: 500 });
      const [path, body] = requests[name];
      const ask = () =>
        other.fetch(name)(at(providers[name].api.base, fresh) + path, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        });
      assert.equal((await ask()).status, 500);
      assert.equal(account.status().row.verifiedAt, null);
      assert.equal((await ask()).status, 200);
      assert.notEqual(account.status().row.verifiedAt, null);
    });

    it("names its provider when the network fails", async () => {
      world.emulator.fault(name, "api", { kind: "drop-connection" });
      const error = await refusalOf(world, post(auth, name));
      assert.deepEqual([error.code, error.provider], ["network_broken", name]);
      assert.match(error.message, new RegExp(`connection to ${name} broke \\(\\w+\\)`));
    });
  });

  describe(`${name}, by ky`, () => {
    it("is based at the API, for a login and for a key", async () => {
      for (const [auth, base] of [
        [await signedIn(world, name), providers[name].api.base],
        [withKey(world, name), providers[name].keyApi.base],
      ] as const) {
        const ky = await auth.ky(name);
        for (const address of ["some/path", `${at(base)}/some/path`]) {
          const response = await ky.get(address, { throwHttpErrors: false });
          assert.equal(response.status, 404);
          assert.equal(
            world.emulator.requests.at(-1)?.path,
            `${new URL(at(base)).pathname.replace(/\/$/, "")}/some/path`,
          );
        }
        assert.equal(await codeOf(ky.get("https://elsewhere.example/")), "host_foreign");
      }
    });

    it("renews a dead token, and takes hold of errors as ky does", async () => {
      const auth = await signedIn(world, name);
      const ky = await auth.ky(name);
      const [path, json] = requests[name];
      const address = at(providers[name].api.base) + path;
      world.emulator.expireAccess(name);
      assert.equal((await ky.post(address, { json })).status, 200);
      world.emulator.fault(name, "api", { kind: "status", status: 500 });
      await assert.rejects(ky.post(address, { json }).text(), { name: "HTTPError" });
    });
  });
}

describe("a token that was revoked", () => {
  it("counts as refused where its vendor says so with 403", async () => {
    await using fresh = await stage();
    const auth = await signedIn(fresh, "anthropic");
    const earlier = fresh.emulator.counters("anthropic").refreshes;
    const body = JSON.stringify({
      error: { type: "permission_error", message: "OAuth token has been revoked. Please" },
    });
    fresh.emulator.fault("anthropic", "api", { kind: "reply", status: 403, body });
    const [path, json] = requests.anthropic;
    const ky = await auth.ky("anthropic");
    assert.equal((await ky.post(path.slice(1), { json })).status, 200);
    assert.equal(fresh.emulator.counters("anthropic").refreshes - earlier, 1);
  });

  it("ends in a sign-in when the login is gone too", async () => {
    await using fresh = await stage();
    for (const name of names) {
      const auth = await signedIn(fresh, name);
      fresh.emulator.revokeAll(name);
      const error = await refusalOf(
        fresh,
        auth.fetch(name)(at(providers[name].api.base, fresh) + requests[name][0], { method: "POST" }),
      );
      assert.equal(error.exitCode, 3, `${name}: ${error.message}`);
      assert.match(error.next ?? "", /login$/);
    }
  });

  it("is no reason to sign in again while the server cannot be asked", async () => {
    await using fresh = await stage();
    const auth = await signedIn(fresh, "codex");
    fresh.emulator.expireAccess("codex");
    fresh.emulator.fault("codex", "refresh", { kind: "status", status: 503 }, 3);
    const error = await refusalOf(
      fresh,
      auth.fetch("codex")(at(providers.codex.api.base, fresh) + "/responses", { method: "POST" }),
    );
    assert.deepEqual([error.exitCode, error.retryable], [5, true], error.message);
  });
});

describe("where an API is", () => {
  it("is told by the token reply, among the hosts that the data names", async () => {
    await using fresh = await stage({
      providers: { qwen: { resourceHosts: ["portal.qwen.ai", ".qwen.ai", "127.0.0.1"] } },
    });
    await signedIn(fresh, "qwen");
    const tokens = fresh.home.tokens("qwen");
    for (const [resourceUrl, expected] of [
      ["portal.qwen.ai", "https://portal.qwen.ai/v1"],
      ["https://other.qwen.ai/", "https://other.qwen.ai/v1"],
      ["https://other.qwen.ai/x/v1/", "https://other.qwen.ai/x/v1"],
      ["http://127.0.0.1:9/api", "http://127.0.0.1:9/api/v1"],
      ["evilqwen.ai", null],
      ["portal.qwen.ai.evil.example", null],
      ["https://portal.qwen.ai@evil.example/", null],
      ["evil.example/portal.qwen.ai", null],
      ["http://portal.qwen.ai", null],
      ["ftp://portal.qwen.ai", null],
      ["", null],
      ["\u0000", null],
    ] as const) {
      fresh.home.plant("qwen", { ...tokens, resource_url: resourceUrl });
      const { api } = await fresh.auth().access("qwen");
      assert.equal(api.base, expected ?? `${fresh.emulator.url}/v1`, resourceUrl);
    }
  });

  it("is where a key was made for, when its variable counts with an address only", async () => {
    await using fresh = await stage({
      providers: {
        qwen: {
          keyVariables: [
            { name: "OPENAI_API_KEY", when: { variable: "OPENAI_BASE_URL", hosts: ["127.0.0.1", "portal.qwen.ai"] } },
          ],
        },
      },
    });
    await using elsewhere = await listening(() => ({ status: 200 }));
    const environment = { OPENAI_API_KEY: "made-for-one-place", OPENAI_BASE_URL: `${elsewhere.url}/made/v1/` };
    const auth = fresh.auth({ host: { environment } });
    const { api, source } = await auth.access("qwen");
    assert.deepEqual([api.base, source], [`${elsewhere.url}/made/v1`, { kind: "env", name: "OPENAI_API_KEY" }]);
    assert.equal((await auth.fetch("qwen")(`${elsewhere.url}/made/v1/models`)).status, 200);
    assert.equal(elsewhere.seen[0]?.headers.authorization, "Bearer made-for-one-place");
    assert.equal(await codeOf(auth.fetch("qwen")(`${fresh.emulator.url}/compatible-mode/v1/models`)), "host_foreign");
    const plain = { ...environment, OPENAI_BASE_URL: "http://portal.qwen.ai/v1" };
    assert.equal(await codeOf(fresh.auth({ host: { environment: plain } }).access("qwen")), "endpoint_insecure");
  });
});

describe("headers", () => {
  it("that hold a list take ours beside the caller's; all others stay the caller's", async () => {
    const auth = await signedIn(world, "anthropic");
    const headers = { "anthropic-beta": "mine-1,mine-2", "anthropic-version": "2099-01-01", "user-agent": "mine/1" };
    const response = await auth.fetch("anthropic")(`${world.emulator.url}/v1/models`, { headers });
    assert.equal(response.status, 200);
    const seen = world.emulator.requests.at(-1)?.headers ?? {};
    assert.deepEqual(
      [seen["anthropic-beta"], seen["anthropic-version"], seen["user-agent"]],
      ["mine-1,mine-2, oauth-2025-04-20", "2099-01-01", "mine/1"],
    );
  });

  it("name the account where the API wants to know it", async () => {
    const auth = await signedIn(world, "codex");
    await (
      await post(auth, "codex", { headers: { "content-type": "application/json", "chatgpt-account-id": "another" } })
    ).text();
    const { accountId } = await auth.account("codex").token();
    assert.equal(world.emulator.requests.at(-1)?.headers["chatgpt-account-id"], accountId);
    assert.match(accountId ?? "", /./);
  });
});

describe("a caller who signs people in lazily", () => {
  it("does so with fetch, once, and not without saying how", async () => {
    await using fresh = await stage();
    const auth = fresh.auth();
    const account = auth.account("qwen");
    await account.enable();
    const address = `${at(providers.qwen.api.base, fresh)}/chat/completions`;
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(requests.qwen[1]),
    };
    assert.equal(await codeOf(auth.fetch("qwen")(address, init)), "sign_in_needed");
    let asked = 0;
    const lazily = auth.fetch("qwen", {
      signIn: (who) => {
        asked += 1;
        assert.deepEqual([who.provider, who.account], [account.provider, account.account]);
        return signIn(fresh, auth, "qwen", { grant: quickGrants.qwen });
      },
    });
    const [one, two] = await Promise.all([lazily(address, init), lazily(address, init)]);
    assert.deepEqual([one.status, two.status, (await lazily(address, init)).status, asked], [200, 200, 200, 1]);
  });
});

describe("a caller who gives up", () => {
  it("does not wait for a person, and asks none once he has", async () => {
    await using fresh = await stage();
    const auth = fresh.auth();
    await auth.account("qwen").enable();
    let asked = 0;
    const lazily = auth.fetch("qwen", {
      signIn: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    });
    const address = `${at(providers.qwen.api.base, fresh)}/chat/completions`;
    const reason = new Error("enough");
    await assert.rejects(lazily(address, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
    assert.equal(asked, 0);
    await assert.rejects(lazily(address, { signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
    assert.equal(asked, 1);
  });

  it("does not wait for a body that never ends", async () => {
    const auth = await signedIn(world, "codex");
    const init = {
      method: "POST",
      body: new ReadableStream(),
      duplex: "half",
      signal: AbortSignal.timeout(100),
    } as const;
    await assert.rejects(auth.fetch("codex")(at(providers.codex.api.base), init), { name: "TimeoutError" });
  });
});

it("reads neither settings nor tokens again while a token is fresh", async () => {
  await using fresh = await stage();
  // On a system that tells of no changes: this one is not to be known yet.
  const auth = await signedIn(fresh, "qwen", { ahead: true, host: { watchFolder: () => () => undefined } });
  await auth.account("qwen").token();
  fresh.home.settings("not JSON any more");
  const response = await auth.fetch("qwen")(`${at(providers.qwen.api.base, fresh)}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(requests.qwen[1]),
  });
  assert.equal(response.status, 200);
});
