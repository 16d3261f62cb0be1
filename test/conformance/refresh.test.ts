// Refresh tokens, and where access tokens go: presented once, kept when none comes, never sent elsewhere (RFC 6749 6, 10;
// RFC 9700 4.14; RFC 6750).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { after } from "node:test";
import { text } from "node:stream/consumers";
import * as fc from "fast-check";
import { type ProviderName, providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { ask, type Auth } from "../../runtime/index.ts";
import { Secret } from "../../runtime/secret.ts";
import { checkProvider } from "../../runtime/settings/schema.ts";
import { refreshRequest, userinfoRequest } from "../../runtime/wire/request.ts";
import { commandLine } from "../cli/program.ts";
import { acme, client, endpointsOf } from "../runtime/wire/sample.ts";
import { canaries } from "../support/canary.ts";
import { modeOf } from "../support/home.ts";
import { edit, presented } from "../support/spending.ts";
import { codeOf, type Stage, stage } from "../support/stage.ts";
import { type Call, canTrace, tracedTogether } from "../support/trace.ts";
import { captured, fieldsOf, names, signedIn, staged } from "./captured.ts";
import { rule } from "./rule.ts";

/** Does it for every vendor at once: one of them has a sign-in that takes its time. */
const forAll = (work: (name: ProviderName) => Promise<void>) => Promise.all(names.map(work));
const seconds = (): number => Math.floor(Date.now() / 1000);

let everybody: Promise<Stage> | null = null;
after(async () => {
  await (await everybody?.catch(() => null))?.[Symbol.asyncDispose]();
});

/** A home in which everybody is signed in: for rules that end no login. */
async function everyone(): Promise<Stage> {
  everybody ??= staged((s) => forAll(async (name) => (await signedIn(s, name)).close()));
  return everybody;
}

/** A runtime in that home, for a token that has so many seconds left. */
function withLeft(s: Stage, name: ProviderName, leftS: number): Auth {
  edit(s.home, name, { expiry: seconds() + leftS });
  return s.auth();
}

async function tokenOf(auth: Auth, name: ProviderName, minTtlMs?: number): Promise<string> {
  return (await auth.account(name).token(minTtlMs === undefined ? {} : { minTtlMs })).secret.reveal();
}

async function refreshed(auth: Auth, name: ProviderName): Promise<string> {
  await auth.account(name).refresh({ force: true });
  return tokenOf(auth, name);
}

rule(
  { id: "F01", source: "RFC 6749 6", says: "a refresh asks for no more than was granted" },
  {
    holds: {
      "every vendor's, as it came in, asks for nothing": async () => {
        const seen = await captured(["refresh"]);
        assert.deepEqual(new Set(seen.map(({ provider }) => provider)), new Set(names));
        for (const request of seen) assert.ok(!("scope" in fieldsOf(request)));
      },
      "where a vendor wants the scope, it is the one in the file": async () => {
        await using s = await stage({ providers: { anthropic: { refreshScope: "granted" } } });
        await (await signedIn(s, "anthropic")).close();
        const { scope } = s.home.tokens("anthropic");
        s.point({ anthropic: { refreshScope: "granted", scopes: [...scope.split(" "), "more:of-it"] } });
        await s.auth().account("anthropic").token();
        const asked = s.emulator.requests.find(({ endpoint }) => endpoint === "refresh");
        assert.equal(asked?.status, 200, "the emulator refuses more than was granted");
        assert.equal(fieldsOf(asked)["scope"], scope);
      },
    },
    refuses: {
      "a scope that nobody granted, whatever the provider's data asks for": () => {
        const scopes = fc.option(fc.string({ unit: fc.constantFrom("a", "b", ":", " "), minLength: 1 }));
        fc.assert(
          fc.property(scopes, fc.constantFrom<Provider["refreshScope"]>("none", "granted"), (scope, refreshScope) => {
            const made = refreshRequest(
              { ...acme, refreshScope, scopes: ["everything"] },
              { endpoints: endpointsOf(acme), client, refreshToken: new Secret("refresh_token", "rt"), scope },
            );
            const sent = new URLSearchParams(made.body ?? "").get("scope");
            assert.equal(sent, refreshScope === "granted" ? scope : null);
          }),
        );
      },
    },
  },
);

const isSync = ({ name }: Call): boolean => name === "fsync" || name === "fdatasync";

/** Where these happen, in the order of the system; -1: it does not. */
function order(
  calls: readonly Call[],
  file: string,
): Readonly<Record<"stored" | "named" | "lasting" | "told", number>> {
  const at = (fits: (call: Call) => boolean, from = 0): number =>
    calls.findIndex((call, index) => index >= from && fits(call));
  // The reply, over the room that was made for it: from here on it outlives everything.
  const connected = at(({ name, told }) => name === "connect" && /AF_INET6?/.test(told));
  const stored = at((call) => isSync(call) && call.path.endsWith(".next"), connected);
  const named = at((call) => call.name.startsWith("rename") && call.told.includes(`, "${file}"`), stored);
  const lasting = at((call) => isSync(call) && call.path === dirname(file), named);
  const told = at(({ name, told: what }) => name === "write" && what.startsWith("1<"));
  return { stored, named, lasting, told };
}

rule(
  {
    id: "F02",
    source: "RFC 6749 6",
    says: "the new refresh token is on the disk before the access token that came with it is handed out, and takes the old one's place",
  },
  {
    holds: {
      "`token`, as the system saw it and its refresher: the reply is made to last, then comes standard output":
        async () => {
          if (!canTrace) return;
          await using s = await stage();
          await (await signedIn(s, "anthropic")).close();
          const file = s.home.file("anthropic");
          const { code, stdout, calls } = await tracedTogether(
            [...commandLine, "anthropic", "token", "--home", s.home.paths.home],
            { PATH: process.env["PATH"], HOME: s.home.userHome },
          );
          assert.deepEqual([code, stdout.trim()], [0, s.home.tokens("anthropic")["access_token"]]);
          const { stored, named, lasting, told } = order(calls, file);
          const seen = `${stored} ${named} ${lasting} ${told}`;
          assert.ok(0 <= stored && stored < told, seen);
          assert.ok(stored < named && named < lasting, seen);
        },
    },
    refuses: {
      "to spend a refresh token whose successor could not be stored": async () => {
        await using s = await stage();
        await (await signedIn(s, "anthropic")).close();
        const { status, stdout, stderr } = await limited(s, 8, "anthropic", "token");
        assert.deepEqual([status, stdout], [6, ""]);
        assert.match(stderr, /could not be written/);
        assert.equal(presented(s, "anthropic"), 0);
        assert.equal((await s.auth().account("anthropic").token()).shortLived, false);
        assert.deepEqual([presented(s, "anthropic"), s.emulator.counters("anthropic").reuses], [1, 0]);
      },
    },
    also: [
      { file: "test/cli/order.test.ts", words: "makes everything last in its order" },
      { file: "test/cli/full-disk.test.ts", words: "is found out before anything is spent" },
    ],
  },
);

/** Runs a command to which no file may become larger than so many KiB. */
async function limited({ home }: Stage, kib: number, ...words: readonly string[]) {
  const line = ["-c", `ulimit -f ${kib}; exec "$@"`, "bash", ...commandLine, ...words, "--home", home.paths.home];
  const env = { PATH: process.env["PATH"], HOME: home.userHome };
  const child = spawn("bash", line, { env, stdio: ["ignore", "pipe", "pipe"] });
  const [[status], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { status: status as number | null, stdout, stderr };
}

rule(
  { id: "F03", source: "RFC 6749 6", says: "when no new refresh token comes, the one that is there stays" },
  {
    holds: {
      "gemini, which sends none: the same one goes on being good": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "gemini");
        const { refresh_token: first } = s.home.tokens("gemini");
        const access = new Set<string>();
        for (let times = 0; times < 3; times += 1) access.add(await refreshed(auth, "gemini"));
        assert.equal(access.size, 3);
        assert.equal(s.home.tokens("gemini")["refresh_token"], first);
        assert.equal(s.emulator.counters("gemini").refreshes, 3);
      },
    },
    refuses: {
      "to let null or an empty text stand for one": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "gemini");
        const { refresh_token: first } = s.home.tokens("gemini");
        for (const refresh_token of [null, "", undefined]) {
          s.emulator.fault("gemini", "refresh", { kind: "rewrite", members: { refresh_token } });
          await refreshed(auth, "gemini");
          assert.equal(s.home.tokens("gemini")["refresh_token"], first);
        }
      },
      "to keep the old one when a new one came": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "anthropic");
        const { refresh_token: first } = s.home.tokens("anthropic");
        await refreshed(auth, "anthropic");
        assert.notEqual(s.home.tokens("anthropic")["refresh_token"], first);
      },
    },
  },
);

