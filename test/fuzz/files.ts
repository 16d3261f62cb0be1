// Targets: files that people, other programs and broken disks write. What cannot be read stays on the disk to the byte, and
// what we do not know in what can be read stays as well.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { AuthError } from "../../machines/errors.ts";
import { restorable } from "../../machines/migrations.ts";
import { realHost } from "../../runtime/host.ts";
import { quickToken } from "../../runtime/quick-token.ts";
import { clientOf } from "../../runtime/registration.ts";
import { placeIn } from "../../runtime/settings/keys.ts";
import { readProfile, writeProfile } from "../../runtime/settings/profiles.ts";
import { readSettings, writeEnabled } from "../../runtime/settings/settings.ts";
import { type ProviderTable, providerTable } from "../../runtime/settings/table.ts";
import { keyAt } from "../../runtime/sources.ts";
import { factsOf, type StoredCredential } from "../../runtime/store/codec.ts";
import { createStore } from "../../runtime/store/store.ts";
import { authorizeUrl, type Client, codeRequest, deviceRequest, refreshRequest } from "../../runtime/wire/request.ts";
import { Secret } from "../../runtime/secret.ts";
import { providers } from "../../providers/index.ts";
import { input as machineInput } from "../machines/examples.ts";
import { live } from "../machines/living.ts";
import { endpointsOf } from "../runtime/wire/sample.ts";
import type { Ground } from "./disk.ts";
import { type HostileObject, mutantsOf, objectsLike, type Template } from "./hostile.ts";
import { secretOf } from "./marks.ts";
import seeds from "./seeds.json" with { type: "json" };
import { target, type Target } from "./target.ts";

const now = Date.UTC(2026, 10, 23);
const name = { provider: "codex", account: "default" };

interface File {
  readonly bytes: Buffer;
  readonly isIntact: boolean;
}

const asFile = ({ text, isIntact }: HostileObject): File => ({ bytes: Buffer.from(text), isIntact });
const asMutant = (bytes: Buffer): File => ({ bytes, isIntact: false });

