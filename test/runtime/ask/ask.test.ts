// Asking, end to end: every provider, by login and by key, and everything that its API may say instead of an answer.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { providers } from "../../../providers/index.ts";
import { ask } from "../../../runtime/index.ts";
import { signIn, stage, type Stage, quickGrants } from "../../support/stage.ts";
import { apiRequests, hello, names, refusalOf, signedIn, withKey } from "./stage.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

let world: Stage;
before(async () => {
  world = await stage();
});
after(() => world[Symbol.asyncDispose]());

for (const name of names) {
  describe(name, () => {
    let auth: Awaited<ReturnType<typeof signedIn>>;
    before(async () => {
      auth = await signedIn(world, name);
    });

    it("answers a login", async () => {
      const { text, source, model } = await ask(auth, name, hello);
      assert.deepEqual(
        { text, source, model },
        { text: "You said: Hello there", source: { kind: "oauth" }, model: providers[name].api.model },
      );
      assert.notEqual(auth.account(name).status().row.verifiedAt, null);
    });

    it("answers a key", async () => {
      const { text, source, model } = await ask(withKey(world, name), name, hello);
      assert.deepEqual(
        { text, source, model },
        { text: "You said: Hello there", source: { kind: "flag" }, model: providers[name].keyApi.model },
      );
    });

    it("is told the whole conversation, and another model when one is named", async () => {
      const turns = [
        { role: "user", text: "One" },
        { role: "assistant", text: "Two" },
        { role: "user", text: 'Three\n"quoted" ✓' },
      ] as const;
      for (const asked of [auth, withKey(world, name)]) {
        const { text, model } = await ask(asked, name, turns, { model: "some-model" });
        assert.deepEqual([text, model], ['You said: Three\n"quoted" ✓', "some-model"]);
        const request = apiRequests(world, name).at(-1);
        const order = turns.map((turn) => request?.body.indexOf(JSON.stringify(turn.text)) ?? -1);
        assert.ok(
          order.every((at, index) => at > (order[index - 1] ?? 0)),
          "each turn, in its order",
        );
        assert.ok(`${request?.path} ${request?.body}`.includes("some-model"));
        assert.match(request?.userAgent ?? "", /^llxprt-auth\//);
      }
    });

    it("names the origin of a key that was rejected, and falls through to nothing", async () => {
      const earlier = world.emulator.counters(name);
      const error = await refusalOf(world, ask(withKey(world, name, "no-such-key"), name, hello), ["no-such-key"]);
      assert.deepEqual([error.code, error.exitCode], ["key_rejected", 4]);
      assert.match(error.message, /--key$/);
      const { api, refreshes } = world.emulator.counters(name);
      assert.deepEqual([api - earlier.api, refreshes - earlier.refreshes], [1, 0], "one request, no renewal");
    });

    it("renews once and asks once more when the token has died", async () => {
      const earlier = world.emulator.counters(name);
      world.emulator.expireAccess(name);
      assert.equal((await ask(auth, name, hello)).text, "You said: Hello there");
      const { refreshes, unauthorized } = world.emulator.counters(name);
      assert.deepEqual([refreshes - earlier.refreshes, unauthorized - earlier.unauthorized], [1, 1]);
    });

    const expected = {
      gemini: { policy: "api_ineligible", limit: "api_limited", overloaded: "api_failed" },
      anthropic: { policy: "api_ineligible", limit: "api_limited", overloaded: "api_failed" },
      codex: { policy: "api_ineligible", limit: "api_limited", overloaded: "api_failed" },
      // What its API says of an ended tier looks like a dead token: it is renewed once, and that is all that can be done.
      qwen: { policy: "api_unauthorized", limit: "api_limited", overloaded: "api_failed" },
    } as const;
    for (const situation of ["policy", "limit", "overloaded"] as const) {
      it(`takes ${situation} for no fault of the login`, async () => {
        const earlier = world.emulator.counters(name);
        const lasting = name === "qwen" && situation === "policy";
        world.emulator.fault(name, "api", { kind: "situation", name: situation }, lasting ? 2 : 1);
        const error = await refusalOf(world, ask(auth, name, hello), [
          "This client is no",
          "exhausted",
          "exceed",
          "busy",
        ]);
        assert.equal(error.code, expected[name][situation]);
        assert.equal(error.retryable, situation !== "policy");
        const { instead } = providers[name].status;
        assert.equal(situation === "policy" && instead !== null, error.message.includes(instead ?? "no such thing"));
        assert.equal(world.emulator.counters(name).refreshes - earlier.refreshes, lasting ? 1 : 0);
        assert.equal((await ask(auth, name, hello)).text, "You said: Hello there");
      });
    }

    it("says when to come back", async () => {
      const wait = { kind: "status", status: 429, retryAfter: "77" } as const;
      world.emulator.fault(name, "api", wait);
      const error = await refusalOf(world, ask(auth, name, hello));
      assert.deepEqual([error.code, error.status, error.exitCode], ["api_limited", 429, 5]);
      assert.match(error.message, /again in 77 s/);
    });

    const faults = {
      "a server's error": [{ kind: "status", status: 500 }, "api_failed"],
      "a page instead of an answer": [{ kind: "html" }, "reply_malformed"],
      "a page instead of a refusal": [{ kind: "html", status: 403 }, "api_failed"],
      "half an answer": [{ kind: "truncated-json" }, "reply_malformed"],
      "an answer without end": [{ kind: "huge" }, "reply_too_large"],
      "a bomb": [{ kind: "gzip-bomb" }, "reply_too_large"],
      "no answer": [{ kind: "drop-reply" }, "network_broken"],
      "a redirect": [{ kind: "redirect", status: 307, to: "https://elsewhere.example/" }, "unexpected_redirect"],
      "an answer without an answer": [{ kind: "reply", status: 200, body: "{}" }, "reply_malformed"],
      "a list": [{ kind: "reply", status: 200, body: "[]" }, "reply_malformed"],
      "a failure that calls itself a success": [
        { kind: "reply", status: 200, body: '{"error":{"code":"gone_wrong","message":"secret text"}}' },
        "api_failed",
      ],
      "a bad request": [{ kind: "reply", status: 400, body: '{"error":{"type":"bad_thing"}}' }, "api_forbidden"],
      "an error too long to read": [
        { kind: "reply", status: 403, body: `{"error":{"message":"${"secret text ".repeat(200_000)}"}}` },
        "api_forbidden",
      ],
    } as const;
    // Where an account is looked up first, the answer is the second reply.
    for (const sooner of name === "gemini" ? [0, 1] : [0])
      for (const [what, [fault, code]] of Object.entries(faults)) {
        // To be told nothing about an account is to be told that it is new.
        if (name === "gemini" && sooner === 0 && what === "an answer without an answer") continue;
        it(`makes a sentence of ${what}${sooner === 0 ? "" : ", in the end"}`, async () => {
          if (sooner > 0) world.emulator.fault(name, "api", { kind: "delay", ms: 0 }, sooner);
          world.emulator.fault(name, "api", fault);
          const texts = ["Sign in to the network", "secret text", "xxxxx"];
          const error = await refusalOf(world, ask(auth, name, hello), texts);
          assert.equal(error.code, code, error.message);
          assert.equal(error.provider, name);
          assert.ok(error.message.toLowerCase().includes(name));
        });
      }

    it("waits for a slow answer", async () => {
      world.emulator.fault(name, "api", { kind: "delay", ms: 300 });
      assert.equal((await ask(auth, name, hello)).text, "You said: Hello there");
    });

    it("stops when it is told to: before, while it waits, and while it listens", async () => {
      const stopped = new Error("enough");
      await assert.rejects(
        ask(auth, name, hello, { signal: AbortSignal.abort(stopped) }),
        (error) => error === stopped,
      );
      for (const fault of [
        { kind: "delay", ms: 30_000 },
        { kind: "trickle", msPerByte: 1000 },
      ] as const) {
        const stop = new AbortController();
        world.emulator.fault(name, "api", fault);
        setTimeout(() => stop.abort(stopped), 100);
        const begun = Date.now();
        await assert.rejects(ask(auth, name, hello, { signal: stop.signal }), (error) => error === stopped);
        assert.ok(Date.now() - begun < 10_000);
      }
    });

    it("stops however often garbage is collected while it listens", { timeout: 20_000 }, async () => {
      const stop = new AbortController();
      const stopped = new Error("enough");
      const earlier = apiRequests(world, name).length;
      world.emulator.fault(name, "api", { kind: "trickle", msPerByte: 200 });
      const asked = ask(auth, name, hello, { signal: stop.signal });
      while (apiRequests(world, name).length === earlier) await new Promise((resolve) => setImmediate(resolve));
      const timer = setInterval(collect, 50);
      setTimeout(() => stop.abort(stopped), 500);
      await assert.rejects(asked, (error) => error === stopped).finally(() => clearInterval(timer));
    });
  });
}

const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
const piece = (delta: string): string => event({ type: "response.output_text.delta", delta });

/** A server that begins an event stream and leaves it to `go` how that goes on. */
async function streaming(go: (response: ServerResponse) => Promise<void>) {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    void go(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

describe("an answer that streams", () => {
  it("is told piece by piece", async () => {
    const auth = await signedIn(world, "codex");
    const pieces: string[] = [];
    const answer = await ask(auth, "codex", hello, { onText: (text) => pieces.push(text) });
    assert.deepEqual(pieces, ["You ", "said: ", "Hello ", "there"]);
    assert.equal(pieces.join(""), answer.text);
  });

  it("is told as it arrives, whole characters only, and stops in the middle of it", async () => {
    const [first, rest] = [Buffer.from(piece("Żółw ✓").slice(0, -2)), Buffer.from("\n\n")];
    await using server = await streaming(async (response) => {
      // Byte by byte, each in a packet of its own.
      for (const byte of [...first, ...rest]) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await using other = await stage({ providers: { codex: { api: { base: server.url } } } });
    const auth = await signedIn(other, "codex");
    const pieces: string[] = [];
    const stop = new AbortController();
    const onText = (text: string) => {
      pieces.push(text);
      stop.abort(new Error("that will do"));
    };
    await assert.rejects(ask(auth, "codex", hello, { onText, signal: stop.signal }), { message: "that will do" });
    assert.deepEqual(pieces, ["Żółw ✓"]);
  });

  it("is none when the connection breaks", async () => {
    await using server = await streaming(async (response) => {
      await new Promise((resolve) => void response.write(piece("half of "), resolve));
      setTimeout(() => response.destroy(), 50);
    });
    await using other = await stage({ providers: { codex: { api: { base: server.url } } } });
    const auth = await signedIn(other, "codex");
    const pieces: string[] = [];
    const error = await refusalOf(other, ask(auth, "codex", hello, { onText: (text) => pieces.push(text) }), [
      "half of",
    ]);
    assert.deepEqual([error.code, pieces], ["network_broken", ["half of "]]);
  });

  const half = piece("half of ");
  const ends = {
    "it breaks off": ["", "reply_malformed"],
    "its end breaks off": ['data: {"type":"response.completed"}\n', "reply_malformed"],
    "it fails": [
      event({ type: "response.failed", response: { error: { code: "server_error", message: "secret text" } } }),
      "api_failed",
    ],
    "an error comes": [event({ type: "error", code: "usage_limit_reached", message: "secret text" }), "api_limited"],
    "an event has no end": [`data: ${"x".repeat(1_200_000)}`, "reply_too_large"],
  } as const;
  for (const [how, [end, code]] of Object.entries(ends)) {
    it(`is none when ${how}`, async () => {
      const auth = await signedIn(world, "codex");
      const body = half + end;
      world.emulator.fault("codex", "api", { kind: "reply", status: 200, contentType: "text/event-stream", body });
      const error = await refusalOf(world, ask(auth, "codex", hello), ["half of", "secret text"]);
      assert.equal(error.code, code);
    });
  }
});

describe("a person who is asked only when it is needed", () => {
  it("signs in once for all who ask, and never where nobody allowed it", async () => {
    await using fresh = await stage();
    const auth = fresh.auth();
    await auth.account("anthropic").enable();
    assert.equal((await refusalOf(fresh, ask(auth, "anthropic", hello))).code, "sign_in_needed");
    let asked = 0;
    const options = {
      signIn: () => {
        asked += 1;
        return signIn(fresh, auth, "anthropic", { grant: quickGrants.anthropic });
      },
    };
    const answers = await Promise.all([1, 2, 3].map(() => ask(auth, "anthropic", hello, options)));
    assert.deepEqual([answers.length, asked, fresh.emulator.counters("anthropic").exchanges], [3, 1, 1]);
  });

  it("is not asked when a key wins, OAuth is off, or the network is down", async () => {
    await using fresh = await stage();
    const signInNever = { signIn: () => assert.fail("nobody is to be asked") };
    await ask(withKey(fresh, "codex"), "codex", hello, signInNever);
    const error = await refusalOf(fresh, ask(fresh.auth(), "codex", hello, signInNever));
    assert.deepEqual([error.code, error.exitCode], ["oauth_disabled", 3]);
    const auth = await signedIn(fresh, "codex");
    fresh.emulator.expireAccess("codex");
    fresh.emulator.fault("codex", "refresh", { kind: "drop-connection" }, 5);
    const down = await refusalOf(fresh, ask(auth, "codex", hello, signInNever));
    assert.deepEqual([down.code, down.exitCode], ["network_broken", 5], "it is the network, not the login");
  });

  it("hears how the sign-in ended, and may be asked again", async () => {
    await using fresh = await stage();
    const auth = fresh.auth();
    await auth.account("qwen").enable();
    const refused = new Error("not now");
    await assert.rejects(
      ask(auth, "qwen", hello, { signIn: () => Promise.reject(refused) }),
      (error) => error === refused,
    );
    const again = { signIn: () => signIn(fresh, auth, "qwen", { grant: quickGrants.qwen }) };
    assert.equal((await ask(auth, "qwen", hello, again)).text, "You said: Hello there");
  });
});

describe("an account that is new", () => {
  it("is waited for at the provider's pace, and only as long as somebody waits", async () => {
    await using fresh = await stage();
    const auth = await signedIn(fresh, "gemini");
    const begun = performance.now();
    const signal = AbortSignal.timeout(200);
    await assert.rejects(ask(auth, "gemini", hello, { signal }), { name: "TimeoutError" });
    assert.ok(performance.now() - begun < 900);
    assert.equal(apiRequests(fresh, "gemini").length, 2, "looked up, begun, and not asked about yet");
    assert.equal((await ask(auth, "gemini", hello)).text, "You said: Hello there");
  });
});

describe("the project that the environment names", () => {
  it("is where the question is asked", async () => {
    for (const environment of [
      { GOOGLE_CLOUD_PROJECT: " ", GOOGLE_CLOUD_PROJECT_ID: "my-project" },
      { GOOGLE_CLOUD_PROJECT: "my-project", GOOGLE_CLOUD_PROJECT_ID: "other" },
    ]) {
      const auth = await signedIn(world, "gemini", { host: { environment } });
      await ask(auth, "gemini", hello);
      const body = JSON.parse(apiRequests(world, "gemini").at(-2)?.body ?? "{}") as Record<string, unknown>;
      assert.equal(body["cloudaicompanionProject"], "my-project");
    }
  });

  it("is enough where the account may not be looked up", async () => {
    const host = { environment: { GOOGLE_CLOUD_PROJECT: "my-project" } };
    const auth = await signedIn(world, "gemini", { host });
    const body = JSON.stringify({ error: { code: 403, details: [{ reason: "SECURITY_POLICY_VIOLATED" }] } });
    world.emulator.fault("gemini", "api", { kind: "reply", status: 403, body });
    assert.equal((await ask(auth, "gemini", hello)).text, "You said: Hello there");
    world.emulator.fault("gemini", "api", { kind: "reply", status: 403, body: body.replace("SECURITY", "OTHER") });
    assert.equal((await refusalOf(world, ask(auth, "gemini", hello))).code, "api_forbidden");
  });

  it("is no number, and no concern of a key's", async () => {
    const host = { environment: { GOOGLE_CLOUD_PROJECT: "123456789" } };
    const error = await refusalOf(world, ask(await signedIn(world, "gemini", { host }), "gemini", hello));
    assert.deepEqual([error.code, error.exitCode], ["project_needed", 6]);
    assert.match(error.message, /GOOGLE_CLOUD_PROJECT holds its number/);
    const keys = { provider: "gemini", flags: { key: world.emulator.apiKeys.gemini } };
    assert.equal((await ask(world.auth({ host, keys }), "gemini", hello)).text, "You said: Hello there");
  });
});

it("asks nothing with nothing", async () => {
  await assert.rejects(ask(world.auth(), "codex", []), { name: "TypeError", code: "ERR_INVALID_ARG_VALUE" });
});