rule(
  {
    id: "F04",
    source: "RFC 9700 4.14.2",
    says: "a refresh token that was exchanged is not presented again",
  },
  {
    holds: {
      "six at once, five times over: five presentations, each of a token that was never presented before": async () => {
        await using s = await stage();
        await (await signedIn(s, "anthropic")).close();
        for (let round = 1; round <= 5; round += 1) {
          edit(s.home, "anthropic", { expiry: seconds() - 5 });
          const auths = Array.from({ length: 6 }, () => s.auth());
          const tokens = await Promise.all(auths.map(async (auth) => (await auth.account("anthropic").token()).secret));
          assert.equal(new Set(tokens.map((secret) => secret.reveal())).size, 1);
          await Promise.all(auths.map((auth) => auth.close()));
        }
        const presentations = s.emulator.presentations();
        assert.ok(presentations.every(({ worth }) => worth === "current"));
        assert.deepEqual(
          presentations.map(({ generation }) => generation),
          Array.from({ length: 5 }, (_, generation) => generation),
        );
      },
    },
    refuses: {
      "it after a reply that got lost, for as long as the access token serves": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "anthropic", 600);
        const before = s.home.tokens("anthropic")["access_token"];
        s.emulator.fault("anthropic", "refresh", { kind: "drop-reply" });
        for (const one of [auth, auth, s.auth()]) assert.equal(await tokenOf(one, "anthropic", 900_000), before);
        for (const passedS of [40, 200, 500]) {
          s.home.ahead = passedS * 1000;
          assert.equal(await tokenOf(s.auth(), "anthropic", 900_000), before);
        }
        assert.equal(presented(s, "anthropic"), 1);
        assert.equal(s.emulator.counters("anthropic").reuses, 0);
      },
    },
    also: [
      { file: "test/battery/killing.ts", words: "refresh tokens were presented twice" },
      { file: "test/battery/contention.ts", words: "refresh tokens were presented twice" },
      { file: "test/model/invariants.ts", words: "A refresh token is presented once without doubt" },
    ],
  },
);