/** Members as JSON.parse has them; null: it is no object. */
function membersOf(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** All names of members, at any depth: they may be told in a message about them. */
function namesIn(bytes: Uint8Array): string[] {
  const found: string[] = [];
  const rest: unknown[] = [membersOf(bytes)];
  while (rest.length > 0) {
    const one = rest.pop();
    if (typeof one !== "object" || one === null) continue;
    found.push(...Object.keys(one));
    rest.push(...Object.values(one));
  }
  return found;
}

/** Everything but these members is what it was. */
function keepsTheRest(before: Uint8Array, after: Uint8Array | null, ours: readonly string[]): void {
  const [then, since] = [membersOf(before), membersOf(after ?? Buffer.alloc(0))];
  assert.ok(then !== null && since !== null, "it is an object before and afterwards");
  for (const member of Object.keys(then)) {
    if (ours.includes(member)) continue;
    assert.ok(Object.hasOwn(since, member), `${member} is gone`);
    // As JSON has it: there, zero has no sign.
    assert.equal(jsonOf(since, member), jsonOf(then, member), member);
  }
}

const jsonOf = (all: object, member: string): string | undefined =>
  JSON.stringify(Object.getOwnPropertyDescriptor(all, member)?.value);

function isUnchanged(ground: Ground, path: string, bytes: Buffer): void {
  assert.ok(ground.content(path)?.equals(bytes) === true, "the file is not what it was");
}

const snapshot = {
  schema: 1,
  machine: "credential",
  version: 1,
  saved_at: 1_795_000_000,
  state: { status: "active", value: "authenticated", context: {}, children: {}, historyValue: {} },
};

const ours = {
  schema: 1,
  lineage: "AAAAAAAAAAAAAAAAAAAAAA",
  generation: 3,
  issuer: "auth.openai.com",
  client_id: "client-1",
  identity: "me@example.com",
  obtained_at: 1_795_000_000,
  verified_at: null,
  refused: null,
  retry: { at: 1_795_000_060, code: "server_error", failures: 2, since: 1_795_000_000 },
  taken_over: "AAAAAAAAAAAAAAAAAAAAAA",
  snapshot,
};

const tokenTemplate: Template = {
  open: {
    expiry: 1_895_000_000,
    token_type: "Bearer",
    scope: "a b",
    account_id: "acct-1",
    resource_url: "portal.qwen.ai",
  },
  hidden: {
    access_token: secretOf("access"),
    refresh_token: secretOf("refresh"),
    id_token: secretOf("id"),
    theirs: { keep: [1, { "": null }] },
  },
};

const ownPart = objectsLike({ open: ours, hidden: { later: secretOf("later") } });

/** A whole token file: hostile members of its own, and hostile members in our part. */
const tokenFiles: fc.Arbitrary<File> = fc
  .tuple(objectsLike(tokenTemplate), fc.option(ownPart, { nil: null }))
  .map(([file, own]) => {
    const text =
      own === null || !file.text.endsWith("}") ? file.text : `${file.text.slice(0, -1)},"llxprt_auth":${own.text}}`;
    return { bytes: Buffer.from(text), isIntact: file.isIntact && (own === null || own.isIntact) };
  });

const goodTokens = JSON.stringify({ ...tokenTemplate.open, ...tokenTemplate.hidden, llxprt_auth: ours });

const ownMembers = [
  "access_token",
  "refresh_token",
  "expiry",
  "token_type",
  "scope",
  "id_token",
  "account_id",
  "resource_url",
  "llxprt_auth",
];

/** Read, read the short way, changed in our part alone, read again. */
const tokenFile = target<File>({
  name: "token file",
  share: 14,
  inputs: { structured: tokenFiles, bytes: mutantsOf([goodTokens, ...seeds.tokenFiles]).map(asMutant) },
  sizeOf: ({ bytes }) => bytes.length,
  bounds: { opened: 8, readBytes: [4, 100], changed: 16, answer: [6, 3_000] },
  make: ({ bytes }, ground) => {
    ground.plant(ground.paths.tokenFile(name), bytes);
    const store = createStore(ground.paths, () => now);
    const stored = store.read(name);
    const quick = attempted(() =>
      quickToken({
        provider: name.provider,
        account: undefined,
        home: ground.paths.home,
        minTtlMs: undefined,
        environment: {},
      }),
    );
    const written = attempted(() =>
      store.write(name, (current) => (current === null ? null : { ...current, verifiedAt: now })),
    );
    const facts = stored.kind === "stored" ? factsOf(stored.credential) : null;
    const credential = stored.kind === "stored" ? carried(stored.credential) : null;
    const outcome = {
      kind: stored.kind,
      credential,
      error: stored.kind === "unreadable" ? stored.error : null,
      facts,
      quick,
      written: written instanceof AuthError ? written : null,
    };
    return { outcome, open: [facts, ...Object.values(credential ?? {}).filter((value) => !(value instanceof Secret))] };
  },
  check: ({ bytes, isIntact }, made, ground) => {
    assert.ok(!(made instanceof AuthError), "reading says what is there, and throws nothing");
    const path = ground.paths.tokenFile(name);
    const { kind, credential, quick, written } = made.outcome as {
      kind: string;
      credential: StoredCredential | null;
      quick: unknown;
      written: unknown;
    };
    if (isIntact) assert.equal(kind, "stored", "a token file by the book is read");
    if (credential === null) {
      assert.ok(written instanceof AuthError, "what cannot be read is not written over");
      isUnchanged(ground, path, bytes);
      assert.ok(quick === null || quick instanceof AuthError);
      return;
    }
    assert.equal(written, null, "what can be read can be written");
    const after = createStore(ground.paths, () => now).read(name);
    assert.ok(after.kind === "stored");
    assert.ok(after.credential.accessToken.matches(credential.accessToken));
    assert.equal(after.credential.refreshToken?.reveal(), credential.refreshToken?.reveal());
    if (!credential.newer) {
      assert.equal(after.credential.lineage, credential.lineage);
      assert.ok(after.credential.generation === credential.generation, "a generation never goes back");
    }
    assert.ok([credential.expiresAt, credential.obtainedAt].every((at) => !Number.isNaN(new Date(at).getTime())));
    keepsTheRest(withoutMark(bytes), ground.content(path), ownMembers);
    // T26: printed without a further look, so only what may be printed.
    if (quick instanceof Secret)
      assert.match(quick.reveal(), /^[\x20-\x7e]+$/, "a token that could do something to a terminal");
  },
});

/** Without what is only kept as it is: it may hold another program's secrets, and is shown nowhere. */
function carried({ rest: _rest, ownRest: _ownRest, snapshot: _snapshot, ...credential }: StoredCredential): object {
  return credential;
}

function attempted<Value>(work: () => Value): Value | AuthError {
  try {
    return work();
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

const withoutMark = (bytes: Buffer): Buffer =>
  bytes.subarray(0, 3).toString("hex") === "efbbbf" ? bytes.subarray(3) : bytes;

/** A saved machine: whatever it is, at most a settled state comes back, and nothing begins but looking. */
const saved = target<File>({
  name: "snapshot",
  share: 6,
  inputs: {
    structured: objectsLike({ open: snapshot, hidden: { later: secretOf("later") } }).map(asFile),
    bytes: mutantsOf([
      JSON.stringify(snapshot),
      ...seeds.tokenFiles.map((text) =>
        JSON.stringify((JSON.parse(text) as { llxprt_auth: { snapshot: unknown } }).llxprt_auth.snapshot),
      ),
    ]).map(asMutant),
  },
  sizeOf: ({ bytes }) => bytes.length,
  make: ({ bytes }) => {
    const found = restorable(membersOf(bytes), machineInput);
    if (found === null) return { outcome: { kind: "dropped" } };
    using living = live({ snapshot: found });
    const before = living.actor.getSnapshot();
    living.actor.send({ type: "system.resumed" });
    const { value, context, status } = living.actor.getSnapshot();
    return {
      outcome: {
        kind: "restored",
        before: before.value,
        value,
        context,
        status,
        begun: living.started.map(({ effect }) => effect),
      },
    };
  },
  check: ({ isIntact }, made) => {
    assert.ok(!(made instanceof AuthError));
    const { kind, before, status, begun } = made.outcome as {
      kind: string;
      before: unknown;
      status: string;
      begun: readonly string[];
    };
    if (isIntact) assert.equal(kind, "restored");
    if (kind === "dropped") return;
    assert.match(String(before), /^(disabled|idle|authenticated|backingOff|expired|blocked)$/);
    assert.equal(status, "active");
    assert.deepEqual(
      begun.filter((effect) => effect !== "storeWatch" && effect !== "alarm"),
      ["survey"],
    );
  },
});

const own = {
  clientId: "client-9",
  tokenEndpoint: "https://id.acme.example/token",
  authorizationEndpoint: "https://id.acme.example/authorize",
  scopes: ["openid", "offline_access"],
  grants: ["loopback", "device"],
  deviceAuthorizationEndpoint: "https://id.acme.example/device",
  api: {
    base: "https://api.acme.example/v1",
    protocol: "chat-completions",
    model: "m",
    credentialHeader: "authorization",
    headers: { "x-client": "y" },
    accountHeader: null,
    verifyUrl: null,
    resourcePath: null,
  },
  loopback: { host: "127.0.0.1", path: "/callback", ports: [0x1234] },
};

const entries = objectsLike({ open: own, hidden: { "auth-key": secretOf("key") } });
const overrides = objectsLike({
  open: { title: "Other", loopback: { ports: [1455] }, "auth-keyfile": null },
  hidden: { "auth-key": secretOf("key") },
});

const settingsFiles: fc.Arbitrary<File> = fc
  .tuple(
    objectsLike({
      open: { oauthEnabledProviders: { codex: true, acme: false } },
      hidden: { theme: secretOf("theme"), profile: null },
    }),
    entries,
    overrides,
    fc.boolean(),
  )
  .map(([file, entry, over, isWhole]) => ({
    bytes: Buffer.from(
      !isWhole || !file.text.endsWith("}")
        ? file.text
        : `${file.text.slice(0, -1)},"providers":{"acme":${entry.text},"codex":${over.text}}}`,
    ),
    isIntact: file.isIntact && (!isWhole || (entry.isExact && over.isExact)),
  }));

const goodSettings = JSON.stringify({
  oauthEnabledProviders: { codex: true },
  theme: secretOf("theme"),
  providers: { acme: { ...own, "auth-key": secretOf("key") }, codex: { "auth-key": secretOf("key") } },
});

/** Everything that a provider of somebody's making is used for without a server. */
function used(table: ProviderTable): readonly string[] {
  return [...table.values()]
    .filter((provider) => !Object.values<unknown>(providers).includes(provider))
    .map((provider) => {
      const values = {
        endpoints: endpointsOf(provider),
        client: { id: "c", secret: null },
        redirectUri: "http://127.0.0.1:1/callback",
        requestId: "r",
      };
      const verifier = new Secret("code_verifier", "v".repeat(43));
      const state = new Secret("state", "s");
      for (const make of [
        () => authorizeUrl(provider, { ...values, state, verifier, nonce: null }),
        () => codeRequest(provider, { ...values, state, verifier, code: new Secret("authorization_code", "c") }),
        () => refreshRequest(provider, { ...values, refreshToken: new Secret("refresh_token", "r"), scope: null }),
        () => deviceRequest(provider, { ...values, verifier }),
        () => new URL(`http://127.0.0.1:1${provider.loopback?.path ?? "/"}`),
        () => (provider.api === null ? null : new Headers(Object.entries(provider.api.headers))),
        () => (provider.api?.accountHeader == null ? null : new Headers([[provider.api.accountHeader, "a"]])),
      ])
        attempted<unknown>(make);
      return provider.name;
    });
}

const settings = target<File>({
  name: "settings",
  share: 12,
  inputs: { structured: settingsFiles, bytes: mutantsOf([goodSettings, ...seeds.settings]).map(asMutant) },
  sizeOf: ({ bytes }) => bytes.length,
  bounds: { opened: 6, readBytes: [4, 100], changed: 8, answer: [2, 2_000] },
  make: ({ bytes }, ground) => {
    ground.plant(ground.paths.settings, bytes);
    const found = readSettings(ground.paths);
    const table = attempted(() => providerTable(found, ground.paths.settings, new Set(["status"])));
    const places = Object.entries(found.providers).map(([provider, entry]) =>
      attempted(() => placeIn(entry, `providers.${provider}`)),
    );
    const names = table instanceof AuthError ? table : used(table);
    writeEnabled(ground.paths, "codex", false);
    return {
      outcome: { kind: table instanceof AuthError ? table.code : "read", places, names },
      open: [names, ...namesIn(bytes)],
    };
  },
  check: ({ bytes, isIntact }, made, ground) => {
    if (made instanceof AuthError) {
      assert.ok(!isIntact, `settings by the book are read: ${made.message}`);
      isUnchanged(ground, ground.paths.settings, bytes);
      return;
    }
    const after = ground.content(ground.paths.settings);
    keepsTheRest(withoutMark(bytes), after, ["oauthEnabledProviders"]);
    assert.equal(readSettings(ground.paths).enabled["codex"], false);
  },
});

const profileTemplate: Template = {
  open: { version: 1, provider: "codex", model: "m" },
  hidden: { ephemeralSettings: { "auth-key": secretOf("key"), "context-limit": 5 }, notes: secretOf("notes") },
};

const profile = target<File>({
  name: "profile",
  share: 6,
  inputs: {
    structured: objectsLike(profileTemplate).map(asFile),
    bytes: mutantsOf([JSON.stringify({ ...profileTemplate.open, ...profileTemplate.hidden })]).map(asMutant),
  },
  sizeOf: ({ bytes }) => bytes.length,
  bounds: { opened: 6, readBytes: [4, 100], changed: 8, answer: [2, 2_000] },
  make: ({ bytes }, ground) => {
    ground.plant(`${ground.paths.profiles}/work.json`, bytes);
    const found = readProfile(ground.paths, "work");
    writeProfile(ground.paths, found);
    return { outcome: found, open: [found.provider] };
  },
  check: ({ bytes, isIntact }, made, ground) => {
    const path = `${ground.paths.profiles}/work.json`;
    if (made instanceof AuthError) {
      assert.ok(!isIntact);
      isUnchanged(ground, path, bytes);
      return;
    }
    keepsTheRest(withoutMark(bytes), ground.content(path), ["provider", "version", "ephemeralSettings"]);
    assert.deepEqual(readProfile(ground.paths, "work"), made.outcome);
  },
});

const host = (ground: Ground) => ({
  ...realHost({ home: ground.paths.home }),
  userHome: ground.userHome,
  environment: {},
});

const clientTemplate: Template = { open: { client_id: "client-1" }, hidden: { client_secret: secretOf("client") } };

/** As vendors' consoles give it, and flat. */
const clientFiles: fc.Arbitrary<File> = fc
  .tuple(objectsLike(clientTemplate), fc.boolean())
  .map(([client, isFlat]) => asFile(isFlat ? client : { ...client, text: `{"installed":${client.text}}` }));

/** The two files that settings name: a key, and an OAuth client of the person's own. */
const named = target<File>({
  name: "key and client files",
  share: 6,
  inputs: { structured: clientFiles, bytes: mutantsOf([`${secretOf("key")}\n`, ...seeds.clients]).map(asMutant) },
  sizeOf: ({ bytes }) => bytes.length,
  bounds: { opened: 3, readBytes: [2, 100], changed: 0 },
  make: ({ bytes }, ground) => {
    const path = `${ground.paths.home}/named`;
    ground.plant(path, bytes);
    const key = attempted(() => keyAt({ keyFile: path }, "codex", ground.userHome));
    const client = attempted(() => clientOf({ ...providers.gemini, clientFile: path }, host(ground)));
    return {
      outcome: { kind: client instanceof AuthError ? client.code : "client", key, client },
      open: client instanceof AuthError ? [client.message] : [client.id],
    };
  },
  check: ({ bytes, isIntact }, made, ground) => {
    assert.ok(!(made instanceof AuthError));
    const { kind, client } = made.outcome as { kind: string; client: Client | AuthError };
    if (isIntact) assert.equal(kind, "client");
    if (!(client instanceof AuthError)) assert.ok(typeof client.id === "string" && client.secret instanceof Secret);
    isUnchanged(ground, `${ground.paths.home}/named`, bytes);
  },
});

export const files: readonly Target[] = [tokenFile, saved, settings, profile, named];