rule(
  {
    id: "F05",
    source: "RFC 9700 4.14.2",
    says: "when the server has ended the login, a sign-in is needed, and nobody asks again",
  },
  {
    holds: {
      "every vendor's way of saying so, after one request: exit 3, and the command that helps": async () => {
        await using s = await stage();
        await forAll(async (name) => {
          const auth = await signedIn(s, name);
          s.emulator.revokeAll(name);
          const next = `llxprt-auth ${name} login`;
          await assert.rejects(auth.account(name).token(), { code: "refresh_refused", exitCode: 3, next });
          assert.equal(presented(s, name), 1);
        });
      },
      "a family that was revoked because a spent token came back": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "anthropic");
        const { refresh_token: stolen } = s.home.tokens("anthropic");
        await refreshed(auth, "anthropic");
        const body = JSON.stringify({
          grant_type: "refresh_token",
          refresh_token: stolen,
          client_id: providers.anthropic.clientId,
        });
        const headers = { "content-type": "application/json" };
        const reply = await fetch(`${s.emulator.url}/v1/oauth/token`, { method: "POST", headers, body });
        assert.equal(reply.status, 400);
        assert.equal(s.emulator.counters("anthropic").revokedFamilies, 1);
        assert.equal(await codeOf(auth.account("anthropic").refresh({ force: true })), "refresh_refused");
        assert.equal(auth.account("anthropic").status().row.nextCommand, "llxprt-auth anthropic login");
      },
    },
    refuses: {
      "a loop: nobody else asks either, and what is stored is not wiped": async () => {
        await using s = await stage();
        const auth = await signedIn(s, "codex");
        const before = s.home.tokens("codex");
        s.emulator.revokeAll("codex");
        for (const runtime of [auth, auth, s.auth(), s.auth()])
          assert.equal(await codeOf(runtime.account("codex").token()), "refresh_refused");
        assert.equal(presented(s, "codex"), 1);
        assert.equal(s.home.tokens("codex")["refresh_token"], before["refresh_token"]);
      },
    },
    also: [{ file: "test/runtime/issuer.test.ts", words: "somebody else presented the old token" }],
  },
);

rule(
  {
    id: "F06",
    source: "RFC 6749 10.4",
    says: "a refresh token goes to the server that issued it, and for the client that it was issued to",
  },
  {
    holds: {
      "every refresh of every vendor went to its token endpoint": async () => {
        for (const name of names)
          for (const { path } of await captured(["refresh"], name))
            assert.equal(path, new URL(providers[name].tokenEndpoint).pathname);
      },
    },
    refuses: {
      "settings that name another host, or another client: no request, exit 6": async () => {
        await using s = await stage();
        await using other = await stage();
        await (await signedIn(s, "anthropic")).close();
        for (const changes of [
          { tokenEndpoint: `${other.emulator.url}/v1/oauth/token` },
          { clientId: "another-client" },
          { issuer: other.emulator.url, tokenEndpoint: null },
        ]) {
          s.point({ anthropic: changes });
          const account = s.auth().account("anthropic");
          for (const work of [() => account.token(), () => account.refresh({ force: true })])
            await assert.rejects(work, { exitCode: 6 });
        }
        assert.equal(presented(s, "anthropic") + presented(other, "anthropic"), 0);
        assert.ok(other.emulator.requests.every(({ body, query }) => body + query === ""));
      },
      "a reply that steers it elsewhere": async () => {
        const s = await everyone();
        await using evil = await stage();
        const members = {
          resource_url: evil.emulator.url,
          token_endpoint: evil.emulator.url,
          issuer: evil.emulator.url,
        };
        s.emulator.fault("qwen", "refresh", { kind: "rewrite", members });
        const before = s.emulator.counters("qwen").refreshes;
        for (let times = 0; times < 3; times += 1) await refreshed(s.auth(), "qwen");
        assert.equal(s.emulator.counters("qwen").refreshes - before, 3);
        assert.equal(evil.emulator.requests.length, 0);
      },
    },
  },
);

const invalidGrant = JSON.stringify({
  error: "invalid_grant",
  error_description: "Token has been expired or revoked.",
});

rule(
  {
    id: "F07",
    source: "Draft 2.1, 4.3.3",
    says: "a refresh token that has expired for want of use is the end of the login, like one that was revoked",
  },
  {
    holds: {
      "as each vendor says it: exit 3, after one request": async () => {
        const said = {
          gemini: [400, invalidGrant],
          anthropic: [400, invalidGrant],
          codex: [401, JSON.stringify({ error: { code: "refresh_token_expired" } })],
          qwen: [400, JSON.stringify({ error: "invalid_request", error_description: "Invalid refresh token" })],
        } as const;
        await using s = await stage();
        await forAll(async (name) => {
          const [status, body] = said[name];
          const auth = await signedIn(s, name);
          s.emulator.fault(name, "refresh", { kind: "reply", status, body }, 9);
          for (const runtime of [auth, s.auth()])
            await assert.rejects(runtime.account(name).token(), { code: "refresh_refused", exitCode: 3 });
          assert.equal(presented(s, name), 1);
        });
      },
    },
    refuses: {
      "to read it into what only looks like it": async () => {
        const others = {
          gemini: [
            [500, invalidGrant],
            [429, invalidGrant],
            [400, "<h1>Token has been expired or revoked</h1>"],
          ],
          anthropic: [[400, JSON.stringify({ error_description: "invalid_grant: expired" })]],
          codex: [
            [401, "<html>refresh_token_expired</html>"],
            [400, JSON.stringify({ error: "token_expired" })],
          ],
          qwen: [[403, JSON.stringify({ error: "expired" })]],
        } as const;
        const s = await everyone();
        await forAll(async (name) => {
          const account = withLeft(s, name, -5).account(name);
          for (const [status, body] of others[name]) {
            s.emulator.fault(name, "refresh", { kind: "reply", status, body });
            await assert.rejects(account.refresh({ force: true }), { exitCode: 5 }, `${name} ${status}`);
            assert.equal((await account.refresh({ force: true })).row.state, "authenticated");
          }
        });
      },
    },
  },
);

rule(
  {
    id: "F08",
    source: "RFC 6749 10.3, 10.4; RFC 6750 5.3",
    says: "at rest tokens are in one file that only its owner can read; on the way they are in TLS (K02 to K04)",
  },
  {
    holds: {
      "whatever the umask: 0600 in folders of 0700, after sign-in and after refresh": async () => {
        const before = process.umask(0);
        try {
          for (const umask of [0, 0o022, 0o077, 0o777]) {
            await using s = await stage();
            process.umask(umask);
            const auth = await signedIn(s, "codex");
            for (const _ of ["signed in", "refreshed"]) {
              for (const path of s.home.files().filter((file) => file.startsWith(s.home.paths.oauth)))
                assert.equal(modeOf(path), "0600", path);
              for (const folder of [s.home.paths.oauth, s.home.paths.pending])
                if (existsSync(folder)) assert.equal(modeOf(folder), "0700", folder);
              await refreshed(auth, "codex");
            }
            process.umask(0);
          }
        } finally {
          process.umask(before);
        }
      },
    },
    refuses: {
      "to leave a copy anywhere else": async () => {
        const s = await everyone();
        await forAll(async (name) => void (await refreshed(s.auth(), name)));
        const files = new Set(names.map((name) => s.home.file(name)));
        const others = s.home.files().filter((path) => !files.has(path));
        assert.ok(others.some((path) => path.endsWith("journal.jsonl")));
        const texts = new Map(others.map((path) => [path, readFileSync(path, "latin1")]));
        const secrets = [...files].flatMap((path) => {
          const { access_token: access, refresh_token: refresh } = s.home.read(path);
          return [access as string, refresh as string];
        });
        assert.deepEqual(canaries(secrets, texts), []);
      },
      "a file that others can read (it is mended), a folder that others can write (it is not used)": async () => {
        await using s = await stage();
        await (await signedIn(s, "codex", 600)).close();
        chmodSync(s.home.file("codex"), 0o644);
        await s.auth().account("codex").token();
        assert.equal(modeOf(s.home.file("codex")), "0600");
        assert.ok(
          s.notices.some((notice) => /0600|others|readable/.test(notice)),
          s.notices.join(),
        );
        chmodSync(s.home.paths.oauth, 0o777);
        assert.equal(await codeOf(s.auth().account("codex").token()), "store_unsafe");
        assert.ok(statSync(s.home.file("codex")).isFile());
      },
    },
    also: [
      { file: "test/runtime/store.files.test.ts", words: "are 0600 and 0700 under umask" },
      { file: "test/canary/run.ts", words: "searches everything that was written or printed" },
    ],
  },
);

const paths = {
  gemini: [":loadCodeAssist", { metadata: {} }],
  anthropic: ["/v1/messages", { model: "m", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }],
  codex: ["/responses", { model: "m", instructions: "x", store: false, stream: true, input: "Hi" }],
  qwen: ["/chat/completions", { model: "m", messages: [{ role: "user", content: "Hi" }] }],
} as const satisfies Record<ProviderName, readonly [string, object]>;

/** A request that this vendor's API understands. */
function post(s: Stage, auth: Auth, name: ProviderName): Promise<Response> {
  const [path, body] = paths[name];
  const base = s.emulator.url + new URL(providers[name].api.base).pathname.replace(/\/$/, "");
  const headers = { "content-type": "application/json" };
  return auth.fetch(name)(base + path, { method: "POST", headers, body: JSON.stringify(body) });
}

rule(
  {
    id: "F09",
    source: "RFC 6750 2.3, RFC 9700 4.3.2",
    says: "a token travels in a header or a body, never in an address",
  },
  {
    holds: {
      "`ask` and `fetch` at every vendor, and who it is: in the header, and in no address that ever came in":
        async () => {
          const s = await everyone();
          await forAll(async (name) => {
            const auth = withLeft(s, name, 600);
            await ask(auth, name, [{ role: "user", text: "Hello" }]);
            await (await post(s, auth, name)).body?.cancel();
            const access = s.home.tokens(name)["access_token"] as string;
            const asked = s.emulator.requests.filter(
              ({ provider, endpoint }) => provider === name && endpoint === "api",
            );
            assert.ok(asked.length >= 2);
            for (const { headers } of asked) assert.equal(headers["authorization"], `Bearer ${access}`);
          });
          const addresses = s.emulator.requests.map(({ path, query }) => `${path}?${query}`).join("\n");
          assert.deepEqual(canaries(s.emulator.secrets(), new Map([["addresses", addresses]])), []);
        },
    },
    refuses: {
      "a setting that would put it there": () => {
        const api = providers.codex.api;
        assert.ok("provider" in checkProvider({ ...acme, api }));
        for (const credentialHeader of ["query", "access_token", "?access_token", ""])
          assert.ok("wrong" in checkProvider({ ...acme, api: { ...api, credentialHeader } }), credentialHeader);
      },
      "it beside a query of the endpoint's own": () => {
        const userinfo = "https://id.acme.example/me?access_token=&alt=json";
        const made = userinfoRequest(acme, {
          endpoints: { ...endpointsOf(acme), userinfo },
          accessToken: new Secret("access_token", "at-1"),
        });
        assert.deepEqual([made.url, made.headers["authorization"], made.body], [userinfo, "Bearer at-1", null]);
      },
    },
  },
);

/** One request to the API, and what came of it. */
async function counted(s: Stage, name: ProviderName) {
  const { api, refreshes } = s.emulator.counters(name);
  const response = await post(s, withLeft(s, name, 600), name);
  await response.body?.cancel();
  const now = s.emulator.counters(name);
  return { status: response.status, requests: now.api - api, refreshes: now.refreshes - refreshes };
}

rule(
  {
    id: "F10",
    source: "RFC 6750 3.1",
    says: "a token that the API calls invalid is renewed once and the request repeated once; one that lacks a scope is not",
  },
  {
    holds: {
      "401 at every vendor: one refresh, one repeat": async () => {
        const s = await everyone();
        await forAll(async (name) => {
          s.emulator.expireAccess(name);
          assert.deepEqual(await counted(s, name), { status: 200, requests: 2, refreshes: 1 }, name);
        });
      },
    },
    refuses: {
      "a second repeat": async () => {
        const s = await everyone();
        const body = JSON.stringify({ error: "invalid_token" });
        await forAll(async (name) => {
          s.emulator.fault(name, "api", { kind: "reply", status: 401, body }, 2);
          assert.deepEqual(await counted(s, name), { status: 401, requests: 2, refreshes: 1 }, name);
        });
      },
      "to renew for want of a scope: what was granted would not change": async () => {
        const s = await everyone();
        const body = JSON.stringify({ error: "insufficient_scope" });
        await forAll(async (name) => {
          s.emulator.fault(name, "api", { kind: "reply", status: 403, body });
          assert.deepEqual(await counted(s, name), { status: 403, requests: 1, refreshes: 0 }, name);
        });
      },
    },
    also: [{ file: "test/runtime/ask/fetch.test.ts", words: "is repeated once, body and all, after a 401" }],
  },
);
